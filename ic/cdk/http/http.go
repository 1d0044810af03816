// Package http lets a canister answer HTTP requests, each response certified so that a
// gateway need not be trusted.
//
// A [Site] is what is there: assets and redirects, each for one path or for a path and
// all below it. Its content lies in a map in stable memory and the hashes of its
// responses in the kit's certified tree, below "http_expr". A [Handler] makes the three
// methods that gateways call of it:
//
//	var site = http.Handler{Region: cdk.FirstRegion}
//
//	cdk.Program{
//		Methods: append(site.Methods(), pageapi.Methods[*cdk.Message](edge{})...),
//		Init: func(m *cdk.Message, _ []byte) error {
//			return site.Site(m).Put(http.Asset{Path: "/", Type: "text/html"}, page)
//		},
//	}
//
// Responses are certified when they are put, for the methods GET and HEAD, with their
// status, all their headers and their body. What else may come is answered so that no
// node of the network can answer otherwise:
//
//   - A request that names the asset's ETag in If-None-Match gets a certified 304.
//   - Bodies of more than [ChunkBytes] are stored in chunks. A GET gets the first as a 206,
//     from which gateways fetch the rest by ranges that begin with a chunk, each certified.
//     With [Asset.Stream] it gets a 200 and the rest by the streaming callback; the whole
//     body is certified, but gateways check it only if it has five chunks or fewer.
//   - Other ranges of such bodies and other methods are upgraded: the gateway calls again,
//     by an update, whose answer the network certifies as a whole.
//   - [Site.PutUpgrade] does that for all requests to a path, and [Handler.Update] answers
//     them. The tree then holds a label there that nothing can answer, so that no node can
//     pass off the response of a path above.
//   - [Site.PutUncertified] gives up: [Handler.Uncertified] answers, in a query, and
//     whoever runs a node or gateway can change the answer at will. Use it only where a
//     false answer does no harm.
//
// A path may have variants by content encoding. All are certified for any request, as the
// protocol cannot tie a response to what Accept-Encoding means. Requests for paths with
// nothing there, not even on a path above, get a plain 404, which gateways refuse; put a
// page at the wildcard "/". While a large asset is replaced a gateway may join chunks of
// both: give such assets new names.
//
// Clients check responses with ic/certificate/gateway; the forms are those of
// ic/certificate/httpcert.
package http

import (
	_ "embed"
	"errors"
	"fmt"
	"strconv"

	"assay/ic/certificate/httpcert"
)

// DID is http.did: what gateways call.
//
//go:embed http.did
var DID string

// What goes in and out.
type (
	Request = httpcert.Request
	Header  = httpcert.Header
)

func header(name, value string) Header { return Header{Name: name, Value: value} }

// Response is what is answered.
type Response struct {
	Status  uint16
	Headers []Header
	Body    []byte
	// Upgrade asks the gateway to come again with an update call. The rest means nothing
	// then.
	Upgrade bool
	// Next is where the body goes on, by the streaming callback; nil: it is whole.
	Next *Token
}

// Token names a chunk of a body.
type Token struct {
	Body  uint64
	Chunk uint32
}

// Limits. A request beyond them is answered with a plain error, an asset is refused.
const (
	ChunkBytes      = 1_900_000        // of a body that one response holds
	MaxBodyBytes    = 100 * ChunkBytes // of an asset
	MaxURLBytes     = 8 << 10
	MaxHeaders      = 100      // of a request
	MaxHeaderBytes  = 32 << 10 // of a request, names and values
	MaxRequestBytes = 2 << 20  // of a request's body
	MaxAssetHeaders = 32       // of an asset, beside those that the kit sets
	MaxAssetBytes   = 8 << 10  // of these, names and values
	MaxPathBytes    = 400      // of an asset's path
	MaxUploads      = 16       // that are open
)

// Errors that callers branch on.
var (
	ErrAsset  = errors.New("asset cannot be served")
	ErrUpload = errors.New("no such upload")
	ErrSize   = errors.New("body too large")
)

func refuse(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrAsset, fmt.Sprintf(format, args...))
}

// plain is an answer that is not certified: gateways show an error of their own, update
// calls pass it on.
func plain(status uint16, text string) Response {
	return Response{Status: status, Headers: []Header{header("content-type", "text/plain; charset=utf-8")}, Body: []byte(strconv.Itoa(int(status)) + " " + text + "\n")}
}

// tooLarge is the answer to a request beyond the limits, if it is.
func tooLarge(r Request) (Response, bool) {
	total := 0
	for _, h := range r.Headers {
		total += len(h.Name) + len(h.Value)
	}
	switch {
	case len(r.URL) > MaxURLBytes:
		return plain(414, "URL too long"), true
	case len(r.Headers) > MaxHeaders || total > MaxHeaderBytes:
		return plain(431, "headers too large"), true
	case len(r.Body) > MaxRequestBytes:
		return plain(413, "body too large"), true
	}
	return Response{}, false
}
