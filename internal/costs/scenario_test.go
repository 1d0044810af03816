package costs

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"assay/canisters/ledger/ledgerapi"
	"assay/examples/awaitloop/awaitloopapi"
	"assay/examples/counter/counterapi"
	"assay/examples/page/pageapi"
	"assay/examples/pubsub/pubsubapi"
	"assay/ic/candid"
	"assay/ic/cdk/http/httpapi"
	"assay/ic/principal"
	"assay/ic/wasm/build"
	"assay/internal/subnet"
)

var (
	noArg = []byte("DIDL\x00\x00")
	alice = subnet.User("alice")
	bob   = subnet.User("bob")
)

// meter is a network on which a scenario plays.
type meter struct {
	*subnet.Network
	ctx   context.Context
	built map[string]build.Module
	names map[principal.Principal]string
	extra []Line // that no single message shows
}

func newMeter(t *testing.T) *meter {
	t.Helper()
	return &meter{subnet.Open(t), t.Context(), map[string]build.Module{}, map[principal.Principal]string{}, nil}
}

// add installs a canister under its name; the first of a name is the one that is measured
// with its module.
func (m *meter) add(name, folder string, arg []byte) principal.Principal {
	m.T.Helper()
	module, ok := m.built[name]
	if !ok {
		module = m.Build("../../" + folder)
		m.built[name] = module
	}
	id := m.Install(module.Gzip, arg)
	m.names[id] = name
	return id
}

// used is what one canister's messages cost, by method.
type used struct {
	instructions, heap, stable map[string]uint64
}

// lines sums up what the network observed, by canister name.
func (m *meter) lines() (out []Line) {
	out = slices.Clone(m.extra)
	for name, module := range m.built {
		out = append(
			out,
			Line{Canister: name, What: "module", Unit: Bytes, Value: uint64(len(module.Wasm))},
			Line{Canister: name, What: "module gzip", Unit: Bytes, Value: uint64(len(module.Gzip))},
		)
	}
	for name, u := range m.used() {
		for method, n := range u.instructions {
			out = append(out, Line{Canister: name, What: method, Unit: Instructions, Value: n})
		}
		for method, n := range u.heap {
			out = append(out, Line{Canister: name, What: method, Unit: HeapPages, Value: n})
		}
		for method, n := range u.stable {
			out = append(out, Line{Canister: name, What: method, Unit: StablePages, Value: n})
		}
	}
	slices.SortFunc(out, func(a, b Line) int {
		return cmp.Or(cmp.Compare(a.Canister, b.Canister), cmp.Compare(unitOrder(a), unitOrder(b)), cmp.Compare(a.What, b.What))
	})
	return out
}

func unitOrder(l Line) int {
	return slices.Index([]string{Bytes, Instructions, HeapPages, StablePages}, l.Unit)
}

// phase is when the heap grew. Which method happens to need the next pages depends on all
// that ran before it, so methods have no lines of their own.
func phase(kind string) string {
	if kind == "install" {
		return kind
	}
	return "all methods"
}

// used adds up growth and takes the most expensive message of each method.
func (m *meter) used() map[string]*used {
	all := map[string]*used{}
	for name := range m.built {
		all[name] = &used{map[string]uint64{}, map[string]uint64{}, map[string]uint64{}}
	}
	heap, stable := map[principal.Principal]uint32{}, map[principal.Principal]uint64{}
	for _, s := range m.Stats {
		u := all[m.names[s.Canister]]
		if s.Failed {
			m.T.Fatalf("a message failed: %s %s\n%v", s.Kind, s.Method, m.Log(s.Canister))
		}
		what := strings.TrimSpace(s.Kind + " " + s.Method)
		switch s.Kind {
		case "update", "query":
			what = s.Method
		case "install":
			what = s.Kind
		}
		u.instructions[what] = max(u.instructions[what], s.Instructions)
		if s.HeapPages > heap[s.Canister] {
			u.heap[phase(s.Kind)] += uint64(s.HeapPages - heap[s.Canister])
		}
		if s.StablePages > stable[s.Canister] {
			u.stable[what] += s.StablePages - stable[s.Canister]
		}
		heap[s.Canister], stable[s.Canister] = s.HeapPages, s.StablePages
	}
	return all
}

// measure plays every scenario.
func measure(t *testing.T) []Line {
	t.Helper()
	m := newMeter(t)
	m.counter()
	m.ledger()
	m.pubsub()
	m.awaitloop()
	m.page()
	m.market()
	m.replay()
	return m.lines()
}

// TestRepeats: the same scenario costs the same to the last instruction.
func TestRepeats(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out the embedded network")
	}
	run := func() []Line {
		m := newMeter(t)
		m.counter()
		m.awaitloop()
		return m.lines()
	}
	if a, b := run(), run(); !slices.Equal(a, b) {
		t.Errorf("two runs differ:\n%v\n%v", a, b)
	}
}

