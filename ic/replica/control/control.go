// Package control is the part of a network's HTTP interface that only its owner may use:
// rounds on demand, the time, the state's hash, recordings.
//
// ic/localnet serves a [New] handler below [Prefix] beside the network's own interface;
// `assay network tick`, `set-time` and `record` use it through a [Client]. Web pages must
// not reach it, though they run on the same machine: there are no CORS headers, every
// request carries a header of its own, for which browsers ask first, the Host must be a
// name of loopback, against names that lead here by DNS, and the connection must come from
// loopback.
//
//	GET  /_/state                          [State]
//	POST /_/hash                           [Hash]
//	POST /_/tick      {"rounds": 1}        [State]
//	POST /_/set-time  {"time": "…"}        [State]; RFC 3339
//	POST /_/record    {"rounds": 0, …}     the recording, as it is made; its id is in a header
//	POST /_/record/end {"id": "…"}         ends it
//
// Refusals are {"error": "…"} with a status of 4xx or 5xx.
package control

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"assay/ic/principal"
	"assay/ic/replica"
	"assay/ic/replica/cycles"
)

// Prefix is where the handler is served.
const Prefix = "/_/"

// Header must be in every request, with any value.
const Header = "X-Assay-Control"

// idHeader has the id of a recording.
const idHeader = "X-Assay-Recording"

const (
	maxBody   = 64 << 10 // bytes of a request
	maxRounds = 1_000_000
	// writeWait is how long a reader of a recording may take for one write: the network
	// waits for it meanwhile.
	writeWait = 20 * time.Second
)

// Network is what is controlled. *replica.Network is one.
type Network interface {
	Tick(ctx context.Context, rounds int) error
	SetTime(ctx context.Context, t time.Time) error
	Time() time.Time
	Pace() replica.Pace
	Canisters() []principal.Principal
	Prices() cycles.Prices
	Touch() cycles.Touch
	StateHash() ([32]byte, error)
	Record(ctx context.Context, w io.Writer, o replica.RecordOptions) error
}

// State is what a network says of itself.
type State struct {
	Time       time.Time `json:"time"`
	Pace       string    `json:"pace"`
	Canisters  int       `json:"canisters"`
	SubnetSize uint64    `json:"subnet_size"` // nodes that prices are for
	PageTouch  string    `json:"page_touch"`  // the schedule of page touches
}

// Hash is the hash of the whole state, in hex.
type Hash struct {
	Hash string `json:"hash"`
}

type tickRequest struct {
	Rounds int `json:"rounds"`
}

type timeRequest struct {
	Time time.Time `json:"time"`
}

type recordRequest struct {
	Rounds    uint64 `json:"rounds"`
	HashEvery uint64 `json:"hash_every"`
}

type endRequest struct {
	ID string `json:"id"`
}

type refusal struct {
	Error string `json:"error"`
}

// New makes the handler.
func New(n Network) http.Handler {
	c := &control{network: n}
	c.mu.recordings = map[string]context.CancelFunc{}
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+Prefix+"state", answer(func(*http.Request, struct{}) (State, error) { return c.state(), nil }))
	mux.HandleFunc("POST "+Prefix+"hash", answer(c.hash))
	mux.HandleFunc("POST "+Prefix+"tick", answer(c.tick))
	mux.HandleFunc("POST "+Prefix+"set-time", answer(c.setTime))
	mux.HandleFunc("POST "+Prefix+"record", c.record)
	mux.HandleFunc("POST "+Prefix+"record/end", answer(c.endRecord))
	return guard(mux)
}

type control struct {
	network Network
	mu      struct {
		sync.Mutex
		next       uint64
		recordings map[string]context.CancelFunc
	}
}

// guard lets the owner in alone.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		why := ""
		switch {
		case !IsLoopback(r.Host):
			why = fmt.Sprintf("the host %q is not a name of loopback", r.Host)
		case !fromLoopback(r.RemoteAddr):
			why = "only programs on the network's own machine may control it"
		case r.Header.Get(Header) == "":
			why = "the header " + Header + " is missing"
		case r.Header.Get("Origin") != "":
			why = "web pages may not control the network"
		}
		if why != "" {
			refuse(w, http.StatusForbidden, errors.New(why))
			return
		}
		next.ServeHTTP(w, r)
	})
}

// IsLoopback reports whether a Host header names this machine and nothing else: localhost
// or a loopback address, with a port or without.
func IsLoopback(host string) bool {
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	if len(name) > 2 && name[0] == '[' && name[len(name)-1] == ']' {
		name = name[1 : len(name)-1]
	}
	if name == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(name)
	return err == nil && ip.IsLoopback()
}

