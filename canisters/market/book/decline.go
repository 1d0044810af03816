package book

import (
	"fmt"
	"slices"
	"strings"
)

const (
	maxReason = 200  // bytes of one decline's reason
	maxWords  = 2000 // bytes of all that a failed job's message quotes of them
)

// declined is an operator's last decline of a job.
type declined struct {
	attempt uint32
	input   bool // the input is at fault, not the provider
	reason  string
}

func (x declined) encode() []byte {
	var e encoder
	e.u32(x.attempt)
	if x.input {
		e.u8(1)
	} else {
		e.u8(0)
	}
	e.str(x.reason)
	return e.record(1)
}

func decodeDeclined(v []byte) (declined, error) {
	d := decode(v, 1)
	x := declined{attempt: d.u32()}
	switch d.u8() {
	case 0:
	case 1:
		x.input = true
	default:
		d.bad("cause")
	}
	x.reason = d.str()
	return x, d.end()
}

func declineKey(seq uint64, operator Principal) []byte { return append(numKey('V', seq), operator...) }

// decline is what an operator last said when it gave the job back.
func (b *Book) decline(seq uint64, operator Principal) (declined, bool) {
	v, ok := b.store.Get(declineKey(seq, operator))
	if !ok {
		return declined{}, false
	}
	x, err := decodeDeclined(v)
	must("decline", err)
	return x, true
}

// declines visits the operators that gave the job back and what each said last.
func (b *Book) declines(seq uint64, visit func(Principal, declined)) {
	prefix := numKey('V', seq)
	b.scan(prefix, prefix, func(k, v []byte) bool {
		x, err := decodeDeclined(v)
		must("decline", err)
		visit(Principal(k[len(prefix):]), x)
		return true
	})
}

// refused reports whether a seat refused the input in the current attempt.
func (b *Book) refused(j *Job, s Seat) bool {
	x, ok := b.decline(j.Seq, s.Operator)
	return ok && x.input && x.attempt == j.Attempt
}

// Decline gives an assignment back at once instead of letting its deadline pass. Input
// says that the input is at fault: then the other providers of the attempt are heard
// too, and when all refuse it the job fails at once, see [Book.weigh].
func (b *Book) Decline(c Call, seq uint64, attempt uint32, input bool, reason string) (Effects, error) {
	var fx Effects
	j, err := b.findJob(seq)
	if err != nil {
		return fx, err
	}
	if len(reason) > maxReason {
		return fx, fail(TooLarge, "the reason has %d bytes, at most %d are allowed", len(reason), maxReason)
	}
	for _, s := range j.Assigned {
		if s.Worker == c.Caller && attempt == j.Attempt && b.refused(j, s) {
			return fx, fail(Duplicate, "this worker declined job %d, attempt %d, already", seq, attempt)
		}
	}
	_, seat, err := b.seatOf(c, seq, attempt, j.Phase, revealed)
	if err != nil {
		return fx, err
	}
	b.wake(c.Now, &fx)
	j = b.job(seq)
	input = input && j.delivery(seat) == nil // who has committed could compute it
	b.store.Put(declineKey(seq, seat.Operator), declined{attempt, input, reason}.encode())
	b.event(c.Now, seq, "declined", b.name(seat)+": "+reason)
	if input {
		b.withdrawAssignment(j, seat, &fx)
		b.weigh(c.Now, j, &fx)
	} else {
		b.retry(c.Now, j, []Principal{seat.Operator}, "declined by "+b.name(seat), &fx)
	}
	return fx, nil
}

// weigh saves a job, or decides about its attempt when somebody refused the input and
// every other provider drawn has refused it or committed. One provider's word ends no
// job while another could be asked; two, or all that there are, do.
func (b *Book) weigh(now Time, j *Job, fx *Effects) {
	var refused []Seat
	waiting := false
	for _, s := range j.Assigned {
		if b.refused(j, s) {
			refused = append(refused, s)
		} else if j.delivery(s) == nil {
			waiting = true
		}
	}
	if waiting || len(refused) == 0 {
		b.save(j)
		return
	}
	if len(refused) == len(j.Assigned) && b.hopeless(j.Seq) {
		b.refund(now, j, Failed, "the providers refused the input", fx)
		return
	}
	b.retry(now, j, operators(refused), "input refused by "+b.names(refused), fx)
}

// hopeless reports whether enough operators refused the job's input.
func (b *Book) hopeless(seq uint64) bool {
	var refusers []Principal
	b.declines(seq, func(p Principal, x declined) {
		if x.input {
			refusers = append(refusers, p)
		}
	})
	if len(refusers) > 1 {
		return true
	}
	return !slices.ContainsFunc(b.Providers(), func(p Provider) bool { return !slices.Contains(refusers, p.Operator) })
}

// lastWords quotes why providers gave the job back, the last reason of each.
func (b *Book) lastWords(seq uint64) string {
	var words []string
	size := 0
	b.declines(seq, func(p Principal, x declined) {
		if size += len(x.reason); x.reason != "" && size <= maxWords {
			words = append(words, fmt.Sprintf("%s: %s", b.name(Seat{Operator: p}), x.reason))
		}
	})
	if len(words) == 0 {
		return ""
	}
	return " (" + strings.Join(words, "; ") + ")"
}
