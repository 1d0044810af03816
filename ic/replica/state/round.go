package state

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"slices"

	"assay/ic/principal"
)

// entropy is where the random bytes of a round come from.
type entropy struct {
	seed [32]byte
	used uint64
}

// next is 32 bytes that nobody knew before the round.
func (e *entropy) next() [32]byte {
	e.used++
	return sha256.Sum256(binary.BigEndian.AppendUint64(append([]byte("assay entropy"), e.seed[:]...), e.used))
}

// Next makes a batch of what was submitted, with a round at the clock's time or without.
// It is nil where it would be empty. Whoever takes it calls [Machine.Apply] with it, or
// [Machine.Abandon] if it could not be kept, before the next call of Next.
func (m *Machine) Next(round bool) *Batch {
	m.mu.Lock()
	defer m.mu.Unlock()
	b := &Batch{Number: m.mu.number + 1, Inputs: m.takeLocked()}
	if round {
		m.followClockLocked()
		m.mu.inRound = true
		b.Round = &Round{Time: m.mu.Time}
		m.config.Random(b.Round.Entropy[:])
		if len(b.Inputs)+len(m.mu.counts) <= maxBatchInputs {
			b.Inputs = append(b.Inputs, m.countedLocked()...)
		}
	}
	if len(b.Inputs) == 0 && !round {
		return nil
	}
	return b
}

// takeLocked takes pending inputs up to the limits of a batch.
func (m *Machine) takeLocked() []Input {
	n, size := 0, 0
	for n < len(m.mu.pending) && n < maxBatchInputs {
		if in := m.mu.pending[n].Ingress; in != nil {
			size += in.size()
		}
		if r := m.mu.pending[n].Outcall; r != nil {
			size += len(r.Body)
		}
		if n++; size >= maxBatchBytes {
			break
		}
	}
	taken := slices.Clone(m.mu.pending[:n])
	m.mu.pending = slices.Delete(m.mu.pending, 0, n)
	return taken
}

// Abandon says that a batch of Next was not kept. Whoever submitted its messages is told
// why, and so is who set the time; other inputs are in the next batch again.
func (m *Machine) Abandon(b *Batch, why error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.inRound = false
	var again []Input
	for _, in := range b.Inputs {
		switch {
		case in.SetTime != 0: // who set it is told
			continue
		case in.Ingress == nil:
			again = append(again, in)
			continue
		}
		if r := m.mu.coming[in.Ingress.ID]; r != nil {
			r.lose(fmt.Errorf("%w: %w", ErrNotKept, why))
			delete(m.mu.coming, in.Ingress.ID)
		}
		m.mu.waiting -= in.Ingress.size()
	}
	m.mu.pending = append(again, m.mu.pending...)
}

// Apply applies the batch after the last one and reports whether more work is ready. A
// round executes what was queued when it began, and due timers; after 7 B instructions it
// starts no further message.
func (m *Machine) Apply(ctx context.Context, b *Batch) (more bool, err error) {
	ctx = context.WithoutCancel(ctx) // a round in the log happens whole
	m.applying.Lock()
	defer m.applying.Unlock()
	if err := m.takeIn(b); err != nil {
		return false, err
	}
	if b.Round == nil {
		return m.endRound(), nil
	}
	tasks, queued := m.beginRound(ctx, b.Round)
	spent := uint64(0)
	for _, id := range tasks {
		if spent >= roundLimit {
			break
		}
		spent += m.locked(func() uint64 { return m.runTasksLocked(ctx, id) })
	}
	for range queued {
		if spent >= roundLimit {
			break
		}
		m.precompile(ctx)
		spent += m.locked(func() uint64 { return m.nextLocked(ctx) })
	}
	m.locked(func() uint64 { m.mu.work += spent; return 0 })
	return m.endRound(), nil
}

// Round applies what was submitted and a round at the clock's time, without a log.
func (m *Machine) Round(ctx context.Context) (more bool) {
	more, err := m.Apply(ctx, m.Next(true))
	if err != nil {
		panic(fmt.Sprintf("a batch of the machine's own: %v", err))
	}
	return more
}

// takeIn applies the inputs of a batch.
func (m *Machine) takeIn(b *Batch) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if b.Number != m.mu.number+1 {
		return fmt.Errorf("%w: batch %d after batch %d", ErrBadBatch, b.Number, m.mu.number)
	}
	if b.Round != nil && b.Round.Time < m.mu.last {
		return fmt.Errorf("%w: batch %d goes back in time", ErrBadBatch, b.Number)
	}
	m.mu.number = b.Number
	for _, in := range b.Inputs {
		switch {
		case in.Ingress != nil:
			m.keepLocked(in.Ingress)
		case in.SetTime != 0:
			m.mu.last = max(m.mu.last, in.SetTime)
			m.mu.Time = max(m.mu.Time, m.mu.last)
		case in.Settings != nil:
			m.useSettings(*in.Settings)
		case in.Outcall != nil:
			m.takeResultLocked(in.Outcall)
		case in.Queries != nil:
			m.addQueriesLocked(in.Queries)
		}
	}
	return nil
}

func (m *Machine) beginRound(ctx context.Context, r *Round) (tasks []principal.Principal, queued int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.inRound, m.mu.Time = true, max(r.Time, m.mu.last)
	m.mu.last = m.mu.Time
	m.mu.entropy = entropy{seed: r.Entropy}
	m.mu.tick = r.Tick || len(m.mu.pool) > 0 // tasks go before what users ask
	m.expireCallsLocked()
	m.expireStopsLocked()
	m.expireOutcallsLocked()
	m.pruneRequestsLocked()
	for _, id := range m.mu.order {
		c := m.mu.canisters[id]
		m.chargeStorageLocked(ctx, c)
		if m.taskDueLocked(c) {
			tasks = append(tasks, id)
		}
	}
	m.inductLocked()
	return tasks, len(m.mu.queue)
}

func (m *Machine) endRound() (more bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.mu.inRound, m.mu.tick = false, false
	if len(m.mu.queue) > 0 || len(m.mu.pool) > 0 || len(m.mu.pending) > 0 {
		return true
	}
	return slices.ContainsFunc(m.mu.order, func(id principal.Principal) bool { return m.taskDueLocked(m.mu.canisters[id]) })
}
