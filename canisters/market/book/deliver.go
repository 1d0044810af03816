package book

import (
	"encoding/binary"
	"fmt"
	"slices"

	"assay/commitment"
)

// Tensor is one item's output: row-major, little-endian.
type Tensor struct {
	DType commitment.DType
	Shape []uint64
	Data  []byte
}

func encodeOutput(out []Tensor) []byte {
	var e encoder
	e.u32(uint32(len(out)))
	for _, t := range out {
		e.u8(uint8(t.DType)).u32(uint32(len(t.Shape)))
		for _, d := range t.Shape {
			e.u64(d)
		}
		e.bytes(t.Data)
	}
	return e.record(1)
}

func decodeOutput(v []byte) ([]Tensor, error) {
	d := decode(v, 1)
	var out []Tensor
	for range d.count(9) {
		t := Tensor{DType: commitment.DType(d.u8())}
		for range d.count(8) {
			t.Shape = append(t.Shape, d.u64())
		}
		t.Data = d.bytes()
		out = append(out, t)
	}
	return out, d.end()
}

// rootOf checks an output against what the job asked for and commits to it.
func (j *Job) rootOf(out []Tensor) (commitment.Hash, error) {
	if len(out) != int(j.Items) {
		return commitment.Hash{}, fail(WrongOutput, "%d tensors for %d items", len(out), j.Items)
	}
	roots := make([]commitment.Hash, len(out))
	for i, t := range out {
		if t.DType != commitment.Float32 || len(t.Shape) != 1 || t.Shape[0] != uint64(j.Terms.Dimension) {
			return commitment.Hash{}, fail(WrongOutput, "item %d is of type %d and shape %v, want float32 of shape [%d]", i, t.DType, t.Shape, j.Terms.Dimension)
		}
		root, err := commitment.TensorRoot(t.DType, t.Shape, t.Data)
		if err != nil {
			return commitment.Hash{}, fail(WrongOutput, "item %d: %v", i, err)
		}
		if at, ok := finite(t.Data); !ok {
			return commitment.Hash{}, fail(WrongOutput, "item %d has a NaN or an infinity at element %d", i, at)
		}
		roots[i] = root
	}
	return commitment.OutputRoot(roots), nil
}

// finite looks for a float32 with all exponent bits set.
func finite(data []byte) (at int, ok bool) {
	const exponent = 0x7f800000
	for i := 0; i+4 <= len(data); i += 4 {
		if binary.LittleEndian.Uint32(data[i:])&exponent == exponent {
			return i / 4, false
		}
	}
	return 0, true
}

// seatOf finds the job and the caller's seat in it, for handing something in during a
// phase. done tells a repetition from a first time.
func (b *Book) seatOf(c Call, seq uint64, attempt uint32, phase Phase, done func(*Delivery) bool) (*Job, Seat, error) {
	j, err := b.findJob(seq)
	if err != nil {
		return nil, Seat{}, err
	}
	for i := range j.Deliveries {
		if d := &j.Deliveries[i]; d.Worker == c.Caller && d.Attempt == attempt && done(d) {
			return nil, Seat{}, fail(Duplicate, "this worker handed that in already for job %d, attempt %d", seq, attempt)
		}
	}
	if attempt != j.Attempt {
		return nil, Seat{}, fail(StaleAttempt, "job %d is at attempt %d, not %d; poll the assignments", seq, j.Attempt, attempt)
	}
	at := slices.IndexFunc(j.Assigned, func(s Seat) bool { return s.Worker == c.Caller })
	if at < 0 {
		return nil, Seat{}, fail(NotPermitted, "the caller is not a worker assigned to job %d", seq)
	}
	if j.State != Assigned || j.Phase != phase {
		retry := j.State == Assigned && j.Phase == CommitPhase && phase == RevealPhase
		return nil, Seat{}, &Failure{Code: WrongState, Message: fmt.Sprintf("job %d is %s %s, not in the phase %s", seq, j.State, j.Phase, phase), Retry: retry}
	}
	if b.refused(j, j.Assigned[at]) {
		return nil, Seat{}, fail(WrongState, "this worker declined job %d, attempt %d", seq, attempt)
	}
	if c.Now > j.Deadline+b.stalled(c.Now) {
		return nil, Seat{}, fail(StaleAttempt, "the deadline of job %d, attempt %d, has passed", seq, attempt)
	}
	return j, j.Assigned[at], nil
}

