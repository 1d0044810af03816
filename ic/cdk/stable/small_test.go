package stable_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"math/bits"
	"math/rand"
	"slices"
	"testing"

	"assay/ic/cdk/stable"
)

// Each structure opens what the first release of its layout wrote, and still writes the same.
func TestSmallGoldens(t *testing.T) {
	t.Parallel()
	for _, s := range subjects() {
		if s.name == "map" || s.name == "log" || s.name == "manager" {
			continue // in manager_map_log_1.gz
		}
		mem := &stable.Heap{}
		for i := range s.steps {
			if err := s.change(mem, i); err != nil {
				t.Fatal(err)
			}
		}
		wantGolden(t, s.name+"_1.gz", mem)
		if got, want := mustState(t, &s, loadGolden(t, s.name+"_1.gz")), mustState(t, &s, mem); got != want {
			t.Errorf("%s: the golden file holds\n%.300s, want\n%.300s", s.name, got, want)
		}
	}
}

// Every structure refuses another magic and a later version, from every operation.
func TestVersionsRefused(t *testing.T) {
	t.Parallel()
	for _, s := range subjects() {
		if s.name == "manager" {
			continue // TestManagerRefuses
		}
		for name, at := range map[string]int{"magic": 0, "version": 4, "flags": 5} {
			mem := &stable.Heap{}
			for i := range 12 {
				if err := s.change(mem, i); err != nil {
					t.Fatal(err)
				}
			}
			mem.Bytes[at]++
			before := bytes.Clone(mem.Bytes)
			for what, f := range map[string]func() error{
				"state":  func() error { _, err := s.state(mem); return err },
				"change": func() error { return s.change(mem, 12) },
			} {
				var layout *stable.LayoutError
				if err := attempt(f); !errors.As(err, &layout) {
					t.Errorf("%s, other %s, %s: %v, want a LayoutError", s.name, name, what, err)
				}
			}
			if !bytes.Equal(before, mem.Bytes) {
				t.Errorf("%s, other %s: the memory was changed", s.name, name)
			}
		}
	}
}

// attempt turns the panic of f into an error.
func attempt(f func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			if e, ok := r.(error); ok {
				err = e
			} else {
				err = fmt.Errorf("panic: %v", r)
			}
		}
	}()
	return f()
}

func TestCellAgainstModel(t *testing.T) {
	t.Parallel()
	mem, r := &stable.Heap{}, rand.New(rand.NewSource(1))
	var want []byte
	has, longest := false, 0
	for step := range 3000 {
		c := stable.NewCell(mem)
		switch v := randomBytes(r, 1<<r.Intn(18)); r.Intn(10) {
		case 0:
			if c.Clear() != has {
				t.Fatalf("step %d: clear says %v", step, !has)
			}
			want, has = nil, false
		default:
			if err := c.Set(v); err != nil {
				t.Fatal(err)
			}
			want, has, longest = v, true, max(longest, len(v))
		}
		if got, ok := c.Get(); ok != has || !bytes.Equal(got, want) {
			t.Fatalf("step %d: %d bytes, %v; want %d, %v", step, len(got), ok, len(want), has)
		}
	}
	if most := uint64(3*longest+100)/stable.PageBytes + 1; mem.Size() > most {
		t.Errorf("values of up to %d bytes take %d pages, at most %d are expected", longest, mem.Size(), most)
	}
	small := stable.NewCell(&stable.Heap{MaxPages: 1})
	if err := small.Set([]byte("kept")); err != nil {
		t.Fatal(err)
	}
	if err := small.Set(make([]byte, 1<<16)); !errors.Is(err, stable.ErrFull) {
		t.Errorf("full: %v", err)
	}
	if err := small.Set(make([]byte, stable.MaxValue+1)); !errors.Is(err, stable.ErrValueTooLong) {
		t.Errorf("long: %v", err)
	}
	if v, _ := small.Get(); string(v) != "kept" {
		t.Errorf("after refusals the value is %q", v)
	}
}

