//go:build !wasip1

package system

import (
	"errors"
	"fmt"
	"slices"

	"assay/ic/candid"
)

// Context is the kind of message that a [Double] executes; it decides which calls are allowed.
type Context uint16

// The contexts, as in the interface specification.
const (
	Start Context = 1 << iota // init and post_upgrade
	Update
	Query // as one node runs it, with a data certificate
	Composite
	ReplyCallback
	RejectCallback
	Cleanup
	Timer // and heartbeat
	Inspect
	PreUpgrade
)

const (
	anywhere  = Start | Update | Query | Composite | ReplyCallback | RejectCallback | Cleanup | Timer | Inspect | PreUpgrade
	answering = Update | Query | Composite | ReplyCallback | RejectCallback
	calling   = Update | Composite | ReplyCallback | RejectCallback | Timer
	changing  = Start | PreUpgrade | Update | ReplyCallback | RejectCallback | Timer
)

// TrapError is how a double ends a message: [Double.Execute] returns it.
type TrapError struct{ Text string }

// Error is the text of the trap.
func (e *TrapError) Error() string { return e.Text }

// CallContext is what the messages of one call share: its attached cycles and its answer.
type CallContext struct {
	Available candid.Nat
	Answer    *Answer // nil before there is one
}

// Answer is a reply, or a reject when Code is not 0.
type Answer struct {
	Reply []byte
	Code  uint32
	Text  string
}

// Outgoing is a call that a message made.
type Outgoing struct {
	Callee                 []byte
	Method                 string
	Arg                    []byte
	Cycles                 candid.Nat
	Seconds                uint32 // of a bounded wait, 0 for none
	ReplyFun, ReplyEnv     uint32
	RejectFun, RejectEnv   uint32
	CleanupFun, CleanupEnv uint32
	hasOnCleanup           bool
}

// Frame is one message: what it brings and, afterwards, what it did.
type Frame struct {
	Context       Context
	Method        string // of an inspected message
	Arg           []byte
	Caller        []byte
	RejectCode    uint32
	RejectMessage string
	Deadline      uint64
	Refunded      candid.Nat
	Call          *CallContext // nil where there is nobody to answer

	Calls    []Outgoing
	Accepted bool // an inspected message was let in

	reply   []byte
	pending *Outgoing
}

// state is what a trap restores.
type state struct {
	stable    []byte
	balance   candid.Nat
	certified []byte
	timer     uint64
	version   uint64
}

// Double plays the host of one canister. It is not safe for concurrent use; the canister
// calls it only while [Double.Execute] runs.
type Double struct {
	ID          []byte
	Controllers [][]byte
	Now         uint64 // ns since 1970
	Root        []byte // root key
	Certificate []byte // what queries see; nil: none
	Freezing    candid.Nat
	Variables   map[string]string // the environment's
	Log         []string
	// Refuse makes the next so many calls to CallPerform fail.
	Refuse int

	state state
	frame *Frame
}

var _ API = (*Double)(nil)

// Execute runs f as the message of a frame. When f traps, what it did is undone, except
// to the Go heap, and the trap is returned.
func (d *Double) Execute(fr *Frame, f func()) (err error) {
	before := d.state
	before.stable = slices.Clone(d.state.stable)
	var context CallContext
	if fr.Call != nil {
		context = *fr.Call
	}
	d.frame = fr
	defer func() {
		d.frame = nil
		r := recover()
		if r == nil {
			d.state.version++
			return
		}
		trap, ok := r.(*TrapError)
		if !ok {
			panic(r)
		}
		d.state, fr.Calls, fr.Accepted, err = before, nil, false, trap
		if fr.Call != nil {
			*fr.Call = context
		}
	}()
	f()
	if fr.Context&(Query|Composite|Inspect) != 0 {
		d.state = before
	}
	return nil
}

// Balance128 is all the cycles the canister has.
func (d *Double) Balance128() candid.Nat { return d.state.balance }

// SetBalance gives the canister cycles.
func (d *Double) SetBalance(n candid.Nat) { d.state.balance = n }

// Stable is the stable memory itself.
func (d *Double) Stable() []byte { return d.state.stable }

// Certified is the certified data.
func (d *Double) Certified() []byte { return d.state.certified }

// TimerAt is when the timer fires, 0 for never.
func (d *Double) TimerAt() uint64 { return d.state.timer }

// Fire turns the timer off, as the system does when it fires.
func (d *Double) Fire() { d.state.timer = 0 }

func (d *Double) trap(format string, args ...any) {
	panic(&TrapError{fmt.Sprintf(format, args...)})
}

// in traps when a call is not allowed in the message's context.
func (d *Double) in(name string, allowed Context) *Frame {
	if d.frame == nil {
		panic(errors.New("system call " + name + " outside a message"))
	}
	if d.frame.Context&allowed == 0 {
		d.trap("IC0504: %s is not allowed in this kind of message", name)
	}
	return d.frame
}

// Arg copies the argument or reply.
func (d *Double) Arg() []byte {
	return slices.Clone(d.in("msg_arg_data_copy", Start|Update|Query|Composite|ReplyCallback|Inspect).Arg)
}

