package replica_test

import (
	"errors"
	"testing"

	"assay/ic/replica"
	"assay/ic/replica/cycles"
)

// TestScheduleOfAFolder: under the schedule of pages that are read too, a folder opens
// again after a crash with the same state, whatever it is asked for, but not with another
// schedule once code was compiled for the first.
func TestScheduleOfAFolder(t *testing.T) {
	t.Parallel()
	config := replica.Config{Dir: t.TempDir(), Pace: replica.Manual, Touch: cycles.TouchBoth, CompilationCacheDir: t.TempDir()}
	n, err := replica.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	var used uint64
	c := &stepping{client{t: t, n: n}}
	a := c.actor()
	c.update(a, program{}.Add(0, 1).Reply(nil))
	want := hashOf(t, n)
	crashed := copyFolder(t, config.Dir)
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	config.Dir, config.Touch = crashed, cycles.Touch{}
	config.Observe = func(s replica.MessageStats) { used = s.Instructions }
	n, err = replica.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	if got := hashOf(t, n); got != want {
		t.Errorf("the state has hash %x, had %x", got, want)
	}
	c = &stepping{client{t: t, n: n}}
	c.update(a, program{}.Add(0, 1).Reply(nil))
	if used < cycles.TouchBoth.Read+cycles.TouchBoth.Dirty {
		t.Errorf("an update that changes a page cost %d instructions after the crash", used)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	config.Touch = cycles.TouchDirty
	if _, err := replica.Open(config); !errors.Is(err, replica.ErrSchedule) {
		t.Errorf("opened with another schedule: %v", err)
	}
}
