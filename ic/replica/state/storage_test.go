package state_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"assay/ic/candid"
	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/replica/cycles"
	"assay/ic/replica/replicatest"
	"assay/ic/replica/state"
)

// set changes settings as the user.
func (n *net) set(id principal.Principal, s managementapi.Settings) *state.Reject {
	n.t.Helper()
	_, rej := n.manage(id, "update_settings", must(managementapi.EncodeUpdateSettingsArgs(managementapi.UpdateSettingsArg{CanisterId: id, Settings: s})))
	return rej
}

func nat(v uint64) *candid.Nat {
	n := candid.NewNat(v)
	return &n
}

// rejected holds a reject to a code and a part of its text.
func (n *net) rejected(what string, rej *state.Reject, code, text string) {
	n.t.Helper()
	if rej == nil || rej.ErrorCode != code || !strings.Contains(rej.Message, text) {
		n.t.Errorf("%s: got %v, want %s with %q", what, rej, code, text)
	}
}

func TestCanisterThatCannotPay(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	caller := n.actor()
	a := n.actorWith(replicatest.Wasm(replicatest.Options{Heartbeat: true}))
	both := []principal.Principal{user, a}
	n.must(nil, n.set(a, managementapi.Settings{Controllers: &both, ComputeAllocation: nat(50), MemoryAllocation: nat(1 << 30)}))
	n.reply(a, program{}.StableGrow(1).Timer(1<<62).Certify([]byte("x")).Print("hello").Reply(nil))
	n.start(caller, program{}.Call(call{To: a, Arg: park(a, nil), OnReject: program{}.Set(3, replicatest.Of("msg_reject_code"))}))
	n.rounds()
	before := n.info(a)
	n.pass(400 * 24 * time.Hour) // 50 % of a core for a year is more than it has
	n.balanced()
	after := n.info(a)
	if after.ModuleHash != nil || after.MemoryMetrics.StableMemorySize != candid.NewNat(0) || !cycles.Amount(after.Cycles).Less(cycles.New(43_000_000_000)) { // what the open call held came back
		t.Errorf("module %x, stable memory %v, %v cycles after a year without paying", after.ModuleHash, after.MemoryMetrics.StableMemorySize, after.Cycles)
	}
	if s := after.Settings; s.ComputeAllocation != candid.NewNat(0) || s.MemoryAllocation != candid.NewNat(0) {
		t.Errorf("allocations of %v %% and %v bytes are left", s.ComputeAllocation, s.MemoryAllocation)
	}
	if after.Version <= before.Version {
		t.Errorf("version %d after %d", after.Version, before.Version)
	}
	if got := n.m.Log(a); len(got) != 0 {
		t.Errorf("log %q is left", got)
	}
	if got := u64Of(n.read(caller, program{}.AppendCell(3).Send())); got != 4 {
		t.Errorf("an open call of an uninstalled canister: reject code %d, want 4", got)
	}
}

func TestReservedIsSpentFirst(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	n.filled(800 << 30)
	a := n.actor()
	had := n.info(a)
	n.must(nil, n.set(a, managementapi.Settings{MemoryAllocation: nat(1 << 30)}))
	s := n.info(a)
	// 50 of the last 1,298 GiB are in use: a GiB is paid for 50/1,298 of ten years.
	if got := cycles.Amount(s.ReservedCycles); got.Less(cycles.New(1_300_000_000_000)) || cycles.New(1_700_000_000_000).Less(got) {
		t.Errorf("reserved %v cycles for a GiB", got)
	}
	n.balanced()
	n.pass(24 * time.Hour)
	later := n.info(a)
	if later.Cycles != s.Cycles || !cycles.Amount(later.ReservedCycles).Less(cycles.Amount(s.ReservedCycles)) {
		t.Errorf("a day cost %v of the balance, and left %v of %v reserved", cycles.Amount(s.Cycles).SubFloor(cycles.Amount(later.Cycles)), later.ReservedCycles, s.ReservedCycles)
	}
	all := func(s managementapi.Status) cycles.Amount {
		return cycles.Amount(s.Cycles).Add(cycles.Amount(s.ReservedCycles))
	}
	if all(had).Less(all(s)) {
		t.Error("reserved cycles came from nowhere")
	}
	n.must(nil, n.set(a, managementapi.Settings{ReservedCyclesLimit: nat(5_000_000_000_000)}))
	n.rejected("a limit below what is reserved", n.set(a, managementapi.Settings{ReservedCyclesLimit: nat(1)}), "IC0540", "below the reserved cycles balance")
	n.must(n.manage(a, "stop_canister", about(a)))
	n.must(n.manage(a, "delete_canister", about(a)))
	n.balanced()
}

// filled has canisters that are promised so many bytes.
func (n *net) filled(bytes uint64) {
	n.t.Helper()
	for ; bytes > 0; bytes -= min(bytes, 200<<30) {
		n.must(nil, n.set(n.create(1e18), managementapi.Settings{MemoryAllocation: nat(min(bytes, 200<<30)), FreezingThreshold: nat(0), ReservedCyclesLimit: nat(1e18)}))
	}
}

