package host

const failed = ^uint64(0)

// stableCalls are stable memory in its 64-bit and 32-bit forms.
var stableCalls = []systemCall{
	{name: "stable64_size", results: sig(i64), where: everywhere, cost: costStable, run: func(x *Execution, s []uint64) {
		s[0] = x.stable.Pages()
	}},
	{name: "stable64_grow", params: sig(i64), results: sig(i64), where: everywhere, cost: costPrint, run: func(x *Execution, s []uint64) {
		old, ok := x.stable.Grow(s[0])
		if !ok {
			old = failed
		}
		s[0] = old
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
			if old, ok := x.stable.Grow(more); ok {
				s[0] = old
			}
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

// smallPages is what the 32-bit forms can address.
const smallPages = 1 << 16

// small is the size for the 32-bit forms, which trap on more than 4 GiB.
func (x *Execution) small() uint64 {
	if x.stable.Pages() > smallPages {
		x.trap(CodeTrapped, "stable memory of %d pages is too large for the 32-bit calls", x.stable.Pages())
	}
	return x.stable.Pages()
}

// heap is bytes for 64-bit addresses of a 32-bit memory.
func (x *Execution) heap(at, size uint64) []byte {
	if at > 1<<32-1 || size > 1<<32-1 {
		x.trap(CodeTrapped, "heap out of bounds: %d bytes at %d", size, at)
	}
	return x.bytes(uint32(at), uint32(size))
}

func (x *Execution) stableWrite(offset, src, size uint64) {
	view := x.heap(src, size)
	x.charge(size)
	dirty, err := x.stable.Write(view, offset)
	if err != nil {
		x.trap(CodeTrapped, "write %d bytes at %d: %v", size, offset, err)
	}
	x.charge(uint64(dirty) * dirtyPageCost)
}

func (x *Execution) stableRead(dst, offset, size uint64) {
	view := x.heap(dst, size)
	x.charge(size)
	if err := x.stable.Read(view, offset); err != nil {
		x.trap(CodeTrapped, "read %d bytes at %d: %v", size, offset, err)
	}
}
