package main

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/canisters/root/rootapi"
	"assay/ic/candid"
	"assay/ic/cdk"
	"assay/ic/cdk/cdktest"
	"assay/ic/management/managementapi"
	"assay/ic/principal"
)

var (
	dao      = principal.Canister(50)
	market   = principal.Canister(51)
	uploader = principal.SelfAuthenticating([]byte{1})
	stranger = principal.SelfAuthenticating([]byte{2})
	module   = []byte("\x00asm and more")
)

// world is root with a management canister that the test plays.
type world struct {
	t     *testing.T
	n     *cdktest.Network
	c     *cdktest.Canister
	calls []string
	fails map[string]error
	hash  []byte // of the market's module
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{t: t, n: cdktest.New(t), fails: map[string]error{}}
	w.n.Handle(principal.Management, w.management)
	arg, err := rootapi.EncodeInitArgs(rootapi.Init{Dao: dao, Uploaders: []principal.Principal{uploader}})
	w.must(err)
	w.c = w.n.Install(program(), cdktest.Options{Arg: arg, Cycles: candid.NewNat(1e12)})
	return w
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) management(method string, arg []byte, _ candid.Nat) ([]byte, candid.Nat, error) {
	w.calls = append(w.calls, method)
	if err := w.fails[method]; err != nil {
		return nil, candid.Nat{}, err
	}
	if method == "install_code" {
		a, err := managementapi.DecodeInstallCodeArgs(arg)
		w.must(err)
		sum := sha256.Sum256(a.WasmModule)
		w.hash = sum[:]
		if a.Mode.Upgrade == nil || a.CanisterId != market || string(a.Arg) != "arg" {
			w.t.Errorf("install_code of %s with %q: %+v", a.CanisterId, a.Arg, a.Mode)
		}
	}
	if method == "canister_status" {
		reply, err := managementapi.EncodeStatusBrief(managementapi.StatusBrief{
			Status:     managementapi.RunState{Running: true},
			Settings:   managementapi.StatusBriefSettings{Controllers: []principal.Principal{w.c.ID}},
			ModuleHash: &w.hash, Cycles: candid.NewNat(7),
		})
		return reply, candid.Nat{}, err
	}
	return []byte("DIDL\x00\x00"), candid.Nat{}, nil
}

func (w *world) upload(from principal.Principal, module []byte) rootapi.UploadResult {
	w.t.Helper()
	arg, err := rootapi.EncodeUploadArgs(module)
	w.must(err)
	reply, err := w.c.Update(from, "upload", arg)
	w.must(err)
	r, err := rootapi.DecodeUploadResults(reply)
	w.must(err)
	return r
}

func (w *world) upgrade(from, canister principal.Principal, hash []byte) rootapi.UpgradeResult {
	w.t.Helper()
	arg, err := rootapi.EncodeUpgradeArgs(rootapi.UpgradeArg{Canister: canister, ModuleHash: hash, Arg: []byte("arg")})
	w.must(err)
	reply, err := w.c.Update(from, "upgrade", arg)
	w.must(err)
	r, err := rootapi.DecodeUpgradeResults(reply)
	w.must(err)
	return r
}

func (w *world) last() rootapi.Upgrade {
	w.t.Helper()
	reply, err := w.c.Query(stranger, "upgrades", []byte("DIDL\x00\x00"))
	w.must(err)
	all, err := rootapi.DecodeUpgradesResults(reply)
	w.must(err)
	if len(all) == 0 {
		w.t.Fatal("no upgrade is recorded")
	}
	return all[len(all)-1]
}

func (w *world) wantCalls(want ...string) {
	w.t.Helper()
	if !slices.Equal(w.calls, want) {
		w.t.Errorf("calls %v, want %v", w.calls, want)
	}
}

func TestUpgrade(t *testing.T) {
	w := newWorld(t)
	hash := *w.upload(uploader, module).Ok
	r := w.upgrade(dao, market, hash)
	if r.Err != nil || r.Ok.State != "stopping" || len(w.calls) != 0 {
		t.Fatalf("%+v, calls %v", r, w.calls)
	}
	if again := w.upgrade(dao, market, hash); again.Err == nil || !again.Err.Retry {
		t.Errorf("a second upgrade at the same time: %+v", again)
	}
	w.n.Advance(time.Second)
	w.wantCalls("stop_canister", "install_code", "start_canister")
	if u := w.last(); u.State != "done" || u.Ended == nil || !bytes.Equal(w.hash, hash) {
		t.Errorf("%+v", u)
	}
	w.calls = nil
	w.upgrade(dao, market, hash)
	w.n.Advance(time.Second)
	if u := w.last(); u.Id != 2 || u.State != "done" {
		t.Errorf("%+v", u)
	}
}

// TestFailedStepsLeaveItRunning: whatever fails, the canister is started again.
func TestFailedStepsLeaveItRunning(t *testing.T) {
	for name, r := range map[string]struct {
		method string
		err    error
		calls  []string
		state  string
	}{
		"stop":    {"stop_canister", &cdk.CallError{Code: cdk.SysTransient, Message: "stop timed out"}, []string{"stop_canister", "start_canister"}, "stop timed out"},
		"install": {"install_code", errors.New("post_upgrade trapped"), []string{"stop_canister", "install_code", "canister_status", "start_canister"}, "post_upgrade trapped"},
		"start":   {"start_canister", errors.New("not a controller"), []string{"stop_canister", "install_code", "start_canister"}, "not a controller"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			w.fails[r.method] = r.err
			w.upgrade(dao, market, *w.upload(dao, module).Ok)
			w.n.Advance(time.Second)
			w.wantCalls(r.calls...)
			if u := w.last(); !strings.HasPrefix(u.State, "failed: ") || !strings.Contains(u.State, r.state) || u.Ended == nil {
				t.Errorf("%+v", u)
			}
		})
	}
}

