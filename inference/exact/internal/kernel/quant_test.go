package kernel

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// quantised is a matrix as MatMulNBits has it.
type quantised struct {
	q, zeros          []byte // zeros of every column and block, or nil
	scales            []float32
	k, n, block, bits int
}

func (s *noise) quantised(k, n, block, bits int, zeros bool) quantised {
	blocks := (k + block - 1) / block
	v := quantised{k: k, n: n, block: block, bits: bits, q: make([]byte, n*blocks*block*bits/8), scales: s.floats(n*blocks, s.next()%4 == 0)}
	for i := range v.q {
		if v.q[i] = byte(s.next() >> 8); s.next()%4 == 0 {
			v.q[i] = []byte{0, 255}[i%2]
		}
	}
	if zeros {
		v.zeros = make([]byte, n*blocks)
		for i := range v.zeros {
			v.zeros[i] = byte(s.next()>>8) & (1<<bits - 1)
		}
	}
	return v
}

// at is q less its zero point, and the scale.
func (v *quantised) at(i, j int) (int32, float32) {
	blocks := (v.k + v.block - 1) / v.block
	b := j*blocks + i/v.block
	q := v.q[b*v.block*v.bits/8:]
	x := i % v.block
	var e byte
	if v.bits == 8 {
		e = q[x]
	} else if e = q[x/2] & 15; x%2 == 1 {
		e = q[x/2] >> 4
	}
	zero := int32(1) << (v.bits - 1)
	if v.zeros != nil {
		zero = int32(v.zeros[b])
	}
	return int32(e) - zero, v.scales[b]
}

// plainBlocks is the definition.
func plainBlocks(a []float32, v *quantised, m int) []float32 {
	out := make([]float32, m*v.n)
	for i := range m {
		for from := 0; from < v.k; from += v.block {
			to := min(v.k, from+v.block)
			x := a[i*v.k+from : i*v.k+to]
			scale, q := plainQuantise(x)
			for j := range v.n {
				dot, columnScale := int32(0), float32(0)
				for y := range q {
					var w int32
					w, columnScale = v.at(from+y, j)
					dot += q[y] * w
				}
				out[i*v.n+j] += float32(float32(dot) * float32(scale*columnScale))
			}
		}
	}
	for i, x := range out {
		out[i] = Canon(x)
	}
	return out
}

func plainQuantise(x []float32) (float32, []int32) {
	top, out := 0.0, make([]int32, len(x))
	for _, v := range x {
		if v = Abs(v); float64(v) > top || v != v {
			top = float64(v) // which stays NaN
		}
	}
	scale := Canon(float32(top) / 127)
	for i, v := range x {
		q := math.RoundToEven(float64(v / scale))
		if scale != 0 && q == q {
			out[i] = int32(max(-127, min(127, q)))
		}
	}
	return scale, out
}

func TestBlocksMatchDefinition(t *testing.T) {
	for _, k := range intSets() {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			for _, bits := range []int{4, 8} {
				for _, block := range []int{16, 32, 64, 128, 256} {
					for _, m := range []int{1, 2, 3, 4, 5, 9} {
						for _, size := range [][2]int{{0, 5}, {1, 1}, {16, 16}, {31, 15}, {40, 0}, {65, 33}, {270, 48}} {
							for kind := range 4 {
								checkBlocks(t, k, m, size[0], size[1], block, bits, kind)
							}
						}
					}
				}
				checkBlocks(t, k, 0, 32, 16, 32, bits, 1)
				checkBlocks(t, k, 50, 320, 50, 32, bits, 1)
			}
		})
	}
}

func checkBlocks(t *testing.T, k *Set, m, depth, n, block, bits, kind int) {
	t.Helper()
	s := noise(m*1000003 + depth*1009 + n*17 + block + bits + 1)
	v := s.quantised(depth, n, block, bits, kind&1 != 0)
	a := s.floats(m*depth, kind&2 != 0)
	want := plainBlocks(a, &v, m)
	var panels BlockPanels
	var rows BlockRows
	other := s.quantised(70, 40, 32, 4, true)
	if err := panels.Pack(other.q, other.scales, other.zeros, 70, 40, 32, 4); err != nil { // old contents must not matter
		t.Fatal(err)
	}
	if err := panels.Pack(v.q, v.scales, v.zeros, depth, n, block, bits); err != nil {
		t.Fatal(err)
	}
	k.QuantiseBlocks(&rows, s.floats(10*100, true), 10, 100, 100, 16)
	wide := s.strided(rowMajor(a, depth), m, depth, depth+3, 1)
	k.QuantiseBlocks(&rows, wide.Data, m, depth, depth+3, block)
	ldc := n + 2
	got := slices.Repeat([]float32{77}, m*ldc)
	cut := panels.Panels() / 2
	seen := 0
	count := func(c []float32, _, _ int) { seen += len(c) }
	k.MultiplyBlocks(got, ldc, &rows, &panels, 0, m/2, 0, panels.Panels(), count)
	k.MultiplyBlocks(got[m/2*ldc:], ldc, &rows, &panels, m/2, m-m/2, cut, panels.Panels(), count)
	k.MultiplyBlocks(got[m/2*ldc:], ldc, &rows, &panels, m/2, m-m/2, 0, cut, count)
	for i := range m {
		if j, ok := sameBits(got[i*ldc:i*ldc+n], want[i*n:(i+1)*n]); !ok || got[i*ldc+n] != 77 || got[i*ldc+n+1] != 77 {
			t.Fatalf("%s %d×%d×%d, blocks of %d, %d bits, kind %d: row %d element %d is %v, want %v, and 77 77", k.Name, m, depth, n, block, bits, kind, i, j, got[i*ldc:(i+1)*ldc], want[i*n:(i+1)*n])
		}
	}
	if seen != m*n {
		t.Fatalf("an epilogue saw %d of %d elements", seen, m*n)
	}
}

