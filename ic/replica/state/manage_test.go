package state_test

import (
	"bytes"
	"compress/gzip"
	"slices"
	"testing"
	"time"

	"assay/ic/candid"
	"assay/ic/candid/did"
	"assay/ic/candid/text"
	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/replica/replicatest"
	"assay/ic/replica/state"
)

var other = principal.SelfAuthenticating([]byte("somebody else"))

func TestOnlyControllersManage(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a := n.create(1e15, other)
	for _, method := range []string{"install_code", "update_settings", "start_canister", "stop_canister", "uninstall_code", "delete_canister", "canister_status"} {
		arg := about(a)
		switch method {
		case "install_code":
			arg = installArg(a, asNew, replicatest.Plain(), nil)
		case "update_settings":
			arg = must(managementapi.EncodeUpdateSettingsArgs(managementapi.UpdateSettingsArg{CanisterId: a}))
		}
		_, rej := n.submit(state.Ingress{Effective: a, Method: method, Arg: arg})
		n.refused(rej, "IC0512")
	}
	for method, code := range map[string]string{
		"raw_rand": "IC0406", "deposit_cycles": "IC0406", "create_canister": "IC0406", "canister_info": "IC0406",
		"bitcoin_get_balance": "IC0406", "fetch_canister_logs": "IC0406", "list_canisters": "IC0406", "sing": "IC0536",
	} {
		_, rej := n.submit(state.Ingress{Effective: a, Method: method, Arg: about(a)})
		n.refused(rej, code)
	}
	_, rej := n.submit(state.Ingress{Effective: principal.Canister(99), Sender: other, Method: "start_canister", Arg: about(a)})
	n.refused(rej, "IC0408")
	_, rej = n.submit(state.Ingress{Effective: a, Method: "start_canister", Arg: []byte("DIDL")})
	n.refused(rej, "IC0408")
	_, rej = n.m.Query(t.Context(), state.Query{Sender: user, Effective: a, Method: "canister_status", Arg: about(a)})
	n.refused(rej, "IC0512")
}

func TestCreateWithSpecifiedID(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	want := principal.MustParse("ryjl3-tyaaa-aaaaa-aaaba-cai")
	arg := must(managementapi.EncodeProvisionalCreateCanisterWithCyclesArgs(managementapi.ProvisionalCreateCanisterWithCyclesArg{SpecifiedId: &want}))
	out, rej := n.manage(principal.Canister(0), "provisional_create_canister_with_cycles", arg)
	n.must(out, rej)
	if got := must(managementapi.DecodeProvisionalCreateCanisterWithCyclesResults(out)).CanisterId; got != want {
		t.Errorf("got %v, want %v", got, want)
	}
	if got := n.info(want); got.Cycles != candid.NewNat(100e12) || !slices.Equal(got.Settings.Controllers, []principal.Principal{user}) {
		t.Errorf("new canister: %+v", got)
	}
	_, rej = n.manage(principal.Canister(0), "provisional_create_canister_with_cycles", arg)
	n.refused(rej, "IC0205")
	for i, text := range []string{"bkyz2-fmaaa-aaaaa-qaaaq-cai", "bd3sg-teaaa-aaaaa-qaaba-cai", "be2us-64aaa-aaaaa-qaabq-cai"} { // ids in order, as on other local networks
		if i == 1 { // but for what is taken
			n.specified(principal.MustParse(text), 1)
		} else if got := n.create(1); got.String() != text {
			t.Errorf("canister %d is %v, want %s", i, got, text)
		}
	}
	self := principal.SelfAuthenticating([]byte("no canister"))
	_, rej = n.manage(self, "provisional_create_canister_with_cycles", must(managementapi.EncodeProvisionalCreateCanisterWithCyclesArgs(managementapi.ProvisionalCreateCanisterWithCyclesArg{SpecifiedId: &self})))
	n.refused(rej, "IC0405")
	n.balanced()
}

func (n *net) specified(id principal.Principal, amount uint64) {
	n.t.Helper()
	nat := candid.NewNat(amount)
	n.must(n.manage(id, "provisional_create_canister_with_cycles", must(managementapi.EncodeProvisionalCreateCanisterWithCyclesArgs(
		managementapi.ProvisionalCreateCanisterWithCyclesArg{Amount: &nat, SpecifiedId: &id}))))
}

