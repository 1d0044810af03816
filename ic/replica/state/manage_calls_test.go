package state_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"testing"
	"time"

	"assay/ic/candid"
	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/replica/replicatest"
	"assay/ic/replica/state"
)

// told is what a canister was told by the management canister.
type told struct {
	reply    []byte
	code     uint32 // of a reject
	refunded uint64
}

// via has a canister call the management canister.
func (n *net) via(a principal.Principal, method string, arg []byte, attached uint64) told {
	n.t.Helper()
	out := n.reply(a, program{}.Call(call{
		To: principal.Management, Method: method, Arg: arg, Cycles: attached,
		OnReply:  program{}.Append([]byte{0}).AppendArg().AppendRefunded().Send(),
		OnReject: program{}.Append([]byte{1}).AppendRejectCode().AppendRefunded().Send(),
	}))
	body := out[1 : len(out)-16]
	t := told{refunded: binary.LittleEndian.Uint64(out[len(out)-16:])}
	if out[0] == 1 {
		t.code = binary.LittleEndian.Uint32(body)
	} else {
		t.reply = body
	}
	return t
}

// allowed is via where a reply is expected.
func (n *net) allowed(a principal.Principal, method string, arg []byte, attached uint64) []byte {
	n.t.Helper()
	got := n.via(a, method, arg, attached)
	if got.code != 0 {
		n.t.Fatalf("%s: rejected with code %d, log %q", method, got.code, n.m.Log(a))
	}
	return got.reply
}

func (n *net) settings(id principal.Principal, s managementapi.Settings) *state.Reject {
	n.t.Helper()
	_, rej := n.manage(id, "update_settings", must(managementapi.EncodeUpdateSettingsArgs(managementapi.UpdateSettingsArg{CanisterId: id, Settings: s})))
	return rej
}

func TestHistory(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a := n.actor()
	vars := []managementapi.EnvironmentVariable{{Name: "b", Value: "2"}, {Name: "a", Value: "1"}}
	created := n.allowed(a, "create_canister", must(managementapi.EncodeCreateCanisterArgs(managementapi.CreateCanisterArg{
		Settings: &managementapi.Settings{Controllers: &[]principal.Principal{a, user}, EnvironmentVariables: &vars},
	})), 600e9)
	b := must(managementapi.DecodeCreateCanisterResults(created)).CanisterId
	info := func(changes uint64) managementapi.CanisterInfo {
		t.Helper()
		return must(managementapi.DecodeCanisterInfoResults(n.allowed(a, "canister_info",
			must(managementapi.EncodeCanisterInfoArgs(managementapi.CanisterInfoArg{CanisterId: b, NumRequestedChanges: &changes})), 0)))
	}
	one := info(1)
	hash := func(name, value string) []byte {
		x, y := sha256.Sum256([]byte(name)), sha256.Sum256([]byte(value))
		return append(x[:], y[:]...)
	}
	pairs := [][]byte{hash("a", "1"), hash("b", "2")}
	slices.SortFunc(pairs, bytes.Compare)
	envHash := sha256.Sum256(slices.Concat(pairs...))
	first := one.RecentChanges[0]
	if one.TotalNumChanges != 1 || first.CanisterVersion != 0 || first.Origin.FromCanister == nil || first.Origin.FromCanister.CanisterId != a ||
		first.Origin.FromCanister.CanisterVersion != nil || len(first.Details.Creation.Controllers) != 2 || !bytes.Equal(*first.Details.Creation.EnvironmentVariablesHash, envHash[:]) {
		t.Errorf("creation: %+v", first)
	}
	n.must(n.manage(b, "provisional_top_up_canister", must(managementapi.EncodeProvisionalTopUpCanisterArgs(managementapi.ProvisionalTopUpCanisterArg{CanisterId: b, Amount: *nat(1e15)}))))
	version := uint64(666) // of a user: ignored
	arg := must(managementapi.EncodeInstallCodeArgs(managementapi.InstallCode{Mode: asNew, CanisterId: b, WasmModule: replicatest.Plain(), SenderCanisterVersion: &version}))
	n.must(n.manage(b, "install_code", arg))
	n.must(nil, n.settings(b, managementapi.Settings{FreezingThreshold: nat(10)}))
	n.must(nil, n.settings(b, managementapi.Settings{Controllers: &[]principal.Principal{user, user}}))
	n.must(n.manage(b, "uninstall_code", about(b)))
	got := info(20)
	if got.TotalNumChanges != 4 || len(got.RecentChanges) != 4 || got.ModuleHash != nil || len(got.Controllers) != 1 {
		t.Fatalf("history: %+v", got)
	}
	sum := sha256.Sum256(replicatest.Plain())
	deployed, changed, emptied := got.RecentChanges[1], got.RecentChanges[2], got.RecentChanges[3]
	if deployed.CanisterVersion != 1 || !deployed.Details.CodeDeployment.Mode.Install || !bytes.Equal(deployed.Details.CodeDeployment.ModuleHash, sum[:]) ||
		deployed.Origin.FromUser == nil || deployed.Origin.FromUser.UserId != user || changed.CanisterVersion != 3 || len(changed.Details.ControllersChange.Controllers) != 1 ||
		emptied.CanisterVersion != 4 || !emptied.Details.CodeUninstall || emptied.TimestampNanos != uint64(n.now.UnixNano()) {
		t.Errorf("changes: %+v", got.RecentChanges)
	}
	if none := info(0); len(none.RecentChanges) != 0 || none.TotalNumChanges != 4 {
		t.Errorf("no changes asked for: %+v", none)
	}
	for range 20 {
		n.must(nil, n.settings(b, managementapi.Settings{Controllers: &[]principal.Principal{user}}))
	}
	n.restart()
	if many := info(100); many.TotalNumChanges != 24 || len(many.RecentChanges) != 20 || many.RecentChanges[19].CanisterVersion != 24 {
		t.Errorf("after many changes: %d of %d", len(many.RecentChanges), many.TotalNumChanges)
	}
	n.balanced()
}

