package exam

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"time"

	"assay/inference/exact"
	"assay/inference/lower"
	"assay/inference/onnx"
)

// smallLimits are those under which changed models run: what is absurd ends soon.
var smallLimits = exact.Limits{Elements: 1 << 20, Total: 1 << 27, Work: 1 << 28, Steps: 1 << 14}

// Mutation says what became of a changed model.
type Mutation int

// What may become of one.
const (
	Refused Mutation = iota // by the reader, the lowering or the executor, with a typed error
	Ran                     // with the same bits by every set of kernels
	Bounded                 // the same, and within the bound of its shapes
)

// mutant changes a model and its inputs at random: numbers, shapes, types, operators, and what is connected to what.
type mutant struct {
	*rand.Rand
	ops []onnx.Node // operators to put in the place of others
}

var oddInts = []int64{0, 1, -1, 2, 3, -2, 5, 8, 17, 255, 1 << 16, 1<<31 - 1, -1 << 31, 1 << 40, math.MaxInt64, math.MinInt64}

var oddFloats = []float32{0, 1, -1, 0.5, 1e-30, 1e30, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN())}

func (m *mutant) int() int64     { return oddInts[m.IntN(len(oddInts))] }
func (m *mutant) float() float32 { return oddFloats[m.IntN(len(oddFloats))] }

// graph makes one change somewhere.
func (m *mutant) graph(g *onnx.Graph) {
	if len(g.Nodes) == 0 {
		return
	}
	n := &g.Nodes[m.IntN(len(g.Nodes))]
	switch m.IntN(8) {
	case 0, 1, 2:
		m.attribute(n)
	case 3:
		m.connection(g, n)
	case 4:
		m.count(n)
	case 5:
		if len(g.Initializers) > 0 {
			m.tensor(&g.Initializers[m.IntN(len(g.Initializers))])
		}
	case 6:
		if len(g.Inputs) > 0 {
			v := &g.Inputs[m.IntN(len(g.Inputs))]
			v.Shape = nil
			if m.IntN(4) == 0 {
				v.DType = onnx.DType(1 + m.IntN(26))
			}
		}
	case 7:
		if other := m.ops[m.IntN(len(m.ops))]; m.IntN(4) == 0 {
			n.Op, n.Domain = other.Op, other.Domain
		} else {
			n.Attributes = slices.Clone(other.Attributes)
		}
	}
}

func (m *mutant) attribute(n *onnx.Node) {
	if len(n.Attributes) == 0 {
		return
	}
	a := &n.Attributes[m.IntN(len(n.Attributes))]
	switch {
	case m.IntN(6) == 0:
		n.Attributes = slices.DeleteFunc(n.Attributes, func(b onnx.Attribute) bool { return b.Name == a.Name })
	case a.Kind == onnx.KindInt:
		a.Int = m.int()
	case a.Kind == onnx.KindFloat:
		a.Float = m.float()
	case a.Kind == onnx.KindInts && len(a.Ints) > 0:
		if a.Ints[m.IntN(len(a.Ints))] = m.int(); m.IntN(4) == 0 {
			a.Ints = append(a.Ints, m.int())
		}
	case a.Kind == onnx.KindFloats && len(a.Floats) > 0:
		a.Floats[m.IntN(len(a.Floats))] = m.float()
	case a.Kind == onnx.KindTensor:
		m.tensor(a.Tensor)
	case a.Kind == onnx.KindGraph:
		m.graph(a.Graph)
	}
}

// connection reads another value, or none.
func (m *mutant) connection(g *onnx.Graph, n *onnx.Node) {
	if len(n.Inputs) == 0 {
		return
	}
	at := m.IntN(len(n.Inputs))
	if m.IntN(3) == 0 || len(g.Inputs) == 0 {
		n.Inputs[at] = ""
		return
	}
	n.Inputs[at] = g.Inputs[m.IntN(len(g.Inputs))].Name
}

// count takes one input or output more or less.
func (m *mutant) count(n *onnx.Node) {
	switch m.IntN(4) {
	case 0:
		n.Inputs = n.Inputs[:max(0, len(n.Inputs)-1)]
	case 1:
		if len(n.Inputs) > 0 {
			n.Inputs = append(n.Inputs, n.Inputs[m.IntN(len(n.Inputs))])
		}
	case 2:
		n.Outputs = append(n.Outputs, "one more")
	case 3:
		if len(n.Outputs) > 1 {
			n.Outputs[m.IntN(len(n.Outputs))] = ""
		}
	}
}

// tensor changes elements or the shape.
func (m *mutant) tensor(t *onnx.Tensor) {
	if t == nil {
		return
	}
	v := Value{DType: t.DType, Shape: t.Shape, Raw: t.Raw}
	m.value(&v)
	t.Shape, t.Raw = v.Shape, v.Raw
}