func TestBitsetAgainstModel(t *testing.T) {
	t.Parallel()
	const most = 30_000
	mem, r, want := &stable.Heap{}, rand.New(rand.NewSource(2)), make([]bool, most)
	length := 0
	for step := range 20_000 {
		s := stable.NewFixedBitset(mem, most)
		i := r.Intn(1 + min(most, step*2))
		i = min(i, most-1)
		switch r.Intn(5) {
		case 0, 1:
			changed, err := s.Set(uint64(i))
			if err != nil || changed == want[i] {
				t.Fatalf("step %d: set says %v, %v", step, changed, err)
			}
			want[i], length = true, max(length, i+1)
		case 2:
			if s.Clear(uint64(i)) != want[i] {
				t.Fatalf("step %d: clear says %v", step, !want[i])
			}
			want[i] = false
		case 3:
			if s.Test(uint64(i)) != want[i] {
				t.Fatalf("step %d: bit %d is %v", step, i, !want[i])
			}
		case 4:
			for _, set := range []bool{true, false} {
				f := s.Next
				if !set {
					f = s.NextClear
				}
				at := slices.Index(want[min(i, length):length], set)
				got, ok := f(uint64(i))
				if ok != (at >= 0) || ok && got != uint64(i+at) {
					t.Fatalf("step %d: next %v from %d is %d, %v; want %d more", step, set, i, got, ok, at)
				}
			}
		}
	}
	count := 0
	for _, b := range want {
		if b {
			count++
		}
	}
	s := stable.NewBitset(mem)
	if s.Count() != uint64(count) || s.Len() != uint64(length) || s.Check() != nil {
		t.Errorf("count %d, length %d, %v; want %d, %d", s.Count(), s.Len(), s.Check(), count, length)
	}
	fixed := stable.NewFixedBitset(mem, most)
	if _, err := fixed.Set(most); !errors.Is(err, stable.ErrRange) {
		t.Errorf("beyond the length: %v", err)
	}
	if err := stable.NewBitset(mem).Grow(stable.MaxBits + 1); !errors.Is(err, stable.ErrRange) {
		t.Errorf("beyond all lengths: %v", err)
	}
	if s.Test(1<<60) || s.Clear(1<<60) {
		t.Error("a bit beyond the length is set")
	}
}

func TestArrayAgainstModel(t *testing.T) {
	t.Parallel()
	for _, stride := range []int{1, 7, 8, 388, 5000} {
		mem, r := &stable.Heap{}, rand.New(rand.NewSource(int64(stride)))
		var want [][]byte
		for step := range 1500 {
			a := stable.NewArray(mem, stride)
			record := make([]byte, stride)
			r.Read(record)
			i := uint64(r.Intn(len(want) + 2))
			switch inside := i < uint64(len(want)); r.Intn(6) {
			case 0:
				if err := a.Set(i, record); inside != (err == nil) || !inside && !errors.Is(err, stable.ErrRange) {
					t.Fatalf("step %d: set %d of %d: %v", step, i, len(want), err)
				} else if inside {
					want[i] = record
				}
			case 1:
				if got, ok := a.Get(i); ok != inside || ok && !bytes.Equal(got, want[i]) {
					t.Fatalf("step %d: get %d of %d differs", step, i, len(want))
				}
			case 2:
				n := i
				a.Scan(i, func(i uint64, got []byte) bool {
					if i != n || !bytes.Equal(got, want[i]) {
						t.Fatalf("step %d: scan gives %d, want %d", step, i, n)
					}
					n++
					return n < i+50
				})
			case 3:
				if step%50 == 0 {
					a.Truncate(i)
					want = want[:min(i, uint64(len(want)))]
				}
			default:
				if n, err := a.Append(record); err != nil || n != uint64(len(want)) {
					t.Fatalf("step %d: append gives %d, %v", step, n, err)
				}
				want = append(want, record)
			}
			if a.Len() != uint64(len(want)) {
				t.Fatalf("step %d: length %d, want %d", step, a.Len(), len(want))
			}
		}
		if err := stable.NewArray(mem, stride).Check(); err != nil {
			t.Error(err)
		}
		if err := stable.NewArray(mem, stride+1).Check(); err == nil {
			t.Error("another stride was taken")
		}
		if _, err := stable.NewArray(mem, stride).Append(make([]byte, stride+1)); !errors.Is(err, stable.ErrStride) {
			t.Errorf("long record: %v", err)
		}
	}
}