// More cycles than there can be are as many as the network gives at once.
func TestAbsurdAmounts(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	huge := func(field string) []byte { // record { canister_id; amount = 2^140 }
		program, err := did.Parse("service : { f : (record { canister_id : principal; " + field + " : nat }) -> () }")
		if err != nil {
			t.Fatal(err)
		}
		return must(text.ParseArgs(program, "f", `(record { canister_id = principal "bkyz2-fmaaa-aaaaa-qaaaq-cai"; `+field+` = 1_0 })`))
	}
	arg := huge("amount") // the number is the last byte: ten
	arg = append(arg[:len(arg)-1], append(bytes.Repeat([]byte{0xff}, 19), 0x7f)...)
	n.must(n.manage(principal.Canister(0), "provisional_create_canister_with_cycles", arg))
	a := principal.MustParse("bkyz2-fmaaa-aaaaa-qaaaq-cai")
	want := candid.Nat{Hi: 1 << 46}
	if got := n.info(a).Cycles; got != want {
		t.Errorf("created with %v cycles, want %v", got, want)
	}
	n.must(n.manage(a, "provisional_top_up_canister", arg))
	want.Hi *= 2
	if got := n.info(a).Cycles; got != want {
		t.Errorf("topped up to %v cycles, want %v", got, want)
	}
	for n.m.Books().Minted.Hi < 1<<56 {
		n.must(n.manage(a, "provisional_top_up_canister", arg))
	}
	_, rej := n.manage(a, "provisional_top_up_canister", arg)
	n.refused(rej, "IC0408")
	_, rej = n.manage(a, "provisional_top_up_canister", about(a))
	n.refused(rej, "IC0408")
	n.balanced()
}

func TestInstallModes(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a := n.create(1e15)
	next := replicatest.Wasm(replicatest.Options{Different: 9, Public: map[string]string{"candid:service": "service : {}"}})
	n.refused(n.install(a, asUpgrade, next, nil), "IC0537")
	_, rej := n.query(a, "read", program{}.Reply(nil))
	n.refused(rej, "IC0537")
	if rej := n.install(a, asNew, replicatest.Plain(), program{}.Add(0, 1).StableGrow(1).StableWrite(0, []byte("kept")).Certify([]byte("c")).Timer(1e19)); rej != nil {
		t.Fatal(rej)
	}
	n.refused(n.install(a, asNew, next, nil), "IC0514")
	n.reply(a, program{}.OnUpgrade(program{}.StableWrite(4, []byte("old"))).Reply(nil))

	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	must(z.Write(next))
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if rej := n.install(a, asUpgrade, zipped.Bytes(), program{}.StableWrite(7, []byte("new"))); rej != nil {
		t.Fatal(rej)
	}
	got := n.read(a, program{}.AppendStable(0, 10).AppendCell(0).AppendGlobal().AppendCertificate().Send())
	if want := "keptoldnew" + string(u64(0)) + string(u64(9)) + a.String() + " 63 "; !bytes.HasPrefix(got, []byte(want)) {
		t.Errorf("after upgrade: %q, want %q", got, want)
	}
	if info, _ := n.m.Info(a); string(info.Metadata["candid:service"].Value) != "service : {}" || !info.Metadata["candid:service"].Public {
		t.Errorf("metadata: %v", info.Metadata)
	}
	if rej := n.install(a, asReinstall, replicatest.Plain(), nil); rej != nil {
		t.Fatal(rej)
	}
	if got := n.read(a, program{}.AppendStableSize().AppendCertificate().Send()); !bytes.HasPrefix(got, append(u64(0), a.String()+"  "...)) {
		t.Errorf("after reinstall: %q", got)
	}
	n.balanced()
}

func TestInstallIsAtomic(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a := n.actor()
	n.reply(a, program{}.Add(0, 7).StableGrow(1).StableWrite(0, []byte("abc")).Certify([]byte("x")).OnUpgrade(program{}.Add(0, 1).StableWrite(0, []byte("bad")).StableGrow(5)).Reply(nil))
	state := program{}.AppendCell(0).AppendStable(0, 3).AppendStableSize().AppendCertificate().Send()
	before := n.read(a, state)
	hash := *n.info(a).ModuleHash
	for name, row := range map[string]struct {
		mode managementapi.InstallMode
		wasm []byte
		arg  program
		code string
	}{
		"post_upgrade traps": {asUpgrade, replicatest.Wasm(replicatest.Options{Different: 1}), program{}.StableWrite(0, []byte("zzz")).Trap("no"), "IC0503"},
		"init traps":         {asReinstall, replicatest.Wasm(replicatest.Options{Different: 2}), program{}.Unreachable(), "IC0502"},
		"start traps":        {asUpgrade, replicatest.Wasm(replicatest.Options{BadInit: true}), nil, "IC0502"},
		"not wasm":           {asUpgrade, []byte("\x00asm"), nil, "IC0505"},
	} {
		n.refused(n.install(a, row.mode, row.wasm, row.arg), row.code)
		if got := n.read(a, state); !bytes.Equal(got[:19], before[:19]) {
			t.Errorf("%s: state %q, before %q", name, got, before)
		}
		if got := *n.info(a).ModuleHash; !bytes.Equal(got, hash) {
			t.Errorf("%s: another module is installed", name)
		}
	}
	// An old module whose pre_upgrade traps can be replaced by skipping it.
	n.reply(a, program{}.OnUpgrade(program{}.Trap("stuck")).Reply(nil))
	n.refused(n.install(a, asUpgrade, replicatest.Plain(), nil), "IC0503")
	yes := true
	flags := &managementapi.UpgradeFlags{SkipPreUpgrade: &yes}
	if rej := n.install(a, managementapi.InstallMode{Upgrade: &flags}, replicatest.Plain(), nil); rej != nil {
		t.Error(rej)
	}
	n.balanced()
}

