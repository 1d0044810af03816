package sidebyside

import (
	"bytes"
	"compress/gzip"
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/examples/awaitloop/awaitloopapi"
	"assay/examples/counter/counterapi"
	"assay/examples/pubsub/pubsubapi"
	"assay/examples/sidebyside/ledger/ledgerapi"
	"assay/ic/candid"
	"assay/ic/principal"
	"assay/internal/need"
	"assay/internal/subnet"
)

var update = flag.Bool("update", false, "rewrite docs/side-by-side.md, with ASSAY_SIDEBYSIDE=1")

// example is one canister in three languages and what is played with it.
type example struct {
	name    string
	golang  string   // folder
	motoko  string   // source and module without their endings
	methods []string // whose instructions are shown
	play    func(p *player)
}

var examples = []example{
	{"counter", "../counter", "Counter", []string{"increment", "get"}, (*player).counter},
	{"ledger", "ledger", "Ledger", []string{"icrc1_transfer", "icrc1_balance_of"}, (*player).ledger},
	{"pubsub", "../pubsub", "PubSub", []string{"publish", "receive", "reply receive"}, (*player).pubsub},
	{"awaitloop", "../awaitloop", "AwaitLoop", []string{"run", "work", "reply work", "reject work"}, (*player).awaitloop},
	{"page", "page", "Page", []string{"put", "http_request"}, (*player).page},
}

// row is one canister in one language.
type row struct {
	lines, raw, zipped int
	cost               map[string]uint64 // the last message of a method
}

var languages = []string{"Go", "Rust", "Motoko"}

func TestSideBySide(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out the embedded network")
	}
	all := os.Getenv("ASSAY_SIDEBYSIDE") != ""
	chosen := examples
	if !all {
		chosen = examples[:1]
	}
	var packages, sources []string
	for _, e := range chosen {
		packages, sources = append(packages, e.name), append(sources, e.motoko+".mo")
	}
	rust := need.RustWasm(t, "rust", packages...)
	motoko := compileMotoko(t, sources)
	table := map[string]row{}
	for _, e := range chosen {
		for _, language := range languages {
			t.Run(e.name+"/"+language, func(t *testing.T) {
				p := &player{ctx: t.Context()}
				p.Network, p.rootKey = subnet.OpenCertified(t)
				sources, raw := motokoSources(e.motoko), 0
				switch language {
				case "Go":
					sources = goSources(t, e.golang)
					built := p.Build(e.golang)
					p.module, raw = built.Gzip, len(built.Wasm)
				case "Rust":
					sources = []string{filepath.Join("rust", e.name, "src", "lib.rs")}
					p.module = read(t, filepath.Join(rust, e.name+".wasm"))
				default:
					p.module = read(t, filepath.Join(motoko, e.motoko+".wasm"))
				}
				small := p.module // Go's is larger than a message may be, so it comes zipped
				if language != "Go" {
					small, raw = zipped(t, p.module), len(p.module)
				}
				e.play(p)
				table[e.name+language] = row{countLines(t, sources), raw, len(small), p.costs()}
			})
		}
	}
	if all && !t.Failed() {
		compare(t, render(t, table))
	}
}

// compare holds the document to what was measured, or writes it.
func compare(t *testing.T, want []byte) {
	t.Helper()
	const file = "../../docs/side-by-side.md"
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if got := read(t, file); !bytes.Equal(got, want) {
		t.Errorf("docs/side-by-side.md is not what was measured; -update writes it (-document +measured)\n%s", cmp.Diff(string(got), string(want)))
	}
}

// compileMotoko returns the folder of the modules.
func compileMotoko(t *testing.T, sources []string) string {
	t.Helper()
	node, dir := need.Node(t, "motoko")
	cmd := exec.CommandContext(t.Context(), node, append([]string{"compile.cjs"}, sources...)...)
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("compile: %v\n%.4000s", err, out)
	}
	return dir
}

func read(t *testing.T, file string) []byte {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// motokoSources are those of an actor; the page comes with a module that certifies.
func motokoSources(name string) []string {
	all := []string{filepath.Join("motoko", name+".mo")}
	if name == "Page" {
		all = append(all, filepath.Join("motoko", "Certification.mo"))
	}
	return all
}

func goSources(t *testing.T, folder string) (out []string) {
	t.Helper()
	all, err := filepath.Glob(filepath.Join(folder, "*.go"))
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(all, func(f string) bool { return strings.HasSuffix(f, "_test.go") })
}

// countLines counts lines that are neither empty nor comments.
func countLines(t *testing.T, files []string) (n int) {
	t.Helper()
	for _, f := range files {
		for line := range strings.Lines(string(read(t, f))) {
			if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "//") {
				n++
			}
		}
	}
	return n
}