func (m *meter) counter() {
	c := counterapi.NewClient[context.Context](m.As(alice, m.add("counter", "examples/counter", noArg)))
	for range 10 {
		check(m, first(c.Increment(m.ctx)))
	}
	_, err := c.Add(m.ctx, 1<<40)
	m.Must(err)
	check(m, first(c.Get(m.ctx)))
}

func first[T any](_ T, err error) error { return err }

func check(m *meter, err error) {
	m.T.Helper()
	m.Must(err)
}

func nat(n uint64) candid.Nat { return candid.NewNat(n) }

func account(p principal.Principal) ledgerapi.Account { return ledgerapi.Account{Owner: p} }

func (m *meter) ledger() {
	init := ledgerapi.Init{Name: "Token", Symbol: "TOK", Decimals: 8, Fee: nat(10), MintingAccount: account(subnet.User("minter"))}
	for i := range 200 {
		init.InitialBalances = append(init.InitialBalances, ledgerapi.InitInitialBalances{Account: account(subnet.User(fmt.Sprint(i))), Amount: nat(1e6)})
	}
	init.InitialBalances[0].Account = account(alice)
	arg, err := ledgerapi.EncodeInitArgs(init)
	m.Must(err)
	id := m.add("ledger", "canisters/ledger", arg)
	c, spender := ledgerapi.NewClient[context.Context](m.As(alice, id)), ledgerapi.NewClient[context.Context](m.As(bob, id))
	for i := range 20 {
		now := uint64(m.Now.UnixNano()) + uint64(i)
		r, err := c.Icrc1Transfer(m.ctx, ledgerapi.TransferArgs{To: account(bob), Amount: nat(100), Memo: new([]byte("rent")), CreatedAtTime: &now})
		m.Must(err)
		m.ok(r.Ok != nil, "transfer")
	}
	a, err := c.Icrc2Approve(m.ctx, ledgerapi.ApproveArgs{Spender: account(bob), Amount: nat(1000)})
	m.Must(err)
	m.ok(a.Ok != nil, "approve")
	f, err := spender.Icrc2TransferFrom(m.ctx, ledgerapi.TransferFromArgs{From: account(alice), To: account(bob), Amount: nat(10)})
	m.Must(err)
	m.ok(f.Ok != nil, "transfer from")
	check(m, first(c.Icrc1BalanceOf(m.ctx, account(bob))))
	check(m, first(c.Icrc2Allowance(m.ctx, ledgerapi.AllowanceArgs{Account: account(alice), Spender: account(bob)})))
	check(m, first(c.Icrc1Metadata(m.ctx)))
}

func (m *meter) ok(ok bool, what string) {
	m.T.Helper()
	if !ok {
		m.T.Fatalf("%s was refused", what)
	}
}

func (m *meter) pubsub() {
	publisher := m.add("pubsub", "examples/pubsub", noArg)
	owner := pubsubapi.NewClient[context.Context](m.As(subnet.Controller, publisher))
	for range 3 {
		reader := pubsubapi.NewClient[context.Context](m.As(subnet.Controller, m.add("pubsub", "examples/pubsub", noArg)))
		r, err := reader.Join(m.ctx, publisher, "news")
		m.Must(err)
		m.ok(r.Ok, "join")
	}
	for range 5 {
		r, err := owner.Publish(m.ctx, "news", make([]byte, 100))
		m.Must(err)
		m.ok(r.Ok != nil && r.Ok.Told == 3, "publish")
	}
	check(m, first(owner.Subscribers(m.ctx, "news")))
	check(m, first(owner.Events(m.ctx)))
}

func (m *meter) awaitloop() {
	a, b := m.add("awaitloop", "examples/awaitloop", noArg), m.add("awaitloop", "examples/awaitloop", noArg)
	c, other := awaitloopapi.NewClient[context.Context](m.As(alice, a)), awaitloopapi.NewClient[context.Context](m.As(alice, b))
	check(m, other.FailNext(m.ctx, 3))
	r, err := c.Run(m.ctx, b, 20)
	m.Must(err)
	m.ok(r.Ok != nil && r.Ok.State.Finished, "run")
	check(m, first(c.Progress(m.ctx)))
}

func (m *meter) page() {
	id := m.add("page", "examples/page", noArg)
	owner := pageapi.NewClient[context.Context](m.As(subnet.Controller, id))
	asset := pageapi.Asset{Path: "/story.html", ContentType: "text/html", Status: 200}
	for range 2 {
		done, err := owner.Put(m.ctx, asset, bytes.Repeat([]byte("page "), 2000))
		m.Must(err)
		m.ok(done.Ok, "put")
	}
	check(m, first(owner.List(m.ctx)))
	visitor := httpapi.NewClient[context.Context](m.As(principal.Anonymous, id))
	r, err := visitor.HttpRequest(m.ctx, httpapi.HttpRequest{Method: "GET", Url: "/story.html", CertificateVersion: new(uint16(2))})
	m.Must(err)
	m.ok(r.StatusCode == 200 && len(r.Body) == 10_000, "the page")
}
