package exact

import (
	"math"

	"assay/inference/onnx"
)

type integer interface{ int32 | int64 }

// arithmetic is one binary operation for each element type it exists for. Integers wrap.
type arithmetic struct {
	f32 func(v *vectors) func(out, a, b []float32)
	i32 func(out, a, b []int32)
	i64 func(out, a, b []int64)
	// zero refuses a zero in the second integer operand.
	zero bool
}

var (
	add      = arithmetic{f32: func(v *vectors) func(out, a, b []float32) { return v.add }, i32: each(addInt[int32]), i64: each(addInt[int64])}
	sub      = arithmetic{f32: func(v *vectors) func(out, a, b []float32) { return v.sub }, i32: each(subInt[int32]), i64: each(subInt[int64])}
	mul      = arithmetic{f32: func(v *vectors) func(out, a, b []float32) { return v.mul }, i32: each(mulInt[int32]), i64: each(mulInt[int64])}
	div      = arithmetic{f32: func(v *vectors) func(out, a, b []float32) { return v.div }, i32: each(divInt[int32]), i64: each(divInt[int64]), zero: true}
	largest  = arithmetic{f32: fixed(each(maxF32)), i32: each(maxInt[int32]), i64: each(maxInt[int64])}
	smallest = arithmetic{f32: fixed(each(minF32)), i32: each(minInt[int32]), i64: each(minInt[int64])}
)

// fixed is for an operation that is the same in every kernel.
func fixed(f func(out, a, b []float32)) func(*vectors) func(out, a, b []float32) {
	return func(*vectors) func(out, a, b []float32) { return f }
}

func addInt[T integer](a, b T) T { return a + b }
func subInt[T integer](a, b T) T { return a - b }
func mulInt[T integer](a, b T) T { return a * b }
func divInt[T integer](a, b T) T { return a / b } // toward zero; smallest / -1 wraps
func maxInt[T integer](a, b T) T { return max(a, b) }
func minInt[T integer](a, b T) T { return min(a, b) }

// maxF32 is NaN if either is, and +0 if one of two zeros is.
func maxF32(a, b float32) float32 {
	switch {
	case a != a || b != b:
		return nan
	case a == b:
		return math.Float32frombits(math.Float32bits(a) & math.Float32bits(b))
	case a > b:
		return a
	}
	return b
}

// minF32 is NaN if either is, and -0 if one of two zeros is.
func minF32(a, b float32) float32 {
	switch {
	case a != a || b != b:
		return nan
	case a == b:
		return math.Float32frombits(math.Float32bits(a) | math.Float32bits(b))
	case a < b:
		return a
	}
	return b
}

func each[T any](f func(a, b T) T) func(out, a, b []T) {
	return func(out, a, b []T) {
		for i := range out {
			out[i] = f(a[i], b[i])
		}
	}
}

func addF32(out, a, b []float32) {
	a, b = a[:len(out)], b[:len(out)]
	for i := range out {
		out[i] = canon(a[i] + b[i])
	}
}

func subF32(out, a, b []float32) {
	a, b = a[:len(out)], b[:len(out)]
	for i := range out {
		out[i] = canon(a[i] - b[i])
	}
}

func mulF32(out, a, b []float32) {
	a, b = a[:len(out)], b[:len(out)]
	for i := range out {
		out[i] = canon(float32(a[i] * b[i]))
	}
}

func divF32(out, a, b []float32) {
	a, b = a[:len(out)], b[:len(out)]
	for i := range out {
		out[i] = canon(a[i] / b[i])
	}
}

func bindArithmetic(op arithmetic) func(*binder) (evalFunc, error) {
	return bindPlainOf(func(c *call, in []*Tensor) (*Tensor, error) {
		out := in[0]
		for _, t := range in[1:] {
			next, err := op.apply(c, out, t)
			if err != nil {
				return nil, err
			}
			out = next
		}
		return out, nil
	})
}

func bindPlainOf(eval func(c *call, in []*Tensor) (*Tensor, error)) func(*binder) (evalFunc, error) {
	return bindPlain(func(c *call, in []*Tensor) (*Tensor, error) {
		for _, t := range in {
			if t == nil {
				return nil, fail(ErrShape, "an operand is left out")
			}
		}
		return eval(c, in)
	})
}

