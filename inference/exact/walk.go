package exact

import "assay/inference/tensor"

// walk reads operands that broadcast while a result is written row-major. Neighbouring dimensions that every operand
// walks in one stride are merged, so that rows are as long as they can be; in a row an operand either follows element
// by element or stays on one.
type walk struct {
	shape   []int   // outer dimensions
	strides [][]int // of each operand in them
	row     int
	follows []bool
	total   int
}

func newWalk(shape []int, operands ...[]int) *walk {
	w := &walk{row: 1, total: tensor.Product(shape), follows: make([]bool, len(operands)), strides: make([][]int, len(operands))}
	own := make([][]int, len(operands))
	for o, s := range operands {
		own[o] = broadcastStrides(s, shape)
	}
	inner := true // the next dimension may still belong to the row
	for d := len(shape) - 1; d >= 0; d-- {
		switch {
		case shape[d] == 1:
		case inner && w.row == 1:
			w.row = shape[d]
			for o := range operands {
				w.follows[o] = own[o][d] != 0
			}
		case inner && w.joinsRow(own, d):
			w.row *= shape[d]
		case len(w.shape) > 0 && w.joinsOuter(own, d):
			w.shape[0] *= shape[d]
		default:
			inner = false
			w.shape = append([]int{shape[d]}, w.shape...)
			for o := range operands {
				w.strides[o] = append([]int{own[o][d]}, w.strides[o]...)
			}
		}
	}
	return w
}

func (w *walk) joinsRow(own [][]int, d int) bool {
	for o := range own {
		want := 0
		if w.follows[o] {
			want = w.row
		}
		if own[o][d] != want {
			return false
		}
	}
	return true
}

func (w *walk) joinsOuter(own [][]int, d int) bool {
	for o := range own {
		if own[o][d] != w.strides[o][0]*w.shape[0] {
			return false
		}
	}
	return true
}

// each calls f for pieces of rows, in tasks: n elements of the result from at on, and where each operand begins.
func (w *walk) each(c *call, f func(at, n int, from []int)) {
	w.eachTask(c, func() func(at, n int, from []int) { return f })
}

// eachTask is each with a function of its own, and so with memory of its own, for every task.
func (w *walk) eachTask(c *call, begin func() func(at, n int, from []int)) {
	c.tasks(w.total, func(lo, hi int) {
		f := begin()
		index, from := w.position(lo)
		offsets := make([]int, len(from))
		column := lo % w.row
		for at := lo; at < hi; {
			n := min(w.row-column, hi-at)
			for o := range from {
				offsets[o] = from[o]
				if w.follows[o] {
					offsets[o] += column
				}
			}
			f(at, n, offsets)
			at, column = at+n, 0
			w.next(index, from)
		}
	})
}

// position is the row of element at, and where each operand is at its beginning.
func (w *walk) position(at int) (index, from []int) {
	index, from = make([]int, len(w.shape)), make([]int, len(w.strides))
	rest := at / w.row
	for d := len(w.shape) - 1; d >= 0; d-- {
		index[d] = rest % w.shape[d]
		rest /= w.shape[d]
		for o := range from {
			from[o] += index[d] * w.strides[o][d]
		}
	}
	return index, from
}

// next goes on by one row.
func (w *walk) next(index, from []int) {
	for d := len(w.shape) - 1; d >= 0; d-- {
		index[d]++
		for o := range from {
			from[o] += w.strides[o][d]
		}
		if index[d] < w.shape[d] {
			return
		}
		for o := range from {
			from[o] -= w.strides[o][d] * w.shape[d]
		}
		index[d] = 0
	}
}

// pairs is a binary operation on slices of one length, and with one number on either side. right and left may be nil:
// the number is laid out then.
type pairs struct {
	both  func(out, a, b []float32)
	right func(out, a []float32, b float32)
	left  func(out []float32, a float32, b []float32)
}

// zip computes out = f(a, b), broadcasting.
func (f pairs) zip(c *call, out, a, b *Tensor) {
	w := newWalk(out.Shape, a.Shape, b.Shape)
	o, x, y := out.Float32s(), a.Float32s(), b.Float32s()
	if w.row < shortRow && w.row < w.total {
		f.zipShort(c, w, o, x, y)
		return
	}
	w.each(c, func(at, n int, from []int) {
		row, i, j := o[at:at+n], from[0], from[1]
		switch {
		case w.follows[0] && w.follows[1]:
			f.both(row, x[i:i+n], y[j:j+n])
		case w.follows[0]:
			f.byRight(row, x[i:i+n], y[j])
		case w.follows[1]:
			f.byLeft(row, x[i], y[j:j+n])
		default:
			f.both(row[:1], x[i:i+1], y[j:j+1])
			for k := range row {
				row[k] = row[0]
			}
		}
	})
}

// shortRow is below how many elements rows are gathered before anything is computed.
const shortRow = 24

// zipShort lays the operands of many short rows out side by side.
func (f pairs) zipShort(c *call, w *walk, out, a, b []float32) {
	c.tasks(w.total, func(lo, hi int) {
		var x, y [chunk]float32
		index, from := w.position(lo)
		column := lo % w.row
		for at := lo; at < hi; {
			have := 0
			for have < min(chunk, hi-at) {
				n := min(w.row-column, hi-at-have, chunk-have)
				spread(x[have:have+n], a[from[0]:], column, w.follows[0])
				spread(y[have:have+n], b[from[1]:], column, w.follows[1])
				have, column = have+n, column+n
				if column == w.row {
					column = 0
					w.next(index, from)
				}
			}
			f.both(out[at:at+have], x[:have], y[:have])
			at += have
		}
	})
}

// spread copies elements from a column on, or repeats the first.
func spread(to, from []float32, column int, follows bool) {
	if follows {
		copy(to, from[column:])
		return
	}
	for i := range to {
		to[i] = from[0]
	}
}

func (f pairs) byRight(out, a []float32, b float32) {
	if f.right != nil {
		f.right(out, a, b)
		return
	}
	fill := filled(b)
	for i := 0; i < len(out); i += chunk {
		end := min(len(out), i+chunk)
		f.both(out[i:end], a[i:end], fill[:end-i])
	}
}

func (f pairs) byLeft(out []float32, a float32, b []float32) {
	if f.left != nil {
		f.left(out, a, b)
		return
	}
	fill := filled(a)
	for i := 0; i < len(out); i += chunk {
		end := min(len(out), i+chunk)
		f.both(out[i:end], fill[:end-i], b[i:end])
	}
}

func filled(v float32) *[chunk]float32 {
	fill := new([chunk]float32)
	for i := range fill {
		fill[i] = v
	}
	return fill
}
