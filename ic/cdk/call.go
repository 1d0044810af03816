package cdk

import (
	"fmt"
	"runtime"

	"assay/ic/candid"
	"assay/ic/cdk/system"
	"assay/ic/principal"
)

// Call is a call to another canister.
type Call struct {
	To     principal.Principal
	Method string
	Arg    []byte // Candid
	Cycles candid.Nat
	// Timeout is how many seconds to wait for the answer, at most 300; then the call fails
	// with [SysUnknown] and attached cycles may be lost. 0 waits until the callee answers,
	// which keeps this canister from being stopped.
	Timeout uint32
	// Note is kept with the stored intent, for [Program.Orphan]: which record of the
	// canister's own this call is about. At most 1 KiB.
	Note []byte
}

// MaxNote is the longest [Call.Note] in bytes.
const MaxNote = 1 << 10

// Outcome is what became of a call.
type Outcome struct {
	Reply    []byte
	Err      error      // nil, a [CallError], or why the call could not be made
	Refunded candid.Nat // attached cycles that the callee did not accept
	// Lost says that the call was answered but the answer's content is gone with a trap.
	Lost bool
}

// openCall is a call whose answer is awaited, by the number in its callbacks' environment.
type openCall struct {
	wait  *wait
	index int
	to    principal.Principal
	task  string // of a started task, which nobody awaits
}

// wait is a goroutine parked for one or more answers.
type wait struct {
	m        *Message
	outcomes []Outcome
	left     int
	woken    chan bool // true: all answers are there; false: end the goroutine
}

// The callbacks' fixed places in the function table, kept by the linker in every build, so
// that they mean the same after an upgrade.
const (
	replyFunction   = 1
	rejectFunction  = 2
	cleanupFunction = 3
)

// Call makes a call and parks until the answer is there.
func (m *Message) Call(c Call) ([]byte, error) {
	o := All(m, c)[0]
	return o.Reply, o.Err
}

// All makes calls at the same time and parks until every answer is there. Outcomes are in
// the order of the calls.
func All(m *Message, calls ...Call) []Outcome {
	if err := m.mayCall(); err != nil {
		return refused(err, calls)
	}
	w := &wait{m: m, outcomes: make([]Outcome, len(calls)), woken: make(chan bool, 1)}
	for i := range calls {
		if err := m.send(&calls[i], w, i); err != nil {
			w.outcomes[i] = Outcome{Err: err, Refunded: calls[i].Cycles}
			continue
		}
		w.left++
		m.open++
	}
	if w.left > 0 {
		m.in.gate.park()
		if !<-w.woken {
			runtime.Goexit()
		}
	}
	m.refunded = candid.Nat{}
	for i := range w.outcomes {
		m.refunded, _ = m.refunded.Add(w.outcomes[i].Refunded)
	}
	return w.outcomes
}

func refused(err error, calls []Call) []Outcome {
	out := make([]Outcome, len(calls))
	for i := range out {
		out[i] = Outcome{Err: err, Refunded: calls[i].Cycles}
	}
	return out
}

// mayCall says why m cannot make calls now.
func (m *Message) mayCall() error {
	switch {
	case !m.valid():
		return ErrForeign
	case m.cleanup:
		return ErrCleanup
	case m.kind == kindStart, m.kind == kindPreUpgrade, m.kind == kindQuery, m.kind == kindInspect:
		return ErrNotAllowed
	case !m.owner.mayCall():
		return ErrGoroutine
	case panicking():
		return ErrPanicking
	}
	return nil
}

// panicking reports whether the calling goroutine runs deferred functions for a panic,
// which only its stack tells.
func panicking() bool {
	var pcs [32]uintptr
	for skip := 2; ; skip += len(pcs) {
		n := runtime.Callers(skip, pcs[:])
		for _, pc := range pcs[:n] {
			if f := runtime.FuncForPC(pc - 1); f != nil && f.Name() == "runtime.gopanic" {
				return true
			}
		}
		if n < len(pcs) {
			return false
		}
	}
}

func (m *Message) send(c *Call, w *wait, index int) error {
	if err := m.affordable(c); err != nil {
		return err
	}
	if err := m.crowded(c); err != nil {
		return err
	}
	slot, ok := m.in.slot(&openCall{wait: w, index: index, to: c.To})
	if !ok {
		return &CallError{Code: SysTransient, Message: "too many calls are open"}
	}
	env := m.in.environment(slot)
	if err := m.in.storeIntent(m, c, env); err != nil {
		m.in.freeSlot(slot)
		return err
	}
	if code := m.in.perform(c, env); code != system.PerformedCall {
		m.in.freeSlot(slot)
		m.in.dropIntent(env)
		return &CallError{Code: SysTransient, Message: fmt.Sprintf("the system refused it (%d): a queue is full or cycles are short", code)}
	}
	return nil
}

// affordable refuses what the host would trap for.
func (m *Message) affordable(c *Call) error {
	switch {
	case len(c.Arg) > system.MaxPayload:
		return &CallError{Code: SysFatal, Message: fmt.Sprintf("the argument has %d bytes, at most %d are allowed", len(c.Arg), system.MaxPayload)}
	case len(c.Note) > MaxNote:
		return &CallError{Code: SysFatal, Message: fmt.Sprintf("the note has %d bytes, at most %d are allowed", len(c.Note), MaxNote)}
	case len(c.Method) > maxMethod:
		return &CallError{Code: SysFatal, Message: "the method's name is too long"}
	}
	return m.solvent(c)
}

