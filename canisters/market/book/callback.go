package book

import (
	"assay/commitment"
)

const (
	// callbacksPerCallee and callbacksInAll bound the calls to customers' canisters that
	// are open at once: each reserves cycles for its answer.
	callbacksPerCallee = 4
	callbacksInAll     = 16
	callbackSends      = 3 // tries before the result is left to be pulled
	callbackLost       = 10 * 60 * second
	callbackRetry      = 10 * second
)

// outgoing is a callback that is not yet concluded.
type outgoing struct {
	seq       uint64
	callee    Principal
	sends     uint8
	sent      Time // zero when none is open
	notBefore Time
}

func (o outgoing) encode() []byte {
	var e encoder
	return e.u64(o.seq).str(string(o.callee)).u8(o.sends).u64(o.sent).u64(o.notBefore).record(1)
}

func decodeOutgoing(v []byte) (outgoing, error) {
	d := decode(v, 1)
	o := outgoing{seq: d.u64(), callee: Principal(d.str()), sends: d.u8(), sent: d.u64(), notBefore: d.u64()}
	return o, d.end()
}

func (b *Book) queueCallback(now Time, j *Job) {
	key := numKey('X', j.Seq)
	if _, ok := b.store.Get(key); !ok {
		b.next("callbacks")
	}
	b.store.Put(key, outgoing{seq: j.Seq, callee: j.Requester, notBefore: now}.encode())
	j.CallbackNote = "waiting to be sent"
}

func (b *Book) outgoings() []outgoing {
	var out []outgoing
	b.scan([]byte{'X'}, []byte{'X'}, func(_, v []byte) bool {
		o, err := decodeOutgoing(v)
		must("callback", err)
		out = append(out, o)
		return true
	})
	return out
}

// open reports whether a call is under way, ready whether one may be sent.
func (o outgoing) open(now Time) bool  { return o.sent != 0 && now < o.sent+callbackLost }
func (o outgoing) ready(now Time) bool { return !o.open(now) && now >= o.notBefore }

func (b *Book) callbackDue(now Time) bool { return len(b.sendable(now)) > 0 }

// sendable are the callbacks that may be sent now without passing the bounds.
func (b *Book) sendable(now Time) []outgoing {
	all := b.outgoings()
	open, perCallee := 0, map[Principal]int{}
	for _, o := range all {
		if o.open(now) {
			open++
			perCallee[o.callee]++
		}
	}
	var out []outgoing
	for _, o := range all {
		if !o.ready(now) || open >= callbacksInAll || perCallee[o.callee] >= callbacksPerCallee {
			continue
		}
		open++
		perCallee[o.callee]++
		out = append(out, o)
	}
	return out
}

// Callback is one call to make: what became of a job, for the canister that ordered it.
type Callback struct {
	Callee Principal
	Method string
	Job    *Job
	Output []Tensor
}

// Callbacks hands out the callbacks to send now to one canister, so that a slow one holds
// up its own alone, and notes that they are under way; [Book.Due] says whether others
// have some. The edge answers each with [Book.CallbackDone]; one whose answer is lost is
// sent again, so receivers must take a repetition for the same.
func (b *Book) Callbacks(c Call) ([]Callback, Effects) {
	var fx Effects
	b.wake(c.Now, &fx)
	var out []Callback
	for _, o := range b.sendable(c.Now) {
		if len(out) > 0 && o.callee != out[0].Callee {
			continue
		}
		j := b.job(o.seq)
		if o.sends >= callbackSends {
			b.concludeCallback(c.Now, j, "no answer; the result can be pulled")
			continue
		}
		o.sends, o.sent = o.sends+1, c.Now
		b.store.Put(numKey('X', o.seq), o.encode())
		j.CallbackNote = "sent, not yet answered"
		b.save(j)
		out = append(out, Callback{Callee: o.callee, Method: j.CallbackMethod, Job: j, Output: b.output(j)})
	}
	return out, fx
}

// CallbackDone notes how a callback ended. A failure that a repetition may cure is
// repeated a few times; after that the result is left to be pulled.
func (b *Book) CallbackDone(c Call, seq uint64, failure string, retry bool) Effects {
	var fx Effects
	v, ok := b.store.Get(numKey('X', seq))
	if !ok {
		return fx
	}
	b.wake(c.Now, &fx)
	o, err := decodeOutgoing(v)
	must("callback", err)
	j := b.job(seq)
	if len(failure) > 200 {
		failure = failure[:200]
	}
	switch {
	case failure == "":
		b.concludeCallback(c.Now, j, "delivered")
	case retry && o.sends < callbackSends:
		o.sent, o.notBefore = 0, c.Now+callbackRetry
		b.store.Put(numKey('X', seq), o.encode())
		j.CallbackNote = "to be repeated: " + failure
		b.save(j)
	default:
		b.concludeCallback(c.Now, j, "failed, the result can be pulled: "+failure)
	}
	return fx
}

func (b *Book) concludeCallback(now Time, j *Job, note string) {
	b.store.Delete(numKey('X', j.Seq))
	b.setCounter("callbacks", b.counter("callbacks")-1)
	j.CallbackNote = note
	b.save(j)
	b.event(now, j.Seq, "callback", note)
}

func (b *Book) output(j *Job) []Tensor {
	if j.State != Provisional && j.State != Final {
		return nil
	}
	v, ok := b.store.Get(numKey('O', j.Seq))
	if !ok {
		return nil
	}
	out, err := decodeOutput(v)
	must("output", err)
	return out
}

// Result is a job's output once it may be used.
func (b *Book) Result(seq uint64) (*Job, []Tensor, error) {
	j, err := b.findJob(seq)
	if err != nil {
		return nil, nil, err
	}
	switch j.State {
	case Provisional, Final:
		return j, b.output(j), nil
	case Disputed, Failed:
		return nil, nil, fail(WrongState, "job %d is %s: %s; its price was refunded", seq, j.State, j.Message)
	}
	return nil, nil, failRetry(WrongState, "job %d is %s; its result is not there yet", seq, j.State)
}

// Job returns a job, and [Failure] of [UnknownJob] when there is none.
func (b *Book) Job(seq uint64) (*Job, error) { return b.findJob(seq) }

// Input is what a job computes on. It is shown to its requester, and to the operator and
// worker to whom it is assigned at the moment.
func (b *Book) Input(caller Principal, seq uint64) ([]Item, error) {
	j, err := b.findJob(seq)
	if err != nil {
		return nil, err
	}
	allowed := caller == j.Requester
	for _, s := range j.Assigned {
		allowed = allowed || j.State == Assigned && (caller == s.Operator || caller == s.Worker)
	}
	if !allowed {
		return nil, fail(NotPermitted, "the input of job %d is for its requester and its assigned providers", seq)
	}
	v, _ := b.store.Get(numKey('I', seq))
	items, err := decodeItems(v)
	must("input", err)
	return items, nil
}

// Assignments lists what an operator is asked to do: all that is under
// /assignments/<operator> of the certified tree.
func (b *Book) Assignments(operator Principal) []Assignment {
	var out []Assignment
	for _, seq := range b.numbers(nameKey('A', string(operator)), MaxOpenJobs) {
		j := b.job(seq)
		for _, s := range j.Assigned {
			if s.Operator == operator {
				out = append(out, Assignment{j, b.assignment(j, s)})
			}
		}
	}
	return out
}

// JobID names a job of this market for ever.
func (b *Book) JobID(seq uint64) commitment.JobID { return b.jobID(seq) }
