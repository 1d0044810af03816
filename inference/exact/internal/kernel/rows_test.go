package kernel

import (
	"fmt"
	"math"
	"testing"
)

// laneFold is the rule for rows, written the slow way: 16 lanes, the tree, blocks of 4,096.
func laneFold(x []float32, start float32, step func(a, b float32) float32) float32 {
	var total float32
	for at := 0; at == 0 || at < len(x); at += 4096 {
		block := x[at:min(len(x), at+4096)]
		var lane [16]float32
		for i := range lane {
			lane[i] = start
		}
		for i, v := range block {
			lane[i%16] = step(lane[i%16], v)
		}
		for _, half := range []int{8, 4, 2, 1} {
			for i := range half {
				lane[i] = step(lane[i], lane[i+half])
			}
		}
		if at == 0 {
			total = lane[0]
		} else {
			total = step(total, lane[0])
		}
	}
	return Canon(total)
}

func addStep(a, b float32) float32 { return a + b }
func mulStep(a, b float32) float32 { return float32(a * b) }

// rowLengths are around the lanes, the vectors and the blocks.
var rowLengths = []int{0, 1, 2, 7, 8, 15, 16, 17, 31, 32, 33, 47, 48, 64, 65, 100, 384, 1000, 4095, 4096, 4097, 4112, 8192, 9000, 12289}

// plainRows gives each reduction by its definition.
func plainRows(x []float32, mean float32) map[string]float32 {
	squares, magnitudes := make([]float32, len(x)), make([]float32, len(x))
	top, bottom := float32(math.Inf(-1)), float32(math.Inf(1))
	for i, v := range x {
		d := v - mean
		squares[i], magnitudes[i] = float32(d*d), abs(v)
		top, bottom = Max(top, v), Min(bottom, v)
	}
	return map[string]float32{
		"Sum": laneFold(x, 0, addStep), "SumSquares": laneFold(squares, 0, addStep), "SumAbs": laneFold(magnitudes, 0, addStep),
		"Prod": laneFold(x, 1, mulStep), "Highest": top, "Lowest": bottom,
		"Mean": Canon(laneFold(x, 0, addStep) / float32(len(x))),
	}
}

func TestRowsFollowTheRule(t *testing.T) {
	for _, special := range []bool{false, true} {
		s := noise(21)
		for _, n := range rowLengths {
			x := s.floats(n, special)
			for i := range x {
				if special && n > 100 && x[i] != x[i] {
					x[i] = -1e-41 // long rows would be NaN without exception
				}
			}
			mean := s.float(false)
			want := plainRows(x, mean)
			for _, k := range sets {
				got := map[string]float32{
					"Sum": k.Sum(x), "SumSquares": k.SumSquares(x, mean), "SumAbs": k.SumAbs(x), "Prod": k.Prod(x),
					"Highest": k.Highest(x), "Lowest": k.Lowest(x), "Mean": k.Mean(x),
				}
				for name, w := range want {
					if math.Float32bits(got[name]) != math.Float32bits(w) {
						t.Errorf("%s: %s of %d (special %v) = %v (%#x), want %v (%#x)", k.Name, name, n, special, got[name], math.Float32bits(got[name]), w, math.Float32bits(w))
					}
				}
			}
		}
	}
}

// The signs of zeros and NaN decide whatever their place.
func TestHighestAndLowestDoNotDependOnOrder(t *testing.T) {
	minus := float32(math.Copysign(0, -1))
	for _, k := range sets {
		for at := range 40 {
			x := make([]float32, 40)
			for i := range x {
				x[i] = minus
			}
			x[at] = 0
			if got := k.Highest(x); math.Float32bits(got) != 0 {
				t.Errorf("%s: highest of -0 and a +0 at %d is %v", k.Name, at, got)
			}
			for i := range x {
				x[i] = 0
			}
			x[at] = minus
			if got := k.Lowest(x); math.Float32bits(got) != signBit {
				t.Errorf("%s: lowest of +0 and a -0 at %d is %v", k.Name, at, got)
			}
			x[at] = math.Float32frombits(0xff800001)
			if got := k.Highest(x); math.Float32bits(got) != 0x7fc00000 {
				t.Errorf("%s: highest with a NaN at %d is %v", k.Name, at, got)
			}
			if got := k.Lowest(x); math.Float32bits(got) != 0x7fc00000 {
				t.Errorf("%s: lowest with a NaN at %d is %v", k.Name, at, got)
			}
		}
	}
}

