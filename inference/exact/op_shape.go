package exact

import (
	"slices"

	"assay/inference/tensor"
)

// shapeOperators read shapes, or give the same elements another one.
func shapeOperators() map[string]*operator {
	return map[string]*operator{
		"Shape":     {minIn: 1, maxIn: 1, out: 1, attributes: []string{"end", "start"}, bind: bindShape},
		"Size":      {minIn: 1, maxIn: 1, out: 1, bind: bindSize},
		"Reshape":   {minIn: 2, maxIn: 2, out: 1, attributes: []string{"allowzero"}, bind: bindReshape},
		"Flatten":   {minIn: 1, maxIn: 1, out: 1, attributes: []string{"axis"}, bind: bindFlatten},
		"Squeeze":   {minIn: 1, maxIn: 2, out: 1, bind: bindSqueeze},
		"Unsqueeze": {minIn: 2, maxIn: 2, out: 1, bind: bindUnsqueeze},
	}
}

// specsFor describes operands whose elements are all known.
func specsFor(in []*Tensor) []Spec {
	out := make([]Spec, len(in))
	for i, t := range in {
		if t != nil {
			out[i] = Spec{DType: t.DType, Shape: t.Shape, Value: t}
		}
	}
	return out
}

// optional gives operand i, an empty Spec when it is left out.
func optional(in []Spec, i int) Spec {
	if i < len(in) {
		return in[i]
	}
	return Spec{}
}

func bindShape(b *binder) (eval, error) {
	start, end := b.int("start", 0), b.int("end", 1<<20)
	shape := func(in []Spec) *Tensor {
		rank := len(in[0].Shape)
		from, to := fromEnd(start, rank), fromEnd(end, rank)
		dims := []int64{}
		for i := from; i < to; i++ {
			dims = append(dims, int64(in[0].Shape[i]))
		}
		t := tensor.FromInt64(dims, len(dims))
		return &t
	}
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			t := shape(in)
			return []Spec{{DType: tensor.Int64, Shape: t.Shape, Value: t}}, nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			copy(out[0].Bytes(), shape(specsFor(in)).Bytes())
			return nil
		},
		cost: perElement(20),
	}, nil
}

// fromEnd brings a position that may count from the end into 0 … size, clamped.
func fromEnd(at, size int) int {
	if at < 0 {
		at += size
	}
	return min(max(at, 0), size)
}

func bindSize(*binder) (eval, error) {
	size := func(in []Spec) *Tensor {
		t := tensor.FromInt64([]int64{int64(tensor.Product(in[0].Shape))})
		return &t
	}
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			return []Spec{{DType: tensor.Int64, Shape: []int{}, Value: size(in)}}, nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			copy(out[0].Bytes(), size(specsFor(in)).Bytes())
			return nil
		},
		cost: perElement(20),
	}, nil
}

func bindReshape(b *binder) (eval, error) {
	allowZero := b.bool("allowzero", false)
	return eval{view: true, infer: func(in []Spec) ([]Spec, error) {
		want, err := in[1].ints("shape", tensor.MaxRank)
		if err != nil {
			return nil, err
		}
		shape, err := resolve(in[0].Shape, want, allowZero)
		return one(in[0].DType, shape), err
	}}, nil
}

// resolve fills in the -1 and, unless zeros are literal, the 0 of a Reshape.
func resolve(from, want []int, allowZero bool) ([]int, error) {
	shape := slices.Clone(want)
	open := -1
	for i, d := range want {
		switch {
		case d == -1 && open < 0:
			open = i
			shape[i] = 1
		case d < 0:
			return nil, fail(ErrShape, "shape %v", want)
		case d == 0 && !allowZero:
			if i >= len(from) {
				return nil, fail(ErrShape, "shape %v copies dimension %d of %v", want, i, from)
			}
			shape[i] = from[i]
		}
	}
	total := tensor.Product(from)
	known, ok := tensor.Count(shape, 1<<31-1)
	if open >= 0 {
		if !ok || known == 0 || total%known != 0 {
			return nil, fail(ErrShape, "shape %v from %v", want, from)
		}
		shape[open] = total / known
		known = total
	}
	if !ok || known != total {
		return nil, fail(ErrShape, "shape %v from %v", want, from)
	}
	return shape, nil
}

func bindFlatten(b *binder) (eval, error) {
	at := b.int("axis", 1)
	return eval{view: true, infer: func(in []Spec) ([]Spec, error) {
		shape, a := in[0].Shape, at
		if a < 0 {
			a += len(shape)
		}
		if a < 0 || a > len(shape) {
			return nil, fail(ErrShape, "axis %d of a tensor of %d dimensions", at, len(shape))
		}
		return one(in[0].DType, []int{tensor.Product(shape[:a]), tensor.Product(shape[a:])}), nil
	}}, nil
}

func bindSqueeze(*binder) (eval, error) {
	return eval{view: true, infer: func(in []Spec) ([]Spec, error) {
		from := in[0].Shape
		drop := make([]bool, len(from))
		if axes := optional(in, 1); axes.given() {
			list, err := axes.ints("axes", tensor.MaxRank)
			if err != nil {
				return nil, err
			}
			if drop, err = axisSet(list, len(from)); err != nil {
				return nil, err
			}
		} else {
			for i, d := range from {
				drop[i] = d == 1
			}
		}
		shape := []int{}
		for i, d := range from {
			if !drop[i] {
				shape = append(shape, d)
			} else if d != 1 {
				return nil, fail(ErrShape, "dimension %d of %v is not 1", i, from)
			}
		}
		return one(in[0].DType, shape), nil
	}}, nil
}

func bindUnsqueeze(*binder) (eval, error) {
	return eval{view: true, infer: func(in []Spec) ([]Spec, error) {
		axes, err := in[1].ints("axes", tensor.MaxRank)
		if err != nil {
			return nil, err
		}
		fresh, err := axisSet(axes, len(in[0].Shape)+len(axes))
		if err != nil {
			return nil, err
		}
		shape, next := make([]int, len(fresh)), 0
		for i, isNew := range fresh {
			shape[i] = 1
			if !isNew {
				shape[i] = in[0].Shape[next]
				next++
			}
		}
		return one(in[0].DType, shape), nil
	}}, nil
}
