package book

import (
	"fmt"

	"assay/commitment"
)

// State of a job.
type State uint8

// The states, in the order of the wire variant. Numbers are never reused.
const (
	Submitted State = iota
	Drawing
	Assigned
	Provisional
	Final
	Disputed
	Failed
)

var stateNames = [...]string{"submitted", "drawing", "assigned", "provisional", "final", "disputed", "failed"}

// String is the state as receipts spell it.
func (s State) String() string {
	if int(s) < len(stateNames) {
		return stateNames[s]
	}
	return fmt.Sprintf("state %d", uint8(s))
}

// Open reports whether the job still holds money.
func (s State) Open() bool { return s < Final }

// Phase of an assigned job: what its providers have to do next.
type Phase uint8

// The phases. Numbers are never reused.
const (
	NoPhase Phase = iota
	DeliverPhase
	CommitPhase
	RevealPhase
)

var phaseNames = [...]string{"", "deliver", "commit", "reveal"}

// String is the phase as assignments spell it.
func (p Phase) String() string {
	if int(p) < len(phaseNames) {
		return phaseNames[p]
	}
	return fmt.Sprintf("phase %d", uint8(p))
}

// ClassExact is the class whose results are equal bytes or wrong, the only one served.
const ClassExact = "exact"

// Seat is one provider drawn for a job, with the worker key it had then.
type Seat struct {
	Operator Principal
	Worker   Principal
}

// Delivery is what one provider handed in during one attempt.
type Delivery struct {
	Seat
	Attempt    uint32
	Committed  *commitment.Hash
	OutputRoot *commitment.Hash
	At         Time // of the last thing handed in
}

// Terms are the rules of a job that were in force when it was submitted.
type Terms struct {
	Window           Time
	TreasuryPermille uint16
	RoyaltyPermille  uint16
	Publisher        Principal
	Dimension        uint32
}

// Moment says when a callback is wanted.
type Moment uint8

// The moments of a callback.
const (
	NoCallback Moment = iota
	AtProvisional
	AtFinal
)

// Job is one order and all that became of it, less its input and output.
type Job struct {
	Seq            uint64
	Requester      Principal
	Key            []byte // the requester's name for it
	Model          commitment.Hash
	Class          string
	Redundancy     uint8
	Items          uint32
	InputHash      commitment.Hash
	ParametersHash commitment.Hash
	Price          Cycles
	State          State
	Phase          Phase
	Attempt        uint32 // the fencing token, from 1
	Round          uint64 // of the beacon, zero before the first
	Beacon         []byte
	Assigned       []Seat
	Excluded       []Principal // operators passed over in later draws, if others exist
	Deliveries     []Delivery
	OutputRoot     *commitment.Hash
	Evidence       []commitment.Claim
	Message        string // why it failed or is disputed
	Submitted      Time
	Deadline       Time // of the current state, zero for none
	Settled        Time // zero before
	Terms          Terms
	CallbackMethod string
	CallbackAt     Moment
	CallbackNote   string // what became of the callback, in words
}

func (j *Job) encode() []byte {
	var e encoder
	e.u64(j.Seq).str(string(j.Requester)).bytes(j.Key).hash(j.Model).str(j.Class).u8(j.Redundancy).u32(j.Items).hash(j.InputHash).hash(j.ParametersHash)
	e.u64(j.Price).u8(uint8(j.State)).u8(uint8(j.Phase)).u32(j.Attempt).u64(j.Round).bytes(j.Beacon)
	e.seats(j.Assigned)
	e.u32(uint32(len(j.Excluded)))
	for _, p := range j.Excluded {
		e.str(string(p))
	}
	e.u32(uint32(len(j.Deliveries)))
	for _, d := range j.Deliveries {
		e.str(string(d.Operator)).str(string(d.Worker)).u32(d.Attempt).optHash(d.Committed).optHash(d.OutputRoot).u64(d.At)
	}
	e.optHash(j.OutputRoot).u32(uint32(len(j.Evidence)))
	for _, c := range j.Evidence {
		e.str(c.Word).str(c.Detail)
	}
	e.str(j.Message).u64(j.Submitted).u64(j.Deadline).u64(j.Settled)
	e.u64(j.Terms.Window).u16(j.Terms.TreasuryPermille).u16(j.Terms.RoyaltyPermille).str(string(j.Terms.Publisher)).u32(j.Terms.Dimension)
	e.str(j.CallbackMethod).u8(uint8(j.CallbackAt)).str(j.CallbackNote)
	return e.record(1)
}

