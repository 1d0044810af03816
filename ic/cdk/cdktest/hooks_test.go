//go:build !wasip1

package cdktest_test

import (
	"context"
	"encoding/binary"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/ic/candid"
	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/replica"
	"assay/ic/wasm/build"
	"assay/ic/wasm/link"
)

var hookCanister = sync.OnceValues(func() (build.Module, error) {
	c := build.Config{Package: "assay/ic/cdk/internal/hookcanister", CacheDir: cacheDir("canisters")}
	for kind, names := range [...]string{"open own controlled limited hidden plan logs", "counts metrics", "below all"} {
		for _, m := range strings.Fields(names) {
			c.Methods = append(c.Methods, link.Method{Name: m, Kind: link.Kind(kind)})
		}
	}
	return build.Canister(context.Background(), c)
})

// ask is a query of any kind; rejects begin with "!".
func (s *subnet) ask(to principal.Principal, method, arg string) string {
	s.t.Helper()
	b, reject := s.n.Query(s.t.Context(), replica.Query{Sender: alice, Canister: to, Effective: to, Method: method, Arg: []byte(arg)})
	if reject != nil {
		return "!" + reject.ErrorCode + " " + reject.Message
	}
	return string(b)
}

// Composite queries await queries and composite queries of other canisters and their
// own, in parallel, on Wasm; what they change is gone.
func TestReplicaCompositeQuery(t *testing.T) {
	t.Parallel()
	s := newSubnet(t)
	a, b, c := s.canisterOf(hookCanister), s.canisterOf(hookCanister), s.canisterOf(hookCanister)
	both := b.String() + " " + c.String()
	s.startDone(b, "plan", "")
	s.now = s.now.Add(time.Second)
	s.steps(20)
	counts := s.ask(b, "counts", "")
	if !strings.Contains(counts, "good 1 ") {
		t.Fatalf("counts %q", counts)
	}
	own := s.ask(a, "counts", "")
	for range 2 {
		if got := s.ask(a, "below", both); got != counts {
			t.Errorf("below: %q, want %q", got, counts)
		}
		const refused = "!CANISTER_ERROR|"
		if got := s.ask(a, "all", both); got != counts+"|"+refused+refused+counts+"|"+own+"|" {
			t.Errorf("all: %q", got)
		}
	}
	if got := s.ask(a, "below", far.String()+" "+far.String()); !strings.HasPrefix(got, "!") || !strings.Contains(got, "DESTINATION_INVALID") {
		t.Errorf("a canister that is not there: %q", got)
	}
	if got := s.ask(a, "counts", ""); strings.Contains(got, "composite") {
		t.Errorf("a composite query has left %q", got)
	}
}

// Hooks that a main exports: the heartbeat in every round, and one before an upgrade.
func TestReplicaHooks(t *testing.T) {
	t.Parallel()
	s := newSubnet(t)
	a := s.canisterOf(hookCanister)
	before := s.beats(a)
	s.now = s.now.Add(2 * time.Second)
	s.startDone(a, "open", "x")
	if after := s.beats(a); after <= before {
		t.Errorf("%d beats after %d", after, before)
	}
	s.done(s.install(hookCanister, a, upgrade))
	if got := s.ask(a, "counts", ""); !strings.Contains(got, "post 1 pre 1 ") {
		t.Errorf("after an upgrade: %q", got)
	}
}

func (s *subnet) beats(a principal.Principal) (n int) {
	fields := strings.Fields(s.ask(a, "counts", ""))
	for i := 0; i+1 < len(fields); i += 2 {
		if fields[i] == "beats" {
			for _, c := range fields[i+1] {
				n = n*10 + int(c-'0')
			}
		}
	}
	return n
}

// What guards refuse is refused at the door, before the canister pays for it, and what
// they let in runs past them again.
func TestReplicaInspection(t *testing.T) {
	t.Parallel()
	s := newSubnet(t)
	a := s.canisterOf(hookCanister)
	offer := func(method string) string {
		s.nonce++
		in := replica.Ingress{Sender: alice, Canister: a, Effective: a, Method: method, Arg: []byte("x"), Expiry: s.now.Add(4 * time.Minute)}
		binary.BigEndian.PutUint64(in.ID[:], s.nonce)
		if reject := s.n.Submit(t.Context(), in); reject != nil {
			return "refused"
		}
		s.steps(10)
		return s.answer(in.ID)
	}
	for _, row := range []struct{ method, want string }{
		{"open", "x"},
		{"controlled", "x"},
		{"own", "refused"},
		{"hidden", "refused"},
		{"missing", "refused"},
		{"__assay_task", "refused"},
		{"limited", "x"},
		{"limited", "x"},
		{"limited", "refused"},
	} {
		if got := offer(row.method); got != row.want {
			t.Errorf("%s: %q, want %q", row.method, got, row.want)
		}
	}
	s.now = s.now.Add(30 * time.Second)
	s.steps(5)
	if got := offer("limited") + offer("limited"); got != "xrefused" {
		t.Errorf("half a minute later: %q", got)
	}
	if got := s.ask(a, "metrics", ""); !strings.Contains(got, `canister_method_calls_total{method="limited"} 3`) || strings.Contains(got, `"own"`) {
		t.Errorf("metrics:\n%s", got)
	}
}

