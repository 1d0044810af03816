package book

import (
	"fmt"
	"time"
)

const (
	// stallAfter is how long the market may hear nothing while jobs are open before the
	// silence counts as its own: it was stopped, upgraded, frozen, or its subnet stood
	// still. That time is added to every open deadline.
	stallAfter = 60 * second
	// heartbeat is how often the edge calls Tick while jobs are open, so that quiet
	// providers are not mistaken for a market that stood still.
	heartbeat     = 20 * second
	deadlineBatch = 50 // jobs whose deadline passes in one message
)

// stalled is the time that the market stood still before now, zero for none.
func (b *Book) stalled(now Time) Time {
	last := b.counter("alive")
	if last == 0 || now < last+stallAfter || b.counter("open") == 0 {
		return 0
	}
	return now - last
}

// wake notes that the market is alive and gives open jobs the time back in which it was
// not. Every command that changes something calls it first, before it loads a job.
func (b *Book) wake(now Time, fx *Effects) {
	gap := b.stalled(now)
	b.setCounter("alive", max(now, b.counter("alive")))
	if gap == 0 {
		return
	}
	b.event(now, 0, "stalled", fmt.Sprintf("the market stood still for %s; open deadlines move by as much", time.Duration(gap)))
	for _, seq := range b.numbers([]byte{'D'}, MaxOpenJobs) {
		j := b.job(seq)
		b.setDeadline(j, j.Deadline+gap)
		for _, s := range j.Assigned {
			if _, ok := b.store.Get(nameNumKey('A', string(s.Operator), seq)); ok {
				b.publish(j, []Seat{s}, fx)
			}
		}
		b.save(j)
	}
}

// Tick applies the defaults of deadlines that have passed and reports whether more have
// than one message takes.
func (b *Book) Tick(c Call) (more bool, fx Effects) {
	b.wake(c.Now, &fx)
	var due []uint64
	b.scan([]byte{'D'}, []byte{'D'}, func(k, _ []byte) bool {
		if at := lastNum(k[:9]); at > c.Now || len(due) == deadlineBatch {
			more = at <= c.Now
			return false
		}
		due = append(due, lastNum(k))
		return true
	})
	for _, seq := range due {
		b.expire(c.Now, b.job(seq), &fx)
	}
	return more, fx
}

// expire applies the default of the deadline that passed. None pays the silent side.
func (b *Book) expire(now Time, j *Job, fx *Effects) {
	switch j.State {
	case Submitted, Drawing:
		b.refund(now, j, Failed, fmt.Sprintf("no provider was drawn within %s", time.Duration(waitTimeout)), fx)
	case Assigned:
		silent, refused := b.silent(j)
		b.retry(now, j, operators(append(refused, silent...)), fmt.Sprintf("%s did not %s in time", b.names(silent), j.Phase), fx)
	case Provisional:
		b.settle(now, j, fx)
	}
}

// silent are the seats that did not do what the phase asks, apart from those that refused
// the input.
func (b *Book) silent(j *Job) (silent, refused []Seat) {
	for _, s := range j.Assigned {
		d := j.delivery(s)
		switch {
		case b.refused(j, s):
			refused = append(refused, s)
		case d == nil || j.Phase == RevealPhase && d.OutputRoot == nil:
			silent = append(silent, s)
		}
	}
	return silent, refused
}

func operators(seats []Seat) []Principal {
	var out []Principal
	for _, s := range seats {
		out = append(out, s.Operator)
	}
	return out
}

// Due says which of the edge's tasks have work, and when to look again.
type Due struct {
	Beacon    bool // call Freeze
	Draw      bool
	Callbacks bool
	Next      Time // call Tick then, zero for never
}

// Due is derived from the store alone, so timers lost in an upgrade are no loss.
func (b *Book) Due(now Time) Due {
	var d Due
	waiting := len(b.numbers([]byte{'N'}, 1)) > 0
	busy := false
	for _, r := range b.rounds() {
		switch {
		case len(r.beacon) > 0:
			d.Draw = true
		case r.requested == 0 && now >= r.notBefore, r.requested != 0 && now >= r.requested+beaconTimeout:
			d.Beacon = true
		default:
			busy = true
		}
	}
	d.Beacon = d.Beacon || waiting && !busy
	d.Callbacks = b.callbackDue(now)
	if b.counter("open") > 0 || b.counter("callbacks") > 0 {
		d.Next = now + heartbeat
		b.scan([]byte{'D'}, []byte{'D'}, func(k, _ []byte) bool {
			d.Next = max(now, min(d.Next, lastNum(k[:9])))
			return false
		})
		for _, r := range b.rounds() {
			if r.requested == 0 && len(r.beacon) == 0 {
				d.Next = max(now, min(d.Next, r.notBefore))
			}
		}
	}
	return d
}
