package kernel

import "math"

// Columns reduces a matrix over its rows: out[j] is what the row reduction of the same name gives for the elements
// x[0][j], x[1][j] …, with the same bits, but neighbouring columns are worked on together.

// columnWidth is how many columns share one set of lanes: 16 lanes of 256 columns are 16 KiB, half of a small first cache.
const columnWidth = 256

// columnFold is a reduction for columns: prepare (nil for none) maps a piece of a row that begins at column at, step
// takes it into a lane, from start.
type columnFold struct {
	start   float32
	prepare func(out, x []float32, at int)
	step    func(out, a, b []float32)
}

// SumColumns adds up the n rows of x[n][len(out)].
func (v *Vectors) SumColumns(out, x []float32, n int) {
	v.foldColumns(out, x, n, columnFold{step: v.Add})
}

// SumSquaresColumns adds up the squares of x - mean, with a mean per column; nil is all zeros.
func (v *Vectors) SumSquaresColumns(out, x, mean []float32, n int) {
	v.foldColumns(out, x, n, columnFold{step: v.Add, prepare: func(out, x []float32, at int) {
		if mean != nil {
			v.Sub(out, x, mean[at:at+len(x)])
			x = out
		}
		v.Mul(out, x, x)
	}})
}

// SumAbsColumns adds up magnitudes.
func (v *Vectors) SumAbsColumns(out, x []float32, n int) {
	v.foldColumns(out, x, n, columnFold{step: v.Add, prepare: func(out, x []float32, _ int) { v.Abs(out, x) }})
}

// ProdColumns multiplies rows up.
func (v *Vectors) ProdColumns(out, x []float32, n int) {
	v.foldColumns(out, x, n, columnFold{start: 1, step: v.Mul})
}

// HighestColumns is the maximum of each column.
func (v *Vectors) HighestColumns(out, x []float32, n int) {
	v.pickColumns(out, x, n, float32(math.Inf(-1)), v.Max)
}

// LowestColumns is the minimum of each column.
func (v *Vectors) LowestColumns(out, x []float32, n int) {
	v.pickColumns(out, x, n, float32(math.Inf(1)), v.Min)
}

// MeanColumns divides the sums by n.
func (v *Vectors) MeanColumns(out, x []float32, n int) {
	v.SumColumns(out, x, n)
	v.DivScalar(out, out, float32(n))
}

// LogSumExpColumns is LogSumExp of each column. It gathers them one by one, since each has its own leading zeros.
func (v *Vectors) LogSumExpColumns(out, x []float32, n int) {
	column := make([]float32, n)
	for j := range out {
		for i := range column {
			column[i] = x[i*len(out)+j]
		}
		out[j] = v.LogSumExp(column)
	}
}

// pickColumns is for steps whose order does not matter.
func (v *Vectors) pickColumns(out, x []float32, n int, start float32, step func(out, a, b []float32)) {
	for j := range out {
		out[j] = start
	}
	for i := range n {
		step(out, out, x[i*len(out):(i+1)*len(out)])
	}
}

func (v *Vectors) foldColumns(out, x []float32, n int, f columnFold) {
	scratch := new(columnScratch)
	for j := 0; j < len(out); j += columnWidth {
		width := min(columnWidth, len(out)-j)
		total := out[j : j+width]
		for i := 0; i == 0 || i < n; i += rowBlock {
			block := scratch.fold(x, len(out), j, width, i, min(n, i+rowBlock), f)
			if i == 0 {
				copy(total, block)
			} else {
				f.step(total, total, block)
			}
		}
		Canonicalise(total)
	}
}

type columnScratch struct {
	lane     [lanes * columnWidth]float32
	prepared [columnWidth]float32
}

// fold reduces rows [from, to) of the columns j … j+width-1 of x, whose rows have the given stride.
func (s *columnScratch) fold(x []float32, stride, j, width, from, to int, f columnFold) []float32 {
	for i := range s.lane {
		s.lane[i] = f.start
	}
	lane := func(i int) []float32 { return s.lane[i*columnWidth : i*columnWidth+width] }
	for i := from; i < to; i++ {
		row := x[i*stride+j : i*stride+j+width]
		if f.prepare != nil {
			prepared := s.prepared[:width]
			f.prepare(prepared, row, j)
			row = prepared
		}
		l := lane((i - from) % lanes)
		f.step(l, l, row)
	}
	used := min(lanes, to-from) // the others still hold the start, which changes nothing
	for half := lanes / 2; half > 0; half /= 2 {
		for i := range min(half, max(0, used-half)) {
			f.step(lane(i), lane(i), lane(i+half))
		}
		used = min(used, half)
	}
	return lane(0)
}
