//go:build !wasip1

package cdktest

import (
	"errors"

	"assay/ic/candid"
	"assay/ic/cdk"
	"assay/ic/cdk/system"
	"assay/ic/principal"
)

// Canister is one canister of a [Network].
type Canister struct {
	ID     principal.Principal
	Double *system.Double // its host: balance, timer, log, certified data
	// Stopped makes the canister refuse calls and keeps its timer from firing. Answers to
	// its own calls still come.
	Stopped bool

	network  *Network
	program  cdk.Program
	instance *cdk.Instance
	trapIn   int // messages until one is made to trap, counting it; 0: none
}

// execute runs one message of the canister and sends the calls it made.
func (c *Canister) execute(f *system.Frame, run func()) error {
	c.Double.Now = c.network.now
	err := c.Double.Execute(f, run)
	if err != nil || f.Context&(system.Query|system.Composite|system.Inspect) != 0 {
		if err := c.instance.RolledBack(); err != nil {
			c.network.t.Fatalf("after a rollback: %v", err)
		}
	}
	return err
}

// Request is a call to a canister and its answer.
type Request struct {
	canister  *Canister
	call      *system.CallContext
	caller    principal.Principal
	composite bool     // of a query: it calls queries alone
	parent    *Request // whose composite query asked
	open      int      // calls of its own that have not come back
	trap      string
}

// Start runs the first message of a call and delivers nothing.
func (c *Canister) Start(caller principal.Principal, method string, arg []byte, cycles candid.Nat) *Request {
	r := &Request{canister: c, caller: caller, call: &system.CallContext{Available: cycles}}
	if c.Stopped {
		return r.refuse(stopped)
	}
	hash := candid.FieldID(method)
	r.message(&system.Frame{Context: system.Update, Arg: arg}, func() { c.instance.Update(hash) })
	return r
}

// Update makes a call and settles the network. The error is a [cdk.CallError].
func (c *Canister) Update(caller principal.Principal, method string, arg []byte, cycles ...candid.Nat) ([]byte, error) {
	var attached candid.Nat
	for _, n := range cycles {
		attached, _ = attached.Add(n)
	}
	r := c.Start(caller, method, arg, attached)
	c.network.Settle()
	reply, err, done := r.Result()
	if !done {
		c.network.t.Fatalf("%s: no answer; calls are open", method)
	}
	return reply, err
}

// Query runs a query; what it changed is undone.
func (c *Canister) Query(caller principal.Principal, method string, arg []byte) ([]byte, error) {
	r := &Request{canister: c, caller: caller, call: &system.CallContext{}}
	if c.Stopped {
		r.refuse(stopped)
	} else {
		hash := candid.FieldID(method)
		r.message(&system.Frame{Context: system.Query, Arg: arg}, func() { c.instance.Query(hash) })
	}
	reply, err, _ := r.Result()
	return reply, err
}

// Inspect asks whether an ingress message would be let in.
func (c *Canister) Inspect(caller principal.Principal, method string, arg []byte) bool {
	f := &system.Frame{Context: system.Inspect, Method: method, Arg: arg, Caller: caller.Bytes()}
	return c.execute(f, c.instance.Inspect) == nil && f.Accepted
}

// Heartbeat runs the canister's heartbeat once, which the system does every round.
func (c *Canister) Heartbeat() error {
	r := &Request{canister: c}
	r.message(&system.Frame{Context: system.Timer}, c.instance.Heartbeat)
	if r.trap != "" {
		return errors.New(r.trap)
	}
	return nil
}

// CompositeQuery runs a composite query and settles the network.
func (c *Canister) CompositeQuery(caller principal.Principal, method string, arg []byte) ([]byte, error) {
	r := c.startQuery(caller, method, arg, nil)
	c.network.Settle()
	reply, err, done := r.Result()
	if !done {
		c.network.t.Fatalf("%s: no answer; calls are open", method)
	}
	return reply, err
}

