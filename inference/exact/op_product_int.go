package exact

import (
	"slices"

	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// integerProductOperators multiply matrices of small whole numbers.
func integerProductOperators() map[string]*operator {
	return map[string]*operator{
		"MatMulInteger": {minIn: 2, maxIn: 4, out: 1, bind: bindMatMulInteger},
		"QLinearMatMul": {minIn: 8, maxIn: 8, out: 1, bind: bindQLinearMatMul},
		"LinearQ":       {minIn: 3, maxIn: 4, out: 1, attributes: []string{"activation"}, bind: bindLinearQ},
	}
}

// byteProduct is a product of matrices of bytes, less zero points: of A one for all or one per row, of B one for all or one
// per column. Sums are exact and wrap at 32 bits.
type byteProduct struct {
	a, b, aZero, bZero int // which operands; zero points may be left out
	panels             *kernel.Int8Panels
}

// bind packs a constant matrix B of two dimensions.
func (p *byteProduct) bind(b *binder) {
	if !b.isConstant(p.b) || p.bZero < len(b.node.In) && b.node.In[p.bZero] >= 0 && !b.isConstant(p.bZero) {
		return
	}
	w := b.constant(p.b)
	if len(w.Shape) != 2 || !isByte(w.DType) {
		return
	}
	var zeros []int32
	if z := b.constant(p.bZero); z != nil {
		if !isByte(z.DType) || z.Len() != 1 && z.Len() != w.Shape[1] {
			return
		}
		zeros = bytesOfTensor(z)
	}
	p.panels = &kernel.Int8Panels{}
	b.set.PackInt8(p.panels, bytesView(w, 0), w.Shape[0], w.Shape[1], zeros)
	b.take(p.b)
}

func isByte(d tensor.DType) bool { return d == tensor.Int8 || d == tensor.Uint8 }

// bytesView is a matrix of a tensor, which begins at element from.
func bytesView(t *Tensor, from int) kernel.Bytes {
	columns := 1
	if len(t.Shape) > 0 {
		columns = t.Shape[len(t.Shape)-1]
	}
	return kernel.Bytes{Data: t.Bytes()[from:], Signed: t.DType == tensor.Int8, RowStride: columns, ColumnStride: 1}
}

// bytesOfTensor widens zero points.
func bytesOfTensor(t *Tensor) []int32 {
	out := make([]int32, t.Len())
	for i := range out {
		out[i] = byteAt(t, i)
	}
	return out
}

func (p *byteProduct) infer(in []Spec) (matMul, error) {
	a, b := in[p.a], in[p.b]
	if !isByte(a.DType) || !isByte(b.DType) {
		return matMul{}, fail(ErrUnsupported, "product of %v and %v", a.DType, b.DType)
	}
	m, err := matMulOf(a.Shape, b.Shape)
	if err != nil {
		return m, err
	}
	if z := optional(in, p.aZero); z.given() && (z.DType != a.DType || !onePer(z.Shape, m.m, tensor.Product(m.aOuter)*m.m)) {
		return m, fail(ErrShape, "zero point of A is %v of shape %v", z.DType, z.Shape)
	}
	if z := optional(in, p.bZero); z.given() && (z.DType != b.DType || !onePer(z.Shape, m.n, tensor.Product(m.bOuter)*m.n)) {
		return m, fail(ErrShape, "zero point of B is %v of shape %v", z.DType, z.Shape)
	}
	return m, nil
}

// onePer says that a shape is one number, or one for each row or column, of one matrix or of each.
func onePer(shape []int, of, all int) bool {
	n := tensor.Product(shape)
	return n == 1 || n == of || n == all
}

func (p *byteProduct) cost(in, _ []Spec) Cost {
	m, err := matMulOf(in[p.a].Shape, in[p.b].Shape)
	if err != nil {
		return Cost{}
	}
	rows := int(min(macs(append(slices.Clone(m.outer), m.m)...), 1<<50))
	c := Cost{Multiplies: m.multiplies(), counted: true}
	c.Instructions = productInstructions(1, rows, m.k, m.n, byteTenths) + rescaleInstructions*min(macs(rows, m.n), 1<<50) + quantiseInstructions*min(macs(rows, m.k), 1<<50)
	if p.panels == nil {
		c.Instructions += packInstructions * min(macs(in[p.b].Shape...), 1<<50)
	}
	return c
}

// sums computes every product; done sees pieces of rows, numbered through all matrices of the result.
func (p *byteProduct) sums(c *call, out []int32, in []*Tensor, done kernel.Int32Epilogue) error {
	a := in[p.a]
	var m matMul
	var err error
	if p.panels != nil {
		m, err = matMulOf(a.Shape, []int{p.panels.K, p.panels.N})
		if z := given(in, p.aZero); len(a.Shape) > 1 && (z == nil || z.Len() == 1 || z.Len() == a.Len()/max(1, m.k)) { // all rows at once
			m = matMul{m: a.Len() / max(1, m.k), k: m.k, n: m.n}
		}
	} else {
		m, err = matMulOf(a.Shape, in[p.b].Shape)
	}
	if err != nil {
		return err
	}
	aAt, bAt := offsets(m.outer, m.aOuter, m.m*m.k), offsets(m.outer, m.bOuter, m.k*m.n)
	for i := range aAt {
		panels := p.panels
		if panels == nil {
			panels = &kernel.Int8Panels{}
			c.set.PackInt8(panels, matrixView(in[p.b], bAt[i], m.n), m.k, m.n, zerosAt(given(in, p.bZero), bAt[i]/max(1, m.k), m.n))
		}
		var rows kernel.Int8Rows
		c.set.PackInt8Rows(&rows, matrixView(a, aAt[i], m.k), m.m, m.k, zerosAt(given(in, p.aZero), aAt[i]/max(1, m.k), m.m))
		at := i * m.m
		piece := done
		if done != nil {
			piece = func(y []int32, row, column int) { done(y, at+row, column) }
		}
		var to []int32
		if out != nil {
			to = out[at*m.n:]
		}
		c.splitInt8(to, &rows, panels, m.m, piece)
	}
	return nil
}

func matrixView(t *Tensor, from, columns int) kernel.Bytes {
	v := bytesView(t, from)
	v.RowStride = columns
	return v
}

// zerosAt picks the zero points of one matrix: n of them, or one.
func zerosAt(t *Tensor, at, n int) []int32 {
	if t == nil {
		return nil
	}
	all := bytesOfTensor(t)
	switch {
	case len(all) <= 1 || len(all) == n:
		return all
	case len(all) >= at+n:
		return all[at : at+n]
	}
	return all[:1]
}

// splitInt8 hands pieces of an integer product to the caller's threads.
func (c *call) splitInt8(out []int32, rows *kernel.Int8Rows, w *kernel.Int8Panels, m int, done kernel.Int32Epilogue) {
	panels := w.Panels()
	if panels == 0 || m == 0 {
		return
	}
	each := min(m, splitRows)
	perTask := max(1, int(taskWork/(int64(each)*int64(max(1, w.K))*panelWidth)))
	across := (panels + perTask - 1) / perTask
	c.parallel((m+each-1)/each*across, func(task int) {
		row, panel := task/across*each, task%across*perTask
		var to []int32
		if out != nil {
			to = out[row*w.N:]
		}
		c.set.MultiplyInt8(to, w.N, rows, w, row, min(each, m-row), panel, min(panels, panel+perTask), done)
	})
}

func bindMatMulInteger(b *binder) (eval, error) {
	p := &byteProduct{a: 0, b: 1, aZero: 2, bZero: 3}
	p.bind(b)
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			m, err := p.infer(in)
			return one(tensor.Int32, m.shape), err
		},
		compute: func(c *call, in, out []*Tensor) error { return p.sums(c, out[0].Int32s(), in, nil) },
		cost:    p.cost,
	}, nil
}

