//go:build !wasip1

// Package cdktest runs canisters written with package cdk inside a test's process.
//
// A [Network] holds canisters on doubles of the system ([system.Double]): their messages
// run one at a time, calls between them wait until the test delivers them in the order it
// likes, and time moves when the test says so. It finds what a canister's own logic does
// wrong, in microseconds. What it cannot show is what depends on Wasm: a trap does not
// undo changes of the Go heap here (stable memory, cycles, calls and timers it does), a
// goroutine whose callback trapped is gone before its cleanup, and goroutines cannot be
// counted (see package cdk). The tests of this package that run on the embedded network
// (ic/replica) show that.
//
//	n := cdktest.New(t)
//	c := n.Install(program, cdktest.Options{Cycles: candid.NewNat(1e12)})
//	reply, err := c.Update(alice, "inc", arg)
package cdktest

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"

	"assay/ic/candid"
	"assay/ic/cdk"
	"assay/ic/cdk/system"
	"assay/ic/principal"
)

// Handler plays a canister that is not there: it answers a call made with cycles, of
// which it keeps those it accepts.
type Handler func(method string, arg []byte, cycles candid.Nat) (reply []byte, accept candid.Nat, err error)

// Network is canisters that call each other. It is not safe for concurrent use.
type Network struct {
	t         testing.TB
	now       uint64
	canisters []*Canister
	handlers  map[principal.Principal]Handler
	calls     []*Outgoing // open, in the order in which they were made
	random    uint64      // raw_rand calls answered
}

// New is an empty network at the start of 2026.
func New(t testing.TB) *Network {
	n := &Network{t: t, now: uint64(time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).UnixNano()), handlers: map[principal.Principal]Handler{}}
	n.handlers[principal.Management] = n.management
	return n
}

// Handle answers calls to a principal that is no canister of the network. A handler for
// the management canister replaces the built-in one, which knows raw_rand.
func (n *Network) Handle(p principal.Principal, h Handler) { n.handlers[p] = h }

func (n *Network) management(method string, _ []byte, _ candid.Nat) ([]byte, candid.Nat, error) {
	if method != "raw_rand" {
		return nil, candid.Nat{}, errors.New("the test's network knows raw_rand alone")
	}
	n.random++
	sum := sha256.Sum256(binary.BigEndian.AppendUint64(nil, n.random))
	return append([]byte("DIDL\x01\x6d\x7b\x01\x00\x20"), sum[:]...), candid.Nat{}, nil
}

// Options of an installation.
type Options struct {
	Arg         []byte
	Cycles      candid.Nat
	Controllers []principal.Principal
	Caller      principal.Principal // who installs; the zero value is the management canister
	Variables   map[string]string   // the environment's
	// ID names the canister; the zero value takes the next free one.
	ID principal.Principal
}

// Install creates a canister and runs its Init; a trap there fails the test.
func (n *Network) Install(p cdk.Program, o Options) *Canister {
	n.t.Helper()
	c, err := n.TryInstall(p, o)
	if err != nil {
		n.t.Fatalf("install: %v", err)
	}
	return c
}

// TryInstall is Install that returns the trap.
func (n *Network) TryInstall(p cdk.Program, o Options) (*Canister, error) {
	if o.ID == principal.Management {
		o.ID = principal.Canister(uint64(len(n.canisters)) + 1)
	}
	d := &system.Double{ID: o.ID.Bytes(), Root: []byte("root key of a test"), Certificate: []byte("certificate of a test"), Variables: o.Variables}
	d.SetBalance(o.Cycles)
	for _, p := range o.Controllers {
		d.Controllers = append(d.Controllers, p.Bytes())
	}
	c := &Canister{ID: o.ID, Double: d, network: n, program: p, instance: cdk.NewInstance(p, d)}
	if err := c.execute(&system.Frame{Context: system.Start, Caller: o.Caller.Bytes(), Arg: o.Arg}, c.instance.Init); err != nil {
		return nil, err
	}
	n.canisters = append(n.canisters, c)
	return c, nil
}

// Now is the network's time in ns since 1970.
func (n *Network) Now() uint64 { return n.now }

// Open are the calls that have not come back, in the order in which they were made.
func (n *Network) Open() []*Outgoing {
	n.calls = slices.DeleteFunc(n.calls, func(o *Outgoing) bool { return o.done })
	return slices.Clone(n.calls)
}

// Settle delivers calls and answers, the oldest first, until nothing moves.
func (n *Network) Settle() {
	for moved := true; moved; {
		moved = false
		for _, o := range n.Open() {
			moved = o.Deliver() || o.Return() || moved
		}
	}
}

// Advance moves the time, fires the timers that are due and settles, until no timer is
// due at the new time.
func (n *Network) Advance(d time.Duration) {
	n.now += uint64(d)
	for fired := true; fired; {
		fired = false
		for _, c := range n.canisters {
			fired = c.Tick() || fired
		}
		n.Settle()
	}
}

func (n *Network) canister(id []byte) *Canister {
	for _, c := range n.canisters {
		if string(c.ID.Bytes()) == string(id) {
			return c
		}
	}
	return nil
}
