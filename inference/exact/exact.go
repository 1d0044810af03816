// Package exact runs models so that the same model and input give the same bits on every CPU, with any number
// of threads, and inside a canister. Its rules are called "ir 0"; docs/decisions/0008-exact-inference-ir0.md
// gives them in full. In short: float32 throughout; a product is rounded before it is added; the sum of a
// matrix product runs over ascending k in one accumulator from +0; a sum over a row runs in sixteen
// interleaved lanes joined by a fixed tree; exp, erf and tanh are this package's own polynomials; NaN has one
// spelling; a result never depends on what else is in the batch.
//
// [Compile] turns an onnx.Graph into a [Program], computes once what does not depend on the input (so int8
// weights become float32 then) and packs constant matrices; [Program.Run] evaluates it. inference/pipeline
// calls both. The package starts no goroutines and reads no files or clocks: the caller of Run brings the
// threads as a function, or none.
package exact

import (
	"fmt"
	"slices"

	"assay/inference/onnx"
)

// Config holds the optional settings of [Compile]; its zero value works.
type Config struct {
	// Kernel names the matrix kernel, one of [Kernels]; empty means the fastest that this CPU has. Every kernel
	// gives the same bits.
	Kernel string
	// Limits bounds memory and work; zero fields mean the defaults.
	Limits Limits
}

// Limits bounds what a program may take. All counts are checked before memory is allocated or work is done.
type Limits struct {
	Elements int64 // of one tensor; default 2^27
	Total    int64 // of all tensors made by Compile, and by one Run; default 2^30
	Work     int64 // multiply-adds of all matrix products of one Run; default 2^40
}

func (l Limits) withDefaults() Limits {
	set := func(field *int64, value int64) {
		if *field <= 0 {
			*field = value
		}
	}
	set(&l.Elements, 1<<27)
	set(&l.Total, 1<<30)
	set(&l.Work, 1<<40)
	return l
}

// Program is a compiled model. It does not change after Compile, so any number of Runs may go on at once.
type Program struct {
	kernel    *kernel
	limits    Limits
	inputs    []declared
	outputs   []declared
	constants []*Tensor // by slot; nil where a slot is filled by an input or a step
	steps     []step
}

type declared struct {
	onnx.Value
	slot int
}

// step is one node that must be evaluated in every Run.
type step struct {
	name, op string
	in       []int // slots; -1 is an input left out
	out      []int // slots; -1 is an output that nobody reads
	eval     evalFunc
	done     []int // slots that no later step reads
}

// evalFunc computes the outputs of one node. in has an entry per input, nil where it is left out.
type evalFunc func(c *call, in []*Tensor) ([]*Tensor, error)

// Parallel runs f(0) … f(n-1) in any order, at the same time if it likes, and returns when all are done.
type Parallel = func(n int, f func(i int))

// call is what one evaluation may use.
type call struct {
	kernel   *kernel
	parallel Parallel
	limits   Limits
	total    int64 // elements made so far
	work     int64 // multiply-adds so far
}

func serial(n int, f func(i int)) {
	for i := range n {
		f(i)
	}
}

// Inputs are the declared inputs that a Run must be given.
func (p *Program) Inputs() []onnx.Value { return values(p.inputs) }

// Outputs are the declared outputs, in the model's order.
func (p *Program) Outputs() []onnx.Value { return values(p.outputs) }

// Kernel is the name of the matrix kernel in use.
func (p *Program) Kernel() string { return p.kernel.name }

func values(list []declared) []onnx.Value {
	out := make([]onnx.Value, len(list))
	for i, d := range list {
		out[i] = d.Value
		out[i].Shape = slices.Clone(d.Shape)
	}
	return out
}

// Run evaluates the program and returns every declared output by name. Inputs are not changed and outputs belong to
// the caller. A nil parallel means one thread. Errors are [*Error]; nothing is kept between Runs.
// NaN and infinities may occur in an output: whether that is a failure is the caller's to decide (see [Tensor.Finite]).
func (p *Program) Run(inputs map[string]Tensor, parallel Parallel) (map[string]Tensor, error) {
	slots := slices.Clone(p.constants)
	if err := p.bind(inputs, slots); err != nil {
		return nil, err
	}
	if parallel == nil {
		parallel = serial
	}
	c := &call{kernel: p.kernel, parallel: parallel, limits: p.limits}
	var in []*Tensor
	for i := range p.steps {
		s := &p.steps[i]
		in = in[:0]
		for _, slot := range s.in {
			if slot < 0 {
				in = append(in, nil)
			} else {
				in = append(in, slots[slot])
			}
		}
		out, err := s.eval(c, in)
		if err != nil {
			return nil, inNode(err, s.name, s.op)
		}
		for j, slot := range s.out {
			if slot >= 0 {
				slots[slot] = out[j]
			}
		}
		for _, slot := range s.done {
			slots[slot] = nil
		}
	}
	results := make(map[string]Tensor, len(p.outputs))
	for _, d := range p.outputs {
		t := slots[d.slot]
		if t.DType != d.DType {
			return nil, &Error{Kind: ErrShape, Reason: fmt.Sprintf("output %q is %v, declared %v", d.Name, t.DType, d.DType)}
		}
		results[d.Name] = t.clone()
	}
	return results, nil
}

// bind checks the inputs against their declarations and puts them into their slots.
func (p *Program) bind(inputs map[string]Tensor, slots []*Tensor) error {
	symbols := map[string]int{}
	for _, d := range p.inputs {
		t, ok := inputs[d.Name]
		if !ok {
			return &Error{Kind: ErrInput, Reason: fmt.Sprintf("input %q is missing", d.Name)}
		}
		if err := t.check(p.limits.Elements); err != nil {
			return &Error{Kind: ErrInput, Reason: fmt.Sprintf("input %q: %v", d.Name, err)}
		}
		if err := fitsDeclared(d.Value, &t, symbols); err != nil {
			return &Error{Kind: ErrInput, Reason: fmt.Sprintf("input %q: %v", d.Name, err)}
		}
		t.canonical()
		slots[d.slot] = &t
	}
	if len(inputs) != len(p.inputs) {
		return &Error{Kind: ErrInput, Reason: fmt.Sprintf("%d inputs given, the model has %d", len(inputs), len(p.inputs))}
	}
	return nil
}

func fitsDeclared(v onnx.Value, t *Tensor, symbols map[string]int) error {
	if t.DType != v.DType {
		return fmt.Errorf("is %v, declared %v", t.DType, v.DType)
	}
	if v.Shape == nil {
		return nil
	}
	if len(t.Shape) != len(v.Shape) {
		return fmt.Errorf("has %d dimensions, declared %d", len(t.Shape), len(v.Shape))
	}
	for i, d := range v.Shape {
		size := t.Shape[i]
		if d.Size >= 0 && int64(size) != d.Size {
			return fmt.Errorf("dimension %d is %d, declared %d", i, size, d.Size)
		}
		if d.Symbol == "" {
			continue
		}
		if bound, ok := symbols[d.Symbol]; ok && bound != size {
			return fmt.Errorf("dimension %d (%s) is %d, but %d elsewhere", i, d.Symbol, size, bound)
		}
		symbols[d.Symbol] = size
	}
	return nil
}