// TestStartIsTriedAgain: a canister does not stay stopped because one start was lost.
func TestStartIsTriedAgain(t *testing.T) {
	w := newWorld(t)
	w.fails["start_canister"] = &cdk.CallError{Code: cdk.SysTransient, Message: "queue full"}
	w.upgrade(dao, market, *w.upload(dao, module).Ok)
	w.n.Advance(time.Second)
	if u := w.last(); u.State != "starting" {
		t.Fatalf("%+v", u)
	}
	delete(w.fails, "start_canister")
	w.n.Advance(2 * time.Minute)
	if u := w.last(); u.State != "done" {
		t.Errorf("%+v", u)
	}
}

// TestRootUpgradedMeanwhile: an upgrade that was cut off goes on under root's next module.
func TestRootUpgradedMeanwhile(t *testing.T) {
	w := newWorld(t)
	w.upgrade(dao, market, *w.upload(dao, module).Ok)
	w.n.Handle(principal.Management, nil)
	w.c.Tick()
	for _, o := range w.n.Open() {
		if o.Method == cdk.TaskMethod {
			o.Deliver()
		}
	}
	w.must(w.c.Upgrade(program(), nil))
	w.n.Handle(principal.Management, w.management)
	w.n.Settle()
	w.n.Advance(2 * time.Minute)
	if u := w.last(); u.State != "done" {
		t.Errorf("%+v after %v", u, w.calls)
	}
}

func TestRefuses(t *testing.T) {
	w := newWorld(t)
	hash := *w.upload(uploader, module).Ok
	for _, p := range []principal.Principal{uploader, stranger, principal.Anonymous, market} {
		if r := w.upgrade(p, market, hash); r.Err == nil {
			t.Errorf("%s upgrades", p)
		}
	}
	if r := w.upgrade(dao, market, make([]byte, 32)); r.Err == nil {
		t.Error("an unknown module is installed")
	}
	if r := w.upgrade(dao, w.c.ID, hash); r.Err == nil {
		t.Error("root upgrades itself")
	}
	if r := w.upload(stranger, module); r.Err == nil {
		t.Error("a stranger uploads")
	}
	for name, m := range map[string][]byte{"text": []byte("hello"), "nothing": nil, "too much": append([]byte("\x00asm"), make([]byte, maxModule)...)} {
		if r := w.upload(uploader, m); r.Err == nil {
			t.Errorf("%s is taken for a module", name)
		}
	}
	w.n.Advance(time.Second)
	w.wantCalls()
}

func TestModulesAndStatus(t *testing.T) {
	w := newWorld(t)
	hash := *w.upload(uploader, module).Ok
	w.upload(uploader, module)
	reply, err := w.c.Query(stranger, "modules", []byte("DIDL\x00\x00"))
	w.must(err)
	all, err := rootapi.DecodeModulesResults(reply)
	w.must(err)
	if len(all) != 1 || !bytes.Equal(all[0].Hash, hash) || all[0].Bytes != uint64(len(module)) {
		t.Errorf("modules %+v", all)
	}
	for p, want := range map[principal.Principal]bool{dao: true, uploader: true, stranger: false} {
		arg, err := rootapi.EncodeCanisterStatusArgs(market)
		w.must(err)
		reply, err := w.c.Update(p, "canister_status", arg)
		w.must(err)
		r, err := rootapi.DecodeCanisterStatusResults(reply)
		w.must(err)
		if (r.Ok != nil) != want || want && (r.Ok.Status != "running" || r.Ok.Controllers[0] != w.c.ID) {
			t.Errorf("status for %s: %+v", p, r)
		}
	}
}

func FuzzDecodeUpgrade(f *testing.F) {
	u := &upgrade{phase: installing, arg: []byte("arg"), failure: "why", Upgrade: rootapi.Upgrade{Id: 1, ModuleHash: make([]byte, 32)}}
	v, err := u.encode()
	if err != nil {
		f.Fatal(err)
	}
	f.Add(v)
	f.Fuzz(func(t *testing.T, v []byte) {
		if u, err := decodeUpgrade(v); err == nil && len(u.arg)+len(u.failure) > len(v) {
			t.Error("longer than the record")
		}
	})
}

// TestWithoutArgument: the environment names the dao; who installs may upload.
func TestWithoutArgument(t *testing.T) {
	n := cdktest.New(t)
	if _, err := n.TryInstall(program(), cdktest.Options{}); err == nil || !strings.Contains(err.Error(), "PUBLIC_CANISTER_ID:dao") {
		t.Errorf("without an environment: %v", err)
	}
	c := n.Install(program(), cdktest.Options{Caller: uploader, Variables: map[string]string{"PUBLIC_CANISTER_ID:dao": dao.String()}})
	arg, err := rootapi.EncodeUploadArgs(module)
	if err != nil {
		t.Fatal(err)
	}
	for caller, allowed := range map[principal.Principal]bool{uploader: true, dao: true, stranger: false} {
		reply, err := c.Update(caller, "upload", arg)
		if err != nil {
			t.Fatal(err)
		}
		if r, err := rootapi.DecodeUploadResults(reply); err != nil || (r.Ok != nil) != allowed {
			t.Errorf("%s uploads: %+v, %v; want %v", caller, r, err, allowed)
		}
	}
}