// Caller is who sent the message.
func (d *Double) Caller() []byte { return d.in("msg_caller_copy", anywhere).Caller }

// RejectCode is 0 for a reply.
func (d *Double) RejectCode() uint32 {
	return d.in("msg_reject_code", ReplyCallback|RejectCallback|Cleanup).RejectCode
}

// RejectMessage is the text of a reject.
func (d *Double) RejectMessage() []byte {
	return []byte(d.in("msg_reject_msg_copy", RejectCallback).RejectMessage)
}

// Deadline is the caller's.
func (d *Double) Deadline() uint64 { return d.in("msg_deadline", answering).Deadline }

// ReplyAppend adds to the reply.
func (d *Double) ReplyAppend(data []byte) {
	fr := d.answerable("msg_reply_data_append")
	fr.reply = append(fr.reply, data...)
}

func (d *Double) answerable(name string) *Frame {
	fr := d.in(name, answering)
	if fr.Call == nil || fr.Call.Answer != nil {
		d.trap("IC0504: %s: the call has been answered, or nobody waits", name)
	}
	return fr
}

// Reply answers.
func (d *Double) Reply() {
	fr := d.answerable("msg_reply")
	if len(fr.reply) > MaxPayload {
		d.trap("the reply has %d bytes", len(fr.reply))
	}
	fr.Call.Answer = &Answer{Reply: fr.reply}
}

// Reject answers with a text.
func (d *Double) Reject(text []byte) {
	d.answerable("msg_reject").Call.Answer = &Answer{Code: 4, Text: string(text)}
}

// CyclesAvailable is what is left of the attached cycles.
func (d *Double) CyclesAvailable() (hi, lo uint64) {
	fr := d.in("msg_cycles_available128", Update|ReplyCallback|RejectCallback)
	if fr.Call == nil {
		return 0, 0
	}
	return fr.Call.Available.Hi, fr.Call.Available.Lo
}

// CyclesAccept takes attached cycles.
func (d *Double) CyclesAccept(hi, lo uint64) (gotHi, gotLo uint64) {
	fr := d.in("msg_cycles_accept128", Update|ReplyCallback|RejectCallback)
	take := candid.Nat{Hi: hi, Lo: lo}
	if fr.Call == nil {
		return 0, 0
	}
	if fr.Call.Answer != nil {
		return 0, 0
	}
	if take.Cmp(fr.Call.Available) > 0 {
		take = fr.Call.Available
	}
	fr.Call.Available, _ = fr.Call.Available.Sub(take)
	d.state.balance, _ = d.state.balance.Add(take)
	return take.Hi, take.Lo
}

// CyclesRefunded came back with the answer.
func (d *Double) CyclesRefunded() (hi, lo uint64) {
	fr := d.in("msg_cycles_refunded128", ReplyCallback|RejectCallback)
	return fr.Refunded.Hi, fr.Refunded.Lo
}

// Balance is all cycles.
func (d *Double) Balance() (hi, lo uint64) {
	d.in("canister_cycle_balance128", anywhere)
	return d.state.balance.Hi, d.state.balance.Lo
}

// LiquidBalance is the balance above Freezing.
func (d *Double) LiquidBalance() (hi, lo uint64) {
	d.in("canister_liquid_cycle_balance128", anywhere)
	n, ok := d.state.balance.Sub(d.Freezing)
	if !ok {
		return 0, 0
	}
	return n.Hi, n.Lo
}

// Self is the canister's principal.
func (d *Double) Self() []byte { return d.ID }

// Status is always running.
func (d *Double) Status() uint32 { return StatusRunning }

// Version counts the messages that succeeded.
func (d *Double) Version() uint64 { return d.state.version }

// Time is Now.
func (d *Double) Time() uint64 { return d.Now }

// MethodName is what an inspected message wants.
func (d *Double) MethodName() []byte { return []byte(d.in("msg_method_name_copy", Inspect).Method) }

// AcceptMessage lets an inspected message in.
func (d *Double) AcceptMessage() { d.in("accept_message", Inspect).Accepted = true }

// CallNew begins a call and drops one that was not performed.
func (d *Double) CallNew(callee, method []byte, replyFun, replyEnv, rejectFun, rejectEnv uint32) {
	fr := d.in("call_new", calling)
	d.drop(fr)
	fr.pending = &Outgoing{
		Callee: slices.Clone(callee), Method: string(method),
		ReplyFun: replyFun, ReplyEnv: replyEnv, RejectFun: rejectFun, RejectEnv: rejectEnv,
	}
}

func (d *Double) drop(fr *Frame) {
	if fr.pending != nil {
		d.state.balance, _ = d.state.balance.Add(fr.pending.Cycles)
	}
	fr.pending = nil
}

func (d *Double) building(name string) *Outgoing {
	if fr := d.in(name, calling); fr.pending != nil {
		return fr.pending
	}
	d.trap("%s without call_new", name)
	return nil
}