// maxMethod is the longest name of a method that the kit calls, in bytes.
const maxMethod = 4096

// perform hands the call to the host.
func (in *Instance) perform(c *Call, env uint32) uint32 {
	in.sys.CallNew(c.To.Bytes(), []byte(c.Method), replyFunction, env, rejectFunction, env)
	in.sys.CallOnCleanup(cleanupFunction, env)
	in.sys.CallDataAppend(c.Arg)
	if !c.Cycles.IsZero() {
		in.sys.CallCyclesAdd(c.Cycles.Hi, c.Cycles.Lo)
	}
	if c.Timeout > 0 {
		in.sys.CallBestEffort(min(c.Timeout, system.MaxBestEffort))
	}
	return in.sys.CallPerform()
}

// slot is a number for an open call, below 65536.
func (in *Instance) slot(c *openCall) (uint16, bool) {
	n := len(in.free)
	if n == 0 && len(in.slots) > 0xffff {
		return 0, false
	}
	in.countOpen(c.to, 1)
	if n > 0 {
		s := in.free[n-1]
		in.free = in.free[:n-1]
		in.slots[s] = c
		return s, true
	}
	in.slots = append(in.slots, c)
	return uint16(len(in.slots) - 1), true
}

func (in *Instance) freeSlot(s uint16) {
	if in.slots[s] == nil {
		return
	}
	in.countOpen(in.slots[s].to, -1)
	in.slots[s] = nil
	in.free = append(in.free, s)
}

// environment is what callbacks get: the generation of the module and the slot.
func (in *Instance) environment(slot uint16) uint32 { return uint32(in.generation)<<16 | uint32(slot) }

// lookup is the open call of an environment, nil for one of another generation.
func (in *Instance) lookup(env uint32) *openCall {
	if slot := int(env & 0xffff); uint16(env>>16) == in.generation && slot < len(in.slots) {
		return in.slots[slot]
	}
	return nil
}

// OnReply is the reply callback.
func (in *Instance) OnReply(env uint32) { in.callback(env, Outcome{Reply: in.sys.Arg()}) }

// OnReject is the reject callback.
func (in *Instance) OnReject(env uint32) {
	in.callback(env, Outcome{Err: &CallError{Code: Code(in.sys.RejectCode()), Message: string(in.sys.RejectMessage()), Sent: true}})
}

func (in *Instance) callback(env uint32, o Outcome) {
	c := in.lookup(env)
	if !c.composite() { // whose calls carry no cycles, and which may not ask
		o.Refunded = nat(in.sys.CyclesRefunded())
	}
	switch {
	case c == nil:
		in.orphan(env, o)
	case c.wait == nil:
		in.freeSlot(uint16(env))
		in.taskEnded(c.task, o)
	default:
		in.freeSlot(uint16(env))
		in.resume(c.wait.m, func() {
			if !c.composite() {
				in.dropIntent(env)
			}
			in.deliver(c, o)
		})
	}
}

// composite reports whether a composite query made the call.
func (c *openCall) composite() bool {
	return c != nil && c.wait != nil && c.wait.m.kind == kindComposite
}

// deliver hands an outcome to a parked goroutine and wakes it when it has all.
func (in *Instance) deliver(c *openCall, o Outcome) {
	c.wait.outcomes[c.index] = o
	c.wait.m.open--
	c.wait.left--
	if c.wait.left == 0 {
		in.gate.unpark()
		c.wait.woken <- true
	}
}

// OnCleanup is the cleanup callback: what the callback did is undone, so the call is open
// again here, its goroutine parked and its intent stored.
func (in *Instance) OnCleanup(env uint32) {
	c := in.lookup(env)
	switch {
	case c == nil:
		m := in.message("cleanup of an older generation", kindTimer)
		m.cleanup = true
		in.resume(m, func() { in.loseIntent(env, Code(in.sys.RejectCode())) })
	case c.wait == nil:
		in.freeSlot(uint16(env))
		in.taskEnded(c.task, Outcome{Err: &CallError{Code: CanisterError, Message: "the callback trapped", Sent: true}})
	default:
		in.freeSlot(uint16(env))
		m := c.wait.m
		m.cleanup = true
		in.resume(m, func() {
			if !c.composite() {
				in.loseIntent(env, Code(in.sys.RejectCode()))
			}
			in.abandon(c)
		})
		m.cleanup = false
	}
}

// abandon ends the goroutine of a call whose callback trapped, or, while it awaits other
// calls too, notes the failure.
func (in *Instance) abandon(c *openCall) {
	if c.wait.left > 1 {
		in.deliver(c, Outcome{Lost: true, Err: &CallError{Code: CanisterError, Message: "the callback trapped", Sent: true}})
		return
	}
	c.wait.m.open--
	in.gate.unpark()
	c.wait.woken <- false
}

// Canister is another canister as generated clients take it.
type Canister struct {
	ID      principal.Principal
	Cycles  candid.Nat // attached to every call
	Timeout uint32     // seconds, as in [Call.Timeout]
	Note    []byte     // as in [Call.Note]
}

var _ candid.Caller[*Message] = Canister{}

// Call makes an awaiting call.
func (c Canister) Call(m *Message, method string, _ candid.Kind, arg []byte) ([]byte, error) {
	return m.Call(Call{To: c.ID, Method: method, Arg: arg, Cycles: c.Cycles, Timeout: c.Timeout, Note: c.Note})
}
