package http

import (
	"bytes"
	"strings"

	"assay/ic/cdk/certified"
	"assay/ic/cdk/stable"
	"assay/ic/certificate/httpcert"
)

// Site is what a canister serves. It holds no data itself: content is in the map, which
// nothing else may use, hashes are in the tree. A full memory panics, which on a canister
// undoes the message; after an error nothing has changed.
type Site struct {
	store *stable.Map
	tree  *certified.Tree
}

// Open is the site in a map and a certified tree.
func Open(store *stable.Map, tree *certified.Tree) *Site { return &Site{store, tree} }

// Put sets an asset with its body, or replaces it. A body that comes in parts goes by
// [Site.Begin].
func (s *Site) Put(a Asset, body []byte) error {
	if err := a.check(); err != nil {
		return err
	}
	if a.Location != "" {
		if len(body) > 0 {
			return refuse("%s: a redirect has no body", a.Path)
		}
		r := &route{kind: kindStatic, asset: a}
		r.certify(emptyHash, nil)
		return s.replace(r)
	}
	if err := s.fits(a, int64(len(body))); err != nil {
		return err
	}
	u := s.newUpload(a)
	s.extend(u, body)
	return s.publish(u)
}

// PutUpgrade makes all requests to a path, or with below to a path and all below it, go
// by update calls. It replaces what is there.
func (s *Site) PutUpgrade(path string, below bool) error {
	return s.putDynamic(kindUpgrade, path, below)
}

// PutUncertified makes requests to a path, or with below to a path and all below it, be
// answered without a certificate. Whoever runs a node or a gateway can change such an
// answer. It replaces what is there.
func (s *Site) PutUncertified(path string, below bool) error {
	return s.putDynamic(kindUncertified, path, below)
}

func (s *Site) putDynamic(kind byte, path string, below bool) error {
	if err := checkPath(path, expressionPath(path, below)); err != nil {
		return err
	}
	s.Delete(path, below)
	r := &route{kind: kind, asset: Asset{Path: path, Below: below}}
	s.put(r.labels()[0])
	s.set(routeKey(r.asset.expressionPath(), ""), r.encode())
	return nil
}

// labels are the leaves of a route in the certified tree.
func (r *route) labels() (out [][][]byte) {
	p := r.asset.expressionPath()
	switch r.kind {
	case kindUpgrade:
		return [][][]byte{p.Labels(blocked[:])}
	case kindUncertified:
		return [][][]byte{p.Labels(skipped.label[:])}
	}
	for _, l := range r.leaves {
		out = append(out, l.labels(p))
	}
	return out
}

// replace stores a static route and its leaves in place of the variant that was there.
func (s *Site) replace(r *route) error {
	key := routeKey(r.asset.expressionPath(), r.asset.Encoding)
	for _, old := range s.variants(r.asset.expressionPath()) {
		if old.kind != kindStatic || r.asset.Location != "" || old.asset.Location != "" || old.asset.Encoding == r.asset.Encoding {
			s.remove(old)
		}
	}
	for _, labels := range r.labels() {
		s.put(labels)
	}
	s.set(key, r.encode())
	return nil
}

// Delete removes all variants of what stands at a path, and reports whether something did.
func (s *Site) Delete(path string, below bool) bool {
	all := s.variants(expressionPath(path, below))
	for _, r := range all {
		s.remove(r)
	}
	return len(all) > 0
}

func (s *Site) remove(r *route) {
	for _, labels := range r.labels() {
		s.tree.Delete(labels)
	}
	s.deleteBody(r.body, r.chunks())
	s.store.Delete(routeKey(r.asset.expressionPath(), r.asset.Encoding))
}

func (s *Site) deleteBody(body uint64, chunks uint32) {
	s.store.Delete(bodyKey('p', body))
	for i := range chunks {
		s.store.Delete(chunkKey(body, i))
	}
}

// Item is one variant of what stands at a path.
type Item struct {
	Asset
	Upgrade, Uncertified bool
	ETag                 string
	Length               int64 // bytes of the body
}

// List calls each with everything on the site, until it returns false.
func (s *Site) List(each func(Item) bool) {
	s.store.Scan([]byte("r"), func(key, value []byte) bool {
		if key[0] != 'r' {
			return false
		}
		r := decodeRoute(value)
		return each(Item{r.asset, r.kind == kindUpgrade, r.kind == kindUncertified, r.etag, r.length})
	})
}

// routeKey is also the beginning of all keys of a path for no encoding.
func routeKey(p httpcert.Path, encoding string) []byte {
	key := []byte("r$")
	if p[len(p)-1] == httpcert.Wildcard {
		key[1] = '*'
	}
	for _, label := range p[1 : len(p)-1] {
		key = append(append(key, '/'), label...)
	}
	return append(append(key, 0), encoding...)
}

// variants are the routes of an expression path.
func (s *Site) variants(p httpcert.Path) (out []*route) {
	prefix := routeKey(p, "")
	if len(prefix) > MaxPathBytes+4 {
		return nil
	}
	s.store.Scan(prefix, func(key, value []byte) bool {
		if !bytes.HasPrefix(key, prefix) {
			return false
		}
		out = append(out, decodeRoute(value))
		return true
	})
	return out
}

// choose is the variant that the client likes best, the shortest of equals; the first,
// which is the one without encoding if there is one, where it likes none.
func choose(all []*route, headers []Header) *route {
	best, most := all[0], 0
	for _, r := range all {
		n := acceptable(headers, strings.ToLower(r.asset.Encoding))
		if n > most || n == most && n > 0 && r.length < best.length {
			best, most = r, n
		}
	}
	return best
}

func (s *Site) set(key, value []byte) {
	if err := s.store.Put(key, value); err != nil {
		panic(err) // the memory is full
	}
}

func (s *Site) put(labels [][]byte) {
	if err := s.tree.Put(labels, nil); err != nil {
		panic(err) // the memory is full: checkPath has seen the labels
	}
}
