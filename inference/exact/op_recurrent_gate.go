package exact

import (
	"assay/inference/exact/internal/kernel"
)

// gateFunction is an activation of a recurrent operator.
type gateFunction struct {
	alpha, beta       float32 // when the node gives none
	useAlpha, useBeta bool
	make              func(c *call, alpha, beta float32) mapper
}

func simpleGate(f func(v *kernel.Vectors) mapper) gateFunction {
	return gateFunction{make: func(c *call, _, _ float32) mapper { return f(&c.set.Vectors) }}
}

func eachGate(f func(x, alpha, beta float32) float32) func(c *call, alpha, beta float32) mapper {
	return func(_ *call, alpha, beta float32) mapper {
		return kernel.Each(func(x float32) float32 { return kernel.Canon(f(x, alpha, beta)) })
	}
}

var gateFunctions = map[string]gateFunction{
	"Sigmoid":  simpleGate(func(v *kernel.Vectors) mapper { return v.Sigmoid }),
	"Tanh":     simpleGate(func(v *kernel.Vectors) mapper { return v.Tanh }),
	"Relu":     simpleGate(func(v *kernel.Vectors) mapper { return v.Relu }),
	"Softplus": simpleGate(func(v *kernel.Vectors) mapper { return v.Softplus }),
	"Softsign": {make: eachGate(func(x, _, _ float32) float32 { return x / (1 + kernel.Abs(x)) })},
	"Affine": {alpha: 1, useAlpha: true, useBeta: true, make: eachGate(func(x, alpha, beta float32) float32 {
		return float32(alpha*x) + beta
	})},
	"ScaledTanh": {alpha: 1, beta: 1, useAlpha: true, useBeta: true, make: eachGate(func(x, alpha, beta float32) float32 {
		return float32(alpha * kernel.Tanh(float32(beta*x)))
	})},
	"HardSigmoid": {alpha: 0.2, beta: 0.5, useAlpha: true, useBeta: true, make: eachGate(kernel.HardSigmoid)},
	"LeakyRelu": {alpha: 0.01, useAlpha: true, make: eachGate(func(x, alpha, _ float32) float32 {
		return kernel.LeakyRelu(x, alpha)
	})},
	"Elu": {alpha: 1, useAlpha: true, make: eachGate(func(x, alpha, _ float32) float32 {
		if x < 0 {
			return float32(alpha * (kernel.Exp(x) - 1))
		}
		return x
	})},
	"ThresholdedRelu": {alpha: 1, useAlpha: true, make: eachGate(func(x, alpha, _ float32) float32 {
		if x <= alpha {
			return 0
		}
		return x
	})},
}

// readActivations reads the functions of every direction. The lists of alphas and betas have one entry for each
// function that uses one, in order; what they are too short for is the default.
func (r *recurrent) readActivations(b *binder) error {
	names, alphas, betas := b.texts("activations"), b.floats("activation_alpha"), b.floats("activation_beta")
	if names == nil {
		for range r.reverse {
			names = append(names, r.defaults...)
		}
	}
	each := len(r.defaults)
	if len(names) != each*len(r.reverse) {
		return fail(ErrShape, "%d activations, want %d in each of %d directions", len(names), each, len(r.reverse))
	}
	next := func(list *[]float32, used bool, otherwise float32) float32 {
		if !used || len(*list) == 0 {
			return otherwise
		}
		v := (*list)[0]
		*list = (*list)[1:]
		return v
	}
	r.activations = make([][]func(c *call) mapper, len(r.reverse))
	for i, name := range names {
		f, ok := gateFunctions[name]
		if !ok {
			return fail(ErrUnsupported, "activation %q", name)
		}
		alpha, beta := next(&alphas, f.useAlpha, f.alpha), next(&betas, f.useBeta, f.beta)
		r.activations[i/each] = append(r.activations[i/each], func(c *call) mapper { return f.make(c, alpha, beta) })
	}
	return nil
}
