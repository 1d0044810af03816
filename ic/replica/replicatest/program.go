// Package replicatest is a canister for tests that does what its messages say.
//
// Tests of ic/replica and its door install [Wasm] and send it programs, built with
// [Program]: reply, trap, write here and there, call another canister and run this
// program on its answer. Methods: update "run", query "read", composite query "ask";
// canister_init and canister_post_upgrade run their argument too; the other entry points
// run what a program left for them ([Program.OnTimer], [Program.OnUpgrade], …). Every
// function of ic0 can be called with operands of all kinds:
//
//	p.Do("stable64_write", 0, "abc").Give(Blob("msg_caller")).Put(Of("stable64_size")).Send()
//
// The module is assembled by this package, so no compiler is needed.
package replicatest

import (
	"encoding/binary"

	"assay/ic/principal"
)

type opcode byte

const (
	opEnd opcode = iota
	opReply
	opReject
	opTrap
	opCall
	opAccept
	opStableGrow
	opStableWrite
	opStableAppend
	opAdd
	opAppendCell
	opCertify
	opTimer
	opSpin
	opHeapGrow
	opPrint
	opAppend
	opSend
	opAppendCertificate
	opAppendTime
	opAppendArg
	opAppendBalance
	opAppendRefunded
	opAppendRejectCode
	opAppendCounter
	opBurn
	opAppendCaller
	opOnTimer
	opUnreachable
	opForever
	opAppendStableSize
	opAddGlobal
	opAppendGlobal
	opOnUpgrade
	opAppendPerformed
	opAppendAvailable
	opTouch
	opAppendDeadline
	opPush
	opPushBlob
	opPushProgram
	opPushCell
	opPushKept
	opPushBuffer
	opBuffer
	opSystem
	opFetch
	opDrop
	opSum
	opDifference
	opLess
	opEqual
	opMemorySize
	opMemoryGrow
	opGive
	opPut
	opSetCell
	opKeep
	opPoke
	opJump
	opUnless
	opOnHeartbeat
	opOnLowMemory
	opOnInspect
	opRunArg
	opRunAt
	opOnTransform
	opDeny opcode = 0xfe
)

// Program is a list of steps. Methods append a step and return the longer program;
// the zero value does nothing.
type Program []byte

func (p Program) op(o opcode) Program            { return append(p[:len(p):len(p)], byte(o)) }
func (p Program) u32(v uint32) Program           { return binary.LittleEndian.AppendUint32(p, v) }
func (p Program) u64(v uint64) Program           { return binary.LittleEndian.AppendUint64(p, v) }
func (p Program) blob(b []byte) Program          { return append(p.u32(uint32(len(b))), b...) }
func (p Program) ops(o opcode, v uint32) Program { return p.op(o).u32(v) }

// Deny makes inspect_message refuse, when it comes first; running it does nothing.
func (p Program) Deny() Program { return p.op(opDeny) }

// Reply answers with b, behind what was appended before.
func (p Program) Reply(b []byte) Program { return p.op(opReply).blob(b) }

// Send answers with what was appended.
func (p Program) Send() Program { return p.op(opSend) }

// Append appends b to the reply.
func (p Program) Append(b []byte) Program { return p.op(opAppend).blob(b) }

// Reject rejects with a text.
func (p Program) Reject(text string) Program { return p.op(opReject).blob([]byte(text)) }

// Trap calls trap with a text.
func (p Program) Trap(text string) Program { return p.op(opTrap).blob([]byte(text)) }

// Unreachable executes the instruction of that name.
func (p Program) Unreachable() Program { return p.op(opUnreachable) }

// Forever never ends.
func (p Program) Forever() Program { return p.op(opForever) }

// Spin runs an empty loop n times.
func (p Program) Spin(n uint32) Program { return p.ops(opSpin, n) }

// Print calls debug_print.
func (p Program) Print(text string) Program { return p.op(opPrint).blob([]byte(text)) }

// Call is an inter-canister call and what follows its answer.
type Call struct {
	To                           principal.Principal
	Method                       string // empty: "run"
	Arg                          []byte
	Cycles                       uint64
	Timeout                      uint32 // seconds; 0: unbounded wait
	OnReply, OnReject, OnCleanup Program
}

