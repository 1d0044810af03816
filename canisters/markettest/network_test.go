package markettest

import (
	"bytes"
	"context"
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
	"assay/ic/wasm/build"
	"assay/internal/cache"
	"assay/internal/subnet"
)

var (
	installer = subnet.Controller
	developer = subnet.User("developer")
	alice     = subnet.User("alice")
	members   = []principal.Principal{subnet.User("Ada"), subnet.User("Grace"), subnet.User("Edsger")}
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
	*subnet.Network
	t       *testing.T
	rootKey []byte
	ids     map[string]principal.Principal
}

func newNetwork(t *testing.T) *network {
	t.Helper()
	built, err := modules()
	if err != nil {
		t.Fatal(err)
	}
	w := &network{t: t, ids: map[string]principal.Principal{}}
	w.Network, w.rootKey = subnet.OpenCertified(t)
	w.install(built)
	return w
}

func (w *network) must(err error) {
	w.t.Helper()
	w.Must(err)
}

func (w *network) install(built map[string]build.Module) {
	w.t.Helper()
	for _, name := range names {
		w.ids[name] = w.Create()
	}
	for _, name := range names {
		w.Code(w.ids[name], managementapi.InstallMode{Install: true}, built[name].Gzip, w.initArg(name))
	}
	for _, name := range names[1:] {
		controllers := []principal.Principal{w.ids["root"]}
		w.must(w.Management(w.ids[name]).UpdateSettings(w.t.Context(), managementapi.UpdateSettingsArg{
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
	return marketapi.NewClient[context.Context](w.As(p, w.ids["market"]))
}

func (w *network) dao(p principal.Principal) daoapi.Client[context.Context] {
	return daoapi.NewClient[context.Context](w.As(p, w.ids["dao"]))
}

func (w *network) root(p principal.Principal) rootapi.Client[context.Context] {
	return rootapi.NewClient[context.Context](w.As(p, w.ids["root"]))
}

func (w *network) dapp(p principal.Principal) dappapi.Client[context.Context] {
	return dappapi.NewClient[context.Context](w.As(p, w.ids["dapp"]))
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
	for _, s := range w.Stats {
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
	for _, s := range w.Stats {
		if s.Failed {
			out = append(out, fmt.Sprintf("%s %s of %s", s.Kind, s.Method, s.Canister))
		}
	}
	for name, id := range w.ids {
		for _, line := range w.Log(id) {
			out = append(out, name+": "+line)
		}
	}
	return strings.Join(out, "\n")
}

func managementCanister(id principal.Principal) managementapi.Canister {
	return managementapi.Canister{CanisterId: id}
}
