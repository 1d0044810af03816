package host

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"runtime"
	"testing"
)

// backings are all ways to keep heaps that this system has.
func backings(t testing.TB, budget uint64) map[string]backing {
	t.Helper()
	all := map[string]backing{"copied": &copies{budget: budget}}
	if runtime.GOOS == "linux" {
		for name, old := range map[string]bool{"mapped": false, "mapped on an old kernel": true} {
			b, err := newMapped(budget)
			if err != nil {
				t.Fatal(err)
			}
			if old {
				useOldKernel(b)
			}
			all[name] = b
		}
	}
	t.Cleanup(func() {
		for _, b := range all {
			if err := b.close(); err != nil {
				t.Error(err)
			}
		}
	})
	return all
}

// model is a heap and a live memory over it, done simply.
type model struct{ heap, live []byte }

func (m *model) commit() (changed int) {
	m.heap = append(m.heap, make([]byte, len(m.live)-len(m.heap))...)
	return syncPages(m.heap, m.live)
}

func (m *model) rollback() { m.live = bytes.Clone(m.heap) }

// rig drives a heap and its model by the same operations.
type rig struct {
	t     testing.TB
	rng   *rand.Rand
	max   uint64
	heap  heap
	mem   live
	bytes []byte
	view  live // another one
	seen  []byte
	model model
}

func (r *rig) open() (live, []byte) {
	r.t.Helper()
	l, err := r.heap.live(r.max)
	if err != nil {
		r.t.Fatal(err)
	}
	return l, l.Reallocate(0)
}

// resize does what the engine does after a rollback that asks for it.
func resize(l live, b []byte) []byte {
	if l.rollback() {
		return l.Reallocate(uint64(len(b)) + WasmPage)
	}
	return b
}

func (r *rig) write() {
	if len(r.bytes) == 0 {
		return
	}
	span := make([]byte, 1+r.rng.IntN([]int{8, 100, 3 * OSPage, 40 * OSPage}[r.rng.IntN(4)]))
	if at := r.rng.IntN(len(r.bytes)); r.rng.IntN(4) > 0 {
		for i := range span {
			span[i] = byte(r.rng.Uint32())
		}
		copy(r.bytes[at:], span)
		copy(r.model.live[at:], span)
	} else { // the same bytes again: no change
		copy(r.bytes[at:], bytes.Clone(r.bytes[at:]))
	}
}

func (r *rig) grow() {
	size := uint64(len(r.bytes)) + uint64(r.rng.IntN(4))*WasmPage
	got := r.mem.Reallocate(size)
	if size > r.max {
		if got != nil {
			r.t.Fatalf("grew to %d, over %d", size, r.max)
		}
		return
	}
	r.bytes = got
	r.model.live = append(r.model.live, make([]byte, int(size)-len(r.model.live))...)
}

func (r *rig) commit() {
	if got, want := r.mem.commit(), r.model.commit(); got != want {
		r.t.Fatalf("%d pages changed, want %d", got, want)
	}
}

func (r *rig) rollback() {
	r.bytes = resize(r.mem, r.bytes)
	r.model.rollback()
}

// reopen drops the live memories with what was not committed.
func (r *rig) reopen() {
	r.mem.Free()
	r.view.Free()
	r.model.rollback()
	r.heap.rest()
	r.checkHeap()
	r.mem, r.bytes = r.open()
	r.view, r.seen = r.open()
}

func (r *rig) check() {
	r.t.Helper()
	if !bytes.Equal(r.bytes, r.model.live) {
		r.t.Fatal("the live memory is wrong")
	}
	if r.heap.size() != uint64(len(r.model.heap)) {
		r.t.Fatalf("%d bytes committed, want %d", r.heap.size(), len(r.model.heap))
	}
}

func (r *rig) checkHeap() {
	r.t.Helper()
	got := make([]byte, r.heap.size())
	last := -1
	err := r.heap.each(func(at uint64, page []byte) error {
		if int(at) <= last || len(page) != OSPage || bytes.Equal(page, zeroPage[:]) {
			return fmt.Errorf("page of %d bytes at %d after %d", len(page), at, last)
		}
		last = int(at)
		copy(got[at:], page)
		return nil
	})
	if err != nil || !bytes.Equal(got, r.model.heap) {
		r.t.Fatalf("the committed heap is wrong (%v)", err)
	}
}

