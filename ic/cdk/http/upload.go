package http

import (
	standard "crypto/sha256"
	"encoding"
	"encoding/binary"
	"fmt"
	"hash"

	"assay/ic/kernel/sha256"
)

var emptyHash = sha256.Sum256(nil)

// upload is a body that grows.
type upload struct {
	body   uint64
	asset  Asset
	length int64
	whole  hash.Hash  // of what is there, if the asset is streamed
	chunks [][32]byte // of the chunks that are full
}

// Begin starts an upload of an asset's body in parts and returns its number. The asset is
// served from [Site.Finish] on; until then, what was there before.
func (s *Site) Begin(a Asset) (uint64, error) {
	if err := a.check(); err != nil {
		return 0, err
	}
	if a.Location != "" {
		return 0, refuse("%s: a redirect has no body", a.Path)
	}
	if n := len(s.Uploads()); n >= MaxUploads {
		return 0, refuse("%s: %d uploads are open", a.Path, n)
	}
	u := s.newUpload(a)
	s.save(u)
	return u.body, nil
}

// Write appends to an upload.
func (s *Site) Write(id uint64, data []byte) error {
	u, err := s.upload(id)
	if err != nil {
		return err
	}
	if err := s.fits(u.asset, u.length+int64(len(data))); err != nil {
		return err
	}
	s.extend(u, data)
	s.save(u)
	return nil
}

// Finish serves the asset of an upload and ends it.
func (s *Site) Finish(id uint64) error {
	u, err := s.upload(id)
	if err != nil {
		return err
	}
	s.store.Delete(bodyKey('u', id))
	return s.publish(u)
}

// Abort ends an upload and forgets what came.
func (s *Site) Abort(id uint64) error {
	u, err := s.upload(id)
	if err != nil {
		return err
	}
	s.store.Delete(bodyKey('u', id))
	s.deleteBody(id, (&route{length: u.length}).chunks())
	return nil
}

// Uploads are the numbers of those that are open.
func (s *Site) Uploads() (ids []uint64) {
	s.store.Scan([]byte("u"), func(key, _ []byte) bool {
		ids = append(ids, binary.BigEndian.Uint64(key[1:]))
		return true
	})
	return ids
}

// fits refuses a body of that many bytes.
func (s *Site) fits(a Asset, length int64) error {
	switch {
	case length > MaxBodyBytes:
		return fmt.Errorf("%s: %d bytes, at most %d are served: %w", a.Path, length, MaxBodyBytes, ErrSize)
	case length > ChunkBytes && (a.Below || a.Status != 200):
		return fmt.Errorf("%s: %d bytes, at most %d are served for paths below and with status %d: %w", a.Path, length, ChunkBytes, a.Status, ErrSize)
	}
	return nil
}

func (s *Site) newUpload(a Asset) *upload {
	last := uint64(0)
	if record, ok := s.store.Get([]byte("h")); ok {
		last = newReader(record).number()
	}
	w := newWriter()
	w.number(last + 1)
	s.set([]byte("h"), *w)
	return &upload{body: last + 1, asset: a, whole: standard.New()}
}

// extend appends to the chunks. A chunk is hashed when it is full.
func (s *Site) extend(u *upload, data []byte) {
	if u.asset.Stream {
		u.whole.Write(data)
	}
	for len(data) > 0 {
		n, at := uint32(u.length/ChunkBytes), int(u.length%ChunkBytes)
		part := data[:min(len(data), ChunkBytes-at)]
		data = data[len(part):]
		u.length += int64(len(part))
		if at > 0 {
			part = append(s.body(u.body, n), part...)
		}
		s.set(chunkKey(u.body, n), part)
		if len(part) == ChunkBytes {
			u.chunks = append(u.chunks, sha256.Sum256(part))
		}
	}
}

// body is one chunk of a body.
func (s *Site) body(body uint64, chunk uint32) []byte {
	b, _ := s.store.Get(chunkKey(body, chunk))
	return b
}

// publish makes the upload a route.
func (s *Site) publish(u *upload) error {
	r := &route{kind: kindStatic, asset: u.asset, body: u.body, length: u.length}
	if last := r.length % ChunkBytes; last > 0 {
		u.chunks = append(u.chunks, sha256.Sum256(s.body(u.body, uint32(r.length/ChunkBytes))))
	}
	whole := emptyHash
	switch {
	case r.large() && u.asset.Stream:
		u.whole.Sum(whole[:0])
	case len(u.chunks) > 0:
		whole = u.chunks[0]
	}
	r.etag = etag(u.asset, u.chunks)
	r.certify(whole, u.chunks)
	if r.large() && u.asset.Stream {
		w := newWriter()
		w.number(uint64(r.chunks()))
		s.set(bodyKey('p', u.body), *w)
	}
	return s.replace(r)
}

func (s *Site) save(u *upload) {
	state, err := u.whole.(encoding.BinaryMarshaler).MarshalBinary()
	if err != nil {
		panic(err) // SHA-256 always says its state
	}
	w := newWriter()
	w.asset(u.asset)
	w.number(uint64(u.length))
	w.text(string(state))
	w.number(uint64(len(u.chunks)))
	for _, c := range u.chunks {
		*w = append(*w, c[:]...)
	}
	s.set(bodyKey('u', u.body), *w)
}

func (s *Site) upload(id uint64) (*upload, error) {
	record, ok := s.store.Get(bodyKey('u', id))
	if !ok {
		return nil, fmt.Errorf("%d: %w", id, ErrUpload)
	}
	r := newReader(record)
	u := &upload{body: id, asset: r.asset(), length: int64(r.number()), whole: standard.New()}
	if err := u.whole.(encoding.BinaryUnmarshaler).UnmarshalBinary(r.bytes()); err != nil {
		return nil, fmt.Errorf("upload %d: %w", id, err)
	}
	for range r.number() {
		u.chunks = append(u.chunks, r.hash())
	}
	return u, nil
}
