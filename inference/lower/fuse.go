package lower

import (
	"slices"

	"assay/inference/ir"
	"assay/inference/tensor"
)

// fuse replaces the written-out parts of transformers by single nodes, in a fixed order: layer normalisation, GELU,
// attention, then products with bias and activation. What a fused operator computes is its own definition in
// docs/ir-v1.md; where it differs in bits from the nodes it replaces, that page says so.
func fuse(g *graph) {
	for _, n := range g.nodes {
		for _, b := range n.bodies {
			fuse(b)
		}
	}
	for _, pass := range []func(m *matcher, n *node) bool{fuseLayerNorm, fuseGelu, fuseAttention, fuseBias, fuseActivation} {
		m := newMatcher(g)
		for _, n := range slices.Clone(g.nodes) {
			if pass(m, n) {
				m = newMatcher(g)
			}
		}
		g.sweep()
	}
}

// matcher answers questions about the surroundings of nodes.
type matcher struct {
	graph   *graph
	users   map[*value][]*node
	outputs map[*value]int
}

func newMatcher(g *graph) *matcher {
	m := &matcher{graph: g}
	m.users, m.outputs = g.users()
	return m
}

// maker gives the node of one of the operators that made v and whose result nobody else reads; nil for anything else.
func (m *matcher) maker(v *value, ops ...string) *node {
	if v == nil || v.made == nil || len(m.users[v]) != 1 || m.outputs[v] != 0 {
		return nil
	}
	return m.any(v, ops...)
}

// any is maker for a value that others may read as well.
func (m *matcher) any(v *value, ops ...string) *node {
	if v == nil || v.made == nil || !slices.Contains(ops, v.made.op) {
		return nil
	}
	return v.made
}

// become turns n into another node that makes the same value.
func (n *node) become(op string, in []*value, attrs ...ir.Attr) bool {
	for len(in) > 0 && in[len(in)-1] == nil {
		in = in[:len(in)-1]
	}
	attrs = slices.DeleteFunc(attrs, func(a ir.Attr) bool { return a.Kind == 0 })
	slices.SortFunc(attrs, byName)
	n.op, n.in, n.attrs, n.out = op, in, attrs, n.out[:1]
	return true
}

// number gives a constant of one float32 element.
func number(v *value) (float32, bool) {
	t := v.data()
	if t == nil || t.DType != tensor.Float32 || t.Len() != 1 {
		return 0, false
	}
	return t.Float32s()[0], true
}

// near compares a constant with what it stands for.
func near(v *value, want float32) bool {
	x, ok := number(v)
	return ok && x > want-1e-5 && x < want+1e-5
}

// constantOperand splits the operands of a commutative node into a number and the rest.
func constantOperand(n *node) (rest *value, number *value) {
	if n == nil || len(n.in) != 2 {
		return nil, nil
	}
	for i := range 2 {
		if t := n.in[i].data(); t != nil && t.Len() == 1 && t.DType == tensor.Float32 {
			return n.in[1-i], n.in[i]
		}
	}
	return nil, nil
}

// fuseGelu finds x · (erf(x / √2) + 1) · 0.5, multiplied in any order.
func fuseGelu(m *matcher, n *node) bool {
	if n.op != "Mul" || n.out[0] == nil {
		return false
	}
	factors, half := m.product(n)
	if !half || len(factors) != 2 {
		return false
	}
	for i := range 2 {
		sum := m.maker(factors[i], "Add")
		erfOut, one := constantOperand(sum)
		if sum == nil || one == nil || !near(one, 1) {
			continue
		}
		erf := m.maker(erfOut, "Erf")
		if erf == nil {
			continue
		}
		x := m.overRoot2(erf.in[0])
		if x != nil && x == factors[1-i] {
			return n.become("Gelu", []*value{x})
		}
	}
	return false
}

// product takes a product of three apart, of which one is the number 0.5.
func (m *matcher) product(n *node) (factors []*value, half bool) {
	for _, in := range n.in {
		if near(in, 0.5) {
			half = true
			continue
		}
		inner := m.maker(in, "Mul")
		if inner != nil && !half && len(factors) < 2 {
			if rest, number := constantOperand(inner); rest != nil && near(number, 0.5) {
				factors, half = append(factors, rest), true
				continue
			}
		}
		factors = append(factors, in)
	}
	if half && len(factors) == 1 { // (a · b) · 0.5
		if inner := m.maker(factors[0], "Mul"); inner != nil {
			return inner.in, true
		}
	}
	return factors, half
}