func TestMetadataForCanisters(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a := n.actor()
	b := n.actorWith(replicatest.Wasm(replicatest.Options{Public: map[string]string{"open": "yes"}, Private: map[string]string{"secret": "s"}}))
	ask := func(name string) told {
		return n.via(a, "canister_metadata", must(managementapi.EncodeCanisterMetadataArgs(managementapi.CanisterMetadataArg{CanisterId: b, Name: name})), 3)
	}
	if got := ask("open"); got.code != 0 || string(must(managementapi.DecodeCanisterMetadataResults(got.reply)).Value) != "yes" || got.refunded != 3 {
		t.Errorf("public section: %+v", got)
	}
	if got := ask("secret"); got.code != 5 || got.refunded != 3 {
		t.Errorf("private section: %+v", got)
	}
	if got := ask("none"); got.code == 0 {
		t.Errorf("missing section: %+v", got)
	}
	n.must(nil, n.settings(b, managementapi.Settings{Controllers: &[]principal.Principal{user, a}}))
	if got := ask("secret"); got.code != 0 || string(must(managementapi.DecodeCanisterMetadataResults(got.reply)).Value) != "s" {
		t.Errorf("private section for a controller: %+v", got)
	}
	n.balanced()
}

func TestWhoSeesWhat(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a := n.actor()
	n.reply(a, program{}.Print("hello").Reply(nil))
	ask := func(method string, who principal.Principal) *state.Reject {
		_, rej := n.m.Query(t.Context(), state.Query{Sender: who, Effective: a, Method: method, Arg: about(a)})
		return rej
	}
	n.refused(ask("canister_status", other), "IC0512")
	n.refused(ask("canister_metrics", other), "IC0512")
	n.refused(ask("fetch_canister_logs", other), "IC0406")
	n.refused(ask("list_canisters", user), "IC0406")
	n.refused(ask("raw_rand", user), "IC0536")
	viewers := managementapi.Visibility{AllowedViewers: &[]principal.Principal{other}}
	n.must(nil, n.settings(a, managementapi.Settings{LogVisibility: &viewers, StatusVisibility: &viewers}))
	for _, method := range []string{"canister_status", "fetch_canister_logs"} {
		n.must(nil, ask(method, other))
		n.must(nil, ask(method, user))
		if ask(method, principal.Anonymous) == nil {
			t.Errorf("%s for somebody who is not listed", method)
		}
	}
	n.must(nil, n.settings(a, managementapi.Settings{LogVisibility: &managementapi.Visibility{Public: true}, StatusVisibility: &managementapi.Visibility{Public: true}}))
	n.must(nil, ask("fetch_canister_logs", principal.Anonymous))
	n.must(nil, ask("canister_status", principal.Anonymous))
	_, rej := n.submit(state.Ingress{Effective: a, Sender: other, Method: "canister_status", Arg: about(a)})
	n.must(nil, rej)
	n.rounds()
	out, rej := n.m.Query(t.Context(), state.Query{Sender: user, Effective: a, Method: "fetch_canister_logs", Arg: about(a)})
	n.must(out, rej)
	logs := must(managementapi.DecodeFetchCanisterLogsResults(out)).CanisterLogRecords
	if len(logs) != 1 || string(logs[0].Content) != "hello" || logs[0].Idx != 0 || logs[0].TimestampNanos != uint64(n.now.UnixNano()) {
		t.Errorf("logs: %+v", logs)
	}
	b := n.actor()
	if got := n.via(b, "canister_status", about(a), 0); got.code != 0 {
		t.Errorf("a public status for a canister: %+v", got)
	}
	for _, method := range []string{"fetch_canister_logs", "list_canisters"} {
		if got := n.via(b, method, about(a), 7); got.code != 4 || got.refunded != 7 {
			t.Errorf("%s in replicated mode: %+v", method, got)
		}
	}
	n.balanced()
}

