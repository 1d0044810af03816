// Package book is the market's pure core: who may compute, which models exist, the life
// of every job from submission to settlement, and the money that moves on the way.
//
// A [Book] is a view on an ordered key-value [Store]; it keeps nothing between calls.
// Every command takes a [Call] (the time, the caller, the cycles at hand), either fails
// with a [*Failure] and changes nothing, or changes the store and says in [Effects]
// what its owner has to do to the certified tree. Clocks, randomness, calls to other
// canisters and encodings on the wire belong to the edge, the market canister's main
// package; the simulator in this package's tests is another such edge.
//
// The life of a job:
//
//	submitted → drawing → assigned (deliver | commit → reveal) → provisional → final
//	     ▲___________________________| silent or declined side: next attempt
//	                                 | different reveals → disputed, refunded
//	                                 | out of attempts or time → failed, refunded
//
// Money is a double-entry log (see [Entry]): balances are a projection of it, their sum
// is zero after every command, and what the market owes equals the cycles that its own
// entries say it holds ([Book.Owed]).
//
// Stored records start with a version byte; an unknown one is refused. Keys are one
// letter, then big-endian numbers or length-prefixed names; keys.go draws them.
package book

import (
	"fmt"
	"strings"

	"assay/commitment"
)

// Time is nanoseconds since 1970.
type Time = uint64

// Cycles is an amount of money. The market never holds more than [MaxCycles] in all, so
// sums of amounts do not overflow.
type Cycles = uint64

// MaxCycles bounds every amount and the market's total holdings: 2^62, about 4.6 million
// XDR.
const MaxCycles Cycles = 1 << 62

const second Time = 1e9

// Principal is the raw bytes of one; as a string, so that it compares and is a map key.
type Principal string

const (
	anonymous = Principal("\x04")
	// maxPrincipal is the longest principal in bytes.
	maxPrincipal = 29
)

// Store is the ordered map that holds the book. Values passed to visit or returned by
// Get are only read; those given to Put are not kept.
type Store interface {
	Get(key []byte) (value []byte, ok bool)
	Put(key, value []byte)
	Delete(key []byte)
	// Scan visits the entries whose key is at least from, in order, until visit returns
	// false. The book never changes the store inside visit.
	Scan(from []byte, visit func(key, value []byte) bool)
}

// Call is what the edge knows about a message besides its command.
type Call struct {
	Now      Time
	Caller   Principal
	Attached Cycles // cycles that came with the message and are not yet accepted
	Liquid   Cycles // the canister's liquid cycles, without Attached
}

// Update is one change of the certified tree.
type Update struct {
	Path  [][]byte
	Value []byte // nil deletes
}

// Effects is what a command asks of the edge besides its result.
type Effects struct {
	Tree []Update
}

func (e *Effects) put(value []byte, path ...[]byte) {
	e.Tree = append(e.Tree, Update{Path: path, Value: value})
}

func (e *Effects) remove(path ...[]byte) {
	e.Tree = append(e.Tree, Update{Path: path})
}

// Code classifies a [Failure] for programs.
type Code uint8

// The codes, in the order of the wire variant.
const (
	NotPermitted Code = iota
	UnknownModel
	UnknownJob
	UnknownProvider
	BadInput
	TooLarge
	PriceTooLow
	NoFunds
	NotSupported
	WrongState
	StaleAttempt
	Duplicate
	NoProviders
	WrongOutput
	Busy
)

var codeNames = [...]string{
	"not permitted", "unknown model", "unknown job", "unknown provider", "bad input", "too large", "price too low",
	"no funds", "not supported", "wrong state", "stale attempt", "duplicate", "no providers", "wrong output", "busy",
}

// String is the code in words.
func (c Code) String() string {
	if int(c) < len(codeNames) {
		return codeNames[c]
	}
	return fmt.Sprintf("code %d", uint8(c))
}

// Failure is a refused command: nothing happened. Message is for a person and names a
// next step where there is one.
type Failure struct {
	Code    Code
	Message string
	Retry   bool // whether the same command may succeed later
}

// Error is the code and the message.
func (f *Failure) Error() string { return f.Code.String() + ": " + f.Message }

func fail(c Code, format string, args ...any) *Failure {
	return &Failure{Code: c, Message: fmt.Sprintf(format, args...)}
}

func failRetry(c Code, format string, args ...any) *Failure {
	return &Failure{Code: c, Message: fmt.Sprintf(format, args...), Retry: true}
}

// Book is a market's state behind its store.
type Book struct {
	store   Store
	market  Principal
	network commitment.Hash
	dao     Principal
}

// Create writes a new market's head into an empty store. Market is the canister's own
// id, network the [commitment.NetworkID] of the network's root key.
func Create(s Store, market, dao Principal, network commitment.Hash, p Parameters) (*Book, Effects, error) {
	var fx Effects
	if _, ok := s.Get(keyHead); ok {
		return nil, fx, fail(WrongState, "this store already holds a market")
	}
	if err := checkPrincipal("dao", dao); err != nil {
		return nil, fx, err
	}
	if err := p.check(); err != nil {
		return nil, fx, err
	}
	var e encoder
	e.str(string(market)).str(string(dao)).hash(network)
	s.Put(keyHead, e.record(1))
	b := &Book{store: s, market: market, dao: dao, network: network}
	b.putParameters(p, &fx)
	return b, fx, nil
}

// Open reads the head of a market that [Create] wrote.
func Open(s Store) (*Book, error) {
	v, ok := s.Get(keyHead)
	if !ok {
		return nil, fail(WrongState, "this store holds no market")
	}
	b := &Book{store: s}
	d := decode(v, 1)
	b.market, b.dao, b.network = Principal(d.str()), Principal(d.str()), d.hash()
	return b, d.end()
}

// Market is the canister's own id, Network the id of the network it lives on.
func (b *Book) Market() Principal { return b.market }

// Network is the [commitment.NetworkID] that the market was created with.
func (b *Book) Network() commitment.Hash { return b.network }

func (b *Book) jobID(seq uint64) commitment.JobID {
	return commitment.JobID{Market: string(b.market), Seq: seq}
}

func (b *Book) onlyDAO(c Call) error {
	if c.Caller != b.dao {
		return fail(NotPermitted, "only the market's dao may do this; put it to a vote there")
	}
	return nil
}

// checkPrincipal refuses ids that can own nothing: the empty one, the anonymous one and
// any that is too long to be a principal.
func checkPrincipal(what string, p Principal) error {
	switch {
	case p == "":
		return fail(BadInput, "%s is the management canister's id", what)
	case p == anonymous:
		return fail(BadInput, "%s is the anonymous principal; use an identity", what)
	case len(p) > maxPrincipal:
		return fail(BadInput, "%s has %d bytes, a principal has at most %d", what, len(p), maxPrincipal)
	}
	return nil
}

// checkName accepts short, printable names.
func checkName(what, name string) error {
	const maxName = 64
	if name == "" || len(name) > maxName {
		return fail(BadInput, "%s has %d bytes, 1 to %d are allowed", what, len(name), maxName)
	}
	if i := strings.IndexFunc(name, func(r rune) bool { return r < ' ' || r == 0x7f || r == 0xfffd }); i >= 0 {
		return fail(BadInput, "%s has an unprintable character at byte %d", what, i)
	}
	return nil
}
