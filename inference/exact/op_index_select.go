package exact

import (
	"slices"

	"assay/inference/tensor"
)

// noAxis stands for an axis that is not given.
const noAxis = 1 << 20

func bindCompress(b *binder) (eval, error) {
	along := b.int("axis", noAxis)
	flat := b.node.Attr("axis") == nil
	view := func(shape []int) ([]int, error) {
		if flat {
			return []int{1, tensor.Product(shape), 1}, nil
		}
		a, err := axis(along, len(shape))
		if err != nil {
			return nil, err
		}
		return []int{tensor.Product(shape[:a]), shape[a], tensor.Product(shape[a+1:])}, nil
	}
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			parts, err := view(in[0].Shape)
			if err != nil {
				return nil, err
			}
			if in[1].DType != tensor.Bool || len(in[1].Shape) != 1 || in[1].Shape[0] > parts[1] {
				return nil, fail(ErrShape, "condition is %v of shape %v for %v", in[1].DType, in[1].Shape, in[0].Shape)
			}
			condition, err := in[1].known("the number of elements kept")
			if err != nil {
				return nil, err
			}
			kept := 0
			for _, yes := range condition.Bools() {
				if yes {
					kept++
				}
			}
			if flat {
				return one(in[0].DType, []int{kept}), nil
			}
			made := in[0].like()
			made.Shape = slices.Clone(made.Shape)
			a, err := axis(along, len(made.Shape))
			made.Shape[a] = kept
			return []Spec{made}, err
		},
		compute: func(c *call, in, out []*Tensor) error {
			parts, err := view(in[0].Shape)
			if err != nil {
				return err
			}
			to, inner := 0, parts[2]
			for o := range parts[0] {
				for i, yes := range in[1].Bools() {
					if yes {
						copyRun(out[0], to, in[0], (o*parts[1]+i)*inner, inner)
						to += inner
					}
				}
			}
			return nil
		},
		cost: func(in, out []Spec) Cost {
			return Cost{Instructions: 30 * int64(tensor.Product(in[0].Shape)+tensor.Product(in[1].Shape))}
		},
	}, nil
}

func bindNonZero(*binder) (eval, error) {
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			x, err := in[0].known("the number of elements that are not zero")
			if err != nil {
				return nil, err
			}
			n := 0
			for i := range x.Len() {
				if isNonZero(x, i) {
					n++
				}
			}
			return one(tensor.Int64, []int{len(x.Shape), n}), nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			x, list := in[0], out[0].Int64s()
			n, at := out[0].Shape[1], 0
			for i := range x.Len() {
				if !isNonZero(x, i) {
					continue
				}
				left := i
				for d := len(x.Shape) - 1; d >= 0; d-- {
					list[d*n+at] = int64(left % x.Shape[d])
					left /= x.Shape[d]
				}
				at++
			}
			return nil
		},
		cost: func(in, _ []Spec) Cost { return Cost{Instructions: 150 * int64(tensor.Product(in[0].Shape))} },
	}, nil
}

func bindOneHot(b *binder) (eval, error) {
	along := b.int("axis", -1)
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			a, err := axis(along, len(in[0].Shape)+1)
			if err != nil {
				return nil, err
			}
			if !slices.Equal(in[2].Shape, []int{2}) || tensor.Product(in[1].Shape) != 1 {
				return nil, fail(ErrShape, "depth of shape %v, values of shape %v", in[1].Shape, in[2].Shape)
			}
			depth, err := in[1].known("the depth")
			if err != nil {
				return nil, err
			}
			n := clampInt(integerAt(depth, 0))
			if n < 0 {
				return nil, fail(ErrShape, "depth %d", n)
			}
			return one(in[2].DType, slices.Concat(in[0].Shape[:a], []int{n}, in[0].Shape[a:])), nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			if out[0].Len() == 0 {
				return nil
			}
			a, err := axis(along, len(out[0].Shape))
			if err != nil {
				return err
			}
			size, depth, inner := in[2].DType.Size(), out[0].Shape[a], tensor.Product(out[0].Shape[a+1:])
			off, on := in[2].Bytes()[:size], in[2].Bytes()[size:]
			fillBytes(out[0].Bytes(), off)
			for i := range in[0].Len() {
				index := integerAt(in[0], i)
				if index < 0 {
					index += int64(depth)
				}
				if index >= 0 && index < int64(depth) {
					at := (i/inner*depth+int(index))*inner + i%inner
					copy(out[0].Bytes()[at*size:], on)
				}
			}
			return nil
		},
		cost: func(in, out []Spec) Cost {
			return Cost{Instructions: 4*int64(tensor.Product(out[0].Shape)) + 60*int64(tensor.Product(in[0].Shape))}
		},
	}, nil
}
