package lower

import (
	"assay/inference/onnx"
	"assay/inference/tensor"
)

// lowerGatherQuantized takes com.microsoft's GatherBlockQuantized over the rows of a table quantised in blocks along them:
// rows are picked first, so that only they become floats.
func lowerGatherQuantized(l *lowerer, n *onnx.Node) error {
	c := &chain{l: l, n: n}
	rank, bits := int64(l.rank(n, 0)), intOf(n, "bits", 4)
	if along := intOf(n, "quantize_axis", 1); intOf(n, "gather_axis", 0) != 0 || along != -1 && along != rank-1 {
		return unsupported("attributes gather_axis %d and quantize_axis %d of a table of %d dimensions", intOf(n, "gather_axis", 0), along, rank)
	}
	data := l.told(n, 0)
	if data == nil || data.DType == 0 || bits != 4 && bits != 8 {
		return unsupported("%d bits, or a table whose type is not known", bits)
	}
	packed := data.DType == tensor.Uint8 && bits == 4
	row := func(i int) *value {
		return c.one("Gather", []*value{l.in(n, i), l.in(n, 1)}, intAttr("axis", 0))
	}
	q, scale, zero := row(0), row(2), (*value)(nil)
	if packed {
		q = c.unpacked(q)
	}
	switch {
	case l.in(n, 3) != nil:
		if zero = row(3); packed {
			zero = c.part(c.unpacked(zero), -1, ints(0), c.size(scale, -1))
		}
	case data.DType == tensor.Uint8:
		middle := known(tensor.Of(tensor.Uint8, []uint8{1 << (bits - 1)}, 1))
		zero = c.do("ConstantOfShape", c.do("Shape", scale), middle)
	}
	y := c.one("DequantizeLinear", []*value{q, scale, zero}, intAttr("axis", -1), intAttr("block_size", intOf(n, "block_size", 128)))
	return c.outputs(y)
}

// unpacked makes two elements of each byte of the last dimension, the low half first.
func (c *chain) unpacked(x *value) *value {
	byteOf := func(v uint8) *value { return known(tensor.Of(tensor.Uint8, []uint8{v})) }
	low := c.do("BitwiseAnd", x, byteOf(15))
	high := c.one("BitShift", []*value{x, byteOf(4)}, textAttr("direction", "RIGHT"))
	pairs := c.concat(-1, c.do("Unsqueeze", low, ints(-1)), c.do("Unsqueeze", high, ints(-1)))
	leading := c.one("Shape", []*value{x}, intAttr("end", -1))
	return c.do("Reshape", pairs, c.concat(0, leading, ints(-1)))
}
