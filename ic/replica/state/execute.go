package state

import (
	"context"
	"fmt"
	"time"

	"assay/ic/principal"
	"assay/ic/replica/cycles"
	"assay/ic/replica/host"
)

// What becomes of a message's changes to heap and stable memory.
type fate bool

const (
	keep fate = true
	undo fate = false
)

// outcome is a message that ran. Heap and stable memory are settled already; what
// else it did is in x.
type outcome struct {
	x      *host.Execution
	trap   *host.Trap
	before uint64 // bytes of memory that the canister paid for
}

// inputLocked is what every message of a canister sees.
func (m *Machine) inputLocked(c *canister, caller principal.Principal, limit uint64) *host.Input {
	g := m.growthLocked(c)
	return &host.Input{
		Self: c.ID, Subnet: m.config.Subnet, Caller: caller,
		Time: m.mu.Time, Status: int32(c.State), Version: c.Version,
		Balance: c.Balance, Frozen: g.frozen, Grow: g.check, GlobalTimer: c.Timer,
		RootKey: m.config.RootKey, Environment: c.Settings.Environment, Controller: c.controlledBy, Room: c.room,
		Prices: m.config.Prices, Touch: m.config.touch(), Instructions: limit, StableLimit: stableLimit,
	}
}

// runLocked runs a message on a canister's instance and keeps or undoes what it did to
// heap and stable memory.
func (m *Machine) runLocked(ctx context.Context, c *canister, kind, method string, in *host.Input, run func(*host.Execution, place) *host.Trap, f fate) outcome {
	start, before := time.Now(), c.paidBytes()
	x, at := host.NewExecution(in), c.place()
	trap := m.asideLocked(c, func() *host.Trap { return run(x, at) })
	if fault := m.fault(c, kind); trap == nil {
		trap = fault
	}
	if trap == nil {
		trap = checkSenderVersions(x.Calls, in.Version)
	}
	dirty := 0
	if trap == nil && f == keep {
		dirty = at.instance.Commit()
		x.ChargePages(dirty)
		dirty += at.stable.Commit()
		m.mu.counters.Updates++
	} else {
		m.rollbackLocked(ctx, c, at)
	}
	m.mu.running = nil
	m.logLocked(c, x, trap, kind)
	m.observe(MessageStats{
		Canister: c.ID, Kind: kind, Method: method, Instructions: x.Used, HeapPages: c.instance.Pages(), StablePages: c.stable.Pages(),
		DirtyPages: dirty, Duration: time.Since(start), Failed: trap != nil,
	})
	return outcome{x, trap, before}
}

// fault asks a test whether a message traps at its end, for a reason that is no fault of
// the canister's. Each message that may change the canister is asked about once, with its
// kind of [MessageStats]; cleanups, queries and installations are not.
func (m *Machine) fault(c *canister, kind string) *host.Trap {
	if m.config.Fault == nil || kind == "cleanup" || kind == "query" || kind == "inspect" {
		return nil
	}
	if text := m.config.Fault(c.ID, kind); text != "" {
		return &host.Trap{Code: host.CodeTrapped, Message: text}
	}
	return nil
}

// rollbackLocked undoes what a message did to heap and stable memory. It fails only where
// memory for an instance that existed a moment ago cannot be had again.
func (m *Machine) rollbackLocked(ctx context.Context, c *canister, at place) {
	at.stable.Rollback()
	if err := at.instance.Rollback(ctx); err != nil {
		panic(fmt.Sprintf("canister %s: roll back: %v", c.ID, err))
	}
}

func (m *Machine) observe(stats MessageStats) {
	if m.config.Observe != nil {
		m.config.Observe(stats)
	}
}

// logLocked keeps what a message printed, and why it failed. Queries leave nothing in
// the canister's log.
func (m *Machine) logLocked(c *canister, x *host.Execution, trap *host.Trap, kind string) {
	lines := x.Log
	if trap != nil {
		lines = append(lines, "[TRAP]: "+trap.Said())
	}
	for _, line := range lines {
		m.config.Logger.Debug(line, "canister", c.ID.String(), "message", kind)
		if kind != "query" && kind != "inspect" {
			c.log(m.mu.Time, line)
		}
	}
}

// executeLocked runs one message and returns its instructions.
func (m *Machine) executeLocked(ctx context.Context, msg *message) uint64 {
	switch {
	case msg.Kind == responseMessage:
		return m.deliverLocked(ctx, msg)
	case msg.Kind == outcallMessage:
		return m.concludeLocked(ctx, msg.Outcall)
	case msg.Deadline != 0 && msg.Deadline <= m.mu.Time:
		m.loseLocked(msg.Cycles) // its caller has been told already
		return 0
	case msg.Kind == ingressMessage && m.expiredLocked(msg):
		m.respondLocked(msg.origin(), rejectOf(reject(CodeIngressTimeout, "the request expired before it was executed")), msg.Cycles)
		return 0
	case msg.To == principal.Management:
		return m.manageLocked(ctx, msg)
	}
	return m.callLocked(ctx, msg)
}

