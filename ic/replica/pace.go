package replica

import (
	"context"
	"fmt"
	"sync"
	"time"

	"assay/ic/replica/state"
)

// Pace says who decides when rounds run and how time goes.
type Pace uint8

// Paces.
const (
	UntilTick Pace = iota // live until the first [Network.Tick] or [Network.SetTime], then manual
	Live                  // rounds run by themselves and time follows the clock, for good
	Manual                // rounds run and time moves by Tick and SetTime alone
)

// String is the pace in words.
func (p Pace) String() string {
	switch p {
	case UntilTick:
		return "live until the first tick or set-time"
	case Live:
		return "live"
	case Manual:
		return "manual"
	}
	return fmt.Sprintf("pace %d", uint8(p))
}

// TimeError is a time that the network cannot be set to.
type TimeError struct{ Now, Asked time.Time }

// Error says both times.
func (e *TimeError) Error() string {
	return fmt.Sprintf("set time to %s: it is %s already, and time never goes back", e.Asked.UTC().Format(time.RFC3339Nano), e.Now.UTC().Format(time.RFC3339Nano))
}

// tickStep is how far a round moves the time in manual pace.
const tickStep = time.Nanosecond

// clock is the network's: the system's, shifted, or one that only ticks move.
type clock struct {
	wall func() time.Time

	mu struct {
		sync.Mutex
		pace  Pace
		ahead time.Duration // of the system's clock, after a SetTime
		fixed time.Time     // in manual pace
	}
}

// now is never before the machine's time, since that takes the later of both.
func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.pace == Manual {
		return c.mu.fixed
	}
	return c.wall().Add(c.mu.ahead)
}

func (c *clock) pace() Pace {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.mu.pace
}

// takeOver makes the pace manual where the first tick or set-time does that.
func (c *clock) takeOver(now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.mu.pace == UntilTick {
		c.mu.pace, c.mu.fixed = Manual, now
	}
}

// set moves the clock; the caller holds that t is not before its time.
func (c *clock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.mu.fixed = t
	c.mu.ahead = t.Sub(c.wall())
}

func (n *Network) tick(ctx context.Context, rounds int) error {
	if rounds < 1 {
		return fmt.Errorf("tick: %d rounds: take at least one", rounds)
	}
	n.drive.Lock()
	defer n.drive.Unlock()
	n.clock.takeOver(n.machine.Time())
	for range rounds {
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("tick: %w", err)
		}
		if n.clock.pace() == Manual {
			n.clock.set(n.machine.Time().Add(tickStep))
		}
		if _, err := n.advance(ctx, true); err != nil {
			return fmt.Errorf("tick: %w", err)
		}
	}
	return nil
}

func (n *Network) setTime(ctx context.Context, t time.Time) error {
	n.drive.Lock()
	defer n.drive.Unlock()
	now := n.machine.Time()
	if t.Before(now) {
		return &TimeError{Now: now, Asked: t}
	}
	n.clock.takeOver(now)
	n.machine.Feed(state.Input{SetTime: uint64(t.UnixNano())})
	if _, err := n.advance(ctx, false); err != nil {
		return fmt.Errorf("set time: %w", err)
	}
	n.clock.set(t)
	return nil
}
