package lower

import (
	"assay/inference/ir"
	"assay/inference/onnx"
)

// lossRules are for the losses of training, made of operators that exist.
func lossRules() map[string]rule {
	return map[string]rule{
		"NegativeLogLikelihoodLoss": func(l *lowerer, n *onnx.Node) error {
			loss, err := likelihoodLoss(l, n, l.in(n, 0))
			if err != nil {
				return err
			}
			return l.outputs(n, loss)
		},
		"SoftmaxCrossEntropyLoss": func(l *lowerer, n *onnx.Node) error {
			logs, err := l.emit1(n, "LogSoftmax", []*value{l.in(n, 0)}, intAttr("axis", 1))
			if err != nil {
				return err
			}
			loss, err := likelihoodLoss(l, n, logs)
			if err != nil {
				return err
			}
			return l.outputs(n, loss, logs)
		},
	}
}

// steps makes one node after another; after the first error it makes nothing.
type steps struct {
	l   *lowerer
	n   *onnx.Node
	err error
}

func (s *steps) make(op string, in []*value, attrs ...ir.Attr) *value {
	if s.err != nil {
		return nil
	}
	var v *value
	v, s.err = s.l.emit1(s.n, op, in, attrs...)
	return v
}

// likelihoodLoss is -logs[i, target[i, …], …] · weight of the target, 0 where the target is the one to ignore; then
// all of them, their sum, or that over the sum of the weights.
func likelihoodLoss(l *lowerer, n *onnx.Node, logs *value) (*value, error) {
	s := &steps{l: l, n: n}
	target, weight := l.in(n, 1), l.in(n, 2)
	var ignored *value
	if n.Attribute("ignore_index") != nil {
		ignore := s.make("CastLike", []*value{ints(intOf(n, "ignore_index", 0)), target})
		ignored = s.make("Equal", []*value{target, ignore})
		zero := s.make("CastLike", []*value{ints(0), target})
		target = s.make("Where", []*value{ignored, zero, target})
	}
	places := s.make("Unsqueeze", []*value{target, ints(1)})
	picked := s.make("GatherElements", []*value{logs, places}, intAttr("axis", 1))
	loss := s.make("Neg", []*value{s.make("Squeeze", []*value{picked, ints(1)})})
	var weights *value // of every target
	switch {
	case weight != nil:
		weights = s.make("Gather", []*value{weight, target})
	case ignored != nil:
		weights = s.make("CastLike", []*value{s.make("Not", []*value{ignored}), loss})
	}
	if ignored != nil {
		zero := s.make("CastLike", []*value{scalar(0), loss})
		loss = s.make("Where", []*value{ignored, zero, loss})
		weights = s.make("Where", []*value{ignored, zero, weights})
	}
	if weight != nil {
		loss = s.make("Mul", []*value{loss, weights})
	}
	all := intAttr("keepdims", 0)
	switch reduction := textOf(n, "reduction", "mean"); {
	case reduction == "none":
	case reduction == "sum":
		loss = s.make("ReduceSum", []*value{loss}, all)
	case reduction == "mean" && weights == nil:
		loss = s.make("ReduceMean", []*value{loss}, all)
	case reduction == "mean":
		sum := s.make("ReduceSum", []*value{loss}, all)
		loss = s.make("Div", []*value{sum, s.make("ReduceSum", []*value{weights}, all)})
	default:
		return nil, unsupported("attribute reduction is %q", reduction)
	}
	return loss, s.err
}
