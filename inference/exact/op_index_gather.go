package exact

import (
	"slices"
	"sync/atomic"

	"assay/inference/exact/internal/kernel"
	"assay/inference/ir"
	"assay/inference/tensor"
)

func bindGather(b *binder) (eval, error) {
	along := b.int("axis", 0)
	table := b.table(0)
	price := int64(16)
	if table != nil { // read, and turned into floats or looked through for NaN
		price = 60
	}
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			a, err := axis(along, len(in[0].Shape))
			if err == nil {
				err = indexType(&in[1])
			}
			if err != nil {
				return nil, err
			}
			return one(in[0].DType, slices.Concat(in[0].Shape[:a], in[1].Shape, in[0].Shape[a+1:])), nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			if table != nil {
				return c.gatherConstant(out[0], table, in[1], along)
			}
			return c.gather(in[0].Shape, in[1], along, func(to, from, n int) { copyRun(out[0], to, in[0], from, n) })
		},
		cost: perElement(price),
	}, nil
}

// gather calls move for every run of the result of a Gather.
func (c *call) gather(shape []int, indices *Tensor, along int, move func(to, from, n int)) error {
	a, err := axis(along, len(shape))
	if err != nil {
		return err
	}
	list, done, err := c.indices(indices, shape[a])
	if err != nil {
		return err
	}
	defer done()
	size, inner := shape[a], tensor.Product(shape[a+1:])
	c.rows(tensor.Product(shape[:a])*len(list), inner, func(lo, hi int) {
		for r := lo; r < hi; r++ {
			move(r*inner, (r/len(list)*size+int(list[r%len(list)]))*inner, inner)
		}
	})
	return nil
}

// table takes input i when it is a constant that is better read run by run than expanded: kept as whole numbers, or stored
// outside. Nil for anything else.
func (b *binder) table(i int) *ir.Constant {
	if b.quant(i) == nil && b.stored(i) == nil {
		return nil
	}
	b.take(i)
	return b.graph.Constant(b.node.In[i])
}

// gatherConstant reads the runs that are asked for and no others.
func (c *call) gatherConstant(out *Tensor, table *ir.Constant, indices *Tensor, along int) error {
	size := out.DType.Size()
	var failed atomic.Pointer[Error]
	move := func(to, from, n int) {
		if err := table.Read(out.Bytes()[to*size:(to+n)*size], from); err != nil {
			failed.Store(fail(ErrInput, "%v", err))
		}
	}
	if q := table.Quant; q != nil {
		values := out.Float32s()
		move = func(to, from, n int) {
			raw := make([]byte, n)
			if err := table.Read(raw, from); err != nil {
				failed.Store(fail(ErrInput, "%v", err))
				return
			}
			expand(q, values[to:to+n], raw, from)
		}
	}
	if err := c.gather(table.Shape(), indices, along, move); err != nil {
		return err
	}
	if err := failed.Load(); err != nil {
		return err
	}
	if table.Quant == nil && out.DType == tensor.Float32 {
		kernel.Canonicalise(out.Float32s())
	}
	return nil
}

func bindGatherND(b *binder) (eval, error) {
	batch := b.int("batch_dims", 0)
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			x, at := in[0].Shape, in[1].Shape
			if err := indexType(&in[1]); err != nil {
				return nil, err
			}
			if batch < 0 || batch >= len(at) || batch >= len(x) || !slices.Equal(x[:batch], at[:batch]) || at[len(at)-1] > len(x)-batch {
				return nil, fail(ErrShape, "indices of shape %v into %v, %d batch dimensions", at, x, batch)
			}
			return one(in[0].DType, slices.Concat(at[:len(at)-1], x[batch+at[len(at)-1]:])), nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			if out[0].Len() == 0 {
				return nil
			}
			x, at := in[0].Shape, in[1].Shape
			list, n, done, err := c.tuples(in[1], x[batch:])
			if err != nil {
				return err
			}
			defer done()
			perBatch, inner := len(list)/tensor.Product(at[:batch]), n
			whole := tensor.Product(x[batch:])
			c.rows(len(list), inner, func(lo, hi int) {
				for r := lo; r < hi; r++ {
					copyRun(out[0], r*inner, in[0], r/perBatch*whole+int(list[r]), inner)
				}
			})
			return nil
		},
		cost: perElement(16),
	}, nil
}

