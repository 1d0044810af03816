//go:build !wasip1

package cdktest_test

import (
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"assay/ic/cdk"
	"assay/ic/cdk/cdktest"
	"assay/ic/principal"
)

const kitRegion = 2 << 16 // where the first bucket lies

// The kit's own region: magic, version, and a generation that each upgrade raises.
func TestKitRegion(t *testing.T) {
	t.Parallel()
	n := cdktest.New(t)
	p := updates(map[string]handle{"echo": func(_ *cdk.Message, arg []byte) ([]byte, error) { return arg, nil }})
	c := n.Install(p, cdktest.Options{})
	head := func() (string, uint16) {
		b := c.Double.Stable()[kitRegion:]
		return string(b[:5]), binary.LittleEndian.Uint16(b[6:])
	}
	magic, first := head()
	if err := c.Upgrade(p, nil); err != nil {
		t.Fatal(err)
	}
	if _, second := head(); magic != "AKIT\x01" || second != first+1 {
		t.Errorf("head %q, generation %d after %d", magic, second, first)
	}
	c.Double.Stable()[kitRegion+4] = 9
	if err := c.Upgrade(p, nil); err == nil || !strings.Contains(err.Error(), "AKIT") {
		t.Errorf("an upgrade over another version: %v", err)
	}
	if got, err := c.Update(alice, "echo", []byte("x")); err != nil || string(got) != "x" {
		t.Errorf("after the refused upgrade: %q, %v", got, err)
	}
	if err := n.Install(cdk.Program{}, cdktest.Options{}).Upgrade(cdk.Program{}, nil); err != nil {
		t.Errorf("an empty program: %v", err)
	}
}

// A timer that the system fired in vain is armed again by the next message, and more
// tasks than one firing starts all run.
func TestTimerComesBack(t *testing.T) {
	t.Parallel()
	ran := map[string]int{}
	p := updates(map[string]handle{"nothing": func(*cdk.Message, []byte) ([]byte, error) { return nil, nil }})
	p.Tasks = map[string]cdk.Task{}
	for i := range 40 {
		p.Tasks[fmt.Sprint("task ", i)] = func(m *cdk.Message) error { ran[m.Method()]++; return nil }
	}
	p.Init = func(m *cdk.Message, _ []byte) error {
		for i := range 40 {
			if err := m.After(1e9, fmt.Sprint("task ", i)); err != nil {
				return err
			}
		}
		return nil
	}
	n := cdktest.New(t)
	c := n.Install(p, cdktest.Options{})
	c.Double.Fire() // and the message that it started was lost
	n.Advance(2 * time.Second)
	if len(ran) != 0 {
		t.Fatalf("ran %v without a timer", ran)
	}
	if _, err := c.Update(alice, "nothing", nil); err != nil {
		t.Fatal(err)
	}
	n.Advance(0)
	if len(ran) != 40 || c.Double.TimerAt() != 0 {
		t.Errorf("%d tasks ran, timer %d", len(ran), c.Double.TimerAt())
	}
}

// A program may inspect ingress messages; one that does not takes all for its methods.
func TestInspect(t *testing.T) {
	t.Parallel()
	n := cdktest.New(t)
	echo := func(_ *cdk.Message, arg []byte) ([]byte, error) { return arg, nil }
	plain := updates(map[string]handle{"open": echo, "shut": echo})
	p := plain
	p.Inspect = func(m *cdk.Message, method string) error {
		if m.Caller() == alice && method == "open" && m.Method() == method {
			return nil
		}
		return cdk.ErrNotAllowed
	}
	strict, open := n.Install(p, cdktest.Options{}), n.Install(plain, cdktest.Options{})
	for _, row := range []struct {
		c      *cdktest.Canister
		caller principal.Principal
		method string
		want   bool
	}{
		{strict, alice, "open", true},
		{strict, bob, "open", false},
		{strict, alice, "shut", false},
		{strict, alice, "missing", false},
		{open, bob, "shut", true},
		{open, bob, "missing", false},
		{open, open.ID, cdk.TaskMethod, false},
	} {
		if got := row.c.Inspect(row.caller, row.method, nil); got != row.want {
			t.Errorf("%s for %s: let in %v, want %v", row.method, row.caller, got, row.want)
		}
	}
}
