package state

import (
	"slices"

	"assay/ic/principal"
	"assay/ic/replica/cycles"
	"assay/ic/replica/host"
)

type messageKind uint8

const (
	ingressMessage messageKind = iota + 1
	requestMessage
	responseMessage
	outcallMessage // the result of an outcall
)

// message waits in the queue.
type message struct {
	Kind   messageKind
	To     principal.Principal
	Caller principal.Principal // ingress: the sender; request: the calling canister
	Method string
	Arg    []byte

	Request   RequestID           // ingress
	Info      host.CallerInfo     // ingress: of the sender
	Effective principal.Principal // ingress to the management canister

	Callback uint64 // request: of the caller; response: of the receiver
	Deadline uint64 // request: 0 for unbounded wait

	Cycles cycles.Amount // request: attached; response: refunded
	Answer answer        // response

	Outcall *OutcallResult
}

// originKind says who waits for a call context's answer.
type originKind uint8

const (
	fromUser originKind = iota + 1
	fromCanister
	fromSystem
)

// origin is who waits for an answer.
type origin struct {
	Kind     originKind
	Request  RequestID           // of a user
	Caller   principal.Principal // of a canister, or the sender
	Info     host.CallerInfo     // of a user
	Callback uint64              // of the calling canister
	Deadline uint64
}

func (msg *message) origin() origin {
	if msg.Kind == ingressMessage {
		return origin{Kind: fromUser, Request: msg.Request, Caller: msg.Caller, Info: msg.Info}
	}
	return origin{Kind: fromCanister, Caller: msg.Caller, Callback: msg.Callback, Deadline: msg.Deadline}
}

// callContext is one incoming call until it is answered and all its own calls are.
type callContext struct {
	ID           uint64
	Origin       origin
	Method       string
	Available    cycles.Amount // attached and not accepted
	Answered     bool
	Deleted      bool   // the code that made its calls is gone
	Open         int    // own calls without a consumed response
	Instructions uint64 // of its messages so far
}

// callback is one outgoing call until its response is consumed.
type callback struct {
	ID, Context uint64
	Callee      principal.Principal
	Method      string
	OnReply     host.Callback
	OnReject    host.Callback
	OnCleanup   host.Callback
	HasCleanup  bool
	Deadline    uint64
	Responded   bool            // a response is in the queue
	Held        cycles.CallCost // Reply and Callback parts, not yet used or given back
}

func (m *Machine) enqueueLocked(msg *message) { m.mu.queue = append(m.mu.queue, msg) }

// openContextLocked begins a call context.
func (m *Machine) openContextLocked(c *canister, o origin, method string, attached cycles.Amount) *callContext {
	m.mu.counters.Context++
	cc := &callContext{ID: m.mu.counters.Context, Origin: o, Method: method, Available: attached, Answered: o.Kind == fromSystem}
	c.Contexts[cc.ID] = cc
	return cc
}

// sendLocked makes a message of a call whose cost the caller has paid.
func (m *Machine) sendLocked(c *canister, cc *callContext, call host.Call) {
	m.mu.counters.Callback++
	cb := &callback{
		ID: m.mu.counters.Callback, Context: cc.ID, Callee: call.Callee, Method: call.Method,
		OnReply: call.OnReply, OnReject: call.OnReject, OnCleanup: call.OnCleanup, HasCleanup: call.HasCleanup,
		Held: cycles.CallCost{Reply: call.Cost.Reply, Callback: call.Cost.Callback},
	}
	m.bookLocked(&c.Consumed.Transmission, call.Cost.Request)
	if call.Bounded {
		cb.Deadline = m.mu.Time + uint64(call.Timeout)*1e9
		m.mu.bounded[cb.ID] = wait{c.ID, cb.Deadline}
	}
	c.Callbacks[cb.ID] = cb
	c.open[call.Callee]++
	cc.Open++
	m.enqueueLocked(&message{
		Kind: requestMessage, To: call.Callee, Caller: c.ID, Method: call.Method, Arg: call.Arg,
		Callback: cb.ID, Deadline: cb.Deadline, Cycles: call.Cycles,
	})
}

// room is how many calls to the callee still fit.
func (c *canister) room(callee principal.Principal) int { return QueueLimit - c.open[callee] }

// respondLocked gives an answer to whoever waits for it, with the cycles that were not
// accepted. What nobody can receive any more is lost.
func (m *Machine) respondLocked(o origin, a answer, refund cycles.Amount) {
	switch o.Kind {
	case fromUser:
		m.answerRequestLocked(o.Request, a)
	case fromCanister:
		m.respondToCanisterLocked(o, a, refund)
		return
	}
	m.loseLocked(refund)
}

func (m *Machine) loseLocked(a cycles.Amount) { m.mu.money.Spent = m.mu.money.Spent.Add(a) }

func (m *Machine) respondToCanisterLocked(o origin, a answer, refund cycles.Amount) {
	c := m.mu.canisters[o.Caller]
	if c == nil {
		m.loseLocked(refund)
		return
	}
	cb := c.Callbacks[o.Callback]
	if cb == nil || cb.Responded { // a late answer to a bounded-wait call
		m.loseLocked(refund)
		return
	}
	cb.Responded = true
	delete(m.mu.bounded, cb.ID)
	m.enqueueLocked(&message{Kind: responseMessage, To: o.Caller, Callback: cb.ID, Cycles: refund, Answer: a})
}

// expireCallsLocked answers bounded-wait calls whose deadline passed. Whether the
// callee did anything nobody knows; its refund is lost when it comes.
func (m *Machine) expireCallsLocked() {
	var late []uint64
	for id, w := range m.mu.bounded {
		if w.Deadline <= m.mu.Time {
			late = append(late, id)
		}
	}
	slices.Sort(late)
	for _, id := range late {
		w := m.mu.bounded[id]
		o := origin{Kind: fromCanister, Caller: w.Caller, Callback: id}
		m.respondToCanisterLocked(o, rejectOf(reject(CodeDeadline, "the deadline of the call passed")), cycles.Amount{})
		delete(m.mu.bounded, id)
	}
}

// Books says where all cycles are.
type Books struct {
	Minted cycles.Amount // by provisional calls
	Held   cycles.Amount // in balances, messages, call contexts and reservations
	Spent  cycles.Amount // on fees, burned, or lost with a late answer
}

// Books adds up all cycles: what was minted is held or spent.
func (m *Machine) Books() Books {
	m.mu.Lock()
	defer m.mu.Unlock()
	held := cycles.Amount{}
	for _, c := range m.mu.canisters {
		held = held.Add(c.Balance)
		for _, cc := range c.Contexts {
			held = held.Add(cc.Available)
		}
		for _, cb := range c.Callbacks {
			held = held.Add(cb.Held.Total())
		}
		held = held.Add(c.Reserved)
		for _, s := range c.Stops {
			held = held.Add(s.Refund)
		}
	}
	for _, o := range m.mu.outcalls {
		held = held.Add(o.Refund)
	}
	for _, msg := range m.mu.queue {
		held = held.Add(msg.Cycles)
	}
	return Books{Minted: m.mu.money.Minted, Held: held, Spent: m.mu.money.Spent}
}
