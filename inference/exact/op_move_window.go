package exact

import (
	"assay/inference/tensor"
)

// taskElements is how many elements one task moves.
const taskElements = 1 << 16

// inOrder is rows for work that must be done in order: one task after the other.
func (c *call) inOrder(rows, length int, f func(from, to int)) {
	perTask := max(1, rowChunk/max(1, length))
	for from := 0; from < rows; from += perTask {
		c.parallel(1, func(int) { f(from, min(rows, from+perTask)) })
	}
}

// coalesced is the same window with as few dimensions as can be: those that follow each other in memory become one.
func (v view) coalesced() view {
	out := view{offset: v.offset}
	for d, size := range v.shape {
		last := len(out.shape) - 1
		switch {
		case size == 1:
		case last >= 0 && out.strides[last] == size*v.strides[d]:
			out.shape[last] *= size
			out.strides[last] = v.strides[d]
		default:
			out.shape, out.strides = append(out.shape, size), append(out.strides, v.strides[d])
		}
	}
	return out
}

// at is the offset in the window's tensor of row-major position i among the given dimensions.
func (v view) at(dims []int, i int) int {
	offset := v.offset
	for k := len(dims) - 1; k >= 0; k-- {
		d := dims[k]
		offset += i % v.shape[d] * v.strides[d]
		i /= v.shape[d]
	}
	return offset
}

// window copies a window on x, row-major, into out, which has the window's shape.
func (c *call) window(out, x *Tensor, v view) {
	if out.Len() == 0 {
		return
	}
	v = v.coalesced()
	byWidth(x.DType,
		func() { windowed(c, tensor.View[uint8](out), tensor.View[uint8](x), v) },
		func() { windowed(c, tensor.View[uint16](out), tensor.View[uint16](x), v) },
		func() { windowed(c, tensor.View[uint32](out), tensor.View[uint32](x), v) },
		func() { windowed(c, tensor.View[uint64](out), tensor.View[uint64](x), v) })
}

func windowed[T width](c *call, out, from []T, v view) {
	last := len(v.shape) - 1
	if last < 0 {
		out[0] = from[v.offset]
		return
	}
	if v.strides[last] != 1 {
		for d := range last {
			if v.strides[d] == 1 {
				turned(c, out, from, v, d)
				return
			}
		}
	}
	outer := make([]int, last)
	for d := range outer {
		outer[d] = d
	}
	n, step := v.shape[last], v.strides[last]
	c.rows(len(out)/n, n, func(lo, hi int) {
		for r := lo; r < hi; r++ {
			copyStrided(out[r*n:(r+1)*n], from, v.at(outer, r), step)
		}
	})
}

func copyStrided[T width](row, from []T, at, step int) {
	switch step {
	case 1:
		copy(row, from[at:at+len(row)])
	case 0:
		value := from[at]
		for i := range row {
			row[i] = value
		}
	default:
		for i := range row {
			row[i] = from[at+i*step]
		}
	}
}

// turned copies a window whose dimension t, not the last, lies element by element in memory: a transposition of the two.
func turned[T width](c *call, out, from []T, v view, t int) {
	last := len(v.shape) - 1
	outStrides := strides(v.shape)
	outer := make([]int, 0, last)
	dense := view{shape: v.shape, strides: outStrides}
	for d := range last {
		if d != t {
			outer = append(outer, d)
		}
	}
	rows, cols := v.shape[t], v.shape[last]
	perBand := min(rows, max(16, taskElements/cols))
	bands := (rows + perBand - 1) / perBand
	c.rows(len(out)/(rows*cols)*bands, perBand*cols, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			o, r := i/bands, i%bands*perBand
			to, at := dense.at(outer, o)+r*outStrides[t], v.at(outer, o)+r
			turnBlock(out[to:], from, at, min(perBand, rows-r), cols, outStrides[t], v.strides[last])
		}
	})
}

// turnBlock sets out[r·outStride + c] = from[start + r + c·fromStride], sixteen columns at a time so that lines of memory are
// used whole.
func turnBlock[T width](out, from []T, start, rows, cols, outStride, fromStride int) {
	const tile = 16
	for c := 0; c < cols; c += tile {
		n := min(tile, cols-c)
		for r := range rows {
			row := out[r*outStride+c : r*outStride+c+n]
			at := start + r + c*fromStride
			for i := range row {
				row[i] = from[at]
				at += fromStride
			}
		}
	}
}
