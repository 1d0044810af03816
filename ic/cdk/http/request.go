package http

import (
	"strconv"
	"strings"

	"assay/ic/certificate/httpcert"
)

// acceptable is how much a client likes an encoding, in thousandths, by its
// Accept-Encoding headers; "" is no encoding.
func acceptable(headers []Header, encoding string) int {
	named, rest := -1, -1 // -1: not there
	for _, h := range headers {
		if !strings.EqualFold(h.Name, "accept-encoding") {
			continue
		}
		for _, part := range strings.Split(h.Value, ",") {
			name, weight := weighted(part)
			switch {
			case name == "*":
				rest = weight
			case name == encoding || encoding == "" && name == "identity":
				named = weight
			}
		}
	}
	switch {
	case named >= 0:
		return named
	case encoding == "" && rest != 0: // wanted unless it is refused
		return 1
	}
	return max(0, rest)
}

// weighted splits "gzip;q=0.5". A weight that is none counts as 0.
func weighted(part string) (name string, weight int) {
	name, q, found := strings.Cut(part, ";")
	name = strings.ToLower(strings.Trim(name, " \t"))
	if !found {
		return name, 1000
	}
	q = strings.Trim(q, " \t")
	if q == "" || q[0] != 'q' && q[0] != 'Q' {
		return name, 0
	}
	digits, ok := strings.CutPrefix(q[1:], "=")
	whole, decimals, _ := strings.Cut(digits, ".")
	n, fine := number((decimals + "000")[:3])
	switch {
	case !ok || len(decimals) > 3 || !fine:
		return name, 0
	case whole == "1" && n == 0:
		return name, 1000
	case whole == "0":
		return name, int(n)
	}
	return name, 0
}

// span is a part of a body: from its first byte up to before its last.
type span struct{ from, to int64 }

// rangeOf is the one range that the request asks for, of a body of that many bytes. A
// request for none, for several or for one of another version (If-Range) asks for the
// whole. Satisfiable is false for a range that lies beyond the body.
func rangeOf(r Request, etag string, length int64) (s span, asked, satisfiable bool) {
	value, n := httpcert.Find(r.Headers, "range")
	if n != 1 || r.Method != "GET" {
		return span{}, false, false
	}
	if v, n := httpcert.Find(r.Headers, "if-range"); n > 0 && v != etag {
		return span{}, false, false
	}
	spec, ok := strings.CutPrefix(value, "bytes=")
	first, last, dash := strings.Cut(spec, "-")
	if !ok || !dash {
		return span{}, false, false
	}
	from, okFrom := number(first)
	to, okTo := number(last)
	switch {
	case first == "" && okTo: // the last so many
		return span{max(0, length-to), length}, true, to > 0
	case okFrom && last == "":
		return span{from, length}, true, from < length
	case okFrom && okTo && from <= to:
		return span{from, min(to+1, length)}, true, from < length
	}
	return span{}, false, false
}

// number reads up to 15 digits.
func number(s string) (int64, bool) {
	if s == "" || len(s) > 15 || strings.Trim(s, "0123456789") != "" {
		return 0, false
	}
	n, err := strconv.ParseInt(s, 10, 64)
	return n, err == nil
}
