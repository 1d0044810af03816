package lower

import (
	"assay/inference/ir"
	"assay/inference/onnx"
	"assay/inference/tensor"
)

// groupQuery is what GroupQueryAttention is made of on the way.
type groupQuery struct {
	*chain
	heads, kvHeads int64
	total          *value // the longest row of the batch, past and new; a list of one
	lengths        *value // of each row, past and new
	starts         *value // of each row, past
}

// lowerGroupQuery takes com.microsoft's operator: new keys and values go into the cache after each row's past, turned
// by their positions if the operator does that too, and every query sees what lies up to its own place.
func lowerGroupQuery(l *lowerer, n *onnx.Node) error {
	g := groupQuery{chain: &chain{l: l, n: n}, heads: intOf(n, "num_heads", 0), kvHeads: intOf(n, "kv_num_heads", 0)}
	g.without([]int{12, 13, 14, 15}, "kv_cache_bit_width", "qk_output", "sliding_window_cache")
	for _, name := range []string{"k_quant_type", "v_quant_type"} {
		if a := n.Attribute(name); a != nil && a.String != "NONE" {
			g.refuse("attribute %s", name)
		}
	}
	past, pastValue := l.in(n, 3), l.in(n, 4)
	if g.heads <= 0 || g.kvHeads <= 0 || (past == nil) != (pastValue == nil) || l.in(n, 5) == nil || l.in(n, 6) == nil {
		return misfit("%d heads of queries, %d of keys, or an operand is missing", g.heads, g.kvHeads)
	}
	q, k, v := g.split()
	g.places(q)
	if intOf(n, "do_rotary", 0) != 0 {
		positions := l.in(n, 9)
		if positions == nil {
			positions = g.positions(q)
		}
		interleaved := intOf(n, "rotary_interleaved", 0)
		q = g.rotary(q, l.in(n, 7), l.in(n, 8), positions, interleaved, 0)
		k = g.rotary(k, l.in(n, 7), l.in(n, 8), positions, interleaved, 0)
	}
	k, v = g.update(past, k), g.update(pastValue, v)
	y := g.one("Attention", []*value{q, k, v, l.in(n, 10), g.starts, g.lengths, g.sinks()}, g.attributes()...)
	return g.outputs(g.reshape(y, 0, 0, -1), k, v)
}

// split gives queries, keys and values as [batch, s, heads, d]; they may come side by side in one tensor.
func (g *groupQuery) split() (q, k, v *value) {
	q, k, v = g.l.in(g.n, 0), g.l.in(g.n, 1), g.l.in(g.n, 2)
	if k != nil && v != nil {
		return g.reshape(q, 0, 0, g.heads, -1), g.reshape(k, 0, 0, g.kvHeads, -1), g.reshape(v, 0, 0, g.kvHeads, -1)
	}
	all := g.reshape(q, 0, 0, g.heads+2*g.kvHeads, -1)
	parts := g.many("Split", 3, []*value{all, ints(g.heads, g.kvHeads, g.kvHeads)}, intAttr("axis", 2))
	return parts[0], parts[1], parts[2]
}

// places finds out where rows begin and end. When the longest row is as long as what is new, there is no past.
func (g *groupQuery) places(q *value) {
	g.total = g.reshape(g.asInt64(g.l.in(g.n, 6)), 1)
	g.lengths = g.do("Add", g.reshape(g.asInt64(g.l.in(g.n, 5)), -1), ints(1))
	s := g.size(q, 1)
	g.starts = g.do("Where", g.do("Equal", g.total, s), ints(0), g.do("Sub", g.lengths, s))
}

// positions counts on from each row's start: [batch, s].
func (g *groupQuery) positions(q *value) *value {
	s := g.do("Squeeze", g.size(q, 1), ints(0))
	steps := g.do("Range", known(tensor.FromInt64([]int64{0})), s, known(tensor.FromInt64([]int64{1})))
	rows := g.do("Add", g.do("Unsqueeze", g.starts, ints(1)), steps)
	return g.do("Expand", rows, g.concat(0, g.size(q, 0), g.size(q, 1)))
}

// update writes x [batch, s, heads, d] into a cache [batch, heads, t, d], made longer for the longest row.
func (g *groupQuery) update(past, x *value) *value {
	x = g.headsFirst(x)
	if past == nil {
		return x
	}
	more := g.do("Max", g.do("Sub", g.total, g.size(past, 2)), ints(0))
	longer := g.do("Pad", past, g.concat(0, ints(0, 0, 0, 0, 0, 0), more, ints(0)))
	return g.one("TensorScatter", []*value{longer, x, g.starts}, intAttr("axis", 2))
}

// sinks are float32, one for each head; of value 0 where the softmax is merely smooth.
func (g *groupQuery) sinks() *value {
	sinks := g.l.in(g.n, 11)
	switch t := g.l.told(g.n, 11); {
	case sinks == nil && intOf(g.n, "smooth_softmax", 0) != 0:
		return known(tensor.New(tensor.Float32, int(min(g.heads, 1<<16))))
	case sinks != nil && t != nil && t.DType != tensor.Float32:
		return g.one("Cast", []*value{sinks}, intAttr("to", int64(tensor.Float32)))
	}
	return sinks
}

func (g *groupQuery) attributes() []ir.Attr {
	list := append(productScale(g.n), intAttr("cache", 1))
	if f := floatOf(g.n, "softcap", 0); f > 0 {
		list = append(list, floatAttr("softcap", f))
	}
	if intOf(g.n, "causal", 1) != 0 {
		list = append(list, intAttr("causal", 1))
	}
	if size := intOf(g.n, "local_window_size", -1); size > 0 {
		list = append(list, intAttr("left", size-1))
	}
	return list
}

// productScale is the scale of the scores, by the size of a head unless the node has one.
func productScale(n *onnx.Node) []ir.Attr {
	if f := floatOf(n, "scale", 0); f != 0 {
		return []ir.Attr{floatAttr("scale", f)}
	}
	return []ir.Attr{textAttr("size_scale", "product")}
}

// lowerMicrosoftRotary takes com.microsoft's operator. Without a number of heads, the angles say how large one is.
func lowerMicrosoftRotary(l *lowerer, n *onnx.Node) error {
	c := &chain{l: l, n: n}
	c.without(nil, "is_packed_batching")
	if f := floatOf(n, "scale", 1); f != 1 {
		c.refuse("attribute scale is %v", f)
	}
	x, cos, heads, size := l.in(n, 0), l.in(n, 2), intOf(n, "num_heads", 0), intOf(n, "rotary_embedding_dim", 0)
	rank := l.rank(n, 0)
	switch {
	case rank < 0:
		return unsupported("operand 0, whose number of dimensions depends on the data")
	case rank == 4:
		x = c.headsFirst(x)
	case size != 0:
		x = c.reshape(x, 0, 0, heads, -1)
	default:
		x = c.do("Reshape", x, c.concat(0, ints(0, 0, -1), c.do("Mul", c.size(cos, 1), ints(2))))
	}
	y := c.rotary(x, cos, l.in(n, 3), l.in(n, 1), intOf(n, "interleaved", 0), size)
	if rank == 4 {
		return c.outputs(c.headsFirst(y))
	}
	return c.outputs(c.reshape(y, 0, 0, -1))
}
