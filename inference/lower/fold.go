package lower

import (
	"errors"
	"slices"

	"assay/inference/exact"
	"assay/inference/ir"
	"assay/inference/tensor"
)

// maxFolded is the size in bytes up to which a result is kept instead of computed in every run, unless it is no larger
// than what it is made of.
const maxFolded = 1 << 20

// budget is what may still be computed beforehand for one model, bodies included. Nodes that go over it stay, so that a
// small file cannot ask for any amount of memory and time.
type budget struct{ bytes, multiplies int64 }

// newBudget is what a model without constants gets; each constant of the file adds to it.
func newBudget() *budget { return &budget{bytes: 256 << 20, multiplies: 1 << 34} }

// constantShare is how many times the size of the file's constants may be computed from them.
const constantShare = 4

// allows says whether there is enough left for what a node takes at most.
func (b *budget) allows(bound exact.Bound) bool {
	return b.bytes > 0 && bound.Bytes <= b.bytes && bound.Multiplies <= b.multiplies
}

// keptWhole is from how many elements on weights in whole numbers stay so.
const keptWhole = 1024

// fold computes a node whose operands are all constants; nil when it must stay.
func (b *budget) fold(n *node) ([]*value, error) {
	if len(n.bodies) > 0 {
		return nil, nil
	}
	for _, in := range n.in {
		if in != nil && in.constant == nil {
			return nil, nil
		}
	}
	if v := b.dequantised(n); v != nil {
		return []*value{v}, nil
	}
	g := graph{nodes: []*node{n}}
	for _, v := range n.out {
		if v != nil {
			g.outputs = append(g.outputs, output{value: v})
		}
	}
	numbered := g.number()
	p, err := exact.New(numbered, exact.Config{Kernel: "go"})
	if err != nil {
		return nil, refused(err, n)
	}
	bound, err := p.Bound(nil) // none where the data decides, or where something is wrong: running it says what
	if err == nil && !small(bound, numbered) || !b.allows(bound) {
		return nil, nil
	}
	b.multiplies -= bound.Multiplies
	for i := range numbered.Outputs {
		numbered.Outputs[i].Name = sprintf("%d", i)
	}
	results, err := p.Run(nil, nil)
	if err != nil {
		return nil, refused(err, n)
	}
	out := make([]*value, len(n.out))
	at := 0
	for i, v := range n.out {
		if v == nil {
			continue
		}
		result := results[sprintf("%d", at)]
		b.bytes -= int64(len(result.Bytes()))
		out[i] = known(result)
		out[i].constant.Name = n.name
		at++
	}
	return out, nil
}

// small says whether the result of a graph is worth keeping.
func small(bound exact.Bound, g *ir.Graph) bool {
	operands := int64(0)
	for i := range g.Constants {
		operands += int64(tensor.Product(g.Constants[i].Shape()) * g.Constants[i].DType().Size())
	}
	return bound.Bytes <= max(maxFolded, 2*operands) && bound.Multiplies <= 1<<32
}

func refused(err error, n *node) error {
	kind := ErrModel
	switch {
	case errors.Is(err, exact.ErrUnsupported):
		kind = ErrUnsupported
	case errors.Is(err, exact.ErrLimit):
		kind = ErrLimit
	}
	reason := err.Error()
	if e := (*exact.Error)(nil); errors.As(err, &e) {
		reason = e.Reason
	}
	return &Error{Kind: kind, Node: n.name, Op: n.op, Reason: reason, cause: err}
}

// dequantised recognises weights kept as whole numbers and turned into floats: Cast, DequantizeLinear, and Mul of what
// they gave by a scale. The bits are those of the nodes: a cast is exact, and one product is rounded.
func (b *budget) dequantised(n *node) *value {
	large := func(i int) bool { return tensor.Product(n.in[i].constant.Shape()) >= keptWhole }
	if len(n.in) == 0 || slices.Contains(n.in, nil) || !large(0) && !(n.op == "Mul" && len(n.in) == 2 && large(1)) {
		return nil
	}
	switch n.op {
	case "Cast":
		x := n.in[0].data()
		if x == nil || x.DType != tensor.Int8 && x.DType != tensor.Uint8 || attrInt(n, "to") != int64(tensor.Float32) {
			return nil
		}
		return quantised(n, &ir.Quant{Q: *x, Scale: []float32{1}})
	case "DequantizeLinear":
		return dequantiseLinear(n)
	case "Mul":
		if len(n.in) != 2 {
			return nil
		}
		for i := range 2 {
			if q := n.in[i].constant.Quant; q != nil {
				return scaled(n, q, n.in[1-i].data())
			}
		}
	case "Transpose":
		return b.transposedQuant(n)
	}
	return nil
}

