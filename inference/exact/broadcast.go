package exact

import "assay/inference/tensor"

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
