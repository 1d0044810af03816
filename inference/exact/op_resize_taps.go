package exact

import (
	"math"

	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// taps says for every output position of an axis which input positions it is made of, and with what weights.
type taps struct {
	first   []int32 // position o has taps first[o] … first[o+1]-1
	at      []int32
	weight  []float32
	outside []bool // positions that are extrapolated; nil when none is
	same    bool   // every position is the input's own
}

// axisTaps finds the taps of an axis. Weights are computed in float64 and rounded once; those that are zero are left
// out, and positions beyond an edge are the edge's.
func (r *resize) axisTaps(a *resampled) taps {
	t := taps{first: make([]int32, 1, a.out+1), same: a.in == a.out}
	if r.coordinates == "tf_crop_and_resize" {
		t.outside = make([]bool, a.out)
	}
	for o := range a.out {
		x := r.position(a, o)
		if x != x || t.outside != nil && (x < 0 || x > float64(a.in-1)) {
			x = 0
			if t.outside != nil {
				t.outside[o] = true
			}
		}
		x = min(max(x, -1<<30), 1<<30)
		// The tap on the left is strictly left of x, so that ratio is above 0 and up to 1.
		left := math.Ceil(x) - 1
		start, weights := r.weights(x-left, a.scale)
		r.normalise(weights, int(left)+start, a.in)
		before := len(t.at)
		if a.in == 1 { // the weights add up to 1, and one of 1 does so without rounding
			weights = []float64{1}
		}
		for i, w := range weights {
			if float32(w) == 0 {
				continue
			}
			t.at = append(t.at, int32(min(max(int(left)+start+i, 0), a.in-1)))
			t.weight = append(t.weight, float32(w))
		}
		t.same = t.same && len(t.at) == before+1 && t.at[before] == int32(o) && t.weight[before] == 1
		t.first = append(t.first, int32(len(t.at)))
	}
	return t
}

// normalise takes the weight of positions outside away when those do not count, and makes the sum 1 where it need not
// be.
func (r *resize) normalise(weights []float64, first, size int) {
	if r.exclude {
		for i := range weights {
			if first+i < 0 || first+i >= size {
				weights[i] = 0
			}
		}
	}
	if !r.exclude && !r.antialias || r.mode == "nearest" {
		return
	}
	total := 0.0
	for _, w := range weights {
		total += w
	}
	for i := range weights {
		weights[i] /= total
	}
}

// weights are those of the positions around one at ratio right of the left neighbour; start is the first one's place
// relative to that neighbour.
func (r *resize) weights(ratio, scale float64) (start int, weights []float64) {
	switch {
	case r.mode == "nearest":
		if ratio == 1 || r.roundsUp(ratio) {
			return 1, []float64{1}
		}
		return 0, []float64{1}
	case r.antialias && scale < 1:
		return r.spread(ratio, scale)
	case r.mode == "linear":
		return 0, []float64{1 - ratio, ratio}
	}
	for i := -1; i <= 2; i++ {
		weights = append(weights, r.cubicAt(math.Abs(float64(i)-ratio)))
	}
	return -1, weights
}

func (r *resize) roundsUp(ratio float64) bool {
	switch r.nearest {
	case "round_prefer_floor":
		return ratio > 0.5
	case "round_prefer_ceil":
		return ratio >= 0.5
	}
	return r.nearest == "ceil"
}

// spread widens the kernel for a reduction, so that every input position counts.
func (r *resize) spread(ratio, scale float64) (start int, weights []float64) {
	reach := 1.0
	shape := func(x float64) float64 { return max(0, 1-x) }
	if r.mode == "cubic" {
		reach, shape = 2, r.cubicAt
	}
	start = int(math.Floor(-reach/scale)) + 1
	end := 2 - start
	for i := start; i < end; i++ {
		weights = append(weights, shape(math.Abs(float64((float64(i)-ratio)*scale))))
	}
	return start, weights
}

// cubicAt is the cubic kernel at a distance.
func (r *resize) cubicAt(x float64) float64 {
	a := r.cubic
	switch {
	case x <= 1:
		return float64((float64((a+2)*x)-(a+3))*float64(x*x)) + 1
	case x < 2:
		return float64((float64((float64(a*x)-float64(5*a))*x)+float64(8*a))*x) - float64(4*a)
	}
	return 0
}

func (r *resize) compute(c *call, in, out []*Tensor) error {
	list, err := r.plan(specsFor(in))
	if err != nil || out[0].Len() == 0 {
		return err
	}
	all := make([]taps, len(list))
	for d := range list {
		all[d] = r.axisTaps(&list[d])
	}
	switch {
	case r.mode == "nearest":
		c.nearest(out[0], in[0], all)
		if r.coordinates == "tf_crop_and_resize" {
			return c.refill(out[0], all, r.outside)
		}
		return nil
	case in[0].DType != tensor.Float32:
		return c.widened(out[0], in[:1], func(out *Tensor, in []*Tensor) error { return r.interpolate(c, out, in[0], all) })
	}
	return r.interpolate(c, out[0], in[0], all)
}

// nearest picks elements.
func (c *call) nearest(out, x *Tensor, all []taps) {
	from := strides(x.Shape)
	last := len(all) - 1
	if last < 0 {
		copy(out.Bytes(), x.Bytes())
		return
	}
	n, size := out.Shape[last], x.DType.Size()
	index := func(d, o int) int { return int(all[d].at[o]) * from[d] }
	c.rows(out.Len()/n, n, func(lo, hi int) {
		for r := lo; r < hi; r++ {
			offset, left := 0, r
			for d := last - 1; d >= 0; d-- {
				offset += index(d, left%out.Shape[d])
				left /= out.Shape[d]
			}
			row := out.Bytes()[r*n*size : (r+1)*n*size]
			if all[last].same {
				copy(row, x.Bytes()[offset*size:])
				continue
			}
			for i := range n {
				at := (offset + int(all[last].at[i])) * size
				copy(row[i*size:(i+1)*size], x.Bytes()[at:])
			}
		}
	})
}

// refill writes the extrapolated positions.
func (c *call) refill(out *Tensor, all []taps, value float32) error {
	put := func(out *Tensor, _ []*Tensor) error {
		index := make([]int, len(all))
		for i := range out.Float32s() {
			split(index, out.Shape, i)
			for d, o := range index {
				if all[d].outside[o] {
					out.Float32s()[i] = value
				}
			}
		}
		return nil
	}
	if out.DType == tensor.Float32 {
		return put(out, nil)
	}
	return c.widened(out, []*Tensor{out}, func(wide *Tensor, in []*Tensor) error {
		copy(wide.Float32s(), in[0].Float32s())
		return put(wide, nil)
	})
}

// interpolate works axis by axis from the last to the first: an element is the sum of its taps' products, ascending,
// from +0.
func (r *resize) interpolate(c *call, out, x *Tensor, all []taps) error {
	values, shape := x.Float32s(), append([]int(nil), x.Shape...)
	var release []func()
	defer func() {
		for _, f := range release {
			f()
		}
	}()
	for d := len(all) - 1; d >= 0; d-- {
		if all[d].same {
			continue
		}
		inner, outer, size := tensor.Product(shape[d+1:]), tensor.Product(shape[:d]), shape[d]
		shape[d] = len(all[d].first) - 1
		n, ok := tensor.Count(shape, c.limits.Elements)
		if !ok {
			return fail(ErrLimit, "an intermediate result of shape %v", shape)
		}
		next, done, err := scratch[float32](c, n)
		if err != nil {
			return err
		}
		release = append(release, done)
		c.resample(next, values, &all[d], outer, size, inner)
		values = next
	}
	copy(out.Float32s(), values)
	if r.coordinates == "tf_crop_and_resize" {
		return c.refill(out, all, r.outside)
	}
	return nil
}

// resample resizes the middle one of three dimensions.
func (c *call) resample(y, x []float32, t *taps, outer, size, inner int) {
	out := len(t.first) - 1
	average := len(t.at)/out + 1
	c.rows(outer*out, inner*average, func(lo, hi int) {
		products := make([]float32, inner)
		for r := lo; r < hi; r++ {
			row, o := y[r*inner:(r+1)*inner], r%out
			clear(row)
			for i := t.first[o]; i < t.first[o+1]; i++ {
				from := x[(r/out*size+int(t.at[i]))*inner:][:inner]
				if inner == 1 {
					row[0] += float32(from[0] * t.weight[i])
					continue
				}
				c.set.MulScalar(products, from, t.weight[i])
				c.set.Add(row, row, products)
			}
			if inner == 1 && row[0] != row[0] {
				row[0] = kernel.Canon(row[0])
			}
		}
	})
}
