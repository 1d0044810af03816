package lower

import "assay/inference/onnx"

// trainingRules are for single steps of optimisers: tensors, then their gradients, then what is kept of earlier steps.
func trainingRules() map[string]rule {
	return map[string]rule{
		"ai.onnx.preview.training:Momentum": optimiser(1, momentum),
		"ai.onnx.preview.training:Adagrad":  optimiser(1, adagrad),
		"ai.onnx.preview.training:Adam":     optimiser(2, adam),
	}
}

// optimiser applies a step to each of the tensors, which keep so many others each. Operands are the rate, the number of
// the step, all tensors, all gradients, and all that is kept; results are all tensors, and all that is kept.
func optimiser(kept int, step func(s *steps, rate, count, x, gradient *value, kept []*value) []*value) rule {
	return func(l *lowerer, n *onnx.Node) error {
		in := l.all(n)
		tensors := (len(in) - 2) / (2 + kept)
		if tensors < 1 || len(in) != 2+tensors*(2+kept) {
			return misfit("%d inputs", len(in))
		}
		for _, v := range in {
			if v == nil {
				return misfit("an input is left out")
			}
		}
		s := &steps{l: l, n: n}
		out := make([]*value, tensors*(1+kept))
		for i := range tensors {
			of := func(k int) *value { return in[2+k*tensors+i] }
			x := of(0)
			earlier := make([]*value, kept)
			for k := range earlier {
				earlier[k] = of(2 + k)
			}
			gradient := s.make("Add", []*value{s.times("norm_coefficient", 0, x), of(1)})
			for k, v := range step(s, in[0], in[1], x, gradient, earlier) {
				out[k*tensors+i] = v
			}
		}
		if s.err != nil {
			return s.err
		}
		return l.outputs(n, out...)
	}
}

// number is a constant of the type of x.
func (s *steps) number(v float32, x *value) *value {
	return s.make("CastLike", []*value{scalar(v), x})
}

func (s *steps) two(op string, a, b *value) *value { return s.make(op, []*value{a, b}) }

// times is an attribute times x.
func (s *steps) times(name string, otherwise float32, x *value) *value {
	return s.two("Mul", s.number(floatOf(s.n, name, otherwise), x), x)
}

// started chooses between values by whether steps went before.
func (s *steps) started(count, yes, no *value) *value {
	return s.make("Where", []*value{s.two("Greater", count, s.number(0, count)), yes, no})
}

// momentum: v = alpha·v + beta·g, with 1 for beta at the start; x - rate·v, or x - rate·(g + alpha·v).
func momentum(s *steps, rate, count, x, g *value, kept []*value) []*value {
	pace := s.started(count, s.number(floatOf(s.n, "beta", 0), x), s.number(1, x))
	v := s.two("Add", s.times("alpha", 0, kept[0]), s.two("Mul", pace, g))
	by := v
	switch mode := textOf(s.n, "mode", "standard"); mode {
	case "standard":
	case "nesterov":
		by = s.two("Add", g, s.times("alpha", 0, v))
	default:
		s.err = unsupported("attribute mode is %q", mode)
	}
	rate = s.two("CastLike", rate, x)
	return []*value{s.two("Sub", x, s.two("Mul", rate, by)), v}
}

// adagrad: h = h + g·g; x - (rate / (1 + decay·count))·g / (√h + epsilon).
func adagrad(s *steps, rate, count, x, g *value, kept []*value) []*value {
	h := s.two("Add", kept[0], s.two("Mul", g, g))
	decay := s.times("decay_factor", 0, s.two("CastLike", count, rate))
	rate = s.two("Div", rate, s.two("Add", s.number(1, rate), decay))
	by := s.two("Mul", s.two("CastLike", rate, x), g)
	return []*value{s.two("Sub", x, s.two("Div", by, s.root(h, 1e-6))), h}
}

// root is √h + epsilon.
func (s *steps) root(h *value, epsilon float32) *value {
	return s.two("Add", s.make("Sqrt", []*value{h}), s.number(floatOf(s.n, "epsilon", epsilon), h))
}

// adam: v = alpha·v + (1 - alpha)·g, h = beta·h + (1 - beta)·g²; x - rate·v / (√h + epsilon), where the rate is, once
// started, rate·√(1 - beta^count) / (1 - alpha^count); what is left of x is 1 - norm_coefficient_post of it.
func adam(s *steps, rate, count, x, g *value, kept []*value) []*value {
	alpha, beta := floatOf(s.n, "alpha", 0.9), floatOf(s.n, "beta", 0.999)
	mix := func(part float32, old, fresh *value) *value {
		return s.two("Add", s.two("Mul", s.number(part, old), old), s.two("Mul", s.number(1-part, fresh), fresh))
	}
	v, h := mix(alpha, kept[0], g), mix(beta, kept[1], s.two("Mul", g, g))
	rest := func(base float32) *value {
		return s.two("Sub", s.number(1, rate), s.two("Pow", s.number(base, rate), count))
	}
	corrected := s.two("Div", s.two("Mul", rate, s.make("Sqrt", []*value{rest(beta)})), rest(alpha))
	rate = s.two("CastLike", s.started(count, corrected, rate), x)
	x = s.two("Sub", x, s.two("Mul", rate, s.two("Div", v, s.root(h, 1e-6))))
	return []*value{s.two("Mul", s.number(1-floatOf(s.n, "norm_coefficient_post", 0), x), x), v, h}
}
