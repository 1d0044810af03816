package lower

import (
	"math"
	"slices"

	"assay/inference/ir"
	"assay/inference/tensor"
)

// fuseAttention finds softmax(q · kᵀ · scale + mask) · v, with heads moved by transposing, and makes it one node that
// reads queries, keys and values where they lie: [batch, position, head, element].
func fuseAttention(m *matcher, n *node) bool {
	if n.op != "Transpose" || !permutes(n, 0, 2, 1, 3) {
		return false
	}
	product := m.maker(n.in[0], "MatMul")
	if product == nil {
		return false
	}
	v := m.heads(product.in[1])
	weights, zeroNaN := m.withoutNaN(product.in[0])
	softmax := m.any(weights, "Softmax")
	if v == nil || softmax == nil || !m.onlyHere(weights, zeroNaN) || !overLast(softmax) {
		return false
	}
	scores, mask := softmax.in[0], (*value)(nil)
	if add := m.maker(scores, "Add"); add != nil {
		scores, mask = m.maskOf(add)
	} else if where := m.maker(scores, "Where"); where != nil {
		if scores, mask = m.chosen(where, n); scores == nil {
			return false
		}
	}
	attrs := []ir.Attr{}
	scores, scale := m.scaled(scores)
	qk := m.maker(scores, "MatMul")
	if qk == nil {
		return false
	}
	q, qScale := m.scaled(qk.in[0])
	k, kScale := m.scaled(qk.in[1])
	queries, keys := m.heads(q), m.keys(k)
	if queries == nil || keys == nil {
		return false
	}
	for name, f := range map[string]float32{"scale": scale, "q_scale": qScale, "k_scale": kScale} {
		if f != 1 {
			attrs = append(attrs, floatAttr(name, f))
		}
	}
	if zeroNaN {
		attrs = append(attrs, intAttr("nan_to_zero", 1))
	}
	return n.become("Attention", []*value{queries, keys, v, mask}, attrs...)
}

func permutes(n *node, perm ...int64) bool {
	for i := range n.attrs {
		if n.attrs[i].Name == "perm" {
			return slices.Equal(n.attrs[i].Ints, perm)
		}
	}
	return false
}

// heads gives x of transpose(x, [0 2 1 3]).
func (m *matcher) heads(v *value) *value {
	if t := m.any(v, "Transpose"); t != nil && permutes(t, 0, 2, 1, 3) {
		return t.in[0]
	}
	return nil
}

// keys gives x of a transposition of x to [batch, head, element, position]: in one step, or in two, or by way of three
// dimensions.
func (m *matcher) keys(v *value) *value {
	t := m.any(v, "Transpose")
	switch {
	case t == nil:
		return m.keysByReshape(v)
	case permutes(t, 0, 2, 3, 1):
		return t.in[0]
	case permutes(t, 0, 1, 3, 2):
		return m.heads(t.in[0])
	}
	return nil
}

// keysByReshape recognises x transposed in its last two dimensions as exporters of newer sets write it: joined to
// [-1, t, d], transposed, and taken apart to [leading…, d, t], with all sizes taken from the shape of x itself.
func (m *matcher) keysByReshape(v *value) *value {
	outer := m.any(v, "Reshape")
	if outer == nil {
		return nil
	}
	t := m.any(outer.in[0], "Transpose")
	if t == nil || !permutes(t, 0, 2, 1) {
		return nil
	}
	inner := m.any(t.in[0], "Reshape")
	if inner == nil {
		return nil
	}
	x := inner.in[0]
	joined, apart := m.any(inner.in[1], "Concat"), m.any(outer.in[1], "Concat")
	if joined == nil || apart == nil || len(joined.in) != 3 || len(apart.in) != 3 {
		return nil
	}
	if first := joined.in[0].data(); first == nil || first.Len() != 1 || first.DType != tensor.Int64 || first.Int64s()[0] != -1 {
		return nil
	}
	const end = 1<<63 - 1
	for _, part := range []struct {
		v          *value
		start, end int64
	}{
		{joined.in[1], -2, -1},
		{joined.in[2], -1, end},
		{apart.in[0], 0, -2},
		{apart.in[1], -1, end},
		{apart.in[2], -2, -1},
	} {
		if !m.slicesShape(part.v, x, part.start, part.end) {
			return nil
		}
	}
	return m.heads(x)
}

