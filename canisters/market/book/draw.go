package book

import (
	"fmt"
	"slices"
	"strings"

	"assay/commitment"
)

const (
	// waitTimeout is how long a job may wait for its providers to be drawn; then it fails
	// and is refunded.
	waitTimeout = 10 * 60 * second
	// beaconTimeout is how long a requested beacon may stay unanswered. Its answer was
	// lost then, for nobody stored it, and its jobs are frozen anew for another beacon.
	beaconTimeout = 5 * 60 * second
	beaconRetry   = 5 * second
	freezeBatch   = 200 // jobs that share a beacon
	drawBatch     = 50  // jobs drawn in one message
	purposeDraw   = "provider"
)

// round is one beacon and what was fixed before it was requested: the jobs it serves
// and the providers it chooses from.
type round struct {
	id         uint64
	requested  Time // zero when it has to be requested (again)
	notBefore  Time
	beacon     []byte // 32 bytes once answered
	candidates []Seat
	jobs       []uint64 // not yet drawn
}

func (r *round) encode() []byte {
	var e encoder
	e.u64(r.id).u64(r.requested).u64(r.notBefore).bytes(r.beacon).seats(r.candidates)
	e.u32(uint32(len(r.jobs)))
	for _, j := range r.jobs {
		e.u64(j)
	}
	return e.record(1)
}

func decodeRound(v []byte) (*round, error) {
	d := decode(v, 1)
	r := &round{id: d.u64(), requested: d.u64(), notBefore: d.u64(), beacon: d.bytes(), candidates: d.seats()}
	for range d.count(8) {
		r.jobs = append(r.jobs, d.u64())
	}
	return r, d.end()
}

func (b *Book) rounds() []*round {
	var out []*round
	b.scan([]byte{'R'}, []byte{'R'}, func(_, v []byte) bool {
		r, err := decodeRound(v)
		must("round", err)
		out = append(out, r)
		return true
	})
	return out
}

func (b *Book) findRound(id uint64) (*round, bool) {
	v, ok := b.store.Get(numKey('R', id))
	if !ok {
		return nil, false
	}
	r, err := decodeRound(v)
	must("round", err)
	return r, true
}

func (b *Book) saveRound(r *round) { b.store.Put(numKey('R', r.id), r.encode()) }

// Freeze fixes the waiting jobs and the providers that may be drawn for them, and says
// which beacon to request now, if any. Only one request is open at a time. The edge
// answers with [Book.StoreBeacon] or [Book.BeaconRejected].
func (b *Book) Freeze(c Call) (id uint64, request bool, fx Effects) {
	b.wake(c.Now, &fx)
	for _, r := range b.rounds() {
		switch {
		case len(r.beacon) > 0: // answered, being drawn from
		case r.requested == 0 && c.Now >= r.notBefore:
			r.requested = c.Now
			b.saveRound(r)
			return r.id, true, fx
		case r.requested != 0 && c.Now >= r.requested+beaconTimeout:
			b.abandon(c.Now, r)
		default:
			return 0, false, fx
		}
	}
	jobs := b.numbers([]byte{'N'}, freezeBatch)
	if len(jobs) == 0 {
		return 0, false, fx
	}
	r := &round{id: b.next("round"), requested: c.Now, jobs: jobs}
	for _, p := range b.Providers() {
		r.candidates = append(r.candidates, Seat{p.Operator, p.Worker})
	}
	b.saveRound(r)
	for _, seq := range jobs {
		j := b.job(seq)
		b.store.Delete(numKey('N', seq))
		j.State, j.Round = Drawing, r.id
		b.save(j)
		b.event(c.Now, seq, "drawing", fmt.Sprintf("fixed with %d candidates before beacon %d is requested", len(r.candidates), r.id))
	}
	return r.id, true, fx
}

func (b *Book) abandon(now Time, r *round) {
	b.store.Delete(numKey('R', r.id))
	for _, seq := range r.jobs {
		if j := b.job(seq); j.State == Drawing && j.Round == r.id {
			b.store.Put(numKey('N', seq), nil)
			j.State = Submitted
			b.save(j)
			b.event(now, seq, "redraw", fmt.Sprintf("the answer to beacon %d was lost", r.id))
		}
	}
}