func zipped(t *testing.T, module []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := gzip.NewWriterLevel(&b, gzip.BestCompression)
	if err == nil {
		_, err = w.Write(module)
	}
	if err == nil {
		err = w.Close()
	}
	if err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// player plays a scenario with one language's module; what is answered must be the same
// in every language.
type player struct {
	*subnet.Network
	ctx     context.Context
	module  []byte
	rootKey []byte
}

var (
	alice, bob = subnet.User("alice"), subnet.User("bob")
	noArg      = []byte("DIDL\x00\x00")
)

// costs are the instructions of each method's last message.
func (p *player) costs() map[string]uint64 {
	out := map[string]uint64{}
	for _, s := range p.Stats {
		if s.Failed {
			p.T.Errorf("a message failed: %s %s: %v", s.Kind, s.Method, p.Log(s.Canister))
		}
		name := s.Method
		if s.Kind == "reply" || s.Kind == "reject" {
			name = s.Kind + " " + s.Method
		}
		out[name] = s.Instructions
	}
	return out
}

// same checks an answer.
func same[T comparable](p *player, what string, got T, err error, want T) {
	p.T.Helper()
	if err != nil || got != want {
		p.T.Errorf("%s: %v, %v; want %v", what, got, err, want)
	}
}

func (p *player) counter() {
	c := counterapi.NewClient[context.Context](p.As(alice, p.Install(p.module, noArg)))
	for i := range uint64(5) {
		got, err := c.Increment(p.ctx)
		same(p, "increment", got, err, i+1)
	}
	got, err := c.Add(p.ctx, 37)
	same(p, "add", got, err, 42)
	got, err = c.Get(p.ctx)
	same(p, "get", got, err, 42)
}

func (p *player) ledger() {
	nat := candid.NewNat
	account := func(x principal.Principal) ledgerapi.Account { return ledgerapi.Account{Owner: x} }
	minter := subnet.User("minter")
	init := ledgerapi.Init{Fee: nat(10), MintingAccount: account(minter), InitialBalances: []ledgerapi.InitInitialBalances{{Account: account(alice), Amount: nat(1e6)}}}
	for i := range 100 {
		init.InitialBalances = append(init.InitialBalances, ledgerapi.InitInitialBalances{Account: account(subnet.User(fmt.Sprint(i))), Amount: nat(5)})
	}
	arg, err := ledgerapi.EncodeInitArgs(init)
	p.Must(err)
	id := p.Install(p.module, arg)
	pay := func(from, to principal.Principal, amount uint64, want string) {
		p.T.Helper()
		r, err := ledgerapi.NewClient[context.Context](p.As(from, id)).Icrc1Transfer(p.ctx, ledgerapi.TransferArgs{To: account(to), Amount: nat(amount)})
		got := r.Tag()
		if r.Ok != nil {
			got = r.Ok.String()
		} else if r.Err != nil {
			got = r.Err.Tag()
		}
		same(p, "transfer", got, err, want)
	}
	pay(bob, alice, 1, "InsufficientFunds")
	pay(minter, bob, 50, "101")
	pay(bob, minter, 20, "102")
	pay(minter, minter, 1, "GenericError")
	pay(alice, bob, 100, "103")
	pay(alice, bob, 100, "104")
	c := ledgerapi.NewClient[context.Context](p.As(alice, id))
	supply, err := c.Icrc1TotalSupply(p.ctx)
	same(p, "supply", supply, err, nat(1e6+500+50-20-20))
	balance, err := c.Icrc1BalanceOf(p.ctx, account(alice))
	same(p, "balance", balance, err, nat(1e6-220))
	balance, err = c.Icrc1BalanceOf(p.ctx, account(bob))
	same(p, "balance", balance, err, nat(230))
}

func (p *player) pubsub() {
	publisher := p.Install(p.module, noArg)
	owner := pubsubapi.NewClient[context.Context](p.As(subnet.Controller, publisher))
	var reader pubsubapi.Client[context.Context]
	for range 3 {
		reader = pubsubapi.NewClient[context.Context](p.As(subnet.Controller, p.Install(p.module, noArg)))
		r, err := reader.Join(p.ctx, publisher, "news")
		same(p, "join", r.Tag(), err, "ok")
	}
	refused, err := pubsubapi.NewClient[context.Context](p.As(alice, publisher)).Publish(p.ctx, "news", nil)
	same(p, "a stranger's event", refused.Tag(), err, "err")
	for i := range uint64(4) {
		r, err := owner.Publish(p.ctx, "news", make([]byte, 100))
		if r.Ok == nil {
			p.T.Fatalf("publish: %+v, %v", r.Err, err)
		}
		same(p, "publish", *r.Ok, err, pubsubapi.Published{Seq: i + 1, Told: 3})
	}
	events, err := reader.Events(p.ctx)
	same(p, "events", len(events), err, 4)
	if len(events) == 4 {
		same(p, "the last event", events[3].Seq, nil, 4)
	}
}

func (p *player) awaitloop() {
	a, b := p.Install(p.module, noArg), p.Install(p.module, noArg)
	c, other := awaitloopapi.NewClient[context.Context](p.As(alice, a)), awaitloopapi.NewClient[context.Context](p.As(alice, b))
	run := func(failures, steps, done, attempts uint32, sum uint64, state string) {
		p.T.Helper()
		p.Must(other.FailNext(p.ctx, failures))
		r, err := c.Run(p.ctx, b, steps)
		if r.Ok == nil {
			p.T.Fatalf("run: %+v, %v", r.Err, err)
		}
		same(p, "state", r.Ok.State.Tag(), err, state)
		same(p, "run", [3]uint64{uint64(r.Ok.Done), uint64(r.Ok.Attempts), r.Ok.Sum}, err, [3]uint64{uint64(done), uint64(attempts), sum})
	}
	run(5, 3, 0, 5, 0, "failed")
	run(3, 10, 10, 13, 285, "finished")
}
