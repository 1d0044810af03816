package kernel

import (
	"fmt"
	"math"
	"testing"
)

// noise is a small generator of test numbers.
type noise uint64

func (s *noise) next() uint32 {
	*s = *s*6364136223846793005 + 1442695040888963407
	return uint32(*s >> 32)
}

// float gives ordinary numbers, and one in ten is special: signed zeros, subnormals, huge ones, infinities, NaNs of
// several spellings.
func (s *noise) float(special bool) float32 {
	v := float32(int32(s.next())) / (1 << 28)
	if !special || s.next()%10 != 0 {
		return v
	}
	odd := []uint32{0, 1 << 31, 1, 0x807fffff, 0x00800000, 0x7f7fffff, 0xff7fffff, 0x7f800000, 0xff800000, 0x7fc00000, 0xffc00001, 0x7f800001}
	return math.Float32frombits(odd[s.next()%uint32(len(odd))])
}

func (s *noise) floats(n int, special bool) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = s.float(special)
	}
	return out
}

// plainProduct is the definition, without blocks or packing.
func plainProduct(a, b []float32, m, k, n int) []float32 {
	out := make([]float32, m*n)
	for i := range m {
		for j := range n {
			var s float32
			for x := range k {
				s += float32(a[i*k+x] * b[x*n+j])
			}
			out[i*n+j] = Canon(s)
		}
	}
	return out
}

func sameBits(a, b []float32) (int, bool) {
	for i := range a {
		if math.Float32bits(a[i]) != math.Float32bits(b[i]) {
			return i, false
		}
	}
	return 0, len(a) == len(b)
}

func TestKernelsMatchDefinition(t *testing.T) {
	for _, k := range sets {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			for m := range 10 {
				for _, depth := range []int{0, 1, 2, 3, 7, 16, 33} {
					for _, n := range []int{0, 1, 3, 4, 15, 16, 17, 31, 32, 33, 47, 48, 63, 64, 65} {
						for _, special := range []bool{false, true} {
							checkProduct(t, k, m, depth, n, special)
						}
					}
				}
			}
			checkProduct(t, k, 33, 384, 100, false)
			checkProduct(t, k, 5, 1536, 40, true)
		})
	}
}

func checkProduct(t *testing.T, k *Set, m, depth, n int, special bool) {
	t.Helper()
	s := noise(m*1000003 + depth*1009 + n + 1)
	a, b := s.floats(m*depth, special), s.floats(depth*n, special)
	want := plainProduct(a, b, m, depth, n)
	got := s.floats(m*n, true) // whatever stood there before must not matter
	var w Packed
	w.Pack(b, depth, n)
	k.Multiply(got, a, &w, m, 0, w.Panels())
	if i, ok := sameBits(got, want); !ok {
		t.Fatalf("%d×%d×%d special %v: element %d is %x, want %x", m, depth, n, special, i, got[i:i+1], want[i:i+1])
	}
}

// A product's panels may be cut anywhere between threads.
func TestKernelsPanelCuts(t *testing.T) {
	const m, depth, n = 7, 20, 150
	s := noise(3)
	a, b := s.floats(m*depth, false), s.floats(depth*n, false)
	want := plainProduct(a, b, m, depth, n)
	var w Packed
	w.Pack(b, depth, n)
	for _, k := range sets {
		for cut := range w.Panels() + 1 {
			got := make([]float32, m*n)
			k.Multiply(got, a, &w, m, cut, w.Panels())
			k.Multiply(got, a, &w, m, 0, cut)
			if i, ok := sameBits(got, want); !ok {
				t.Fatalf("%s cut at panel %d: element %d differs", k.Name, cut, i)
			}
		}
	}
}

// Reused memory for packing must not leak old columns into the padding.
func TestPackClearsPadding(t *testing.T) {
	var w Packed
	w.Pack([]float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}, 1, 16)
	w.Pack([]float32{1, 2, 3}, 1, 3)
	for i, v := range w.panels {
		if want := map[int]float32{0: 1, 1: 2, 2: 3}[i]; v != want {
			t.Errorf("column %d is %v, want %v", i, v, want)
		}
	}
}

func TestUnknownSet(t *testing.T) {
	if Named("quantum") != nil {
		t.Error("found")
	}
	if got := Names(); got[len(got)-1] != "go" {
		t.Errorf("sets %v, want go as the last", got)
	}
}

// FuzzKernels feeds raw bits to every kernel.
func FuzzKernels(f *testing.F) {
	f.Add(uint8(5), uint8(9), uint8(17), uint64(1))
	f.Add(uint8(4), uint8(1), uint8(32), uint64(2))
	f.Add(uint8(1), uint8(31), uint8(1), uint64(3))
	f.Fuzz(func(t *testing.T, m, depth, n uint8, seed uint64) {
		rows, k, columns := int(m)%20, int(depth)%40, int(n)%80
		s := noise(seed)
		a, b := make([]float32, rows*k), make([]float32, k*columns)
		for i := range a {
			a[i] = math.Float32frombits(s.next())
		}
		for i := range b {
			b[i] = math.Float32frombits(s.next())
		}
		want := plainProduct(a, b, rows, k, columns)
		var w Packed
		w.Pack(b, k, columns)
		for _, kernel := range sets {
			got := make([]float32, rows*columns)
			kernel.Multiply(got, a, &w, rows, 0, w.Panels())
			if i, ok := sameBits(got, want); !ok {
				t.Fatalf("%s: element %d of %d×%d×%d differs", kernel.Name, i, rows, k, columns)
			}
		}
	})
}

func BenchmarkMatMul(b *testing.B) {
	for _, k := range sets {
		for _, size := range [][3]int{{32, 384, 384}, {32, 384, 1536}, {32, 1536, 384}} {
			m, depth, n := size[0], size[1], size[2]
			b.Run(fmt.Sprintf("%s/%dx%dx%d", k.Name, m, depth, n), func(b *testing.B) {
				s := noise(1)
				x, out := s.floats(m*depth, false), make([]float32, m*n)
				var w Packed
				w.Pack(s.floats(depth*n, false), depth, n)
				for b.Loop() {
					k.Multiply(out, x, &w, m, 0, w.Panels())
				}
				operations := 2 * float64(m) * float64(depth) * float64(n) * float64(b.N)
				b.ReportMetric(operations/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}
