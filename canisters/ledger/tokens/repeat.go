package tokens

import (
	"crypto/sha256"
	"encoding/binary"
	"math"
)

// payload collects everything that makes two requests the same.
type payload struct{ b []byte }

func newPayload(operation byte, caller string) *payload {
	p := &payload{b: []byte{operation, byte(len(caller))}}
	p.b = append(p.b, caller...)
	return p
}

func (p *payload) account(a Account) *payload { p.b = appendAccount(p.b, a); return p }
func (p *payload) amount(n Amount) *payload   { p.b = appendAmount(p.b, n); return p }

func (p *payload) optAmount(n *Amount) *payload {
	if n == nil {
		p.b = append(p.b, 0)
		return p
	}
	p.b = append(p.b, 1)
	return p.amount(*n)
}

func (p *payload) optTime(t *uint64) *payload {
	if t == nil {
		p.b = append(p.b, 0)
		return p
	}
	p.b = binary.BigEndian.AppendUint64(append(p.b, 1), *t)
	return p
}

func (p *payload) optBytes(v *[]byte) *payload {
	if v == nil {
		p.b = append(p.b, 0)
		return p
	}
	p.b = append(append(p.b, 1, byte(len(*v))), *v...)
	return p
}

func (p *payload) sum() [sha256.Size]byte { return sha256.Sum256(p.b) }

// Common are the fields that all requests share.
type Common struct {
	Fee     *Amount
	Memo    *[]byte
	Created *uint64 // ns since 1970; nil: repeats are not recognised
}

// check applies the rules that come before balances: memo, fee, time, repeats. Fee is
// what the request costs.
func (l *Ledger) check(now uint64, c *Common, fee Amount, p *payload) error {
	if c.Memo != nil && len(*c.Memo) > MaxMemo {
		return generic(CodeMemo, "the memo has %d bytes, at most %d are allowed", len(*c.Memo), MaxMemo)
	}
	if c.Fee != nil && *c.Fee != fee {
		return &Refusal{Kind: BadFee, Amount: fee}
	}
	if c.Created == nil {
		return nil
	}
	if *c.Created < l.oldest(now) {
		return &Refusal{Kind: TooOld}
	}
	if *c.Created > add(now, l.config.Drift) {
		return &Refusal{Kind: CreatedInFuture, Time: now}
	}
	p.optAmount(c.Fee).optBytes(c.Memo)
	if v, ok := l.store.Get(repeatKey(*c.Created, p.sum())); ok {
		if len(v) != 9 || v[0] != recordVersion {
			panic(&RecordError{"repeat"})
		}
		return &Refusal{Kind: Duplicate, Index: binary.BigEndian.Uint64(v[1:])}
	}
	if l.head.repeats >= maxRepeats && !l.someOld(now) {
		return &Refusal{Kind: TemporarilyUnavailable}
	}
	return nil
}

// oldest is the earliest created_at_time that is still taken.
func (l *Ledger) oldest(now uint64) uint64 {
	back := l.config.Window + l.config.Drift // each at most a year
	return now - min(now, back)
}

func add(a, b uint64) uint64 { return a + min(b, math.MaxUint64-a) }

// done numbers a transaction and remembers it while it could be repeated.
func (l *Ledger) done(now uint64, c *Common, p *payload) uint64 {
	index := l.head.transactions
	l.head.transactions++
	l.forget(now)
	if c.Created != nil {
		l.store.Put(repeatKey(*c.Created, p.sum()), binary.BigEndian.AppendUint64([]byte{recordVersion}, index))
		l.head.repeats++
	}
	l.saveHead()
	return index
}

// forget drops repeats that are too old to be taken anyway.
func (l *Ledger) forget(now uint64) {
	for _, key := range l.old(now, maxForgotten) {
		l.store.Delete(key)
		l.head.repeats--
	}
}

func (l *Ledger) someOld(now uint64) bool { return len(l.old(now, 1)) > 0 }

func (l *Ledger) old(now uint64, most int) (keys [][]byte) {
	if l.head.repeats == 0 {
		return nil
	}
	oldest := l.oldest(now)
	l.store.Scan([]byte{'d'}, func(key, _ []byte) bool {
		if len(keys) == most || key[0] != 'd' || binary.BigEndian.Uint64(key[1:]) >= oldest {
			return false
		}
		keys = append(keys, append([]byte(nil), key...))
		return true
	})
	return keys
}
