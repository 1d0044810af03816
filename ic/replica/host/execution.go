package host

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/tetratelabs/wazero/api"

	"assay/ic/principal"
	"assay/ic/replica/cycles"
)

// Limits of one message.
const (
	MaxReply      = 2 << 20  // bytes of a reply that goes into the state
	MaxQueryReply = 3 << 20  // bytes of a query's reply
	MaxPayload    = 10 << 20 // bytes of a call's method name and argument
	MaxMethodName = 20_000   // bytes of the name of a called method
	MaxCertified  = 32       // bytes of certified data
	MaxCallWait   = 300      // seconds of a bounded-wait call
	maxLogLine    = 32 << 10
)

// Error codes of a failed execution.
const (
	CodeTrapped          = "IC0502"
	CodeCalledTrap       = "IC0503"
	CodeContract         = "IC0504"
	CodeOutOfMemory      = "IC0507"
	CodeNoFunction       = "IC0513"
	CodeInstructionLimit = "IC0522"
	CodeMemoryAccess     = "IC0524"
	CodeMemoryLimit      = "IC0539"
)

// Trap is how an execution failed.
type Trap struct {
	Code    string
	Message string
	Text    string // what the canister itself said, where it called trap
}

// Said is what a canister's log keeps of the trap.
func (t *Trap) Said() string {
	if t.Code == CodeCalledTrap {
		return t.Text
	}
	return strings.TrimPrefix(t.Message, "Canister trapped: ")
}

// Error is the message.
func (t *Trap) Error() string { return t.Message }

// Input is what a message sees of the world. It is not changed.
type Input struct {
	Self, Subnet, Caller principal.Principal
	Info                 CallerInfo
	Arg                  []byte
	Method               string        // for inspect_message
	RejectCode           int           // in callbacks; 0 for a reply
	RejectMessage        string        // in reject callbacks
	Deadline             uint64        // nanoseconds; 0 for unbounded wait
	Available            cycles.Amount // attached and not yet accepted
	Answered             bool          // the call context has its answer already
	Refunded             cycles.Amount // in callbacks

	Time        uint64 // nanoseconds since 1970
	Status      int32  // as the system call reports it
	Version     uint64
	Balance     cycles.Amount
	Frozen      func(heap uint32, stable uint64) cycles.Amount                // what must stay in the balance with so many Wasm pages; nil: nothing
	Grow        func(heap uint32, stable uint64, balance cycles.Amount) *Trap // whether memory may have that size; nil: it may
	GlobalTimer uint64
	RootKey     []byte
	Environment []Variable // sorted by name
	Controller  func(principal.Principal) bool
	Certificate func() []byte                        // nil where there is none
	Room        func(callee principal.Principal) int // calls that still fit to that canister
	Prices      cycles.Prices

	Instructions uint64 // limit
	SpentBefore  uint64 // by earlier messages of the same call context
	HeapLimit    uint64 // bytes; 0: the format's
	StableLimit  uint64 // bytes of stable memory that may be read, and written; 0: any
	Touch        cycles.Touch
}

// CallerInfo are attributes of a caller whose identity is a canister's signature. The
// zero value says nothing.
type CallerInfo struct {
	Data   []byte
	Signer principal.Principal // the canister that signed
}

// Variable is one environment variable of a canister.
type Variable struct{ Name, Value string }

// Call is an inter-canister call that a message made.
type Call struct {
	Callee     principal.Principal
	Method     string
	Arg        []byte
	Cycles     cycles.Amount
	Cost       cycles.CallCost // taken from the balance already
	Bounded    bool            // the wait for an answer ends after Timeout
	Timeout    uint32          // seconds
	OnReply    Callback
	OnReject   Callback
	OnCleanup  Callback
	HasCleanup bool
}

// Callback is a table slot and what to call it with.
type Callback struct{ Slot, Env uint32 }

// Answer is a reply or a reject.
type Answer struct {
	Rejected bool
	Data     []byte // the reply, or the reject message
}

