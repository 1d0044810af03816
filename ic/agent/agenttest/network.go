// Package agenttest is a network in the test process: a real HTTP server that checks
// requests, signs certificates and query answers with real keys, and lets a test decide
// what its canisters say and how it lies. Tests of the agent and of clients use it.
// Nothing is executed, and there is no consensus; the embedded network has both.
package agenttest

import (
	"crypto/ed25519"
	"crypto/rand"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	agentgo "github.com/aviate-labs/agent-go"
	"github.com/aviate-labs/agent-go/certification"
	agenttree "github.com/aviate-labs/agent-go/certification/hashtree"
	agentprincipal "github.com/aviate-labs/agent-go/principal"
	"github.com/fxamacker/cbor/v2"

	"assay/ic/certificate"
	"assay/ic/certificate/certtest"
	"assay/ic/certificate/hashtree"
	"assay/ic/principal"
)

// Call is a request as a canister sees it.
type Call struct {
	Sender   principal.Principal
	Canister principal.Principal
	Method   string
	Arg      []byte
	Query    bool
}

// Answer is what a canister or the network says to a call.
type Answer struct {
	Reply     []byte
	Reject    uint64 // reject code; 0 is a reply
	Message   string
	ErrorCode string
	Early     bool     // refuse before consensus, unsigned
	Statuses  []string // what polls see before the answer; the call itself gets 202
	Forget    bool     // never knows the request
}

// Network is a server for one subnet. Set its fields before the first request, or
// inside [Network.Change].
type Network struct {
	*certtest.Network
	URL string
	// Handle answers calls and queries.
	Handle func(Call) Answer
	// State puts into a read_state certificate what stands at a path, for paths other
	// than time, subnet and request_status.
	State func(b *hashtree.Builder, path [][]byte)
	// Now is the network's clock.
	Now func() time.Time
	// ForgeCertificate may replace the certificate of a "call" or "read_state".
	ForgeCertificate func(endpoint string, good []byte) []byte
	// ForgeAnswer may replace the map of a query's answer, after it was signed.
	ForgeAnswer func(answer map[string]any)
	// Status is an HTTP status to answer with, when not zero.
	Status int
	// Break is how many calls, from the first, get no answer: the connection breaks.
	Break int
	// Body replaces every answer's body, when not nil.
	Body []byte

	t       testing.TB
	nodeKey ed25519.PrivateKey
	node    principal.Principal

	settings sync.RWMutex // held by a test that changes fields, shared by requests
	mu       struct {
		sync.Mutex
		calls map[[32]byte]*Answer
		seen  map[string]int
	}
}

// New starts a network that hosts the ranges; it ends with the test.
func New(t testing.TB, layout certtest.Layout, ranges ...certificate.Range) *Network {
	t.Helper()
	n := &Network{
		Network: certtest.NewAt(t, layout, time.Now(), ranges...), t: t, Now: time.Now,
		Handle: func(c Call) Answer { return Answer{Reply: c.Arg} },
	}
	n.NewNode()
	n.mu.calls = map[[32]byte]*Answer{}
	n.mu.seen = map[string]int{}
	server := httptest.NewServer(http.HandlerFunc(n.serve))
	t.Cleanup(server.Close)
	n.URL = server.URL + "/prefix"
	return n
}

// Change runs f between two requests, so that it may change the network's fields.
func (n *Network) Change(f func()) {
	n.settings.Lock()
	defer n.settings.Unlock()
	f()
}

// NewNode replaces the subnet's only node by one with another key.
func (n *Network) NewNode() {
	public, secret, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		n.t.Error(err)
	}
	n.nodeKey, n.node = secret, principal.SelfAuthenticating(nodeDER(public))
}

// Seen is how often an endpoint ("call", "query", "read_state") was asked.
func (n *Network) Seen(endpoint string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.mu.seen[endpoint]
}

func nodeDER(key ed25519.PublicKey) []byte {
	return append([]byte{0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00}, key...)
}

type envelope struct {
	Content struct {
		Type     string     `cbor:"request_type"`
		Sender   []byte     `cbor:"sender"`
		Nonce    []byte     `cbor:"nonce"`
		Expiry   uint64     `cbor:"ingress_expiry"`
		Canister []byte     `cbor:"canister_id"`
		Method   string     `cbor:"method_name"`
		Arg      []byte     `cbor:"arg"`
		Paths    [][][]byte `cbor:"paths"`
	} `cbor:"content"`
	Key []byte `cbor:"sender_pubkey"`
	Sig []byte `cbor:"sender_sig"`
}

