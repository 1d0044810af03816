package kernel

import (
	"fmt"
	"math"
	"slices"
	"testing"

	"assay/inference/exact/internal/kernel/peak"
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

// raw gives any bits at all.
func (s *noise) raw(n int) []float32 {
	out := make([]float32, n)
	for i := range out {
		out[i] = math.Float32frombits(s.next())
	}
	return out
}

// plainProduct is the definition, without packing.
func plainProduct(a, b Matrix, m, k, n int) []float32 {
	out := make([]float32, m*n)
	for i := range m {
		for j := range n {
			var total float32
			for k0 := 0; k0 < k; k0 += 256 {
				var s float32
				for x := k0; x < min(k, k0+256); x++ {
					s += float32(a.Data[i*a.RowStride+x*a.ColumnStride] * b.Data[x*b.RowStride+j*b.ColumnStride])
				}
				total += s
			}
			out[i*n+j] = Canon(total)
		}
	}
	return out
}

func rowMajor(data []float32, columns int) Matrix { return Matrix{data, columns, 1} }

// strided lays a matrix out with the given strides, foreign numbers between.
func (s *noise) strided(m Matrix, rows, columns, rowStride, columnStride int) Matrix {
	if rows == 0 || columns == 0 {
		return Matrix{nil, rowStride, columnStride}
	}
	to := Matrix{s.floats((rows-1)*rowStride+(columns-1)*columnStride+1, true), rowStride, columnStride}
	for i := range rows {
		for j := range columns {
			to.Data[i*rowStride+j*columnStride] = m.Data[i*m.RowStride+j*m.ColumnStride]
		}
	}
	return to
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
			for _, m := range []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11, 13, 17} {
				for _, depth := range []int{0, 1, 2, 3, 4, 7, 18} {
					for _, n := range []int{0, 1, 15, 16, 17, 32, 33, 64, 65, 113} {
						checkProduct(t, k, m, depth, n, true)
					}
				}
			}
			for _, depth := range []int{255, 256, 257, 512, 513, 700} {
				for _, m := range []int{1, 2, 3, 6, 25} {
					checkProduct(t, k, m, depth, 50, true)
				}
			}
			checkProduct(t, k, 33, 384, 100, false)
			checkProduct(t, k, productRows+7, 300, 33, false)
		})
	}
}

// checkProduct multiplies matrices laid out in several ways, packed and in place.
func checkProduct(t *testing.T, k *Set, m, depth, n int, special bool) {
	t.Helper()
	s := noise(m*1000003 + depth*1009 + n + 1)
	a, b := rowMajor(s.floats(m*depth, special), depth), rowMajor(s.floats(depth*n, special), n)
	want := plainProduct(a, b, m, depth, n)
	layouts := map[string][2]Matrix{
		"plain":      {a, b},
		"wide rows":  {s.strided(a, m, depth, depth+3, 1), s.strided(b, depth, n, n+5, 1)},
		"transposed": {s.strided(a, m, depth, 1, m+2), s.strided(b, depth, n, 1, depth+1)},
		"spread":     {s.strided(a, m, depth, 2*depth+1, 2), s.strided(b, depth, n, 3*n+1, 3)},
	}
	for name, v := range layouts {
		var w Packed
		w.Pack(v[1].Data, depth, n, v[1].RowStride, v[1].ColumnStride)
		checkMultiply(t, k, name, v[0], &w, m, want)
		if v[1].ColumnStride == 1 {
			w.View(v[1].Data, depth, n, v[1].RowStride)
			checkMultiply(t, k, name+" in place", v[0], &w, m, want)
		}
	}
}

// checkMultiply also holds that nothing beside the product is written.
func checkMultiply(t *testing.T, k *Set, name string, a Matrix, w *Packed, m int, want []float32) {
	t.Helper()
	const mark = 77
	ldc := w.N + 3
	got := slices.Repeat([]float32{mark}, m*ldc)
	k.Multiply(got, ldc, a, w, m, 0, w.Panels(), nil)
	for i := range m {
		if j, ok := sameBits(got[i*ldc:i*ldc+w.N], want[i*w.N:(i+1)*w.N]); !ok {
			t.Fatalf("%s, %d×%d×%d %s: element %d of row %d is %x, want %x", k.Name, m, w.K, w.N, name, j, i, got[i*ldc+j:i*ldc+j+1], want[i*w.N+j:i*w.N+j+1])
		}
		if !slices.Equal(got[i*ldc+w.N:(i+1)*ldc], []float32{mark, mark, mark}) {
			t.Fatalf("%s, %d×%d×%d %s: row %d wrote beyond its columns", k.Name, m, w.K, w.N, name, i)
		}
	}
}

