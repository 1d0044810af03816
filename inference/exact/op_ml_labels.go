package exact

import (
	"slices"

	"assay/inference/tensor"
)

// constants gives operands that the node must have as constants, and takes them in.
func (b *binder) constants(from, to int) ([]*Tensor, error) {
	var out []*Tensor
	for i := from; i < min(to, len(b.node.In)); i++ {
		t := b.constant(i)
		if t == nil && b.node.In[i] >= 0 {
			return nil, fail(ErrUnsupported, "operand %d is no constant", i)
		}
		if t != nil {
			b.take(i)
		}
		out = append(out, t)
	}
	return out, nil
}

// lookup finds the position of a key.
type lookup struct {
	keys  []uint64
	place []int
}

// lookupOf orders the keys; of equal ones the first counts.
func lookupOf(t *Tensor) *lookup {
	order := count(t.Len())
	slices.SortStableFunc(order, func(a, b int) int {
		ka, kb := orderKey(t, a), orderKey(t, b)
		switch {
		case ka < kb:
			return -1
		case ka > kb:
			return 1
		}
		return 0
	})
	l := &lookup{}
	for _, i := range order {
		if k := orderKey(t, i); len(l.keys) == 0 || l.keys[len(l.keys)-1] != k {
			l.keys, l.place = append(l.keys, k), append(l.place, i)
		}
	}
	return l
}

// find gives -1 for what is not there.
func (l *lookup) find(key uint64) int {
	if i, ok := slices.BinarySearch(l.keys, key); ok {
		return l.place[i]
	}
	return -1
}

// bindLabelEncoder maps elements: operands are the data, keys, the value of each, and the value of everything else.
func bindLabelEncoder(b *binder) (eval, error) {
	list, err := b.constants(1, 4)
	if err != nil {
		return eval{}, err
	}
	keys, values, otherwise := list[0], list[1], list[2]
	if len(keys.Shape) != 1 || !slices.Equal(keys.Shape, values.Shape) || otherwise.Len() != 1 || otherwise.DType != values.DType {
		return eval{}, fail(ErrShape, "keys of shape %v, values of shape %v", keys.Shape, values.Shape)
	}
	table := lookupOf(keys)
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			if in[0].DType != keys.DType {
				return nil, fail(ErrShape, "data of %v, keys of %v", in[0].DType, keys.DType)
			}
			return one(values.DType, in[0].Shape), nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			c.rows(out[0].Len(), 8, func(lo, hi int) {
				for i := lo; i < hi; i++ {
					if at := table.find(orderKey(in[0], i)); at >= 0 {
						copyRun(out[0], i, values, at, 1)
					} else {
						copyRun(out[0], i, otherwise, 0, 1)
					}
				}
			})
			return nil
		},
		cost: perElement(600),
	}, nil
}

// bindOneHotEncoder marks which of the categories, operand 1, an element is.
func bindOneHotEncoder(b *binder) (eval, error) {
	list, err := b.constants(1, 2)
	if err != nil {
		return eval{}, err
	}
	categories, zeros := list[0], b.bool("zeros", true)
	if categories.DType != tensor.Int64 || len(categories.Shape) != 1 {
		return eval{}, fail(ErrShape, "categories are %v of shape %v", categories.DType, categories.Shape)
	}
	table, n := lookupOf(categories), categories.Len()
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			switch in[0].DType {
			case tensor.Int64, tensor.Int32, tensor.Float32, tensor.Float64:
			default:
				return nil, fail(ErrUnsupported, "element type %v", in[0].DType)
			}
			return one(tensor.Float32, append(slices.Clone(in[0].Shape), n)), nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			clear(out[0].Bytes())
			for i := range in[0].Len() {
				v := integerAt(in[0], i)
				at := table.find(uint64(v) ^ 1<<63)
				switch {
				case at >= 0:
					out[0].Float32s()[i*n+at] = 1
				case !zeros:
					return fail(ErrInput, "%d is none of the categories", v)
				}
			}
			return nil
		},
		cost: func(in, out []Spec) Cost {
			return Cost{Instructions: 4*int64(tensor.Product(out[0].Shape)) + 600*int64(tensor.Product(in[0].Shape))}
		},
	}, nil
}
