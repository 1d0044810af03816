package main

import "fmt"

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
