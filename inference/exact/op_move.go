package exact

import (
	"slices"

	"assay/inference/tensor"
)

// moveOperators put elements elsewhere and change none.
func moveOperators() map[string]*operator {
	return map[string]*operator{
		"Transpose":       {minIn: 1, maxIn: 1, out: 1, attributes: []string{"perm"}, bind: bindTranspose},
		"Concat":          {minIn: 1, maxIn: many, out: 1, attributes: []string{"axis"}, bind: bindConcat},
		"Split":           {minIn: 1, maxIn: 2, out: many, attributes: []string{"axis", "num_outputs"}, bind: bindSplit},
		"Slice":           {minIn: 3, maxIn: 5, out: 1, bind: bindSlice},
		"Expand":          {minIn: 2, maxIn: 2, out: 1, bind: bindExpand},
		"Tile":            {minIn: 2, maxIn: 2, out: 1, bind: bindTile},
		"Pad":             {minIn: 2, maxIn: 4, out: 1, attributes: []string{"mode"}, bind: bindPad},
		"CenterCropPad":   {minIn: 2, maxIn: 2, out: 1, attributes: []string{"axes"}, bind: bindCenterCropPad},
		"DepthToSpace":    {minIn: 1, maxIn: 1, out: 1, attributes: []string{"blocksize", "mode"}, bind: bindDepthToSpace},
		"SpaceToDepth":    {minIn: 1, maxIn: 1, out: 1, attributes: []string{"blocksize", "mode"}, bind: bindSpaceToDepth},
		"ReverseSequence": {minIn: 2, maxIn: 2, out: 1, attributes: []string{"batch_axis", "time_axis"}, bind: bindReverseSequence},
		"Range":           {minIn: 3, maxIn: 3, out: 1, bind: bindRange},
		"ConstantOfShape": {minIn: 1, maxIn: 2, out: 1, bind: bindConstantOfShape},
		"Einsum":          {minIn: 1, maxIn: many, out: 1, attributes: []string{"equation"}, bind: bindEinsum},
		"EyeLike":         {minIn: 1, maxIn: 1, out: 1, attributes: []string{"dtype", "k"}, bind: bindEyeLike},
	}
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
			if err != nil {
				return err
			}
			c.window(out[0], in[0], v)
			return nil
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
			whole := out[0].Shape[a] * inner
			c.rows(outer, whole, func(from, to int) {
				for o := from; o < to; o++ {
					at := o * whole
					for _, t := range in {
						run := t.Shape[a] * inner
						copyRun(out[0], at, t, o*run, run)
						at += run
					}
				}
			})
			return nil
		},
		cost: perElement(4),
	}, nil
}

func bindSplit(b *binder) (eval, error) {
	along, parts := b.int("axis", 0), b.int("num_outputs", int64(len(b.node.Out)))
	if parts != len(b.node.Out) || parts == 0 {
		return eval{}, fail(ErrShape, "%d outputs of a split in %d", len(b.node.Out), parts)
	}
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			a, err := axis(along, len(in[0].Shape))
			if err != nil {
				return nil, err
			}
			sizes, err := splitSizes(in, in[0].Shape[a], parts)
			if err != nil {
				return nil, err
			}
			made := make([]Spec, parts)
			for i, size := range sizes {
				made[i] = in[0].like()
				made[i].Shape = slices.Clone(in[0].Shape)
				made[i].Shape[a] = size
			}
			return made, nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			a, err := axis(along, len(in[0].Shape))
			if err != nil || in[0].Len() == 0 {
				return err
			}
			sizes, err := splitSizes(specsFor(in), in[0].Shape[a], parts)
			if err != nil {
				return err
			}
			outer, inner := tensor.Product(in[0].Shape[:a]), tensor.Product(in[0].Shape[a+1:])
			whole := in[0].Shape[a] * inner
			c.rows(outer, whole, func(from, to int) {
				for o := from; o < to; o++ {
					at := o * whole
					for i, size := range sizes {
						run := size * inner
						if out[i] != nil {
							copyRun(out[i], o*run, in[0], at, run)
						}
						at += run
					}
				}
			})
			return nil
		},
		cost: func(in, _ []Spec) Cost { return Cost{Instructions: 8 * int64(tensor.Product(in[0].Shape))} },
	}, nil
}

// splitSizes are the lengths of the parts: those given, or equal ones of which the last is what is left.
func splitSizes(in []Spec, total, parts int) ([]int, error) {
	if given := optional(in, 1); given.given() {
		sizes, err := given.ints("split", many)
		if err != nil {
			return nil, err
		}
		sum := int64(0)
		for _, size := range sizes {
			if size < 0 {
				return nil, fail(ErrShape, "split %v", sizes)
			}
			sum += int64(size)
		}
		if len(sizes) != parts || sum != int64(total) {
			return nil, fail(ErrShape, "split %v of %d in %d parts", sizes, total, parts)
		}
		return sizes, nil
	}
	size := (total + parts - 1) / parts
	sizes := make([]int, parts)
	for i := range sizes {
		sizes[i] = min(size, max(0, total-i*size))
	}
	return sizes, nil
}
