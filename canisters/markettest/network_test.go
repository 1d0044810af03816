package markettest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/canisters/dao/daoapi"
	"assay/canisters/dapp/dappapi"
	"assay/canisters/market/marketapi"
	"assay/canisters/root/rootapi"
	"assay/canisters/vectors/vectorsapi"
	"assay/ic/candid"
	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/replica"
	"assay/ic/replica/certify"
	"assay/ic/wasm/build"
	"assay/internal/cache"
)

func key(name string) principal.Principal { return principal.SelfAuthenticating([]byte(name)) }

var (
	installer = key("installer")
	developer = key("developer")
	alice     = key("alice")
	members   = []principal.Principal{key("Ada"), key("Grace"), key("Edsger")}
)

var names = []string{"root", "dao", "market", "vectors", "dapp"}

// modules are built once for all tests of the package.
var modules = sync.OnceValues(func() (map[string]build.Module, error) {
	dir, err := cache.Dir("test", "canisters")
	if err != nil {
		return nil, err
	}
	out := map[string]build.Module{}
	for _, name := range names {
		out[name], err = build.Canister(context.Background(), build.Config{
			Package: "./canisters/" + name, Dir: "../..", CacheDir: dir, Candid: "canisters/" + name + "/" + name + ".did",
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
})

// network is the five canisters on the embedded network. Time stands still unless the
// test moves it.
type network struct {
	t       *testing.T
	n       *replica.Network
	rootKey []byte
	now     time.Time
	ids     map[string]principal.Principal
	nonce   uint64
	stats   []replica.MessageStats
}

func newNetwork(t *testing.T) *network {
	t.Helper()
	built, err := modules()
	if err != nil {
		t.Fatal(err)
	}
	code, err := cache.Dir("test", "code")
	if err != nil {
		t.Fatal(err)
	}
	w := &network{t: t, now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), ids: map[string]principal.Principal{}}
	clock := func() time.Time { return w.now }
	certifier, err := certify.Open(t.TempDir(), clock)
	w.must(err)
	w.rootKey = certifier.RootKey()
	w.n, err = replica.Open(replica.Config{
		Clock: clock, Certifier: certifier, RootKey: w.rootKey, SubnetID: certifier.Subnet(), Seed: []byte("seed"),
		CompilationCacheDir: code, Observe: func(s replica.MessageStats) { w.stats = append(w.stats, s) },
	})
	w.must(err)
	t.Cleanup(func() { w.must(w.n.Close()) })
	w.install(built)
	return w
}

func (w *network) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// as is a canister as one caller sees it, for generated clients.
type as struct {
	w         *network
	sender    principal.Principal
	canister  principal.Principal
	effective principal.Principal
}

// Call submits an update and steps the network until it is answered, or runs a query.
func (a as) Call(ctx context.Context, method string, kind candid.Kind, arg []byte) ([]byte, error) {
	if kind == candid.Query {
		reply, rej := a.w.n.Query(ctx, replica.Query{Sender: a.sender, Canister: a.canister, Method: method, Arg: arg})
		if rej != nil {
			return nil, rej
		}
		return reply, nil
	}
	id, err := a.start(ctx, method, arg)
	if err != nil {
		return nil, err
	}
	return a.w.await(id)
}

func (a as) start(ctx context.Context, method string, arg []byte) (id replica.RequestID, err error) {
	a.w.nonce++
	id = sha256.Sum256(binary.BigEndian.AppendUint64(nil, a.w.nonce))
	in := replica.Ingress{
		ID: id, Sender: a.sender, Canister: a.canister, Effective: a.effective, Method: method, Arg: arg, Expiry: a.w.now.Add(4 * time.Minute),
	}
	if rej := a.w.n.Submit(ctx, in); rej != nil {
		return id, rej
	}
	return id, nil
}

// await steps until a request is answered, at most a simulated minute.
func (w *network) await(id replica.RequestID) ([]byte, error) {
	for range 600 {
		w.run()
		if s, ok := w.n.Status(id); ok && s.Phase.Final() {
			if s.Reject != nil {
				return nil, s.Reject
			}
			return s.Reply, nil
		}
		w.now = w.now.Add(100 * time.Millisecond)
	}
	return nil, fmt.Errorf("request %x is not answered after a minute", id)
}

// run executes rounds until nothing more is to be done at this time.
func (w *network) run() {
	for range 10_000 {
		if !w.n.Step(w.t.Context()) {
			return
		}
	}
	w.t.Fatal("the network does not come to rest")
}

// advance moves the time in steps of half a second, as a living network does.
func (w *network) advance(d time.Duration) {
	for end := w.now.Add(d); w.now.Before(end); {
		w.now = w.now.Add(min(500*time.Millisecond, end.Sub(w.now)))
		w.run()
	}
}

func (w *network) management(about principal.Principal) managementapi.Client[context.Context] {
	return managementapi.NewClient[context.Context](as{w, installer, principal.Management, about})
}

func (w *network) install(built map[string]build.Module) {
	w.t.Helper()
	ctx := w.t.Context()
	for _, name := range names {
		amount := candid.NewNat(20e12)
		created, err := w.management(principal.Canister(0)).ProvisionalCreateCanisterWithCycles(ctx, managementapi.ProvisionalCreateCanisterWithCyclesArg{Amount: &amount})
		w.must(err)
		w.ids[name] = created.CanisterId
	}
	for _, name := range names {
		id := w.ids[name]
		w.must(w.management(id).InstallCode(ctx, managementapi.InstallCode{
			Mode: managementapi.InstallMode{Install: true}, CanisterId: id, WasmModule: built[name].Gzip, Arg: w.initArg(name),
		}))
	}
	for _, name := range names[1:] {
		controllers := []principal.Principal{w.ids["root"]}
		w.must(w.management(w.ids[name]).UpdateSettings(ctx, managementapi.UpdateSettingsArg{
			CanisterId: w.ids[name], Settings: managementapi.Settings{Controllers: &controllers},
		}))
	}
}

func (w *network) initArg(name string) []byte {
	w.t.Helper()
	var arg []byte
	var err error
	switch name {
	case "root":
		arg, err = rootapi.EncodeInitArgs(rootapi.Init{Dao: w.ids["dao"], Uploaders: []principal.Principal{installer}})
	case "dao":
		a := daoapi.Init{Market: w.ids["market"], Root: w.ids["root"], VotingPeriod: uint64(time.Hour)}
		for i, m := range members {
			a.Members = append(a.Members, daoapi.Member{Id: m, Name: fmt.Sprint(i), Weight: 1})
		}
		arg, err = daoapi.EncodeInitArgs(a)
	case "market":
		arg, err = marketapi.EncodeInitArgs(marketapi.Init{Dao: w.ids["dao"], Parameters: marketapi.Parameters{
			Window: 3e9, DeliveryTimeout: 30e9, RevealTimeout: 20e9, MaxAttempts: 3, TreasuryPermille: 50,
			BasePrice: candid.NewNat(1e9), Reserve: candid.NewNat(1e12),
		}})
	case "vectors":
		arg, err = vectorsapi.EncodeInitArgs()
	case "dapp":
		root := modelRoot()
		arg, err = dappapi.EncodeInitArgs(dappapi.Init{
			Owner: developer, Market: w.ids["market"], Vectors: w.ids["vectors"], Model: root[:], Dimension: dimension, Collection: "passages",
		})
	}
	w.must(err)
	return arg
}

func (w *network) market(p principal.Principal) marketapi.Client[context.Context] {
	return marketapi.NewClient[context.Context](as{w, p, w.ids["market"], w.ids["market"]})
}

func (w *network) dao(p principal.Principal) daoapi.Client[context.Context] {
	return daoapi.NewClient[context.Context](as{w, p, w.ids["dao"], w.ids["dao"]})
}

func (w *network) root(p principal.Principal) rootapi.Client[context.Context] {
	return rootapi.NewClient[context.Context](as{w, p, w.ids["root"], w.ids["root"]})
}

func (w *network) dapp(p principal.Principal) dappapi.Client[context.Context] {
	return dappapi.NewClient[context.Context](as{w, p, w.ids["dapp"], w.ids["dapp"]})
}

// decide has the members vote on an action until it is decided.
func (w *network) decide(a daoapi.Action, accept ...bool) daoapi.Proposal {
	w.t.Helper()
	proposed, err := w.dao(members[0]).Propose(w.t.Context(), daoapi.ProposeArg{Summary: "a test", Action: a})
	w.must(err)
	if proposed.Err != nil {
		w.t.Fatalf("propose: %s", proposed.Err.Message)
	}
	var last daoapi.Proposal
	for i, yes := range accept {
		r, err := w.dao(members[i]).Vote(w.t.Context(), daoapi.VoteArg{Proposal: *proposed.Ok, Accept: yes})
		w.must(err)
		if r.Err != nil {
			w.t.Fatalf("vote: %s", r.Err.Message)
		}
		last = *r.Ok
	}
	return last
}

func (w *network) adopt(a daoapi.Action) {
	w.t.Helper()
	if p := w.decide(a, true, true); !p.State.Executed {
		w.t.Fatalf("%s is %s: %s", p.Rendered, p.State.Tag(), p.Outcome)
	}
}

func marketAction(method string, arg []byte, err error) daoapi.Action {
	if err != nil {
		panic(err)
	}
	return daoapi.Action{Market: &daoapi.ActionMarket{Method: method, Arg: arg}}
}

// instructions are those of the messages of one method so far, the least and the most.
// Callbacks carry their callee's method and do not count.
func (w *network) instructions(method string) (least, most uint64) {
	var all []uint64
	for _, s := range w.stats {
		if s.Method == method && s.Kind != "reply" && s.Kind != "reject" && !s.Failed {
			all = append(all, s.Instructions)
		}
	}
	if len(all) == 0 {
		return 0, 0
	}
	return slices.Min(all), slices.Max(all)
}

// otherModule is a canister's module with one more custom section: the same code under
// another hash.
func otherModule(t *testing.T, name string) []byte {
	t.Helper()
	built, err := modules()
	if err != nil {
		t.Fatal(err)
	}
	section := "\x04more!"
	return bytes.Join([][]byte{built[name].Wasm, {0, byte(len(section))}, []byte(section)}, nil)
}

// trapped are the messages that failed, with what the canisters printed.
func (w *network) trapped() string {
	var out []string
	for _, s := range w.stats {
		if s.Failed {
			out = append(out, fmt.Sprintf("%s %s of %s", s.Kind, s.Method, s.Canister))
		}
	}
	for name, id := range w.ids {
		for _, line := range w.n.Log(id) {
			out = append(out, name+": "+line)
		}
	}
	return strings.Join(out, "\n")
}

func managementCanister(id principal.Principal) managementapi.Canister {
	return managementapi.Canister{CanisterId: id}
}
