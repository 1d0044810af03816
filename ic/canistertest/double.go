//go:build !wasip1

package canistertest

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"assay/ic/candid"
	"assay/ic/cdk/cdktest"
	"assay/ic/principal"
)

// Double is a network inside the process.
func Double(t testing.TB) Network { return &double{t, cdktest.New(t)} }

type double struct {
	t testing.TB
	n *cdktest.Network
}

func (d *double) Install(s Source, arg []byte) Canister {
	d.t.Helper()
	if s.Program == nil {
		d.t.Fatal("install on the double: the source has no Program")
	}
	o := cdktest.Options{Arg: orNone(arg), Cycles: candid.NewNat(cycles), Controllers: []principal.Principal{Controller}}
	return &doubleCanister{c: d.n.Install(s.Program(), o)}
}

func (d *double) Now() time.Time { return time.Unix(0, int64(d.n.Now())).UTC() }

func (d *double) Advance(by time.Duration) { d.n.Advance(by) }

type doubleCanister struct{ c *cdktest.Canister }

func (d *doubleCanister) ID() principal.Principal { return d.c.ID }

func (d *doubleCanister) As(caller principal.Principal) candid.Caller[context.Context] {
	return doubleCaller{d, caller}
}

func (d *doubleCanister) Upgrade(s Source, arg []byte) error {
	if s.Program == nil {
		return errors.New("upgrade on the double: the source has no Program")
	}
	return d.c.Upgrade(s.Program(), orNone(arg))
}

// Stop has no open calls to wait for: every call here settles before it returns.
func (d *doubleCanister) Stop() error {
	d.c.Stopped = true
	return nil
}

func (d *doubleCanister) Start() error {
	d.c.Stopped = false
	return nil
}

func (d *doubleCanister) TrapNext(after int) { d.c.TrapNext(after) }

func (d *doubleCanister) Log() []string { return slices.Clone(d.c.Double.Log) }

type doubleCaller struct {
	d      *doubleCanister
	caller principal.Principal
}

// Call settles the network before it returns.
func (c doubleCaller) Call(_ context.Context, method string, kind candid.Kind, arg []byte) ([]byte, error) {
	if kind == candid.Update {
		return c.d.c.Update(c.caller, method, arg)
	}
	return c.d.c.Query(c.caller, method, arg)
}