func decodeJob(v []byte) (*Job, error) {
	d := decode(v, 1)
	j := &Job{
		Seq: d.u64(), Requester: Principal(d.str()), Key: d.bytes(), Model: d.hash(), Class: d.str(), Redundancy: d.u8(), Items: d.u32(),
		InputHash: d.hash(), ParametersHash: d.hash(), Price: d.u64(), State: State(d.u8()), Phase: Phase(d.u8()),
		Attempt: d.u32(), Round: d.u64(), Beacon: d.bytes(), Assigned: d.seats(),
	}
	for range d.count(4) {
		j.Excluded = append(j.Excluded, Principal(d.str()))
	}
	for range d.count(22) {
		j.Deliveries = append(j.Deliveries, Delivery{
			Seat: Seat{Principal(d.str()), Principal(d.str())}, Attempt: d.u32(), Committed: d.optHash(), OutputRoot: d.optHash(), At: d.u64(),
		})
	}
	j.OutputRoot = d.optHash()
	for range d.count(8) {
		j.Evidence = append(j.Evidence, commitment.Claim{Word: d.str(), Detail: d.str()})
	}
	j.Message, j.Submitted, j.Deadline, j.Settled = d.str(), d.u64(), d.u64(), d.u64()
	j.Terms = Terms{d.u64(), d.u16(), d.u16(), Principal(d.str()), d.u32()}
	j.CallbackMethod, j.CallbackAt, j.CallbackNote = d.str(), Moment(d.u8()), d.str()
	if j.State > Failed || j.Phase > RevealPhase || j.CallbackAt > AtFinal {
		d.bad("state, phase or callback")
	}
	return j, d.end()
}

func (e *encoder) seats(s []Seat) {
	e.u32(uint32(len(s)))
	for _, x := range s {
		e.str(string(x.Operator)).str(string(x.Worker))
	}
}

func (d *decoder) seats() []Seat {
	var out []Seat
	for range d.count(8) {
		out = append(out, Seat{Principal(d.str()), Principal(d.str())})
	}
	return out
}

func (b *Book) findJob(seq uint64) (*Job, error) {
	v, ok := b.store.Get(numKey('J', seq))
	if !ok {
		return nil, fail(UnknownJob, "there is no job %d", seq)
	}
	j, err := decodeJob(v)
	must("job", err)
	return j, nil
}

func (b *Book) job(seq uint64) *Job {
	j, err := b.findJob(seq)
	must("job index", err)
	return j
}

func (b *Book) save(j *Job) { b.store.Put(numKey('J', j.Seq), j.encode()) }

// setDeadline moves the job in the index of deadlines; zero takes it out.
func (b *Book) setDeadline(j *Job, at Time) {
	if j.Deadline != 0 {
		b.store.Delete(numsKey('D', j.Deadline, j.Seq))
	}
	if j.Deadline = at; at != 0 {
		b.store.Put(numsKey('D', at, j.Seq), nil)
	}
}

// Assignment is what one provider is asked to do, with all that its commitment binds.
type Assignment struct {
	Job        *Job
	Commitment commitment.Assignment
}

func (b *Book) assignment(j *Job, s Seat) commitment.Assignment {
	return commitment.Assignment{
		Work: b.work(j, s), Operator: []byte(s.Operator), Parameters: j.ParametersHash, Phase: j.Phase.String(), Deadline: j.Deadline,
	}
}

func (b *Book) work(j *Job, s Seat) commitment.Work {
	return commitment.Work{
		Network: b.network, Job: b.jobID(j.Seq), Attempt: j.Attempt, Executor: []byte(s.Worker), Model: j.Model, Input: j.InputHash,
	}
}

var labelAssignments = []byte("assignments")

// publish puts the assignments of a job's seats, as they now read, where providers find
// them and into the certified tree.
func (b *Book) publish(j *Job, seats []Seat, fx *Effects) {
	for _, s := range seats {
		b.store.Put(nameNumKey('A', string(s.Operator), j.Seq), nil)
		sum := b.assignment(j, s).Sum()
		fx.put(sum[:], labelAssignments, []byte(s.Operator), commitment.SeqLabel(j.Seq))
	}
}

// withdrawAssignment takes one seat's assignment back.
func (b *Book) withdrawAssignment(j *Job, s Seat, fx *Effects) {
	key := nameNumKey('A', string(s.Operator), j.Seq)
	if _, ok := b.store.Get(key); ok {
		b.store.Delete(key)
		fx.remove(labelAssignments, []byte(s.Operator), commitment.SeqLabel(j.Seq))
	}
}

func (b *Book) withdrawAssignments(j *Job, fx *Effects) {
	for _, s := range j.Assigned {
		b.withdrawAssignment(j, s, fx)
	}
}

// delivery finds what a seat handed in during the current attempt, nil for nothing.
func (j *Job) delivery(s Seat) *Delivery {
	for i := range j.Deliveries {
		if d := &j.Deliveries[i]; d.Seat == s && d.Attempt == j.Attempt {
			return d
		}
	}
	return nil
}

// count is how many of the current attempt's deliveries satisfy the test.
func (j *Job) count(test func(*Delivery) bool) int {
	n := 0
	for i := range j.Deliveries {
		if j.Deliveries[i].Attempt == j.Attempt && test(&j.Deliveries[i]) {
			n++
		}
	}
	return n
}

func revealed(d *Delivery) bool  { return d.OutputRoot != nil }
func committed(d *Delivery) bool { return d.Committed != nil }
