package exact

import (
	"sync"
	"unsafe"

	"assay/inference/tensor"
)

// buffer is memory under one or more tensors of a run.
type buffer struct {
	data []byte
	refs int
}

// memory hands out buffers and takes them back when nobody reads them any more.
type memory struct {
	free  map[int][]*buffer // by size class
	taken int64             // bytes in use
	peak  int64             // most bytes in use so far
	limit int64
}

// class rounds a size up so that buffers fit later needs: to a multiple of an eighth of its highest bit.
func class(size int) int {
	step := 64
	for step*16 < size {
		step *= 2
	}
	return (size + step - 1) / step * step
}

// get gives a buffer of at least size bytes, which hold anything.
func (m *memory) get(size int) (*buffer, error) {
	n := class(size)
	if m.taken+int64(n) > m.limit {
		return nil, fail(ErrLimit, "more than %d bytes in use", m.limit)
	}
	m.taken += int64(n)
	m.peak = max(m.peak, m.taken)
	if list := m.free[n]; len(list) > 0 {
		b := list[len(list)-1]
		m.free[n] = list[:len(list)-1]
		b.refs = 1
		return b, nil
	}
	return &buffer{data: tensor.Alloc(n), refs: 1}, nil
}

// release gives up one reference; nil is nobody's memory.
func (m *memory) release(b *buffer) {
	if b == nil {
		return
	}
	if b.refs--; b.refs > 0 {
		return
	}
	m.taken -= int64(len(b.data))
	if m.free == nil {
		m.free = map[int][]*buffer{}
	}
	m.free[len(b.data)] = append(m.free[len(b.data)], b)
}

// detach gives a buffer away for good.
func (m *memory) detach(b *buffer) { m.taken -= int64(len(b.data)) }

// done hands what is free to the next run.
func (m *memory) done(p *pool) { p.put(m.free) }

// pool keeps the free buffers of one finished run.
type pool struct {
	mu   sync.Mutex
	free map[int][]*buffer
}

func (p *pool) take() map[int][]*buffer {
	p.mu.Lock()
	defer p.mu.Unlock()
	free := p.free
	p.free = nil
	return free
}

func (p *pool) put(free map[int][]*buffer) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.free = free
}

// scratch gives temporary memory of n elements and a function that gives it back. Not to be called inside of a task.
func scratch[T float32 | float64 | int32 | int64 | uint8 | int8](c *call, n int) ([]T, func(), error) {
	var zero T
	size := n * int(unsafe.Sizeof(zero))
	b, err := c.memory.get(size)
	if err != nil || n == 0 {
		return nil, func() {}, err
	}
	return unsafe.Slice((*T)(unsafe.Pointer(&b.data[0])), n), func() { c.memory.release(b) }, nil
}
