package state

import (
	"context"
	"time"

	"assay/ic/principal"
	"assay/ic/replica/cycles"
	"assay/ic/replica/host"
)

const (
	timerEntry     = "canister_global_timer"
	heartbeatEntry = "canister_heartbeat"
	lowMemoryEntry = "canister_on_low_wasm_memory"
	never          = ^uint64(0)
)

// nextTaskLocked is when a task of the canister is due. Canisters that are not running,
// or could not pay, have none.
func (m *Machine) nextTaskLocked(c *canister) uint64 {
	if c.State != Running || c.module == nil {
		return never
	}
	next := uint64(never)
	if c.Timer != 0 {
		next = max(c.Timer, m.soonest(c.Fired, timerEvery))
	}
	if c.module.Exports(heartbeatEntry) {
		next = min(next, m.soonest(c.Heartbeat, heartbeatEvery))
	}
	if c.LowMemory == hookReady {
		next = 0
	}
	if next == never || c.Balance.Less(m.frozenLocked(c).Add(m.config.Prices.Execution(UpdateLimit))) {
		return never
	}
	return next
}

// soonest is when a task that ran last may run again: after a while, so that it does not
// keep the network busy, or in the next tick.
func (m *Machine) soonest(last uint64, every time.Duration) uint64 {
	if m.mu.tick {
		return 0
	}
	return last + uint64(every)
}

func (m *Machine) taskDueLocked(c *canister) bool { return m.nextTaskLocked(c) <= m.mu.Time }

// runTasksLocked runs what is due of one canister. A timer is off once it fires, also
// if its message traps.
func (m *Machine) runTasksLocked(ctx context.Context, id principal.Principal) (instructions uint64) {
	c := m.mu.canisters[id]
	if c == nil || !m.taskDueLocked(c) {
		return 0
	}
	instructions += m.runHookLocked(ctx, c)
	if c.Timer != 0 && max(c.Timer, m.soonest(c.Fired, timerEvery)) <= m.mu.Time {
		c.Timer, c.Fired = 0, m.mu.Time
		if c.module.Exports(timerEntry) {
			instructions += m.taskLocked(ctx, c, "timer", timerEntry)
		}
	}
	instructions += m.runHookLocked(ctx, c)
	if m.taskDueLocked(c) && c.module.Exports(heartbeatEntry) && m.soonest(c.Heartbeat, heartbeatEvery) <= m.mu.Time {
		c.Heartbeat = m.mu.Time
		instructions += m.taskLocked(ctx, c, "heartbeat", heartbeatEntry)
	}
	return instructions
}

// watchMemory looks after a change whether the heap has become low on memory, or is no
// longer. With no threshold it never is.
func (c *canister) watchMemory() {
	limit := c.Settings.WasmMemoryLimit
	if limit == 0 {
		limit = 4 << 30
	}
	low := false
	if c.instance != nil && c.Settings.WasmThreshold > 0 {
		used := uint64(c.instance.CommittedPages()) * host.WasmPage
		low = limit < used || limit-used < c.Settings.WasmThreshold
	}
	switch {
	case !low:
		c.LowMemory = hookOff
	case c.LowMemory == hookOff:
		c.LowMemory = hookReady
	}
}

// runHookLocked runs the low-memory hook where it is ready and can be paid for. It goes
// before all messages but callbacks.
func (m *Machine) runHookLocked(ctx context.Context, c *canister) uint64 {
	if c.LowMemory != hookReady || c.State != Running || c.module == nil {
		return 0
	}
	if c.Balance.Less(m.frozenLocked(c).Add(m.config.Prices.Execution(UpdateLimit))) {
		return 0
	}
	c.LowMemory = hookRan
	if !c.module.Exports(lowMemoryEntry) {
		return 0
	}
	return m.taskLocked(ctx, c, "low memory", lowMemoryEntry)
}

func (m *Machine) taskLocked(ctx context.Context, c *canister, kind, entry string) uint64 {
	in := m.inputLocked(c, principal.Management, UpdateLimit)
	prepaid, ok := m.prepay(c, in)
	if !ok {
		return 0
	}
	cc := m.openContextLocked(c, origin{Kind: fromSystem}, kind, cycles.Amount{})
	r := m.runLocked(ctx, c, kind, "", in, func(x *host.Execution, at place) *host.Trap {
		return x.Run(ctx, at.instance, at.stable, host.Task, entry)
	}, keep)
	m.applyLocked(c, cc, in, r, prepaid, keep)
	m.settleLocked(c, cc, r.trap)
	return r.x.Used
}