// Execution is one message being run, and afterwards what it did. Several entry
// points may run in one execution, on one instance or two, as an install does; they
// share limits and effects.
type Execution struct {
	Input *Input

	Answer        *Answer
	Calls         []Call
	Balance       cycles.Amount // after accepting, attaching and burning
	Accepted      cycles.Amount
	Burned        cycles.Amount
	CertifiedData *[]byte
	GlobalTimer   uint64
	Accept        bool // inspect_message said yes
	Log           []string
	Used          uint64 // instructions

	where       Context
	instance    *Instance
	stable      *Stable
	memory      api.Memory
	call        string // the system call being served
	pending     *Call
	reply       []byte
	fault       *Trap
	perCall     map[principal.Principal]int
	touched     touched // of stable memory
	heapTouched touched
}

// NewExecution starts a message.
func NewExecution(in *Input) *Execution {
	return &Execution{Input: in, Balance: in.Balance, GlobalTimer: in.GlobalTimer}
}

type executionKey struct{}

// executionContext carries the execution to the system calls.
type executionContext struct {
	context.Context
	x *Execution
}

// Value finds the execution before anything else.
func (c executionContext) Value(key any) any {
	if _, ok := key.(executionKey); ok {
		return c.x
	}
	return c.Context.Value(key)
}

// Run runs an exported entry point, nothing if it is not exported. On a trap the
// caller rolls back instance and stable memory, and keeps of the execution no more
// than Used and Log.
func (x *Execution) Run(ctx context.Context, i *Instance, s *Stable, where Context, entry string) *Trap {
	if err := i.begin(ctx); err != nil {
		return &Trap{Code: CodeTrapped, Message: err.Error()}
	}
	f := i.run.function(entry)
	if f == nil {
		return nil
	}
	return x.run(ctx, i, s, where, f)
}

// RunCallback runs a table entry.
func (x *Execution) RunCallback(ctx context.Context, i *Instance, s *Stable, where Context, cb Callback) *Trap {
	if err := i.begin(ctx); err != nil {
		return &Trap{Code: CodeTrapped, Message: err.Error()}
	}
	f, err := i.run.callback(cb.Slot)
	if err != nil {
		return &Trap{Code: CodeNoFunction, Message: fmt.Sprintf("Canister requested to invoke a non-existent Wasm function %d from table 0: %v", cb.Slot, err)}
	}
	return x.run(ctx, i, s, where, f, uint64(cb.Env))
}

func (x *Execution) run(ctx context.Context, i *Instance, s *Stable, where Context, f api.Function, args ...uint64) *Trap {
	x.where, x.instance, x.stable, x.memory = where, i, s, i.run.mod.Memory()
	left := x.Input.Instructions - min(x.Used, x.Input.Instructions)
	i.run.counter.Set(left)
	i.run.forgetTouched()
	i.run.mayGrow = x.mayGrow
	_, err := f.Call(executionContext{ctx, x}, args...)
	i.run.mayGrow = nil
	after := int64(i.run.counter.Get())
	x.Used += left - uint64(max(after, 0))
	x.drop()
	i.run.forgetDeep(f)
	switch {
	case x.fault != nil:
		return x.fault
	case err == nil:
		return x.memoryTrap(i.Pages())
	case after < 0:
		return x.exhausted()
	}
	return &Trap{Code: CodeTrapped, Message: "Canister trapped: " + reason(err)}
}

// mayGrow is whether memory.grow succeeds. It fails where there is no more memory; where
// the canister may not have it or cannot pay for it, the whole run fails, too.
func (x *Execution) mayGrow(pages uint32) bool {
	trap := x.memoryTrap(pages)
	if trap != nil && trap.Code != CodeOutOfMemory {
		x.fault = trap
	}
	return trap == nil
}

// memoryTrap says what is wrong with a heap of so many pages.
func (x *Execution) memoryTrap(pages uint32) *Trap {
	if used := uint64(pages) * WasmPage; x.Input.HeapLimit != 0 && used > x.Input.HeapLimit && x.where != PreUpgrade {
		return &Trap{Code: CodeMemoryLimit, Message: fmt.Sprintf("Canister exceeded its current Wasm memory limit of %d bytes. The peak Wasm memory usage was %d bytes.", x.Input.HeapLimit, used)}
	}
	if x.Input.Grow != nil {
		return x.Input.Grow(pages, x.stable.Pages(), x.Balance)
	}
	return nil
}