// bindQLinearMatMul scales the exact sums by (scale of A · scale of B) / scale of the result, rounds half to even, adds
// the zero point and saturates.
func bindQLinearMatMul(b *binder) (eval, error) {
	p := &byteProduct{a: 0, b: 3, aZero: 2, bZero: 5}
	p.bind(b)
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			m, err := p.infer(in)
			if err != nil {
				return nil, err
			}
			for i, of := range map[int]int{1: m.m, 4: m.n, 6: 1} {
				all := of
				if i != 6 {
					all *= tensor.Product(m.outer)
				}
				if in[i].DType != tensor.Float32 && in[i].DType != tensor.Float16 || !onePer(in[i].Shape, of, all) {
					return nil, fail(ErrShape, "scale %d is %v of shape %v", i, in[i].DType, in[i].Shape)
				}
			}
			if z := in[7]; !isByte(z.DType) || tensor.Product(z.Shape) != 1 {
				return nil, fail(ErrShape, "zero point of the result is %v of shape %v", z.DType, z.Shape)
			}
			return one(in[7].DType, m.shape), nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			if out[0].Len() == 0 {
				return nil
			}
			aScale, bScale, yScale := c.floatsOf(in[1]), c.floatsOf(in[4]), c.floatsOf(in[6])[0]
			zero, columns := byteAt(in[7], 0), p.columns(in)
			return p.sums(c, nil, in, func(sums []int32, row, column int) {
				for j := range sums {
					factor := float32(aScale[row%len(aScale)]*bScale[(column+j)%len(bScale)]) / yScale
					requantise(c, out[0], row*columns+column+j, sums[j:j+1], factor, zero)
				}
			})
		},
		cost: func(in, out []Spec) Cost {
			c := p.cost(in, out)
			c.Instructions += requantiseInstructions * min(macs(out[0].Shape...), 1<<50)
			return c
		},
	}, nil
}

