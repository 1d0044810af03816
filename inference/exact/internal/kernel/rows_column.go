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
	width := min(columnWidth, len(out))
	scratch := make([]float32, (min(lanes, max(n, 1))+1)*width)
	for j := 0; j < len(out); j += width {
		total := out[j:min(len(out), j+width)]
		for i := 0; i == 0 || i < n; i += rowBlock {
			block := f.block(scratch, x[min(i*len(out)+j, len(x)):], len(total), len(out), min(rowBlock, n-i), j)
			if i == 0 {
				copy(total, block)
			} else {
				f.step(total, total, block)
			}
		}
		Canonicalise(total)
	}
}

// block reduces n rows of width columns, whose rows begin stride apart in x; at is the first column's number. Lanes that
// get no row would hold the start, which changes nothing: they are left out.
func (f columnFold) block(scratch, x []float32, width, stride, n, at int) []float32 {
	used := min(lanes, max(n, 1))
	prepared := scratch[used*width:][:width]
	lane := func(i int) []float32 { return scratch[i*width : (i+1)*width] }
	fill(scratch[:used*width], f.start)
	for i := range n {
		row := x[i*stride : i*stride+width]
		if f.prepare != nil {
			f.prepare(prepared, row, at)
			row = prepared
		}
		l := lane(i % lanes)
		f.step(l, l, row)
	}
	for half := lanes / 2; half > 0; half /= 2 {
		for i := range max(0, min(half, used-half)) {
			f.step(lane(i), lane(i), lane(i+half))
		}
		used = min(used, half)
	}
	return lane(0)
}