func (op *arithmetic) apply(c *call, a, b *Tensor) (*Tensor, error) {
	out, err := c.binary(a, b, a.DType)
	if err != nil {
		return nil, err
	}
	switch a.DType {
	case Float32:
		zip(out.F32, out.Shape, a.F32, a.Shape, b.F32, b.Shape, op.f32(&c.kernel.vectors))
	case Int32:
		if op.zero && hasZero(b.I32) {
			return nil, fail(ErrInput, "integer division by zero")
		}
		zip(out.I32, out.Shape, a.I32, a.Shape, b.I32, b.Shape, op.i32)
	case Int64:
		if op.zero && hasZero(b.I64) {
			return nil, fail(ErrInput, "integer division by zero")
		}
		zip(out.I64, out.Shape, a.I64, a.Shape, b.I64, b.Shape, op.i64)
	default:
		return nil, fail(ErrUnsupported, "element type %v", a.DType)
	}
	return out, nil
}

func hasZero[T integer](x []T) bool {
	for _, v := range x {
		if v == 0 {
			return true
		}
	}
	return false
}

// binary allocates the result of an operation on two tensors of one type that broadcast.
func (c *call) binary(a, b *Tensor, result DType) (*Tensor, error) {
	if a.DType != b.DType {
		return nil, fail(ErrShape, "operands are %v and %v", a.DType, b.DType)
	}
	shape, err := broadcastShape(a.Shape, b.Shape)
	if err != nil {
		return nil, err
	}
	return c.make(result, shape)
}

func evalAnd(c *call, in []*Tensor) (*Tensor, error) {
	out, err := c.binary(in[0], in[1], Bool)
	if err != nil {
		return nil, err
	}
	if in[0].DType != Bool {
		return nil, fail(ErrShape, "operands are %v, want bool", in[0].DType)
	}
	zip(out.Bool, out.Shape, in[0].Bool, in[0].Shape, in[1].Bool, in[1].Shape, each(func(a, b bool) bool { return a && b }))
	return out, nil
}

func greaterOrEqual[T int32 | int64 | float32](out []bool, a, b []T) {
	for i := range out {
		out[i] = a[i] >= b[i]
	}
}

func evalGreaterOrEqual(c *call, in []*Tensor) (*Tensor, error) {
	a, b := in[0], in[1]
	out, err := c.binary(a, b, Bool)
	if err != nil {
		return nil, err
	}
	switch a.DType {
	case Float32:
		zip(out.Bool, out.Shape, a.F32, a.Shape, b.F32, b.Shape, greaterOrEqual[float32])
	case Int32:
		zip(out.Bool, out.Shape, a.I32, a.Shape, b.I32, b.Shape, greaterOrEqual[int32])
	case Int64:
		zip(out.Bool, out.Shape, a.I64, a.Shape, b.I64, b.Shape, greaterOrEqual[int64])
	default:
		return nil, fail(ErrUnsupported, "element type %v", a.DType)
	}
	return out, nil
}

func evalIsNaN(c *call, in []*Tensor) (*Tensor, error) {
	if in[0].DType != Float32 {
		return nil, fail(ErrShape, "operand is %v, want float32", in[0].DType)
	}
	out, err := c.make(Bool, in[0].Shape)
	if err != nil {
		return nil, err
	}
	for i, v := range in[0].F32 {
		out.Bool[i] = v != v
	}
	return out, nil
}

func evalWhere(c *call, in []*Tensor) (*Tensor, error) {
	condition, a, b := in[0], in[1], in[2]
	if condition.DType != Bool || a.DType != b.DType {
		return nil, fail(ErrShape, "operands are %v, %v and %v", condition.DType, a.DType, b.DType)
	}
	shape, err := broadcastShape(a.Shape, b.Shape)
	if err != nil {
		return nil, err
	}
	if shape, err = broadcastShape(condition.Shape, shape); err != nil {
		return nil, err
	}
	out, err := c.make(a.DType, shape)
	if err != nil {
		return nil, err
	}
	s := [][]int{broadcastStrides(condition.Shape, shape), broadcastStrides(a.Shape, shape), broadcastStrides(b.Shape, shape)}
	choose(out.F32, shape, s, condition.Bool, a.F32, b.F32)
	choose(out.U8, shape, s, condition.Bool, a.U8, b.U8)
	choose(out.I8, shape, s, condition.Bool, a.I8, b.I8)
	choose(out.I32, shape, s, condition.Bool, a.I32, b.I32)
	choose(out.I64, shape, s, condition.Bool, a.I64, b.I64)
	choose(out.Bool, shape, s, condition.Bool, a.Bool, b.Bool)
	return out, nil
}