// naiveRoot is the root of a mountain range, the obvious way.
func naiveRoot(leaves [][]byte) [32]byte {
	var tree func(l [][]byte) [32]byte
	tree = func(l [][]byte) [32]byte {
		if len(l) == 1 {
			return sha256.Sum256(append([]byte{0}, l[0]...))
		}
		a, b := tree(l[:len(l)/2]), tree(l[len(l)/2:])
		return sha256.Sum256(append(append([]byte{1}, a[:]...), b[:]...))
	}
	out := binary.BigEndian.AppendUint64(append([]byte{11}, "assay/mmr/1"...), uint64(len(leaves)))
	for len(leaves) > 0 {
		n := 1 << (bits.Len(uint(len(leaves))) - 1)
		h := tree(leaves[:n])
		out = append(out, h[:]...)
		leaves = leaves[n:]
	}
	return sha256.Sum256(out)
}

func TestMMRAgainstModel(t *testing.T) {
	t.Parallel()
	mem, r := &stable.Heap{}, rand.New(rand.NewSource(3))
	var leaves [][]byte
	for n := range uint64(70) {
		m := stable.NewMMR(mem)
		if got, want := m.Root(), naiveRoot(leaves); got != want || m.Len() != n {
			t.Fatalf("root of %d leaves is %x, want %x", n, got, want)
		}
		for range 20 {
			if n == 0 {
				break
			}
			size := 1 + uint64(r.Int63n(int64(n)))
			leaf := uint64(r.Int63n(int64(size)))
			p, ok := m.Prove(leaf, size)
			if !ok {
				t.Fatalf("no proof of leaf %d of %d", leaf, size)
			}
			root, _ := m.RootAt(size)
			if root != naiveRoot(leaves[:size]) {
				t.Fatalf("root at %d of %d leaves", size, n)
			}
			if err := stable.VerifyMMR(root, leaves[leaf], p); err != nil {
				t.Fatal(err)
			}
			spoil(t, r, root, leaves[leaf], p)
		}
		data := randomBytes(r, 100)
		if i, err := m.Append(data); err != nil || i != n {
			t.Fatalf("append gives %d, %v", i, err)
		}
		leaves = append(leaves, data)
	}
	m := stable.NewMMR(mem)
	if _, ok := m.Prove(70, 71); ok {
		t.Error("a proof of a leaf that is not there")
	}
	if err := m.Check(); err != nil {
		t.Error(err)
	}
	mem.Bytes[64+32*2]++ // the first inner node
	if err := m.Check(); err == nil {
		t.Error("a changed node was not found")
	}
}

// spoil changes one thing of a proof, which then leads elsewhere.
func spoil(t *testing.T, r *rand.Rand, root [32]byte, data []byte, p *stable.Proof) {
	t.Helper()
	bad := &stable.Proof{Leaf: p.Leaf, Leaves: p.Leaves, Path: slices.Clone(p.Path), Peaks: slices.Clone(p.Peaks)}
	what := r.Intn(8)
	switch {
	case what == 0:
		data = append(slices.Clone(data), 0)
	case what == 1:
		bad.Leaf ^= 1 << r.Intn(8)
	case what == 2:
		bad.Leaves += uint64(1 + r.Intn(3))
	case what == 3 && len(bad.Path) > 0:
		bad.Path[r.Intn(len(bad.Path))][r.Intn(32)] ^= 1
	case what == 4 && len(bad.Peaks) > 0:
		bad.Peaks[r.Intn(len(bad.Peaks))][r.Intn(32)] ^= 1
	case what == 5:
		bad.Path = append(bad.Path, [32]byte{})
	case what == 6:
		bad.Peaks = append(bad.Peaks, [32]byte{})
	default:
		bad.Leaf, bad.Leaves = ^uint64(0), ^uint64(0)
	}
	if err := stable.VerifyMMR(root, data, bad); !errors.Is(err, stable.ErrProof) {
		t.Errorf("leaf %d of %d, spoiled in way %d: %v, want ErrProof", p.Leaf, p.Leaves, what, err)
	}
}

