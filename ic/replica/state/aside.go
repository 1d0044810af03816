package state

import (
	"context"
	"time"

	"assay/ic/replica/host"
)

// place is where a message runs: a canister's instance and stable memory, or views of
// what they have committed.
type place struct {
	instance *host.Instance
	stable   *host.Stable
}

func (c *canister) place() place { return place{c.instance, c.stable} }

// asideLocked runs code of a message that may change the canister while nobody holds the
// mutex. Whoever takes it meanwhile sees the state as it was before the message: until its
// effects are applied it changes nothing but the canister's instance and stable memory, and
// queries run on views of those ([Machine.idleLocked]). The caller clears running once the
// instance is committed or rolled back. Only [Machine.Apply] gets here, one at a time.
func (m *Machine) asideLocked(c *canister, run func() *host.Trap) *host.Trap {
	m.mu.running = c
	m.mu.Unlock()
	defer m.mu.Lock()
	return run()
}

// idleLocked is where a query or an inspection of a message can run now.
func (m *Machine) idleLocked(c *canister) place {
	if c == m.mu.running {
		return place{c.instance.Standby(), c.stable.View()}
	}
	return c.place()
}

// readLocked runs what changes nothing, and undoes what it did to heap and stable memory.
func (m *Machine) readLocked(ctx context.Context, c *canister, kind, method string, in *host.Input, at place, run func(*host.Execution, place) *host.Trap) outcome {
	start := time.Now()
	x := host.NewExecution(in)
	trap := run(x, at)
	m.rollbackLocked(ctx, c, at)
	m.logLocked(c, x, trap, kind)
	m.observe(MessageStats{
		Canister: c.ID, Kind: kind, Method: method, Instructions: x.Used, HeapPages: c.instance.CommittedPages(), StablePages: c.stable.CommittedPages(),
		Duration: time.Since(start), Failed: trap != nil,
	})
	return outcome{x: x, trap: trap}
}