// A task that always traps and one that always fails stop no other: the good one runs
// every second for two minutes, the bad ones are tried ever more seldom and leave nothing
// but what the failing one counted.
func TestReplicaBadTasks(t *testing.T) {
	t.Parallel()
	s := newSubnet(t)
	a := s.canisterOf(hookCanister)
	s.startDone(a, "plan", "")
	for range 120 {
		s.now = s.now.Add(time.Second)
		s.steps(12)
	}
	got := " " + s.ask(a, "counts", "")
	if !strings.Contains(got, " good 120 ") || strings.Contains(got, " bad ") || !strings.Contains(got, " fail 7 ") { // the last at 1, 2, 4, 8, 16, 32 and 64 s
		t.Errorf("counts: %s", got)
	}
	s.now = s.now.Truncate(time.Hour).Add(time.Hour)
	s.steps(20)
	if got := " " + s.ask(a, "counts", ""); !strings.Contains(got, " good 121 hour 1 ") {
		t.Errorf("at the full hour: %s", got)
	}
	first, last := s.answer(s.startDone(a, "logs", "0")), s.answer(s.startDone(a, "logs", "110"))
	s.wantSome(first, "warning task ended: task bad: call rejected, CANISTER_ERROR: ", "warning task ended: task fail: call rejected, CANISTER_REJECT: never")
	s.wantSome(last, "info logs: read from 0\n", "info logs: read from 110\n")
}

func (s *subnet) wantSome(text string, parts ...string) {
	s.t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			s.t.Errorf("no %q in\n%s", part, text)
		}
	}
}

// Every way in which a call ends: the reject code, whether it happened, whether to try again.
func TestReplicaCallErrors(t *testing.T) {
	t.Parallel()
	s := newSubnet(t)
	a, b, stopped := s.canister(), s.canister(), s.canister()
	empty, poor := s.created(1e18), s.created(1e13)
	s.done(s.installCode(poor, managementapi.InstallMode{Install: true}))
	s.done(s.lifecycle(stopped, "stop_canister"))
	threshold := candid.NewNat(1 << 62)
	arg, err := managementapi.EncodeUpdateSettingsArgs(managementapi.UpdateSettingsArg{CanisterId: poor, Settings: managementapi.Settings{FreezingThreshold: &threshold}})
	s.done(s.manage(poor, "update_settings", arg, err))
	for _, row := range []struct{ name, arg, want string }{
		{"a reply", b.String() + " echo 0 0", "none"},
		{"a reply in time", b.String() + " echo 10 0", "none"},
		{"a reject", b.String() + " fail 0 0", "CANISTER_REJECT sent true happened yes retry false"},
		{"a reject to try again", b.String() + " busy 0 0", "CANISTER_REJECT sent true happened yes retry true"},
		{"a trap", b.String() + " goexit 0 0", "CANISTER_ERROR sent true happened unknown retry false"},
		{"a trap, waiting bounded", b.String() + " goexit 10 0", "CANISTER_ERROR sent true happened unknown retry false"},
		{"no such method", b.String() + " missing 0 0", "CANISTER_ERROR sent true happened unknown retry false"},
		{"a composite query", b.String() + " compose 0 0", "CANISTER_ERROR sent true happened unknown retry false"},
		{"no such canister", far.String() + " echo 0 0", "DESTINATION_INVALID sent true happened no retry false"},
		{"no code", empty.String() + " echo 0 0", "CANISTER_ERROR sent true happened unknown retry false"},
		{"stopped", stopped.String() + " echo 0 0", "CANISTER_ERROR sent true happened unknown retry false"},
		{"frozen", poor.String() + " echo 0 0", "SYS_TRANSIENT sent true happened no retry true"},
		{"too many cycles", b.String() + " echo 0 9000000000000000000", "SYS_TRANSIENT sent false happened no retry true"},
		{"too long", b.String() + " echo 0 0 long", "SYS_FATAL sent false happened no retry false"},
	} {
		id := s.start(a, "probe", row.arg)
		s.steps(50)
		if got := s.answer(id); !strings.HasPrefix(got, row.want) {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		} else {
			t.Logf("%-24s %s", row.name, got)
		}
	}
	late := s.start(a, "probe", b.String()+" spin 2 0")
	s.steps(10)
	s.now = s.now.Add(3 * time.Second)
	s.steps(10)
	s.want(late, "SYS_UNKNOWN sent true happened unknown retry false")
}