func choose[T any](out []T, shape []int, s [][]int, condition []bool, a, b []T) {
	if len(out) == 0 {
		return
	}
	last, at := len(shape)-1, 0
	n, steps := 1, [3]int{}
	if last >= 0 {
		n = shape[last]
		steps = [3]int{s[0][last], s[1][last], s[2][last]}
		s = [][]int{s[0][:last], s[1][:last], s[2][:last]}
		shape = shape[:last]
	}
	walkRows(shape, s, func(o []int) {
		row := out[at : at+n]
		at += n
		for i := range row {
			if condition[o[0]+i*steps[0]] {
				row[i] = a[o[1]+i*steps[1]]
			} else {
				row[i] = b[o[2]+i*steps[2]]
			}
		}
	})
}

// unaryChunk is how many elements one call of the caller's parallel function works on.
const unaryChunk = 8192

func bindUnary(f func(v *vectors) func(out, x []float32)) func(*binder) (evalFunc, error) {
	return bindPlain(func(c *call, in []*Tensor) (*Tensor, error) {
		if in[0].DType != Float32 {
			return nil, fail(ErrShape, "operand is %v, want float32", in[0].DType)
		}
		out, err := c.make(Float32, in[0].Shape)
		if err != nil {
			return nil, err
		}
		apply := f(&c.kernel.vectors)
		n := len(out.F32)
		c.parallel((n+unaryChunk-1)/unaryChunk, func(task int) {
			from := task * unaryChunk
			to := min(n, from+unaryChunk)
			apply(out.F32[from:to], in[0].F32[from:to])
		})
		return out, nil
	})
}

func bindCast(b *binder) (evalFunc, error) {
	to := b.attribute("to", onnx.KindInt)
	if to == nil || b.err != nil {
		return nil, fail(ErrShape, "no element type to cast to")
	}
	dtype := DType(min(max(to.Int, 0), 1<<20))
	if (&Tensor{DType: dtype}).held() < 0 {
		return nil, fail(ErrUnsupported, "cast to element type %d", to.Int)
	}
	return single(func(c *call, in []*Tensor) (*Tensor, error) {
		if in[0].DType == dtype {
			return in[0], nil
		}
		out, err := c.make(dtype, in[0].Shape)
		if err != nil {
			return nil, err
		}
		if err := cast(out, in[0]); err != nil {
			return nil, err
		}
		return out, nil
	}), nil
}

// cast converts between float32, bool and integers. Integers wrap when they do not fit; a float is cut toward
// zero and saturates, NaN gives 0; bool is "not zero".
func cast(out, in *Tensor) error {
	switch {
	case in.DType == Int8 && out.DType == Float32: // weights
		for i, v := range in.I8 {
			out.F32[i] = float32(v)
		}
	case in.DType == Float32 && out.DType == Bool:
		for i, v := range in.F32 {
			out.Bool[i] = v != 0
		}
	case in.DType == Float32:
		for i, v := range in.F32 {
			out.setInt(i, truncate(v, out.DType))
		}
	case out.DType == Float32:
		for i := range out.F32 {
			out.F32[i] = float32(in.intAt(i))
		}
	case out.DType == Bool:
		for i := range out.Bool {
			out.Bool[i] = in.intAt(i) != 0
		}
	default:
		for i := range in.Len() {
			out.setInt(i, in.intAt(i))
		}
	}
	return nil
}

func (t *Tensor) intAt(i int) int64 {
	switch t.DType {
	case Uint8:
		return int64(t.U8[i])
	case Int8:
		return int64(t.I8[i])
	case Int32:
		return int64(t.I32[i])
	case Int64:
		return t.I64[i]
	}
	return int64(bit(t.Bool[i]))
}

func (t *Tensor) setInt(i int, v int64) {
	switch t.DType {
	case Uint8:
		t.U8[i] = uint8(v)
	case Int8:
		t.I8[i] = int8(v)
	case Int32:
		t.I32[i] = int32(v)
	case Int64:
		t.I64[i] = v
	}
}

// truncate is the saturating conversion; Go's own differs between CPUs outside the range.
func truncate(v float32, to DType) int64 {
	if v != v {
		return 0
	}
	if to == Int64 {
		switch {
		case v >= 1<<63:
			return math.MaxInt64
		case v < -1<<63:
			return math.MinInt64
		}
		return int64(v)
	}
	low, high := int64(math.MinInt32), int64(math.MaxInt32)
	switch to {
	case Uint8:
		low, high = 0, math.MaxUint8
	case Int8:
		low, high = math.MinInt8, math.MaxInt8
	}
	if v >= 1<<32 || v <= -1<<32 {
		if v > 0 {
			return high
		}
		return low
	}
	return min(max(int64(v), low), high)
}
