package shape

import (
	"slices"

	"assay/inference/onnx"
)

// microsoft is the domain com.microsoft, as far as exported and optimised models use it.
func microsoft(op string) rule {
	switch op {
	case "BiasGelu", "FastGelu", "QuickGelu", "Gelu", "BiasSplitGelu", "RotaryEmbedding", "QLinearSigmoid",
		"QLinearLeakyRelu", "QLinearSoftmax", "BiasSoftmax", "GroupNorm", "Trilu":
		return like
	case "SkipLayerNormalization", "SkipSimplifiedLayerNormalization":
		return skipNormalization
	case "EmbedLayerNormalization":
		return embedNormalization
	case "MatMulNBits", "MatMulBnb4":
		return matMulPacked
	case "FusedMatMul", "TransposeMatMul":
		return fusedMatMul
	case "MatMulIntegerToFloat":
		return func(c *call) error { return contractAs(c, 0, 1, c.dtype(2)) }
	case "DynamicQuantizeMatMul":
		return func(c *call) error { return contractAs(c, 0, 1, c.dtype(0)) }
	case "FusedGemm":
		return gemm
	case "FusedConv", "NhwcFusedConv":
		return func(c *call) error { return conv(c, 1, c.dtype(0)) }
	case "QLinearAdd", "QLinearMul":
		return quantisedPair
	case "QLinearGlobalAveragePool":
		return quantisedGlobalPool
	case "QLinearAveragePool":
		return pool
	case "QLinearConcat":
		return quantisedConcat
	case "QuantizeLinear":
		return quantize
	case "DequantizeLinear":
		return dequantize
	case "GatherBlockQuantized":
		return gatherPacked
	case "MultiHeadAttention":
		return multiHead
	case "GroupQueryAttention":
		return groupQuery
	case "Attention", "QAttention":
		return encoderAttention
	}
	return nil
}

func contractAs(c *call, i, j int, d onnx.DType) error {
	shape, err := c.contract(i, j)
	c.set(0, d, shape)
	return err
}

// matMulPacked has the weight's sizes K and N as attributes, since its bytes are packed.
func matMulPacked(c *call) error {
	in := c.shape(0)
	c.set(0, c.dtype(0), nil)
	if in == nil {
		return nil
	}
	if len(in) == 0 {
		return c.fail("product with a scalar")
	}
	if _, err := c.same("length of the sums", in[len(in)-1], Const(c.int("K", 0))); err != nil {
		return err
	}
	c.set(0, c.dtype(0), append(in[:len(in)-1:len(in)-1], Const(c.int("N", 0))))
	return nil
}

// fusedMatMul may take its inputs transposed in the last two dimensions.
func fusedMatMul(c *call) error {
	if c.int("transBatchA", 0) != 0 || c.int("transBatchB", 0) != 0 {
		c.set(0, c.dtype(0), nil)
		return nil
	}
	for i, name := range []string{"transA", "transB"} {
		s := c.shape(i)
		if c.int(name, 0) == 0 || len(s) < 2 {
			continue
		}
		swapped := *c.input(i)
		swapped.Shape = slices.Clone(s)
		n := len(s)
		swapped.Shape[n-1], swapped.Shape[n-2] = s[n-2], s[n-1]
		c.in[i] = &swapped
	}
	return matMul(c)
}

// skipNormalization gives the normalised sum, mean, deviation, and the sum itself.
func skipNormalization(c *call) error {
	in := c.shape(0)
	c.set(0, c.dtype(0), in)
	var rows []Expr
	if in != nil {
		rows = slices.Clone(in)
		if len(rows) > 0 {
			rows[len(rows)-1] = Const(1)
		}
	}
	c.set(1, onnx.Float32, rows)
	c.set(2, onnx.Float32, rows)
	c.set(3, c.dtype(0), in)
	return nil
}

func embedNormalization(c *call) error {
	ids, table := c.shape(0), c.shape(2)
	out := c.freshDims(0, 3)
	if len(ids) == 2 {
		copy(out, ids)
	}
	if len(table) == 2 {
		out[2] = table[1]
	}
	c.set(0, c.dtype(2), out)
	c.set(1, onnx.Int32, out[:1])
	c.set(2, c.dtype(2), out)
	return nil
}

func quantisedPair(c *call) error {
	shape, err := c.stretch(0, 0, 3)
	c.set(0, c.dtype(0), shape)
	return err
}

func quantisedGlobalPool(c *call) error {
	if c.int("channels_last", 0) == 0 {
		return globalPool(c)
	}
	in := c.shape(0)
	c.set(0, c.dtype(0), nil)
	if in != nil {
		out := slices.Clone(in)
		for i := 1; i < len(out)-1; i++ {
			out[i] = Const(1)
		}
		c.set(0, c.dtype(0), out)
	}
	return nil
}

// quantisedConcat has scale and zero point of the output first, then value, scale and zero point of each input.
func quantisedConcat(c *call) error {
	var values []*Info
	for i := 2; i < len(c.in); i += 3 {
		values = append(values, c.input(i))
	}
	c.in = values
	return concat(c)
}

// gatherPacked takes rows of a table whose last dimension is packed, unless its type says so itself.
func gatherPacked(c *call) error {
	in, at := c.shape(0), c.shape(1)
	c.set(0, c.dtype(2), nil)
	if in == nil || at == nil {
		return nil
	}
	axis, err := c.axis(c.int("gather_axis", 0), len(in))
	if err != nil {
		return err
	}
	out := joined(in[:axis], at, in[axis+1:])
	if c.dtype(0) == onnx.Uint8 && len(out) > 0 {
		per := 8 / max(c.int("bits", 4), 1)
		out[len(out)-1] = c.size(0, len(out)-1)(mul(out[len(out)-1], Const(per)))
	}
	c.set(0, c.dtype(2), out)
	return nil
}
