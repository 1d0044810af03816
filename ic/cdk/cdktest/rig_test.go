//go:build !wasip1

package cdktest_test

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"assay/ic/principal"
	"assay/ic/replica/cycles"
	"assay/ic/replica/host"
	"assay/ic/wasm/build"
	"assay/ic/wasm/link"
)

// methods of the test canister by kind, since it has no .did file.
var (
	updateMethods = strings.Fields("echo inc relay two late lock keep foreign broken certify plan cost garbage answer random put sleep blocked endless goexit yields spin release relay_spin bounded script probe fail busy")
	queryMethods  = strings.Fields("notes witness sleepy_query count counters")
)

var testCanister = sync.OnceValues(func() (build.Module, error) {
	c := build.Config{Package: "assay/ic/cdk/internal/testcanister", CacheDir: cacheDir("canisters")}
	for _, m := range updateMethods {
		c.Methods = append(c.Methods, link.Method{Name: m})
	}
	for _, m := range queryMethods {
		c.Methods = append(c.Methods, link.Method{Name: m, Kind: link.Query})
	}
	for _, m := range []string{"compose", "compose_broken"} {
		c.Methods = append(c.Methods, link.Method{Name: m, Kind: link.CompositeQuery})
	}
	return build.Canister(context.Background(), c)
})

var engine = sync.OnceValues(func() (*host.Engine, error) { return host.NewEngine(context.Background(), cacheDir("code")) })

// cacheDir is kept between runs: both caches go by content.
func cacheDir(name string) string {
	dir := os.Getenv("ASSAY_CACHE")
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			user = os.TempDir()
		}
		dir = filepath.Join(user, "assay")
	}
	return filepath.Join(dir, "test", name)
}

// rig runs the test canister on Wasm, one message at a time. The test answers its calls.
type rig struct {
	t         *testing.T
	module    *host.Module
	instance  *host.Instance
	stable    *host.Stable
	now       uint64
	timer     uint64
	balance   cycles.Amount
	certified []byte
	log       []string
	used      uint64 // instructions of the last message
	calls     []*rigCall
}

// context is a call to the test canister.
type callContext struct {
	caller    principal.Principal
	available cycles.Amount
	answer    *host.Answer
	composite bool
}

// rigCall is a call that the test canister made.
type rigCall struct {
	host.Call
	by *callContext
}

func newRig(t *testing.T) *rig {
	t.Helper()
	m, err := testCanister()
	if err != nil {
		t.Fatal(err)
	}
	e, err := engine()
	if err != nil {
		t.Fatal(err)
	}
	r := &rig{t: t, stable: host.NewStable(1 << 16), now: 1_800_000_000_000_000_000, balance: cycles.New(1e15)}
	if r.module, err = e.Compile(t.Context(), m.Wasm); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(r.close)
	r.install("canister_init")
	return r
}

// install starts a fresh instance over the stable memory, as an installation or an upgrade does.
func (r *rig) install(entry string) {
	r.t.Helper()
	r.close()
	var err error
	if r.instance, err = r.module.Instantiate(r.t.Context()); err != nil {
		r.t.Fatal(err)
	}
	r.timer = 0
	if trap := r.message(host.Init, entry, &callContext{}, nil); trap != nil {
		r.t.Fatalf("%s: %v", entry, trap)
	}
}

// close frees the instance, whose memory the engine keeps otherwise.
func (r *rig) close() {
	if r.instance == nil {
		return
	}
	if err := r.instance.Close(context.Background()); err != nil { // the test's context may have ended
		r.t.Error(err)
	}
	r.instance = nil
}

func (r *rig) input(c *callContext) *host.Input {
	return &host.Input{
		Self: principal.Canister(1), Caller: c.caller, Time: r.now, Status: 1, Balance: r.balance, Available: c.available,
		Answered: c.answer != nil, GlobalTimer: r.timer, Prices: cycles.Prices{Nodes: 13}, Touch: cycles.TouchDirty, Instructions: 5e9,
		Controller: func(principal.Principal) bool { return false }, Room: func(principal.Principal) int { return 500 },
		Certificate: func() []byte { return []byte("certificate") },
	}
}

// message runs an entry point and keeps what it did, or undoes it.
func (r *rig) message(where host.Context, entry string, c *callContext, arg []byte) *host.Trap {
	in := r.input(c)
	in.Arg = arg
	x := host.NewExecution(in)
	return r.keep(x, c, where, x.Run(r.t.Context(), r.instance, r.stable, where, entry))
}

