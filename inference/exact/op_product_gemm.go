package exact

import (
	"slices"

	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

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
