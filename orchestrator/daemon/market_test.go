package daemon

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"assay/canisters/market/book"
	"assay/canisters/market/marketapi"
	"assay/commitment"
	"assay/ic/agent/agenttest"
	"assay/ic/candid"
	"assay/ic/certificate"
	"assay/ic/certificate/certtest"
	"assay/ic/certificate/hashtree"
	"assay/ic/identity"
	"assay/ic/principal"
	"assay/inference/pipeline"
)

const (
	dao       = book.Principal("dao\x01")
	requester = book.Principal("app\x01")
	dimension = 2
)

var (
	marketID  = principal.Canister(3)
	manifest  = []byte("manifest of the test's model")
	modelRoot = commitment.ModelRoot(manifest)
)

// market is the market's real book in the test process, behind a network that signs: the
// daemon finds HTTP, certificates and witnesses as on a real one. Methods that no daemon
// calls are missing.
type market struct {
	marketapi.Service[agenttest.Call]
	t    *testing.T
	net  *agenttest.Network
	mu   sync.Mutex
	b    *book.Book
	tree map[string]book.Update

	said  map[string]int                         // calls by method
	first func(method string) *marketapi.Failure // answers in the book's place, if it wants to
	cause *marketapi.DeclineCause                // of the last decline
}

func newMarket(t *testing.T) *market {
	t.Helper()
	n := agenttest.New(t, certtest.Sharded, certificate.Range{From: principal.Canister(0), To: principal.Canister(9)})
	m := &market{t: t, net: n, tree: map[string]book.Update{}, said: map[string]int{}, first: func(string) *marketapi.Failure { return nil }}
	parameters := book.Parameters{Window: 3600e9, DeliveryTimeout: 3600e9, RevealTimeout: 3600e9, MaxAttempts: 3, BasePrice: 1000}
	store := &book.Memory{}
	b, fx, err := book.Create(store, book.Principal(marketID.Bytes()), dao, commitment.NetworkID(n.RootKey), parameters)
	m.b = b
	m.must(fx, err)
	m.must(b.Admit(m.call(dao), book.RegistryEntry{
		Kind: book.ModelKind, Root: modelRoot, Name: "test", Publisher: dao, Manifest: manifest, Classes: []string{book.ClassExact},
		PricePerItem: 10, Dimension: dimension, MaxItems: 4, MaxItemBytes: 100,
	}))
	methods := map[string]candid.Method[agenttest.Call]{}
	for _, method := range marketapi.Methods[agenttest.Call](m) {
		methods[method.Name] = method
	}
	n.Handle = func(c agenttest.Call) agenttest.Answer {
		method, ok := methods[c.Method]
		if !ok || c.Canister != marketID || (method.Kind == candid.Update) == c.Query {
			return agenttest.Answer{Reject: 5, Message: "no method " + c.Method, ErrorCode: "IC0536"}
		}
		m.mu.Lock()
		defer m.mu.Unlock()
		m.said[c.Method]++
		reply, err := method.Handle(c, c.Arg)
		if err != nil {
			return agenttest.Answer{Reject: 4, Message: err.Error()}
		}
		return agenttest.Answer{Reply: reply}
	}
	return m
}

func (m *market) call(p book.Principal) book.Call {
	return book.Call{Now: uint64(time.Now().UnixNano()), Caller: p, Attached: 1e9, Liquid: 1e18}
}

func (m *market) apply(fx book.Effects) {
	for _, u := range fx.Tree {
		if key := fmt.Sprintf("%q", u.Path); u.Value == nil {
			delete(m.tree, key)
		} else {
			m.tree[key] = u
		}
	}
}

func (m *market) must(fx book.Effects, err error) {
	m.t.Helper()
	if err != nil {
		m.t.Fatal(err)
	}
	m.apply(fx)
}

func raw(p principal.Principal) book.Principal { return book.Principal(p.Bytes()) }

