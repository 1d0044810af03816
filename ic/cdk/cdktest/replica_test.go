//go:build !wasip1

package cdktest_test

import (
	"encoding/binary"
	"strings"
	"testing"
	"time"

	"assay/ic/candid"
	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/replica"
	"assay/ic/wasm/build"
)

// subnet is the embedded network with a clock that the test moves.
type subnet struct {
	t     *testing.T
	n     *replica.Network
	now   time.Time
	nonce uint64
}

func newSubnet(t *testing.T) *subnet {
	t.Helper()
	s := &subnet{t: t, now: time.Unix(1_800_000_000, 0)}
	n, err := replica.Open(replica.Config{
		Clock: func() time.Time { return s.now }, CompilationCacheDir: cacheDir("code"), StopTimeout: 10 * time.Second, Seed: []byte("test"),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.n = n
	t.Cleanup(func() { _ = n.Close() })
	return s
}

// submit sends an update call and runs nothing.
func (s *subnet) submit(to principal.Principal, method string, arg []byte, effective principal.Principal) replica.RequestID {
	s.t.Helper()
	s.nonce++
	in := replica.Ingress{Sender: alice, Canister: to, Effective: effective, Method: method, Arg: arg, Expiry: s.now.Add(4 * time.Minute)}
	binary.BigEndian.PutUint64(in.ID[:], s.nonce)
	if reject := s.n.Submit(s.t.Context(), in); reject != nil {
		s.t.Fatalf("%s: %v", method, reject)
	}
	return in.ID
}

func (s *subnet) start(to principal.Principal, method, arg string) replica.RequestID {
	s.t.Helper()
	return s.submit(to, method, []byte(arg), to)
}

// steps runs rounds; calls that never end keep the network busy, so it runs no more than n.
func (s *subnet) steps(n int) {
	for range n {
		if !s.n.Step(s.t.Context()) {
			return
		}
	}
}

// answer is what became of a request, rejects beginning with "!".
func (s *subnet) answer(id replica.RequestID) string {
	s.t.Helper()
	status, _ := s.n.Status(id)
	switch status.Phase {
	case replica.Replied:
		return string(status.Reply)
	case replica.Rejected:
		return "!" + status.Reject.ErrorCode + " " + status.Reject.Message
	}
	return "none"
}

func (s *subnet) want(id replica.RequestID, prefix string) {
	s.t.Helper()
	if got := s.answer(id); !strings.HasPrefix(got, prefix) || prefix == "" && got != "" {
		s.t.Errorf("answer %q, want %q", got, prefix)
	}
}

// manage calls the management canister and leaves the answer.
func (s *subnet) manage(about principal.Principal, method string, arg []byte, err error) replica.RequestID {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
	return s.submit(principal.Management, method, arg, about)
}

func (s *subnet) lifecycle(id principal.Principal, method string) replica.RequestID {
	s.t.Helper()
	arg, err := managementapi.EncodeStopCanisterArgs(managementapi.Canister{CanisterId: id})
	return s.manage(id, method, arg, err)
}

func (s *subnet) installCode(id principal.Principal, mode managementapi.InstallMode) replica.RequestID {
	s.t.Helper()
	return s.install(testCanister, id, mode)
}

func (s *subnet) install(code func() (build.Module, error), id principal.Principal, mode managementapi.InstallMode) replica.RequestID {
	s.t.Helper()
	m, err := code()
	if err != nil {
		s.t.Fatal(err)
	}
	arg, err := managementapi.EncodeInstallCodeArgs(managementapi.InstallCode{Mode: mode, CanisterId: id, WasmModule: m.Gzip})
	return s.manage(id, "install_code", arg, err)
}

// done runs the network until idle and fails the test on a reject.
func (s *subnet) done(id replica.RequestID) string {
	s.t.Helper()
	s.steps(50)
	got := s.answer(id)
	if got == "none" || strings.HasPrefix(got, "!") {
		s.t.Fatalf("answer %q", got)
	}
	return got
}

// canister is a new test canister.
func (s *subnet) canister() principal.Principal {
	s.t.Helper()
	return s.canisterOf(testCanister)
}

func (s *subnet) canisterOf(code func() (build.Module, error)) principal.Principal {
	s.t.Helper()
	id := s.created(1e18)
	s.done(s.install(code, id, managementapi.InstallMode{Install: true}))
	return id
}

// created is a new canister without code.
func (s *subnet) created(cycles uint64) principal.Principal {
	s.t.Helper()
	amount := candid.NewNat(cycles)
	arg, err := managementapi.EncodeProvisionalCreateCanisterWithCyclesArgs(managementapi.ProvisionalCreateCanisterWithCyclesArg{
		Amount: &amount, Settings: &managementapi.Settings{Controllers: &[]principal.Principal{alice}},
	})
	created, err := managementapi.DecodeProvisionalCreateCanisterWithCyclesResults([]byte(s.done(s.manage(principal.Canister(0), "provisional_create_canister_with_cycles", arg, err))))
	if err != nil {
		s.t.Fatal(err)
	}
	return created.CanisterId
}

var upgrade = managementapi.InstallMode{Upgrade: new(*managementapi.UpgradeFlags)}

func (s *subnet) notes(id principal.Principal) string {
	s.t.Helper()
	b, reject := s.n.Query(s.t.Context(), replica.Query{Sender: alice, Canister: id, Effective: id, Method: "notes"})
	if reject != nil {
		s.t.Fatal(reject)
	}
	return string(b)
}

// Calls between canisters, parallel ones, one to itself, raw_rand and a bounded wait.
func TestReplicaCalls(t *testing.T) {
	t.Parallel()
	s := newSubnet(t)
	a, b := s.canister(), s.canister()
	relayed := s.start(a, "relay", b.String()+" one")
	both := s.start(a, "two", b.String()+" both")
	own := s.start(a, "relay", a.String()+" own")
	missing := s.start(a, "relay", far.String()+" nobody")
	random := s.start(a, "random", "")
	s.steps(50)
	s.want(relayed, "answer to one took 0")
	s.want(both, "answer to both <nil>;answer to both2 <nil>")
	s.want(own, "answer to own took 0")
	s.want(missing, "!IC0406 call rejected, DESTINATION_INVALID: ")
	if got := s.answer(random); len(got) != 32 {
		t.Errorf("random bytes: %q", got)
	}
	bounded := s.start(a, "bounded", b.String()+" x")
	s.steps(20)
	s.want(bounded, "none")
	s.now = s.now.Add(3 * time.Second)
	s.steps(20)
	s.want(bounded, " call rejected, SYS_UNKNOWN: ")
}

// What a handler leaves behind, and time.Sleep, is refused with a clear text.
func TestReplicaLeftovers(t *testing.T) {
	t.Parallel()
	s := newSubnet(t)
	a := s.canister()
	for _, method := range []string{"sleep", "blocked", "endless"} {
		id := s.start(a, method, "")
		s.steps(10)
		if got := s.answer(id); !strings.Contains(got, method+": a goroutine has neither finished nor is it parked in a call") {
			t.Errorf("%s: %q", method, got)
		}
	}
}

// An upgrade by stop, install and start loses nothing; the stop waits for the open call.
func TestReplicaUpgradeWithStop(t *testing.T) {
	t.Parallel()
	s := newSubnet(t)
	a, b := s.canister(), s.canister()
	open := s.start(a, "relay_spin", b.String())
	s.steps(5)
	stop := s.lifecycle(a, "stop_canister")
	s.steps(5)
	s.want(stop, "none")
	s.start(b, "release", "")
	s.steps(50)
	s.want(open, "released")
	s.want(stop, "DIDL")
	s.done(s.installCode(a, upgrade))
	s.done(s.lifecycle(a, "start_canister"))
	s.want(s.startDone(a, "echo", "new"), "new")
	if got := s.notes(a); got != "upgraded" {
		t.Errorf("notes: %s", got)
	}
}

func (s *subnet) startDone(id principal.Principal, method, arg string) replica.RequestID {
	s.t.Helper()
	r := s.start(id, method, arg)
	s.done(r)
	return r
}

// Stop while a callee never answers: the stop fails after its time, the canister starts
// again, and when the callee answers after all, the caller gets the answer.
func TestReplicaStopWhileCalleeIsSilent(t *testing.T) {
	t.Parallel()
	s := newSubnet(t)
	a, b := s.canister(), s.canister()
	open := s.start(a, "relay_spin", b.String())
	s.steps(5)
	stop := s.lifecycle(a, "stop_canister")
	s.steps(5)
	s.now = s.now.Add(11 * time.Second)
	s.steps(5)
	s.want(stop, "!")
	s.want(open, "none")
	start := s.lifecycle(a, "start_canister")
	s.steps(5)
	s.want(start, "DIDL")
	again := s.start(a, "relay", b.String()+" again")
	s.steps(10)
	s.want(again, "answer to again took 0")
	s.start(b, "release", "")
	s.steps(20)
	s.want(open, "released")
}

// An upgrade without stop while three calls are open: every caller hears that it may try
// again, nothing of the old module reaches a call of the new one, and the hook is told.
func TestReplicaUpgradeWithoutStop(t *testing.T) {
	t.Parallel()
	s := newSubnet(t)
	a, b := s.canister(), s.canister()
	var open []replica.RequestID
	for range 3 {
		open = append(open, s.start(a, "relay_spin", b.String()+" x"))
	}
	s.steps(10)
	install := s.installCode(a, upgrade)
	s.steps(10)
	s.want(install, "DIDL")
	fresh := s.start(a, "relay_spin", b.String()+" y")
	s.steps(10)
	s.start(b, "release", "")
	s.steps(50)
	for _, id := range open {
		s.want(id, "!IC0406 retry: the canister was upgraded while it waited")
	}
	s.want(fresh, "released")
	const told = `|orphan relay_spin x "released" false false`
	if got := s.notes(a); got != "upgraded"+strings.Repeat(told, 3) {
		t.Errorf("notes: %s", got)
	}
}

// Tasks run on the network's timer, over an upgrade.
func TestReplicaTasks(t *testing.T) {
	t.Parallel()
	s := newSubnet(t)
	a := s.canister()
	s.startDone(a, "plan", "")
	s.done(s.installCode(a, upgrade))
	for range 22 {
		s.now = s.now.Add(time.Second)
		s.steps(20)
	}
	if got := s.notes(a); got != "upgraded|tick|tick" {
		t.Errorf("notes: %s", got)
	}
}