// expiredLocked also marks a request that is not expired as processing.
func (m *Machine) expiredLocked(msg *message) bool {
	r := m.mu.requests[msg.Request]
	if r == nil || r.Expiry < m.mu.Time {
		return true
	}
	r.Status.Phase = Processing
	return false
}

// callLocked runs a method for a user or a canister.
func (m *Machine) callLocked(ctx context.Context, msg *message) uint64 {
	refuse := func(rej *Reject) uint64 {
		m.respondLocked(msg.origin(), rejectOf(rej), msg.Cycles)
		return 0
	}
	c, rej := m.readyLocked(msg.To)
	if rej != nil {
		return refuse(rej)
	}
	if rej := m.tooFewLocked(c, msg); rej != nil {
		return refuse(rej)
	}
	hook := m.runHookLocked(ctx, c)
	where, entry, rej := replicatedMethod(c, msg.Method)
	in := m.inputLocked(c, msg.Caller, UpdateLimit)
	if where == host.ReplicatedQuery {
		in.Instructions, in.StableLimit = QueryLimit, queryStableLimit
	}
	prepaid, ok := m.prepay(c, in)
	if !ok {
		rej = outOfCycles(c)
	}
	if rej != nil {
		return hook + refuse(rej)
	}
	in.Arg, in.Available, in.Info = msg.Arg, msg.Cycles, msg.Info
	cc := m.openContextLocked(c, msg.origin(), msg.Method, msg.Cycles)
	kind, f := "replicated query", undo
	if where == host.Update {
		kind, f = "update", keep
		in.Deadline, in.HeapLimit = msg.Deadline, c.Settings.WasmMemoryLimit
	}
	r := m.runLocked(ctx, c, kind, msg.Method, in, func(x *host.Execution, at place) *host.Trap {
		return x.Run(ctx, at.instance, at.stable, where, entry)
	}, f)
	m.applyLocked(c, cc, in, r, prepaid, f)
	m.settleLocked(c, cc, r.trap)
	return hook + r.x.Used
}

// tooFewLocked refuses calls of other canisters that carry less than this one asks for.
func (m *Machine) tooFewLocked(c *canister, msg *message) *Reject {
	least := c.Settings.MinimumIncoming
	if msg.Kind != requestMessage || msg.Caller == c.ID || !msg.Cycles.Less(least) {
		return nil
	}
	return reject(CodeTooFewAttached, "Canister %s requires at least %v transferred cycles; %v are attached", c.ID, least, msg.Cycles)
}

// replicatedMethod is how a method runs as a call that goes through the state.
func replicatedMethod(c *canister, method string) (host.Context, string, *Reject) {
	switch c.module.Method(method) {
	case host.UpdateMethod:
		return host.Update, "canister_update " + method, nil
	case host.QueryMethod:
		return host.ReplicatedQuery, "canister_query " + method, nil
	case host.CompositeMethod:
		return 0, "", reject(CodeComposite, "Error from Canister %s: Composite query '%s' cannot be called in replicated mode.", c.ID, method)
	}
	return 0, "", reject(CodeMethodNotFound, "Error from Canister %s: Canister has no update method '%s'.", c.ID, method)
}

// prepay takes the most that a message can cost from the balance that it sees.
func (m *Machine) prepay(c *canister, in *host.Input) (cycles.Amount, bool) {
	most := m.config.Prices.Execution(in.Instructions)
	if in.Balance.Less(m.frozenLocked(c).Add(most)) {
		return cycles.Amount{}, false
	}
	in.Balance = in.Balance.Sub(most)
	return most, true
}

// applyLocked gives the canister what the message did, less what it cost; prepaid is
// what was taken for that before.
func (m *Machine) applyLocked(c *canister, cc *callContext, in *host.Input, r outcome, prepaid cycles.Amount, f fate) {
	cost := m.config.Prices.Execution(r.x.Used)
	balance := in.Balance
	m.bookLocked(&c.Consumed.Instructions, cost)
	cc.Instructions += r.x.Used
	if r.trap == nil {
		balance = r.x.Balance
		m.bookLocked(&c.Consumed.Burned, r.x.Burned)
		cc.Available = cc.Available.Sub(r.x.Accepted)
		if r.x.CertifiedData != nil {
			c.Certified = *r.x.CertifiedData
		}
		c.Timer = r.x.GlobalTimer
		c.Version++
		for _, call := range r.x.Calls {
			m.sendLocked(c, cc, call)
		}
	}
	c.Balance = balance.Add(prepaid.Sub(cost))
	if r.trap == nil && f == keep {
		m.reserveLocked(c, r.before)
		c.watchMemory()
	}
	if r.trap == nil && r.x.Answer != nil {
		m.answerContextLocked(cc, answerOf(c, *r.x.Answer))
	}
}