func quantised(n *node, q *ir.Quant) *value {
	return &value{constant: &ir.Constant{Name: n.name, Quant: q}}
}

func attrInt(n *node, name string) int64 {
	for i := range n.attrs {
		if n.attrs[i].Name == name {
			return n.attrs[i].Int
		}
	}
	return 0
}

// scaled multiplies by a scale of one element, or of one per index of one axis.
func scaled(n *node, q *ir.Quant, scale *tensor.Tensor) *value {
	if scale == nil || scale.DType != tensor.Float32 || len(q.Scale) != 1 || q.Scale[0] != 1 || len(scale.Shape) > len(q.Q.Shape) {
		return nil
	}
	out := &ir.Quant{Q: q.Q, Zero: q.Zero, Scale: scale.Float32s()}
	if scale.Len() == 1 {
		return quantised(n, out)
	}
	if q.Zero != nil {
		return nil
	}
	skip := len(q.Q.Shape) - len(scale.Shape)
	for i, d := range scale.Shape {
		if d == 1 {
			continue
		}
		if d != q.Q.Shape[skip+i] || d != scale.Len() {
			return nil
		}
		out.Axis = skip + i
	}
	return quantised(n, out)
}

func dequantiseLinear(n *node) *value {
	if len(n.in) < 2 {
		return nil
	}
	x, scale := n.in[0].data(), n.in[1].data()
	if x == nil || scale == nil || scale.DType != tensor.Float32 || scale.Len() == 0 || attrInt(n, "block_size") != 0 {
		return nil
	}
	switch x.DType {
	case tensor.Int8, tensor.Uint8, tensor.Int4, tensor.Uint4:
	default:
		return nil
	}
	q := &ir.Quant{Q: *x, Scale: scale.Float32s()}
	if len(q.Scale) > 1 {
		q.Axis = 1
		for i := range n.attrs {
			if n.attrs[i].Name == "axis" {
				q.Axis = int(n.attrs[i].Int)
			}
		}
		if q.Axis < 0 {
			q.Axis += len(x.Shape)
		}
		if len(scale.Shape) != 1 || q.Axis < 0 || q.Axis >= len(x.Shape) || x.Shape[q.Axis] != len(q.Scale) {
			return nil
		}
	}
	if len(n.in) > 2 && n.in[2] != nil {
		zero := n.in[2].data()
		if zero == nil || zero.DType != x.DType || zero.Len() != len(q.Scale) {
			return nil
		}
		for _, raw := range zero.Bytes() {
			v := int32(raw)
			if x.DType == tensor.Int8 || x.DType == tensor.Int4 {
				v = int32(int8(raw))
			}
			q.Zero = append(q.Zero, v)
		}
	}
	return quantised(n, q)
}

// transposedQuant moves the whole numbers and keeps their scales.
func (b *budget) transposedQuant(n *node) *value {
	q := n.in[0].constant.Quant
	if q == nil {
		return nil
	}
	moved, err := b.fold(&node{op: "Transpose", name: n.name, in: []*value{known(q.Q)}, out: []*value{{}}, attrs: n.attrs})
	if err != nil || moved == nil {
		return nil
	}
	out := *q
	out.Q = moved[0].constant.Data
	if len(q.Scale) > 1 {
		out.Axis = len(q.Q.Shape) - 1 - q.Axis
		for i := range n.attrs {
			if n.attrs[i].Name != "perm" {
				continue
			}
			for to, from := range n.attrs[i].Ints {
				if int(from) == q.Axis {
					out.Axis = to
				}
			}
		}
	}
	return quantised(n, &out)
}
