package state

import (
	"context"
	"fmt"

	"assay/ic/replica/cycles"
	"assay/ic/replica/host"
)

// What memory the subnet has, and when cycles are set aside for it.
const (
	subnetMemory  = 2 << 40              // bytes
	reserveFrom   = 750 << 30            // bytes in use above which memory is paid ahead
	reserveAtMost = 10 * 365 * 24 * 3600 // seconds paid ahead where all memory is in use
	noMemory      = "Canister cannot grow its memory usage."
)

// freezingAt is what storage costs for the freezing threshold.
func (m *Machine) freezingAt(c *canister, bytes uint64) cycles.Amount {
	return m.config.Prices.Storage(bytes, c.Settings.ComputeAllocation, min(c.Settings.FreezingThreshold, maxFreezing))
}

// frozenLocked is what must stay in the balance: storage for the freezing threshold, as
// far as it is not set aside.
func (m *Machine) frozenLocked(c *canister) cycles.Amount {
	return m.freezingAt(c, c.paidBytes()).SubFloor(c.Reserved)
}

// growth says what a canister may do with its memory in one message.
type growth struct {
	m      *Machine
	c      *canister
	before uint64 // bytes paid for
	fixed  uint64 // bytes besides heap and stable memory
	others uint64 // bytes that other canisters use; 0: not counted yet
}

func (m *Machine) growthLocked(c *canister) *growth {
	g := &growth{m: m, c: c, before: c.paidBytes(), fixed: c.memorySize()}
	g.fixed -= c.stable.CommittedPages() * host.WasmPage
	if c.instance != nil {
		g.fixed -= uint64(c.instance.CommittedPages()) * host.WasmPage
	}
	return g
}

// bytes is what is paid for with so many Wasm pages.
func (g *growth) bytes(heap uint32, stable uint64) uint64 {
	return max(g.fixed+(uint64(heap)+stable)*host.WasmPage, g.c.Settings.MemoryAllocation)
}

// frozen is what must stay in the balance with so many pages.
func (g *growth) frozen(heap uint32, stable uint64) cycles.Amount {
	return g.m.freezingAt(g.c, g.bytes(heap, stable)).SubFloor(g.c.Reserved)
}

// check says why memory may not have so many pages while the balance is so high.
func (g *growth) check(heap uint32, stable uint64, balance cycles.Amount) *host.Trap {
	reserve, trap := g.reserve(heap, stable)
	if trap != nil || g.bytes(heap, stable) <= g.before {
		return trap
	}
	frozen := g.m.freezingAt(g.c, g.bytes(heap, stable)).SubFloor(g.c.Reserved.Add(reserve))
	if need := reserve.Add(frozen); balance.Less(need) {
		return &host.Trap{Code: CodeGrowCycles, Message: fmt.Sprintf("Canister cannot grow memory by %d bytes due to insufficient cycles. At least %v additional cycles are required.",
			g.bytes(heap, stable)-g.before, need.Sub(balance))}
	}
	return nil
}

// checkLater is check for the callbacks of calls, which may use up what is kept for
// storage.
func (g *growth) checkLater(heap uint32, stable uint64, balance cycles.Amount) *host.Trap {
	reserve, trap := g.reserve(heap, stable)
	if trap == nil && balance.Less(reserve) {
		trap = &host.Trap{Code: CodeGrowCycles, Message: fmt.Sprintf("Canister cannot grow memory by %d bytes due to insufficient cycles.", g.bytes(heap, stable)-g.before)}
	}
	return trap
}

// reserve is what is set aside for memory of so many pages, or why it cannot be had.
func (g *growth) reserve(heap uint32, stable uint64) (cycles.Amount, *host.Trap) {
	now := g.bytes(heap, stable)
	if now <= g.before {
		return cycles.Amount{}, nil
	}
	if g.others == 0 {
		g.others = g.m.usedLocked() - g.c.paidBytes()
	}
	if g.others+now > subnetMemory {
		return cycles.Amount{}, &host.Trap{Code: host.CodeOutOfMemory, Message: noMemory}
	}
	reserve := g.m.reservation(now-g.before, g.others+g.before)
	if over := g.c.Reserved.Add(reserve); !reserve.IsZero() && g.c.Settings.ReservedLimit.Less(over) {
		return cycles.Amount{}, &host.Trap{Code: CodeGrowReserved, Message: fmt.Sprintf("Canister cannot grow memory by %d bytes due to its reserved cycles limit. The current limit (%v) would be exceeded by %v.",
			now-g.before, g.c.Settings.ReservedLimit, over.Sub(g.c.Settings.ReservedLimit))}
	}
	return reserve, nil
}

// usedLocked is the memory that all canisters use or are promised, in bytes.
func (m *Machine) usedLocked() (sum uint64) {
	for _, c := range m.mu.canisters {
		sum += c.paidBytes()
	}
	return sum
}

// reservation is what is set aside for more memory where so much is in use already.
func (m *Machine) reservation(more, used uint64) cycles.Amount {
	if used <= reserveFrom {
		return cycles.Amount{}
	}
	seconds := reserveAtMost * ((used - reserveFrom) >> 20) / ((subnetMemory - reserveFrom) >> 20)
	return m.config.Prices.Storage(more, 0, seconds)
}

// reserveLocked sets cycles aside after a canister's paid memory grew from so many bytes.
// Whether there are enough was checked.
func (m *Machine) reserveLocked(c *canister, before uint64) {
	now := c.paidBytes()
	if now <= before {
		return
	}
	a := cycles.Min(c.Balance, m.reservation(now-before, m.usedLocked()-now+before))
	c.Balance, c.Reserved = c.Balance.Sub(a), c.Reserved.Add(a)
}

// chargeStorageLocked takes the cost of storage and compute since the last time, first
// from what is set aside. A canister that cannot pay loses its code.
func (m *Machine) chargeStorageLocked(ctx context.Context, c *canister) {
	elapsed := m.mu.Time - c.Charged
	if elapsed < uint64(chargeEvery) {
		return
	}
	seconds := elapsed / 1e9
	c.Charged += seconds * 1e9
	due := m.config.Prices.Storage(c.paidBytes(), c.Settings.ComputeAllocation, seconds)
	set := cycles.Min(c.Reserved, due)
	c.Reserved = c.Reserved.Sub(set)
	paid := cycles.Min(c.Balance, due.Sub(set))
	c.Balance = c.Balance.Sub(paid)
	compute := cycles.Min(set.Add(paid), m.config.Prices.Storage(0, c.Settings.ComputeAllocation, seconds))
	m.bookLocked(&c.Consumed.Compute, compute)
	m.bookLocked(&c.Consumed.Memory, set.Add(paid).Sub(compute))
	if paid.Add(set).Less(due) {
		m.starveLocked(ctx, c)
	}
}

// starveLocked uninstalls a canister that ran out of cycles, ends what it has allocated
// and drops its snapshots and history.
func (m *Machine) starveLocked(ctx context.Context, c *canister) {
	m.config.Logger.Info("a canister ran out of cycles and is uninstalled", "canister", c.ID.String())
	c.Settings.ComputeAllocation, c.Settings.MemoryAllocation = 0, 0
	c.Snapshots = nil
	c.History.Recent, c.History.Bytes = nil, 0
	m.eraseLocked(ctx, c)
}