// order has a job submitted and drawn.
func (m *market) order(redundancy uint8, texts ...string) uint64 {
	m.t.Helper()
	m.mu.Lock()
	defer m.mu.Unlock()
	s := book.Submission{Key: fmt.Append(nil, len(m.tree), texts), Model: modelRoot, Class: book.ClassExact, Redundancy: redundancy, MaxPrice: 1e9}
	for _, text := range texts {
		s.Items = append(s.Items, book.Item{Text: text})
	}
	s.Key = s.Key[:min(len(s.Key), 32)]
	placed, fx, err := m.b.Submit(m.call(requester), s)
	m.must(fx, err)
	m.draw()
	return placed.Seq
}

func (m *market) draw() {
	m.t.Helper()
	id, request, fx := m.b.Freeze(m.call(""))
	m.apply(fx)
	if !request {
		return
	}
	if err := m.b.StoreBeacon(m.call(""), id, make([]byte, 32)); err != nil {
		m.t.Fatal(err)
	}
	_, fx = m.b.Draw(m.call(""))
	m.apply(fx)
}

func (m *market) job(seq uint64) book.Job {
	m.mu.Lock()
	defer m.mu.Unlock()
	j, err := m.b.Job(seq)
	if err != nil {
		m.t.Fatal(err)
	}
	return *j
}

func (m *market) calls(method string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.said[method]
}

// waitFor looks until the condition holds.
func waitFor(t *testing.T, what string, holds func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	limit := time.After(time.Minute)
	for !holds() {
		select {
		case <-tick.C:
		case <-limit:
			t.Fatal("waited a minute until " + what)
		}
	}
}

func (m *market) Assignments(_ agenttest.Call, operator principal.Principal) (r marketapi.Assignments, err error) {
	for _, a := range m.b.Assignments(raw(operator)) {
		c := a.Commitment
		worker, err := principal.FromBytes(c.Executor)
		if err != nil {
			return r, err
		}
		r.Assignments = append(r.Assignments, marketapi.Assignment{
			Job: marketapi.JobId{Market: marketID, Seq: c.Job.Seq}, Attempt: c.Attempt, Operator: operator, Worker: worker,
			Model: c.Model[:], InputHash: c.Input[:], ParametersHash: c.Parameters[:], Redundancy: a.Job.Redundancy, Deadline: c.Deadline,
			Phase: &marketapi.Phase{Deliver: c.Phase == "deliver", Commit: c.Phase == "commit", Reveal: c.Phase == "reveal"},
		})
	}
	b := hashtree.NewBuilder()
	for _, u := range m.tree {
		b.Set(u.Value, u.Path...)
	}
	tree, err := b.Tree()
	if err != nil {
		return r, err
	}
	root := tree.Digest()
	r.Witness = tree.EncodeTagged()
	r.Certificate, err = m.net.Sign(hashtree.NewBuilder().
		Set(certificate.AppendNat(nil, uint64(time.Now().UnixNano())), []byte("time")).
		Set(root[:], []byte("canister"), marketID.Bytes(), []byte("certified_data")))
	return r, err
}

func (m *market) JobInput(c agenttest.Call, seq uint64) (r marketapi.JobInputResult, err error) {
	items, err := m.b.Input(raw(c.Sender), seq)
	if err != nil {
		r.Err = failure(err)
		return r, nil
	}
	out := make([]marketapi.Item, len(items))
	for i, item := range items {
		out[i].Text = &item.Text
	}
	r.Ok = &marketapi.Input{Inline: &out}
	return r, nil
}

// judge runs a provider's command.
func (m *market) judge(method string, do func() (book.Effects, error)) (bool, *marketapi.Failure) {
	if f := m.first(method); f != nil {
		return false, f
	}
	fx, err := do()
	if err != nil {
		return false, failure(err)
	}
	m.apply(fx)
	return true, nil
}

func failure(err error) *marketapi.Failure {
	var f *book.Failure
	if !errors.As(err, &f) {
		panic(err)
	}
	return &marketapi.Failure{Code: &marketapi.FailureCode{Duplicate: f.Code == book.Duplicate, WrongState: f.Code != book.Duplicate}, Message: f.Message, Retry: f.Retry}
}

func tensors(out marketapi.Output) (r []book.Tensor) {
	for _, t := range out {
		r = append(r, book.Tensor{DType: commitment.Float32, Shape: t.Shape, Data: t.Data})
	}
	return r
}

