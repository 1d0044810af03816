package book

import (
	"encoding/binary"
	"fmt"
)

// The keys of the store. Numbers are eight bytes big-endian, names are one length byte
// and their bytes, so that no key is a prefix of another of its kind.
//
//	h                    head: market, dao, network
//	p                    parameters
//	n <name>             counters
//	P <operator>         provider               W <worker>          → operator
//	M <root>             registry entry
//	J <seq>              job                    I <seq>             its input
//	K <caller> <key>     → seq, the idempotency of submit
//	O <seq>              the output to deliver
//	N <seq>              jobs that wait for a beacon
//	R <round>            beacon rounds that are not used up
//	A <operator> <seq>   open assignments
//	D <deadline> <seq>   open jobs by deadline
//	V <seq> <operator>   why a provider gave a job back, last
//	X <seq>              callbacks not yet concluded
//	T <id>               withdrawals not yet concluded
//	Z <seq>              receipts
//	E <event>            events                 F <seq> <event>     events of a job
//	L <entry>            the money log          B <account>         balances, none is zero
var (
	keyHead       = []byte{'h'}
	keyParameters = []byte{'p'}
)

func numKey(kind byte, n uint64) []byte {
	return binary.BigEndian.AppendUint64([]byte{kind}, n)
}

func numsKey(kind byte, a, b uint64) []byte {
	return binary.BigEndian.AppendUint64(numKey(kind, a), b)
}

func nameKey(kind byte, name string) []byte {
	return append([]byte{kind, byte(len(name))}, name...)
}

func nameNumKey(kind byte, name string, n uint64) []byte {
	return binary.BigEndian.AppendUint64(nameKey(kind, name), n)
}

// lastNum reads the number that ends a key.
func lastNum(key []byte) uint64 { return binary.BigEndian.Uint64(key[len(key)-8:]) }

// scan visits the entries under a prefix, from a key that starts with it.
func (b *Book) scan(prefix, from []byte, visit func(key, value []byte) bool) {
	b.store.Scan(from, func(k, v []byte) bool {
		if len(k) < len(prefix) || string(k[:len(prefix)]) != string(prefix) {
			return false
		}
		return visit(k, v)
	})
}

// numbers collects the numbers that end the keys under a prefix, at most limit.
func (b *Book) numbers(prefix []byte, limit int) []uint64 {
	var out []uint64
	if limit <= 0 {
		return nil
	}
	b.scan(prefix, prefix, func(k, _ []byte) bool {
		out = append(out, lastNum(k))
		return len(out) < limit
	})
	return out
}

func (b *Book) counter(name string) uint64 {
	v, ok := b.store.Get(nameKey('n', name))
	if !ok {
		return 0
	}
	return lastNum(v)
}

func (b *Book) setCounter(name string, n uint64) {
	b.store.Put(nameKey('n', name), binary.BigEndian.AppendUint64(nil, n))
}

// next advances a counter and returns its new value; the first is 1.
func (b *Book) next(name string) uint64 {
	n := b.counter(name) + 1
	b.setCounter(name, n)
	return n
}

// must stops on a record that only a bug or a damaged store can have written.
func must(what string, err error) {
	if err != nil {
		panic(fmt.Sprintf("market book: %s: %v", what, err))
	}
}
