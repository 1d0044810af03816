package shape

import (
	"slices"

	"assay/inference/onnx"
)

// sequences are the operators on sequences and optionals.
func sequences(op string) rule {
	switch op {
	case "SequenceConstruct":
		return sequenceConstruct
	case "SequenceEmpty":
		return sequenceEmpty
	case "SequenceInsert":
		return sequenceInsert
	case "SequenceErase":
		return identity
	case "SequenceAt", "OptionalGetElement":
		return element
	case "SequenceLength":
		return scalarOf(onnx.Int64)
	case "OptionalHasElement":
		return scalarOf(onnx.Bool)
	case "SplitToSequence":
		return splitToSequence
	case "ConcatFromSequence":
		return concatFromSequence
	case "Optional":
		return optional
	}
	return nil
}

func scalarOf(d onnx.DType) rule {
	return func(c *call) error {
		c.set(0, d, []Expr{})
		return nil
	}
}

// merge is what is true of both of two values; dimensions that differ become fresh symbols named after the output.
func (c *call) merge(i int, a, b *Info) *Info {
	if a == nil || b == nil || a.Kind != b.Kind || a.Kind == 0 {
		return &Info{}
	}
	out := &Info{Kind: a.Kind, DType: a.DType}
	if b.DType != a.DType {
		out.DType = 0
	}
	if a.Element != nil && b.Element != nil {
		out.Element = c.merge(i, a.Element, b.Element)
	}
	if a.Shape == nil || b.Shape == nil || len(a.Shape) != len(b.Shape) {
		return out
	}
	out.Shape = slices.Clone(a.Shape)
	for axis, d := range b.Shape {
		if !d.Equal(a.Shape[axis]) {
			out.Shape[axis] = c.fresh(i, axis)
		}
	}
	if len(a.content) == len(b.content) && a.content != nil {
		out.content = make([]elem, len(a.content))
		for j, e := range a.content {
			if f := b.content[j]; e.kind == f.kind && e.expr.Equal(f.expr) && e.real == f.real {
				out.content[j] = e
			}
		}
	}
	return out
}

// bare is a value without its content, as it is in a sequence.
func bare(i *Info) *Info {
	out := *i
	out.content = nil
	return &out
}

func sequenceConstruct(c *call) error {
	held := bare(c.input(0))
	for i := 1; i < len(c.in); i++ {
		held = c.merge(0, held, c.input(i))
	}
	*c.out[0] = Info{Kind: onnx.TypeSequence, Element: bare(held)}
	return nil
}

func sequenceEmpty(c *call) error {
	d, err := c.dtypeAttribute("dtype", onnx.Float32)
	*c.out[0] = Info{Kind: onnx.TypeSequence, Element: &Info{Kind: onnx.TypeTensor, DType: d}}
	return err
}

func sequenceInsert(c *call) error {
	in := c.input(0)
	*c.out[0] = Info{Kind: onnx.TypeSequence, Element: &Info{}}
	if in.Kind == onnx.TypeSequence {
		c.out[0].Element = bare(c.merge(0, in.Element, c.input(1)))
	}
	return nil
}

// element takes one out of a sequence or optional; a tensor passes an OptionalGetElement as it is.
func element(c *call) error {
	in := c.input(0)
	if in.Kind == onnx.TypeTensor {
		return identity(c)
	}
	if in.Element != nil {
		*c.out[0] = *in.Element
	}
	return nil
}

func splitToSequence(c *call) error {
	in := c.shape(0)
	held := &Info{Kind: onnx.TypeTensor, DType: c.dtype(0)}
	*c.out[0] = Info{Kind: onnx.TypeSequence, Element: held}
	if in == nil {
		return nil
	}
	axis, err := c.axis(c.int("axis", 0), len(in))
	if err != nil {
		return err
	}
	held.Shape = slices.Clone(in)
	held.Shape[axis] = c.fresh(0, axis)
	if !c.given(1) {
		held.Shape[axis] = Const(1)
		if c.int("keepdims", 1) == 0 {
			held.Shape = slices.Delete(held.Shape, axis, axis+1)
		}
		return nil
	}
	sizes, known := c.constants(1)
	if !known || len(sizes) == 0 {
		return nil
	}
	d, isConst := in[axis].Const()
	same := !slices.ContainsFunc(sizes, func(v int64) bool { return v != sizes[0] })
	if s := c.shape(1); same && (len(s) == 1 || isConst && sizes[0] > 0 && d%sizes[0] == 0) {
		held.Shape[axis] = Const(sizes[0])
	}
	return nil
}

func concatFromSequence(c *call) error {
	held := c.input(0).Element
	if held == nil || held.Kind != onnx.TypeTensor {
		c.set(0, 0, nil)
		return nil
	}
	c.set(0, held.DType, nil)
	if held.Shape == nil {
		return nil
	}
	out := slices.Clone(held.Shape)
	stack := c.int("new_axis", 0) != 0
	rank := len(out)
	if stack {
		rank++
	}
	axis, err := c.axis(c.int("axis", 0), rank)
	if err != nil {
		return err
	}
	if stack {
		out = slices.Insert(out, axis, c.fresh(0, axis))
	} else {
		out[axis] = c.fresh(0, axis)
	}
	c.set(0, held.DType, out)
	return nil
}

func optional(c *call) error {
	held := &Info{}
	if c.given(0) {
		held = bare(c.input(0))
	} else if a := c.n.Attribute("type"); a != nil && a.Type != nil {
		held = c.x.typed(a.Type, c.n.Name)
	}
	*c.out[0] = Info{Kind: onnx.TypeOptional, Element: held}
	return nil
}
