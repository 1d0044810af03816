// Package subnet is an embedded network for tests that measure what messages cost or that
// interrupt them: its clock and its random numbers are fixed, so counts of instructions
// repeat exactly, and it steps only when told. Tests that ask what a canister does use
// ic/canistertest; certificates here are placeholders, but on a network of [OpenCertified].
package subnet

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"os"
	"testing"
	"time"

	"assay/ic/candid"
	"assay/ic/certificate/hashtree"
	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/replica"
	"assay/ic/replica/certify"
	"assay/ic/replica/cycles"
	"assay/ic/wasm/build"
	"assay/internal/cache"
)

// Schedule names the environment variable that chooses what touched pages of memory cost,
// as [cycles.TouchByName] knows it; by default, what the ledger of costs is for.
const Schedule = "ASSAY_PAGE_TOUCH"

// maxRounds is how many rounds may pass at one time before the network counts as stuck.
const maxRounds = 10_000

// Network is one subnet in the test's process. It is for one goroutine.
type Network struct {
	T     testing.TB
	Now   time.Time // moved by the test
	Stats []replica.MessageStats

	n     *replica.Network
	nonce uint64
}

// RootKey is what canisters get as the root key of a network of [Open]. It signs nothing.
var RootKey = []byte("root key of a test")

// signature stands for certificates, so that no key makes two runs differ.
type signature struct{}

func (signature) Certify(hashtree.Node, bool) ([]byte, error) { return make([]byte, 600), nil }

// Controller installs and controls all canisters.
var Controller = User("controller")

// User is a principal for a name, the same each time.
func User(name string) principal.Principal { return principal.SelfAuthenticating([]byte(name)) }

// Open is an empty network at the start of 2026.
func Open(t testing.TB) *Network {
	t.Helper()
	n := empty(t)
	n.open(signature{}, RootKey, User("subnet"))
	return n
}

// OpenCertified is a network like that of [Open] whose certificates are real, and its root
// key in DER. The keys are new each time.
func OpenCertified(t testing.TB) (n *Network, rootKey []byte) {
	t.Helper()
	n = empty(t)
	keys, err := certify.Open("", n.clock)
	n.Must(err)
	n.open(keys, keys.RootKey(), keys.Subnet())
	return n, keys.RootKey()
}

func empty(t testing.TB) *Network {
	return &Network{T: t, Now: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)}
}

func (n *Network) clock() time.Time { return n.Now }

func (n *Network) open(c replica.Certifier, rootKey []byte, subnet principal.Principal) {
	n.T.Helper()
	touch, known := cycles.TouchByName(os.Getenv(Schedule))
	if name := os.Getenv(Schedule); name != "" && !known {
		n.T.Fatalf("%s=%s: take dirty or read-write", Schedule, name)
	}
	var err error
	n.n, err = replica.Open(replica.Config{
		Touch: touch, Clock: n.clock, Certifier: c, RootKey: rootKey, SubnetID: subnet, Seed: []byte("seed"), CompilationCacheDir: n.dir("code"),
		Observe: func(s replica.MessageStats) { n.Stats = append(n.Stats, s) },
	})
	n.Must(err)
	n.T.Cleanup(func() { n.Must(n.n.Close()) })
}

// Must fails the test for an error.
func (n *Network) Must(err error) {
	n.T.Helper()
	if err != nil {
		n.T.Fatal(err)
	}
}

func (n *Network) dir(name string) string {
	n.T.Helper()
	dir, err := cache.Dir("test", name)
	n.Must(err)
	return dir
}

// Build makes the module of a canister from the folder of its main package.
func (n *Network) Build(folder string) build.Module {
	n.T.Helper()
	c, err := build.Find(folder)
	n.Must(err)
	c.CacheDir = n.dir("canisters")
	m, err := build.Canister(n.T.Context(), c)
	n.Must(err)
	return m
}

// Create makes an empty canister with 20 T cycles.
func (n *Network) Create() principal.Principal {
	n.T.Helper()
	amount := candid.NewNat(20e12)
	created, err := n.Management(principal.Canister(0)).ProvisionalCreateCanisterWithCycles(n.T.Context(), managementapi.ProvisionalCreateCanisterWithCyclesArg{Amount: &amount})
	n.Must(err)
	return created.CanisterId
}

// Code installs a module, or upgrades to it.
func (n *Network) Code(canister principal.Principal, mode managementapi.InstallMode, module, arg []byte) {
	n.T.Helper()
	n.Must(n.Management(canister).InstallCode(n.T.Context(), managementapi.InstallCode{Mode: mode, CanisterId: canister, WasmModule: module, Arg: arg}))
}

// Install creates a canister and installs a module.
func (n *Network) Install(module, arg []byte) principal.Principal {
	n.T.Helper()
	id := n.Create()
	n.Code(id, managementapi.InstallMode{Install: true}, module, arg)
	return id
}

