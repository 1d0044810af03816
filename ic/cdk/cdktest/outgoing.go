//go:build !wasip1

package cdktest

import (
	"errors"

	"assay/ic/candid"
	"assay/ic/cdk"
	"assay/ic/cdk/system"
	"assay/ic/principal"
)

// Outgoing is a call that a canister made and whose answer it has not got.
type Outgoing struct {
	system.Outgoing
	From *Canister

	request *Request // the caller's call context
	callee  *Request // once delivered to a canister
	done    bool
}

// To is the callee.
func (o *Outgoing) To() principal.Principal {
	p, _ := principal.FromBytes(o.Callee)
	return p
}

// Deliver runs the callee's first message, and reports false if that was done before or
// there is neither a canister nor a handler.
func (o *Outgoing) Deliver() bool {
	if o.done || o.callee != nil {
		return false
	}
	n := o.From.network
	if c := n.canister(o.Callee); c != nil {
		if o.request.composite {
			o.callee = c.startQuery(o.From.ID, o.Method, o.Arg, o.request)
		} else {
			o.callee = c.Start(o.From.ID, o.Method, o.Arg, o.Cycles)
		}
		return true
	}
	h, ok := n.handlers[o.To()]
	if !ok {
		return false
	}
	reply, accepted, err := h(o.Method, o.Arg, o.Cycles)
	refund, _ := o.Cycles.Sub(accepted)
	var rejected *cdk.CallError
	switch {
	case errors.As(err, &rejected):
		o.answer(&system.Answer{Code: uint32(rejected.Code), Text: rejected.Message}, refund)
	case err != nil:
		o.answer(&system.Answer{Code: uint32(cdk.CanisterReject), Text: err.Error()}, refund)
	default:
		o.answer(&system.Answer{Reply: reply}, refund)
	}
	return true
}

// Return hands the callee's answer to the caller, and reports false if there is none.
func (o *Outgoing) Return() bool {
	if o.done || o.callee == nil || o.callee.call.Answer == nil {
		return false
	}
	o.answer(o.callee.call.Answer, o.callee.Refund())
	return true
}

// Reply answers in the callee's place; all cycles come back.
func (o *Outgoing) Reply(reply []byte) { o.answer(&system.Answer{Reply: reply}, o.Cycles) }

// Reject answers in the callee's place with a reject; all cycles come back.
func (o *Outgoing) Reject(code cdk.Code, text string) {
	o.answer(&system.Answer{Code: uint32(code), Text: text}, o.Cycles)
}

// answer runs the callback, and the cleanup if that traps.
func (o *Outgoing) answer(a *system.Answer, refund candid.Nat) {
	if o.done {
		o.From.network.t.Fatal("a call was answered twice")
	}
	o.done = true
	o.request.open--
	c := o.From
	back, _ := c.Double.Balance128().Add(refund)
	c.Double.SetBalance(back)
	f := &system.Frame{Context: system.ReplyCallback, Arg: a.Reply, RejectCode: a.Code, RejectMessage: a.Text, Refunded: refund}
	run := func() { c.instance.OnReply(o.ReplyEnv) }
	if a.Code != 0 {
		f.Context = system.RejectCallback
		run = func() { c.instance.OnReject(o.RejectEnv) }
	}
	before := o.request.trap
	o.request.trap = ""
	o.request.message(f, run)
	if o.request.trap == "" {
		o.request.trap = before
		return
	}
	trap := o.request.trap
	o.request.message(&system.Frame{Context: system.Cleanup, RejectCode: a.Code}, func() { c.instance.OnCleanup(o.CleanupEnv) })
	if o.request.trap != trap {
		c.Double.Log = append(c.Double.Log, "cleanup trapped: "+o.request.trap)
	}
}