func (m *market) Deliver(c agenttest.Call, a marketapi.DeliverArg) (r marketapi.DeliverResult, err error) {
	r.Ok, r.Err = m.judge("deliver", func() (book.Effects, error) {
		return m.b.Deliver(m.call(raw(c.Sender)), a.Job, a.Attempt, tensors(a.Output))
	})
	return r, nil
}

func (m *market) Commit(c agenttest.Call, a marketapi.CommitArg) (r marketapi.CommitResult, err error) {
	r.Ok, r.Err = m.judge("commit", func() (book.Effects, error) {
		return m.b.Commit(m.call(raw(c.Sender)), a.Job, a.Attempt, commitment.Hash(a.Commit))
	})
	return r, nil
}

func (m *market) Reveal(c agenttest.Call, a marketapi.RevealArg) (r marketapi.RevealResult, err error) {
	r.Ok, r.Err = m.judge("reveal", func() (book.Effects, error) {
		return m.b.Reveal(m.call(raw(c.Sender)), a.Job, a.Attempt, tensors(a.Output), a.Salt)
	})
	return r, nil
}

func (m *market) Decline(c agenttest.Call, a marketapi.DeclineArg) (r marketapi.DeclineResult, err error) {
	m.cause = a.Cause
	r.Ok, r.Err = m.judge("decline", func() (book.Effects, error) {
		return m.b.Decline(m.call(raw(c.Sender)), a.Job, a.Attempt, a.Cause != nil && a.Cause.Input, a.Reason)
	})
	return r, nil
}

func (m *market) EventCount(agenttest.Call) (uint64, error) { return m.b.EventCount(), nil }

func (m *market) Events(_ agenttest.Call, a marketapi.EventsArg) (out []marketapi.Event, err error) {
	if a.Job == nil && a.From == 0 {
		return nil, errors.New("the whole log is asked for")
	}
	for _, e := range m.b.Events(0, a.From, int(a.Limit)) {
		out = append(out, marketapi.Event{Seq: e.Seq, At: e.At, Job: &e.Job, Kind: e.Kind, Detail: e.Detail})
	}
	return out, nil
}

// backend is a model whose vector says how long the text is.
type backend struct{ runs atomic.Int64 }

func (b *backend) Run(_ context.Context, item pipeline.Item) (pipeline.Tensor, error) {
	b.runs.Add(1)
	if strings.Contains(item.Text, "unreadable") {
		return pipeline.Tensor{}, &pipeline.InputError{Reason: "unreadable"}
	}
	return pipeline.Tensor{DType: commitment.Float32, Shape: []uint64{dimension}, Data: []byte{byte(len(item.Text)), 0, 0, 0, 0, 0, 0, 0}}, nil
}

// provider is an admitted operator with its daemon's folder.
type provider struct {
	m       *market
	name    string
	backend backend
	worker  identity.Identity
	cfg     Config
}

func (m *market) admit(name string) *provider {
	m.t.Helper()
	worker, err := identity.NewEd25519()
	if err != nil {
		m.t.Fatal(err)
	}
	p := &provider{m: m, name: name, worker: worker}
	operator := principal.SelfAuthenticating([]byte(name))
	m.must(m.b.AdmitProvider(m.call(dao), book.Provider{Operator: raw(operator), Worker: raw(worker.Sender()), Name: name}))
	p.cfg = Config{
		Name: name, Dir: m.t.TempDir(), Network: m.net.URL, RootKey: m.net.RootKey, Market: marketID, Operator: operator, Worker: worker,
		Models: Models{modelRoot: {Name: "test", Dimension: dimension, Backend: &p.backend}}, Interval: 20 * time.Millisecond,
		HTTP: &http.Client{Timeout: 10 * time.Second},
	}
	return p
}

// start runs a daemon; the returned function stops it and waits.
func (p *provider) start() (d *Daemon, stop func()) {
	p.m.t.Helper()
	d, err := New(p.m.t.Context(), p.cfg)
	if err != nil {
		p.m.t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(p.m.t.Context())
	ended := make(chan error, 1)
	go func() { ended <- d.Run(ctx) }()
	stop = sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			p.m.t.Errorf("daemon %s: %v", p.name, err)
		}
	})
	p.m.t.Cleanup(stop)
	return d, stop
}