// startQuery runs the first message of a query or composite query, as another composite
// query or a user calls it.
func (c *Canister) startQuery(caller principal.Principal, method string, arg []byte, parent *Request) *Request {
	r := &Request{canister: c, caller: caller, call: &system.CallContext{}, composite: true, parent: parent}
	if c.Stopped {
		return r.refuse(stopped)
	}
	for ; parent != nil; parent = parent.parent {
		if parent.canister == c {
			return r.refuse("the canister is called in a loop of queries")
		}
	}
	hash := candid.FieldID(method)
	for _, m := range c.program.Methods {
		switch {
		case m.Name == method && m.Kind == candid.CompositeQuery:
			r.message(&system.Frame{Context: system.Composite, Arg: arg}, func() { c.instance.CompositeQuery(hash) })
			return r
		case m.Name == method && m.Kind == candid.Query:
			r.message(&system.Frame{Context: system.Query, Arg: arg}, func() { c.instance.Query(hash) })
			return r
		}
	}
	return r.refuse("IC0536: no query method of this name")
}

const stopped = "IC0508: the canister is stopped"

// refuse answers for the system.
func (r *Request) refuse(text string) *Request {
	r.trap = text
	r.close()
	return r
}

// Upgrade runs PreUpgrade, replaces the program and runs PostUpgrade. Calls that are open stay open: to
// stop first is the test's choice. After an error the old program goes on.
func (c *Canister) Upgrade(p cdk.Program, arg []byte) error {
	old, program := c.instance, c.program
	if err := c.execute(&system.Frame{Context: system.PreUpgrade}, old.PreUpgrade); err != nil {
		return err
	}
	c.instance, c.program = cdk.NewInstance(p, c.Double), p
	timer := c.Double.TimerAt()
	c.Double.Fire()
	err := c.execute(&system.Frame{Context: system.Start, Arg: arg}, c.instance.PostUpgrade)
	if err != nil {
		c.instance, c.program = old, program
		_ = c.Double.Execute(&system.Frame{Context: system.Timer}, func() { c.Double.SetTimer(timer) })
	}
	return err
}

// Tick fires the canister's timer if it is due and reports whether it was. The timer
// of a canister that is stopped waits.
func (c *Canister) Tick() bool {
	at := c.Double.TimerAt()
	if at == 0 || at > c.network.now || c.Stopped {
		return false
	}
	c.Double.Fire()
	r := &Request{canister: c}
	r.message(&system.Frame{Context: system.Timer}, c.instance.Timer)
	return true
}

// TrapText is in the text of a trap that a test asked for.
const TrapText = "trapped by the test"

// TrapNext makes one message of the canister trap: the next, or the one after so many
// more. Updates, callbacks of replies and rejects, timers and heartbeats count; queries,
// cleanups and installations do not. The message does nothing at all, not even to the Go
// heap, so a goroutine that awaits is there for the cleanup, as it is on chain.
func (c *Canister) TrapNext(after int) { c.trapIn = after + 1 }

// trapsNow counts a message.
func (c *Canister) trapsNow() bool {
	if c.trapIn == 0 {
		return false
	}
	c.trapIn--
	return c.trapIn == 0
}

// message runs one message of the request's call context.
func (r *Request) message(f *system.Frame, run func()) {
	const counted = system.Update | system.ReplyCallback | system.RejectCallback | system.Timer
	if !r.composite && f.Context&counted != 0 && r.canister.trapsNow() {
		run = func() { r.canister.Double.Trap([]byte(TrapText)) }
	}
	f.Caller, f.Call = r.caller.Bytes(), r.call
	if err := r.canister.execute(f, run); err != nil {
		r.trap = err.Error()
	}
	for _, call := range f.Calls {
		r.open++
		r.canister.network.calls = append(r.canister.network.calls, &Outgoing{Outgoing: call, From: r.canister, request: r})
	}
	r.close()
}

// close answers for a canister that will not any more.
func (r *Request) close() {
	if r.call == nil || r.call.Answer != nil || r.open > 0 {
		return
	}
	text := r.trap
	if text == "" {
		text = "IC0506: the canister did not answer"
	}
	r.call.Answer = &system.Answer{Code: uint32(cdk.CanisterError), Text: text}
}

// Result is the answer, if there is one.
func (r *Request) Result() (reply []byte, err error, done bool) { //nolint:revive // done qualifies both
	a := r.call.Answer
	switch {
	case a == nil:
		return nil, nil, false
	case a.Code != 0:
		return nil, &cdk.CallError{Code: cdk.Code(a.Code), Message: a.Text, Sent: true}, true
	}
	return a.Reply, nil, true
}

// Refund is what is left of the attached cycles.
func (r *Request) Refund() candid.Nat { return r.call.Available }
