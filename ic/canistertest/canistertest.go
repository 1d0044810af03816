//go:build !wasip1

// Package canistertest runs one test of a canister in two places: inside the test's
// process on the double of the system (package ic/cdk/cdktest), which takes
// microseconds and shows what the canister's logic does, and compiled to Wasm on the
// embedded network (ic/replica), which shows what traps, upgrades and limits do to it.
//
//	func TestCounter(t *testing.T) {
//		canistertest.Each(t, func(t *testing.T, n canistertest.Network) {
//			c := n.Install(canistertest.Source{Program: program}, nil)
//			counter := counterapi.NewClient[context.Context](c.As(alice))
//			...
//
// Authors of canisters call it. Time stands still unless the test moves it. What only one
// of the places offers is left to their packages: delivering calls between canisters in an
// order of the test's choice to cdktest, certificates to ic/replica.
package canistertest

import (
	"context"
	"testing"
	"time"

	"assay/ic/candid"
	"assay/ic/cdk"
	"assay/ic/principal"
)

// Source is where a canister's code comes from, in each place.
type Source struct {
	// Program makes what main hands to cdk.Serve, for the double.
	Program func() cdk.Program
	// Dir is the folder of the main package and its .did file, for the embedded network.
	// Empty: the working folder, which in a test is the folder of its package.
	Dir string
	// Wasm is a file with a module to use in place of building Dir, raw or gzip.
	Wasm string
}

// Network is canisters that call each other. It is for one goroutine; what it cannot do
// fails the test.
type Network interface {
	// Install creates a canister with plenty of cycles, controlled by [Controller], and
	// runs its Init with arg, which is Candid; nil for none.
	Install(s Source, arg []byte) Canister
	// Now is the network's time.
	Now() time.Time
	// Advance moves the time at once and runs what is due then. On the network a canister's
	// timer fires once at one time, so what one task plans for now waits for the next Advance.
	Advance(d time.Duration)
}

// Canister is an installed canister.
type Canister interface {
	ID() principal.Principal
	// As is the canister as a caller reaches it from outside, for a generated client. An
	// error that the canister or the network answered with is a [*cdk.CallError].
	As(caller principal.Principal) candid.Caller[context.Context]
	// Upgrade replaces the code and runs PostUpgrade with arg. After an error the old code
	// runs on.
	Upgrade(s Source, arg []byte) error
	// Stop refuses calls, from canisters too, and holds back timers until Start.
	Stop() error
	Start() error
	// TrapNext makes one message of the canister trap as if by a fault of its own: the next,
	// or the one after so many more, such as the callback of a call. What the message did is
	// undone; the caller is answered and cleanups run as after any trap. Updates, callbacks,
	// timers and heartbeats count; queries, cleanups and installations do not. What the
	// message printed is in the log on the network alone. The last call counts.
	TrapNext(after int)
	// Log is what the canister printed.
	Log() []string
}

// Controller controls every canister that is installed here.
var Controller = principal.SelfAuthenticating([]byte("controller of a test"))

// Caller is a principal for a name, the same each time.
func Caller(name string) principal.Principal { return principal.SelfAuthenticating([]byte(name)) }

// cycles is what a canister starts with.
const cycles = 1_000_000_000_000_000

// start is the time at which networks begin.
var start = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// noArg is Candid of no values.
var noArg = []byte("DIDL\x00\x00")

func orNone(arg []byte) []byte {
	if arg == nil {
		return noArg
	}
	return arg
}

// Each runs a test in both places, as subtests "double" and "network". With -short it
// runs on the double alone.
func Each(t *testing.T, test func(t *testing.T, n Network)) {
	t.Helper()
	t.Run("double", func(t *testing.T) { test(t, Double(t)) })
	t.Run("network", func(t *testing.T) {
		if testing.Short() {
			t.Skip("-short leaves out the embedded network")
		}
		test(t, Embedded(t))
	})
}
