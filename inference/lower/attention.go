package lower

import (
	"math"

	"assay/inference/ir"
	"assay/inference/onnx"
)

// attentionRules are for operators of decoders.
func attentionRules() map[string]rule {
	return map[string]rule{
		"Attention":       lowerAttention,
		"RotaryEmbedding": lowerRotary,
		"LinearAttention": lowerLinearAttention,

		"ai.onnx.preview:FlexAttention":     lowerFlexAttention,
		"com.microsoft:Attention":           lowerEncoderAttention,
		"com.microsoft:GroupQueryAttention": lowerGroupQuery,
		"com.microsoft:LinearAttention":     lowerLinearAttention,
		"com.microsoft:MultiHeadAttention":  lowerMultiHead,
		"com.microsoft:QAttention":          lowerQuantizedAttention,
		"com.microsoft:RotaryEmbedding":     lowerMicrosoftRotary,

		"com.microsoft:EmbedLayerNormalization": lowerEmbedNormalization,
		"com.microsoft:FusedConv":               lowerFusedConv,
		"com.microsoft:FusedGemm":               lowerFusedGemm,
		"com.microsoft:FusedMatMul":             lowerFusedMatMul,
		"com.microsoft:GatherBlockQuantized":    lowerGatherQuantized,
	}
}

// queries makes [batch, s, heads, d] of [batch, s, heads·d], or of [batch, heads, s, d] with four dimensions.
func (c *chain) queries(x *value, heads int64, packed bool) *value {
	if packed {
		return c.reshape(x, 0, 0, heads, -1)
	}
	return c.headsFirst(x)
}

// cached makes [batch, heads, t, d] of the same, and puts what was there before in front of it.
func (c *chain) cached(past, x *value, heads int64, packed bool) *value {
	if packed {
		x = c.headsFirst(c.reshape(x, 0, 0, heads, -1))
	}
	if past != nil {
		x = c.concat(2, past, x)
	}
	return x
}

// packed reports whether queries come with heads side by side, in three dimensions.
func (l *lowerer) packed(n *onnx.Node, heads int64) (bool, error) {
	switch rank := l.rank(n, 0); {
	case rank == 3 && heads > 0:
		return true, nil
	case rank == 4, rank < 0 && heads <= 0: // only four dimensions say how many heads there are
		return false, nil
	case rank < 0:
		return false, unsupported("operand 0, whose number of dimensions depends on the data")
	}
	return false, misfit("operand 0 has %d dimensions, and %d heads", l.rank(n, 0), heads)
}

// lowerAttention takes the operator of sets 23 to 25.
func lowerAttention(l *lowerer, n *onnx.Node) error {
	heads, kvHeads := intOf(n, "q_num_heads", 0), intOf(n, "kv_num_heads", 0)
	packed, err := l.packed(n, heads)
	if err != nil {
		return err
	}
	past, pastValue, lengths := l.in(n, 4), l.in(n, 5), l.in(n, 6)
	switch {
	case (past == nil) != (pastValue == nil) || past != nil && lengths != nil:
		return misfit("a cache of keys alone or values alone, or with lengths of its own")
	case packed && kvHeads <= 0:
		return misfit("%d heads of keys", kvHeads)
	}
	c := &chain{l: l, n: n}
	q, k, v := c.queries(l.in(n, 0), heads, packed), l.in(n, 1), l.in(n, 2)
	list, err := attentionAttrs(l, n)
	if err != nil {
		return err
	}
	if packed && past == nil && !wants(n, 1) && !wants(n, 2) {
		k, v = c.reshape(k, 0, 0, kvHeads, -1), c.reshape(v, 0, 0, kvHeads, -1)
	} else {
		k, v = c.cached(past, k, kvHeads, packed), c.cached(pastValue, v, kvHeads, packed)
		list = append(list, intAttr("cache", 1))
	}
	in := []*value{q, k, v, l.in(n, 3), c.starts(q, past, lengths, list), lengths}
	y := c.attention(in, wants(n, 3), list)
	if packed {
		y[0] = c.reshape(y[0], 0, 0, -1)
	} else {
		y[0] = c.headsFirst(y[0])
	}
	return c.outputs(y[0], k, v, y[1])
}