// Upgrade replaces a canister's module.
func (n *Network) Upgrade(canister principal.Principal, module, arg []byte) {
	n.T.Helper()
	n.Code(canister, managementapi.InstallMode{Upgrade: new(*managementapi.UpgradeFlags)}, module, arg)
}

// UpgradeStopped stops a canister, replaces its module and starts it, which is how
// canisters are upgraded that may have calls open.
func (n *Network) UpgradeStopped(canister principal.Principal, module, arg []byte) {
	n.T.Helper()
	n.Must(n.Management(canister).StopCanister(n.T.Context(), managementapi.Canister{CanisterId: canister}))
	n.Upgrade(canister, module, arg)
	n.Must(n.Management(canister).StartCanister(n.T.Context(), managementapi.Canister{CanisterId: canister}))
}

// UpgradeSoon submits the upgrade without stopping and steps until it is done, so calls
// that are open stay open.
func (n *Network) UpgradeSoon(canister principal.Principal, module, arg []byte) {
	n.T.Helper()
	msg, err := managementapi.EncodeInstallCodeArgs(managementapi.InstallCode{
		Mode: managementapi.InstallMode{Upgrade: new(*managementapi.UpgradeFlags)}, CanisterId: canister, WasmModule: module, Arg: arg,
	})
	n.Must(err)
	id, err := as{n, Controller, principal.Management, canister}.start("install_code", msg)
	n.Must(err)
	for range maxRounds {
		n.Step()
		if s, _ := n.n.Status(id); s.Phase.Final() {
			if s.Reject != nil {
				n.T.Fatal(s.Reject)
			}
			return
		}
	}
	n.T.Fatal("the upgrade does not end")
}

// Management is the management canister as [Controller] calls it about a canister.
func (n *Network) Management(about principal.Principal) managementapi.Client[context.Context] {
	return managementapi.NewClient[context.Context](as{n, Controller, principal.Management, about})
}

type as struct {
	n                           *Network
	sender, canister, effective principal.Principal
}

// As is a canister as a caller outside reaches it.
func (n *Network) As(sender, canister principal.Principal) candid.Caller[context.Context] {
	return as{n, sender, canister, canister}
}

// Call answers a query, or submits an update and steps until it is answered.
func (a as) Call(ctx context.Context, method string, kind candid.Kind, arg []byte) ([]byte, error) {
	if kind != candid.Update {
		reply, reject := a.n.n.Query(ctx, replica.Query{Sender: a.sender, Canister: a.canister, Effective: a.effective, Method: method, Arg: arg})
		if reject != nil {
			return nil, reject
		}
		return reply, nil
	}
	id, err := a.start(method, arg)
	if err != nil {
		return nil, err
	}
	return a.n.Await(id)
}

func (a as) start(method string, arg []byte) (id replica.RequestID, err error) {
	n := a.n
	n.nonce++
	id = sha256.Sum256(binary.BigEndian.AppendUint64(nil, n.nonce))
	in := replica.Ingress{ID: id, Sender: a.sender, Canister: a.canister, Effective: a.effective, Method: method, Arg: arg, Expiry: n.Now.Add(4 * time.Minute)}
	if reject := n.n.Submit(n.T.Context(), in); reject != nil {
		return id, reject
	}
	return id, nil
}

// Start submits an update and runs nothing.
func (n *Network) Start(sender, canister principal.Principal, method string, arg []byte) replica.RequestID {
	n.T.Helper()
	id, err := as{n, sender, canister, canister}.start(method, arg)
	n.Must(err)
	return id
}

// Await steps until a request is answered, for at most a simulated minute.
func (n *Network) Await(id replica.RequestID) ([]byte, error) {
	for range 600 {
		n.Settle()
		if s, ok := n.n.Status(id); ok && s.Phase.Final() {
			if s.Reject != nil {
				return nil, s.Reject
			}
			return s.Reply, nil
		}
		n.Now = n.Now.Add(100 * time.Millisecond)
	}
	return nil, fmt.Errorf("request %x is not answered after a minute", id)
}

// Settle runs rounds until nothing is due at this time.
func (n *Network) Settle() {
	n.T.Helper()
	for range maxRounds {
		if !n.Step() {
			return
		}
	}
	n.T.Fatal("the network does not come to rest")
}

// Step runs one round and reports whether more waits.
func (n *Network) Step() bool { return n.n.Step(n.T.Context()) }

// Advance moves the time in steps of half a second, as a living network does.
func (n *Network) Advance(d time.Duration) {
	for end := n.Now.Add(d); n.Now.Before(end); {
		n.Now = n.Now.Add(min(500*time.Millisecond, end.Sub(n.Now)))
		n.Settle()
	}
}

// Log is what a canister printed, and why its messages trapped.
func (n *Network) Log(canister principal.Principal) []string { return n.n.Log(canister) }

// Info is the public face of a canister, false if there is none of that id.
func (n *Network) Info(canister principal.Principal) (replica.Info, bool) { return n.n.Info(canister) }