// A reduction over columns has the bits of the row reduction over each column's elements.
func TestColumnsMatchRows(t *testing.T) {
	s := noise(22)
	for _, size := range [][2]int{{0, 3}, {1, 1}, {1, 300}, {5, 70}, {16, 257}, {17, 9}, {100, 33}, {4097, 3}, {8200, 2}} {
		n, width := size[0], size[1]
		x, means := s.floats(n*width, n < 100), s.floats(width, false)
		for _, k := range sets {
			check := func(name string, columns func(out []float32), row func(x []float32, j int) float32) {
				t.Helper()
				got, column := s.floats(width, true), make([]float32, n)
				columns(got)
				for j := range got {
					for i := range column {
						column[i] = x[i*width+j]
					}
					if want := row(column, j); math.Float32bits(got[j]) != math.Float32bits(want) {
						t.Errorf("%s: %s of %d×%d, column %d is %v, its row %v", k.Name, name, n, width, j, got[j], want)
						return
					}
				}
			}
			plain := func(f func(x []float32) float32) func(x []float32, _ int) float32 {
				return func(x []float32, _ int) float32 { return f(x) }
			}
			check("SumColumns", func(out []float32) { k.SumColumns(out, x, n) }, plain(k.Sum))
			check("SumSquaresColumns", func(out []float32) { k.SumSquaresColumns(out, x, means, n) }, func(x []float32, j int) float32 { return k.SumSquares(x, means[j]) })
			check("SumSquaresColumns of zero", func(out []float32) { k.SumSquaresColumns(out, x, nil, n) }, func(x []float32, _ int) float32 { return k.SumSquares(x, 0) })
			check("SumAbsColumns", func(out []float32) { k.SumAbsColumns(out, x, n) }, plain(k.SumAbs))
			check("ProdColumns", func(out []float32) { k.ProdColumns(out, x, n) }, plain(k.Prod))
			check("HighestColumns", func(out []float32) { k.HighestColumns(out, x, n) }, plain(k.Highest))
			check("LowestColumns", func(out []float32) { k.LowestColumns(out, x, n) }, plain(k.Lowest))
			check("MeanColumns", func(out []float32) { k.MeanColumns(out, x, n) }, plain(k.Mean))
			check("LogSumExpColumns", func(out []float32) { k.LogSumExpColumns(out, x, n) }, plain(k.LogSumExp))
		}
	}
}

// plainSoftmax is the definition.
func plainSoftmax(x []float32) []float32 {
	top := float32(math.Inf(-1))
	for _, v := range x {
		top = Max(top, v)
	}
	out := make([]float32, len(x))
	for i, v := range x {
		out[i] = Exp(v - top)
	}
	total := laneFold(trim(out), 0, addStep)
	for i, v := range out {
		out[i] = Canon(v / total)
	}
	return out
}

func TestSoftmaxFollowsTheRule(t *testing.T) {
	s := noise(23)
	inf := float32(math.Inf(1))
	for _, n := range rowLengths {
		for round := range 4 {
			x := s.floats(n, round == 3)
			if round == 1 && n > 2 {
				x[0], x[n-1], x[n/2] = -inf, -200, -inf
			}
			if round == 2 {
				fill(x, -inf)
			}
			want, mask := plainSoftmax(x), s.floats(n, round == 3)
			scaled := make([]float32, n)
			for i, v := range x {
				scaled[i] = Canon(Canon(float32(v*0.37)) + mask[i])
			}
			maskedWant := plainSoftmax(scaled)
			for _, k := range sets {
				got := s.floats(n, true)
				k.Softmax(got, x)
				wantBits(t, fmt.Sprintf("%s: softmax of %d, round %d", k.Name, n, round), got, want)
				got = append([]float32(nil), x...)
				k.MaskedSoftmax(got, got, mask, 0.37)
				wantBits(t, fmt.Sprintf("%s: masked softmax of %d, round %d", k.Name, n, round), got, maskedWant)
				k.MaskedSoftmax(got, x, nil, 1)
				wantBits(t, fmt.Sprintf("%s: softmax of %d without mask, round %d", k.Name, n, round), got, want)
			}
		}
	}
}

func wantBits(t *testing.T, what string, got, want []float32) {
	t.Helper()
	if i, ok := sameBits(got, want); !ok {
		t.Errorf("%s: element %d is %v (%#x), want %v (%#x)", what, i, got[i], math.Float32bits(got[i]), want[i], math.Float32bits(want[i]))
	}
}

