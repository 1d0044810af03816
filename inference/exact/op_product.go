package exact

import (
	"slices"
	"sync"

	"assay/inference/exact/internal/kernel"
	"assay/inference/ir"
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

// weights is a constant matrix that a product takes in: packed once, or where its elements are stored outside, each time
// that it is needed.
type weights struct {
	set        *kernel.Set
	packed     *kernel.Packed
	constant   *ir.Constant // as it is stored
	transposed bool
	memory     *sync.Pool // of the program: what matrices that are packed each time are packed into
}

// weights takes the constant float32 matrix of input i; nil when it is anything else.
func (b *binder) weights(i int, transposed bool) (*weights, error) {
	if !b.isConstant(i) {
		return nil, nil
	}
	c := b.graph.Constant(b.node.In[i])
	if c.DType() != tensor.Float32 || len(c.Shape()) != 2 {
		return nil, nil
	}
	b.take(i)
	w := &weights{set: b.set, constant: c, transposed: transposed, memory: b.loader.packed}
	if c.Stored != nil {
		return w, nil
	}
	var err error
	w.packed, err = w.get()
	return w, err
}

// scaled says whether the matrix is of integers with one scale for all or one for each column.
func (w *weights) scaled() bool {
	q := w.constant.Quant
	return q != nil && !w.transposed && (len(q.Scale) == 1 || q.Axis == 1)
}

func (w *weights) get() (*kernel.Packed, error) {
	if w.packed != nil {
		return w.packed, nil
	}
	if w.scaled() {
		return w.packScaled()
	}
	t, err := Expand(w.constant)
	if err != nil {
		return nil, err
	}
	packed := w.memory.Get().(*kernel.Packed)
	packMatrix(packed, &t, w.transposed)
	return packed, nil
}

func (w *weights) packScaled() (*kernel.Packed, error) {
	q := w.constant.Quant
	elements, err := w.constant.Elements()
	if err != nil {
		return nil, fail(ErrInput, "%v", err)
	}
	packed := w.memory.Get().(*kernel.Packed)
	w.set.PackScaled(packed, elements.Bytes(), isSigned(q), q.Q.Shape[0], q.Q.Shape[1], q.Scale, q.Zero)
	return packed, nil
}

// release gives back the memory of a matrix that get packed for one time.
func (w *weights) release(packed *kernel.Packed) {
	if w != nil && w.packed == nil {
		w.memory.Put(packed)
	}
}

// or is the constant matrix, or when there is none, one made of t.
func (w *weights) or(t *Tensor, transposed bool) (*kernel.Packed, error) {
	if w == nil {
		packed := &kernel.Packed{}
		packMatrix(packed, t, transposed)
		return packed, nil
	}
	return w.get()
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

// bindLinear is a product with a matrix, plus a bias per column, then an activation: the same bits as the operators one
// after the other.
func bindLinear(b *binder) (eval, error) {
	e := eval{infer: func(in []Spec) ([]Spec, error) {
		made, err := inferMatMul(in)
		if err != nil {
			return nil, err
		}
		if in[0].DType != tensor.Float32 || len(in[1].Shape) != 2 {
			return nil, fail(ErrShape, "operands are %v of %v and %v", in[0].DType, in[0].Shape, in[1].Shape)
		}
		if len(in) > 2 && in[2].given() && (in[2].DType != tensor.Float32 || len(in[2].Shape) != 1 || in[2].Shape[0] != in[1].Shape[1]) {
			return nil, fail(ErrShape, "bias is %v of shape %v for %d columns", in[2].DType, in[2].Shape, in[1].Shape[1])
		}
		return made, nil
	}}
	activation, err := activationOf(b.text("activation", ""))
	if err != nil {
		return e, err
	}
	w, err := b.weights(1, false)
	if err != nil {
		return e, err
	}
	e.cost = func(in, out []Spec) Cost {
		c := productCost(w)(in, out)
		c.Instructions += finishInstructions * min(macs(out[0].Shape...), 1<<50)
		return c
	}
	e.compute = func(c *call, in, out []*Tensor) error {
		packed, err := w.or(in[1], false)
		if err != nil {
			return err
		}
		defer w.release(packed)
		var bias []float32
		if len(in) > 2 && in[2] != nil {
			bias = in[2].Float32s()
		}
		var apply func(out, x []float32)
		if activation != nil {
			apply = activation(&c.set.Vectors)
		}
		c.split(out[0].Float32s(), in[0].Float32s(), packed, rowsOf(out[0], packed.N), c.finish(bias, apply))
		return nil
	}
	return e, nil
}

// activationOf gives the function of a name; nil for none.
func activationOf(name string) (func(v *kernel.Vectors) func(out, x []float32), error) {
	switch name {
	case "":
		return nil, nil
	case "gelu":
		return func(v *kernel.Vectors) func(out, x []float32) { return v.Gelu }, nil
	case "relu":
		return func(v *kernel.Vectors) func(out, x []float32) { return v.Relu }, nil
	case "tanh":
		return func(v *kernel.Vectors) func(out, x []float32) { return v.Tanh }, nil
	}
	return nil, fail(ErrUnsupported, "activation %q", name)
}

// finish adds a bias to a piece of a row and applies an activation; nil when there is nothing to do.
func (c *call) finish(bias []float32, apply func(out, x []float32)) kernel.Epilogue {
	if bias == nil && apply == nil {
		return nil
	}
	return func(y []float32, _, column int) {
		if bias != nil {
			c.set.Add(y, y, bias[column:column+len(y)])
		}
		if apply != nil {
			apply(y, y)
		}
	}
}

// bindGemm is alpha · A' · B' + beta · C.
func bindGemm(b *binder) (eval, error) {
	alpha, beta := b.float("alpha", 1), b.float("beta", 1)
	transA, transB := b.bool("transA", false), b.bool("transB", false)
	shape := func(in []Spec) (m, k, n int, err error) {
		x, y := in[0].Shape, in[1].Shape
		if len(x) != 2 || len(y) != 2 {
			return 0, 0, 0, fail(ErrShape, "operands of shapes %v and %v", x, y)
		}
		m, k, n = x[0], x[1], y[1]
		if transA {
			m, k = k, m
		}
		inner := y[0]
		if transB {
			n, inner = inner, n
		}
		if inner != k {
			return 0, 0, 0, fail(ErrShape, "product of shapes %v and %v", x, y)
		}
		return m, k, n, nil
	}
	e := eval{
		infer: func(in []Spec) ([]Spec, error) {
			m, _, n, err := shape(in)
			if err != nil {
				return nil, err
			}
			if in[0].DType != in[1].DType || len(in) > 2 && in[2].given() && in[2].DType != in[0].DType {
				return nil, fail(ErrShape, "operands of different types")
			}
			switch in[0].DType {
			case tensor.Float32, tensor.Float16, tensor.BFloat16:
			default:
				return nil, fail(ErrUnsupported, "product of %v", in[0].DType)
			}
			if len(in) > 2 && in[2].given() {
				s, err := broadcastShape(in[2].Shape, []int{m, n})
				if err != nil || !slices.Equal(s, []int{m, n}) {
					return nil, fail(ErrShape, "addend of shape %v for a result of %d×%d", in[2].Shape, m, n)
				}
			}
			return one(in[0].DType, []int{m, n}), nil
		},
	}
	w, err := b.weights(1, transB)
	e.cost = func(in, _ []Spec) Cost {
		m, k, n, err := shape(in)
		if err != nil {
			return Cost{}
		}
		c := Cost{Multiplies: macs(m, k, n), Instructions: packInstructions * macs(k, n), counted: in[0].DType == tensor.Float32}
		if c.counted {
			c.Instructions = w.packInstructions()*min(macs(k, n), 1<<50) + finishInstructions*min(macs(m, n), 1<<50) + productInstructions(1, m, k, n, floatTenths)
		}
		return c
	}
	g := gemm{alpha, beta, transA, transB, w}
	e.compute = g.compute
	return e, err
}

type gemm struct {
	alpha, beta    float32
	transA, transB bool
	w              *weights
}

func packMatrix(w *kernel.Packed, t *Tensor, transposed bool) {
	rows, columns := t.Shape[0], t.Shape[1]
	if transposed {
		w.Pack(t.Float32s(), columns, rows, 1, columns)
		return
	}
	w.Pack(t.Float32s(), rows, columns, columns, 1)
}

func (g *gemm) compute(c *call, in, out []*Tensor) error {
	if out[0].DType != tensor.Float32 {
		return c.widened(out[0], in, func(out *Tensor, in []*Tensor) error { return g.compute(c, in, []*Tensor{out}) })
	}
	w, err := g.w.or(in[1], g.transB)
	if err != nil {
		return err
	}
	defer g.w.release(w)
	a := in[0].Float32s()
	if g.transA {
		turned := tensor.New(tensor.Float32, in[0].Shape[1], in[0].Shape[0])
		v, err := transposed(in[0].Shape, nil)
		if err != nil {
			return err
		}
		moved(&turned, in[0], v)
		a = turned.Float32s()
	}
	y := out[0].Float32s()
	m, n := out[0].Shape[0], out[0].Shape[1]
	c.split(y, a, w, m, nil)
	if g.alpha != 1 {
		for i, v := range y {
			y[i] = kernel.Canon(float32(v * g.alpha))
		}
	}
	if len(in) < 3 || in[2] == nil || len(y) == 0 || g.beta == 0 {
		return nil
	}
	addend := make([]float32, len(y))
	gather(addend, in[2].Float32s(), view{shape: []int{m, n}, strides: broadcastStrides(in[2].Shape, []int{m, n})})
	for i, v := range addend {
		y[i] = kernel.Canon(y[i] + float32(v*g.beta))
	}
	return nil
}

// rowChunk is about how many elements one task works on.
const rowChunk = 1 << 14

// rows splits rows of the given length into tasks.
func (c *call) rows(rows, length int, f func(from, to int)) {
	perTask := max(1, rowChunk/max(1, length))
	c.parallel((rows+perTask-1)/perTask, func(task int) { f(task*perTask, min(rows, (task+1)*perTask)) })
}