// Deliver hands in the output of a job with one provider.
func (b *Book) Deliver(c Call, seq uint64, attempt uint32, out []Tensor) (Effects, error) {
	var fx Effects
	j, seat, err := b.seatOf(c, seq, attempt, DeliverPhase, revealed)
	if err != nil {
		return fx, err
	}
	root, err := j.rootOf(out)
	if err != nil {
		return fx, err
	}
	b.wake(c.Now, &fx)
	j = b.job(seq)
	j.Deliveries = append(j.Deliveries, Delivery{Seat: seat, Attempt: attempt, OutputRoot: &root, At: c.Now})
	b.store.Put(numKey('O', seq), encodeOutput(out))
	b.event(c.Now, seq, "delivered", b.name(seat))
	b.accept(c.Now, j, root, &fx)
	return fx, nil
}

// Commit binds an assigned provider to an output that it does not show yet.
func (b *Book) Commit(c Call, seq uint64, attempt uint32, commit commitment.Hash) (Effects, error) {
	var fx Effects
	_, seat, err := b.seatOf(c, seq, attempt, CommitPhase, committed)
	if err != nil {
		return fx, err
	}
	b.wake(c.Now, &fx)
	j := b.job(seq)
	j.Deliveries = append(j.Deliveries, Delivery{Seat: seat, Attempt: attempt, Committed: &commit, At: c.Now})
	b.event(c.Now, seq, "committed", b.name(seat))
	if j.count(committed) == int(j.Redundancy) {
		j.Phase = RevealPhase
		b.setDeadline(j, c.Now+b.Parameters().RevealTimeout)
		b.publish(j, j.Assigned, &fx)
		b.event(c.Now, seq, "revealing", "all providers committed")
	}
	b.weigh(c.Now, j, &fx)
	return fx, nil
}

// MaxSalt bounds the salt of a commit in bytes, MinSalt keeps it unguessable.
const (
	MinSalt = 16
	MaxSalt = 64
)

// Reveal shows the output that a commit bound. Once all have revealed, equal outputs are
// accepted and different ones make the job disputed: there is no vote.
func (b *Book) Reveal(c Call, seq uint64, attempt uint32, out []Tensor, salt []byte) (Effects, error) {
	var fx Effects
	j, seat, err := b.seatOf(c, seq, attempt, RevealPhase, revealed)
	if err != nil {
		return fx, err
	}
	if len(salt) < MinSalt || len(salt) > MaxSalt {
		return fx, fail(BadInput, "the salt has %d bytes, %d to %d are allowed", len(salt), MinSalt, MaxSalt)
	}
	root, err := j.rootOf(out)
	if err != nil {
		return fx, err
	}
	if got, want := commitment.Commit(b.work(j, seat), root, salt), *j.delivery(seat).Committed; got != want {
		return fx, fail(WrongOutput, "output and salt give the commit %s, but %s was committed", got, want)
	}
	b.wake(c.Now, &fx)
	j = b.job(seq)
	if j.count(revealed) == 0 {
		b.store.Put(numKey('O', seq), encodeOutput(out))
	}
	d := j.delivery(seat)
	d.OutputRoot, d.At = &root, c.Now
	b.withdrawAssignment(j, seat, &fx)
	b.event(c.Now, seq, "revealed", b.name(seat))
	b.compare(c.Now, j, &fx)
	return fx, nil
}

// compare decides once every provider has revealed.
func (b *Book) compare(now Time, j *Job, fx *Effects) {
	if j.count(revealed) < int(j.Redundancy) {
		b.save(j)
		return
	}
	first := *j.delivery(j.Assigned[0]).OutputRoot
	if j.count(func(d *Delivery) bool { return *d.OutputRoot == first }) < int(j.Redundancy) {
		b.refund(now, j, Disputed, "the providers revealed different outputs; none is paid", fx)
		return
	}
	b.accept(now, j, first, fx)
}
