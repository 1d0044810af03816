package exam

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"

	"assay/inference/exact"
	"assay/inference/onnx"
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
			return &Unsupported{Reason: fmt.Sprintf("%q is a %s", d.Name, d.Kind)}
		}
	}
	return nil
}

// Run evaluates a model and gives its declared outputs in order. inputs go with the declared inputs by position;
// nil stands for one that is left out. What the executor does not support comes back as an [*Unsupported].
func Run(model []byte, inputs []*Value) ([]Value, error) {
	if err := Supported(model); err != nil {
		return nil, err
	}
	declared, _, err := Declared(model)
	if err != nil {
		return nil, err
	}
	if len(inputs) > len(declared) {
		return nil, fmt.Errorf("%d inputs given, the model declares %d", len(inputs), len(declared))
	}
	given := map[string]Value{}
	for i, v := range inputs {
		if v != nil {
			given[declared[i].Name] = *v
		}
	}
	return Evaluate(model, given, Options{})
}

// Options is how [Evaluate] runs a model; the zero value is the executor's own choice, on one thread.
type Options struct {
	Kernel   string
	Parallel exact.Parallel
}

// Kernels lists what Options.Kernel may name on this machine.
func Kernels() []string { return exact.Kernels() }

// Evaluate is the door to the executor: everything in this folder goes through it.
func Evaluate(model []byte, inputs map[string]Value, o Options) ([]Value, error) {
	graph, err := onnx.Parse(model, onnx.Limits{})
	if err != nil {
		return nil, typed(err)
	}
	program, err := exact.CompileWith(graph, exact.Config{Kernel: o.Kernel})
	if err != nil {
		return nil, typed(err)
	}
	in := map[string]exact.Tensor{}
	for name, v := range inputs {
		if in[name], err = toTensor(&v); err != nil {
			return nil, err
		}
	}
	results, err := program.Run(in, o.Parallel)
	if err != nil {
		return nil, typed(err)
	}
	var out []Value
	for _, declared := range program.Outputs() {
		t := results[declared.Name]
		out = append(out, fromTensor(declared.Name, &t))
	}
	return out, nil
}

// typed turns the refusals of reader and executor into an Unsupported.
func typed(err error) error {
	var e *exact.Error
	switch {
	case errors.As(err, &e) && errors.Is(err, exact.ErrUnsupported):
		return &Unsupported{Op: e.Op, Reason: e.Reason}
	case errors.Is(err, onnx.ErrUnsupported):
		return &Unsupported{Reason: err.Error()}
	}
	return err
}

func toTensor(v *Value) (exact.Tensor, error) {
	t := exact.Tensor{DType: v.DType}
	for _, d := range v.Shape {
		t.Shape = append(t.Shape, int(d))
	}
	for i := range v.Elements() {
		switch v.DType {
		case exact.Float32:
			t.F32 = append(t.F32, math.Float32frombits(binary.LittleEndian.Uint32(v.Raw[4*i:])))
		case exact.Uint8:
			t.U8 = append(t.U8, v.Raw[i])
		case exact.Int8:
			t.I8 = append(t.I8, int8(v.Raw[i]))
		case exact.Int32:
			t.I32 = append(t.I32, int32(binary.LittleEndian.Uint32(v.Raw[4*i:])))
		case exact.Int64:
			t.I64 = append(t.I64, int64(binary.LittleEndian.Uint64(v.Raw[8*i:])))
		case exact.Bool:
			t.Bool = append(t.Bool, v.Raw[i] != 0)
		default:
			return t, &Unsupported{Reason: fmt.Sprintf("input %q of element type %d", v.Name, v.DType)}
		}
	}
	return t, nil
}

func fromTensor(name string, t *exact.Tensor) Value {
	v := Value{Name: name, DType: t.DType, Raw: t.Bytes()}
	for _, d := range t.Shape {
		v.Shape = append(v.Shape, int64(d))
	}
	return v
}
