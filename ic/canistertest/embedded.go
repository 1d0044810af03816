//go:build !wasip1

package canistertest

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"assay/ic/candid"
	"assay/ic/cdk"
	"assay/ic/cdk/cdktest"
	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/replica"
	"assay/ic/wasm/build"
	"assay/internal/cache"
)

// maxRounds is how long a call may keep the network busy.
const maxRounds = 1_000

// Embedded is an embedded network in memory, without certificates. Modules and machine
// code are kept in the cache folder, by content.
func Embedded(t testing.TB) Network {
	t.Helper()
	code, err := cache.Dir("code")
	if err != nil {
		t.Fatal(err)
	}
	e := &embedded{t: t, now: start, trapIn: map[principal.Principal]int{}}
	e.n, err = replica.Open(replica.Config{
		Clock: func() time.Time { return e.now }, CompilationCacheDir: code, Seed: []byte("test"), Fault: e.fault,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.n.Close(); err != nil {
			t.Error(err)
		}
	})
	return e
}

type embedded struct {
	t     testing.TB
	n     *replica.Network
	now   time.Time
	nonce uint64
	// trapIn has the messages of a canister until one is made to trap, counting it.
	trapIn map[principal.Principal]int
}

// fault counts a message and is the text of its trap.
func (e *embedded) fault(canister principal.Principal, _ string) string {
	left := e.trapIn[canister]
	switch left {
	case 0:
		return ""
	case 1:
		delete(e.trapIn, canister)
		return cdktest.TrapText
	}
	e.trapIn[canister] = left - 1
	return ""
}

func (e *embedded) Now() time.Time { return e.now }

func (e *embedded) Advance(by time.Duration) {
	e.now = e.now.Add(by)
	for range maxRounds {
		if !e.n.Step(context.Background()) {
			return
		}
	}
}

func (e *embedded) Install(s Source, arg []byte) Canister {
	e.t.Helper()
	amount := candid.NewNat(cycles)
	created, err := e.management(principal.Canister(0)).ProvisionalCreateCanisterWithCycles(context.Background(),
		managementapi.ProvisionalCreateCanisterWithCyclesArg{
			Amount: &amount, Settings: &managementapi.Settings{Controllers: &[]principal.Principal{Controller}},
		})
	if err != nil {
		e.t.Fatalf("create a canister: %v", err)
	}
	c := &embeddedCanister{e, created.CanisterId}
	if err := c.code(managementapi.InstallMode{Install: true}, s, arg); err != nil {
		e.t.Fatalf("install: %v", err)
	}
	return c
}

// management is a client of the management canister, about one canister.
func (e *embedded) management(about principal.Principal) managementapi.Client[context.Context] {
	return managementapi.NewClient[context.Context](embeddedCaller{e, Controller, principal.Management, about})
}

type embeddedCanister struct {
	e  *embedded
	id principal.Principal
}

func (c *embeddedCanister) ID() principal.Principal { return c.id }

func (c *embeddedCanister) As(caller principal.Principal) candid.Caller[context.Context] {
	return embeddedCaller{c.e, caller, c.id, c.id}
}

func (c *embeddedCanister) Upgrade(s Source, arg []byte) error {
	return c.code(managementapi.InstallMode{Upgrade: new(*managementapi.UpgradeFlags)}, s, arg)
}

func (c *embeddedCanister) Stop() error {
	return c.e.management(c.id).StopCanister(context.Background(), managementapi.Canister{CanisterId: c.id})
}

func (c *embeddedCanister) Start() error {
	return c.e.management(c.id).StartCanister(context.Background(), managementapi.Canister{CanisterId: c.id})
}

func (c *embeddedCanister) TrapNext(after int) { c.e.trapIn[c.id] = after + 1 }

func (c *embeddedCanister) Log() []string { return c.e.n.Log(c.id) }

func (c *embeddedCanister) code(mode managementapi.InstallMode, s Source, arg []byte) error {
	wasm, err := s.module()
	if err != nil {
		return err
	}
	return c.e.management(c.id).InstallCode(context.Background(), managementapi.InstallCode{
		Mode: mode, CanisterId: c.id, WasmModule: wasm, Arg: orNone(arg),
	})
}

// built are the modules of this process by folder. A test's sources stay as they are
// while it runs.
var built sync.Map

// module is the source's module, built if it must be.
func (s Source) module() ([]byte, error) {
	if s.Wasm != "" {
		return os.ReadFile(s.Wasm)
	}
	dir := s.Dir
	if dir == "" {
		dir = "."
	}
	c, err := build.Find(dir)
	if err != nil {
		return nil, err
	}
	made, _ := built.LoadOrStore(c.Dir, sync.OnceValues(func() ([]byte, error) {
		var err error
		if c.CacheDir, err = cache.Dir("canisters"); err != nil {
			return nil, err
		}
		m, err := build.Canister(context.Background(), c)
		return m.Gzip, err
	}))
	return made.(func() ([]byte, error))()
}

// embeddedCaller is one sender's way to a canister.
type embeddedCaller struct {
	e                   *embedded
	sender, to, subject principal.Principal
}

// Call runs a query, or submits an update and rounds until it is answered.
func (c embeddedCaller) Call(ctx context.Context, method string, kind candid.Kind, arg []byte) ([]byte, error) {
	if kind != candid.Update {
		reply, reject := c.e.n.Query(ctx, replica.Query{Sender: c.sender, Canister: c.to, Effective: c.subject, Method: method, Arg: arg})
		return reply, callError(reject)
	}
	c.e.nonce++
	in := replica.Ingress{
		Sender: c.sender, Canister: c.to, Effective: c.subject, Method: method, Arg: arg, Expiry: c.e.now.Add(4 * time.Minute),
	}
	binary.BigEndian.PutUint64(in.ID[:], c.e.nonce)
	if reject := c.e.n.Submit(ctx, in); reject != nil {
		return nil, callError(reject)
	}
	for range maxRounds {
		more := c.e.n.Step(ctx)
		status, _ := c.e.n.Status(in.ID)
		switch status.Phase {
		case replica.Replied:
			return status.Reply, nil
		case replica.Rejected:
			return nil, callError(status.Reject)
		}
		if !more {
			return nil, fmt.Errorf("%s: %w", method, errNoAnswer)
		}
	}
	return nil, fmt.Errorf("%s: %w after %d rounds", method, errNoAnswer, maxRounds)
}

var errNoAnswer = errors.New("no answer, and nothing left to do at this time")

// callError is the error that a canister would get; nil for nil.
func callError(r *replica.Reject) error {
	if r == nil {
		return nil
	}
	return &cdk.CallError{Code: cdk.Code(r.Code), Message: r.Message, Sent: true}
}
