package exam

import (
	"errors"
	"fmt"

	"assay/inference/exact"
	"assay/inference/ir"
	"assay/inference/lower"
	"assay/inference/onnx"
	"assay/inference/tensor"
)

// Unsupported says that a model is legal but needs what the executor does not have.
type Unsupported struct {
	Op     string // the operator; empty when it is not one
	Reason string
}

func (u *Unsupported) Error() string {
	if u.Op == "" {
		return "unsupported: " + u.Reason
	}
	return "unsupported: operator " + u.Op + ": " + u.Reason
}

// Supported refuses a model with a declared input or output that is not a tensor of numbers, as an [*Unsupported].
func Supported(model []byte) error {
	inputs, outputs, err := Declared(model)
	if err != nil {
		return fmt.Errorf("read model: %w", err)
	}
	for _, d := range append(inputs, outputs...) {
		if d.Kind != "tensor" {
			return &Unsupported{Reason: fmt.Sprintf("%q is no tensor of numbers but of the kind: %s", d.Name, d.Kind)}
		}
	}
	return nil
}

// Run evaluates a model and gives its declared outputs in order. inputs go by position with the declared inputs that
// have no constant; nil stands for one that is left out. What the executor does not support comes back as an [*Unsupported].
func Run(model []byte, inputs []*Value) ([]Value, error) {
	if err := Supported(model); err != nil {
		return nil, err
	}
	graph, err := onnx.Parse(model, onnx.Limits{})
	if err != nil {
		return nil, Typed(err)
	}
	return RunGraph(graph, inputs)
}

// RunGraph is Run for a model that has been read.
func RunGraph(graph *onnx.Graph, inputs []*Value) ([]Value, error) {
	if len(inputs) > len(graph.Inputs) {
		return nil, fmt.Errorf("%d inputs given, the model declares %d without a constant", len(inputs), len(graph.Inputs))
	}
	given := map[string]Value{}
	for i, v := range inputs {
		if v != nil {
			given[graph.Inputs[i].Name] = *v
		}
	}
	return evaluate(graph, given, Options{})
}

// Options is how [Evaluate] runs a model; the zero value is the executor's own choice, on one thread.
type Options struct {
	Kernel   string
	Parallel exact.Parallel
	Stored   bool // the lowered graph is encoded and read back first
	Pieces   bool // the run pauses whenever it may
	Bounded  bool // the run gets no more memory and multiply-adds than the bound that shapes alone give
}

// ErrDynamic is what a bounded evaluation of a model fails with whose shapes depend on its data.
var ErrDynamic = exact.ErrDynamic

// Kernels lists what Options.Kernel may name on this machine.
func Kernels() []string { return exact.Kernels() }

// Evaluate is the door to the executor: everything in this folder goes through it.
func Evaluate(model []byte, inputs map[string]Value, o Options) ([]Value, error) {
	graph, err := onnx.Parse(model, onnx.Limits{})
	if err != nil {
		return nil, Typed(err)
	}
	return evaluate(graph, inputs, o)
}

func evaluate(parsed *onnx.Graph, inputs map[string]Value, o Options) ([]Value, error) {
	graph, err := lowered(parsed, o.Stored)
	if err != nil {
		return nil, Typed(err)
	}
	config := exact.Config{Kernel: o.Kernel}
	program, err := exact.New(graph, config)
	if err == nil && o.Bounded {
		config.Limits, err = limits(program, inputs)
		if err == nil {
			program, err = exact.New(graph, config)
		}
	}
	if err != nil {
		return nil, Typed(err)
	}
	in := map[string]exact.Tensor{}
	for name, v := range inputs {
		if in[name], err = toTensor(&v); err != nil {
			return nil, err
		}
	}
	run := program.Run
	if o.Pieces {
		run = func(in map[string]exact.Tensor, _ exact.Parallel) (map[string]exact.Tensor, error) {
			return pieces(program, in)
		}
	}
	results, err := run(in, o.Parallel)
	if err != nil {
		return nil, Typed(err)
	}
	var out []Value
	for _, declared := range program.Outputs() {
		t := results[declared.Name]
		out = append(out, fromTensor(declared.Name, &t))
	}
	return out, nil
}

func lowered(graph *onnx.Graph, stored bool) (*ir.Graph, error) {
	made, err := lower.Lower(graph)
	if err != nil || !stored {
		return made, err
	}
	data, err := ir.Encode(made)
	if err != nil {
		return nil, err
	}
	read, err := ir.Decode(data)
	if err != nil {
		return nil, err
	}
	before, err := ir.Root(made)
	if err != nil {
		return nil, err
	}
	after, err := ir.Root(read)
	if err == nil && before != after {
		err = fmt.Errorf("read back, the graph has another root")
	}
	return read, err
}

// limits are exactly what the bound of the inputs' shapes says.
func limits(p *exact.Program, inputs map[string]Value) (exact.Limits, error) {
	shapes := map[string][]int{}
	for name, v := range inputs {
		shape := make([]int, len(v.Shape))
		for i, d := range v.Shape {
			shape[i] = int(d)
		}
		shapes[name] = shape
	}
	b, err := p.Bound(shapes)
	return exact.Limits{Total: max(1, b.Bytes), Work: max(1, b.Multiplies)}, err
}

// pieces runs the pieces of work one after the other, the last first, as whoever pauses between them may.
func pieces(p *exact.Program, in map[string]exact.Tensor) (map[string]exact.Tensor, error) {
	return p.Run(in, func(n int, f func(i int)) {
		for i := n - 1; i >= 0; i-- {
			f(i)
		}
	})
}

// Typed turns the refusals of reader, lowering and executor into an [*Unsupported].
func Typed(err error) error {
	var e *exact.Error
	var l *lower.Error
	switch {
	case errors.As(err, &l) && errors.Is(err, lower.ErrUnsupported):
		return &Unsupported{Op: l.Op, Reason: l.Reason}
	case errors.As(err, &e) && errors.Is(err, exact.ErrUnsupported):
		return &Unsupported{Op: e.Op, Reason: e.Reason}
	case errors.Is(err, onnx.ErrUnsupported):
		return &Unsupported{Reason: err.Error()}
	}
	return err
}

func toTensor(v *Value) (exact.Tensor, error) {
	shape := make([]int, len(v.Shape))
	for i, d := range v.Shape {
		shape[i] = int(d)
	}
	dtype := tensor.DType(v.DType)
	if dtype.Size() == 0 {
		return exact.Tensor{}, &Unsupported{Reason: fmt.Sprintf("input %q of element type %d", v.Name, v.DType)}
	}
	raw := v.Raw
	if onnx.Packed(v.DType) {
		raw = onnx.Unpack(v.DType, raw, tensor.Product(shape))
	}
	return tensor.Over(dtype, raw, shape...)
}

func fromTensor(name string, t *exact.Tensor) Value {
	v := Value{Name: name, DType: onnx.DType(t.DType), Raw: t.Bytes()}
	if onnx.Packed(v.DType) {
		v.Raw = pack(v.Raw, v.DType.Bits())
	}
	for _, d := range t.Shape {
		v.Shape = append(v.Shape, int64(d))
	}
	return v
}

// pack puts elements of fewer than eight bits together, the first in the lowest bits.
func pack(elements []byte, bits int) []byte {
	out := make([]byte, (len(elements)*bits+7)/8)
	for i, e := range elements {
		at := i * bits
		out[at/8] |= e & (1<<bits - 1) << (at % 8)
	}
	return out
}
