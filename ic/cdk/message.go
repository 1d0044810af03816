package cdk

import (
	"errors"

	"assay/ic/candid"
	"assay/ic/principal"
)

// kind is what sort of message the host executes.
type kind uint8

const (
	kindStart      kind = iota // init, post_upgrade
	kindPreUpgrade             //
	kindUpdate                 // also tasks
	kindQuery                  //
	kindComposite              //
	kindInspect                //
	kindTimer                  // the timer and the heartbeat: nobody to answer
	kindOrphan                 // a callback that found no handler
)

// Message is the handle of one message: a handler's way to the system. It is valid in the
// handler's own execution and in the callbacks of its calls, nowhere else.
type Message struct {
	in       *Instance
	method   string
	kind     kind
	caller   principal.Principal
	self     principal.Principal
	time     uint64
	context  uint64 // of its intents, 0 before the first
	open     int    // calls that have not come back, of all its goroutines
	answered bool
	cleanup  bool
	owner    owner // off chain: the handler's goroutine
	refunded candid.Nat
	usage    *Usage // nil where none is counted
	counted  bool   // as a call
}

// valid reports whether m is what the host executes now.
func (m *Message) valid() bool { return m != nil && m.in.cur.is(m) }

// Caller is who sent the message.
func (m *Message) Caller() principal.Principal { return m.caller }

// Self is the canister.
func (m *Message) Self() principal.Principal { return m.self }

// Method is the name of the method that was called.
func (m *Message) Method() string { return m.method }

// Time is when the current execution of this message began, in ns since 1970. It stands
// still until the next callback.
func (m *Message) Time() uint64 { return m.time }

// CyclesAvailable is what the caller attached and was not accepted yet.
func (m *Message) CyclesAvailable() candid.Nat {
	if !m.valid() || !m.paid() {
		return candid.Nat{}
	}
	return nat(m.in.sys.CyclesAvailable())
}

// Accept takes at most so many of the attached cycles and returns how many it took.
func (m *Message) Accept(most candid.Nat) (candid.Nat, error) {
	if err := m.answerable(); err != nil {
		return candid.Nat{}, err
	}
	if !m.paid() {
		return candid.Nat{}, ErrNotAllowed
	}
	return nat(m.in.sys.CyclesAccept(most.Hi, most.Lo)), nil
}

// paid reports whether cycles may come with this kind of message.
func (m *Message) paid() bool {
	return !m.cleanup && (m.kind == kindUpdate || m.kind == kindOrphan)
}

// Balance is all that the canister holds.
func (m *Message) Balance() candid.Nat {
	if !m.valid() {
		return candid.Nat{}
	}
	return nat(m.in.sys.Balance())
}

// LiquidBalance is what the canister can spend without being frozen.
func (m *Message) LiquidBalance() candid.Nat {
	if !m.valid() {
		return candid.Nat{}
	}
	return nat(m.in.sys.LiquidBalance())
}

func nat(hi, lo uint64) candid.Nat { return candid.Nat{Hi: hi, Lo: lo} }

// IsController reports whether p controls this canister.
func (m *Message) IsController(p principal.Principal) bool {
	return m.valid() && m.in.sys.IsController(p.Bytes())
}

// RootKey is the network's root key, DER; nil in a query.
func (m *Message) RootKey() []byte {
	if !m.valid() || m.kind == kindQuery || m.kind == kindComposite || m.kind == kindInspect {
		return nil
	}
	return m.in.sys.RootKey()
}

// Print writes to the canister's log, which is short and for people.
func (m *Message) Print(text string) {
	if m.valid() {
		m.in.sys.Print([]byte(text))
	}
}

// Instructions counts what the current execution has used.
func (m *Message) Instructions() uint64 {
	if !m.valid() {
		return 0
	}
	return m.in.sys.PerformanceCounter(0)
}

// DataCertificate is the certificate of the certified data, which a query has unless it
// runs replicated.
func (m *Message) DataCertificate() ([]byte, bool) {
	if !m.valid() {
		return nil, false
	}
	return m.in.sys.DataCertificate()
}

// Deadline is when the caller stops waiting, in ns since 1970, 0 for never.
func (m *Message) Deadline() uint64 {
	if !m.valid() || m.cleanup || m.kind != kindUpdate {
		return 0
	}
	return m.in.sys.Deadline()
}

// Reply answers before the handler returns; what it returns then is dropped. Reply is
// Candid.
func (m *Message) Reply(reply []byte) error {
	if err := m.answer(); err != nil {
		return err
	}
	m.in.sys.ReplyAppend(reply)
	m.in.sys.Reply()
	return nil
}

// Reject answers with an error before the handler returns.
func (m *Message) Reject(text string) error {
	if err := m.answer(); err != nil {
		return err
	}
	m.in.sys.Reject([]byte(text))
	return nil
}

// answerable says why the message cannot be answered from here.
func (m *Message) answerable() error {
	switch {
	case !m.valid():
		return ErrForeign
	case m.cleanup:
		return ErrCleanup
	case m.kind == kindStart, m.kind == kindPreUpgrade, m.kind == kindInspect, m.kind == kindTimer:
		return ErrNotAllowed
	}
	return nil
}

// answer marks the message answered, if that is still to be done.
func (m *Message) answer() error {
	if err := m.answerable(); err != nil {
		return err
	}
	if m.answered {
		return ErrAnswered
	}
	m.answered = true
	if m.open > 0 || m.kind == kindOrphan {
		m.in.markAnswered(m.context)
	}
	return nil
}

// finish answers with what a handler returned, unless the handler did.
func (m *Message) finish(reply []byte, err error) {
	if err != nil {
		err = m.Reject(rejectText(err))
	} else {
		err = m.Reply(reply)
	}
	if err != nil && !errors.Is(err, ErrAnswered) {
		m.in.fail(m.method + ": answer: " + err.Error())
	}
}

// RandomBytes are 32 bytes from the network's random beacon, fixed after this call was made.
func (m *Message) RandomBytes() ([]byte, error) {
	reply, err := m.Call(Call{To: principal.Management, Method: "raw_rand", Arg: []byte("DIDL\x00\x00")})
	if err != nil {
		return nil, err
	}
	const head = "DIDL\x01\x6d\x7b\x01\x00\x20" // one vec nat8 of 32 elements
	if len(reply) != len(head)+32 || string(reply[:len(head)]) != head {
		return nil, errors.New("raw_rand gave something other than 32 bytes")
	}
	return reply[len(head):], nil
}
