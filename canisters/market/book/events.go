package book

// Event is something that happened, numbered from 1 per market, for people and streams
// to follow. Job is zero when it belongs to none.
type Event struct {
	Seq    uint64
	At     Time
	Job    uint64
	Kind   string
	Detail string
}

func (x Event) encode() []byte {
	var e encoder
	e.u64(x.Seq).u64(x.At).u64(x.Job).str(x.Kind).str(x.Detail)
	return e.record(1)
}

func decodeEvent(v []byte) (Event, error) {
	d := decode(v, 1)
	x := Event{Seq: d.u64(), At: d.u64(), Job: d.u64(), Kind: d.str(), Detail: d.str()}
	return x, d.end()
}

func (b *Book) event(now Time, job uint64, kind, detail string) {
	seq := b.next("event")
	b.store.Put(numKey('E', seq), Event{seq, now, job, kind, detail}.encode())
	if job != 0 {
		b.store.Put(numsKey('F', job, seq), nil)
	}
}

// EventCount is the number of the newest event, zero when there is none.
func (b *Book) EventCount() uint64 { return b.counter("event") }

// MaxEvents is the most events that one answer holds.
const MaxEvents = 1000

// Events lists events from a number on, of one job or, with zero, of all.
func (b *Book) Events(job, from uint64, limit int) []Event {
	limit = min(limit, MaxEvents)
	var out []Event
	if limit <= 0 {
		return nil
	}
	if job == 0 {
		b.scan([]byte{'E'}, numKey('E', from), func(_, v []byte) bool {
			x, err := decodeEvent(v)
			must("event", err)
			out = append(out, x)
			return len(out) < limit
		})
		return out
	}
	var seqs []uint64
	b.scan(numKey('F', job), numsKey('F', job, from), func(k, _ []byte) bool {
		seqs = append(seqs, lastNum(k))
		return len(seqs) < limit
	})
	for _, seq := range seqs {
		v, _ := b.store.Get(numKey('E', seq))
		x, err := decodeEvent(v)
		must("event", err)
		out = append(out, x)
	}
	return out
}
