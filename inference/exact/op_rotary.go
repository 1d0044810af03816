package exact

import (
	"slices"

	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

func rotaryOperators() map[string]*operator {
	return map[string]*operator{
		"RotaryEmbedding": {minIn: 3, maxIn: 4, out: 1, attributes: []string{"interleaved", "size"}, bind: bindRotary},
	}
}

// rotary turns pairs of elements of x [batch, s, heads, d] by the angles of their position. Cosines and sines are
// [positions, n] with positions [batch, s], or [1] for the first of each row; or [batch, s, n] without. The first 2n
// elements of a head are turned: i with n + i, or 2i with 2i + 1 when interleaved.
type rotary struct {
	interleaved bool
	size        int // 2n, where the model says it
}

func bindRotary(b *binder) (eval, error) {
	r := rotary{interleaved: b.bool("interleaved", false), size: b.int("size", 0)}
	return eval{infer: r.infer, compute: r.compute, inPlace: []int{0}, cost: elementCost(200, 600)}, nil
}

func (r *rotary) infer(in []Spec) ([]Spec, error) {
	x, cos, sin, at := in[0].Shape, in[1].Shape, in[2].Shape, optional(in, 3)
	if familyOf(in[0].DType) != floatFamily || in[1].DType != in[0].DType || in[2].DType != in[0].DType || len(x) != 4 {
		return nil, fail(ErrShape, "%v of shape %v with cosines of %v and sines of %v", in[0].DType, x, in[1].DType, in[2].DType)
	}
	ok := slices.Equal(cos, sin)
	if at.given() {
		ok = ok && len(cos) == 2 && at.DType == tensor.Int64 && (slices.Equal(at.Shape, x[:2]) || slices.Equal(at.Shape, []int{1}))
	} else {
		ok = ok && len(cos) == 3 && slices.Equal(cos[:2], x[:2])
	}
	if !ok {
		return nil, fail(ErrShape, "cosines %v, sines %v and positions %v for %v", cos, sin, at.Shape, x)
	}
	if turned := 2 * cos[len(cos)-1]; turned > x[3] || r.size != 0 && turned != r.size {
		return nil, fail(ErrShape, "angles for %d of %d elements, the model says %d", turned, x[3], r.size)
	}
	return []Spec{in[0].like()}, nil
}

func (r *rotary) compute(c *call, in, out []*Tensor) error {
	x, cos, sin := in[0], in[1], in[2]
	s, heads, d := x.Shape[1], x.Shape[2], x.Shape[3]
	n := cos.Shape[len(cos.Shape)-1]
	places, err := rotaryPlaces(operand(in, 3), x.Shape[0]*s, s, cos.Shape[0])
	if err != nil || x.Len() == 0 {
		return err
	}
	c.rows(len(places), heads*d, func(lo, hi int) {
		v := &c.set.Vectors
		row, cosines, sines := make([]float32, heads*d), make([]float32, n), make([]float32, n)
		for i := lo; i < hi; i++ {
			loadFloats(v, row, x, i*heads*d)
			loadFloats(v, cosines, cos, places[i]*n)
			loadFloats(v, sines, sin, places[i]*n)
			for h := range heads {
				r.turn(row[h*d:(h+1)*d], cosines, sines)
			}
			storeFloats(v, out[0], i*heads*d, row)
		}
	})
	return nil
}

// rotaryPlaces says which row of the cosines each of n rows takes.
func rotaryPlaces(at *Tensor, n, s, rows int) ([]int, error) {
	places := make([]int, n)
	for i := range places {
		places[i] = i
		if at == nil {
			continue
		}
		p := at.Int64s()[i%at.Len()]
		if at.Len() == 1 {
			p += int64(i % s)
		}
		if p < 0 || p >= int64(rows) {
			return nil, fail(ErrInput, "position %d of %d", p, rows)
		}
		places[i] = int(p)
	}
	return places, nil
}

// turn turns the pairs of one head.
func (r *rotary) turn(x, cos, sin []float32) {
	first, second, step := 0, len(cos), 1
	if r.interleaved {
		second, step = 1, 2
	}
	for i := range cos {
		a, b := &x[first+i*step], &x[second+i*step]
		real := float32(cos[i]**a) - float32(sin[i]**b)
		imaginary := float32(sin[i]**a) + float32(cos[i]**b)
		*a, *b = kernel.Canon(real), kernel.Canon(imaginary)
	}
}
