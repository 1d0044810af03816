package exact

import (
	"slices"

	"assay/inference/tensor"
)

// broadcastShape gives the common shape of NumPy's broadcasting.
func broadcastShape(a, b []int) ([]int, error) {
	out := make([]int, max(len(a), len(b)))
	for i := range out {
		x, y := dimFromEnd(a, len(out)-1-i), dimFromEnd(b, len(out)-1-i)
		switch {
		case x == y, y == 1:
			out[i] = x
		case x == 1:
			out[i] = y
		default:
			return nil, fail(ErrShape, "shapes %v and %v do not broadcast", a, b)
		}
	}
	return out, nil
}

func dimFromEnd(shape []int, i int) int {
	if i >= len(shape) {
		return 1
	}
	return shape[len(shape)-1-i]
}

// strides of a row-major tensor.
func strides(shape []int) []int {
	out := make([]int, len(shape))
	step := 1
	for i := len(shape) - 1; i >= 0; i-- {
		out[i] = step
		step *= shape[i]
	}
	return out
}

// broadcastStrides are the strides that walk shape over the elements of a tensor of shape from: 0 where it repeats.
func broadcastStrides(from, shape []int) []int {
	own := strides(from)
	out := make([]int, len(shape))
	skip := len(shape) - len(from)
	for i := range from {
		if from[i] != 1 {
			out[skip+i] = own[i]
		}
	}
	return out
}

// walkRows calls row for every position of the outer dimensions, with the offset of each operand.
func walkRows(outer []int, operands [][]int, row func(offsets []int)) {
	total := tensor.Product(outer)
	index := make([]int, len(outer))
	offsets := make([]int, len(operands))
	for range total {
		row(offsets)
		for d := len(outer) - 1; d >= 0; d-- {
			index[d]++
			for o := range operands {
				offsets[o] += operands[o][d]
			}
			if index[d] < outer[d] {
				break
			}
			for o := range operands {
				offsets[o] -= operands[o][d] * outer[d]
			}
			index[d] = 0
		}
	}
}

// innerRun finds how many trailing dimensions of shape can be walked as one row in which each operand either
// follows element by element or stays on one element. It gives the outer rank, the row length and who follows.
func innerRun(shape []int, operands [][]int) (outer, length int, follows []bool) {
	follows = make([]bool, len(operands))
	decided := make([]bool, len(operands))
	outer, length = len(shape), 1
	for d := len(shape) - 1; d >= 0; d-- {
		if shape[d] == 1 {
			outer = d
			continue
		}
		for o, s := range operands {
			if decided[o] && (s[d] != 0) != follows[o] || s[d] != 0 && s[d] != length {
				return outer, length, follows
			}
		}
		for o, s := range operands {
			follows[o], decided[o] = s[d] != 0, true
		}
		length *= shape[d]
		outer = d
	}
	return outer, length, follows
}

// chunk is how many copies of a repeated operand are laid out at a time.
const chunk = 256

// zip computes out = f(a, b) with broadcasting; f works on slices of one length.
func zip[T, R any](out []R, shape []int, a []T, aShape []int, b []T, bShape []int, f func(out []R, a, b []T)) {
	if len(out) == 0 {
		return
	}
	if slices.Equal(aShape, bShape) {
		f(out, a, b)
		return
	}
	operands := [][]int{broadcastStrides(aShape, shape), broadcastStrides(bShape, shape)}
	outer, length, follows := innerRun(shape, operands)
	var fillA, fillB [chunk]T
	at := 0
	walkRows(shape[:outer], operands, func(offsets []int) {
		row := out[at : at+length]
		at += length
		if follows[0] && follows[1] {
			f(row, a[offsets[0]:offsets[0]+length], b[offsets[1]:offsets[1]+length])
			return
		}
		width := min(length, chunk)
		x, y := side(a, offsets[0], length, follows[0], &fillA, width), side(b, offsets[1], length, follows[1], &fillB, width)
		for i := 0; i < length; i += width {
			n := min(width, length-i)
			f(row[i:i+n], piece(x, i, n, follows[0]), piece(y, i, n, follows[1]))
		}
	})
}

// side is a row of an operand, or copies of its one element.
func side[T any](x []T, offset, length int, follows bool, fill *[chunk]T, width int) []T {
	if follows {
		return x[offset : offset+length]
	}
	for i := range fill[:width] {
		fill[i] = x[offset]
	}
	return fill[:width]
}

func piece[T any](x []T, i, n int, follows bool) []T {
	if follows {
		return x[i : i+n]
	}
	return x[:n]
}

// view is a strided window on a tensor's elements.
type view struct {
	shape, strides []int
	offset         int
}

// gather copies the window, row-major, into out.
func gather[T any](out, from []T, v view) {
	if len(out) == 0 {
		return
	}
	last := len(v.shape) - 1
	if last < 0 {
		out[0] = from[v.offset]
		return
	}
	n, step := v.shape[last], v.strides[last]
	at := 0
	walkRows(v.shape[:last], [][]int{v.strides[:last]}, func(offsets []int) {
		src := v.offset + offsets[0]
		row := out[at : at+n]
		at += n
		if step == 1 {
			copy(row, from[src:src+n])
			return
		}
		for i := range row {
			row[i] = from[src+i*step]
		}
	})
}

// width is an unsigned number as wide as an element: operators that only move elements do not look at them.
type width interface {
	uint8 | uint16 | uint32 | uint64
}

// byWidth calls the function for the width of the element type.
func byWidth(dtype tensor.DType, f8, f16, f32, f64 func()) {
	switch dtype.Size() {
	case 1:
		f8()
	case 2:
		f16()
	case 4:
		f32()
	case 8:
		f64()
	}
}

// moved copies a window on x into out, which has the window's shape.
func moved(out, x *Tensor, v view) {
	byWidth(x.DType,
		func() { gather(tensor.View[uint8](out), tensor.View[uint8](x), v) },
		func() { gather(tensor.View[uint16](out), tensor.View[uint16](x), v) },
		func() { gather(tensor.View[uint32](out), tensor.View[uint32](x), v) },
		func() { gather(tensor.View[uint64](out), tensor.View[uint64](x), v) })
}

// copyRun copies n elements between tensors of one type.
func copyRun(to *Tensor, at int, from *Tensor, src, n int) {
	size := to.DType.Size()
	copy(to.Bytes()[at*size:(at+n)*size], from.Bytes()[src*size:(src+n)*size])
}
