// Package state is the network's state machine: canisters, queues, call contexts,
// cycles, and the execution of messages on them.
//
// [Machine] is used by ic/replica, which adds the clock that drives it and the disk.
// The Wasm and its system calls are in ic/replica/host; HTTP, keys and certificates
// are elsewhere.
//
// One mutex guards everything. [Machine.Apply] holds it but for the time in which a
// message's Wasm runs, so submissions and queries see the state between two messages and
// wait for none.
// What happens depends on the batches alone ([Batch]): the same batches give the same
// state bit for bit, in whatever process. [Machine.Submit] only checks and puts aside;
// [Machine.Next] makes a batch of what was submitted, which its caller writes to a log
// and gives to Apply.
package state

import (
	"bytes"
	"context"
	"log/slog"
	"slices"
	"sync"
	"time"

	"assay/ic/principal"
	"assay/ic/replica/cycles"
	"assay/ic/replica/host"
)

// Limits of messages, in instructions.
const (
	UpdateLimit   = 40_000_000_000 // update, timer, heartbeat, callback with its cleanup
	cleanupLimit  = UpdateLimit / 20
	callbackLimit = UpdateLimit - cleanupLimit
	QueryLimit    = 5_000_000_000 // a query, replicated or not; a composite query with all it calls
	InstallLimit  = 300_000_000_000
	InspectLimit  = 200_000_000
	roundLimit    = 7_000_000_000 // when a round starts no further message
)

// Other limits.
const (
	QueueLimit         = 500 // calls without a response from one canister to another
	MaxIngress         = 2 << 20
	statusLife         = 5 * time.Minute // how long an answer is kept, and a known request id past its expiry
	heartbeatEvery     = time.Second
	timerEvery         = 10 * time.Millisecond // a canister that always sets its timer to now fires no faster
	pruneEvery         = time.Second
	countEvery         = time.Second      // after it what queries took is told in a round
	chargeEvery        = 10 * time.Second // of storage
	stableLimit        = 2 << 30          // bytes of stable memory that a message may read, and write
	queryStableLimit   = 1 << 30
	installStableLimit = 8 << 30
	installPerInstr    = 6000 // instructions charged for each in an installed module
)

// Config is what a machine needs from outside. All fields but those marked optional
// must be set.
type Config struct {
	Engine      *host.Engine
	Logger      *slog.Logger
	Clock       func() time.Time                                                             // dates rounds, and what is seen between them
	Random      func([]byte)                                                                 // fills the entropy of rounds with unpredictable bytes
	Certificate func(canister principal.Principal, data []byte, time uint64) ([]byte, error) // optional: of certified data
	Observe     func(MessageStats)                                                           // optional
	Fault       func(canister principal.Principal, kind string) (text string)                // optional, for tests; see [Machine.fault]
	Settings
}

// Settings are what decides the outcome besides messages. They are a part of the state:
// those of [Config] hold for a new machine, later ones come as an [Input].
type Settings struct {
	RootKey     []byte                `cbor:"1,keyasint"`
	Subnet      principal.Principal   `cbor:"2,keyasint"`
	Prices      cycles.Prices         `cbor:"3,keyasint"`
	StopTimeout time.Duration         `cbor:"4,keyasint"`
	StablePages uint64                `cbor:"5,keyasint"`           // most that a canister's stable memory grows to
	Touch       cycles.Touch          `cbor:"6,keyasint"`           // what touched pages cost; zero: [cycles.TouchDirty]
	Admins      []principal.Principal `cbor:"7,keyasint,omitempty"` // of the subnet
	KeySeed     []byte                `cbor:"8,keyasint,omitempty"` // of threshold keys; nil: [threshold.DevelopmentSeed]
	Outcalls    bool                  `cbor:"9,keyasint,omitempty"` // canisters may make HTTP requests
}