func answerOf(c *canister, a host.Answer) answer {
	if a.Rejected {
		return rejectOf(reject(CodeRefused, "%s", a.Data))
	}
	return replyOf(a.Data)
}

func (m *Machine) answerContextLocked(cc *callContext, a answer) {
	refund := cc.Available
	cc.Answered, cc.Available = true, cycles.Amount{}
	m.respondLocked(cc.Origin, a, refund)
}

// settleLocked ends a call context that is finished, rejecting it where it never
// answered.
func (m *Machine) settleLocked(c *canister, cc *callContext, trap *host.Trap) {
	if cc.Open == 0 && !cc.Answered {
		rej := noReply(c)
		if trap != nil {
			rej = trapReject(c, trap)
		}
		m.answerContextLocked(cc, rejectOf(rej))
	}
	if cc.Open == 0 {
		delete(c.Contexts, cc.ID)
	}
	m.checkStoppedLocked(c)
}

func noReply(c *canister) *Reject {
	return reject(CodeNoReply, "Error from Canister %s: Canister did not reply to the call.", c.ID)
}

func trapReject(c *canister, trap *host.Trap) *Reject {
	return reject(trap.Code, "Error from Canister %s: %s", c.ID, trap.Message)
}

// deliverLocked runs the callback for a response.
func (m *Machine) deliverLocked(ctx context.Context, msg *message) uint64 {
	c := m.mu.canisters[msg.To]
	if c == nil || c.Callbacks[msg.Callback] == nil {
		m.loseLocked(msg.Cycles)
		return 0
	}
	cb := c.Callbacks[msg.Callback]
	delete(c.Callbacks, cb.ID)
	if c.open[cb.Callee]--; c.open[cb.Callee] == 0 {
		delete(c.open, cb.Callee)
	}
	fee := cycles.Min(m.config.Prices.ReplyBytes(msg.Answer.size()), cb.Held.Reply)
	m.bookLocked(&c.Consumed.Transmission, fee)
	c.Balance = c.Balance.Add(msg.Cycles).Add(cb.Held.Reply.Sub(fee))
	cc := c.Contexts[cb.Context]
	cc.Open--
	if cc.Deleted { // uninstalled meanwhile
		c.Balance = c.Balance.Add(cb.Held.Callback)
		m.settleLocked(c, cc, nil)
		return 0
	}
	in, r := m.callbackLocked(ctx, c, cc, cb, msg)
	failure := r.trap
	if r.trap != nil && cb.HasCleanup {
		in, r = m.cleanupLocked(ctx, c, cc, cb, msg, r.x.Used)
	}
	m.applyLocked(c, cc, in, r, cb.Held.Callback, keep)
	m.settleLocked(c, cc, failure)
	return r.x.Used
}

func (m *Machine) callbackInputLocked(c *canister, cc *callContext, msg *message, limit uint64) *host.Input {
	in := m.inputLocked(c, cc.Origin.caller(), limit)
	in.Deadline, in.Available, in.Answered = cc.Origin.Deadline, cc.Available, cc.Answered
	in.Refunded, in.SpentBefore, in.Info = msg.Cycles, cc.Instructions, cc.Origin.Info
	in.Grow = m.growthLocked(c).checkLater
	if rej := msg.Answer.Reject; rej != nil {
		in.RejectCode, in.RejectMessage = rej.Code, rej.Message
	} else {
		in.Arg = msg.Answer.Reply
	}
	return in
}

// caller is what msg_caller says in the callbacks of a call.
func (o origin) caller() principal.Principal {
	if o.Kind == fromSystem {
		return principal.Management
	}
	return o.Caller
}

func (m *Machine) callbackLocked(ctx context.Context, c *canister, cc *callContext, cb *callback, msg *message) (*host.Input, outcome) {
	in := m.callbackInputLocked(c, cc, msg, callbackLimit)
	where, entry, kind := host.Reply, cb.OnReply, "reply"
	if msg.Answer.Reject != nil {
		where, entry, kind = host.RejectCallback, cb.OnReject, "reject"
	}
	return in, m.runLocked(ctx, c, kind, cb.Method, in, func(x *host.Execution, at place) *host.Trap {
		return x.RunCallback(ctx, at.instance, at.stable, where, entry)
	}, keep)
}

// cleanupLocked runs the cleanup after a callback that trapped and used so many
// instructions.
func (m *Machine) cleanupLocked(ctx context.Context, c *canister, cc *callContext, cb *callback, msg *message, used uint64) (*host.Input, outcome) {
	in := m.callbackInputLocked(c, cc, msg, cleanupLimit)
	r := m.runLocked(ctx, c, "cleanup", cb.Method, in, func(x *host.Execution, at place) *host.Trap {
		return x.RunCallback(ctx, at.instance, at.stable, host.Cleanup, cb.OnCleanup)
	}, keep)
	r.x.Used += used
	return in, r
}