func TestUpgradeWithOpenCalls(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a, b := n.actor(), n.selfControlled()
	id := n.start(a, program{}.Call(call{To: b, Arg: park(b, program{}.Reply([]byte("late"))), OnReply: program{}.AppendArg().Send()}))
	n.rounds()
	if rej := n.install(a, asUpgrade, replicatest.Wasm(replicatest.Options{Different: 3}), nil); rej != nil {
		t.Fatal(rej)
	}
	n.pass(5*time.Minute + time.Second)
	// The callback's slot exists in the new module; its env points to memory that is
	// zero there, so nothing happens and the call ends without an answer.
	n.refused(n.status(id).Reject, "IC0506")
	n.balanced()
}

func TestStopWaitsForOpenCalls(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a, b := n.actor(), n.selfControlled()
	id := n.start(a, program{}.Call(call{To: b, Arg: park(b, park(b, program{}.Reply(nil))), OnReply: program{}.Reply([]byte("end"))}))
	n.rounds()
	n.now = n.now.Add(time.Second)
	stopping, rej := n.submit(state.Ingress{Effective: a, Method: "stop_canister", Arg: about(a)})
	n.must(nil, rej)
	n.rounds()
	if s := n.status(stopping); s.Phase.Final() || n.info(a).Status.Tag() != "stopping" {
		t.Fatalf("stop did not wait: %+v", s)
	}
	_, rej = n.submit(state.Ingress{Canister: a, Method: "run"})
	n.refused(rej, "IC0509")
	n.pass(5 * time.Minute) // the callee is silent for longer than that
	n.refused(n.status(stopping).Reject, "IC0206")
	if n.info(a).Status.Tag() != "stopping" {
		t.Error("not stopping any more")
	}
	again, rej := n.submit(state.Ingress{Effective: a, Method: "stop_canister", Arg: about(a)})
	n.must(nil, rej)
	n.rounds()
	n.must(n.manage(a, "start_canister", about(a)))
	n.refused(n.status(again).Reject, "IC0511")
	again, rej = n.submit(state.Ingress{Effective: a, Method: "stop_canister", Arg: about(a)})
	n.must(nil, rej)
	n.pass(4*time.Minute + 58*time.Second)
	n.pass(2 * time.Second)
	n.pass(2 * time.Second)
	if s := n.status(id); string(s.Reply) != "end" {
		t.Errorf("the open call ended with %+v", s)
	}
	if s := n.status(again); s.Phase != state.Replied || n.info(a).Status.Tag() != "stopped" {
		t.Errorf("stop ended with %+v", s)
	}
	_, rej = n.query(a, "read", program{}.Reply(nil))
	n.refused(rej, "IC0508")
	n.must(n.manage(a, "delete_canister", about(a)))
	if _, ok := n.m.Info(a); ok {
		t.Error("deleted and still there")
	}
	n.balanced()
}

func TestUninstall(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a, b := n.actor(), n.selfControlled()
	id := n.start(a, program{}.Call(call{To: b, Cycles: 500, Arg: park(b, program{}.Reply(nil)), OnReply: program{}.Reply(nil)}))
	n.rounds()
	n.must(n.manage(a, "uninstall_code", must(managementapi.EncodeUninstallCodeArgs(managementapi.UninstallCodeArg{CanisterId: a}))))
	n.refused(n.status(id).Reject, "IC0406")
	_, rej := n.submit(state.Ingress{Canister: a, Method: "run"})
	n.refused(rej, "IC0537")
	balance := n.info(a).Cycles
	n.pass(5*time.Minute + time.Second)
	if back, ok := n.info(a).Cycles.Sub(balance); !ok || back.Cmp(candid.NewNat(40e9)) < 0 {
		t.Errorf("%v cycles came back with the response, want the reservation and 500", back)
	}
	n.balanced()
}