// The hashes of a mountain range, for other implementations.
func TestMMRGolden(t *testing.T) {
	t.Parallel()
	m := stable.NewMMR(&stable.Heap{})
	want := []string{
		"e322b5b84c46fb8f245a65b464989ff80a04eb510d9c56582c38b38483e71adf",
		"a550af2e9f99dd0f025f29e789c05920349a0dc932b356065e331fcab4e25bf8",
		"4a54c602ac4ae6c0a926cf8797d7882222d6e29df617add3a5dcae80cb2e0c20",
		"2460bb4bac7852e319587ce9c9ad8641a566a0681749dd1d56e394792b9b427a",
		"e343a23e7da92c28f24becc7b2393f60b7b2bc887bbd2eaa5b2b6598b5d74175",
	}
	for i := range want {
		if got := fmt.Sprintf("%x", m.Root()); got != want[i] {
			t.Errorf("root of %d leaves %s, want %s", i, got, want[i])
		}
		if _, err := m.Append(fmt.Appendf(nil, "leaf %d", i)); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLogFull(t *testing.T) {
	t.Parallel()
	l := stable.NewLog(&stable.Heap{}, &stable.Heap{MaxPages: 1})
	if _, err := l.Append(make([]byte, 1<<17)); !errors.Is(err, stable.ErrFull) || l.Len() != 0 {
		t.Errorf("full: %v, length %d", err, l.Len())
	}
	if _, err := l.Append(make([]byte, stable.MaxValue+1)); !errors.Is(err, stable.ErrValueTooLong) {
		t.Errorf("long: %v", err)
	}
	l = stable.NewLog(&stable.Heap{MaxPages: 1}, &stable.Heap{})
	var err error
	n := uint64(0)
	for ; err == nil; n++ {
		_, err = l.Append(nil)
	}
	if n-1 != (1<<16-32)/8 || !errors.Is(err, stable.ErrFull) || l.Len() != n-1 || l.Check() != nil {
		t.Errorf("the index took %d entries, length %d: %v", n-1, l.Len(), err)
	}
}

// FuzzMemories changes bytes of each structure's memory: every operation ends, with a result
// or with a panic, and takes no memory out of proportion.
func FuzzMemories(f *testing.F) {
	var all []subject
	var mems []*stable.Heap
	for _, s := range subjects() {
		if s.name == "map" || s.name == "manager" {
			continue // FuzzMapMemory, TestManagerRefuses
		}
		mem := &stable.Heap{}
		for i := range 20 {
			if err := s.change(mem, i); err != nil {
				f.Fatal(err)
			}
		}
		all, mems = append(all, s), append(mems, mem)
	}
	for i := range all {
		f.Add(uint8(i), uint16(8), []byte{0xff, 0xff})
		f.Add(uint8(i), uint16(15), []byte{0xff, 1, 2})
		f.Add(uint8(i), uint16(24), []byte{7})
		f.Add(uint8(i), uint16(70), []byte{0, 0, 0, 0, 0, 0, 0, 0x80})
	}
	f.Fuzz(func(t *testing.T, which uint8, at uint16, change []byte) {
		if len(change) > 64 {
			return
		}
		s := all[int(which)%len(all)]
		mem := clone(mems[int(which)%len(all)])
		mem.MaxPages = 64
		copy(mem.Bytes[int(at)%len(mem.Bytes):], change)
		_ = attempt(func() error { _, err := s.state(mem); return err })
		for i := range 5 {
			_ = attempt(func() error { return s.change(mem, 20+i) })
		}
	})
}
