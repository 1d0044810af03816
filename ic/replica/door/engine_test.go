package door

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"net/http"
	"net/http/httptest"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"assay/ic/certificate"
	"assay/ic/identity"
	"assay/ic/principal"
	"assay/ic/replica"
	"assay/ic/replica/certify"
)

// testEngine is an engine for these tests: it executes nothing, its one canister knows
// five methods by name.
type testEngine struct {
	now time.Time
	mu  struct {
		sync.Mutex
		requests map[replica.RequestID]replica.Status
		calls    int
		last     replica.Ingress
	}
}

var (
	target = principal.Canister(7)
	other  = principal.Canister(8)
	noon   = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
)

func (e *testEngine) Submit(_ context.Context, in replica.Ingress) *replica.Reject {
	e.mu.Lock()
	defer e.mu.Unlock()
	if _, ok := e.mu.requests[in.ID]; ok {
		return nil
	}
	e.mu.calls++
	e.mu.last = in
	s := replica.Status{Phase: replica.Replied, Reply: in.Arg, Sender: in.Sender, Canister: in.Canister, Effective: in.Effective}
	switch in.Method {
	case "full":
		return &replica.Reject{Code: 2, ErrorCode: "IC0201", Message: "full"}
	case "refuse":
		return &replica.Reject{Code: 4, ErrorCode: "IC0406", Message: "inspected"}
	case "reject":
		s.Phase, s.Reply, s.Reject = replica.Rejected, nil, &replica.Reject{Code: 5, ErrorCode: "IC0503", Message: "trapped"}
	case "slow":
		s.Phase, s.Reply = replica.Processing, nil
	case "done":
		s.Phase, s.Reply = replica.Done, nil
	}
	e.mu.requests[in.ID] = s
	return nil
}

func (e *testEngine) Kept(context.Context, replica.RequestID) error { return nil }

func (e *testEngine) Await(ctx context.Context, id replica.RequestID) (replica.Status, error) {
	s, _ := e.Status(id)
	if !s.Phase.Final() {
		<-ctx.Done()
		return replica.Status{}, ctx.Err()
	}
	return s, nil
}

func (e *testEngine) Status(id replica.RequestID) (replica.Status, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	s, ok := e.mu.requests[id]
	return s, ok
}

func (e *testEngine) Query(_ context.Context, q replica.Query) ([]byte, *replica.Reject) {
	if q.Method == "reject" {
		return nil, &replica.Reject{Code: 3, ErrorCode: "IC0536", Message: "no such method"}
	}
	return q.Arg, nil
}

func (e *testEngine) Info(id principal.Principal) (replica.Info, bool) {
	if id != target {
		return replica.Info{}, false
	}
	return replica.Info{
		ModuleHash:  []byte("hash"),
		Controllers: []principal.Principal{controller.Sender(), other},
		Metadata:    metadata(),
		Created:     1,
		Installed:   2,
	}, true
}

func (e *testEngine) Metrics() replica.Metrics {
	return replica.Metrics{Canisters: 1, StateBytes: 2, CyclesLow: 3, CyclesHigh: 4, Updates: 5}
}

func (e *testEngine) Time() time.Time { return e.now }

// network is a door with its engine, and a client that signs by hand.
type network struct {
	t      testing.TB
	engine *testEngine
	door   *door
	keys   *certify.Certifier
	server *httptest.Server
}

func start(t testing.TB) *network {
	t.Helper()
	n := &network{t: t, engine: &testEngine{now: noon}}
	n.engine.mu.requests = map[replica.RequestID]replica.Status{}
	var err error
	if n.keys, err = certify.Open("", n.engine.Time); err != nil {
		t.Fatal(err)
	}
	n.door = newDoor(Config{Engine: n.engine, Certifier: n.keys, Wait: 20 * time.Millisecond})
	n.server = httptest.NewServer(n.door.handler())
	t.Cleanup(n.server.Close)
	return n
}

// signer is a key of any kind.
type signer struct {
	der  []byte
	sign func([]byte) []byte
}

func (s signer) Sender() principal.Principal {
	if s.der == nil {
		return principal.Anonymous
	}
	return principal.SelfAuthenticating(s.der)
}

