package state_test

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"log/slog"
	"slices"
	"testing"
	"time"

	"assay/ic/candid"
	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/replica/cycles"
	"assay/ic/replica/host"
	"assay/ic/replica/replicatest"
	"assay/ic/replica/state"
)

type (
	program = replicatest.Program
	call    = replicatest.Call
)

var user = principal.SelfAuthenticating([]byte("a user"))

// net drives a machine by hand with a clock of its own.
type net struct {
	t       testing.TB
	config  state.Config
	now     time.Time
	m       *state.Machine
	nonce   uint64
	random  byte
	observe func(state.MessageStats)
}

func newNet(t testing.TB) *net {
	t.Helper()
	engine, err := host.NewEngine(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	n := &net{t: t, now: time.Unix(1_700_000_000, 0)}
	n.config = state.Config{
		Engine: engine, Logger: slog.New(slog.DiscardHandler), Clock: func() time.Time { return n.now },
		Random: func(b []byte) {
			n.random++
			b[0] = n.random
		},
		Certificate: func(id principal.Principal, data []byte, time uint64) ([]byte, error) {
			return fmt.Appendf(nil, "%s %x %d", id, data, time), nil
		},
		Observe: func(s state.MessageStats) {
			if n.observe != nil {
				n.observe(s)
			}
		},
		Settings: state.Settings{
			RootKey: []byte("root key"), Subnet: principal.SelfAuthenticating([]byte("subnet")),
			Prices: cycles.Prices{Nodes: 13}, StopTimeout: 5 * time.Minute, StablePages: 1000,
		},
	}
	n.m = state.New(n.config)
	return n
}

// rounds runs rounds until nothing is ready.
func (n *net) rounds() {
	for n.m.Round(n.t.Context()) {
		continue
	}
}

func (n *net) pass(d time.Duration) {
	n.now = n.now.Add(d)
	n.rounds()
}

// submit inducts a message and does not run it.
func (n *net) submit(in state.Ingress) (state.RequestID, *state.Reject) {
	n.nonce++
	in.ID = sha256.Sum256(binary.BigEndian.AppendUint64(nil, n.nonce))
	if in.Sender == (principal.Principal{}) {
		in.Sender = user
	}
	in.Expiry = n.now.Add(5 * time.Minute)
	return in.ID, n.m.Submit(n.t.Context(), in)
}

// start submits a program.
func (n *net) start(to principal.Principal, p program) state.RequestID {
	n.t.Helper()
	id, rej := n.submit(state.Ingress{Canister: to, Method: "run", Arg: p})
	if rej != nil {
		n.t.Fatal(rej)
	}
	return id
}

func (n *net) status(id state.RequestID) state.Status {
	n.t.Helper()
	s, ok := n.m.Status(id)
	if !ok {
		n.t.Fatalf("request %x is not known", id)
	}
	return s
}

// update runs a program to its answer.
func (n *net) update(to principal.Principal, p program) ([]byte, *state.Reject) {
	n.t.Helper()
	id := n.start(to, p)
	n.rounds()
	s := n.status(id)
	if !s.Phase.Final() {
		n.t.Fatalf("request is %v, want an answer", s.Phase)
	}
	return s.Reply, s.Reject
}

// reply is update where a reply is expected.
func (n *net) reply(to principal.Principal, p program) []byte {
	n.t.Helper()
	b, rej := n.update(to, p)
	if rej != nil {
		n.t.Fatal(rej)
	}
	return b
}

// refused checks a reject's code and returns it.
func (n *net) refused(rej *state.Reject, code string) {
	n.t.Helper()
	if rej == nil || rej.ErrorCode != code || rej.Code != int(code[2+1]-'0') {
		n.t.Fatalf("got %v, want %s", rej, code)
	}
}

func (n *net) query(to principal.Principal, method string, p program) ([]byte, *state.Reject) {
	return n.m.Query(n.t.Context(), state.Query{Sender: user, Canister: to, Method: method, Arg: p})
}

func (n *net) read(to principal.Principal, p program) []byte {
	n.t.Helper()
	b, rej := n.query(to, "read", p)
	if rej != nil {
		n.t.Fatal(rej)
	}
	return b
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// manage calls the management canister as the user.
func (n *net) manage(about principal.Principal, method string, arg []byte) ([]byte, *state.Reject) {
	n.t.Helper()
	id, rej := n.submit(state.Ingress{Effective: about, Method: method, Arg: arg})
	if rej != nil {
		return nil, rej
	}
	n.rounds()
	s := n.status(id)
	return s.Reply, s.Reject
}

func (n *net) must(_ []byte, rej *state.Reject) {
	n.t.Helper()
	if rej != nil {
		n.t.Fatal(rej)
	}
}

func (n *net) create(amount uint64, controllers ...principal.Principal) principal.Principal {
	n.t.Helper()
	if controllers == nil {
		controllers = []principal.Principal{user}
	}
	nat := candid.NewNat(amount)
	out, rej := n.manage(principal.Canister(0), "provisional_create_canister_with_cycles", must(managementapi.EncodeProvisionalCreateCanisterWithCyclesArgs(
		managementapi.ProvisionalCreateCanisterWithCyclesArg{Amount: &nat, Settings: &managementapi.Settings{Controllers: &controllers}})))
	if rej != nil {
		n.t.Fatal(rej)
	}
	return must(managementapi.DecodeProvisionalCreateCanisterWithCyclesResults(out)).CanisterId
}

func installArg(id principal.Principal, mode managementapi.InstallMode, wasm []byte, arg program) []byte {
	return must(managementapi.EncodeInstallCodeArgs(managementapi.InstallCode{Mode: mode, CanisterId: id, WasmModule: wasm, Arg: arg}))
}

var (
	asNew       = managementapi.InstallMode{Install: true}
	asReinstall = managementapi.InstallMode{Reinstall: true}
	asUpgrade   = managementapi.InstallMode{Upgrade: new(*managementapi.UpgradeFlags)}
)

func (n *net) install(id principal.Principal, mode managementapi.InstallMode, wasm []byte, arg program) *state.Reject {
	n.t.Helper()
	_, rej := n.manage(id, "install_code", installArg(id, mode, wasm, arg))
	return rej
}

// actor is a new canister with the test module.
func (n *net) actor() principal.Principal { return n.actorWith(replicatest.Plain()) }

func (n *net) actorWith(wasm []byte) principal.Principal {
	n.t.Helper()
	id := n.create(10_000_000_000_000_000)
	if rej := n.install(id, asNew, wasm, nil); rej != nil {
		n.t.Fatal(rej)
	}
	return id
}

// selfControlled is an actor that may stop itself.
func (n *net) selfControlled() principal.Principal {
	n.t.Helper()
	id := n.actor()
	both := []principal.Principal{user, id}
	n.must(n.manage(id, "update_settings", must(managementapi.EncodeUpdateSettingsArgs(
		managementapi.UpdateSettingsArg{CanisterId: id, Settings: managementapi.Settings{Controllers: &both}}))))
	return id
}

// park makes a self-controlled actor wait for the timeout of its own stop, which its
// open call holds up, and then go on.
func park(self principal.Principal, then program) program {
	return program{}.Call(call{To: principal.Management, Method: "stop_canister", Arg: about(self), OnReject: then})
}

func about(id principal.Principal) []byte {
	return must(managementapi.EncodeStartCanisterArgs(managementapi.Canister{CanisterId: id}))
}

func (n *net) info(id principal.Principal) managementapi.Status {
	n.t.Helper()
	out, rej := n.m.Query(n.t.Context(), state.Query{Sender: user, Effective: id, Method: "canister_status", Arg: about(id)})
	if rej != nil {
		n.t.Fatal(rej)
	}
	return must(managementapi.DecodeCanisterStatusResults(out))
}

// balanced checks that no cycles came or went unseen.
func (n *net) balanced() {
	n.t.Helper()
	b := n.m.Books()
	if sum := b.Held.Add(b.Spent); sum != b.Minted {
		n.t.Fatalf("held %v + spent %v = %v, minted %v", b.Held, b.Spent, sum, b.Minted)
	}
}

// keep takes what was submitted into a batch without a round.
func (n *net) keep() {
	n.t.Helper()
	if b := n.m.Next(false); b != nil {
		if _, err := n.m.Apply(n.t.Context(), b); err != nil {
			n.t.Fatal(err)
		}
	}
}

// restart saves the network and goes on from what was saved.
func (n *net) restart() {
	n.t.Helper()
	n.keep()
	core, read := n.checkpoint()
	if err := n.m.Close(context.Background()); err != nil {
		n.t.Fatal(err)
	}
	var err error
	if n.m, err = state.Restore(n.t.Context(), n.config, core, read); err != nil {
		n.t.Fatal(err)
	}
}

// reader visits the records of a content.
type reader func(name string, visit func([]byte) error) error

// checkpoint is the state with a copy of all its contents.
func (n *net) checkpoint() (core []byte, read reader) {
	n.t.Helper()
	cp, err := n.m.Checkpoint()
	if err != nil {
		n.t.Fatal(err)
	}
	all := map[string][][]byte{}
	for _, c := range cp.Contents {
		err := c.Write(func(record []byte) error {
			all[c.Name] = append(all[c.Name], slices.Clone(record))
			return nil
		})
		if err != nil {
			n.t.Fatal(err)
		}
	}
	return cp.Core, func(name string, visit func([]byte) error) error {
		for _, record := range all[name] {
			if err := visit(record); err != nil {
				return err
			}
		}
		return nil
	}
}

// hash is the state's.
func (n *net) hash() [32]byte {
	n.t.Helper()
	h, err := n.m.Hash()
	if err != nil {
		n.t.Fatal(err)
	}
	return h
}

func u64(n uint64) []byte  { return binary.LittleEndian.AppendUint64(nil, n) }
func u32(n uint32) []byte  { return binary.LittleEndian.AppendUint32(nil, n) }
func u128(n uint64) []byte { return append(u64(n), u64(0)...) }
