package httpcert

import (
	"bytes"
	"slices"
	"strings"

	"assay/ic/kernel/sha256"
)

// The names of what is hashed beside headers.
const (
	methodField = ":ic-cert-method"
	queryField  = ":ic-cert-query"
	statusField = ":ic-cert-status"
)

// fields is a map to hash: pairs of the hash of the name and of the value. A name may
// come twice.
type fields [][64]byte

func (f *fields) add(name string, value []byte) {
	var pair [64]byte
	n, v := sha256.Sum256([]byte(name)), sha256.Sum256(value)
	copy(pair[:32], n[:])
	copy(pair[32:], v[:])
	*f = append(*f, pair)
}

// sum is the hash of the map with the hash of a body.
func (f fields) sum(body [32]byte) [32]byte {
	slices.SortFunc(f, func(a, b [64]byte) int { return bytes.Compare(a[:], b[:]) })
	all := make([]byte, 0, 64*len(f))
	for i := range f {
		all = append(all, f[i][:]...)
	}
	head := sha256.Sum256(all)
	return sha256.Sum256(append(head[:], body[:]...))
}

func listed(names []string, name string) bool {
	return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
}

// RequestHash is the label that stands for a request; what part names is in it, beside
// method and body.
func RequestHash(r Request, part RequestPart) ([32]byte, error) {
	_, query, err := SplitURL(r.URL)
	if err != nil {
		return [32]byte{}, err
	}
	var f fields
	for _, h := range r.Headers {
		if listed(part.Headers, h.Name) {
			f.add(strings.ToLower(h.Name), []byte(h.Value))
		}
	}
	f.add(methodField, []byte(r.Method))
	if q := filterQuery(query, part.Parameters); q != "" {
		f.add(queryField, []byte(q))
	}
	return f.sum(sha256.Sum256(r.Body)), nil
}

// filterQuery keeps the parameters of these names, as they stand. Gateways compare the
// names without regard to case.
func filterQuery(query string, names []string) string {
	if query == "" || len(names) == 0 {
		return ""
	}
	var kept []string
	for _, p := range strings.Split(query, "&") {
		if name, _, _ := strings.Cut(p, "="); listed(names, name) {
			kept = append(kept, p)
		}
	}
	return strings.Join(kept, "&")
}

// Certified are the response's headers that the expression covers, in order. That of the
// expression always is one, that of the certificate never.
func (e Expression) Certified(headers []Header) []Header {
	var out []Header
	for _, h := range headers {
		switch {
		case strings.EqualFold(h.Name, CertificateHeader):
		case strings.EqualFold(h.Name, ExpressionHeader), listed(e.Headers, h.Name) != e.Exclude:
			out = append(out, h)
		}
	}
	return out
}

// ResponseHash is the label that stands for a response.
func ResponseHash(r Response, e Expression) [32]byte {
	return ResponseHashOf(r.Status, r.Headers, sha256.Sum256(r.Body), e)
}

// ResponseHashOf is [ResponseHash] of a response whose body is known by its hash.
func ResponseHashOf(status uint16, headers []Header, body [32]byte, e Expression) [32]byte {
	var f fields
	for _, h := range e.Certified(headers) {
		f.add(strings.ToLower(h.Name), []byte(h.Value))
	}
	f.add(statusField, leb128(status))
	return f.sum(body)
}

func leb128(n uint16) (out []byte) {
	for ; n >= 0x80; n >>= 7 {
		out = append(out, byte(n)|0x80)
	}
	return append(out, byte(n))
}