func TestAdmins(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	n.config.Admins = []principal.Principal{other}
	n.m = state.New(n.config)
	a, b := n.create(1e15), n.create(1e15)
	c := principal.Canister(7)
	n.specified(c, 1)
	out, rej := n.m.Query(t.Context(), state.Query{Sender: other, Effective: a, Method: "list_canisters", Arg: must(managementapi.EncodeListCanistersArgs())})
	n.must(out, rej)
	ranges := must(managementapi.DecodeListCanistersResults(out)).Canisters
	if want := []managementapi.IdRange{{Start: c, End: c}, {Start: a, End: b}}; !slices.Equal(ranges, want) {
		t.Errorf("ranges %v, want %v", ranges, want)
	}
	as := func(method string) {
		t.Helper()
		id, rej := n.submit(state.Ingress{Sender: other, Effective: a, Method: method, Arg: about(a)})
		n.must(nil, rej)
		n.rounds()
		if s := n.status(id); s.Reject != nil {
			t.Errorf("%s by an admin: %v", method, s.Reject)
		}
	}
	for _, method := range []string{"canister_status", "canister_metrics", "stop_canister", "start_canister", "uninstall_code", "stop_canister", "delete_canister", "create_canister"} {
		as(method)
	}
	create := must(managementapi.EncodeCreateCanisterArgs(managementapi.CreateCanisterArg{}))
	_, rej = n.submit(state.Ingress{Sender: other, Effective: n.config.Subnet, Method: "create_canister", Arg: create})
	n.must(nil, rej)
	for _, method := range []string{"create_canister", "provisional_create_canister_with_cycles"} {
		_, rej = n.submit(state.Ingress{Sender: user, Effective: n.config.Subnet, Method: method, Arg: create})
		n.refused(rej, "IC0406")
	}
	_, rej = n.submit(state.Ingress{Sender: other, Effective: b, Method: "update_settings", Arg: about(b)})
	n.refused(rej, "IC0512")
	n.balanced()
}

func TestDelete(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a := n.selfControlled()
	_, rej := n.manage(a, "delete_canister", about(a))
	n.refused(rej, "IC0510")
	if got := n.via(a, "delete_canister", about(a), 11); got.code != 5 || got.refunded != 11 {
		t.Errorf("a canister deletes itself: %+v", got)
	}
	version := n.info(a).Version
	n.must(n.manage(a, "stop_canister", about(a)))
	if got := n.info(a); got.Version != version+2 || got.Status.Tag() != "stopped" || !got.ReadyForMigration {
		t.Errorf("stopped: %+v, version before %d", got, version)
	}
	n.must(n.manage(a, "stop_canister", about(a)))
	n.must(n.manage(a, "delete_canister", about(a)))
	_, rej = n.manage(a, "canister_status", about(a))
	n.refused(rej, "IC0301")
	_, rej = n.manage(a, "provisional_create_canister_with_cycles", must(managementapi.EncodeProvisionalCreateCanisterWithCyclesArgs(
		managementapi.ProvisionalCreateCanisterWithCyclesArg{SpecifiedId: &a})))
	n.refused(rej, "IC0205")
	n.restart()
	if n.create(5) == a {
		t.Error("the id of a deleted canister is given out again")
	}
	n.balanced()
}

func TestStarvation(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a := n.actor()
	n.must(nil, n.settings(a, managementapi.Settings{FreezingThreshold: nat(0), ComputeAllocation: nat(100)}))
	n.pass(1e7 * time.Second) // a hundred million cycles a second and more
	n.pass(1e7 * time.Second)
	got := n.info(a)
	if got.Cycles != (candid.Nat{}) || got.ModuleHash != nil || got.Settings.ComputeAllocation != (candid.Nat{}) || got.MemoryMetrics.CanisterHistorySize != (candid.Nat{}) {
		t.Errorf("out of cycles: %+v", got)
	}
	n.balanced()
}