// The other product with such weights is that of their float values.
func TestDequantisedMatchesDefinition(t *testing.T) {
	for _, k := range sets {
		t.Run(k.Name, func(t *testing.T) {
			t.Parallel()
			s := noise(7)
			for _, block := range []int{16, 32, 256} {
				for _, size := range [][3]int{{1, 0, 3}, {2, 1, 1}, {3, 40, 16}, {4, 300, 33}, {productRows + 1, 257, 20}, {0, 5, 5}} {
					m, depth, n := size[0], size[1], size[2]
					for _, bits := range []int{4, 8} {
						v := s.quantised(depth, n, block, bits, s.next()%2 == 0)
						var panels BlockPanels
						if err := panels.Pack(v.q, v.scales, v.zeros, depth, n, block, bits); err != nil {
							t.Fatal(err)
						}
						b := rowMajor(make([]float32, depth*n), n)
						for i := range b.Data {
							q, scale := v.at(i/n, i%n)
							b.Data[i] = float32(float32(q) * scale)
						}
						a := rowMajor(s.floats(m*depth, true), depth)
						want := plainProduct(a, b, m, depth, n)
						got, seen := s.floats(m*n, true), 0
						cut := panels.Panels() / 2
						count := func(c []float32, _, _ int) { seen += len(c) }
						k.MultiplyDequantised(got, n, a, &panels, m, cut, panels.Panels(), count)
						k.MultiplyDequantised(got, n, s.strided(a, m, depth, 1, m+1), &panels, m, 0, cut, count)
						if i, ok := sameBits(got, want); !ok || seen != m*n {
							t.Fatalf("%v, blocks of %d, %d bits: element %d is %v, want %v; an epilogue saw %d of %d", size, block, bits, i, got[i], want[i], seen, m*n)
						}
					}
				}
			}
		})
	}
}

func TestBlocksRefused(t *testing.T) {
	var p BlockPanels
	for name, err := range map[string]error{
		"three bits":      p.Pack(nil, nil, nil, 0, 0, 32, 3),
		"blocks of 24":    p.Pack(nil, nil, nil, 0, 0, 24, 4),
		"too few bytes":   p.Pack(make([]byte, 15), make([]float32, 1), nil, 32, 1, 32, 4),
		"too many scales": p.Pack(make([]byte, 16), make([]float32, 2), nil, 32, 1, 32, 4),
		"no zero point":   p.Pack(make([]byte, 16), make([]float32, 1), []byte{}, 32, 1, 32, 4),
	} {
		if err == nil {
			t.Errorf("%s: packed", name)
		}
	}
}

func FuzzBlocks(f *testing.F) {
	f.Add(uint8(5), uint16(9), uint8(17), uint8(1), uint64(1))
	f.Add(uint8(8), uint16(64), uint8(32), uint8(2), uint64(2))
	f.Fuzz(func(t *testing.T, m uint8, depth uint16, n, kind uint8, seed uint64) {
		s := noise(seed)
		block := 16 << (s.next() % 5)
		for _, set := range intSets() {
			checkBlocks(t, set, int(m)%12, int(depth)%600, int(n)%60, block, 4+4*int(s.next()%2), int(kind)%4)
		}
	})
}

func BenchmarkBlocks(b *testing.B) {
	for _, k := range sets {
		for _, bits := range []int{4, 8} {
			for _, size := range [][3]int{{1, 576, 1536}, {1, 4096, 4096}, {32, 576, 1536}} {
				m, depth, n := size[0], size[1], size[2]
				b.Run(fmt.Sprintf("%s/%d bits/%dx%dx%d", k.Name, bits, m, depth, n), func(b *testing.B) {
					s := noise(1)
					v := s.quantised(depth, n, 32, bits, false)
					var panels BlockPanels
					var rows BlockRows
					if err := panels.Pack(v.q, v.scales, v.zeros, depth, n, 32, bits); err != nil {
						b.Fatal(err)
					}
					k.QuantiseBlocks(&rows, s.floats(m*depth, false), m, depth, depth, 32)
					c := make([]float32, m*n)
					for b.Loop() {
						k.MultiplyBlocks(c, n, &rows, &panels, 0, m, 0, panels.Panels(), nil)
					}
					operations := 2 * float64(m) * float64(depth) * float64(n) * float64(b.N)
					b.ReportMetric(operations/b.Elapsed().Seconds()/1e9, "GOP/s")
				})
			}
		}
	}
}
