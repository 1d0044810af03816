package http

import (
	"strconv"

	"assay/ic/certificate/httpcert"
)

// Answer answers a request in a query: certificate is the system's, of the root that the
// tree has, nil where there is none. Uncertified answers requests to paths of
// [Site.PutUncertified]; nil: with 501.
func (s *Site) Answer(r Request, certificate []byte, uncertified func(Request) Response) Response {
	if answer, over := tooLarge(r); over {
		return answer
	}
	path, _, err := httpcert.SplitURL(r.URL)
	if err != nil {
		return plain(400, "bad URL")
	}
	before, all := s.match(path)
	if all == nil {
		return plain(404, "not found")
	}
	found := choose(all, r.Headers)
	switch {
	case found.kind == kindUpgrade:
		return Response{Upgrade: true}
	case found.kind == kindUncertified:
		return s.answerUncertified(r, found, certificate, before, uncertified)
	case r.Method != "GET" && r.Method != "HEAD" || len(r.Body) > 0:
		return Response{Upgrade: true}
	}
	what, chunk, ok := found.answers(r)
	if !ok {
		return Response{Upgrade: true}
	}
	answer := s.static(found, what, chunk)
	l, ok := found.find(what, chunk)
	if !ok {
		panic("http: a response was not certified") // answers and certify disagree
	}
	s.prove(&answer, found.asset.expressionPath(), l.labels(found.asset.expressionPath()), certificate, before)
	return answer
}

// match is what answers for a path, and the expression paths before it, where nothing is.
func (s *Site) match(path string) (before []httpcert.Path, all []*route) {
	candidates := httpcert.Candidates(path)
	for i, p := range candidates {
		if checkPath(path[:1], p) != nil {
			continue // nothing can be put there
		}
		if all := s.variants(p); all != nil {
			return candidates[:i], all
		}
	}
	return candidates, nil
}

// answers says which of its certified responses a static route gives to a GET or HEAD.
// False: none fits, an update call must answer.
func (r *route) answers(q Request) (what role, chunk uint32, ok bool) {
	if q.Method == "HEAD" {
		return roleHead, 0, true
	}
	if r.asset.Status == 200 && httpcert.Is(q.Headers, "if-none-match", r.etag) {
		return roleNotModified, 0, true
	}
	if !r.large() {
		return roleGet, 0, true
	}
	s, asked, satisfiable := rangeOf(q, r.etag, r.length)
	switch n := uint32(s.from / ChunkBytes); {
	case asked && satisfiable && httpcert.Is(q.Headers, "range", r.rangeFrom(n)):
		return roleRange, n, true
	case asked:
		return 0, 0, false
	case r.asset.Stream:
		return roleGet, 0, true
	}
	return roleFirst, 0, true
}

// static is a response of a route, without proof.
func (s *Site) static(r *route, what role, chunk uint32) Response {
	answer := Response{}
	answer.Status, answer.Headers = r.response(what, chunk)
	if r.asset.Location != "" || what == roleHead || what == roleNotModified {
		return answer
	}
	answer.Body = s.body(r.body, chunk)
	if what == roleGet && r.large() {
		answer.Next = &Token{r.body, 1}
	}
	return answer
}

// Stream is the chunk that a token names, and the token of the next one. False: there is
// no such chunk any more.
func (s *Site) Stream(t Token) (body []byte, next *Token, ok bool) {
	record, ok := s.store.Get(bodyKey('p', t.Body))
	if !ok {
		return nil, nil, false
	}
	chunks := newReader(record).number()
	if uint64(t.Chunk) >= chunks {
		return nil, nil, false
	}
	if uint64(t.Chunk)+1 < chunks {
		next = &Token{t.Body, t.Chunk + 1}
	}
	return s.body(t.Body, t.Chunk), next, true
}

func (s *Site) answerUncertified(r Request, found *route, certificate []byte, before []httpcert.Path, answer func(Request) Response) Response {
	if answer == nil {
		return plain(501, "nobody answers here")
	}
	out := answer(r)
	if out.Upgrade {
		return Response{Upgrade: true}
	}
	out.Headers = append(out.Headers, header(httpcert.ExpressionHeader, skipped.text))
	s.prove(&out, found.asset.expressionPath(), found.labels()[0], certificate, before)
	return out
}

// prove adds the certificate's header: the leaf is there, nothing is at the paths before.
func (s *Site) prove(answer *Response, path httpcert.Path, leaf [][]byte, certificate []byte, before []httpcert.Path) {
	if certificate == nil { // a replicated query: its answer is certified as a whole
		*answer = unproved(*answer)
		return
	}
	paths := [][][]byte{leaf}
	for _, p := range before {
		paths = append(paths, p.Labels())
	}
	witness, err := s.tree.Witness(paths...)
	if err != nil {
		*answer = plain(500, "no witness")
		return
	}
	proof := httpcert.Proof{Certificate: certificate, Tree: witness, Path: path}
	answer.Headers = append(answer.Headers, header(httpcert.CertificateHeader, proof.Header()))
}

// AnswerUpdate answers a request that was upgraded. Custom answers what no asset does;
// nil: with 405 where there is an asset for GET, with 404 elsewhere.
func (s *Site) AnswerUpdate(r Request, custom func(Request) Response) Response {
	if answer, over := tooLarge(r); over {
		return answer
	}
	path, _, err := httpcert.SplitURL(r.URL)
	if err != nil {
		return plain(400, "bad URL")
	}
	_, all := s.match(path)
	static := all != nil && all[0].kind == kindStatic
	switch {
	case static && r.Method == "GET" && len(r.Body) == 0:
		return s.whole(choose(all, r.Headers), r)
	case custom != nil:
		return custom(r)
	case static:
		answer := plain(405, "GET and HEAD alone")
		answer.Headers = append(answer.Headers, header("allow", "GET, HEAD"))
		return answer
	}
	return plain(404, "not found")
}

// whole is what a route answers where nothing needs a proof: any range, up to the size of
// a chunk.
func (s *Site) whole(r *route, q Request) Response {
	part, asked, satisfiable := rangeOf(q, r.etag, r.length)
	switch {
	case !asked || r.asset.Location != "" || r.asset.Status != 200:
		what, chunk, _ := r.answers(Request{Method: q.Method})
		return unproved(s.static(r, what, chunk))
	case !satisfiable:
		answer := plain(416, "range not satisfiable")
		answer.Headers = append(answer.Headers, header("content-range", "bytes */"+strconv.FormatInt(r.length, 10)))
		return answer
	}
	part.to = min(part.to, part.from+ChunkBytes)
	answer := Response{Status: 206, Headers: append([]Header(nil), r.asset.Headers...)}
	r.entity(part, 206, func(name, value string) { answer.Headers = append(answer.Headers, header(name, value)) })
	for at := part.from; at < part.to; {
		n := uint32(at / ChunkBytes)
		c := r.chunk(n)
		to := min(part.to, c.to)
		answer.Body = append(answer.Body, s.body(r.body, n)[at-c.from:to-c.from]...)
		at = to
	}
	return answer
}

// unproved drops the expression's header, which means nothing without a proof.
func unproved(answer Response) Response {
	answer.Headers = answer.Headers[:len(answer.Headers)-1]
	return answer
}