// id is the request id by agent-go's reckoning, not ours.
func (e envelope) id() [32]byte {
	r := agentgo.Request{
		Type: e.Content.Type, Sender: agentprincipal.Principal{Raw: e.Content.Sender}, Nonce: e.Content.Nonce,
		IngressExpiry: e.Content.Expiry, CanisterID: agentprincipal.Principal{Raw: e.Content.Canister},
		MethodName: e.Content.Method, Arguments: e.Content.Arg,
	}
	for _, p := range e.Content.Paths {
		var labels []agenttree.Label
		for _, l := range p {
			labels = append(labels, l)
		}
		r.Paths = append(r.Paths, labels)
	}
	return agentgo.NewRequestID(r)
}

// check is the door's work: signature by the sender's key, expiry inside the window.
func (e envelope) check(id [32]byte, now time.Time) error {
	if expiry := time.Unix(0, int64(e.Content.Expiry)); expiry.Before(now) || expiry.After(now.Add(6*time.Minute)) {
		return fmt.Errorf("%s: %s", "Invalid request expiry", expiry) // the words that agent-js looks for
	}
	sender, err := principal.FromBytes(e.Content.Sender)
	if err != nil {
		return err
	}
	if sender.IsAnonymous() {
		if e.Key != nil || e.Sig != nil {
			return fmt.Errorf("anonymous request with a signature")
		}
		return nil
	}
	if principal.SelfAuthenticating(e.Key) != sender || len(e.Key) != 44 {
		return fmt.Errorf("key does not belong to %s", sender)
	}
	if !ed25519.Verify(ed25519.PublicKey(e.Key[12:]), append([]byte("\x0aic-request"), id[:]...), e.Sig) {
		return fmt.Errorf("wrong signature")
	}
	return nil
}

func (n *Network) serve(w http.ResponseWriter, r *http.Request) {
	n.settings.RLock()
	defer n.settings.RUnlock()
	if n.Status != 0 {
		http.Error(w, "as the test wished", n.Status)
		return
	}
	path, _ := strings.CutPrefix(r.URL.Path, "/prefix")
	if path == "/api/v2/status" {
		n.write(w, map[string]any{"root_key": n.RootKey, "replica_health_status": "healthy"})
		return
	}
	parts := strings.Split(strings.Trim(path, "/"), "/")
	if len(parts) != 5 || parts[0] != "api" || parts[2] != "canister" || r.Header.Get("Content-Type") != "application/cbor" {
		http.Error(w, "Invalid path requested.", http.StatusNotFound)
		return
	}
	body, err := io.ReadAll(io.LimitReader(r.Body, 4<<20))
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var e envelope
	if err := cbor.Unmarshal(body, &e); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	id := e.id()
	if err := e.check(id, n.Now()); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	n.mu.Lock()
	n.mu.seen[parts[4]]++
	n.mu.Unlock()
	switch parts[1] + " " + parts[4] {
	case "v4 call":
		n.call(w, e, id)
	case "v3 query":
		n.query(w, e, id)
	case "v3 read_state":
		n.readState(w, e)
	default:
		http.Error(w, "Invalid path requested.", http.StatusNotFound)
	}
}

// Executed is how many different calls were executed.
func (n *Network) Executed() int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return len(n.mu.calls)
}

// call executes a request once, however often it comes.
func (n *Network) call(w http.ResponseWriter, e envelope, id [32]byte) {
	n.mu.Lock()
	known := n.mu.calls[id]
	breaks := n.mu.seen["call"] <= n.Break
	n.mu.Unlock()
	if known == nil {
		a := n.ask(e, false)
		n.mu.Lock()
		n.mu.calls[id], known = &a, &a
		n.mu.Unlock()
	}
	if breaks {
		panic(http.ErrAbortHandler)
	}
	n.mu.Lock()
	a := *known
	n.mu.Unlock()
	switch {
	case a.Early:
		n.write(w, map[string]any{"status": "non_replicated_rejection", "reject_code": a.Reject, "reject_message": a.Message, "error_code": a.ErrorCode})
	case a.Forget || len(a.Statuses) > 0:
		w.WriteHeader(http.StatusAccepted)
	default:
		b := n.builder()
		status(b, id, a)
		n.certificate(w, "call", b)
	}
}