func (p *byteProduct) columns(in []*Tensor) int {
	if p.panels != nil {
		return p.panels.N
	}
	shape := in[p.b].Shape
	if len(shape) == 1 {
		return 1
	}
	return shape[len(shape)-1]
}

// bindLinearQ is a product with int8 weights whose operand is quantised row by row: scale = max|x| / 127, 1 where that is
// 0; q = x / scale rounded half to even; result = float32(sum of q · w) · scale · column scale, plus a bias, then an
// activation.
func bindLinearQ(b *binder) (eval, error) {
	activation, err := activationOf(b.text("activation", ""))
	if err != nil {
		return eval{}, err
	}
	p := &byteProduct{a: 0, b: 1, aZero: many, bZero: many}
	p.bind(b)
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			if in[0].DType != tensor.Float32 || in[1].DType != tensor.Int8 || len(in[1].Shape) != 2 || len(in[0].Shape) < 1 {
				return nil, fail(ErrShape, "operands are %v of %v and %v of %v", in[0].DType, in[0].Shape, in[1].DType, in[1].Shape)
			}
			m, err := matMulOf(in[0].Shape, in[1].Shape)
			if err != nil {
				return nil, err
			}
			for i := 2; i < len(in); i++ {
				if in[i].given() && (in[i].DType != tensor.Float32 || len(in[i].Shape) != 1 || in[i].Shape[0] != m.n) {
					return nil, fail(ErrShape, "operand %d is %v of shape %v for %d columns", i, in[i].DType, in[i].Shape, m.n)
				}
			}
			return one(tensor.Float32, m.shape), nil
		},
		compute: func(c *call, in, out []*Tensor) error { return p.linear(c, in, out[0], activation) },
		cost:    p.cost,
	}, nil
}

// What one element costs in a canister, at most: one of the operand, and one of the result, with an activation or rounded to
// a byte.
const (
	quantiseInstructions   = 40
	rescaleInstructions    = 90
	requantiseInstructions = 250
)

func (p *byteProduct) linear(c *call, in []*Tensor, out *Tensor, activation func(v *kernel.Vectors) func(out, x []float32)) error {
	if out.Len() == 0 {
		return nil
	}
	k, n := in[0].Shape[len(in[0].Shape)-1], out.Shape[len(out.Shape)-1]
	m := out.Len() / n
	var rows kernel.Int8Rows
	c.set.ShapeInt8Rows(&rows, m, k)
	scales := make([]float32, m)
	x := in[0].Float32s()
	c.rows(m, k, func(from, to int) {
		memory := make([]byte, k)
		for i := from; i < to; i++ {
			scales[i] = c.set.QuantiseInt8Row(&rows, i, x[i*k:(i+1)*k], memory)
		}
	})
	var bias []float32
	if len(in) > 3 && in[3] != nil {
		bias = in[3].Float32s()
	}
	var apply func(out, x []float32)
	if activation != nil {
		apply = activation(&c.set.Vectors)
	}
	column, result := in[2].Float32s(), out.Float32s()
	panels := p.panels
	if panels == nil {
		panels = &kernel.Int8Panels{}
		c.set.PackInt8(panels, bytesView(in[1], 0), k, n, nil)
	}
	c.splitInt8(nil, &rows, panels, m, func(sums []int32, row, at int) {
		y := result[row*n+at:][:len(sums)]
		var add []float32
		if bias != nil {
			add = bias[at : at+len(sums)]
		}
		c.set.Rescale(y, sums, scales[row], column[at:at+len(sums)], add)
		if apply != nil {
			apply(y, y)
		}
	})
	return nil
}
