// Package httpcert is how responses to HTTP requests are certified: version 2 of response
// verification in the protocol of HTTP gateways.
//
// A canister puts hashes of its responses in its certified tree, below the label
// "http_expr", at an expression path: the segments of the request's path and then "<$>"
// for this path alone or "<*>" for all below it. The next label is the hash of an
// expression, which says what the hashes cover, then come the hash of the request (empty
// where requests are not covered) and of the response, over an empty value. The response
// carries the expression and, in one header, certificate, witness and expression path.
//
// Canisters (package ic/cdk/http) write these forms and package ic/certificate/gateway
// checks them. The package is pure and works inside canisters; signatures and trees are
// left to others.
package httpcert

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// The names of the headers.
const (
	CertificateHeader = "IC-Certificate"
	ExpressionHeader  = "IC-CertificateExpression"
)

// Root is the label of the certified tree below which expression paths begin.
const Root = "http_expr"

// Header is one header field.
type Header struct{ Name, Value string }

// Request is what the canister gets, as the gateway sent it.
type Request struct {
	Method  string // in upper case
	URL     string // path and query: neither scheme nor host
	Headers []Header
	Body    []byte
}

// Response is what the canister gave.
type Response struct {
	Status  uint16
	Headers []Header
	Body    []byte
}

// ErrMalformed is returned for text that is none of this package's forms.
var ErrMalformed = errors.New("malformed HTTP certification")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrMalformed, fmt.Sprintf(format, args...))
}

// Find is the value of the only header of that name in any case. Count says how many
// there are.
func Find(headers []Header, name string) (value string, count int) {
	for _, h := range headers {
		if strings.EqualFold(h.Name, name) {
			value = h.Value
			count++
		}
	}
	return value, count
}

// Is reports whether the only header of that name has that value.
func Is(headers []Header, name, value string) bool {
	v, n := Find(headers, name)
	return n == 1 && v == value
}

// SplitURL is the path of a URL, decoded, and its query as it stands. Gateways decode the
// path before they cut it, and leave % signs alone that begin no escape; so does this. A
// path of more than [MaxSegments] segments is refused.
func SplitURL(url string) (path, query string, err error) {
	if !strings.HasPrefix(url, "/") {
		return "", "", malformed("URL %.100q has no path", url)
	}
	url, _, _ = strings.Cut(url, "#")
	path, query, _ = strings.Cut(url, "?")
	if path = decodePath(path); !utf8.ValidString(path) {
		return "", "", malformed("path %.100q is not UTF-8", path)
	}
	if strings.Count(path, "/") > MaxSegments {
		return "", "", malformed("path of more than %d segments", MaxSegments)
	}
	return path, query, nil
}

func decodePath(path string) string {
	if !strings.Contains(path, "%") {
		return path
	}
	var b strings.Builder
	for i := 0; i < len(path); i++ {
		if path[i] == '%' && i+2 < len(path) {
			if hi, lo := unhex(path[i+1]), unhex(path[i+2]); hi >= 0 && lo >= 0 {
				b.WriteByte(byte(hi<<4 | lo))
				i += 2
				continue
			}
		}
		b.WriteByte(path[i])
	}
	return b.String()
}

func unhex(c byte) int {
	switch {
	case '0' <= c && c <= '9':
		return int(c - '0')
	case 'a' <= c && c <= 'f':
		return int(c - 'a' + 10)
	case 'A' <= c && c <= 'F':
		return int(c - 'A' + 10)
	}
	return -1
}
