package cdk

import (
	"fmt"

	"assay/ic/candid"
	"assay/ic/principal"
)

// MaxOpenCalls is how many calls to one canister may be open. The system has room for as
// many messages between two canisters; the kit refuses the next one before it does.
const MaxOpenCalls = 500

// countOpen notes a call to a canister that is open, or, with -1, one that is not any more.
func (in *Instance) countOpen(to principal.Principal, by int) {
	if n := in.open[to] + by; n > 0 {
		in.open[to] = n
	} else {
		delete(in.open, to)
	}
}

// countIntents counts the calls that the module before this one left open.
func (in *Instance) countIntents() error {
	var failed error
	in.intents.Scan([]byte{prefixOpen}, func(key, value []byte) bool {
		if key[0] != prefixOpen {
			return false
		}
		r, err := decodeRecord(value)
		if failed = err; err == nil {
			in.countOpen(r.intent.To, 1)
		}
		return err == nil
	})
	return failed
}

func (in *Instance) openCalls() (n int) {
	for _, to := range in.open {
		n += to
	}
	return n
}

// crowded refuses a call that the system's queue has no room for.
func (m *Message) crowded(c *Call) error {
	if m.kind != kindComposite && m.in.open[c.To] >= MaxOpenCalls {
		return &CallError{Code: SysTransient, Message: fmt.Sprintf("%d calls to %s are open, as many as fit", MaxOpenCalls, c.To)}
	}
	return nil
}

// solvent refuses a call that attaches cycles which are not there, or after which the
// canister would hold less than its reserve. The system holds back the price of the
// longest possible answer while a call is open, about 42 billion cycles in a subnet of
// 13 nodes; those of calls that are open already are not in the liquid balance.
func (m *Message) solvent(c *Call) error {
	reserve := m.in.program.Reserve
	if m.kind == kindComposite {
		if !c.Cycles.IsZero() {
			return ErrNotAllowed
		}
		return nil
	}
	if c.Cycles.IsZero() && reserve.IsZero() {
		return nil
	}
	liquid := m.LiquidBalance()
	if liquid.Cmp(c.Cycles) < 0 {
		return &CallError{Code: SysTransient, Message: "fewer liquid cycles than the call attaches"}
	}
	if reserve.IsZero() {
		return nil
	}
	price := nat(m.in.sys.CostCall(uint64(len(c.Method)), uint64(len(c.Arg))))
	if left, ok := subtract(liquid, c.Cycles, price); !ok || left.Cmp(reserve) < 0 {
		return &CallError{Code: SysTransient, Message: fmt.Sprintf(
			"the canister keeps a reserve of %s cycles: of %s liquid cycles the call attaches %s and holds back %s", reserve, liquid, c.Cycles, price)}
	}
	return nil
}

func subtract(n candid.Nat, parts ...candid.Nat) (candid.Nat, bool) {
	for _, p := range parts {
		var ok bool
		if n, ok = n.Sub(p); !ok {
			return n, false
		}
	}
	return n, true
}

// Refunded is what came back of the cycles that the last [Message.Call] or [All] of this
// message attached.
func (m *Message) Refunded() candid.Nat { return m.refunded }
