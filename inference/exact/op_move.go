package exact

import (
	"slices"

	"assay/inference/tensor"
)

// moveOperators put elements elsewhere and change none.
func moveOperators() map[string]*operator {
	return map[string]*operator{
		"Reshape":   {minIn: 2, maxIn: 2, out: 1, attributes: []string{"allowzero"}, bind: bindReshape},
		"Transpose": {minIn: 1, maxIn: 1, out: 1, attributes: []string{"perm"}, bind: bindTranspose},
		"Concat":    {minIn: 1, maxIn: many, out: 1, attributes: []string{"axis"}, bind: bindConcat},
	}
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
	known, ok := tensor.Count(shape, int64(max(total, 1)))
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

func bindTranspose(b *binder) (eval, error) {
	perm := b.ints("perm")
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			v, err := transposed(in[0].Shape, perm)
			return one(in[0].DType, v.shape), err
		},
		compute: func(c *call, in, out []*Tensor) error {
			v, err := transposed(in[0].Shape, perm)
			moved(out[0], in[0], v)
			return err
		},
		cost: perElement(12),
	}, nil
}

// transposed is the window on a tensor of the given shape with its dimensions in another order; nil reverses them.
func transposed(shape, perm []int) (view, error) {
	if perm == nil {
		for i := len(shape) - 1; i >= 0; i-- {
			perm = append(perm, i)
		}
	}
	if len(perm) != len(shape) || slices.ContainsFunc(perm, func(a int) bool { return a < 0 }) {
		return view{}, fail(ErrShape, "permutation %v of %d dimensions", perm, len(shape))
	}
	if _, err := axisSet(perm, len(shape)); err != nil {
		return view{}, err
	}
	from := strides(shape)
	v := view{shape: make([]int, len(perm)), strides: make([]int, len(perm))}
	for i, a := range perm {
		v.shape[i], v.strides[i] = shape[a], from[a]
	}
	return v, nil
}

func bindConcat(b *binder) (eval, error) {
	along := b.int("axis", 1<<20)
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			a, err := axis(along, len(in[0].Shape))
			if err != nil {
				return nil, err
			}
			shape := slices.Clone(in[0].Shape)
			total := int64(0)
			for i := range in {
				s := &in[i]
				if s.DType != in[0].DType || len(s.Shape) != len(shape) {
					return nil, fail(ErrShape, "operands %v of %v and %v of %v", in[0].DType, in[0].Shape, s.DType, s.Shape)
				}
				for d, size := range s.Shape {
					if d != a && size != shape[d] {
						return nil, fail(ErrShape, "operands of shapes %v and %v along axis %d", in[0].Shape, s.Shape, a)
					}
				}
				total += int64(s.Shape[a])
			}
			shape[a] = clampInt(total)
			return one(in[0].DType, shape), nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			a, err := axis(along, len(in[0].Shape))
			if err != nil || out[0].Len() == 0 {
				return err
			}
			outer, inner := tensor.Product(out[0].Shape[:a]), tensor.Product(out[0].Shape[a+1:])
			at := 0
			for o := range outer {
				for _, t := range in {
					run := t.Shape[a] * inner
					copyRun(out[0], at, t, o*run, run)
					at += run
				}
			}
			return nil
		},
		cost: perElement(4),
	}, nil
}