func (r *rig) keep(x *host.Execution, c *callContext, where host.Context, trap *host.Trap) *host.Trap {
	r.used = x.Used
	if trap != nil && trap.Code == host.CodeCalledTrap {
		trap.Message = trap.Text
	}
	r.log = append(r.log, x.Log...)
	if where == host.PlainQuery {
		c.answer = x.Answer
	}
	if trap != nil || where == host.PlainQuery {
		r.stable.Rollback()
		if err := r.instance.Rollback(r.t.Context()); err != nil {
			r.t.Fatal(err)
		}
		return trap
	}
	r.stable.Commit()
	r.instance.Commit()
	r.balance, r.timer = x.Balance, x.GlobalTimer
	c.available = c.available.Sub(x.Accepted)
	if x.Answer != nil {
		c.answer = x.Answer
	}
	if x.CertifiedData != nil {
		r.certified = *x.CertifiedData
	}
	for _, call := range x.Calls {
		r.calls = append(r.calls, &rigCall{call, c})
	}
	return nil
}

// start calls an update method; a trap answers with its text.
func (r *rig) start(caller principal.Principal, method, arg string, attached uint64) *callContext {
	c := &callContext{caller: caller, available: cycles.New(attached)}
	if trap := r.message(host.Update, "canister_update "+method, c, []byte(arg)); trap != nil {
		c.answer = &host.Answer{Rejected: true, Data: []byte(trap.Message)}
	}
	return c
}

func (r *rig) query(method string) string {
	r.t.Helper()
	c := &callContext{}
	if trap := r.message(host.PlainQuery, "canister_query "+method, c, nil); trap != nil {
		return "trap: " + trap.Message
	}
	return string(c.answer.Data)
}

// finish answers open call i. When the callback traps, the cleanup runs and its trap is returned.
func (r *rig) finish(i int, reply string, rejected bool) (trap, cleanup *host.Trap) {
	r.t.Helper()
	return r.finishRefunding(i, reply, rejected, 0)
}

func (r *rig) finishRefunding(i int, reply string, rejected bool, refund uint64) (trap, cleanup *host.Trap) {
	r.t.Helper()
	call := r.calls[i]
	in := r.input(call.by)
	in.Refunded = cycles.New(refund)
	where, cb, cleanupIn := host.Reply, call.OnReply, host.Cleanup
	if call.by.composite {
		where, cleanupIn = host.CompositeReply, host.CompositeCleanup
	}
	if in.Arg = []byte(reply); rejected {
		if where, cb = host.RejectCallback, call.OnReject; call.by.composite {
			where = host.CompositeReject
		}
		in.Arg, in.RejectCode, in.RejectMessage = nil, 4, reply
	}
	x := host.NewExecution(in)
	trap = r.keep(x, call.by, where, x.RunCallback(r.t.Context(), r.instance, r.stable, where, cb))
	if trap != nil {
		in := r.input(call.by)
		x := host.NewExecution(in)
		cleanup = r.keep(x, call.by, cleanupIn, x.RunCallback(r.t.Context(), r.instance, r.stable, cleanupIn, call.OnCleanup))
	}
	return trap, cleanup
}

// reply answers open call i and fails the test on a trap.
func (r *rig) reply(i int, text string) {
	r.t.Helper()
	if trap, _ := r.finish(i, text, false); trap != nil {
		r.t.Fatalf("callback %d: %v", i, trap)
	}
}

// tick fires the timer and runs the tasks that it starts, in order.
func (r *rig) tick() {
	r.t.Helper()
	if r.timer == 0 || r.timer > r.now {
		r.t.Fatalf("the timer is set to %d, now is %d", r.timer, r.now)
	}
	r.timer = 0
	first := len(r.calls)
	if trap := r.message(host.Task, "canister_global_timer", &callContext{}, nil); trap != nil {
		r.t.Fatalf("timer: %v", trap)
	}
	for i := first; i < len(r.calls); i++ {
		call := r.calls[i]
		c := r.start(principal.Canister(1), call.Method, string(call.Arg), 0)
		if trap, _ := r.finish(i, string(c.answer.Data), c.answer.Rejected); trap != nil {
			r.t.Fatalf("end of task: %v", trap)
		}
	}
}

// wantAnswer checks a call's answer; a reject begins with "!".
func (r *rig) wantAnswer(c *callContext, want string) {
	r.t.Helper()
	got := "none"
	if c.answer != nil {
		got = string(c.answer.Data)
		if c.answer.Rejected {
			got = "!" + got
		}
	}
	if got != want && (!strings.HasSuffix(want, "...") || !strings.HasPrefix(got, strings.TrimSuffix(want, "..."))) {
		r.t.Errorf("answer %q, want %q", got, want)
	}
}