// A product's panels may be cut anywhere between threads, and its rows.
func TestKernelsCuts(t *testing.T) {
	const m, depth, n = 7, 300, 150
	s := noise(3)
	a, b := rowMajor(s.floats(m*depth, false), depth), s.floats(depth*n, false)
	want := plainProduct(a, rowMajor(b, n), m, depth, n)
	var w Packed
	w.Pack(b, depth, n, n, 1)
	for _, k := range sets {
		for cut := range w.Panels() + 1 {
			row := cut % m
			got := make([]float32, m*n)
			lower := Matrix{a.Data[row*depth:], depth, 1}
			k.Multiply(got, n, a, &w, row, cut, w.Panels(), nil)
			k.Multiply(got, n, a, &w, row, 0, cut, nil)
			k.Multiply(got[row*n:], n, lower, &w, m-row, 0, cut, nil)
			k.Multiply(got[row*n:], n, lower, &w, m-row, cut, w.Panels(), nil)
			if i, ok := sameBits(got, want); !ok {
				t.Fatalf("%s cut at panel %d: element %d differs", k.Name, cut, i)
			}
		}
	}
}

// An epilogue sees every finished element once, in place.
func TestEpilogue(t *testing.T) {
	s := noise(5)
	for _, k := range sets {
		for _, size := range [][3]int{{1, 0, 40}, {5, 7, 33}, {productRows + 3, 257, 300}, {3, 600, 16}} {
			m, depth, n := size[0], size[1], size[2]
			a, b := rowMajor(s.floats(m*depth, false), depth), s.floats(depth*n, false)
			bias := s.floats(n, false)
			want := plainProduct(a, rowMajor(b, n), m, depth, n)
			for i := range want {
				want[i] = Erf(Canon(want[i] + bias[i%n]))
			}
			var w Packed
			w.Pack(b, depth, n, n, 1)
			got, seen := make([]float32, m*n), make([]int, m*n)
			k.Multiply(got, n, a, &w, m, 0, w.Panels(), func(c []float32, row, column int) {
				k.Add(c, c, bias[column:column+len(c)])
				k.Erf(c, c)
				for j := range c {
					seen[row*n+column+j]++
				}
			})
			if i, ok := sameBits(got, want); !ok {
				t.Errorf("%s %v: element %d is %v, want %v", k.Name, size, i, got[i], want[i])
			}
			if slices.Min(seen) != 1 || slices.Max(seen) != 1 {
				t.Errorf("%s %v: the epilogue saw elements %d to %d times", k.Name, size, slices.Min(seen), slices.Max(seen))
			}
		}
	}
}

// All ways of packing give the same panels.
func TestPackWays(t *testing.T) {
	s := noise(9)
	for _, size := range [][2]int{{1, 1}, {7, 15}, {8, 16}, {31, 33}, {256, 24}, {300, 100}, {520, 5}} {
		k, n := size[0], size[1]
		b := rowMajor(s.floats(k*n, true), n)
		columns := s.strided(b, k, n, 1, k)
		var want, rows, byColumn, turned, spread Packed
		want.Pack(b.Data, k, n, n, 1)
		rows.PackRows(k, n, func(i int, row []float32) { copy(row, b.Data[i*n:]) })
		byColumn.PackColumns(k, n, func(j int, column []float32) { copy(column, columns.Data[j*k:]) })
		turned.Pack(columns.Data, k, n, 1, k)
		wide := s.strided(b, k, n, 2*n, 2)
		spread.Pack(wide.Data, k, n, 2*n, 2)
		for name, got := range map[string]*Packed{"rows": &rows, "columns": &byColumn, "transposed": &turned, "spread": &spread} {
			if i, ok := sameBits(got.panels, want.panels); !ok {
				t.Errorf("%d×%d packed by %s: element %d differs", k, n, name, i)
			}
		}
	}
}

// Scaled integers reach the panels as the floats that they stand for.
func TestPackScaled(t *testing.T) {
	for _, set := range sets {
		for _, size := range [][2]int{{0, 3}, {1, 1}, {7, 15}, {8, 16}, {31, 33}, {256, 24}, {300, 100}, {520, 5}} {
			for kind := range 12 {
				checkScaled(t, set, size[0], size[1], kind)
			}
		}
	}
}

