// Package door is the HTTP interface of the embedded network, as agents expect it.
//
// It takes what the interface specification puts before consensus: decoding, expiry,
// signatures and delegations, read rules, certificates and signed query responses.
// Messages are executed by the engine behind it, keys are held by ic/replica/certify,
// signatures of users are checked by ic/replica/signature. Agents in any language can
// talk to it with all their checks on. It serves one subnet that hosts every canister id.
//
//	GET  /api/v2/status
//	POST /api/{v2,v3,v4}/canister/<id>/call          v2 does not wait for the answer
//	POST /api/{v2,v3}/canister/<id>/{query,read_state}
//	POST /api/v4/subnet/<id>/call                    creates canisters
//	POST /api/v3/subnet/<id>/query                   lists canisters
//	POST /api/{v2,v3}/subnet/<id>/read_state
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
	"assay/ic/replica/signature"
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
	// Metrics are those of the subnet.
	Metrics() replica.Metrics
	// Time is the network's time, which never goes back.
	Time() time.Time
}

const (
	maxArg      = 2 << 20          // bytes of an update call's argument
	maxCall     = maxArg + 64<<10  // bytes of an update call with its envelope
	maxRead     = 5 << 20          // bytes of any other request
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
func New(c Config) http.Handler { return newDoor(c).handler() }

func newDoor(c Config) *door {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Wait <= 0 {
		c.Wait = defaultWait
	}
	d := &door{Config: c, signatures: signature.NewVerifier(c.Certifier.RootKey())}
	d.answers.door = d
	return d
}

func (d *door) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v2/status", d.status)
	for _, e := range []endpoint{
		{path: "v2/canister/{id}/call", handle: d.callAsync},
		{path: "v3/canister/{id}/call", handle: d.callSync},
		{path: "v4/canister/{id}/call", handle: d.callSync, sharded: true},
		{path: "v4/subnet/{id}/call", handle: d.callSync, sharded: true, subnet: true},
		{path: "v2/canister/{id}/query", handle: d.query},
		{path: "v3/canister/{id}/query", handle: d.query, sharded: true},
		{path: "v3/subnet/{id}/query", handle: d.query, sharded: true, subnet: true},
		{path: "v2/canister/{id}/read_state", handle: d.readState},
		{path: "v3/canister/{id}/read_state", handle: d.readState, sharded: true},
		{path: "v2/subnet/{id}/read_state", handle: d.readState, subnet: true},
		{path: "v3/subnet/{id}/read_state", handle: d.readState, sharded: true, subnet: true},
	} {
		mux.HandleFunc("POST /api/"+e.path, d.serve(e))
	}
	return allowOrigins(mux)
}

// endpoint is one path of the interface with its version and object.
type endpoint struct {
	path    string
	handle  func(*exchange) error
	sharded bool // layout of canister ranges that the version has
	subnet  bool // the id in the path is a subnet's, not a canister's
}

// takes is the type of request that the endpoint takes.
func (e endpoint) takes() string { return e.path[strings.LastIndexByte(e.path, '/')+1:] }

type door struct {
	Config
	signatures *signature.Verifier
	answers    answers
}

// exchange is one request with its answer, given to an endpoint once the envelope is
// valid.
type exchange struct {
	http.ResponseWriter
	endpoint
	ctx context.Context
	id  principal.Principal // the effective canister or subnet id in the path
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

// serve reads and validates the envelope, then runs the endpoint.
func (d *door) serve(e endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		x := &exchange{ResponseWriter: w, endpoint: e, ctx: r.Context()}
		err := d.open(x, r)
		if err == nil {
			err = e.handle(x)
		}
		d.answerError(w, r, err)
	}
}

func (d *door) open(x *exchange, r *http.Request) error {
	if t := r.Header.Get("Content-Type"); !strings.EqualFold(t, "application/cbor") {
		return refuse(http.StatusBadRequest, "Unexpected content-type %q, expected application/cbor.", t)
	}
	if err := d.openPath(x, r.PathValue("id")); err != nil {
		return err
	}
	body, err := readBody(x.ResponseWriter, r, x.maxBody())
	if err != nil {
		return err
	}
	if x.request, err = decodeRequest(body); err != nil {
		return refuse(http.StatusBadRequest, "Could not parse body as a request: %v", err)
	}
	if x.kind != x.takes() {
		return refuse(http.StatusBadRequest, "A request of type %s at the endpoint of %s.", x.kind, x.takes())
	}
	if x.authority, err = x.validate(d.Engine.Time(), d.signatures); err != nil {
		return refuse(http.StatusBadRequest, "%v", err)
	}
	if x.kind == "read_state" {
		return nil
	}
	if x.subnet {
		return x.checkSubnetMethod()
	}
	return x.checkEffective()
}

// openPath reads the id in the path, which has one spelling.
func (d *door) openPath(x *exchange, text string) (err error) {
	if x.id, err = principal.Parse(text); err != nil {
		return refuse(http.StatusBadRequest, "Malformed id in the path: %v", err)
	}
	if x.subnet {
		return d.checkSubnet(x.id)
	}
	return checkCanister(x.id)
}

// maxBody is how long a request may be in bytes. An update call has to fit into a block.
func (e endpoint) maxBody() int64 {
	if e.takes() == "call" {
		return maxCall
	}
	return maxRead
}

func readBody(w http.ResponseWriter, r *http.Request, most int64) ([]byte, error) {
	if r.ContentLength > most {
		return nil, tooLarge(most)
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, most))
	if over := (*http.MaxBytesError)(nil); errors.As(err, &over) {
		return nil, tooLarge(most)
	}
	if err != nil {
		return nil, refuse(http.StatusBadRequest, "The request could not be read: %v", err)
	}
	return body, nil
}

func tooLarge(most int64) error {
	return refuse(http.StatusRequestEntityTooLarge, "The request is larger than %d bytes.", most)
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
		if strings.Contains(r.URL.Path, "//") {
			http.NotFound(w, r) // and not a redirection to another path, as the mux has it
			return
		}
		next.ServeHTTP(w, r)
	})
}