// Masked positions to the left and right of a row change no bit of the others.
func TestPaddingChangesNothing(t *testing.T) {
	s := noise(24)
	for _, k := range sets {
		for _, n := range []int{1, 5, 16, 37, 300, 4100} {
			x := s.floats(n, false)
			alone, logs := make([]float32, n), make([]float32, n)
			k.Softmax(alone, x)
			k.LogSoftmax(logs, x)
			for _, pad := range [][2]int{{1, 0}, {0, 1}, {3, 40}, {17, 2}, {300, 300}} {
				row := make([]float32, pad[0]+n+pad[1])
				fill(row, float32(math.Inf(-1)))
				copy(row[pad[0]:], x)
				got := make([]float32, len(row))
				k.Softmax(got, row)
				wantBits(t, fmt.Sprintf("%s: softmax of %d within %v", k.Name, n, pad), got[pad[0]:pad[0]+n], alone)
				if l := k.LogSumExp(row); math.Float32bits(l) != math.Float32bits(k.LogSumExp(x)) {
					t.Errorf("%s: LogSumExp of %d within %v is %v, alone %v", k.Name, n, pad, l, k.LogSumExp(x))
				}
				k.LogSoftmax(row, row)
				wantBits(t, fmt.Sprintf("%s: log softmax of %d within %v", k.Name, n, pad), row[pad[0]:pad[0]+n], logs)
			}
		}
	}
}

func TestLogSoftmaxFollowsTheRule(t *testing.T) {
	s := noise(25)
	for _, n := range rowLengths[1:] {
		x := s.floats(n, false)
		top, e := vectorsGo.Highest(x), make([]float32, n)
		for i, v := range x {
			e[i] = Exp(v - top)
		}
		total := laneFold(trim(e), 0, addStep)
		for i, v := range x {
			e[i] = Canon(Canon(v-top) - Log(total))
		}
		for _, k := range sets {
			got := make([]float32, n)
			k.LogSoftmax(got, x)
			wantBits(t, fmt.Sprintf("%s: log softmax of %d", k.Name, n), got, e)
			if l, want := k.LogSumExp(x), Canon(Log(total)+top); math.Float32bits(l) != math.Float32bits(want) {
				t.Errorf("%s: LogSumExp of %d is %v, want %v", k.Name, n, l, want)
			}
		}
	}
}

func TestLogSumExpAtTheEdges(t *testing.T) {
	inf := float32(math.Inf(1))
	for _, c := range []struct {
		x    []float32
		want float32
	}{
		{nil, -inf}, {[]float32{-inf, -inf}, -inf}, {[]float32{1, inf}, inf}, {[]float32{1, nan, inf}, nan}, {[]float32{7}, 7},
	} {
		for _, k := range sets {
			if got := k.LogSumExp(c.x); math.Float32bits(got) != math.Float32bits(c.want) {
				t.Errorf("%s: LogSumExp(%v) = %v, want %v", k.Name, c.x, got, c.want)
			}
		}
	}
}

func TestNormsFollowTheRule(t *testing.T) {
	s := noise(26)
	for _, n := range rowLengths[1:] {
		x, scale, bias := s.floats(n, false), s.floats(n, false), s.floats(n, false)
		mean := laneFold(x, 0, addStep) / float32(n)
		squares, plain := make([]float32, n), make([]float32, n)
		for i, v := range x {
			d := v - mean
			squares[i], plain[i] = float32(d*d), float32(v*v)
		}
		factor := 1 / Sqrt(laneFold(squares, 0, addStep)/float32(n)+1e-5)
		rms := 1 / Sqrt(laneFold(plain, 0, addStep)/float32(n)+1e-6)
		norm, bare, root := make([]float32, n), make([]float32, n), make([]float32, n)
		for i, v := range x {
			bare[i] = float32(float32((v-mean)*factor) * scale[i])
			norm[i] = bare[i] + bias[i]
			root[i] = float32(float32(v*rms) * scale[i])
		}
		for _, k := range sets {
			got := append([]float32(nil), x...)
			m, f := k.LayerNorm(got, got, scale, bias, 1e-5)
			wantBits(t, fmt.Sprintf("%s: layer norm of %d", k.Name, n), got, norm)
			if m != mean || f != factor {
				t.Errorf("%s: layer norm of %d gives mean %v and factor %v, want %v and %v", k.Name, n, m, f, mean, factor)
			}
			k.LayerNorm(got, x, scale, nil, 1e-5)
			wantBits(t, fmt.Sprintf("%s: layer norm of %d without bias", k.Name, n), got, bare)
			k.RMSNorm(got, x, scale, 1e-6)
			wantBits(t, fmt.Sprintf("%s: RMS norm of %d", k.Name, n), got, root)
		}
	}
}