// touch is what touched pages cost.
func (s *Settings) touch() cycles.Touch {
	if s.Touch == (cycles.Touch{}) {
		return cycles.TouchDirty
	}
	return s.Touch
}

// Machine is the state of one subnet.
type Machine struct {
	config Config
	wake   chan struct{} // holds one token while there may be work
	sealed chan struct{} // closed by Seal

	applying sync.Mutex // held by Apply, which lets go of mu meanwhile; taken before mu

	mu struct {
		sync.Mutex
		core
	}
}

// core is what the mutex guards.
type core struct {
	Time      uint64    // nanoseconds since 1970, of the current round; between rounds it follows the clock
	last      uint64    // time of the last round, or set since
	inRound   bool      // Time stands still
	running   *canister // whose instance holds what is not committed
	tick      bool      // heartbeats and timers run in this round whenever they ran last
	ended     bool      // nothing more is taken
	number    uint64    // of the last batch
	work      uint64    // instructions that this process executed in batches
	entropy   entropy
	pending   []Input                // submitted, in no batch yet
	coming    map[RequestID]*request // of those in pending
	waiting   int                    // bytes in pending and pool
	pool      []*Ingress             // in a batch, waiting for a round
	canisters map[principal.Principal]*canister
	deleted   map[principal.Principal]bool // ids that canisters had
	order     []principal.Principal        // of canisters, sorted
	queue     []*message
	requests  map[RequestID]*request
	outcalls  map[uint64]*openOutcall             // without a result
	bounded   map[uint64]wait                     // calls with a deadline, by callback id
	pruned    uint64                              // time of the last look for old requests
	counts    map[principal.Principal]*QueryCount // of queries since the last round
	counters  counters
	money     money
}

// counters give out ids, and count executions that were kept.
type counters struct{ Canister, Context, Callback, Updates, Outcall uint64 }

// money is what came in and went out; the rest is held by canisters and messages.
type money struct{ Minted, Spent cycles.Amount }

// wait is one open call with a deadline.
type wait struct {
	Caller   principal.Principal
	Deadline uint64
}

// New is an empty machine.
func New(config Config) *Machine {
	m := &Machine{config: config, wake: make(chan struct{}, 1), sealed: make(chan struct{})}
	m.mu.canisters = map[principal.Principal]*canister{}
	m.mu.deleted = map[principal.Principal]bool{}
	m.mu.requests = map[RequestID]*request{}
	m.mu.coming = map[RequestID]*request{}
	m.mu.bounded = map[uint64]wait{}
	m.mu.outcalls = map[uint64]*openOutcall{}
	m.mu.counts = map[principal.Principal]*QueryCount{}
	m.useSettings(config.Settings)
	return m
}

// useSettings makes settings hold. What touched pages cost decides how modules are
// compiled, so it can change only while there is none: [Machine.Bare].
func (m *Machine) useSettings(s Settings) {
	m.config.Settings = s
	m.config.Engine.CountTouched(s.touch().Read != 0)
}

// Bare reports whether no canister has a module.
func (m *Machine) Bare() bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.mu.canisters {
		if c.module != nil {
			return false
		}
	}
	return true
}

// Equal reports whether two settings decide alike.
func (s Settings) Equal(t Settings) bool {
	a, errA := batchEncoding.Marshal(s)
	b, errB := batchEncoding.Marshal(t)
	return errA == nil && errB == nil && bytes.Equal(a, b)
}

// Settings are those that hold now.
func (m *Machine) Settings() Settings {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.config.Settings
}

// Fresh reports whether the machine has applied no batch yet.
func (m *Machine) Fresh() bool { return m.Number() == 0 }

// Number is that of the last batch.
func (m *Machine) Number() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mu.number
}

// Work counts the instructions of the batches that this process applied.
func (m *Machine) Work() uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.mu.work
}

// Time is the network's time. While no round runs it follows the clock.
func (m *Machine) Time() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.followClockLocked()
	return time.Unix(0, int64(m.mu.Time))
}

