package main

import (
	"fmt"
	"slices"
)

// registers tells where values live.
type registers map[*value]int

// pool hands out registers, the lowest free one first.
type pool []bool

func (p pool) take() int {
	for i, used := range p {
		if !used {
			p[i] = true
			return i
		}
	}
	panic("out of registers")
}

// interleave takes the code of the vectors of a turn in turn, one instruction each, so that a CPU finds independent
// work nearby: the functions are long chains. Where the registers do not suffice, the vectors follow one another.
func (b *builder) interleave(target target) {
	for at := range b.copies[0] {
		for _, c := range b.copies {
			b.code = append(b.code, c[at])
		}
	}
	if b.pressure() > target.registers() {
		b.code = slices.Concat(b.copies...)
	}
}

// pressure is the greatest number of values alive at once, masks among them.
func (b *builder) pressure() int {
	last := map[*value]int{}
	for at, i := range b.code {
		for _, a := range i.args {
			if !a.constant && a.pinned == 0 {
				last[a] = at
			}
		}
	}
	alive, most := b.pinned, 0
	for at, i := range b.code {
		if _, used := last[i.dst]; used {
			alive++
		}
		most = max(most, alive)
		for a, end := range last {
			if end == at {
				alive--
				delete(last, a)
			}
		}
	}
	return most
}

// allocate walks straight-line code once: a value's register is free again after its last use, except that a result
// never takes the register of one of its own operands, so that an instruction may be written as several.
func allocate(b *builder, target target, emit func(i instruction, r registers)) {
	last := map[*value]int{}
	for at, i := range b.code {
		for _, a := range i.args {
			last[a] = at
		}
	}
	r := registers{}
	vectors, masks := make(pool, target.registers()), make(pool, target.masks())
	for i := range b.pinned {
		vectors[i] = true
	}
	of := func(mask bool) pool {
		if mask && target.masks() > 0 {
			return masks
		}
		return vectors
	}
	isMask := map[*value]bool{}
	for at, i := range b.code {
		isMask[i.dst] = i.mask
		for _, a := range i.args {
			if a.pinned > 0 {
				r[a] = a.pinned - 1
			} else if _, ok := r[a]; !ok && !a.constant {
				panic(fmt.Sprintf("value %d is used before it is made", a.id))
			}
		}
		if _, used := last[i.dst]; used {
			r[i.dst] = of(i.mask).take()
		}
		emit(i, r)
		for _, a := range i.args {
			if last[a] == at && a.pinned == 0 && !a.constant {
				of(isMask[a])[r[a]] = false
			}
		}
	}
}