func (x *Execution) exhausted() *Trap {
	return &Trap{Code: CodeInstructionLimit, Message: fmt.Sprintf("Canister exceeded the limit of %d instructions for single message execution.", x.Input.Instructions)}
}

// ChargePages adds what changed pages of the heap cost, up to the limit.
func (x *Execution) ChargePages(dirty int) {
	x.Used = min(x.Used+uint64(dirty)*x.Input.Touch.Dirty, x.Input.Instructions)
}

// traps are the words of the Internet Computer for what the engine says.
var traps = []struct{ engine, word string }{
	{"unreachable", "unreachable"},
	{"out of bounds memory access", "heap out of bounds"},
	{"invalid table access", "table out of bounds"},
	{"integer divide by zero", "integer division by 0"},
	{"stack overflow", "stack overflow"},
	{"indirect call type mismatch", "indirect call type mismatch"},
}

// reason is what the engine says, in the usual words.
func reason(err error) string {
	line, _, _ := strings.Cut(err.Error(), "\n")
	for _, t := range traps {
		if strings.Contains(line, t.engine) {
			return t.word
		}
	}
	line = strings.TrimPrefix(line, "wasm error: ")
	return strings.TrimSuffix(line, " (recovered by wazero)")
}

var errTrap = errors.New("trap")

// trap ends the run. The engine turns the panic into the error that run sees.
func (x *Execution) trap(code, format string, args ...any) {
	x.fault = &Trap{Code: code, Message: fmt.Sprintf(format, args...)}
	panic(errTrap)
}

// violate ends the run of a canister that does what no canister may.
func (x *Execution) violate(format string, args ...any) {
	x.trap(CodeContract, "Canister violated contract: "+format, args...)
}

// charge takes instructions for a system call.
func (x *Execution) charge(n uint64) {
	left := int64(x.instance.run.counter.Get()) - int64(min(n, 1<<62))
	x.instance.run.counter.Set(uint64(left))
	if left < 0 {
		x.fault = x.exhausted()
		panic(errTrap)
	}
}

// bytes is a view of the canister's memory, valid until it runs again.
func (x *Execution) bytes(at, size uint32) []byte {
	if x.memory != nil {
		if view, ok := x.memory.Read(at, size); ok {
			x.touchHeap(uint64(at), uint64(size))
			return view
		}
	} else if at == 0 && size == 0 {
		return nil
	}
	x.violate("ic0.%s heap: src=%d + length=%d exceeds the memory of %d pages", x.call, at, size, x.instance.Pages())
	return nil
}

// copied is a charged copy of the canister's memory.
func (x *Execution) copied(at, size uint32) []byte {
	view := x.bytes(at, size)
	x.charge(uint64(size))
	return append([]byte{}, view...)
}

// copyOut answers a system call that copies a part of data to the canister.
func (x *Execution) copyOut(dst, offset, size uint32, data []byte) {
	if uint64(offset)+uint64(size) > uint64(len(data)) {
		x.violate("ic0.%s payload: src=%d + length=%d exceeds the slice size=%d", x.call, offset, size, len(data))
	}
	view := x.bytes(dst, size)
	x.charge(uint64(size))
	copy(view, data[offset:])
}

func (x *Execution) putCycles(dst uint32, a cycles.Amount) { a.Put(x.bytes(dst, cycles.Size)) }

// low64 is an amount for the 64-bit forms, which trap on larger ones.
func (x *Execution) low64(a cycles.Amount) uint64 {
	n, ok := a.Uint64()
	if !ok {
		x.trap(CodeTrapped, "Canister trapped: cycles amount exceeds 64-bit representation")
	}
	return n
}

// liquid is what may be spent: the balance without what must stay for storage.
func (x *Execution) liquid() cycles.Amount {
	if x.Input.Frozen == nil {
		return x.Balance
	}
	return x.Balance.SubFloor(x.Input.Frozen(x.instance.Pages(), x.stable.Pages()))
}

// spend takes cycles from the balance, leaving what must stay.
func (x *Execution) spend(a cycles.Amount) bool {
	if x.liquid().Less(a) {
		return false
	}
	x.Balance = x.Balance.Sub(a)
	return true
}