func checkScaled(t *testing.T, set *Set, k, n, kind int) {
	t.Helper()
	s := noise(k*1000003 + n*1009 + kind)
	b := s.bytes(k, n, kind&1 != 0, false)
	scales, zeros := s.floats([]int{1, n}[kind>>1&1], true), s.zeros(kind%3, n, b.Signed)
	plain := make([]float32, k*n)
	for i := range plain {
		plain[i] = Canon(float32(float32(b.element(i/n, i%n)-pick(zeros, i%n)) * pick(scales, i%n)))
	}
	var want, got Packed
	want.Pack(plain, k, n, n, 1)
	got.Pack(s.floats(k*n, true), k, n, n, 1) // old contents must not matter
	set.PackScaled(&got, b.Data, b.Signed, k, n, scales, zeros)
	if i, ok := sameBits(got.panels, want.panels); !ok {
		t.Fatalf("%s, %d×%d kind %d: element %d is %v, want %v", set.Name, k, n, kind, i, got.panels[i], want.panels[i])
	}
}

// Reused memory for packing must not leak old columns into the padding.
func TestPackClearsPadding(t *testing.T) {
	full := []float32{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}
	var w Packed
	for _, pack := range map[string]func(){
		"rows":    func() { w.Pack(full, 1, 3, 3, 1) },
		"columns": func() { w.Pack(full, 1, 3, 1, 1) },
		"spread":  func() { w.Pack(full, 1, 3, 9, 1) },
		"by row":  func() { w.PackRows(1, 3, func(_ int, row []float32) { copy(row, full) }) },
		"by column": func() {
			w.PackColumns(1, 3, func(j int, column []float32) { column[0] = full[j] })
		},
	} {
		w.Pack(full, 1, 16, 16, 1)
		pack()
		for i, v := range w.panels {
			if want := map[int]float32{0: 1, 1: 2, 2: 3}[i]; v != want {
				t.Errorf("column %d is %v, want %v", i, v, want)
			}
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
	f.Add(uint8(5), uint16(9), uint8(17), uint64(1))
	f.Add(uint8(4), uint16(1), uint8(32), uint64(2))
	f.Add(uint8(1), uint16(300), uint8(1), uint64(3))
	f.Fuzz(func(t *testing.T, m uint8, depth uint16, n uint8, seed uint64) {
		rows, k, columns := int(m)%20, int(depth)%600, int(n)%130
		s := noise(seed)
		a, b := rowMajor(s.raw(rows*k), k), rowMajor(s.raw(k*columns), columns)
		want := plainProduct(a, b, rows, k, columns)
		var w Packed
		for _, kernel := range sets {
			w.Pack(b.Data, k, columns, columns, 1)
			checkMultiply(t, kernel, "packed", a, &w, rows, want)
			w.View(b.Data, k, columns, columns)
			checkMultiply(t, kernel, "in place", a, &w, rows, want)
		}
	})
}

func BenchmarkMatMul(b *testing.B) {
	sizes := [][3]int{{32, 384, 384}, {32, 384, 1536}, {32, 1536, 384}, {128, 384, 1536}, {128, 1536, 384}, {1024, 1536, 384}, {1, 576, 1536}, {1, 4096, 4096}, {32, 32, 32}, {128, 32, 128}, {128, 128, 32}}
	for _, k := range sets {
		for _, size := range sizes {
			m, depth, n := size[0], size[1], size[2]
			b.Run(fmt.Sprintf("%s/%dx%dx%d", k.Name, m, depth, n), func(b *testing.B) {
				s := noise(1)
				x, out := rowMajor(s.floats(m*depth, false), depth), make([]float32, m*n)
				var w Packed
				w.Pack(s.floats(depth*n, false), depth, n, n, 1)
				for b.Loop() {
					k.Multiply(out, n, x, &w, m, 0, w.Panels(), nil)
				}
				operations := 2 * float64(m) * float64(depth) * float64(n) * float64(b.N)
				b.ReportMetric(operations/b.Elapsed().Seconds()/1e9, "GFLOP/s")
			})
		}
	}
}

// BenchmarkPeak is the limit of the benchmarks of products: the same instructions with nothing to load.
func BenchmarkPeak(b *testing.B) {
	for _, l := range peak.Loops() {
		b.Run(l.Name, func(b *testing.B) {
			const rounds = 10_000
			for b.Loop() {
				l.Run(rounds)
			}
			b.ReportMetric(l.Work*rounds*float64(b.N)/b.Elapsed().Seconds()/1e9, l.Unit)
		})
	}
}
