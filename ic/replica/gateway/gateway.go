// Package gateway is the HTTP gateway of the embedded network: browsers see canisters as
// web sites.
//
// A request whose host begins with a canister id, such as <id>.localhost, or whose query
// names one as canisterId, is handed to the canister's method http_request as a query; the
// canister may ask for it again as an update call, and may give its body in parts. What a
// query answered passes on only if the canister certified it: the response is verified as
// the HTTP gateway protocol says, by package ic/certificate/gateway, and refused with a
// page that says why if it is not. All other requests are the network's own interface,
// package ic/replica/door, which is given as a handler.
package gateway

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"assay/ic/certificate/httpcert"
	"assay/ic/principal"
	"assay/ic/replica"
)

// Engine executes messages. *replica.Network is one.
type Engine interface {
	Query(ctx context.Context, q replica.Query) ([]byte, *replica.Reject)
	Submit(ctx context.Context, in replica.Ingress) *replica.Reject
	Await(ctx context.Context, id replica.RequestID) (replica.Status, error)
	Info(canister principal.Principal) (replica.Info, bool)
	Time() time.Time
}

// Limits of requests and responses.
const (
	maxBody     = 2<<20 - 64<<10 // bytes of a request, so that it fits into a call
	maxResponse = 100 << 20      // bytes of a body that comes in parts
	maxParts    = 1000
)

// Config is what a gateway stands on. Engine, RootKey and API are required.
type Config struct {
	Engine  Engine
	RootKey []byte       // DER, which certificates must be signed with
	API     http.Handler // the network's own interface
	Logger  *slog.Logger // nil: silent
}

// New makes the handler of a network's port.
func New(c Config) http.Handler {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &server{c}
}

type server struct{ Config }

// ServeHTTP tells requests to the interface from those to canisters.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if strings.HasPrefix(r.URL.Path, "/api/") {
		s.API.ServeHTTP(w, r)
		return
	}
	canister, err := resolve(r)
	if err == nil && preflight(r) {
		allowOrigins(w.Header())
		w.WriteHeader(http.StatusNoContent)
		return
	}
	var response httpcert.Response
	if err == nil {
		response, err = s.site(w, r, canister)
	}
	if err != nil {
		s.refuse(w, r, err)
		return
	}
	s.write(w, r, response)
}

// preflight reports whether a browser asks what pages of other origins may send.
func preflight(r *http.Request) bool {
	return r.Method == http.MethodOptions && r.Header.Get("Origin") != "" && r.Header.Get("Access-Control-Request-Method") != ""
}

// site is what a canister answers to a request, verified.
func (s *server) site(w http.ResponseWriter, r *http.Request, canister principal.Principal) (httpcert.Response, error) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxBody))
	if over := (*http.MaxBytesError)(nil); errors.As(err, &over) {
		return httpcert.Response{}, problem(http.StatusRequestEntityTooLarge, "The request is too large", "A canister takes at most %d bytes.", maxBody)
	}
	if err != nil {
		return httpcert.Response{}, problem(http.StatusBadRequest, "The request could not be read", "%v", err)
	}
	v := &visit{server: s, ctx: r.Context(), canister: canister, request: requestOf(r, body)}
	return v.answer()
}

// requestOf is the request as canisters get it.
func requestOf(r *http.Request, body []byte) httpcert.Request {
	q := httpcert.Request{Method: strings.ToUpper(r.Method), URL: r.URL.RequestURI(), Body: body}
	q.Headers = append(q.Headers, httpcert.Header{Name: "host", Value: r.Host})
	for _, name := range sortedNames(r.Header) {
		for _, value := range r.Header[name] {
			q.Headers = append(q.Headers, httpcert.Header{Name: strings.ToLower(name), Value: value})
		}
	}
	return q
}