// CallOnCleanup names the cleanup callback, once.
func (d *Double) CallOnCleanup(fun, env uint32) {
	c := d.building("call_on_cleanup")
	if c.hasOnCleanup {
		d.trap("call_on_cleanup called twice")
	}
	c.CleanupFun, c.CleanupEnv, c.hasOnCleanup = fun, env, true
}

// CallDataAppend adds to the argument.
func (d *Double) CallDataAppend(data []byte) {
	c := d.building("call_data_append")
	c.Arg = append(c.Arg, data...)
}

// CallCyclesAdd attaches cycles and traps when there are not so many.
func (d *Double) CallCyclesAdd(hi, lo uint64) {
	c := d.building("call_cycles_add128")
	n := candid.Nat{Hi: hi, Lo: lo}
	rest, ok := d.state.balance.Sub(n)
	if !ok {
		d.trap("IC0207: fewer cycles than call_cycles_add128 asks for")
	}
	d.state.balance = rest
	c.Cycles, _ = c.Cycles.Add(n)
}

// CallBestEffort bounds the wait.
func (d *Double) CallBestEffort(seconds uint32) {
	d.building("call_with_best_effort_response").Seconds = min(seconds, MaxBestEffort)
}

// CostCall is the price in a subnet of 13 nodes.
func (d *Double) CostCall(name, arg uint64) (hi, lo uint64) {
	d.in("cost_call", anywhere)
	return 0, 42_102_412_000 + 1000*(name+arg)
}

// CallPerform sends the call, or fails if [Double.Refuse] says so.
func (d *Double) CallPerform() uint32 {
	c := d.building("call_perform")
	if d.Refuse > 0 {
		d.Refuse--
		d.drop(d.frame)
		return 2
	}
	d.frame.Calls = append(d.frame.Calls, *c)
	d.frame.pending = nil
	return PerformedCall
}

// StableSize is in pages.
func (d *Double) StableSize() uint64 { return uint64(len(d.state.stable)) / PageBytes }

// StableGrow adds up to 1 GiB in all.
func (d *Double) StableGrow(pages uint64) uint64 {
	before := d.StableSize()
	if pages > 1<<14 || before+pages > 1<<14 {
		return ^uint64(0)
	}
	d.state.stable = append(d.state.stable, make([]byte, pages*PageBytes)...)
	return before
}

// StableWrite traps beyond the size.
func (d *Double) StableWrite(offset uint64, data []byte) {
	copy(d.window("stable64_write", offset, len(data)), data)
}

// StableRead traps beyond the size.
func (d *Double) StableRead(offset uint64, into []byte) {
	copy(into, d.window("stable64_read", offset, len(into)))
}

func (d *Double) window(name string, offset uint64, n int) []byte {
	if size := uint64(len(d.state.stable)); offset > size || size-offset < uint64(n) {
		d.trap("%s: %d bytes at %d are beyond the stable memory", name, n, offset)
	}
	return d.state.stable[offset : offset+uint64(n)]
}

// RootKey is Root.
func (d *Double) RootKey() []byte {
	d.in("root_key_copy", Start|PreUpgrade|Update|ReplyCallback|RejectCallback|Cleanup|Timer)
	return d.Root
}

// SetCertifiedData keeps up to 32 bytes.
func (d *Double) SetCertifiedData(data []byte) {
	d.in("certified_data_set", changing)
	if len(data) > MaxCertified {
		d.trap("certified_data_set: %d bytes", len(data))
	}
	d.state.certified = slices.Clone(data)
}

// DataCertificate is Certificate, in queries.
func (d *Double) DataCertificate() ([]byte, bool) {
	if d.in("data_certificate_present", anywhere).Context&(Query|Composite) == 0 {
		return nil, false
	}
	return d.Certificate, d.Certificate != nil
}

// SetTimer arms the timer.
func (d *Double) SetTimer(at uint64) uint64 {
	d.in("global_timer_set", changing&^PreUpgrade|Cleanup)
	before := d.state.timer
	d.state.timer = at
	return before
}

// PerformanceCounter counts nothing here.
func (d *Double) PerformanceCounter(kind uint32) uint64 {
	if kind > PerformContext {
		d.trap("performance_counter: no counter %d", kind)
	}
	return 0
}

// IsController looks in Controllers.
func (d *Double) IsController(principal []byte) bool {
	return slices.ContainsFunc(d.Controllers, func(c []byte) bool { return string(c) == string(principal) })
}

// Environment looks in Variables.
func (d *Double) Environment(name []byte) ([]byte, bool) {
	if len(name) > MaxEnvironment {
		d.Trap(fmt.Appendf(nil, "env_var_name_exists: a name of %d bytes", len(name)))
	}
	v, ok := d.Variables[string(name)]
	return []byte(v), ok
}

// Replicated is false in queries.
func (d *Double) Replicated() bool {
	return d.in("in_replicated_execution", anywhere).Context&(Query|Composite) == 0
}

// Print appends to Log.
func (d *Double) Print(text []byte) { d.Log = append(d.Log, string(text)) }

// Trap ends the message.
func (d *Double) Trap(text []byte) { d.trap("%s", text) }
