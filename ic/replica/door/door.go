// Package door is the HTTP interface of the embedded network, as agents expect it.
//
// It takes what the interface specification puts before consensus: decoding, expiry,
// signatures and delegations, read rules, certificates and signed query responses.
// Messages are executed by the engine behind it, keys are held by ic/replica/certify.
// Agents in any language can talk to it with all their checks on. It serves one
// subnet that hosts every canister id.
//
//	GET  /api/v2/status
//	POST /api/{v2,v3,v4}/canister/<id>/call          v2 does not wait for the answer
//	POST /api/{v2,v3}/canister/<id>/{query,read_state}
//	POST /api/{v2,v3}/subnet/<id>/read_state
//
// Not taken: canister signatures and WebAuthn as senders, calls to subnets.
package door

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"assay/ic/principal"
	"assay/ic/replica"
	"assay/ic/replica/certify"
)

// Engine executes messages. *replica.Network is one.
type Engine interface {
	// Submit takes an update call without waiting. A request whose id is known is not
	// executed again.
	Submit(ctx context.Context, in replica.Ingress) *replica.Reject
	// Kept returns when nothing can undo the submission any more: before that nobody is
	// told that the call was taken. With an error it was not taken.
	Kept(ctx context.Context, id replica.RequestID) error
	// Await returns when the request is answered, or with an error when ctx ends.
	Await(ctx context.Context, id replica.RequestID) (replica.Status, error)
	// Status is what is known of a request.
	Status(id replica.RequestID) (replica.Status, bool)
	// Query reads from a canister without leaving effects.
	Query(ctx context.Context, q replica.Query) ([]byte, *replica.Reject)
	// Info is the public face of a canister.
	Info(canister principal.Principal) (replica.Info, bool)
	// Time is the network's time, which never goes back.
	Time() time.Time
}

const (
	maxBody     = 2 << 20          // bytes of a request
	defaultWait = 10 * time.Second // for the answer of a synchronous call
)

// Config is what a door stands on. Engine and Certifier are required.
type Config struct {
	Engine    Engine
	Certifier *certify.Certifier
	Logger    *slog.Logger  // nil: silent
	Wait      time.Duration // how long a call of v3 and v4 waits for its answer; 0: 10 s
}

// New makes the handler of a network's HTTP interface.
func New(c Config) http.Handler {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Wait <= 0 {
		c.Wait = defaultWait
	}
	d := &door{Config: c}
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v2/status", d.status)
	for _, r := range []struct {
		pattern string
		handle  func(*exchange) error
		sharded bool
	}{
		{"/api/v2/canister/{id}/call", d.callAsync, false},
		{"/api/v3/canister/{id}/call", d.callSync, false},
		{"/api/v4/canister/{id}/call", d.callSync, true},
		{"/api/v2/canister/{id}/query", d.query, false},
		{"/api/v3/canister/{id}/query", d.query, true},
		{"/api/v2/canister/{id}/read_state", d.readCanister, false},
		{"/api/v3/canister/{id}/read_state", d.readCanister, true},
		{"/api/v2/subnet/{id}/read_state", d.readSubnet, false},
		{"/api/v3/subnet/{id}/read_state", d.readSubnet, true},
	} {
		mux.HandleFunc("POST "+r.pattern, d.endpoint(r.handle, r.sharded))
	}
	return allowOrigins(mux)
}

type door struct{ Config }

// exchange is one request with its answer, given to an endpoint once the envelope is
// valid.
type exchange struct {
	http.ResponseWriter
	ctx     context.Context
	id      principal.Principal // the effective canister or subnet id in the path
	now     time.Time           // the network's
	sharded bool                // layout of ranges that the endpoint's version has
	*request
	authority
}

// refusal is an answer in plain text with an HTTP status.
type refusal struct {
	status int
	text   string
}

func (r *refusal) Error() string { return r.text }

func refuse(status int, format string, args ...any) error {
	return &refusal{status, fmt.Sprintf(format, args...)}
}

// endpoint reads and validates the envelope, then runs handle.
func (d *door) endpoint(handle func(*exchange) error, sharded bool) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		x := &exchange{ResponseWriter: w, ctx: r.Context(), now: d.Engine.Time(), sharded: sharded}
		err := d.open(x, r)
		if err == nil {
			err = handle(x)
		}
		d.answerError(w, r, err)
	}
}

func (d *door) open(x *exchange, r *http.Request) error {
	if t := r.Header.Get("Content-Type"); !strings.EqualFold(t, "application/cbor") {
		return refuse(http.StatusBadRequest, "Unexpected content-type %q, expected application/cbor.", t)
	}
	var err error
	if x.id, err = principal.Parse(r.PathValue("id")); err != nil {
		return refuse(http.StatusBadRequest, "Malformed id in the path: %v", err)
	}
	body, err := io.ReadAll(http.MaxBytesReader(x.ResponseWriter, r.Body, maxBody))
	if tooLarge := (*http.MaxBytesError)(nil); errors.As(err, &tooLarge) {
		return refuse(http.StatusRequestEntityTooLarge, "The request is larger than %d bytes.", maxBody)
	}
	if err != nil {
		return refuse(http.StatusBadRequest, "The request could not be read: %v", err)
	}
	if x.request, err = decodeRequest(body); err != nil {
		return refuse(http.StatusBadRequest, "Could not parse body as a request: %v", err)
	}
	if want := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]; x.kind != want {
		return refuse(http.StatusBadRequest, "A request of type %s at the endpoint of %s.", x.kind, want)
	}
	if x.authority, err = x.validate(x.now); err != nil {
		return refuse(http.StatusBadRequest, "%v", err)
	}
	return nil
}

// answerError writes what an endpoint could not. A cause inside the network goes to
// the log, not to the client.
func (d *door) answerError(w http.ResponseWriter, r *http.Request, err error) {
	if err == nil {
		return
	}
	var refused *refusal
	if !errors.As(err, &refused) {
		d.Logger.Error("request failed", "path", r.URL.Path, "error", err)
		refused = &refusal{http.StatusInternalServerError, "Internal error."}
	}
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(refused.status)
	io.WriteString(w, refused.text) //nolint:errcheck // the client is gone
}

// answer writes a value in CBOR.
func (x *exchange) answer(v any) error { return answerCBOR(x.ResponseWriter, v) }

func answerCBOR(w http.ResponseWriter, v any) error {
	_, enc := modes()
	b, err := enc.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode the answer: %w", err)
	}
	w.Header().Set("Content-Type", "application/cbor")
	w.Write(append([]byte(selfDescribe), b...)) //nolint:errcheck // the client is gone
	return nil
}

func (d *door) status(w http.ResponseWriter, r *http.Request) {
	d.answerError(w, r, answerCBOR(w, map[string]any{
		"root_key":              d.Certifier.RootKey(),
		"impl_version":          "assay",
		"replica_health_status": "healthy",
	}))
}

// allowOrigins lets pages from anywhere use the interface, as real networks do.
func allowOrigins(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Access-Control-Allow-Origin", "*")
		if r.Method == http.MethodOptions {
			h.Set("Access-Control-Allow-Methods", "GET, POST")
			h.Set("Access-Control-Allow-Headers", "Accept, Authorization, Content-Type")
			h.Set("Access-Control-Max-Age", "600")
			w.WriteHeader(http.StatusNoContent)
			return
		}
		next.ServeHTTP(w, r)
	})
}
