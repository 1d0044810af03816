package lower

import (
	"slices"

	"assay/inference/onnx"
	"assay/inference/tensor"
)

// sequenceRules are for sequences and optionals, of which nothing is left in the IR: their elements are known by
// number while lowering, or the model is refused.
func sequenceRules() map[string]rule {
	return map[string]rule{
		"SequenceConstruct": func(l *lowerer, n *onnx.Node) error { return l.sequence(n, l.all(n)) },
		"SequenceEmpty":     func(l *lowerer, n *onnx.Node) error { return l.sequence(n, nil) },
		"SequenceInsert":    lowerSequenceInsert, "SequenceErase": lowerSequenceErase, "SequenceAt": lowerSequenceAt,
		"SequenceLength": lowerSequenceLength, "SplitToSequence": lowerSplitToSequence, "ConcatFromSequence": lowerConcatFromSequence,
		"OptionalHasElement": lowerOptionalHasElement, "OptionalGetElement": passed, "Optional": passed,
		"Identity": lowerIdentity,
	}
}

// maxSequence is how many elements a sequence may have: every step that changes one keeps a list.
const maxSequence = 128

// sequence makes the output of a node one of these elements.
func (l *lowerer) sequence(n *onnx.Node, elements []*value) error {
	if len(elements) > maxSequence {
		return &Error{Kind: ErrLimit, Reason: sprintf("a sequence of %d tensors, limit %d", len(elements), maxSequence)}
	}
	for i, v := range elements {
		if v == nil || v.sequence {
			return misfit("element %d is no tensor", i)
		}
	}
	return l.outputs(n, &value{sequence: true, elements: elements})
}

func lowerIdentity(l *lowerer, n *onnx.Node) error {
	if v := l.in(n, 0); v != nil && v.sequence {
		return passed(l, n)
	}
	return same(l, n)
}

// passed hands on what is there, be it a tensor or a sequence.
func passed(l *lowerer, n *onnx.Node) error {
	v := l.in(n, 0)
	if v == nil {
		return unsupported("an optional without an element")
	}
	return l.outputs(n, v)
}

// lowerOptionalHasElement: whatever is named is there.
func lowerOptionalHasElement(l *lowerer, n *onnx.Node) error {
	return l.outputs(n, known(tensor.Of(tensor.Bool, []bool{l.in(n, 0) != nil})))
}

// elements gives those of the sequence that input 0 is.
func (l *lowerer) elements(n *onnx.Node) ([]*value, error) {
	v := l.in(n, 0)
	if v == nil || !v.sequence {
		return nil, unsupported("a sequence that is not made by operators before it")
	}
	return v.elements, nil
}

// position reads input i, a place up to the last, which may count from the end of so many elements.
func (l *lowerer) position(n *onnx.Node, i, count, last int) (int, error) {
	t := l.in(n, i).data()
	if t == nil || t.Len() != 1 || t.DType != tensor.Int64 && t.DType != tensor.Int32 {
		return 0, unsupported("a position that depends on the data")
	}
	at := int64(0)
	if t.DType == tensor.Int64 {
		at = t.Int64s()[0]
	} else {
		at = int64(t.Int32s()[0])
	}
	if at < 0 {
		at += int64(count)
	}
	if at < 0 || at > int64(last) {
		return 0, misfit("position %d among %d tensors", at, count)
	}
	return int(at), nil
}

func lowerSequenceAt(l *lowerer, n *onnx.Node) error {
	list, err := l.elements(n)
	if err != nil {
		return err
	}
	at, err := l.position(n, 1, len(list), len(list)-1)
	if err != nil {
		return err
	}
	return l.outputs(n, list[at])
}

func lowerSequenceInsert(l *lowerer, n *onnx.Node) error {
	list, err := l.elements(n)
	if err != nil {
		return err
	}
	at := len(list)
	if l.in(n, 2) != nil {
		if at, err = l.position(n, 2, len(list), len(list)); err != nil {
			return err
		}
	}
	return l.sequence(n, slices.Insert(slices.Clone(list), at, l.in(n, 1)))
}

func lowerSequenceErase(l *lowerer, n *onnx.Node) error {
	list, err := l.elements(n)
	if err != nil {
		return err
	}
	at := len(list) - 1
	if l.in(n, 1) != nil {
		at, err = l.position(n, 1, len(list), len(list)-1)
	}
	switch {
	case err != nil:
		return err
	case at < 0:
		return misfit("nothing to erase")
	}
	return l.sequence(n, slices.Delete(slices.Clone(list), at, at+1))
}

func lowerSequenceLength(l *lowerer, n *onnx.Node) error {
	list, err := l.elements(n)
	if err != nil {
		return err
	}
	return l.outputs(n, known(tensor.FromInt64([]int64{int64(len(list))})))
}

// lowerSplitToSequence needs the sizes, from which the number of elements follows.
func lowerSplitToSequence(l *lowerer, n *onnx.Node) error {
	sizes := l.in(n, 1)
	t := sizes.data()
	if t == nil || len(t.Shape) != 1 {
		return unsupported("how many tensors there will be depends on the data")
	}
	if t.Len() < 1 || t.Len() > maxSequence {
		return &Error{Kind: ErrLimit, Reason: sprintf("a sequence of %d tensors, limit %d", t.Len(), maxSequence)}
	}
	axis, err := attr(n, "axis")
	if err != nil {
		return err
	}
	list, err := l.emit(&onnx.Node{Name: n.Name}, "Split", t.Len(), []*value{l.in(n, 0), sizes}, axis)
	if err != nil {
		return err
	}
	return l.sequence(n, list)
}

// lowerConcatFromSequence joins the elements along an axis, or stacks them along a new one.
func lowerConcatFromSequence(l *lowerer, n *onnx.Node) error {
	list, err := l.elements(n)
	if err != nil {
		return err
	}
	if len(list) == 0 {
		return misfit("a sequence without elements")
	}
	axis := intOf(n, "axis", 0)
	if intOf(n, "new_axis", 0) == 0 {
		return l.replace(n, "Concat", list, intAttr("axis", axis))
	}
	s := &steps{l: l, n: n}
	rows := make([]*value, len(list))
	for i, v := range list {
		rows[i] = s.make("Unsqueeze", []*value{v, ints(axis)})
	}
	joined := s.make("Concat", rows, intAttr("axis", axis))
	if s.err != nil {
		return s.err
	}
	return l.outputs(n, joined)
}

// inBody gives what a sequence from outside is in a body: its elements, each read from there.
func (l *lowerer) inBody(name string, outer *value) *value {
	elements := make([]*value, len(outer.elements))
	for i, e := range outer.elements {
		elements[i] = l.capturedAs(sprintf("%s.%d", name, i), e)
	}
	return &value{sequence: true, elements: elements}
}
