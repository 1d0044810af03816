package replicatest

import (
	"encoding/binary"
	"fmt"

	"assay/ic/principal"
)

// Expr leaves values on the program's stack: a number is one, a blob is two, its
// address and its length.
type Expr struct{ code Program }

func (e Expr) op(o opcode) Expr { return Expr{e.code.op(o)} }

// operand makes an Expr of what a test writes: a number, text or bytes, a principal, a
// [Program] (its address, as callbacks need it), or an Expr.
func operand(v any) Expr {
	push := func(n uint64) Expr { return Expr{Program{}.op(opPush).u64(n)} }
	switch v := v.(type) {
	case Expr:
		return v
	case int:
		return push(uint64(v))
	case uint32:
		return push(uint64(v))
	case uint64:
		return push(v)
	case string:
		return Expr{Program{}.op(opPushBlob).blob([]byte(v))}
	case []byte:
		return Expr{Program{}.op(opPushBlob).blob(v)}
	case principal.Principal:
		return Expr{Program{}.op(opPushBlob).blob(v.Bytes())}
	case Program:
		return Expr{Program{}.op(opPushProgram).blob(v.op(opEnd))}
	}
	panic(fmt.Sprintf("replicatest: %T is no operand", v)) // a mistake in a test
}

func operands(all ...any) Expr {
	var e Expr
	for _, v := range all {
		e.code = append(e.code, operand(v).code...)
	}
	return e
}

func number(call string) byte {
	n, ok := callNumber[call]
	if !ok {
		panic("replicatest: no system call " + call) // a mistake in a test
	}
	return n
}

// Of is the result of a system call.
func Of(call string, args ...any) Expr {
	return Expr{append(operands(args...).code.op(opSystem), number(call))}
}

// Blob is what a pair of system calls gives, called by what their names have in
// common: Blob("msg_caller"), Blob("env_var_value", "name").
func Blob(call string, args ...any) Expr {
	return Expr{append(operands(args...).code.op(opFetch), number(call+"_size"))}
}

// Wide is the 16 bytes that a system call writes to its last parameter.
func Wide(call string, args ...any) Expr {
	e := operands(append(args, Buffer(16))...)
	return Expr{append(e.code.op(opSystem), number(call))}.op(opPushBuffer)
}

// Buffer is the address of n fresh bytes.
func Buffer(n uint32) Expr { return Expr{Program{}.op(opBuffer).u32(n)} }

// Filled is the bytes of the last [Buffer], after what was computed in between.
func Filled(after ...Program) Expr {
	var e Expr
	for _, p := range after {
		e.code = append(e.code, p...)
	}
	return e.op(opPushBuffer)
}

// At is a part of the heap.
func At(address, size int) Expr { return operands(address, size) }

// Cell is the number in a cell of the heap.
func Cell(n uint32) Expr { return Expr{Program{}.op(opPushCell).u32(n * 8)} }

// Kept is what [Program.Keep] put away.
func Kept(slot uint32) Expr { return Expr{Program{}.op(opPushKept).u32(atKept + slot*16)} }

// Sum, Difference, Less and Equal compute with numbers.
func Sum(a, b any) Expr        { return operands(a, b).op(opSum) }
func Difference(a, b any) Expr { return operands(a, b).op(opDifference) }
func Less(a, b any) Expr       { return operands(a, b).op(opLess) }
func Equal(a, b any) Expr      { return operands(a, b).op(opEqual) }

// Not is 1 for 0, else 0.
func Not(a any) Expr { return Equal(a, 0) }

// MemorySize is the heap's size in pages.
func MemorySize() Expr { return Expr{Program{}.op(opMemorySize)} }

// MemoryGrow grows the heap and gives what memory.grow returned.
func MemoryGrow(pages any) Expr { return operands(pages).op(opMemoryGrow) }

// Do makes a system call and drops its result.
func (p Program) Do(call string, args ...any) Program {
	p = p.with(Of(call, args...))
	if len(systemCalls[number(call)].results) > 0 {
		p = p.op(opDrop)
	}
	return p
}

// Drop computes something and forgets it.
func (p Program) Drop(number any) Program { return p.with(number).op(opDrop) }

func (p Program) with(v any) Program {
	return append(p[:len(p):len(p)], operand(v).code...)
}

// Give appends a blob to the reply, Put a number, 8 bytes.
func (p Program) Give(blob any) Program { return p.with(blob).op(opGive) }

// Put appends a number to the reply, 8 bytes.
func (p Program) Put(number any) Program { return p.with(number).op(opPut) }

// Set sets a cell of the heap to a number.
func (p Program) Set(cell uint32, number any) Program {
	return p.with(number).op(opSetCell).u32(cell * 8)
}

// Keep puts a blob away, under one of [Slots] numbers, for later messages.
func (p Program) Keep(slot uint32, blob any) Program {
	return p.with(blob).op(opKeep).u32(atKept + slot*16)
}

// Poke writes bytes to the heap.
func (p Program) Poke(address any, blob any) Program {
	return p.with(address).with(blob).op(opPoke)
}

// If runs then when the number is not 0, else the other program.
func (p Program) If(number any, then, otherwise Program) Program {
	then = then.op(opJump).u32(uint32(len(otherwise)))
	p = p.with(number).op(opUnless).u32(uint32(len(then)))
	return append(append(p, then...), otherwise...)
}

// While runs the body as long as the number is not 0.
func (p Program) While(number any, body Program) Program {
	start := len(p)
	p = p.with(number).op(opUnless).u32(uint32(len(body)) + 5)
	p = append(p, body...).op(opJump)
	return p.u32(uint32(int32(start - (len(p) + 4))))
}

// Times runs the body n times, with cell as its counter.
func (p Program) Times(cell uint32, n int, body Program) Program {
	return p.Set(cell, n).While(Cell(cell), body.Set(cell, Difference(Cell(cell), 1)))
}

// OnHeartbeat, OnLowMemory, OnInspect and OnTransform are what those entry points run
// from now on; the module has them with the [Options] of these names.
func (p Program) OnHeartbeat(q Program) Program { return p.op(opOnHeartbeat).blob(q.op(opEnd)) }
func (p Program) OnLowMemory(q Program) Program { return p.op(opOnLowMemory).blob(q.op(opEnd)) }
func (p Program) OnTransform(q Program) Program { return p.op(opOnTransform).blob(q.op(opEnd)) }
func (p Program) OnInspect(q Program) Program   { return p.op(opOnInspect).blob(q.op(opEnd)) }

// Run runs the program that is the message's argument: of a reply callback, the reply.
func (p Program) Run() Program { return p.op(opRunArg) }

// RunAt runs the program at an address of the heap, which must have its end, a zero.
func (p Program) RunAt(address any) Program { return p.with(address).op(opRunAt) }

// Numbers reads the numbers that a reply holds.
func Numbers(reply []byte) []uint64 {
	var out []uint64
	for ; len(reply) >= 8; reply = reply[8:] {
		out = append(out, binary.LittleEndian.Uint64(reply))
	}
	return out
}
