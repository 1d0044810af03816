package shape

import "assay/inference/onnx"

// others are recurrent networks, random numbers, signals and strings.
func others(op string) rule {
	switch op {
	case "RNN", "GRU", "LSTM":
		return recurrent
	case "RandomNormal", "RandomUniform":
		return random
	case "Multinomial":
		return multinomial
	case "BlackmanWindow", "HammingWindow", "HannWindow":
		return windowFunction
	case "MelWeightMatrix":
		return melWeights
	case "DFT":
		return dft
	case "STFT":
		return stft
	case "RegexFullMatch":
		return predicate
	case "StringNormalizer":
		return stringNormalizer
	case "StringSplit":
		return stringSplit
	case "TfIdfVectorizer":
		return tfIdf
	case "ImageDecoder":
		return imageDecoder
	}
	return nil
}

func random(c *call) error {
	d, err := c.dtypeAttribute("dtype", onnx.Float32)
	shape, _ := c.ints("shape")
	c.set(0, d, sizes(shape))
	return err
}

func multinomial(c *call) error {
	d, err := c.dtypeAttribute("dtype", onnx.Int32)
	if err != nil {
		return err
	}
	out := []Expr{c.fresh(0, 0), Const(c.int("sample_size", 1))}
	if err := c.ranked(0, 2); err != nil {
		return err
	}
	if in := c.shape(0); in != nil {
		out[0] = in[0]
	}
	c.set(0, d, out)
	return nil
}

// scalar is a size that an input holds, or a fresh one.
func (c *call) scalar(i, axis int) Expr {
	if v := c.input(i).content; len(v) == 1 && v[0].kind == isExpr {
		return v[0].expr
	}
	return c.fresh(0, axis)
}

func windowFunction(c *call) error {
	d, err := c.dtypeAttribute("output_datatype", onnx.Float32)
	c.set(0, d, []Expr{c.scalar(0, 0)})
	return err
}

func melWeights(c *call) error {
	d, err := c.dtypeAttribute("output_datatype", onnx.Float32)
	bins := c.size(0, 0)(half(c.scalar(1, 0)))
	c.set(0, d, []Expr{bins, c.scalar(0, 1)})
	return err
}

// half is floor(n/2) + 1, the number of frequencies of n real samples.
func half(n Expr) (Expr, bool) {
	q, ok := floorDiv(n, Const(2))
	if !ok {
		return Expr{}, false
	}
	return add(q, Const(1))
}

func dft(c *call) error {
	in := c.shape(0)
	c.set(0, c.dtype(0), nil)
	if in == nil {
		return nil
	}
	if len(in) < 2 {
		return c.fail("input of rank %d", len(in))
	}
	out := c.freshDims(0, len(in))
	axis := c.int("axis", 1)
	known := true
	if c.since >= 20 {
		axis = -2
		if c.given(2) {
			axis, known = c.constant(2)
		}
	}
	inverse, onesided := c.int("inverse", 0) != 0, c.int("onesided", 0) != 0
	last := Const(2)
	if inverse && onesided {
		last = Const(1)
	}
	if !known {
		if !c.given(1) && !onesided {
			copy(out, in)
		}
		out[len(out)-1] = last
		c.set(0, c.dtype(0), out)
		return nil
	}
	at, err := c.axis(axis, len(in))
	if err != nil {
		return err
	}
	copy(out, in)
	n, ok := in[at], true
	if inverse && onesided { // one side of n samples holds n/2 + 1 values
		if n, ok = sub(n, Const(1)); ok {
			n, ok = mul(n, Const(2))
		}
	}
	n = c.size(0, at)(n, ok)
	if c.given(1) {
		n = c.scalar(1, at)
	}
	if onesided && !inverse {
		n = c.size(0, at)(half(n))
	}
	out[at] = n
	out[len(out)-1] = last
	c.set(0, c.dtype(0), out)
	return nil
}

func stft(c *call) error {
	in := c.shape(0)
	if err := c.ranked(0, 3); err != nil {
		return err
	}
	out := c.freshDims(0, 4)
	out[3] = Const(2)
	c.set(0, c.dtype(0), out)
	if in == nil {
		return nil
	}
	out[0] = in[0]
	length := in[1]
	switch window := c.shape(2); {
	case c.given(3):
		length = c.scalar(3, 2)
	case len(window) == 1:
		length = window[0]
	case c.given(2):
		return nil
	}
	span, ok := sub(in[1], length)
	if ok {
		span, ok = floorDiv(span, c.scalar(1, 1))
	}
	if ok {
		span, ok = add(span, Const(1))
	}
	out[1] = c.size(0, 1)(span, ok)
	out[2] = length
	if c.int("onesided", 1) != 0 {
		out[2] = c.size(0, 2)(half(length))
	}
	return nil
}

// stringNormalizer may drop stop words, at least one string stays.
func stringNormalizer(c *call) error {
	in := c.shape(0)
	c.set(0, onnx.String, in)
	if stop := c.n.Attribute("stopwords"); stop == nil || len(stop.Strings) == 0 || in == nil {
		return nil
	}
	if len(in) == 2 {
		c.set(0, onnx.String, []Expr{in[0], c.fresh(0, 1)})
	} else {
		c.set(0, onnx.String, c.freshDims(0, len(in)))
	}
	return nil
}

func stringSplit(c *call) error {
	in := c.shape(0)
	c.set(0, onnx.String, nil)
	c.set(1, onnx.Int64, in)
	if in != nil {
		c.set(0, onnx.String, append(in[:len(in):len(in)], c.fresh(0, len(in))))
	}
	return nil
}

// tfIdf has a column for each index that occurs.
func tfIdf(c *call) error {
	in := c.shape(0)
	c.set(0, onnx.Float32, nil)
	if in == nil {
		return nil
	}
	columns := int64(0)
	indices, _ := c.ints("ngram_indexes")
	for _, v := range indices {
		columns = max(columns, v+1)
	}
	if len(in) == 0 {
		c.set(0, onnx.Float32, []Expr{Const(columns)})
		return nil
	}
	c.set(0, onnx.Float32, append(in[:len(in)-1:len(in)-1], Const(columns)))
	return nil
}

func imageDecoder(c *call) error {
	out := c.freshDims(0, 3)
	out[2] = Const(3)
	if c.text("pixel_format", "RGB") == "Grayscale" {
		out[2] = Const(1)
	}
	c.set(0, onnx.Uint8, out)
	return nil
}