// Call makes a call and performs it.
func (p Program) Call(c Call) Program {
	if c.Method == "" {
		c.Method = "run"
	}
	p = p.op(opCall).blob(c.To.Bytes()).blob([]byte(c.Method)).blob(c.Arg).u64(c.Cycles).u32(c.Timeout)
	return p.program(c.OnReply).program(c.OnReject).program(c.OnCleanup)
}

// program is a nested program, with its end.
func (p Program) program(q Program) Program {
	if q == nil {
		return p.u32(0)
	}
	return p.blob(q.op(opEnd))
}

// AppendPerformed appends the result of the last call_perform, 4 bytes.
func (p Program) AppendPerformed() Program { return p.op(opAppendPerformed) }

// Accept accepts up to n cycles.
func (p Program) Accept(n uint64) Program { return p.op(opAccept).u64(n) }

// Burn burns up to n cycles.
func (p Program) Burn(n uint64) Program { return p.op(opBurn).u64(n) }

// StableGrow grows stable memory.
func (p Program) StableGrow(pages uint32) Program { return p.ops(opStableGrow, pages) }

// StableWrite writes to stable memory.
func (p Program) StableWrite(offset uint32, b []byte) Program {
	return p.ops(opStableWrite, offset).blob(b)
}

// AppendStable appends a part of stable memory.
func (p Program) AppendStable(offset, size uint32) Program {
	return p.ops(opStableAppend, offset).u32(size)
}

// AppendStableSize appends the size of stable memory in pages, 8 bytes.
func (p Program) AppendStableSize() Program { return p.op(opAppendStableSize) }

// Cells is how many cells the heap has.
const Cells = 64

// Add adds to a cell of the heap.
func (p Program) Add(cell uint32, n uint64) Program { return p.ops(opAdd, cell*8).u64(n) }

// AppendCell appends a cell, 8 bytes.
func (p Program) AppendCell(cell uint32) Program { return p.ops(opAppendCell, cell*8) }

// AddGlobal adds to a Wasm global.
func (p Program) AddGlobal(n uint64) Program { return p.op(opAddGlobal).u64(n) }

// AppendGlobal appends the Wasm global, 8 bytes.
func (p Program) AppendGlobal() Program { return p.op(opAppendGlobal) }

// HeapGrow grows the heap.
func (p Program) HeapGrow(pages uint32) Program { return p.ops(opHeapGrow, pages) }

// Touch writes one byte of the heap at an address that the program does not use
// otherwise.
func (p Program) Touch(address uint32) Program { return p.ops(opTouch, address) }

// Certify sets certified data.
func (p Program) Certify(b []byte) Program { return p.op(opCertify).blob(b) }

// AppendCertificate appends the data certificate.
func (p Program) AppendCertificate() Program { return p.op(opAppendCertificate) }

// Timer sets the global timer.
func (p Program) Timer(at uint64) Program { return p.op(opTimer).u64(at) }

// OnTimer is what the global timer runs from now on.
func (p Program) OnTimer(q Program) Program { return p.op(opOnTimer).blob(q.op(opEnd)) }

// OnUpgrade is what pre_upgrade runs from now on.
func (p Program) OnUpgrade(q Program) Program { return p.op(opOnUpgrade).blob(q.op(opEnd)) }

// AppendTime appends the time, 8 bytes.
func (p Program) AppendTime() Program { return p.op(opAppendTime) }

// AppendArg appends the message's argument: in a reply callback, the reply.
func (p Program) AppendArg() Program { return p.op(opAppendArg) }

// AppendCaller appends the caller.
func (p Program) AppendCaller() Program { return p.op(opAppendCaller) }

// AppendBalance appends the cycles balance, 16 bytes.
func (p Program) AppendBalance() Program { return p.op(opAppendBalance) }

// AppendAvailable appends the cycles that can be accepted, 16 bytes.
func (p Program) AppendAvailable() Program { return p.op(opAppendAvailable) }

// AppendRefunded appends the refunded cycles, 16 bytes.
func (p Program) AppendRefunded() Program { return p.op(opAppendRefunded) }

// AppendRejectCode appends the reject code, 4 bytes.
func (p Program) AppendRejectCode() Program { return p.op(opAppendRejectCode) }

// AppendCounter appends performance_counter(0), 8 bytes.
func (p Program) AppendCounter() Program { return p.op(opAppendCounter) }

// AppendDeadline appends msg_deadline, 8 bytes.
func (p Program) AppendDeadline() Program { return p.op(opAppendDeadline) }
