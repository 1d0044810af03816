package http

import (
	"encoding/binary"
	"fmt"

	"assay/ic/cdk/stable"
)

// Records of the map, numbers big-endian in keys and as in encoding/binary's uvarint in
// values; texts and hashes behind their lengths. Keys:
//
//	h                       1 · the last body's number
//	r $ or * path 0 enc     1 · a route, one for each variant
//	b body chunk            bytes of a body; body u64, chunk u32
//	p body                  1 · number of chunks: the body is published, to stream
//	u body                  1 · an upload: asset, bytes so far, hash state, chunk hashes
const recordVersion = 1

// What a route does.
const (
	kindStatic      = 1
	kindUpgrade     = 2
	kindUncertified = 3
)

// What a leaf of the certified tree stands for.
type role uint8

const (
	roleGet         role = iota + 1 // the body, whole
	roleHead                        // its headers alone
	roleNotModified                 // 304
	roleFirst                       // the first chunk, for a GET without a range
	roleRange                       // a chunk, for a GET with the range from there on
)

// leaf is one certified pair of request and response.
type leaf struct {
	role              role
	chunk             uint32
	request, response [32]byte
}

// route is a stored route.
type route struct {
	kind   byte
	asset  Asset
	etag   string // in quotes; empty for a redirect
	body   uint64 // 0: none
	length int64
	leaves []leaf
}

// find is the leaf of a role.
func (r *route) find(what role, chunk uint32) (leaf, bool) {
	for _, l := range r.leaves {
		if l.role == what && l.chunk == chunk {
			return l, true
		}
	}
	return leaf{}, false
}

func (r *route) chunks() uint32 { return uint32((r.length + ChunkBytes - 1) / ChunkBytes) }

// chunk is the part of the body that lies in a chunk.
func (r *route) chunk(n uint32) span {
	from := int64(n) * ChunkBytes
	return span{from, min(from+ChunkBytes, r.length)}
}

func (r *route) large() bool { return r.length > ChunkBytes }

func bodyKey(kind byte, body uint64) []byte { return binary.BigEndian.AppendUint64([]byte{kind}, body) }

func chunkKey(body uint64, chunk uint32) []byte {
	return binary.BigEndian.AppendUint32(bodyKey('b', body), chunk)
}

// writer makes a record.
type writer []byte

func newWriter() *writer { return &writer{recordVersion} }

func (w *writer) number(n uint64) { *w = binary.AppendUvarint(*w, n) }

func (w *writer) text(s string) {
	w.number(uint64(len(s)))
	*w = append(*w, s...)
}

func (w *writer) flag(b bool) {
	n := uint64(0)
	if b {
		n = 1
	}
	w.number(n)
}

// reader reads a record of our own: one that does not hold what was written panics.
type reader struct{ rest []byte }

func newReader(record []byte) *reader {
	if len(record) == 0 || record[0] != recordVersion {
		panic(&stable.LayoutError{What: "a site's record of version 1", Found: fmt.Sprintf("%.8x", record)})
	}
	return &reader{record[1:]}
}

func (r *reader) number() uint64 {
	n, size := binary.Uvarint(r.rest)
	if size <= 0 {
		r.short()
	}
	r.rest = r.rest[size:]
	return n
}

func (r *reader) bytes() []byte {
	n := r.number()
	if n > uint64(len(r.rest)) {
		r.short()
	}
	b := r.rest[:n:n]
	r.rest = r.rest[n:]
	return b
}

func (r *reader) text() string { return string(r.bytes()) }

func (r *reader) hash() (h [32]byte) {
	if len(r.rest) < len(h) {
		r.short()
	}
	r.rest = r.rest[copy(h[:], r.rest):]
	return h
}

func (r *reader) short() {
	panic(&stable.LayoutError{What: "a site's record", Found: "one that is cut off"})
}

func (w *writer) asset(a Asset) {
	w.text(a.Path)
	w.flag(a.Below)
	w.text(a.Type)
	w.text(a.Encoding)
	w.number(uint64(a.Status))
	w.number(uint64(len(a.Headers)))
	for _, h := range a.Headers {
		w.text(h.Name)
		w.text(h.Value)
	}
	w.text(a.Location)
	w.flag(a.Stream)
}

func (r *reader) asset() Asset {
	a := Asset{Path: r.text(), Below: r.number() == 1, Type: r.text(), Encoding: r.text(), Status: uint16(r.number())}
	for range r.number() {
		a.Headers = append(a.Headers, Header{Name: r.text(), Value: r.text()})
	}
	a.Location = r.text()
	a.Stream = r.number() == 1
	return a
}

func (r *route) encode() []byte {
	w := newWriter()
	w.number(uint64(r.kind))
	w.asset(r.asset)
	w.text(r.etag)
	w.number(r.body)
	w.number(uint64(r.length))
	w.number(uint64(len(r.leaves)))
	for _, l := range r.leaves {
		w.number(uint64(l.role))
		w.number(uint64(l.chunk))
		*w = append(append(*w, l.request[:]...), l.response[:]...)
	}
	return *w
}

func decodeRoute(record []byte) *route {
	d := newReader(record)
	r := &route{kind: byte(d.number()), asset: d.asset(), etag: d.text(), body: d.number(), length: int64(d.number())}
	for range d.number() {
		r.leaves = append(r.leaves, leaf{role(d.number()), uint32(d.number()), d.hash(), d.hash()})
	}
	return r
}