// overRoot2 gives x of x / √2 or x · (1/√2).
func (m *matcher) overRoot2(v *value) *value {
	if n := m.maker(v, "Div"); n != nil && near(n.in[1], 1.4142135) {
		return n.in[0]
	}
	if rest, number := constantOperand(m.maker(v, "Mul")); rest != nil && near(number, 0.70710677) {
		return rest
	}
	return nil
}

// fuseLayerNorm finds (x - mean) / sqrt(mean((x - mean)²) + ε) · scale + bias over the last axis.
func fuseLayerNorm(m *matcher, n *node) bool {
	if n.op != "Add" || len(n.in) != 2 {
		return false
	}
	for i := range 2 {
		mul := m.maker(n.in[i], "Mul")
		if mul == nil || !isRow(n.in[1-i]) {
			continue
		}
		for j := range 2 {
			div := m.maker(mul.in[j], "Div")
			if div == nil || !isRow(mul.in[1-j]) {
				continue
			}
			if x, epsilon, ok := m.normalised(div); ok {
				return n.become("LayerNormalization", []*value{x, mul.in[1-j], n.in[1-i]},
					intAttr("axis", -1), floatAttr("epsilon", epsilon))
			}
		}
	}
	return false
}

func isRow(v *value) bool {
	t := v.data()
	return t != nil && t.DType == tensor.Float32 && len(t.Shape) == 1
}

// normalised recognises d / sqrt(mean(d²) + ε) with d = x - mean(x).
func (m *matcher) normalised(div *node) (x *value, epsilon float32, ok bool) {
	d := m.any(div.in[0], "Sub")
	root := m.maker(div.in[1], "Sqrt")
	if d == nil || root == nil {
		return nil, 0, false
	}
	variance, eps := constantOperand(m.maker(root.in[0], "Add"))
	if variance == nil {
		return nil, 0, false
	}
	mean := m.maker(variance, "ReduceMean")
	if mean == nil || !lastAxis(mean) {
		return nil, 0, false
	}
	square := m.maker(mean.in[0], "Pow", "Mul")
	if square == nil || square.in[0] != div.in[0] {
		return nil, 0, false
	}
	if square.op == "Pow" && !near(square.in[1], 2) || square.op == "Mul" && square.in[1] != div.in[0] {
		return nil, 0, false
	}
	center := m.any(d.in[1], "ReduceMean")
	if center == nil || center.in[0] != d.in[0] || !lastAxis(center) {
		return nil, 0, false
	}
	epsilon, ok = number(eps)
	return d.in[0], epsilon, ok
}

// lastAxis reports whether a reduction runs over the last axis and keeps it.
func lastAxis(n *node) bool {
	for i := range n.attrs {
		if n.attrs[i].Name == "keepdims" && n.attrs[i].Int == 0 {
			return false
		}
	}
	if len(n.in) < 2 {
		return false
	}
	axes := n.in[1].data()
	return axes != nil && axes.DType == tensor.Int64 && axes.Len() == 1 && axes.Int64s()[0] == -1
}

// fuseBias finds a product with a constant matrix plus a row.
func fuseBias(m *matcher, n *node) bool {
	if n.op != "Add" || len(n.in) != 2 {
		return false
	}
	for i := range 2 {
		product := m.maker(n.in[i], "MatMul", "LinearQ")
		bias := n.in[1-i]
		if product == nil || product.in[1].constant == nil || !isRow(bias) {
			continue
		}
		if product.op == "LinearQ" {
			if len(product.in) == 3 && len(product.attrs) == 0 && product.in[1].constant.Shape()[1] == bias.data().Shape[0] {
				return n.become("LinearQ", []*value{product.in[0], product.in[1], product.in[2], bias})
			}
			continue
		}
		w := product.in[1].constant
		if w.DType() == tensor.Float32 && len(w.Shape()) == 2 && w.Shape()[1] == bias.data().Shape[0] {
			return n.become("Linear", []*value{product.in[0], product.in[1], bias})
		}
	}
	return false
}

// fuseActivation lets a product with bias apply the function that follows.
func fuseActivation(m *matcher, n *node) bool {
	name := map[string]string{"Gelu": "gelu", "Relu": "relu", "Tanh": "tanh"}[n.op]
	if name == "" || len(n.attrs) > 0 {
		return false
	}
	linear := m.maker(n.in[0], "Linear", "LinearQ")
	if linear == nil || len(linear.attrs) > 0 {
		return false
	}
	return n.become(linear.op, linear.in, textAttr("activation", name))
}
