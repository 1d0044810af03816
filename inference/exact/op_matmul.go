package exact

import "slices"

// taskWork is how many multiply-adds make a task worth handing to another thread.
const taskWork = 1 << 20

func bindMatMul(b *binder) (evalFunc, error) {
	w := b.constants[1]
	if b.folding || w == nil || w.DType != Float32 || len(w.Shape) != 2 {
		return single(evalMatMul), nil
	}
	weights := &packed{}
	weights.pack(w.F32, w.Shape[0], w.Shape[1])
	b.absorb(1)
	return single(func(c *call, in []*Tensor) (*Tensor, error) {
		return c.matMulPacked(in[0], weights)
	}), nil
}

// charge counts the multiply-adds of m·k·n against the limit.
func (c *call) charge(batch, m, k, n int) error {
	work := int64(1)
	for _, f := range []int{batch, m, k, n} {
		if f > 0 && work > c.limits.Work/int64(f) {
			return fail(ErrLimit, "a product of %d × %d×%d×%d, limit %d multiply-adds", batch, m, k, n, c.limits.Work)
		}
		work *= int64(f)
	}
	if c.work += work; c.work > c.limits.Work {
		return fail(ErrLimit, "more than %d multiply-adds in all", c.limits.Work)
	}
	return nil
}

// matMulPacked multiplies all rows of a, whatever its leading dimensions, by one packed matrix.
func (c *call) matMulPacked(a *Tensor, w *packed) (*Tensor, error) {
	if a.DType != Float32 || len(a.Shape) == 0 || a.Shape[len(a.Shape)-1] != w.k {
		return nil, fail(ErrShape, "a %v of shape %v times a matrix of %d×%d", a.DType, a.Shape, w.k, w.n)
	}
	shape := slices.Clone(a.Shape)
	shape[len(shape)-1] = w.n
	m := product(a.Shape[:len(a.Shape)-1])
	if err := c.charge(1, m, w.k, w.n); err != nil {
		return nil, err
	}
	out, err := c.make(Float32, shape)
	if err != nil {
		return nil, err
	}
	c.split(out.F32, a.F32, w, m)
	return out, nil
}

// split hands groups of panels to the caller's threads. Where the cuts fall changes no element.
func (c *call) split(out, a []float32, w *packed, m int) {
	panels := w.count()
	work := int64(m) * int64(w.k) * int64(w.n)
	tasks := int(min(int64(panels), work/taskWork+1))
	perTask := (panels + tasks - 1) / max(1, tasks)
	perTask += perTask % 2 // keep pairs of panels together for the wide kernel
	c.parallel((panels+perTask-1)/max(1, perTask), func(task int) {
		c.kernel.multiply(out, a, w, m, task*perTask, min(panels, (task+1)*perTask))
	})
}

// evalMatMul is NumPy's matmul: leading dimensions broadcast, a vector on either side is a matrix of one row or column.
func evalMatMul(c *call, in []*Tensor) (*Tensor, error) {
	a, b := in[0], in[1]
	if a.DType != Float32 || b.DType != Float32 {
		return nil, fail(ErrUnsupported, "product of %v and %v", a.DType, b.DType)
	}
	if len(a.Shape) == 0 || len(b.Shape) == 0 {
		return nil, fail(ErrShape, "product of shapes %v and %v", a.Shape, b.Shape)
	}
	aShape, bShape := a.Shape, b.Shape
	if len(aShape) == 1 {
		aShape = []int{1, aShape[0]}
	}
	if len(bShape) == 1 {
		bShape = []int{bShape[0], 1}
	}
	m, k, n := aShape[len(aShape)-2], aShape[len(aShape)-1], bShape[len(bShape)-1]
	if bShape[len(bShape)-2] != k {
		return nil, fail(ErrShape, "product of shapes %v and %v", a.Shape, b.Shape)
	}
	aOuter, bOuter := aShape[:len(aShape)-2], bShape[:len(bShape)-2]
	outer, err := broadcastShape(aOuter, bOuter)
	if err != nil {
		return nil, err
	}
	if err := c.charge(product(outer), m, k, n); err != nil {
		return nil, err
	}
	shape := slices.Clone(outer)
	if len(a.Shape) > 1 {
		shape = append(shape, m)
	}
	if len(b.Shape) > 1 {
		shape = append(shape, n)
	}
	out, err := c.make(Float32, shape)
	if err != nil || out.Len() == 0 {
		return out, err
	}
	c.products(out.F32, a.F32, b.F32, offsets(outer, aOuter, m*k), offsets(outer, bOuter, k*n), m, k, n)
	return out, nil
}

// offsets gives, for every matrix of the result, where its operand begins.
func offsets(outer, from []int, size int) []int {
	var out []int
	walkRows(outer, [][]int{broadcastStrides(from, outer)}, func(o []int) { out = append(out, o[0]*size) })
	return out
}

// products computes a batch of matrix products, a few to a task; each task packs into its own memory.
func (c *call) products(out, a, b []float32, aAt, bAt []int, m, k, n int) {
	batch := len(aAt)
	if batch == 1 {
		var w packed
		w.pack(b, k, n)
		c.split(out, a, &w, m)
		return
	}
	each := max(1, int64(m)*int64(k)*int64(n))
	perTask := int(min(int64(batch), max(1, taskWork/each)))
	c.parallel((batch+perTask-1)/perTask, func(task int) {
		var w packed
		for i := task * perTask; i < min(batch, (task+1)*perTask); i++ {
			w.pack(b[bAt[i]:bAt[i]+k*n], k, n)
			c.kernel.multiply(out[i*m*n:(i+1)*m*n], a[aAt[i]:aAt[i]+m*k], &w, m, 0, w.count())
		}
	})
}
