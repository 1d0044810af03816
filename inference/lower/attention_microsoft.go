package lower

import (
	"assay/inference/ir"
	"assay/inference/onnx"
	"assay/inference/tensor"
)

// lowerMultiHead takes com.microsoft's MultiHeadAttention.
func lowerMultiHead(l *lowerer, n *onnx.Node) error {
	c, heads := &chain{l: l, n: n}, intOf(n, "num_heads", 0)
	c.without([]int{8, 9})
	past, pastValue := l.in(n, 6), l.in(n, 7)
	if heads <= 0 || (past == nil) != (pastValue == nil) {
		return misfit("%d heads, or a cache of keys alone or values alone", heads)
	}
	q, k, v := c.multiHeadOperands(heads)
	k, v = c.after(past, k), c.after(pastValue, v)
	mask := c.masks(4, k, l.in(n, 5))
	return c.outputs(c.microsoftAttention(q, k, v, past, mask), k, v)
}

// multiHeadOperands gives queries [batch, s, heads, d], and keys and values [batch, heads, t, d].
func (c *chain) multiHeadOperands(heads int64) (q, k, v *value) {
	q, k, v = c.l.in(c.n, 0), c.l.in(c.n, 1), c.l.in(c.n, 2)
	bias := c.l.in(c.n, 3)
	rank, keyRank := c.l.rank(c.n, 0), 3
	if k != nil {
		keyRank = c.l.rank(c.n, 1)
	}
	if rank != 3 || k == nil || v == nil || keyRank != 3 && keyRank != 4 {
		c.refuse("queries of %d and keys of %d dimensions", rank, keyRank)
		return q, q, q
	}
	if bias != nil {
		size := c.size(q, 2)
		twice := c.do("Add", size, size)
		q = c.do("Add", q, c.part(bias, 0, ints(0), size))
		if keyRank == 3 {
			k = c.do("Add", k, c.part(bias, 0, size, twice))
			v = c.do("Add", v, c.part(bias, 0, twice, ints(last)))
		}
	}
	q = c.reshape(q, 0, 0, heads, -1)
	if keyRank == 4 {
		return q, k, v
	}
	return q, c.headsFirst(c.reshape(k, 0, 0, heads, -1)), c.headsFirst(c.reshape(v, 0, 0, heads, -1))
}

// after puts x behind the cache.
func (c *chain) after(past, x *value) *value {
	if past == nil {
		return x
	}
	return c.concat(2, past, x)
}

// microsoftAttention emits attention over keys and values [batch, heads, t, d], and puts the heads side by side.
func (c *chain) microsoftAttention(q, k, v, past, mask *value) *value {
	list := append(productScale(c.n), intAttr("cache", 1))
	var starts *value
	if intOf(c.n, "unidirectional", 0) != 0 {
		list = append(list, intAttr("causal", 1))
		if starts = ints(0); past != nil {
			starts = c.size(past, 2)
		}
	}
	return c.reshape(c.one("Attention", []*value{q, k, v, mask, starts}, list...), 0, 0, -1)
}

// masks adds up operand i, which tells the keys that count from those that do not, and a bias; nil without either.
func (c *chain) masks(i int, k, bias *value) *value {
	keep := c.l.in(c.n, i)
	if keep == nil {
		return bias
	}
	switch rank := c.l.rank(c.n, i); rank {
	case 1: // lengths; what else has one dimension is of another size, and fails when it runs
		t := c.do("Squeeze", c.size(k, 2), ints(0))
		places := c.do("Range", known(tensor.FromInt64([]int64{0})), t, known(tensor.FromInt64([]int64{1})))
		keep = c.do("Less", places, c.reshape(c.asInt64(keep), -1, 1, 1, 1))
	case 2:
		keep = c.do("Unsqueeze", keep, ints(1, 2))
	case 3:
		keep = c.do("Unsqueeze", keep, ints(1))
	default:
		c.refuse("a mask of %d dimensions", rank)
	}
	keep = c.one("Cast", []*value{keep}, intAttr("to", int64(tensor.Bool)))
	mask := c.do("Where", keep, c.like(scalar(0)), c.like(scalar(floatOf(c.n, "mask_filter_value", -10000))))
	if bias != nil {
		mask = c.do("Add", mask, bias)
	}
	return mask
}

// lowerEncoderAttention takes com.microsoft's Attention, which makes queries, keys and values itself.
func lowerEncoderAttention(l *lowerer, n *onnx.Node) error {
	c := &chain{l: l, n: n}
	c.without([]int{6})
	return c.encoder(c.do("MatMul", l.in(n, 0), l.in(n, 1)), 3, 4, l.in(n, 5))
}

// lowerQuantizedAttention takes com.microsoft's QAttention, which makes them of whole numbers.
func lowerQuantizedAttention(l *lowerer, n *onnx.Node) error {
	c := &chain{l: l, n: n}
	sums := c.do("MatMulInteger", l.in(n, 0), l.in(n, 1), l.in(n, 6), l.in(n, 7))
	scale := c.do("Mul", l.in(n, 3), l.in(n, 4))
	floats := c.one("Cast", []*value{sums}, intAttr("to", int64(tensor.Float32)))
	return c.encoder(c.do("Mul", floats, scale), 5, 8, nil)
}

// encoder takes queries, keys and values side by side, without their bias, and the places of two operands.
func (c *chain) encoder(all *value, mask, past int, more *value) error {
	l, n, heads := c.l, c.n, intOf(c.n, "num_heads", 0)
	c.without(nil, "do_rotary", "past_present_share_buffer")
	if heads <= 0 {
		return misfit("%d heads", heads)
	}
	if bias := l.in(n, 2); bias != nil {
		all = c.do("Add", all, bias)
	}
	q, k, v := c.thirds(all, heads)
	var pastKeys *value
	if both := l.in(n, past); both != nil {
		pastKeys = c.do("Squeeze", c.part(both, 0, ints(0), ints(1)), ints(0))
		k = c.concat(2, pastKeys, k)
		v = c.concat(2, c.do("Squeeze", c.part(both, 0, ints(1), ints(2)), ints(0)), v)
	}
	var present *value
	if wants(n, 1) {
		present = c.concat(0, c.do("Unsqueeze", k, ints(0)), c.do("Unsqueeze", v, ints(0)))
	}
	return c.outputs(c.microsoftAttention(q, k, v, pastKeys, c.masks(mask, k, more)), present)
}

// thirds gives queries [batch, s, heads, d], and keys and values [batch, heads, s, d].
func (c *chain) thirds(all *value, heads int64) (q, k, v *value) {
	in, list := []*value{all}, []ir.Attr{intAttr("axis", 2)}
	if sizes := intsOf(c.n, "qkv_hidden_sizes"); len(sizes) > 0 {
		in = append(in, ints(sizes...))
	} else {
		list = append(list, intAttr("num_outputs", 3))
	}
	parts := c.many("Split", 3, in, list...)
	for i := range parts {
		parts[i] = c.reshape(parts[i], 0, 0, heads, -1)
	}
	return parts[0], c.headsFirst(parts[1]), c.headsFirst(parts[2])
}