func of(id identity.Identity) signer {
	return signer{id.PublicKeyDER(), func(b []byte) []byte {
		sig, err := id.Sign(b)
		if err != nil {
			panic(err)
		}
		return sig
	}}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

var (
	anonymous  = signer{}
	alice      = of(must(identity.NewEd25519()))
	bob        = of(must(identity.NewSecp256k1()))
	carol      = p256()
	controller = of(must(identity.NewEd25519()))
)

func p256() signer {
	key := must(ecdsa.GenerateKey(elliptic.P256(), rand.Reader))
	point := must(key.PublicKey.Bytes())
	return signer{append(append([]byte{}, "\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00"...), point...), func(b []byte) []byte {
		h := sha256.Sum256(b)
		r, s, err := ecdsa.Sign(rand.Reader, key, h[:])
		if err != nil {
			panic(err)
		}
		sig := make([]byte, 64)
		r.FillBytes(sig[:32])
		s.FillBytes(sig[32:])
		return sig
	}}
}

type fieldsOf map[string]any

// content is a request of kind by the sender, with further fields.
func content(kind string, by signer, more fieldsOf) fieldsOf {
	c := fieldsOf{
		"request_type": kind, "sender": by.Sender().Bytes(),
		"ingress_expiry": uint64(noon.Add(4 * time.Minute).UnixNano()), "nonce": []byte(rand.Text()),
	}
	if kind != "read_state" {
		c["canister_id"], c["method_name"], c["arg"] = target.Bytes(), "echo", []byte("hello")
	}
	for k, v := range more {
		c[k] = v
	}
	return c
}

// generic is v as a decoder sees it.
func generic(v fieldsOf) map[string]any {
	_, enc := modes()
	var out map[string]any
	loose := must(cbor.DecOptions{DefaultMapType: reflect.TypeFor[map[string]any]()}.DecMode())
	if err := loose.Unmarshal(must(enc.Marshal(v)), &out); err != nil {
		panic(err)
	}
	return out
}

func hashOf(v fieldsOf) [32]byte { return must(hashMap(newFields(generic(v)).values)) }

// seal makes the envelope. chain are the delegations, whose last key is by's.
func seal(c fieldsOf, owner, by signer, chain ...fieldsOf) fieldsOf {
	e := fieldsOf{"content": c}
	if owner.der != nil {
		id := hashOf(c)
		e["sender_pubkey"] = owner.der
		e["sender_sig"] = by.sign(append([]byte("\x0aic-request"), id[:]...))
	}
	if len(chain) > 0 {
		e["sender_delegation"] = chain
	}
	return e
}

func delegate(from, to signer, more fieldsOf) fieldsOf {
	d := fieldsOf{"pubkey": to.der, "expiration": uint64(noon.Add(time.Hour).UnixNano())}
	for k, v := range more {
		d[k] = v
	}
	h := hashOf(d)
	return fieldsOf{"delegation": d, "signature": from.sign(append([]byte("\x1aic-request-auth-delegation"), h[:]...))}
}

func (n *network) post(path string, e fieldsOf) (int, []byte) {
	n.t.Helper()
	body := must(cbor.Marshal(e))
	return n.postRaw(path, "application/cbor", append([]byte(selfDescribe), body...))
}

func (n *network) postRaw(path, contentType string, body []byte) (int, []byte) {
	n.t.Helper()
	res, err := http.Post(n.server.URL+path, contentType, bytes.NewReader(body))
	if err != nil {
		n.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	return res.StatusCode, b
}

// answer is what any endpoint sends.
type answer struct {
	Status      string `cbor:"status"`
	Certificate []byte `cbor:"certificate"`
	Code        uint64 `cbor:"reject_code"`
	Message     string `cbor:"reject_message"`
	ErrorCode   string `cbor:"error_code"`
	Reply       struct {
		Arg []byte `cbor:"arg"`
	} `cbor:"reply"`
	Signatures []struct {
		Timestamp uint64 `cbor:"timestamp"`
		Signature []byte `cbor:"signature"`
		Identity  []byte `cbor:"identity"`
	} `cbor:"signatures"`
}

func (n *network) decode(b []byte) answer {
	n.t.Helper()
	rest, ok := bytes.CutPrefix(b, []byte(selfDescribe))
	if !ok {
		n.t.Fatalf("answer %q has no self-describing tag", b)
	}
	var a answer
	if err := cbor.Unmarshal(rest, &a); err != nil {
		n.t.Fatalf("answer %x: %v", b, err)
	}
	return a
}

// certified decodes and verifies a certificate.
func (n *network) certified(b []byte) *certificate.Certificate {
	n.t.Helper()
	c, err := certificate.Decode(b)
	if err != nil {
		n.t.Fatal(err)
	}
	if err := c.Verify(n.keys.RootKey(), target, noon, time.Minute); err != nil {
		n.t.Fatal(err)
	}
	return c
}