// followClockLocked moves time on, except within a round.
func (m *Machine) followClockLocked() {
	if !m.mu.inRound {
		m.mu.Time = max(m.mu.Time, uint64(max(m.config.Clock().UnixNano(), 0)))
	}
}

// Woken is ready to receive from when a submission may have made work for a round.
func (m *Machine) Woken() <-chan struct{} { return m.wake }

func (m *Machine) signal() {
	select {
	case m.wake <- struct{}{}:
	default:
	}
}

func (m *Machine) locked(f func() uint64) uint64 {
	m.mu.Lock()
	defer m.mu.Unlock()
	return f()
}

// nextLocked takes the oldest message and executes it.
func (m *Machine) nextLocked(ctx context.Context) (instructions uint64) {
	if len(m.mu.queue) == 0 {
		return 0
	}
	msg := m.mu.queue[0]
	m.mu.queue[0] = nil
	m.mu.queue = m.mu.queue[1:]
	return m.executeLocked(ctx, msg)
}

// NextEvent is when a round is due though nothing is submitted, false if never.
func (m *Machine) NextEvent() (at time.Time, ok bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	next := ^uint64(0)
	if len(m.mu.canisters) > 0 || len(m.mu.requests) > 0 {
		next = m.mu.last + uint64(chargeEvery) // storage to charge, requests to forget
	}
	if len(m.mu.counts) > 0 {
		next = min(next, m.mu.last+uint64(countEvery))
	}
	if len(m.mu.pending) > 0 || len(m.mu.pool) > 0 || len(m.mu.queue) > 0 {
		next = m.mu.last
	}
	for _, c := range m.mu.canisters {
		next = min(next, m.nextTaskLocked(c))
		for _, s := range c.Stops {
			next = min(next, s.Deadline)
		}
	}
	for _, w := range m.mu.bounded {
		next = min(next, w.Deadline)
	}
	for _, o := range m.mu.outcalls {
		next = min(next, o.Deadline)
	}
	if next > 1<<63-1 {
		return time.Time{}, false
	}
	return time.Unix(0, int64(next)), true
}

// Info is a canister's public face.
func (m *Machine) Info(id principal.Principal) (Info, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.mu.canisters[id]
	if c == nil {
		return Info{}, false
	}
	info := Info{Controllers: slices.Clone(c.Controllers), State: c.State, Created: c.Created, Installed: c.Installed}
	if c.module != nil {
		info.ModuleHash = slices.Clone(c.module.Hash[:])
		info.Metadata = make(map[string]Metadata, len(c.module.Metadata))
		for name, section := range c.module.Metadata {
			info.Metadata[name] = Metadata{Public: section.Public, Value: section.Value}
		}
	}
	return info, true
}

// Canisters are the ids of all canisters, sorted.
func (m *Machine) Canisters() []principal.Principal {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.mu.order)
}

// Log is what a canister printed lately, and the texts of its traps.
func (m *Machine) Log(id principal.Principal) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	c := m.mu.canisters[id]
	if c == nil {
		return nil
	}
	var lines []string
	for _, r := range c.Log {
		lines = append(lines, toText(r.Content))
	}
	return lines
}

// Seal ends the machine's life: submissions and queries are rejected from now on, and
// whoever awaits an answer is told. What is in no batch is lost; the rest can be saved.
func (m *Machine) Seal() {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.mu.ended {
		return
	}
	m.mu.ended = true
	for _, r := range m.mu.coming {
		r.lose(ErrEnded)
	}
	clear(m.mu.coming)
	m.mu.pending = nil
	close(m.sealed)
}

// Close frees what the canisters hold, after [Machine.Seal].
func (m *Machine) Close(ctx context.Context) error {
	m.applying.Lock()
	defer m.applying.Unlock()
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, id := range m.mu.order {
		if err := m.mu.canisters[id].unload(ctx); err != nil {
			return err
		}
	}
	return nil
}
