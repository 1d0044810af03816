package kernel

import (
	"fmt"
	"slices"
	"testing"
)

// element gives a value of a view as a number.
func (b *Bytes) element(i, j int) int32 {
	v := b.Data[i*b.RowStride+j*b.ColumnStride]
	if b.Signed {
		return int32(int8(v))
	}
	return int32(v)
}

// plainInt8 is the definition.
func plainInt8(a, b Bytes, m, k, n int, aZeros, bZeros []int32) []int32 {
	out := make([]int32, m*n)
	for i := range m {
		for j := range n {
			for x := range k {
				out[i*n+j] += (a.element(i, x) - pick(aZeros, i)) * (b.element(x, j) - pick(bZeros, j))
			}
		}
	}
	return out
}

// bytes gives a matrix of bytes, a quarter of them at the ends of their range.
func (s *noise) bytes(rows, columns int, signed, turned bool) Bytes {
	b := Bytes{Data: make([]byte, rows*columns), Signed: signed, RowStride: columns, ColumnStride: 1}
	if turned {
		b.RowStride, b.ColumnStride = 1, rows
	}
	for i := range b.Data {
		v := s.next()
		if b.Data[i] = byte(v); v>>30 == 0 {
			b.Data[i] = []byte{0, 127, 128, 255}[v>>8&3]
		}
	}
	return b
}

// zeros gives no zero points, one, or one each, within the range of the elements.
func (s *noise) zeros(kind, n int, signed bool) []int32 {
	out := make([]int32, []int{0, 1, n}[kind])
	for i := range out {
		out[i] = int32(s.next() >> 24)
		if signed {
			out[i] -= 128
		}
	}
	return out
}

func TestInt8MatchesDefinition(t *testing.T) {
	for _, k := range intSets() {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			for _, m := range []int{0, 1, 2, 3, 4, 5, 6, 7, 9} {
				for _, depth := range []int{0, 1, 2, 3, 4, 5, 18} {
					for _, n := range []int{0, 1, 16, 17, 32, 65, 113} {
						checkInt8(t, k, m, depth, n)
					}
				}
			}
			for _, size := range [][3]int{{50, 200, 300}, {17, 1537, 33}, {1, 2048, 100}, {3, 70000, 2}} {
				checkInt8(t, k, size[0], size[1], size[2])
			}
		})
	}
}

func checkInt8(t *testing.T, k *Set, m, depth, n int) {
	t.Helper()
	s := noise(m*1000003 + depth*1009 + n + 1)
	for kind := range 8 {
		aSigned, bSigned := kind&1 != 0, kind&2 != 0
		a, b := s.bytes(m, depth, aSigned, kind == 5), s.bytes(depth, n, bSigned, kind >= 6)
		aZeros, bZeros := s.zeros(kind%3, m, aSigned), s.zeros(kind*7%5%3, n, bSigned)
		want := plainInt8(a, b, m, depth, n, aZeros, bZeros)
		var rows Int8Rows
		var panels Int8Panels
		k.PackInt8(&panels, s.bytes(n, depth, true, false), n, depth, nil) // old contents must not matter
		k.PackInt8(&panels, b, depth, n, bZeros)
		k.PackInt8Rows(&rows, s.bytes(depth, m, true, false), depth, m, nil)
		k.PackInt8Rows(&rows, a, m, depth, aZeros)
		got, ldc := slices.Repeat([]int32{77}, m*(n+2)), n+2
		k.MultiplyInt8(got, ldc, &rows, &panels, 0, m, 0, panels.Panels(), nil)
		seen := make([]int32, m*n)
		cut := panels.Panels() / 2
		keep := func(c []int32, row, column int) {
			for j, v := range c {
				seen[row*n+column+j] += v
			}
		}
		k.MultiplyInt8(nil, 0, &rows, &panels, 0, m/2, 0, panels.Panels(), keep)
		k.MultiplyInt8(nil, 0, &rows, &panels, m/2, m-m/2, cut, panels.Panels(), keep)
		k.MultiplyInt8(nil, 0, &rows, &panels, m/2, m-m/2, 0, cut, keep)
		for i := range m {
			if !slices.Equal(got[i*ldc:i*ldc+n], want[i*n:(i+1)*n]) || !slices.Equal(got[i*ldc+n:(i+1)*ldc], []int32{77, 77}) {
				t.Fatalf("%s %d×%d×%d kind %d: row %d is %v, want %v and 77 77", k.Name, m, depth, n, kind, i, got[i*ldc:(i+1)*ldc], want[i*n:(i+1)*n])
			}
		}
		if !slices.Equal(seen, want) {
			t.Fatalf("%s %d×%d×%d kind %d: an epilogue saw other sums", k.Name, m, depth, n, kind)
		}
	}
}

