package state

import (
	"context"
	"slices"
	"strings"

	"assay/ic/principal"
	"assay/ic/replica/cycles"
	"assay/ic/replica/host"
)

const maxLog = 4 << 10 // bytes of a canister's log

// canister is one canister. What is exported survives a stop of the network as it is.
type canister struct {
	ID          principal.Principal
	Controllers []principal.Principal // sorted
	Settings    settings
	State       RunState
	Version     uint64
	Balance     cycles.Amount
	Certified   []byte
	Timer       uint64        // 0: off
	Fired       uint64        // time at which the timer fired last
	Heartbeat   uint64        // time of the last one
	Charged     uint64        // time until which storage is paid
	Reserved    cycles.Amount // set aside for storage, spent on it before the balance is
	LowMemory   hook
	Created     uint64 // time
	Installed   uint64 // time of the last change of code; 0: there is none
	Log         []LogRecord
	NextLog     uint64 // index of the next record; never goes back
	History     history
	Chunks      chunkStore
	Snapshots   []*snapshot // oldest first
	SnapshotNo  uint64      // number of the next snapshot
	Consumed    consumed
	Queries     queryStats
	Contexts    map[uint64]*callContext
	Callbacks   map[uint64]*callback
	Stops       []stop // who waits for it to stop

	contents contents
	wasm     []byte // as installed
	module   *host.Module
	instance *host.Instance
	stable   *host.Stable
	open     map[principal.Principal]int // calls without a consumed response, by callee
}

// settings are a canister's, without its controllers.
type settings struct {
	ComputeAllocation uint64 // percent
	MemoryAllocation  uint64 // bytes
	FreezingThreshold uint64 // seconds
	ReservedLimit     cycles.Amount
	MinimumIncoming   cycles.Amount // that a call of another canister must carry
	Logs              visibility
	Snapshots         visibility
	Status            visibility
	WasmMemoryLimit   uint64          // bytes; 0: the default
	WasmThreshold     uint64          // bytes left of the heap below which the canister is told
	Environment       []host.Variable // sorted by name
}

// visibility says who sees something of a canister besides its controllers: nobody, all,
// or those listed.
type visibility struct {
	Public  bool
	Viewers []principal.Principal // nil where nobody is listed
}

func (v visibility) admits(c *canister, p principal.Principal) bool {
	return v.Public || c.controlledBy(p) || slices.Contains(v.Viewers, p)
}

// hook says how far the low-memory hook is.
type hook uint8

const (
	hookOff   hook = iota // memory is not low
	hookReady             // it is, and the hook has yet to run
	hookRan
)

// stop is one call of stop_canister that waits.
type stop struct {
	Origin   origin
	Refund   cycles.Amount
	Deadline uint64
}

const (
	defaultFreezing = 30 * 24 * 3600 // seconds
	maxFreezing     = 1 << 40        // seconds that are reckoned with: more than all cycles pay for
)

func (m *Machine) newCanisterLocked(id principal.Principal, controllers []principal.Principal) *canister {
	c := &canister{
		ID: id, Controllers: controllers, State: Running, Charged: m.mu.Time, Created: m.mu.Time,
		Settings:  settingsOfNew(),
		Contexts:  map[uint64]*callContext{},
		Callbacks: map[uint64]*callback{},
		stable:    host.NewStable(m.config.StablePages),
		open:      map[principal.Principal]int{},
	}
	m.mu.canisters[id] = c
	at, _ := slices.BinarySearchFunc(m.mu.order, id, principal.Principal.Compare)
	m.mu.order = slices.Insert(m.mu.order, at, id)
	return c
}

// unload frees code and heap.
func (c *canister) unload(ctx context.Context) error {
	if c.module == nil {
		return nil
	}
	err := c.instance.Close(ctx)
	c.module.Release()
	c.wasm, c.module, c.instance = nil, nil, nil
	return err
}

func (c *canister) controlledBy(p principal.Principal) bool { return slices.Contains(c.Controllers, p) }

// paidBytes is what storage is charged for.
func (c *canister) paidBytes() uint64 { return max(c.memorySize(), c.Settings.MemoryAllocation) }

// spendLocked takes cycles from a balance that holds them, for good.
func (m *Machine) spendLocked(c *canister, use *cycles.Amount, a cycles.Amount) {
	c.Balance = c.Balance.Sub(a)
	m.bookLocked(use, a)
}

// bookLocked says what cycles that were taken were for, in a canister's account.
func (m *Machine) bookLocked(use *cycles.Amount, a cycles.Amount) {
	*use = use.Add(a)
	m.mu.money.Spent = m.mu.money.Spent.Add(a)
}

// eraseLocked takes code, memory, timer and log from a canister. Its open calls are
// rejected; responses to its own calls give back cycles and do nothing else.
func (m *Machine) eraseLocked(ctx context.Context, c *canister) {
	m.unloadLocked(ctx, c)
	c.stable = host.NewStable(m.config.StablePages)
	c.Certified, c.Timer, c.Log, c.LowMemory, c.Chunks, c.Installed = nil, 0, nil, hookOff, nil, 0
	c.Version++
	for _, id := range sortedKeys(c.Contexts) {
		cc := c.Contexts[id]
		if !cc.Answered {
			m.answerContextLocked(cc, rejectOf(uninstalled(c.ID)))
		}
		if cc.Deleted = true; cc.Open == 0 {
			delete(c.Contexts, id)
		}
	}
	m.checkStoppedLocked(c)
}

// log keeps a record, dropping old ones.
func (c *canister) log(now uint64, line string) {
	if len(line) > maxLog {
		line = line[:maxLog]
	}
	c.Log = append(c.Log, LogRecord{Index: c.NextLog, Time: now, Content: []byte(line)})
	c.NextLog++
	size := 0
	for i := len(c.Log) - 1; i >= 0; i-- {
		if size += len(c.Log[i].Content); size > maxLog {
			c.Log = slices.Clone(c.Log[i+1:])
			return
		}
	}
}

// logSize is what the log's records hold, in bytes.
func (c *canister) logSize() (size int) {
	for _, r := range c.Log {
		size += len(r.Content)
	}
	return size
}

// checkStoppedLocked ends the stopping of a canister that has no open contexts left.
func (m *Machine) checkStoppedLocked(c *canister) {
	if c.State != Stopping || len(c.Contexts) > 0 {
		return
	}
	c.State = Stopped
	c.Version++
	m.endStopsLocked(c, func(s stop) answer { return replyOf(emptyReply) })
}

// endStopsLocked answers everybody who waits for the canister to stop.
func (m *Machine) endStopsLocked(c *canister, with func(stop) answer) {
	stops := c.Stops
	c.Stops = nil
	for _, s := range stops {
		m.respondLocked(s.Origin, with(s), s.Refund)
	}
}

// expireStopsLocked gives up on stops past their deadline. The canister stays
// stopping.
func (m *Machine) expireStopsLocked() {
	for _, id := range m.mu.order {
		c := m.mu.canisters[id]
		var late, rest []stop
		for _, s := range c.Stops {
			if s.Deadline <= m.mu.Time {
				late = append(late, s)
			} else {
				rest = append(rest, s)
			}
		}
		if len(late) == 0 {
			continue
		}
		c.Stops = rest
		for _, s := range late {
			m.respondLocked(s.Origin, rejectOf(reject(CodeStopTimeout, "stop of canister %s timed out: it still has open calls", c.ID)), s.Refund)
		}
	}
}

// toText is what can be read of bytes that a canister printed.
func toText(b []byte) string { return strings.ToValidUTF8(string(b), "\ufffd") }
