package shape

import "assay/inference/onnx"

// ruleFor finds the rule of an operator; nil when there is none. A switch, so that nothing is built at start.
func ruleFor(domain, op string) rule {
	switch domain {
	case "":
		for _, family := range [...]func(string) rule{elementwise, arrange, pick, products, windows, statistics, sequences, control, others} {
			if r := family(op); r != nil {
				return r
			}
		}
		return nil
	case "ai.onnx.ml":
		return learned(op)
	case "com.microsoft":
		return microsoft(op)
	case "ai.onnx.preview":
		if op == "FlexAttention" {
			return flexAttention
		}
	}
	return nil
}

// elementwise are the operators whose output has the shape of the input, or of all inputs stretched to each other.
func elementwise(op string) rule {
	switch op {
	case "Acos", "Acosh", "Asin", "Asinh", "Atan", "Atanh", "Celu", "Cos", "Cosh", "CumSum", "CumProd", "Elu",
		"Erf", "Exp", "Gelu", "HardSigmoid", "HardSwish", "Hardmax", "LeakyRelu", "Log", "LogSoftmax", "LpNormalization", "LRN",
		"MeanVarianceNormalization", "Mish", "Reciprocal", "Selu", "Shrink", "Sigmoid", "Sin", "Sinh", "Softmax",
		"Softplus", "Softsign", "Swish", "Tan", "Tanh", "ThresholdedRelu", "BitwiseNot", "InstanceNormalization",
		"GroupNormalization", "RMSNormalization", "ReverseSequence", "Scatter", "ScatterElements", "ScatterND",
		"TensorScatter", "PRelu", "SwiGLU", "Trilu", "SimplifiedLayerNormalization":
		return like
	case "Identity":
		return identity
	case "Abs", "Ceil", "Floor", "Neg", "Relu", "Round", "Sign", "Sqrt", "Not", "Clip":
		return mapped
	case "IsNaN", "IsInf":
		return predicate
	case "Add", "Sub", "Mul", "Div", "Mod", "Max", "Min", "And", "Or", "Xor", "Equal", "Greater", "Less",
		"GreaterOrEqual", "LessOrEqual":
		return arithmetic
	case "Pow", "BitShift", "BitwiseAnd", "BitwiseOr", "BitwiseXor", "Sum", "Mean", "StringConcat":
		return stretched
	case "Where":
		return where
	case "Cast":
		return cast
	case "CastLike":
		return castLike
	case "BitCast", "Bernoulli", "RandomNormalLike", "RandomUniformLike":
		return retyped
	}
	return nil
}

func like(c *call) error {
	c.set(0, c.dtype(0), c.shape(0))
	return nil
}

// identity hands everything on, sequences too.
func identity(c *call) error {
	if len(c.out) > 0 {
		*c.out[0] = *c.input(0)
	}
	return nil
}

func predicate(c *call) error {
	c.set(0, onnx.Bool, c.shape(0))
	return nil
}

// retyped has the input's shape and the element type of an attribute.
func retyped(c *call) error {
	name := "dtype"
	if c.n.Op == "BitCast" {
		name = "to"
	}
	d, err := c.dtypeAttribute(name, c.dtype(0))
	c.set(0, d, c.shape(0))
	return err
}

func cast(c *call) error {
	d, err := c.dtypeAttribute("to", 0)
	if err != nil {
		return err
	}
	c.set(0, d, c.shape(0))
	c.content(0, converted(c.input(0).content, d))
	return nil
}

func castLike(c *call) error {
	c.set(0, c.dtype(1), c.shape(0))
	c.content(0, converted(c.input(0).content, c.dtype(1)))
	return nil
}

// converted follows elements through a cast: numbers that the type may not hold are forgotten.
func converted(in []elem, to onnx.DType) []elem {
	if in == nil {
		return nil
	}
	out := make([]elem, len(in))
	for i, e := range in {
		switch {
		case to == onnx.Int64, to == onnx.Int32, to == onnx.Float64, to == onnx.Float32:
			out[i] = convert(e, to)
		case to == onnx.Bool:
			if v, ok := e.number(); ok {
				out[i] = truth(v != 0)
			} else if e.kind == isExpr && e.expr.atLeastConst(1) {
				out[i] = truth(true)
			}
		}
	}
	return out
}

func convert(e elem, to onnx.DType) elem {
	limit := map32(to)
	if e.kind == isReal {
		if to == onnx.Float32 || to == onnx.Float64 {
			return e
		}
		if e.real > -limit && e.real < limit {
			return whole(int64(e.real))
		}
		return elem{}
	}
	if v, ok := e.number(); ok && (v <= -limit || v >= limit) && to != onnx.Int64 {
		return elem{}
	}
	return e
}

// map32 is the magnitude up to which whole numbers keep their value in a type.
func map32(to onnx.DType) float64 {
	switch to {
	case onnx.Float32:
		return 1 << 24
	case onnx.Int32:
		return 1 << 31
	}
	return 1 << 53
}

func truth(b bool) elem {
	if b {
		return whole(1)
	}
	return whole(0)
}

// stretch gives the shape of all inputs stretched to each other; nil when one is unknown.
func (c *call) stretch(out int, inputs ...int) ([]Expr, error) {
	rank := 0
	for _, i := range inputs {
		s := c.shape(i)
		if s == nil {
			return nil, nil
		}
		rank = max(rank, len(s))
	}
	shape := make([]Expr, rank)
	for axis := range shape {
		d := Const(1)
		for _, i := range inputs {
			s := c.shape(i)
			at := axis - rank + len(s)
			if at < 0 {
				continue
			}
			e, fits, ok := broadcast(d, s[at])
			if !fits {
				return nil, c.fail("dimension %d: %v against %v", axis, d, s[at])
			}
			d = c.size(out, axis)(e, ok)
		}
		shape[axis] = d
	}
	return shape, nil
}

func (c *call) every() []int {
	all := make([]int, len(c.in))
	for i := range all {
		all[i] = i
	}
	return all
}

func stretched(c *call) error {
	shape, err := c.stretch(0, c.every()...)
	c.set(0, c.dtype(0), shape)
	return err
}

func where(c *call) error {
	shape, err := c.stretch(0, 0, 1, 2)
	if err != nil {
		return err
	}
	d := c.dtype(1)
	if d == 0 {
		d = c.dtype(2)
	}
	c.set(0, d, shape)
	c.zip(func(v []elem) elem {
		if b, ok := v[0].expr.Const(); ok && v[0].kind == isExpr {
			if b != 0 {
				return v[1]
			}
			return v[2]
		}
		if v[1].kind == isExpr && v[2].kind == isExpr && v[1].expr.Equal(v[2].expr) {
			return v[1]
		}
		return elem{}
	})
	return nil
}