func (n *Network) ask(e envelope, query bool) Answer {
	sender, _ := principal.FromBytes(e.Content.Sender)
	canister, _ := principal.FromBytes(e.Content.Canister)
	return n.Handle(Call{sender, canister, e.Content.Method, e.Content.Arg, query})
}

func (n *Network) builder() *hashtree.Builder {
	return hashtree.NewBuilder().Set(certificate.AppendNat(nil, uint64(n.Now().UnixNano())), []byte("time"))
}

// status puts a call's status into the tree, one step further at every look.
func status(b *hashtree.Builder, id [32]byte, a Answer) {
	set := func(value []byte, name string) { b.Set(value, []byte("request_status"), id[:], []byte(name)) }
	switch {
	case a.Forget:
	case len(a.Statuses) > 0:
		set([]byte(a.Statuses[0]), "status")
	case a.Reject != 0:
		set([]byte("rejected"), "status")
		set(certificate.AppendNat(nil, a.Reject), "reject_code")
		set([]byte(a.Message), "reject_message")
		set([]byte(a.ErrorCode), "error_code")
	default:
		set([]byte("replied"), "status")
		set(a.Reply, "reply")
	}
}

func (n *Network) query(w http.ResponseWriter, e envelope, id [32]byte) {
	a := n.ask(e, true)
	at := uint64(n.Now().UnixNano())
	answer := map[string]any{"status": "replied", "reply": map[string]any{"arg": a.Reply}}
	if a.Reject != 0 {
		answer = map[string]any{"status": "rejected", "reject_code": a.Reject, "reject_message": a.Message, "error_code": a.ErrorCode}
	}
	signed := maps.Clone(answer)
	signed["timestamp"], signed["request_id"] = at, id[:]
	h, err := certification.HashAny(signed) // agent-go's hash, not ours
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	sig := ed25519.Sign(n.nodeKey, append([]byte("\x0bic-response"), h[:]...))
	answer["signatures"] = []any{map[string]any{"timestamp": at, "signature": sig, "identity": n.node.Bytes()}}
	if n.ForgeAnswer != nil {
		n.ForgeAnswer(answer)
	}
	n.write(w, answer)
}

func (n *Network) readState(w http.ResponseWriter, e envelope) {
	b := n.builder()
	for _, path := range e.Content.Paths {
		switch {
		case len(path) > 0 && string(path[0]) == "subnet":
			set := func(v []byte, labels ...[]byte) {
				b.Set(v, append([][]byte{[]byte("subnet"), n.Subnet.Bytes()}, labels...)...)
			}
			set(n.SubnetKey, []byte("public_key"))
			set([]byte("application"), []byte("type"))
			set(nodeDER(n.nodeKey.Public().(ed25519.PublicKey)), []byte("node"), n.node.Bytes(), []byte("public_key"))
		case len(path) == 2 && string(path[0]) == "request_status" && len(path[1]) == 32:
			n.step(b, [32]byte(path[1]))
		case n.State != nil:
			n.State(b, path)
		}
	}
	n.certificate(w, "read_state", b)
}

func (n *Network) step(b *hashtree.Builder, id [32]byte) {
	n.mu.Lock()
	defer n.mu.Unlock()
	a := n.mu.calls[id]
	if a == nil {
		return
	}
	status(b, id, *a)
	if len(a.Statuses) > 0 {
		a.Statuses = a.Statuses[1:]
	}
}

func (n *Network) certificate(w http.ResponseWriter, endpoint string, b *hashtree.Builder) {
	raw, err := n.Sign(b)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	if n.ForgeCertificate != nil {
		raw = n.ForgeCertificate(endpoint, raw)
	}
	n.write(w, map[string]any{"status": "replied", "certificate": raw})
}

func (n *Network) write(w http.ResponseWriter, v any) {
	body := n.Body
	if body == nil {
		var err error
		if body, err = cbor.Marshal(cbor.Tag{Number: 55799, Content: v}); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	w.Header().Set("Content-Type", "application/cbor")
	_, _ = w.Write(body)
}