// wants reports whether the node names output i.
func wants(n *onnx.Node, i int) bool { return i < len(n.Outputs) && n.Outputs[i] != "" }

// attention emits the node; the scores are nil unless they are wanted.
func (c *chain) attention(in []*value, scores bool, list []ir.Attr) []*value {
	if scores {
		return c.many("Attention", 2, in, list...)
	}
	return []*value{c.one("Attention", in, list...), nil}
}

// attentionAttrs are the attributes that follow from the node's.
func attentionAttrs(l *lowerer, n *onnx.Node) ([]ir.Attr, error) {
	list := []ir.Attr{intAttr("empty_to_zero", 1)}
	if a := n.Attribute("scale"); a != nil {
		if a.Kind != onnx.KindFloat || !(a.Float >= 0) {
			return nil, misfit("scale %v", a.Float)
		}
		root := float32(math.Sqrt(float64(a.Float)))
		list = append(list, floatAttr("q_scale", root), floatAttr("k_scale", root))
	} else {
		list = append(list, textAttr("size_scale", "operands"))
	}
	if f := floatOf(n, "softcap", 0); f > 0 {
		list = append(list, floatAttr("softcap", f))
	}
	if intOf(n, "is_causal", 0) != 0 {
		list = append(list, intAttr("causal", 1))
	}
	for from, to := range map[string]string{"left_window_size": "left", "right_window_size": "right"} {
		if size := intOf(n, from, -1); size != -1 {
			list = append(list, intAttr(to, size))
		}
	}
	if p := intOf(n, "softmax_precision", 0); p != 0 {
		if t := l.told(n, 0); t == nil || int64(t.DType) != p {
			list = append(list, intAttr("softmax_precision", p))
		}
	}
	if wants(n, 3) {
		list = append(list, intAttr("scores", intOf(n, "qk_matmul_output_mode", 0)))
	}
	return list, nil
}

// starts is the position of the first query, where a query's position matters: after the past, the last query on the
// last key where there are lengths, or 0.
func (c *chain) starts(q, past, lengths *value, list []ir.Attr) *value {
	placed := false
	for _, a := range list {
		placed = placed || a.Name == "causal" || a.Name == "left" || a.Name == "right"
	}
	switch {
	case !placed:
		return nil
	case past != nil:
		return c.size(past, 2)
	case lengths != nil:
		return c.do("Sub", lengths, c.size(q, 1))
	}
	return ints(0)
}

// lowerRotary takes the operator of set 23.
func lowerRotary(l *lowerer, n *onnx.Node) error {
	packed, err := l.packed(n, intOf(n, "num_heads", 0))
	if err != nil {
		return err
	}
	c := &chain{l: l, n: n}
	x := c.queries(l.in(n, 0), intOf(n, "num_heads", 0), packed)
	y := c.rotary(x, l.in(n, 1), l.in(n, 2), l.in(n, 3), intOf(n, "interleaved", 0), intOf(n, "rotary_embedding_dim", 0))
	if packed {
		return c.outputs(c.reshape(y, 0, 0, -1))
	}
	return c.outputs(c.headsFirst(y))
}

// rotary emits the node for x of [batch, s, heads, d].
func (c *chain) rotary(x, cos, sin, positions *value, interleaved, size int64) *value {
	var list []ir.Attr
	if interleaved != 0 {
		list = append(list, intAttr("interleaved", 1))
	}
	if size != 0 {
		list = append(list, intAttr("size", size))
	}
	return c.one("RotaryEmbedding", []*value{x, cos, sin, positions}, list...)
}
