package gateway

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"assay/ic/certificate/httpcert"
)

func has(headers []httpcert.Header, name string) bool {
	_, n := httpcert.Find(headers, name)
	return n > 0
}

// joinRanges asks for the rest of a body of which a canister gave the beginning, part by
// part, each of them verified, and makes one response of them.
func (v *visit) joinRanges(first httpcert.Response) (httpcert.Response, error) {
	size, ok := contentRange(first, 0)
	if !ok {
		return first, nil // not a beginning: whoever asked can make of it what they will
	}
	whole := first
	tag, _ := httpcert.Find(first.Headers, "etag")
	for n := 0; len(whole.Body) < size; n++ {
		q := v.request
		q.Headers = append(slices.Clone(q.Headers), httpcert.Header{Name: "range", Value: fmt.Sprintf("bytes=%d-", len(whole.Body))})
		next, _, err := v.ask(q)
		if err != nil {
			return whole, err
		}
		again, _ := httpcert.Find(next.Headers, "etag")
		if total, ok := contentRange(next, len(whole.Body)); !ok || total != size || again != tag || len(next.Body) == 0 {
			return whole, problem(http.StatusServiceUnavailable, "The body does not go on", "Canister %s gave %d bytes of %d, and then something else.", v.canister, len(whole.Body), size)
		}
		if err := v.append(&whole, next.Body, n); err != nil {
			return whole, err
		}
	}
	whole.Status = http.StatusOK
	whole.Headers = slices.DeleteFunc(slices.Clone(first.Headers), func(h httpcert.Header) bool {
		return strings.EqualFold(h.Name, "content-range") || strings.EqualFold(h.Name, "content-length")
	})
	return whole, nil
}

// contentRange is the size of the whole body where a response holds a part of it that
// begins at from.
func contentRange(a httpcert.Response, from int) (size int, ok bool) {
	value, n := httpcert.Find(a.Headers, "content-range")
	var first, last int
	if _, err := fmt.Sscanf(value, "bytes %d-%d/%d", &first, &last, &size); err != nil || n != 1 || a.Status != http.StatusPartialContent {
		return 0, false
	}
	return size, first == from && last-first+1 == len(a.Body) && last < size && size <= maxResponse
}
