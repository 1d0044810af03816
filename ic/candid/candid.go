// Package candid is the runtime of Candid, the Internet Computer's interface language:
// what the code that candidgen writes from a .did file calls to turn Go values into
// messages and back.
//
// Decoding is directed by the type that the reader expects and follows Candid's
// coercion rules: unknown record fields and extra arguments are skipped, absent ones
// read as null where an option stands, a nat is accepted as an int and a t as an opt t,
// and what does not fit an option reads as null, so that a variant tag from the future
// is null under opt. Messages come from strangers: type tables, nesting, sizes and the
// total work of decoding are bounded by [Limits] before anything is allocated, and a
// [Decoder] never panics.
//
// Canisters, the agent, the orchestrator and the client reach it through generated
// packages (marketapi and its sisters). Parsing .did files is ic/candid/did, writing Go
// from them ic/candid/gen, values without generated code ic/candid/text.
package candid

// Kind says how a method is called.
type Kind uint8

// The kinds of methods.
const (
	Update         Kind = iota // changes state, goes through consensus
	Query                      // reads one replica's state
	CompositeQuery             // a query that may call queries of other canisters
)

// String is the word that a .did file uses, `update` for the one that has none.
func (k Kind) String() string {
	switch k {
	case Update:
		return "update"
	case Query:
		return "query"
	case CompositeQuery:
		return "composite_query"
	}
	return "unknown kind"
}

// Caller carries one call to one canister and returns its reply. C is what a call needs
// beside its argument: context.Context off chain, the message handle on chain.
type Caller[C any] interface {
	Call(ctx C, method string, kind Kind, arg []byte) (reply []byte, err error)
}

// Method is one method of a service as an entry point: bytes in, bytes out. An error
// rejects the message with the error's text.
type Method[M any] struct {
	Name   string
	Kind   Kind
	Handle func(m M, arg []byte) (reply []byte, err error)
}

// FieldID is the number that stands for a record field or variant tag on the wire.
func FieldID(name string) uint32 {
	var id uint32
	for i := range len(name) {
		id = id*223 + uint32(name[i])
	}
	return id
}