func TestMemoryThatCannotBeHad(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a, poor := n.actor(), n.create(2_000_000_000_000)
	n.must(nil, n.install(poor, asNew, replicatest.Plain(), nil))
	n.must(nil, n.set(a, managementapi.Settings{ReservedCyclesLimit: nat(0)}))
	n.filled(900 << 30)
	grow := program{}.Put(replicatest.Of("stable64_grow", 100)).Send()
	_, rej := n.update(a, grow)
	n.rejected("no cycles may be reserved", rej, "IC0534", "reserved cycles limit")
	_, rej = n.update(a, program{}.HeapGrow(100).Reply(nil))
	n.rejected("the heap likewise", rej, "IC0534", "reserved cycles limit")
	n.rejected("an allocation likewise", n.set(a, managementapi.Settings{MemoryAllocation: nat(1 << 30)}), "IC0533", "reserved cycles limit")
	n.must(nil, n.set(poor, managementapi.Settings{FreezingThreshold: nat(30_000 * 24 * 3600)}))
	_, rej = n.update(poor, grow)
	n.rejected("it cannot pay", rej, "IC0532", "due to insufficient cycles")
	_, rej = n.update(poor, program{}.HeapGrow(100).Reply(nil))
	n.rejected("nor for heap", rej, "IC0532", "due to insufficient cycles")
	n.filled(2<<40 - 900<<30 - 10<<20)
	full := program{}.Put(replicatest.MemoryGrow(1000)).Put(replicatest.Of("stable64_grow", 900)).Send()
	rich := n.create(1e18)
	n.must(nil, n.set(rich, managementapi.Settings{ReservedCyclesLimit: nat(1e18)}))
	n.must(nil, n.install(rich, asNew, replicatest.Plain(), nil))
	if got := replicatest.Numbers(n.reply(rich, full)); !slices.Equal(got, []uint64{1<<32 - 1, 1<<64 - 1}) {
		t.Errorf("growing where all memory is given away: %x", got)
	}
	n.rejected("more than there is", n.set(a, managementapi.Settings{MemoryAllocation: nat(2 << 40)}), "IC0101", "available in the subnet")
	if got := n.read(poor, grow); string(got) != string(u64(0)) {
		t.Errorf("a query grows for nothing: %x", got)
	}
	n.balanced()
}

func TestWasmMemoryLimit(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a := n.actor()
	n.must(nil, n.set(a, managementapi.Settings{WasmMemoryLimit: nat(10 << 16)}))
	grow := program{}.HeapGrow(20)
	_, rej := n.update(a, grow.Reply(nil))
	n.rejected("an update over the limit", rej, "IC0539", "Wasm memory limit of 655360 bytes")
	n.read(a, grow.Reply(nil)) // a query may
	n.reply(a, program{}.OnTimer(grow).Timer(1).Reply(nil))
	n.pass(time.Second)
	if got := n.info(a).MemoryMetrics.WasmMemorySize; got != candid.NewNat(24<<16) {
		t.Errorf("heap of %v bytes after a timer, which has no limit", got)
	}
	_, rej = n.update(a, program{}.Reply(nil))
	n.rejected("any update over the limit", rej, "IC0539", "Wasm memory limit")
	n.rejected("an installation over the limit", n.install(a, asReinstall, replicatest.Plain(), grow), "IC0539", "Wasm memory limit")
}

func TestLowMemoryHook(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a := n.actorWith(replicatest.Wasm(replicatest.Options{LowMemory: true}))
	n.must(nil, n.set(a, managementapi.Settings{WasmMemoryLimit: nat(100 << 16), WasmMemoryThreshold: nat(20 << 16)}))
	runs := func() uint64 { return u64Of(n.read(a, program{}.AppendCell(7).Send())) }
	n.reply(a, program{}.OnLowMemory(program{}.Add(7, 1)).HeapGrow(76).Reply(nil)) // 80 pages, 20 left
	if got := runs(); got != 0 {
		t.Fatalf("the hook ran %d times with the threshold left", got)
	}
	n.start(a, program{}.HeapGrow(1).Reply(nil))
	next := n.start(a, program{}.AppendCell(7).Send()) // the hook goes before it
	n.rounds()
	if got := u64Of(n.status(next).Reply); got != 1 {
		t.Errorf("the message behind the one that crossed the threshold sees %d runs of the hook, want 1", got)
	}
	n.reply(a, program{}.HeapGrow(5).Reply(nil))
	n.pass(time.Minute)
	if got := runs(); got != 1 {
		t.Errorf("it ran %d times while memory stayed low", got)
	}
	n.must(nil, n.set(a, managementapi.Settings{WasmMemoryLimit: nat(200 << 16)})) // enough again
	n.must(nil, n.set(a, managementapi.Settings{WasmMemoryLimit: nat(100 << 16)})) // and low
	n.rounds()
	if got := runs(); got != 2 {
		t.Errorf("it ran %d times after memory was enough in between", got)
	}
}

func TestLargestHeap(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a := n.actor()
	grow := program{}.Put(replicatest.MemoryGrow(65_532)).Put(replicatest.MemoryGrow(65_531)).Touch(65_535<<16 - 1).Send()
	if got := replicatest.Numbers(n.reply(a, grow)); !slices.Equal(got, []uint64{1<<32 - 1, 4}) {
		t.Errorf("growing to 4 GiB and to a page less gave %v", got)
	}
	_, rej := n.update(a, program{}.Touch(65_535<<16-1).Trap("no"))
	n.rejected("a trap with the largest heap", rej, "IC0503", "no")
	n.restart()
	n.reply(a, program{}.Touch(65_535<<16-1).Reply(nil))
}
