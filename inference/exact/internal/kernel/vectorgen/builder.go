package main

import (
	"fmt"
	"math"
)

// operation is what one instruction does. Comparisons make masks, which only blend and keep take.
type operation int

const (
	opLoad  operation = iota // from a pointer, by kind
	opStore                  // to a pointer, by kind
	opAdd
	opSub
	opMul
	opDiv
	opMax // x86: the second operand where either is NaN or both are zeros
	opMin
	opGreatest // Wasm: NaN passes on, zeros are ordered by sign
	opLeast
	opSqrt
	opAnd
	opOr
	opXor
	opGreater
	opGreaterEqual
	opEqual
	opOrdered // no operand is NaN
	opBlend   // mask ? a : b
	opKeep    // mask ? a : 0
	opIntAdd
	opIntSub
	opIntMax
	opIntMin
	opUintMax
	opShiftLeft
	opShiftRight // arithmetic
	opShiftRightLogical
	opFromInt
	opToInt // nearest, ties to even
	opSwap  // element i for element i xor a distance
	opFirst // the first element to a pointer
	opSet   // an accumulator takes a value
)

// kind is what stands in memory.
type kind int

const (
	f32 kind = iota
	i8
	u8
	f16
	u16
)

// value is a vector: a constant, a parameter or accumulator, or what an instruction made.
type value struct {
	constant bool
	bits     uint32
	pinned   int // register + 1, for parameters and accumulators
	id       int
}

type instruction struct {
	op      operation
	kind    kind
	pointer string
	number  int // of the pointer among the function's
	at      int // in vectors from the pointer; a shift's distance
	args    []*value
	dst     *value
	mask    bool
}

// accumulator is kept in a register while the loop runs: read from a pointer before and stored after it, or begun with a
// constant and left to what follows the loop.
type accumulator struct {
	pointer string
	at      int
	begin   *value
	value   *value
}

type builder struct {
	target       machine
	code         []instruction
	copies       [][]instruction // one for each vector of a turn of the loop
	scalars      map[string]*value
	accumulators []accumulator
	pinned       int
	at           int // which vector of the group is being built
	ids          int
}

func (b *builder) pin() *value {
	b.pinned++
	return &value{pinned: b.pinned}
}

func (b *builder) emit(i instruction) *value {
	b.ids++
	i.dst = &value{id: b.ids}
	i.mask = i.op >= opGreater && i.op <= opOrdered
	b.code = append(b.code, i)
	return i.dst
}

// place is the memory operand of a load or store.
func (i instruction) place(pointers []string, width int) string {
	size := map[kind]int{f32: 4, i8: 1, u8: 1, f16: 2, u16: 2}[i.kind]
	return fmt.Sprintf("%d(%s)", i.at*width*size, pointers[i.number])
}

func (b *builder) op(op operation, args ...*value) *value {
	return b.emit(instruction{op: op, args: args})
}

func (b *builder) load(pointer string, k kind) *value {
	return b.emit(instruction{op: opLoad, kind: k, pointer: pointer, at: b.at})
}

func (b *builder) store(pointer string, k kind, v *value) {
	b.emit(instruction{op: opStore, kind: k, pointer: pointer, at: b.at, args: []*value{v}})
}

func (b *builder) shift(op operation, v *value, by int) *value {
	return b.emit(instruction{op: op, args: []*value{v}, at: by})
}

// lane is the accumulator that begins with the current vector of what pointer points at.
func (b *builder) lane(pointer string) *value {
	v := b.pin()
	b.accumulators = append(b.accumulators, accumulator{pointer: pointer, at: b.at, value: v})
	return v
}

// begun is an accumulator that starts with a constant in every element.
func (b *builder) begun(begin *value) *value {
	v := b.pin()
	b.accumulators = append(b.accumulators, accumulator{begin: begin, value: v})
	return v
}

// join combines 16 elements in accumulators as the tree of a row reduction does and puts the result where pointer points.
func (b *builder) join(pointer string, vectors []*value, step func(x, y *value) *value) {
	for len(vectors) > 1 {
		half := len(vectors) / 2
		joined := make([]*value, half)
		for i := range joined {
			joined[i] = step(vectors[i], vectors[i+half])
		}
		vectors = joined
	}
	v := vectors[0]
	for distance := b.target.width() / 2; distance > 0; distance /= 2 {
		v = step(v, b.emit(instruction{op: opSwap, at: distance, args: []*value{v}}))
	}
	b.emit(instruction{op: opFirst, pointer: pointer, args: []*value{v}})
}

func (b *builder) set(a, v *value) { b.emit(instruction{op: opSet, args: []*value{v, a}}) }

func (b *builder) scalar(name string) *value {
	v, ok := b.scalars[name]
	if !ok {
		panic(fmt.Sprintf("no scalar %s", name))
	}
	return v
}

func bits(u uint32) *value     { return &value{constant: true, bits: u} }
func number(f float32) *value  { return bits(math.Float32bits(f)) }
func (v *value) label() string { return fmt.Sprintf("c%08x", v.bits) }

func (b *builder) add(x, y *value) *value { return b.op(opAdd, x, y) }
func (b *builder) sub(x, y *value) *value { return b.op(opSub, x, y) }
func (b *builder) mul(x, y *value) *value { return b.op(opMul, x, y) }
func (b *builder) div(x, y *value) *value { return b.op(opDiv, x, y) }

// horner is (((c0·x + c1)·x + c2)·x …), each product and sum rounded.
func (b *builder) horner(x *value, constants ...float32) *value {
	p := number(constants[0])
	for _, c := range constants[1:] {
		p = b.add(b.mul(x, p), number(c))
	}
	return p
}

func (b *builder) canon(x *value) *value { return b.like(x, x) }

// like is y, or NaN where x is NaN.
func (b *builder) like(x, y *value) *value {
	return b.op(opBlend, b.op(opOrdered, x), y, bits(0x7fc00000))
}

func (b *builder) magnitude(x *value) *value { return b.op(opAnd, x, bits(0x7fffffff)) }

// withSign is the magnitude x with the sign of y.
func (b *builder) withSign(x, y *value) *value {
	return b.op(opOr, x, b.op(opAnd, y, bits(1<<31)))
}
