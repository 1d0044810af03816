// Package replica is an embedded network of the Internet Computer: one subnet, one
// process, no consensus.
//
// cmd/assay and tests open a [Network], hand it ingress messages and queries (over
// HTTP: ic/replica/door) and let [Network.Run] execute rounds. It is handed Wasm and
// knows nothing of what the canisters are for. The state machine is in
// ic/replica/state, system calls in ic/replica/host, what survives a crash in
// ic/replica/disk, what the owner may do over HTTP in ic/replica/control.
//
// Whoever makes a batch, the loop of Run, a tick or a test's Step, holds one lock; it is
// taken before the machine's. A batch goes to the log, then to the machine, then to the
// recordings.
package replica

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"assay/ic/principal"
	"assay/ic/replica/cycles"
	"assay/ic/replica/host"
	"assay/ic/replica/state"
	"assay/ic/replica/statetree"
)

const (
	stopTimeout = 5 * time.Minute
	maxIdle     = time.Second // between looks at a clock that was given to us
)

// ErrSchedule is a network whose canisters were installed under another schedule of page
// touches than the one that it is opened with.
var ErrSchedule = errors.New("the canisters are compiled for another schedule of page touches")

// withDefaults fills what the caller left out.
func (c Config) withDefaults() Config {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.StopTimeout == 0 {
		c.StopTimeout = stopTimeout
	}
	return c
}

func open(config Config) (*Network, error) {
	ctx := context.Background()
	config = config.withDefaults()
	if config.SubnetSize < 0 {
		return nil, fmt.Errorf("open network: %d nodes", config.SubnetSize)
	}
	engine, err := host.NewEngine(ctx, config.CompilationCacheDir)
	if err != nil {
		return nil, fmt.Errorf("open network: %w", err)
	}
	n := &Network{config: config, engine: engine, clock: &clock{wall: config.Clock}}
	n.clock.mu.pace = config.Pace
	if err := n.recover(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open network: %w", err), engine.Close(ctx))
	}
	err = n.recordAll()
	if err == nil {
		err = n.begin(ctx)
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("open network: %w", err), n.machine.Close(ctx), engine.Close(ctx))
	}
	return n, nil
}

// begin sets the clock, and takes settings into the state that are not those it has.
func (n *Network) begin(ctx context.Context) error {
	now := n.config.Clock()
	if n.machine.Fresh() && n.config.Pace == Manual {
		n.machine.Feed(state.Input{SetTime: uint64(max(now.UnixNano(), 1))})
	}
	if last := n.machine.Time(); last.After(now) {
		n.clock.set(last)
	}
	want := n.settings()
	if n.config.SubnetSize == 0 && !n.machine.Fresh() {
		want.Prices = n.machine.Settings().Prices
	}
	if n.config.Touch == (cycles.Touch{}) && !n.machine.Fresh() {
		want.Touch = n.machine.Settings().Touch
	}
	if have := n.machine.Settings().Touch; want.Touch != have && !n.machine.Bare() {
		return fmt.Errorf("%w: %v, not %v", ErrSchedule, have, want.Touch)
	}
	if n.machine.Fresh() || !n.machine.Settings().Equal(want) {
		n.machine.Feed(state.Input{Settings: &want})
	}
	_, err := n.advance(ctx, false)
	if err == nil {
		n.fetch() // what was under way at the last stop
	}
	return err
}

func (n *Network) machineConfig() state.Config {
	config := state.Config{
		Engine: n.engine, Logger: n.config.Logger, Clock: n.clock.now, Random: entropy(n.config.Seed),
		Observe: n.observe, Fault: n.config.Fault, Settings: n.settings(),
	}
	if n.config.Certifier != nil {
		config.Certificate = n.certifiedData
	}
	return config
}

// observe leaves out what is executed again at a start.
func (n *Network) observe(s MessageStats) {
	if n.config.Observe != nil && !n.recovering.Load() {
		n.config.Observe(s)
	}
}

// settings are those that the network is opened with.
func (n *Network) settings() state.Settings {
	size := n.config.SubnetSize
	if size == 0 {
		size = cycles.ReferenceNodes
	}
	touch := n.config.Touch
	if touch == (cycles.Touch{}) {
		touch = cycles.TouchDirty
	}
	return state.Settings{
		Touch: touch, RootKey: n.config.RootKey, Subnet: n.config.SubnetID, Prices: cycles.Prices{Nodes: uint64(size)},
		StopTimeout: n.config.StopTimeout, StablePages: host.MaxStablePages, Admins: n.config.Admins, KeySeed: n.config.KeySeed,
		Outcalls: n.config.Outcalls != nil,
	}
}

// certifiedData certifies /time and one canister's certified data.
func (n *Network) certifiedData(canister principal.Principal, data []byte, now uint64) ([]byte, error) {
	return n.config.Certifier.Certify(statetree.Data(canister, data, now), true)
}

// run drives the network until ctx ends.
func (n *Network) run(ctx context.Context) error {
	timer := time.NewTimer(0)
	defer timer.Stop()
	for ctx.Err() == nil {
		rest := n.turn(ctx)
		if rest <= 0 {
			continue
		}
		timer.Reset(rest)
		select {
		case <-ctx.Done():
		case <-n.machine.Woken():
		case <-timer.C:
		}
	}
	return n.close()
}

// turn does what is due and says for how long nothing is. In manual pace that is to keep
// what was submitted, so that its senders can be told.
func (n *Network) turn(ctx context.Context) (rest time.Duration) {
	n.drive.Lock()
	defer n.drive.Unlock()
	live := n.clock.pace() != Manual
	if live {
		if rest := n.idle(); rest > 0 {
			return rest
		}
	}
	more, err := n.advance(ctx, live)
	switch {
	case err != nil || !live:
		return maxIdle
	case more:
		return 0
	}
	return n.idle()
}

func (n *Network) step(ctx context.Context) bool {
	n.drive.Lock()
	defer n.drive.Unlock()
	more, err := n.advance(ctx, true)
	if err != nil && !n.keep.failing {
		n.config.Logger.Error("a round failed", "error", err)
	}
	return more
}

// idle is how long nothing is due. The clock may be somebody else's, so it is looked
// at again after at most a second.
func (n *Network) idle() time.Duration {
	at, ok := n.machine.NextEvent()
	if !ok {
		return maxIdle
	}
	return min(at.Sub(n.machine.Time()), maxIdle)
}

// entropy fills with the system's random bytes, or with a stream that a seed
// determines.
func entropy(seed []byte) func([]byte) {
	if seed == nil {
		return func(b []byte) { _, _ = rand.Read(b) } // never fails
	}
	stream := seeded(seed)
	return func(b []byte) { _, _ = stream.Read(b) }
}