func TestCanisterManages(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a := n.actor()
	mgmt := func(method string, arg []byte, attached uint64) []byte {
		return n.reply(a, program{}.Call(call{
			To: principal.Management, Method: method, Arg: arg, Cycles: attached,
			OnReply:  program{}.AppendArg().AppendRefunded().Send(),
			OnReject: program{}.Append([]byte("rejected")).AppendRefunded().Send(),
		}))
	}
	split := func(b []byte) (out, refund []byte) { return b[:len(b)-16], b[len(b)-16:] }
	create := must(managementapi.EncodeCreateCanisterArgs(managementapi.CreateCanisterArg{}))
	out, refund := split(mgmt("create_canister", create, 600e9))
	b := must(managementapi.DecodeCreateCanisterResults(out)).CanisterId
	if !bytes.Equal(refund, u128(0)) {
		t.Errorf("refund %x", refund)
	}
	if info, _ := n.m.Info(b); !slices.Equal(info.Controllers, []principal.Principal{a}) {
		t.Errorf("created: %+v", info)
	}
	if out, refund := split(mgmt("create_canister", create, 1e9)); string(out) != "rejected" || !bytes.Equal(refund, u128(1e9)) {
		t.Errorf("with too few cycles: %q %x", out, refund)
	}
	mgmt("deposit_cycles", about(b), 5e12)
	if out, _ := split(mgmt("install_code", installArg(b, asNew, replicatest.Plain(), program{}.Add(0, 3)), 0)); string(out) == "rejected" {
		t.Fatalf("install: %q", n.m.Log(a))
	}
	if got := n.read(b, program{}.AppendCell(0).Send()); !bytes.Equal(got, u64(3)) {
		t.Errorf("installed by a canister: %x", got)
	}
	none := must(managementapi.EncodeRawRandArgs())
	one, _ := split(mgmt("raw_rand", none, 0))
	two, _ := split(mgmt("raw_rand", none, 0))
	if r := must(managementapi.DecodeRawRandResults(one)); len(r) != 32 || bytes.Equal(one, two) {
		t.Errorf("raw_rand gave %x and %x", one, two)
	}
	if out, _ := split(mgmt("canister_status", about(a), 0)); string(out) == "rejected" {
		t.Error("a canister cannot see its own status")
	}
	if out, _ := split(mgmt("stop_canister", about(a), 0)); string(out) != "rejected" {
		t.Error("a canister managed what it does not control")
	}
	n.balanced()
}

func TestOutOfCycles(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a := n.create(400e9)
	n.must(nil, n.install(a, asNew, replicatest.Plain(), nil))
	n.reply(a, program{}.Reply(nil))
	threshold := candid.NewNat(1<<64 - 1)
	n.must(n.manage(a, "update_settings", must(managementapi.EncodeUpdateSettingsArgs(managementapi.UpdateSettingsArg{
		CanisterId: a, Settings: managementapi.Settings{FreezingThreshold: &threshold},
	}))))
	_, rej := n.submit(state.Ingress{Canister: a, Method: "run", Arg: program{}.Reply(nil)})
	n.refused(rej, "IC0207")
	_, rej = n.query(a, "read", program{}.Reply(nil))
	n.refused(rej, "IC0207")
	n.must(n.manage(a, "provisional_top_up_canister", must(managementapi.EncodeProvisionalTopUpCanisterArgs(
		managementapi.ProvisionalTopUpCanisterArg{CanisterId: a, Amount: candid.NewNat(1e15)}))))
	n.reply(a, program{}.Reply(nil))
	n.pass(24 * time.Hour)
	n.balanced()
}

// What Init prints is in the log of a new canister; a reinstallation clears what was
// printed before it.
func TestLogOfAnInstallation(t *testing.T) {
	t.Parallel()
	n := newNet(t)
	a := n.create(1e16)
	for _, step := range []struct {
		mode managementapi.InstallMode
		arg  program
		want []string
	}{
		{asNew, program{}.Print("first").Trap("no"), []string{"first", "[TRAP]: no"}},
		{asNew, program{}.Print("installed"), []string{"installed"}},
		{asUpgrade, program{}.Print("upgraded"), []string{"installed", "upgraded"}},
		{asReinstall, program{}.Print("installed again"), []string{"installed again"}},
	} {
		n.install(a, step.mode, replicatest.Plain(), step.arg)
		got := n.m.Log(a)
		if !slices.Equal(got, step.want) {
			t.Errorf("%s: log %q, want %q", step.mode.Tag(), got, step.want)
		}
	}
}
