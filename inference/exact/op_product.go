package exact

import (
	"slices"

	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// productOperators multiply matrices of floats.
func productOperators() map[string]*operator {
	return map[string]*operator{
		"MatMul": {minIn: 2, maxIn: 2, out: 1, bind: bindMatMul},
		"Gemm":   {minIn: 2, maxIn: 3, out: 1, attributes: []string{"alpha", "beta", "transA", "transB"}, bind: bindGemm},
		"Linear": {minIn: 2, maxIn: 3, out: 1, attributes: []string{"activation"}, bind: bindLinear},
	}
}

// taskWork is how many multiply-adds make a task worth handing to another thread.
const taskWork = 1 << 20

// matMul is NumPy's matmul: leading dimensions broadcast, a vector on either side is a matrix of one row or column.
type matMul struct {
	outer   []int // broadcast leading dimensions
	aOuter  []int
	bOuter  []int
	m, k, n int
	shape   []int
}

func matMulOf(aShape, bShape []int) (matMul, error) {
	if len(aShape) == 0 || len(bShape) == 0 {
		return matMul{}, fail(ErrShape, "product of shapes %v and %v", aShape, bShape)
	}
	a, b := aShape, bShape
	if len(a) == 1 {
		a = []int{1, a[0]}
	}
	if len(b) == 1 {
		b = []int{b[0], 1}
	}
	p := matMul{aOuter: a[:len(a)-2], bOuter: b[:len(b)-2], m: a[len(a)-2], k: a[len(a)-1], n: b[len(b)-1]}
	if b[len(b)-2] != p.k {
		return matMul{}, fail(ErrShape, "product of shapes %v and %v", aShape, bShape)
	}
	var err error
	if p.outer, err = broadcastShape(p.aOuter, p.bOuter); err != nil {
		return matMul{}, err
	}
	p.shape = slices.Clone(p.outer)
	if len(aShape) > 1 {
		p.shape = append(p.shape, p.m)
	}
	if len(bShape) > 1 {
		p.shape = append(p.shape, p.n)
	}
	return p, nil
}

func (p *matMul) multiplies() int64 { return macs(append([]int{p.m, p.k, p.n}, p.outer...)...) }

// productCost is that of a product with w, or with an operand when w is nil.
func productCost(w *weights) func(in, out []Spec) Cost {
	return func(in, _ []Spec) Cost {
		p, err := matMulOf(in[0].Shape, in[1].Shape)
		if err != nil {
			return Cost{}
		}
		c := Cost{Multiplies: p.multiplies(), Instructions: packInstructions * macs(in[1].Shape...)}
		if in[0].DType != tensor.Float32 {
			return c
		}
		batch, m := int(min(macs(p.outer...), 1<<50)), p.m
		if w != nil { // the rows of all matrices together
			batch, m = 1, int(min(macs(batch, m), 1<<50))
		}
		c.counted = true
		c.Instructions = w.packInstructions()*min(macs(batch, p.k, p.n), 1<<50) + productInstructions(batch, m, p.k, p.n, floatTenths)
		return c
	}
}

// What one element of B costs in a canister at most: read, turned into a float and packed; and one of a result that is
// finished with a bias and an activation.
const (
	packInstructions   = 130
	finishInstructions = 80
)

// packInstructions is less for integers that a kernel widens where they lie.
func (w *weights) packInstructions() int64 {
	if w != nil && w.scaled() {
		return 20
	}
	return packInstructions
}

func inferMatMul(in []Spec) ([]Spec, error) {
	if in[0].DType != in[1].DType {
		return nil, fail(ErrShape, "product of %v and %v", in[0].DType, in[1].DType)
	}
	switch in[0].DType {
	case tensor.Float32, tensor.Float64, tensor.Int32, tensor.Int64, tensor.Uint32, tensor.Uint64, tensor.Float16, tensor.BFloat16:
	default:
		return nil, fail(ErrUnsupported, "product of %v", in[0].DType)
	}
	p, err := matMulOf(in[0].Shape, in[1].Shape)
	return one(in[0].DType, p.shape), err
}

func bindMatMul(b *binder) (eval, error) {
	e := eval{infer: inferMatMul, cost: productCost(nil), compute: func(c *call, in, out []*Tensor) error {
		return c.matMul(out[0], in[0], in[1])
	}}
	w, err := b.weights(1, false)
	if err != nil || w == nil {
		return e, err
	}
	e.cost = productCost(w)
	e.compute = func(c *call, in, out []*Tensor) error {
		packed, err := w.get()
		if err != nil {
			return err
		}
		defer w.release(packed)
		c.split(out[0].Float32s(), in[0].Float32s(), packed, rowsOf(out[0], packed.N), nil)
		return nil
	}
	return e, nil
}

// rowsOf is how many rows of n elements a tensor has.
func rowsOf(t *Tensor, n int) int { return t.Len() / max(1, n) }

// split hands pieces of a product to the caller's threads: groups of panels and, in tall products, of rows. Where the cuts
// fall changes no element.
func (c *call) split(out, a []float32, w *kernel.Packed, m int, done kernel.Epilogue) {
	panels := w.Panels()
	if panels == 0 || m == 0 {
		return
	}
	rows := min(m, splitRows)
	perTask := max(1, int(taskWork/(int64(rows)*int64(max(1, w.K))*panelWidth)))
	perTask += perTask % 2 // keep pairs of panels together for wide kernels
	across := (panels + perTask - 1) / perTask
	c.parallel((m+rows-1)/rows*across, func(task int) {
		row, panel := task/across*rows, task%across*perTask
		piece := done
		if done != nil {
			piece = func(c []float32, i, column int) { done(c, row+i, column) }
		}
		view := kernel.Matrix{Data: a[row*w.K:], RowStride: w.K, ColumnStride: 1}
		c.set.Multiply(out[row*w.N:], w.N, view, w, min(rows, m-row), panel, min(panels, panel+perTask), piece)
	})
}

// splitRows is how many rows one task of a product takes at most; panelWidth is how many columns a panel has.
const (
	splitRows  = 192
	panelWidth = 16
)

func (c *call) matMul(out, a, b *Tensor) error {
	p, err := matMulOf(a.Shape, b.Shape)
	if err != nil || out.Len() == 0 {
		return err
	}
	aAt, bAt := offsets(p.outer, p.aOuter, p.m*p.k), offsets(p.outer, p.bOuter, p.k*p.n)
	switch a.DType {
	case tensor.Float32:
		c.products(out.Float32s(), a.Float32s(), b.Float32s(), aAt, bAt, p)
	case tensor.Float64:
		plainProducts(c, tensor.View[float64](out), tensor.View[float64](a), tensor.View[float64](b), aAt, bAt, p)
	case tensor.Int32, tensor.Uint32: // products and sums wrap alike
		plainProducts(c, tensor.View[uint32](out), tensor.View[uint32](a), tensor.View[uint32](b), aAt, bAt, p)
	case tensor.Int64, tensor.Uint64:
		plainProducts(c, tensor.View[uint64](out), tensor.View[uint64](a), tensor.View[uint64](b), aAt, bAt, p)
	default:
		return c.widened(out, []*Tensor{a, b}, func(out *Tensor, in []*Tensor) error { return c.matMul(out, in[0], in[1]) })
	}
	return nil
}

// offsets gives, for every matrix of the result, where its operand begins.
func offsets(outer, from []int, size int) []int {
	var out []int
	walkRows(outer, [][]int{broadcastStrides(from, outer)}, func(o []int) { out = append(out, o[0]*size) })
	return out
}

// products computes a batch of matrix products, a few to a task; each task packs into its own memory.
func (c *call) products(out, a, b []float32, aAt, bAt []int, p matMul) {
	batch := len(aAt)
	if batch == 1 {
		var w kernel.Packed
		w.Use(b, p.k, p.n, p.n, 1, p.m)
		c.split(out, a, &w, p.m, nil)
		return
	}
	each := max(1, int64(p.m)*int64(p.k)*int64(p.n))
	perTask := int(min(int64(batch), max(1, taskWork/each)))
	c.parallel((batch+perTask-1)/perTask, func(task int) {
		var w kernel.Packed
		for i := task * perTask; i < min(batch, (task+1)*perTask); i++ {
			w.Use(b[bAt[i]:bAt[i]+p.k*p.n], p.k, p.n, p.n, 1, p.m)
			view := kernel.Matrix{Data: a[aAt[i] : aAt[i]+p.m*p.k], RowStride: p.k, ColumnStride: 1}
			c.set.Multiply(out[i*p.m*p.n:(i+1)*p.m*p.n], p.n, view, &w, p.m, 0, w.Panels(), nil)
		}
	})
}

// plainProducts is the product of types without kernels: ascending k, one accumulator from zero.
func plainProducts[T float64 | uint32 | uint64](c *call, out, a, b []T, aAt, bAt []int, p matMul) {
	c.parallel(len(aAt)*p.m, func(task int) {
		at, i := task/p.m, task%p.m
		row := a[aAt[at]+i*p.k : aAt[at]+(i+1)*p.k]
		to := out[(at*p.m+i)*p.n : (at*p.m+i+1)*p.n]
		clear(to)
		for k, x := range row {
			for j, y := range b[bAt[at]+k*p.n : bAt[at]+(k+1)*p.n] {
				to[j] += T(x * y)
			}
		}
	})
}

// widened runs a computation on float32 copies of 16-bit floats and rounds its result once.
func (c *call) widened(out *Tensor, in []*Tensor, f func(out *Tensor, in []*Tensor) error) error {
	wide := make([]*Tensor, len(in))
	for i, t := range in {
		if t == nil {
			continue
		}
		w := tensor.New(tensor.Float32, t.Shape...)
		c.widen(w.Float32s(), t)
		wide[i] = &w
	}
	result := tensor.New(tensor.Float32, out.Shape...)
	if err := f(&result, wide); err != nil {
		return err
	}
	c.narrow(out, result.Float32s())
	return nil
}

func (c *call) widen(out []float32, t *Tensor) {
	convert := c.set.FromFloat16
	if t.DType == tensor.BFloat16 {
		convert = c.set.FromBFloat16
	}
	convert(out, tensor.View[uint16](t))
}

func (c *call) narrow(out *Tensor, x []float32) {
	convert := c.set.ToFloat16
	if out.DType == tensor.BFloat16 {
		convert = c.set.ToBFloat16
	}
	convert(tensor.View[uint16](out), x)
}

// rowChunk is about how many elements one task works on.
const rowChunk = 1 << 14

// rows splits rows of the given length into tasks.
func (c *call) rows(rows, length int, f func(from, to int)) {
	perTask := max(1, rowChunk/max(1, length))
	c.parallel((rows+perTask-1)/perTask, func(task int) { f(task*perTask, min(rows, (task+1)*perTask)) })
}
