package exact

import (
	"math"

	"assay/inference/exact/internal/kernel"
)

// shapedOperators are activation functions with attributes.
func shapedOperators() map[string]*operator {
	op := func(f func(b *binder) (unary, error), attributes ...string) *operator {
		return &operator{minIn: 1, maxIn: 1, out: 1, attributes: attributes, bind: func(b *binder) (eval, error) {
			u, err := f(b)
			if err != nil {
				return eval{}, err
			}
			u.price, u.wide = 500, 3000
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
func perFloat(f func(float64) float64) (unary, error) { return unary{f32: inDoubles(f), f64: f}, nil }

func leakyRelu(b *binder) (unary, error) {
	alpha := b.float("alpha", 0.01)
	return unary{
		f32: func(v *kernel.Vectors) mapper { return func(out, x []float32) { v.LeakyRelu(out, x, alpha) } },
		f64: func(x float64) float64 {
			if x < 0 {
				return float64(float64(alpha) * x)
			}
			return x
		},
	}, nil
}

// byExp is an activation by e^x - 1: a difference where the result is rounded to float32 at the end, a function without
// loss near 0 in float64.
func byExp(f func(x float64, expm1 func(float64) float64) float64) (unary, error) {
	return unary{
		f32: inDoubles(func(x float64) float64 { return f(x, func(v float64) float64 { return exp64(v) - 1 }) }),
		f64: func(x float64) float64 { return f(x, expm1_64) },
	}, nil
}

// elu is alpha·(e^x - 1) below zero.
func elu(b *binder) (unary, error) {
	alpha := float64(b.float("alpha", 1))
	return byExp(func(x float64, expm1 func(float64) float64) float64 {
		if x < 0 {
			return float64(alpha * expm1(x))
		}
		return x
	})
}

// celu is max(0, x) + min(0, alpha·(e^(x/alpha) - 1)).
func celu(b *binder) (unary, error) {
	alpha := float64(b.float("alpha", 1))
	return byExp(func(x float64, expm1 func(float64) float64) float64 {
		return max(0, x) + min(0, float64(alpha*expm1(x/alpha)))
	})
}

// selu is gamma·x above zero, else gamma·(alpha·(e^x - 1)).
func selu(b *binder) (unary, error) {
	alpha, gamma := float64(b.float("alpha", 1.67326319217681884765625)), float64(b.float("gamma", 1.05070102214813232421875))
	return byExp(func(x float64, expm1 func(float64) float64) float64 {
		if x > 0 {
			return float64(gamma * x)
		}
		return float64(gamma * float64(alpha*expm1(x)))
	})
}

func thresholdedRelu(b *binder) (unary, error) {
	alpha := float64(b.float("alpha", 1))
	return perFloat(func(x float64) float64 {
		if x <= alpha {
			return 0
		}
		return x
	})
}

func hardSigmoid(b *binder) (unary, error) {
	alpha, beta := b.float("alpha", 0.2), b.float("beta", 0.5)
	return unary{
		f32: func(v *kernel.Vectors) mapper { return func(out, x []float32) { v.HardSigmoid(out, x, alpha, beta) } },
		f64: func(x float64) float64 { return max64(0, min64(1, float64(x*float64(alpha))+float64(beta))) },
	}, nil
}

func gelu(b *binder) (unary, error) {
	switch approximate := b.text("approximate", "none"); approximate {
	case "none":
		return unary{f32: func(v *kernel.Vectors) mapper { return v.Gelu }, f64: gelu64}, nil
	case "tanh":
		return unary{f32: func(v *kernel.Vectors) mapper { return v.GeluTanh }, f64: geluTanh64}, nil
	default:
		return unary{}, fail(ErrUnsupported, "attribute approximate is %q", approximate)
	}
}

func gelu64(x float64) float64 { return float64(float64(x*(erf64(x/math.Sqrt2)+1)) * 0.5) }

func geluTanh64(x float64) float64 {
	u := x + float64(0.044715*float64(float64(x*x)*x))
	return float64(float64(0.5*x) * (1 + tanh64(float64(u*0.7978845608028654))))
}

// swish is x·Sigmoid(alpha·x), which is x/(1 + e^(-alpha·x)).
func swish(b *binder) (unary, error) {
	alpha := b.float("alpha", 1)
	if alpha == 1 {
		return unary{
			f32: func(v *kernel.Vectors) mapper { return v.SiLU },
			f64: func(x float64) float64 { return float64(x * sigmoid64(x)) },
		}, nil
	}
	return perFloat(func(x float64) float64 { return x / (1 + exp64(float64(-float64(alpha)*x))) })
}

func shrink(b *binder) (unary, error) {
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