// StoreBeacon keeps the answer to a request and does no more, so that no error can
// follow from it and lead to a second draw; drawing is a later message.
func (b *Book) StoreBeacon(c Call, id uint64, beacon []byte) error {
	r, ok := b.findRound(id)
	switch {
	case !ok:
		return fail(StaleAttempt, "beacon %d was given up", id)
	case len(r.beacon) > 0:
		return fail(Duplicate, "beacon %d is already answered", id)
	case len(beacon) != 32:
		return fail(BadInput, "a beacon has 32 bytes, not %d", len(beacon))
	}
	r.beacon = beacon
	b.saveRound(r)
	return nil
}

// BeaconRejected notes that a request certainly was not answered; it will be repeated
// for the same jobs and candidates.
func (b *Book) BeaconRejected(c Call, id uint64) {
	if r, ok := b.findRound(id); ok && len(r.beacon) == 0 {
		r.requested, r.notBefore = 0, c.Now+beaconRetry
		b.saveRound(r)
	}
}

// Draw gives providers to a batch of jobs whose beacon is answered and reports whether
// more are waiting for it.
func (b *Book) Draw(c Call) (more bool, fx Effects) {
	b.wake(c.Now, &fx)
	left := drawBatch
	for _, r := range b.rounds() {
		if len(r.beacon) == 0 {
			continue
		}
		n := min(left, len(r.jobs))
		for _, seq := range r.jobs[:n] {
			if j := b.job(seq); j.State == Drawing && j.Round == r.id {
				b.drawJob(c.Now, j, r, &fx)
			}
		}
		left -= n
		if r.jobs = r.jobs[n:]; len(r.jobs) > 0 {
			b.saveRound(r)
			return true, fx
		}
		b.store.Delete(numKey('R', r.id))
	}
	return false, fx
}

func (b *Book) drawJob(now Time, j *Job, r *round, fx *Effects) {
	j.Beacon = r.beacon
	seats := b.choose(j, r)
	if len(seats) < int(j.Redundancy) {
		b.refund(now, j, Failed, fmt.Sprintf("%d providers could be drawn, %d are needed", len(seats), j.Redundancy), fx)
		return
	}
	j.State, j.Phase, j.Assigned = Assigned, DeliverPhase, seats
	if j.Redundancy > 1 {
		j.Phase = CommitPhase
	}
	b.setDeadline(j, now+b.Parameters().DeliveryTimeout)
	b.publish(j, seats, fx)
	b.save(j)
	b.event(now, j.Seq, "assigned", fmt.Sprintf("attempt %d: %s", j.Attempt, b.names(seats)))
}

// choose orders the candidates by their draw, lowest first. Those that were silent in an
// earlier attempt are passed over when enough others are there; those no longer
// admitted always are.
func (b *Book) choose(j *Job, r *round) []Seat {
	type drawn struct {
		seat Seat
		draw commitment.Hash
	}
	var fresh, silent []drawn
	for _, s := range r.candidates {
		p, ok := b.provider(s.Operator)
		if !ok {
			continue
		}
		d := drawn{Seat{p.Operator, p.Worker}, commitment.Draw(r.beacon, b.jobID(j.Seq), 0, j.Attempt, purposeDraw, []byte(s.Operator))}
		if slices.Contains(j.Excluded, s.Operator) {
			silent = append(silent, d)
			continue
		}
		fresh = append(fresh, d)
	}
	if len(fresh) < int(j.Redundancy) {
		fresh = append(fresh, silent...)
	}
	slices.SortFunc(fresh, func(x, y drawn) int { return strings.Compare(string(x.draw[:]), string(y.draw[:])) })
	var out []Seat
	for _, d := range fresh[:min(len(fresh), int(j.Redundancy))] {
		out = append(out, d.seat)
	}
	return out
}

// names lists seats by their providers' names, for people.
func (b *Book) names(seats []Seat) string {
	var out []string
	for _, s := range seats {
		out = append(out, b.name(s))
	}
	return strings.Join(out, ", ")
}

func (b *Book) name(s Seat) string {
	if p, ok := b.provider(s.Operator); ok {
		return p.Name
	}
	return "a removed provider"
}