func TestHeapOutlivesUpgrade(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a := n.create(1e16)
	eop := func(different byte) []byte {
		return replicatest.Wasm(replicatest.Options{Different: different, Private: map[string]string{"enhanced-orthogonal-persistence": ""}})
	}
	flags := func(keep bool) managementapi.InstallMode {
		f := &managementapi.UpgradeFlags{WasmMemoryPersistence: &managementapi.MemoryPersistence{Keep: keep, Replace: !keep}}
		return managementapi.InstallMode{Upgrade: &f}
	}
	n.must(nil, n.install(a, asNew, eop(1), program{}.Add(0, 40).AddGlobal(5).HeapGrow(3).OnUpgrade(program{}.Add(0, 2))))
	n.refused(n.install(a, asUpgrade, eop(2), nil), "IC0504")                // not told whether to keep the heap
	n.refused(n.install(a, flags(true), replicatest.Plain(), nil), "IC0504") // does not ask for it
	n.refused(n.install(a, flags(true), eop(3), program{}.Trap("no")), "IC0503")
	if got := n.read(a, program{}.AppendCell(0).AppendGlobal().Send()); !bytes.Equal(got, append(u64(40), u64(1+5)...)) {
		t.Errorf("after an upgrade that failed: %x", got)
	}
	pages := n.info(a).MemoryMetrics.WasmMemorySize
	n.must(nil, n.install(a, flags(true), eop(8), append(program{}.Add(1, 1), make([]byte, 300)...)))
	if got := n.read(a, program{}.AppendCell(0).AppendGlobal().Send()); !bytes.Equal(got, append(u64(42), u64(8)...)) {
		t.Errorf("kept: %x, want 42 and the new module's global", got)
	}
	if got := n.info(a).MemoryMetrics.WasmMemorySize; got != pages {
		t.Errorf("heap of %v bytes, had %v", got, pages)
	}
	n.must(nil, n.install(a, flags(false), replicatest.Plain(), nil))
	if got := n.read(a, program{}.AppendCell(0).Send()); !bytes.Equal(got, u64(0)) {
		t.Errorf("replaced: %x", got)
	}
	n.balanced()
}

func TestMinimumIncomingCycles(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a, b := n.actor(), n.actor()
	n.must(nil, n.settings(b, managementapi.Settings{MinimumIncomingCanisterCallCycles: nat(100)}))
	ask := func(to principal.Principal, attached uint64) []byte {
		return n.reply(a, program{}.Call(call{To: to, Arg: program{}.Reply([]byte("ok")), Cycles: attached, OnReply: program{}.AppendArg().Send(), OnReject: program{}.AppendRejectCode().AppendRefunded().Send()}))
	}
	if got := ask(b, 99); !bytes.Equal(got, append(u32(5), u128(99)...)) {
		t.Errorf("too few: %x", got)
	}
	if got := ask(b, 100); string(got) != "ok" {
		t.Errorf("enough: %x", got)
	}
	n.reply(b, program{}.Call(call{To: b, Arg: program{}.Reply(nil), OnReply: program{}.Reply(nil)})) // a call of its own needs none
	n.balanced()
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a, b := n.actor(), n.actor()
	n.reply(a, program{}.Burn(77).Call(call{To: b, Arg: program{}.Reply(nil), OnReply: program{}.Reply(nil)}))
	n.pass(time.Hour)
	out, rej := n.manage(a, "canister_metrics", about(a))
	n.must(out, rej)
	got := must(managementapi.DecodeCanisterMetricsResults(out)).CyclesConsumed
	if got.BurnedCycles != candid.NewNat(77) || got.Memory == (candid.Nat{}) || got.IngressInduction == (candid.Nat{}) || got.Instructions == (candid.Nat{}) ||
		got.RequestAndResponseTransmission == (candid.Nat{}) || got.CanisterCreation != (candid.Nat{}) {
		t.Errorf("consumed: %+v", got)
	}
	n.balanced()
}

func TestSubnetInfo(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a := n.actor()
	subnet := principal.SelfAuthenticating([]byte("subnet"))
	n.allowed(a, "subnet_info", must(managementapi.EncodeSubnetInfoArgs(managementapi.SubnetInfoArg{SubnetId: subnet})), 0)
	n.allowed(a, "node_metrics_history", must(managementapi.EncodeNodeMetricsHistoryArgs(managementapi.NodeMetricsHistoryArg{SubnetId: subnet})), 0)
	if got := n.via(a, "subnet_info", must(managementapi.EncodeSubnetInfoArgs(managementapi.SubnetInfoArg{SubnetId: user})), 1); got.code != 4 || got.refunded != 1 {
		t.Errorf("another subnet: %+v", got)
	}
	if got := n.via(a, "bitcoin_get_balance", about(a), 1); got.code != 4 || got.refunded != 1 {
		t.Errorf("bitcoin: %+v", got)
	}
	n.balanced()
}