// Every kind of memory does what the model does, and counts the same pages.
func TestMemoryConforms(t *testing.T) {
	t.Parallel()
	for name, b := range backings(t, 8<<30) {
		for seed := range uint64(6) {
			t.Run(fmt.Sprintf("%s/%d", name, seed), func(t *testing.T) {
				h, err := b.heap()
				if err != nil {
					t.Fatal(err)
				}
				defer h.free()
				r := &rig{t: t, rng: rand.New(rand.NewPCG(seed, 1)), max: 40 * WasmPage, heap: h}
				conform(r)
			})
		}
	}
}

func conform(r *rig) {
	start := uint64(r.rng.IntN(4)) * WasmPage
	if err := r.heap.grow(start); err != nil {
		r.t.Fatal(err)
	}
	r.begin(start)
	r.model.rollback()
	r.mem, r.bytes = r.open()
	r.view, r.seen = r.open()
	defer func() {
		r.mem.Free()
		r.view.Free()
	}()
	for range 400 {
		switch n := r.rng.IntN(20); {
		case n < 10:
			r.write()
		case n < 12:
			r.grow()
		case n < 15:
			r.commit()
		case n < 18:
			r.rollback()
		case n < 19:
			r.reopen()
		default: // a query on a live memory of its own
			r.seen = resize(r.view, r.seen)
			if !bytes.Equal(r.seen, r.model.heap) {
				r.t.Fatal("another live memory does not see what is committed")
			}
			if len(r.seen) > 0 {
				r.seen[r.rng.IntN(len(r.seen))]++
			}
			r.checkHeap()
		}
		r.check()
	}
}

// begin gives the heap its first contents: those of a base, or others.
func (r *rig) begin(start uint64) {
	r.model.heap = make([]byte, start)
	if start == 0 {
		r.heap.setBase(newBase(nil), true)
		return
	}
	datas := []initialData{{3, []byte("a")}, {OSPage - 2, bytes.Repeat([]byte("b"), 3*OSPage)}, {start - 5, []byte("first")}, {OSPage, []byte("over")}}
	filled := r.rng.IntN(2) > 0
	r.heap.setBase(newBase(datas), filled)
	for _, d := range datas {
		copy(r.model.heap[d.At:], d.Bytes)
	}
	if !filled {
		r.heap.write(0, r.model.heap)
	}
}

func TestMemoryIsGivenBack(t *testing.T) {
	t.Parallel()
	for name, b := range backings(t, 8<<30) {
		for round := range 3 {
			h, err := b.heap()
			if err != nil {
				t.Fatal(err)
			}
			l, err := h.live(100 * WasmPage)
			if err != nil {
				t.Fatal(err)
			}
			l.Reallocate(0)
			mem := l.Reallocate(100 * WasmPage)
			for at := range mem {
				if mem[at] != 0 {
					t.Fatalf("%s: round %d: byte %d is %d in a new heap", name, round, at, mem[at])
				}
				mem[at] = 7
			}
			if got := l.commit(); got != 100*WasmPage/OSPage {
				t.Errorf("%s: %d pages changed", name, got)
			}
			l.Free()
			if got := b.resident(); got < 100*WasmPage {
				t.Errorf("%s: %d bytes resident with a heap of %d", name, got, 100*WasmPage)
			}
			h.free()
			if got := b.resident(); got > 10*OSPage {
				t.Errorf("%s: %d bytes resident after everything was freed", name, got)
			}
		}
	}
}

func TestMemoryBudget(t *testing.T) { // alone: what other tests have counts too
	budget := goHeap() + 64<<20
	for name, b := range backings(t, budget) {
		var last error
		var open []live
		for range 60 { // of 10 MiB: a few fit
			h, err := b.heap()
			if err != nil {
				t.Fatal(err)
			}
			l, err := h.live(maxMemory)
			if err != nil {
				t.Fatal(err)
			}
			open = append(open, l)
			l.Reallocate(0)
			b := l.Reallocate(10 << 20)
			if b == nil {
				last = ErrMemoryBudget
				break
			}
			for at := 0; at < len(b); at += OSPage {
				b[at] = 1
			}
			l.commit()
		}
		if !errors.Is(last, ErrMemoryBudget) {
			t.Errorf("%s: heaps of 600 MiB fit into %d bytes", name, budget)
		}
		for _, l := range open {
			l.Free()
		}
	}
}