// value changes elements, or the shape with as many elements as that then wants.
func (m *mutant) value(v *Value) {
	if m.IntN(2) == 0 {
		m.elements(v)
		return
	}
	each := 1
	if n := v.Elements(); n > 0 {
		each = max(1, len(v.Raw)/n)
	}
	shape := slices.Clone(v.Shape)
	switch {
	case len(shape) == 0 || m.IntN(4) == 0:
		shape = slices.Insert(shape, m.IntN(len(shape)+1), 1)
	case m.IntN(4) == 0:
		at := m.IntN(len(shape))
		shape = slices.Delete(shape, at, at+1)
	default:
		shape[m.IntN(len(shape))] = []int64{0, 1, 2, 3, 5, 16, 33}[m.IntN(7)]
	}
	n := 1
	for _, d := range shape {
		n *= int(d)
	}
	if n > 1<<16 || v.DType.Bits() < 8 {
		return
	}
	raw := make([]byte, n*each)
	for i := range raw {
		if len(v.Raw) > 0 {
			raw[i] = v.Raw[i%len(v.Raw)]
		}
	}
	v.Shape, v.Raw = shape, raw
}

// elements overwrites some.
func (m *mutant) elements(v *Value) {
	width := v.DType.Bits() / 8
	if width == 0 || len(v.Raw) < width {
		return
	}
	v.Raw = slices.Clone(v.Raw)
	for range 1 + m.IntN(3) {
		at := m.IntN(len(v.Raw)/width) * width
		bits := uint64(m.int())
		switch v.DType {
		case floatType:
			bits = uint64(math.Float32bits(m.float()))
		case doubleType:
			bits = math.Float64bits(float64(m.float()))
		case onnx.Bool:
			bits &= 1
		}
		for i := range width {
			v.Raw[at+i] = byte(bits >> (8 * i))
		}
	}
}

// Mutate changes a model and its inputs as the seed says, and runs it. An error says what is wrong with us: a panic, an
// error without a type, other bits from another set of kernels, more than the bound, or no end within the time.
func Mutate(model []byte, inputs map[string]Value, ops []onnx.Node, seed uint64, within time.Duration) (Mutation, error) {
	m := &mutant{Rand: rand.New(rand.NewPCG(seed, 1)), ops: ops}
	graph, err := onnx.Parse(bytes.Clone(model), onnx.Limits{})
	if err != nil {
		return Refused, err
	}
	for range 1 + m.IntN(3) {
		m.graph(graph)
	}
	given := map[string]exact.Tensor{}
	for _, in := range graph.Inputs {
		v := inputs[in.Name]
		if m.IntN(3) == 0 {
			m.value(&v)
		}
		if given[in.Name], err = toTensor(&v); err != nil {
			return Refused, nil
		}
	}
	type result struct {
		Mutation
		error
	}
	done := make(chan result, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				done <- result{error: fmt.Errorf("panic: %v\n%s", r, debug.Stack())}
			}
		}()
		what, err := tried(onnx.Encode(graph), given)
		done <- result{what, err}
	}()
	select {
	case r := <-done:
		return r.Mutation, r.error
	case <-time.After(within):
		return Refused, fmt.Errorf("no end within %v", within)
	}
}

// tried runs a model with every set of kernels, and then within its bound.
func tried(model []byte, given map[string]exact.Tensor) (Mutation, error) {
	graph, err := onnx.Parse(model, onnx.Limits{})
	if err != nil {
		return Refused, refusal(err)
	}
	lowered, err := lower.Lower(graph)
	if err != nil {
		return Refused, refusal(err)
	}
	run := func(c exact.Config) (map[string]exact.Tensor, error) {
		p, err := exact.New(lowered, c)
		if err != nil {
			return nil, err
		}
		return p.Run(given, nil)
	}
	want, first := run(exact.Config{Limits: smallLimits})
	for _, kernel := range Kernels()[1:] {
		got, err := run(exact.Config{Limits: smallLimits, Kernel: kernel})
		if (err == nil) != (first == nil) {
			return Refused, fmt.Errorf("kernel %s: %v, the first: %v", kernel, err, first)
		}
		for name, w := range want {
			if g := got[name]; !bytes.Equal(g.Bytes(), w.Bytes()) {
				return Refused, fmt.Errorf("kernel %s: output %q has other bits", kernel, name)
			}
		}
	}
	if first != nil {
		return Refused, refusal(first)
	}
	p, err := exact.New(lowered, exact.Config{Limits: smallLimits})
	if err != nil {
		return Refused, err
	}
	shapes := map[string][]int{}
	for name, t := range given {
		shapes[name] = t.Shape
	}
	bound, err := p.Bound(shapes)
	if err != nil {
		return Ran, refusal(err)
	}
	if _, err := run(exact.Config{Limits: exact.Limits{Total: max(1, bound.Bytes), Work: max(1, bound.Multiplies)}}); err != nil {
		return Refused, fmt.Errorf("beyond its bound of %d bytes and %d multiply-adds: %w", bound.Bytes, bound.Multiplies, err)
	}
	return Bounded, nil
}

// refusal is nil for an error of a known type.
func refusal(err error) error {
	var e *exact.Error
	var l *lower.Error
	var o *onnx.Error
	if errors.As(err, &e) || errors.As(err, &l) || errors.As(err, &o) {
		return nil
	}
	return fmt.Errorf("an error without a type: %w", err)
}