// slicesShape reports whether v is shape(x)[start:end]; an end beyond all is any large number.
func (m *matcher) slicesShape(v, x *value, start, end int64) bool {
	s := m.any(v, "Slice")
	if s == nil || len(s.in) > 3 && s.in[3] != nil {
		return false
	}
	shape := m.any(s.in[0], "Shape")
	if shape == nil || shape.in[0] != x {
		return false
	}
	for i := range shape.attrs {
		if shape.attrs[i].Name != "start" || shape.attrs[i].Int != 0 {
			return false
		}
	}
	bound := func(v *value) (int64, bool) {
		t := v.data()
		if t == nil || t.DType != tensor.Int64 || t.Len() != 1 {
			return 0, false
		}
		return t.Int64s()[0], true
	}
	from, ok1 := bound(s.in[1])
	to, ok2 := bound(s.in[2])
	if from < -tensor.MaxRank {
		from = 0
	}
	return ok1 && ok2 && from == start && (to == end || end > tensor.MaxRank && to > tensor.MaxRank)
}

// withoutNaN gives w of where(isnan(w), 0, w).
func (m *matcher) withoutNaN(v *value) (*value, bool) {
	where := m.maker(v, "Where")
	if where == nil {
		return v, false
	}
	is := m.maker(where.in[0], "IsNaN")
	zero, ok := number(where.in[1])
	if is == nil || is.in[0] != where.in[2] || !ok || zero != 0 {
		return nil, false
	}
	return where.in[2], true
}

// onlyHere reports whether the weights are read by this attention alone.
func (m *matcher) onlyHere(v *value, zeroNaN bool) bool {
	readers := 1
	if zeroNaN {
		readers = 2 // the test and the choice
	}
	return len(m.users[v]) == readers && m.outputs[v] == 0
}

func overLast(softmax *node) bool {
	for i := range softmax.attrs {
		if softmax.attrs[i].Name == "axis" {
			return softmax.attrs[i].Int == -1 || softmax.attrs[i].Int == 3
		}
	}
	return true
}

// maskOf tells scores from mask among the two that are added: scores come from a product.
func (m *matcher) maskOf(add *node) (scores, mask *value) {
	for i := range 2 {
		if v, _ := m.scaled(add.in[i]); m.maker(v, "MatMul") != nil {
			return add.in[i], add.in[1-i]
		}
	}
	return add.in[0], add.in[1]
}

// chosen takes apart where(keep, scores, -infinity), or the other way round: then what to keep is the opposite, which a
// node before the attention makes.
func (m *matcher) chosen(where, before *node) (scores, keep *value) {
	switch {
	case isMinusInf(where.in[2]):
		return where.in[1], where.in[0]
	case !isMinusInf(where.in[1]):
		return nil, nil
	}
	not := &node{op: "Not", name: where.name, in: []*value{where.in[0]}}
	keep = &value{made: not}
	not.out = []*value{keep}
	at := slices.Index(m.graph.nodes, before)
	m.graph.nodes = slices.Insert(m.graph.nodes, at, not)
	return where.in[2], keep
}

func isMinusInf(v *value) bool {
	x, ok := number(v)
	return ok && math.IsInf(float64(x), -1)
}

// scaled gives x and the number of x · number. A quotient x / number becomes a product by the number's inverse.
func (m *matcher) scaled(v *value) (*value, float32) {
	if rest, c := constantOperand(m.maker(v, "Mul")); rest != nil {
		f, _ := number(c)
		return rest, f
	}
	if n := m.maker(v, "Div"); n != nil {
		if f, ok := number(n.in[1]); ok && f != 0 {
			return n.in[0], 1 / f
		}
	}
	return v, 1
}
