package state

import (
	"context"

	"assay/ic/principal"
	"assay/ic/replica/cycles"
	"assay/ic/replica/host"
)

const (
	timerEntry     = "canister_global_timer"
	heartbeatEntry = "canister_heartbeat"
	never          = ^uint64(0)
)

// nextTaskLocked is when the canister's timer or heartbeat is due. Canisters that are
// not running, or could not pay, have none.
func (m *Machine) nextTaskLocked(c *canister) uint64 {
	if c.State != Running || c.module == nil {
		return never
	}
	next := uint64(never)
	if c.Timer != 0 {
		next = max(c.Timer, c.Fired+uint64(timerEvery))
	}
	if c.module.Exports(heartbeatEntry) {
		next = min(next, c.Heartbeat+uint64(heartbeatEvery))
	}
	if next == never || c.Balance.Less(m.frozenLocked(c).Add(m.config.Prices.Execution(UpdateLimit))) {
		return never
	}
	return next
}

func (m *Machine) taskDueLocked(c *canister) bool { return m.nextTaskLocked(c) <= m.mu.Time }

// runTasksLocked runs what is due of one canister. A timer is off once it fires, also
// if its message traps.
func (m *Machine) runTasksLocked(ctx context.Context, id principal.Principal) (instructions uint64) {
	c := m.mu.canisters[id]
	if c == nil || !m.taskDueLocked(c) {
		return 0
	}
	if c.Timer != 0 && max(c.Timer, c.Fired+uint64(timerEvery)) <= m.mu.Time {
		c.Timer, c.Fired = 0, m.mu.Time
		if c.module.Exports(timerEntry) {
			instructions += m.taskLocked(ctx, c, "timer", timerEntry)
		}
	}
	if m.taskDueLocked(c) && c.module.Exports(heartbeatEntry) && c.Heartbeat+uint64(heartbeatEvery) <= m.mu.Time {
		c.Heartbeat = m.mu.Time
		instructions += m.taskLocked(ctx, c, "heartbeat", heartbeatEntry)
	}
	return instructions
}

func (m *Machine) taskLocked(ctx context.Context, c *canister, kind, entry string) uint64 {
	in := m.inputLocked(c, principal.Management, UpdateLimit)
	prepaid, ok := m.prepay(in)
	if !ok {
		return 0
	}
	cc := m.openContextLocked(c, origin{Kind: fromSystem}, kind, cycles.Amount{})
	r := m.runLocked(ctx, c, kind, "", in, func(x *host.Execution) *host.Trap {
		return x.Run(ctx, c.instance, c.stable, host.Task, entry)
	}, keep)
	m.applyLocked(c, cc, in, r, prepaid, keep)
	m.settleLocked(c, cc, r.trap)
	return r.x.Used
}