func fromLoopback(remote string) bool {
	addr, err := netip.ParseAddrPort(remote)
	return err == nil && addr.Addr().Unmap().IsLoopback()
}

func refuse(w http.ResponseWriter, status int, err error) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(refusal{err.Error()}) // else the client is gone
}

// decode reads a request's body; an empty one leaves out as it is.
func decode(w http.ResponseWriter, r *http.Request, out any) error {
	d := json.NewDecoder(http.MaxBytesReader(w, r.Body, maxBody))
	d.DisallowUnknownFields()
	if err := d.Decode(out); err != nil && !errors.Is(err, io.EOF) {
		return fmt.Errorf("the request: %w", err)
	}
	return nil
}

// answer serves what takes one value and gives another.
func answer[In, Out any](f func(*http.Request, In) (Out, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		var in In
		if err := decode(w, r, &in); err != nil {
			refuse(w, http.StatusBadRequest, err)
			return
		}
		out, err := f(r, in)
		if err != nil {
			refuse(w, statusOf(err), err)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		_ = json.NewEncoder(w).Encode(out) // else the client is gone
	}
}

var errBadRequest = errors.New("bad request")

func statusOf(err error) int {
	var back *replica.TimeError
	switch {
	case errors.As(err, &back):
		return http.StatusConflict
	case errors.Is(err, errBadRequest):
		return http.StatusBadRequest
	}
	return http.StatusServiceUnavailable
}

func (c *control) state() State {
	return State{
		Time: c.network.Time().UTC(), Pace: c.network.Pace().String(),
		Canisters: len(c.network.Canisters()), SubnetSize: c.network.Prices().Nodes, PageTouch: c.network.Touch().String(),
	}
}

func (c *control) hash(*http.Request, struct{}) (Hash, error) {
	h, err := c.network.StateHash()
	return Hash{hex.EncodeToString(h[:])}, err
}

func (c *control) tick(r *http.Request, in tickRequest) (State, error) {
	if in.Rounds == 0 {
		in.Rounds = 1
	}
	if in.Rounds < 0 || in.Rounds > maxRounds {
		return State{}, fmt.Errorf("%w: %d rounds: take 1 to %d", errBadRequest, in.Rounds, maxRounds)
	}
	err := c.network.Tick(r.Context(), in.Rounds)
	return c.state(), err
}

func (c *control) setTime(r *http.Request, in timeRequest) (State, error) {
	if in.Time.IsZero() || in.Time.Year() > 2261 { // nanoseconds since 1970 end there
		return State{}, fmt.Errorf("%w: no time, or one after the year 2261", errBadRequest)
	}
	err := c.network.SetTime(r.Context(), in.Time)
	return c.state(), err
}

// record streams a recording until it ends.
func (c *control) record(w http.ResponseWriter, r *http.Request) {
	var in recordRequest
	if err := decode(w, r, &in); err != nil {
		refuse(w, http.StatusBadRequest, err)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	id := c.begin(cancel)
	defer c.forget(id)
	w.Header().Set("Content-Type", "application/octet-stream")
	w.Header().Set(idHeader, id)
	out := &stream{w: w, control: http.NewResponseController(w)}
	if err := c.network.Record(ctx, out, replica.RecordOptions(in)); err != nil && !out.began {
		refuse(w, statusOf(err), err)
	}
}

func (c *control) begin(cancel context.CancelFunc) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.next++
	id := strconv.FormatUint(c.mu.next, 10)
	c.mu.recordings[id] = cancel
	return id
}

func (c *control) forget(id string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.mu.recordings, id)
}

func (c *control) endRecord(_ *http.Request, in endRequest) (struct{}, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	cancel := c.mu.recordings[in.ID]
	if cancel == nil {
		return struct{}{}, fmt.Errorf("%w: no recording %q", errBadRequest, in.ID)
	}
	cancel()
	return struct{}{}, nil
}

// stream sends each write at once, and fails where the reader does not take it.
type stream struct {
	w       http.ResponseWriter
	control *http.ResponseController
	began   bool
}

func (s *stream) Write(b []byte) (int, error) {
	s.began = true
	// Not every server has deadlines; those that do cut off who reads too slowly.
	if err := s.control.SetWriteDeadline(time.Now().Add(writeWait)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	n, err := s.w.Write(b)
	if err == nil {
		err = s.control.Flush()
	}
	return n, err
}
