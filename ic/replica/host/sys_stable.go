package host

import "errors"

const failed = ^uint64(0)

// stableCalls are stable memory in its 64-bit and 32-bit forms.
var stableCalls = []systemCall{
	{name: "stable64_size", results: sig(i64), where: everywhere, cost: costStable, run: func(x *Execution, s []uint64) {
		s[0] = x.stable.Pages()
	}},
	{name: "stable64_grow", params: sig(i64), results: sig(i64), where: everywhere, cost: costPrint, run: func(x *Execution, s []uint64) {
		s[0] = x.grow(s[0])
	}},
	{name: "stable64_write", params: sig(i64, i64, i64), where: everywhere, cost: costStable, run: func(x *Execution, s []uint64) {
		x.stableWrite(s[0], s[1], s[2])
	}},
	{name: "stable64_read", params: sig(i64, i64, i64), where: everywhere, cost: costStable, run: func(x *Execution, s []uint64) {
		x.stableRead(s[0], s[1], s[2])
	}},
	{name: "stable_size", results: sig(i32), where: everywhere, cost: costStable, run: func(x *Execution, s []uint64) {
		s[0] = x.small()
	}},
	{name: "stable_grow", params: sig(i32), results: sig(i32), where: everywhere, cost: costPrint, run: func(x *Execution, s []uint64) {
		more := uint64(u32(s[0]))
		s[0] = uint64(^uint32(0))
		if x.small()+more <= smallPages {
			s[0] = uint64(uint32(x.grow(more)))
		}
	}},
	{name: "stable_write", params: sig(i32, i32, i32), where: everywhere, cost: costStable, run: func(x *Execution, s []uint64) {
		x.small()
		x.stableWrite(uint64(u32(s[0])), uint64(u32(s[1])), uint64(u32(s[2])))
	}},
	{name: "stable_read", params: sig(i32, i32, i32), where: everywhere, cost: costStable, run: func(x *Execution, s []uint64) {
		x.small()
		x.stableRead(uint64(u32(s[0])), uint64(u32(s[1])), uint64(u32(s[2])))
	}},
}

// grow adds pages to stable memory and returns the old size, or failed. A canister that
// cannot pay for so much memory traps.
func (x *Execution) grow(more uint64) uint64 {
	if more > MaxStablePages {
		return failed
	}
	if more > 0 && x.Input.Grow != nil {
		switch trap := x.Input.Grow(x.instance.Pages(), x.stable.Pages()+more, x.Balance); {
		case trap == nil:
		case trap.Code == CodeOutOfMemory:
			return failed
		default:
			x.fault = trap
			panic(errTrap)
		}
	}
	old, ok := x.stable.Grow(more)
	if !ok {
		return failed
	}
	return old
}

// smallPages is what the 32-bit forms can address.
const smallPages = 1 << 16

// small is the size for the 32-bit forms, which trap on more than 4 GiB.
func (x *Execution) small() uint64 {
	if x.stable.Pages() > smallPages {
		x.trap(CodeTrapped, "Canister trapped: 32 bit stable memory api used on a memory larger than 4GB")
	}
	return x.stable.Pages()
}

// heap is bytes for 64-bit addresses of a 32-bit memory.
func (x *Execution) heap(at, size uint64) []byte {
	if at > 1<<32-1 || size > 1<<32-1 {
		x.violate("ic0.%s heap: src=%d + length=%d exceeds the memory of %d pages", x.call, at, size, x.instance.Pages())
	}
	return x.bytes(uint32(at), uint32(size))
}

func (x *Execution) stableWrite(offset, src, size uint64) {
	view := x.heap(src, size)
	x.charge(size)
	dirty, err := x.stable.Write(view, offset)
	switch {
	case errors.Is(err, ErrMemoryBudget):
		x.trap(CodeOutOfMemory, "Canister cannot grow its memory usage: this machine has no more memory for canisters.")
	case err != nil:
		x.trap(CodeTrapped, "Canister trapped: stable memory out of bounds")
	}
	x.touched.writes += uint64(dirty)
	x.checkAccess(x.touched.writes*OSPage, "modified")
	x.charge(uint64(dirty) * x.Input.Touch.Dirty)
}

func (x *Execution) stableRead(dst, offset, size uint64) {
	view := x.heap(dst, size)
	x.charge(size)
	if err := x.stable.Read(view, offset); err != nil {
		x.trap(CodeTrapped, "Canister trapped: stable memory out of bounds")
	}
	x.charge(x.touched.read(offset, size) * x.Input.Touch.Read)
	x.checkAccess(x.touched.reads*OSPage, "accessed")
}

// checkAccess holds a message to the bytes of stable memory that it may touch.
func (x *Execution) checkAccess(size uint64, how string) {
	if limit := x.Input.StableLimit; limit != 0 && size > limit {
		x.trap(CodeMemoryAccess, "Canister exceeded memory access limits: Exceeded the limit for the number of %s pages in the stable memory in a single message execution: limit: %d KB.", how, limit>>10)
	}
}