func TestRescale(t *testing.T) {
	s := noise(4)
	for _, k := range sets {
		for n := range 40 {
			c, columns, bias := make([]int32, n), s.floats(n, true), s.floats(n, true)
			for i := range c {
				if c[i] = int32(s.next()); i%3 == 0 {
					c[i] = []int32{-1 << 31, 1<<31 - 1, 16777217, -3, 0}[i%5]
				}
			}
			row := s.float(true)
			for _, add := range [][]float32{nil, bias} {
				got, want := make([]float32, n), make([]float32, n)
				for j := range want {
					want[j] = float32(float32(float32(c[j])*row) * columns[j])
					if add != nil {
						want[j] += add[j]
					}
					want[j] = Canon(want[j])
				}
				k.Rescale(got, c, row, columns, add)
				if i, ok := sameBits(got, want); !ok {
					t.Fatalf("%s: %d · %v · %v is %v, want %v", k.Name, c[i], row, columns[i], got[i], want[i])
				}
			}
		}
	}
}

// Quantised rows are what the steps of their definition give.
func TestQuantiseInt8Rows(t *testing.T) {
	s := noise(8)
	for _, k := range intSets() {
		for _, size := range [][2]int{{0, 4}, {1, 0}, {3, 1}, {2, 31}, {5, 33}, {4, 100}, {2, 384}} {
			m, depth := size[0], size[1]
			a := s.floats(m*(depth+2), s.next()%2 == 0)
			if m > 1 {
				clear(a[:depth])
			}
			q := Bytes{Data: make([]byte, m*depth), Signed: true, RowStride: depth, ColumnStride: 1}
			wantScales := make([]float32, m)
			for i := range m {
				scale, row := plainQuantise(a[i*(depth+2):][:depth])
				if scale == 0 {
					scale = 1
				}
				wantScales[i] = scale
				for x, v := range row {
					q.Data[i*depth+x] = byte(v)
				}
			}
			var got, want Int8Rows
			scales := make([]float32, m)
			k.ShapeInt8Rows(&got, m, depth)
			for i := range m {
				scales[i] = k.QuantiseInt8Row(&got, i, a[i*(depth+2):][:depth], make([]byte, depth))
			}
			k.PackInt8Rows(&want, q, m, depth, nil)
			if i, ok := sameBits(scales, wantScales); !ok {
				t.Fatalf("%s %v: scale of row %d is %v, want %v", k.Name, size, i, scales[i], wantScales[i])
			}
			if !slices.Equal(got.data, want.data) || !slices.Equal(got.terms, want.terms) || got.plain != want.plain {
				t.Fatalf("%s %v: other rows than packed from bytes:\n%v\n%v", k.Name, size, got, want)
			}
		}
	}
}

func FuzzInt8(f *testing.F) {
	f.Add(uint8(5), uint16(9), uint8(17), uint64(1))
	f.Add(uint8(8), uint16(64), uint8(32), uint64(2))
	f.Fuzz(func(t *testing.T, m uint8, depth uint16, n uint8, seed uint64) {
		rows, k, columns := int(m)%20, int(depth)%600, int(n)%130
		s := noise(seed)
		for _, set := range intSets() {
			checkInt8(t, set, rows, k, columns+int(s.next()%3))
		}
	})
}

func BenchmarkInt8(b *testing.B) {
	sizes := [][3]int{{32, 384, 384}, {32, 384, 1536}, {32, 1536, 384}, {128, 384, 1536}, {1, 4096, 4096}}
	for _, k := range intSets() {
		for _, size := range sizes {
			m, depth, n := size[0], size[1], size[2]
			b.Run(fmt.Sprintf("%s/%dx%dx%d", k.Name, m, depth, n), func(b *testing.B) {
				s := noise(1)
				var rows Int8Rows
				var panels Int8Panels
				k.PackInt8(&panels, s.bytes(depth, n, true, false), depth, n, nil)
				k.PackInt8Rows(&rows, s.bytes(m, depth, false, false), m, depth, []int32{120})
				c := make([]int32, m*n)
				for b.Loop() {
					k.MultiplyInt8(c, n, &rows, &panels, 0, m, 0, panels.Panels(), nil)
				}
				operations := 2 * float64(m) * float64(depth) * float64(n) * float64(b.N)
				b.ReportMetric(operations/b.Elapsed().Seconds()/1e9, "GOP/s")
			})
		}
	}
}
