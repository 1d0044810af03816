package exact

import "assay/inference/exact/internal/kernel"

// shapedOperators are activation functions with attributes.
func shapedOperators() map[string]*operator {
	op := func(f func(b *binder) (func(v *kernel.Vectors) mapper, error), attributes ...string) *operator {
		return &operator{minIn: 1, maxIn: 1, out: 1, attributes: attributes, bind: func(b *binder) (eval, error) {
			made, err := f(b)
			if err != nil {
				return eval{}, err
			}
			u := unary{f32: made, price: 500}
			return u.eval(), nil
		}}
	}
	return map[string]*operator{
		"LeakyRelu":       op(leakyRelu, "alpha"),
		"Elu":             op(elu, "alpha"),
		"Celu":            op(celu, "alpha"),
		"Selu":            op(selu, "alpha", "gamma"),
		"ThresholdedRelu": op(thresholdedRelu, "alpha"),
		"HardSigmoid":     op(hardSigmoid, "alpha", "beta"),
		"Gelu":            op(gelu, "approximate"),
		"Swish":           op(swish, "alpha"),
		"Shrink":          op(shrink, "bias", "lambd"),
	}
}

type vectorised = func(v *kernel.Vectors) mapper

// perFloat is an activation without a vector form: a few steps in float64, rounded once.
func perFloat(f func(float64) float64) (vectorised, error) {
	return func(*kernel.Vectors) mapper {
		return kernel.Each(func(x float32) float32 { return kernel.Canon(float32(f(float64(x)))) })
	}, nil
}

func leakyRelu(b *binder) (vectorised, error) {
	alpha := b.float("alpha", 0.01)
	return func(v *kernel.Vectors) mapper { return func(out, x []float32) { v.LeakyRelu(out, x, alpha) } }, nil
}

// elu is alpha·(e^x - 1) below zero.
func elu(b *binder) (vectorised, error) {
	alpha := float64(b.float("alpha", 1))
	return perFloat(func(x float64) float64 {
		if x < 0 {
			return float64(alpha * (exp64(x) - 1))
		}
		return x
	})
}

// celu is max(0, x) + min(0, alpha·(e^(x/alpha) - 1)).
func celu(b *binder) (vectorised, error) {
	alpha := float64(b.float("alpha", 1))
	return perFloat(func(x float64) float64 {
		return max(0, x) + min(0, float64(alpha*(exp64(x/alpha)-1)))
	})
}

// selu is gamma·x above zero, else gamma·(alpha·(e^x - 1)).
func selu(b *binder) (vectorised, error) {
	alpha, gamma := float64(b.float("alpha", 1.67326319217681884765625)), float64(b.float("gamma", 1.05070102214813232421875))
	return perFloat(func(x float64) float64 {
		if x > 0 {
			return float64(gamma * x)
		}
		return float64(gamma * float64(alpha*(exp64(x)-1)))
	})
}

func thresholdedRelu(b *binder) (vectorised, error) {
	alpha := float64(b.float("alpha", 1))
	return perFloat(func(x float64) float64 {
		if x <= alpha {
			return 0
		}
		return x
	})
}

func hardSigmoid(b *binder) (vectorised, error) {
	alpha, beta := b.float("alpha", 0.2), b.float("beta", 0.5)
	return func(v *kernel.Vectors) mapper { return func(out, x []float32) { v.HardSigmoid(out, x, alpha, beta) } }, nil
}

func gelu(b *binder) (vectorised, error) {
	switch approximate := b.text("approximate", "none"); approximate {
	case "none":
		return func(v *kernel.Vectors) mapper { return v.Gelu }, nil
	case "tanh":
		return func(v *kernel.Vectors) mapper { return v.GeluTanh }, nil
	default:
		return nil, fail(ErrUnsupported, "attribute approximate is %q", approximate)
	}
}

// swish is x·Sigmoid(alpha·x), which is x/(1 + e^(-alpha·x)).
func swish(b *binder) (vectorised, error) {
	alpha := b.float("alpha", 1)
	if alpha == 1 {
		return func(v *kernel.Vectors) mapper { return v.SiLU }, nil
	}
	return perFloat(func(x float64) float64 { return x / (1 + exp64(float64(-float64(alpha)*x))) })
}

func shrink(b *binder) (vectorised, error) {
	bias, lambda := float64(b.float("bias", 0)), float64(b.float("lambd", 0.5))
	return perFloat(func(x float64) float64 {
		switch {
		case x < -lambda:
			return x + bias
		case x > lambda:
			return x - bias
		case x != x:
			return x
		}
		return 0
	})
}
