package exact

import (
	"slices"

	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// blockProductOperators multiply by matrices that stay in few bits, scaled block by block.
func blockProductOperators() map[string]*operator {
	return map[string]*operator{
		"MatMulNBits": {minIn: 3, maxIn: 6, out: 1, attributes: []string{"K", "N", "accuracy_level", "bits", "block_size"}, bind: bindMatMulNBits},
	}
}

// nBits is a product A[…, K] · B[K, N] as com.microsoft has it. B is q[N][blocks][block·bits/8] with scales[N·blocks] and
// zero points, packed like q in whole bytes per column, or 2^(bits-1). At accuracy level 4 the rows of A are quantised to
// int8 block by block; below it B is turned into floats.
type nBits struct {
	k, n, bits, block int
	integers          bool
	panels            *kernel.BlockPanels
}

func bindMatMulNBits(b *binder) (eval, error) {
	p := &nBits{
		k: b.int("K", 0), n: b.int("N", 0), bits: b.int("bits", 4), block: b.int("block_size", 0),
		integers: b.int("accuracy_level", 0) == 4,
	}
	if p.k < 1 || p.n < 1 || p.k > 1<<24 || p.n > 1<<24 || p.bits != 4 && p.bits != 8 || p.block < 16 || p.block > 256 || p.block&(p.block-1) != 0 {
		return eval{}, fail(ErrUnsupported, "a matrix of %d×%d elements of %d bits in blocks of %d", p.k, p.n, p.bits, p.block)
	}
	if len(b.node.In) > 4 && b.node.In[4] >= 0 {
		return eval{}, fail(ErrUnsupported, "columns in another order (g_idx)")
	}
	q, scales, zeros := b.constant(1), b.constant(2), b.constant(3)
	if q != nil && scales != nil && (zeros != nil || len(b.node.In) < 4 || b.node.In[3] < 0) {
		if err := p.check(specOf(q), specOf(scales), specOf(zeros)); err != nil {
			return eval{}, err
		}
		var err error
		if p.panels, err = p.pack(q, scales, zeros); err != nil {
			return eval{}, err
		}
		b.take(1)
		b.take(2)
		if zeros != nil {
			b.take(3)
		}
	}
	return eval{infer: p.infer, compute: p.compute, cost: p.cost}, nil
}

// What one element costs in a canister, at most: one of A that is quantised in a block of 16, and one of B that is turned
// into a float.
const (
	blockQuantiseInstructions = 90
	dequantiseInstructions    = 10
)

func (p *nBits) cost(in, _ []Spec) Cost {
	rows := tensor.Product(in[0].Shape) / p.k
	c := Cost{Multiplies: macs(rows, p.k, p.n), counted: true}
	if p.panels == nil {
		c.Instructions = packInstructions * macs(p.k, p.n)
	}
	if p.integers {
		c.Instructions += productInstructions(1, rows, p.k, p.n, blockTenths) + blockQuantiseInstructions*min(macs(rows, p.k), 1<<50)
		return c
	}
	c.Instructions += productInstructions(1, rows, p.k, p.n, floatTenths)
	c.Instructions += dequantiseInstructions * min(macs((rows+splitRows-1)/splitRows, p.k, p.n), 1<<50)
	return c
}

func specOf(t *Tensor) Spec {
	if t == nil {
		return Spec{}
	}
	return Spec{DType: t.DType, Shape: t.Shape}
}

func (p *nBits) blocks() int { return (p.k + p.block - 1) / p.block }

// check compares the parts of the matrix with the attributes.
func (p *nBits) check(q, scales, zeros Spec) error {
	blocks := p.blocks()
	zeroBytes := (blocks*p.bits + 7) / 8
	switch {
	case q.DType != tensor.Uint8 || macs(q.Shape...) != macs(p.n, blocks, p.block*p.bits/8):
		return fail(ErrShape, "weights are %v of shape %v", q.DType, q.Shape)
	case scales.DType != tensor.Float32 || macs(scales.Shape...) != macs(p.n, blocks):
		return fail(ErrShape, "scales are %v of shape %v", scales.DType, scales.Shape)
	case zeros.given() && (zeros.DType != tensor.Uint8 || macs(zeros.Shape...) != macs(p.n, zeroBytes)):
		return fail(ErrUnsupported, "zero points are %v of shape %v", zeros.DType, zeros.Shape)
	}
	return nil
}

func (p *nBits) pack(q, scales, zeros *Tensor) (*kernel.BlockPanels, error) {
	var z []byte
	if zeros != nil {
		z = p.zeros(zeros.Bytes())
	}
	out := &kernel.BlockPanels{}
	if err := out.Pack(q.Bytes(), scales.Float32s(), z, p.k, p.n, p.block, p.bits); err != nil {
		return nil, fail(ErrShape, "%v", err)
	}
	return out, nil
}

// zeros gives one byte for each block of each column, whose bytes are filled up.
func (p *nBits) zeros(packed []byte) []byte {
	if p.bits == 8 {
		return packed
	}
	blocks := p.blocks()
	stride := (blocks + 1) / 2
	out := make([]byte, 0, p.n*blocks)
	for j := range p.n {
		for b := range blocks {
			out = append(out, packed[j*stride+b/2]>>(b%2*4)&15)
		}
	}
	return out
}

func (p *nBits) infer(in []Spec) ([]Spec, error) {
	a := in[0]
	if a.DType != tensor.Float32 || len(a.Shape) == 0 || a.Shape[len(a.Shape)-1] != p.k {
		return nil, fail(ErrShape, "operand is %v of shape %v for rows of %d", a.DType, a.Shape, p.k)
	}
	if err := p.check(in[1], in[2], optional(in, 3)); err != nil {
		return nil, err
	}
	if bias := optional(in, 5); bias.given() && (bias.DType != tensor.Float32 || tensor.Product(bias.Shape) != p.n) {
		return nil, fail(ErrShape, "bias is %v of shape %v", bias.DType, bias.Shape)
	}
	shape := slices.Clone(a.Shape)
	shape[len(shape)-1] = p.n
	return one(tensor.Float32, shape), nil
}

func (p *nBits) compute(c *call, in, out []*Tensor) error {
	w := p.panels
	if w == nil {
		var err error
		if w, err = p.pack(in[1], in[2], given(in, 3)); err != nil {
			return err
		}
	}
	var bias []float32
	if b := given(in, 5); b != nil {
		bias = b.Float32s()
	}
	y, a := out[0].Float32s(), in[0].Float32s()
	m := len(a) / p.k
	if m == 0 {
		return nil
	}
	done := c.finish(bias, nil)
	var rows kernel.BlockRows
	if p.integers {
		c.set.QuantiseBlocks(&rows, a, m, p.k, p.k, p.block)
	}
	panels := w.Panels()
	each := min(m, splitRows)
	perTask := max(1, int(taskWork/(int64(each)*int64(p.k)*panelWidth)))
	across := (panels + perTask - 1) / perTask
	c.parallel((m+each-1)/each*across, func(task int) {
		row, panel := task/across*each, task%across*perTask
		end, count := min(panels, panel+perTask), min(each, m-row)
		if p.integers {
			c.set.MultiplyBlocks(y[row*p.n:], p.n, &rows, w, row, count, panel, end, done)
			return
		}
		view := kernel.Matrix{Data: a[row*p.k:], RowStride: p.k, ColumnStride: 1}
		c.set.MultiplyDequantised(y[row*p.n:], p.n, view, w, count, panel, end, done)
	})
	return nil
}