// tuples reads the last dimension of indices as positions in the leading dimensions of shape: the offset of each, and
// how many elements lie there.
func (c *call) tuples(t *Tensor, shape []int) ([]int32, int, func(), error) {
	depth := t.Shape[len(t.Shape)-1]
	steps := strides(shape)
	list, done, err := scratch[int32](c, tensor.Product(t.Shape[:len(t.Shape)-1]))
	if err != nil {
		return nil, 0, done, err
	}
	for i := range list {
		offset := 0
		for d := range depth {
			at, err := place(integerAt(t, i*depth+d), shape[d])
			if err != nil {
				done()
				return nil, 0, func() {}, err
			}
			offset += at * steps[d]
		}
		list[i] = int32(offset)
	}
	return list, tensor.Product(shape[depth:]), done, nil
}

func bindGatherElements(b *binder) (eval, error) {
	along := b.int("axis", 0)
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			if err := elementIndices(&in[0], &in[1], along); err != nil {
				return nil, err
			}
			return one(in[0].DType, in[1].Shape), nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			places, done, err := c.elementPlaces(in[1], in[0].Shape, along)
			if err != nil {
				return err
			}
			defer done()
			byWidth(in[0].DType,
				func() { pick(c, tensor.View[uint8](out[0]), tensor.View[uint8](in[0]), places) },
				func() { pick(c, tensor.View[uint16](out[0]), tensor.View[uint16](in[0]), places) },
				func() { pick(c, tensor.View[uint32](out[0]), tensor.View[uint32](in[0]), places) },
				func() { pick(c, tensor.View[uint64](out[0]), tensor.View[uint64](in[0]), places) })
			return nil
		},
		cost: perElement(60),
	}, nil
}

func pick[T width](c *call, out, from []T, places []int32) {
	c.rows(len(out), 1, func(lo, hi int) {
		for i := lo; i < hi; i++ {
			out[i] = from[places[i]]
		}
	})
}

// elementIndices checks indices that stand element by element: no dimension but the axis may be longer than the data's.
func elementIndices(x, indices *Spec, along int) error {
	a, err := axis(along, len(x.Shape))
	if err == nil {
		err = indexType(indices)
	}
	if err != nil {
		return err
	}
	if len(indices.Shape) != len(x.Shape) {
		return fail(ErrShape, "indices of shape %v into %v", indices.Shape, x.Shape)
	}
	for d, size := range indices.Shape {
		if d != a && size > x.Shape[d] {
			return fail(ErrShape, "indices of shape %v into %v", indices.Shape, x.Shape)
		}
	}
	return nil
}

// elementPlaces gives for every element of indices the offset in a tensor of the given shape: its own position, with
// the index in place of that along the axis.
func (c *call) elementPlaces(indices *Tensor, shape []int, along int) ([]int32, func(), error) {
	a, err := axis(along, len(shape))
	if err != nil {
		return nil, func() {}, err
	}
	list, done, err := c.indices(indices, shape[a])
	if err != nil || len(list) == 0 {
		return list, done, err
	}
	steps := strides(shape)
	along = steps[a]
	steps[a] = 0
	last := len(shape) - 1
	n, at := indices.Shape[last], 0
	walkRows(indices.Shape[:last], [][]int{steps[:last]}, func(offsets []int) {
		for i := range n {
			list[at] = int32(offsets[0] + i*steps[last] + int(list[at])*along)
			at++
		}
	})
	return list, done, nil
}
