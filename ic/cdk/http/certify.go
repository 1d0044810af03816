package http

import (
	"encoding/hex"
	"strconv"

	"assay/ic/certificate/httpcert"
	"assay/ic/kernel/sha256"
)

// form is an expression with its text and label.
type form struct {
	httpcert.Expression
	text  string
	label [32]byte
}

func newForm(e httpcert.Expression) form {
	return form{e, e.String(), httpcert.ExpressionHash(e.String())}
}

// The expressions. All headers of a response are certified.
var (
	always      = newForm(httpcert.Expression{Request: &httpcert.RequestPart{}, Exclude: true})
	conditional = newForm(httpcert.Expression{Request: &httpcert.RequestPart{Headers: []string{"if-none-match"}}, Exclude: true})
	ranged      = newForm(httpcert.Expression{Request: &httpcert.RequestPart{Headers: []string{"range"}}, Exclude: true})
	skipped     = newForm(httpcert.Expression{Skip: true})
)

// blocked is a label in place of an expression's hash, which no expression has.
var blocked [32]byte

func (r role) form() form {
	switch r {
	case roleNotModified:
		return conditional
	case roleRange:
		return ranged
	}
	return always
}

// labels is where a leaf stands in the certified tree.
func (l leaf) labels(p httpcert.Path) [][]byte {
	label := l.role.form().label
	return p.Labels(label[:], l.request[:], l.response[:])
}

// etag names a variant of a body by the hashes of its chunks.
func etag(a Asset, chunks [][32]byte) string {
	all := []byte(a.Type + "\x00" + a.Encoding + "\x00")
	for _, c := range chunks {
		all = append(all, c[:]...)
	}
	sum := sha256.Sum256(all)
	return `"` + hex.EncodeToString(sum[:16]) + `"`
}

// response is a route's status and headers in a role.
func (r *route) response(what role, chunk uint32) (status uint16, headers []Header) {
	add := func(name, value string) { headers = append(headers, header(name, value)) }
	headers = append(headers, r.asset.Headers...)
	status = r.asset.Status
	switch {
	case r.asset.Location != "":
		add("location", r.asset.Location)
	case what == roleNotModified:
		status = 304
		r.tags(add)
	default:
		s := span{0, r.length}
		if what == roleFirst || what == roleRange {
			status, s = 206, r.chunk(chunk)
		}
		r.entity(s, status, add)
	}
	add(httpcert.ExpressionHeader, what.form().text)
	return status, headers
}

func (r *route) tags(add func(name, value string)) {
	add("etag", r.etag)
	add("vary", "accept-encoding")
}

// entity are the headers that describe a part of the body.
func (r *route) entity(s span, status uint16, add func(name, value string)) {
	add("content-type", r.asset.Type)
	if r.asset.Encoding != "" {
		add("content-encoding", r.asset.Encoding)
	}
	add("content-length", strconv.FormatInt(s.to-s.from, 10))
	if r.large() {
		add("accept-ranges", "bytes")
	}
	if status == 206 {
		add("content-range", "bytes "+strconv.FormatInt(s.from, 10)+"-"+strconv.FormatInt(s.to-1, 10)+"/"+strconv.FormatInt(r.length, 10))
	}
	r.tags(add)
}

// certify makes the leaves of a route. Whole is the hash of the body, used where it has
// one chunk or is streamed; chunks are the hashes of its chunks.
func (r *route) certify(whole [32]byte, chunks [][32]byte) {
	empty := sha256.Sum256(nil)
	r.leaves = nil
	if r.large() && !r.asset.Stream {
		r.leaf(roleFirst, 0, "GET", nil, chunks[0])
	} else {
		r.leaf(roleGet, 0, "GET", nil, whole)
	}
	r.leaf(roleHead, 0, "HEAD", nil, empty)
	if r.asset.Status == 200 {
		r.leaf(roleNotModified, 0, "GET", []Header{header("if-none-match", r.etag)}, empty)
	}
	if r.large() {
		for i, c := range chunks {
			r.leaf(roleRange, uint32(i), "GET", []Header{header("range", r.rangeFrom(uint32(i)))}, c)
		}
	}
}

// rangeFrom is the Range header that a gateway fetches a chunk with.
func (r *route) rangeFrom(chunk uint32) string {
	return "bytes=" + strconv.FormatInt(r.chunk(chunk).from, 10) + "-"
}

func (r *route) leaf(what role, chunk uint32, method string, asked []Header, body [32]byte) {
	f := what.form()
	request, err := httpcert.RequestHash(httpcert.Request{Method: method, URL: "/", Headers: asked}, *f.Request)
	if err != nil {
		panic(err) // "/" is a URL
	}
	status, headers := r.response(what, chunk)
	r.leaves = append(r.leaves, leaf{what, chunk, request, httpcert.ResponseHashOf(status, headers, body, f.Expression)})
}
