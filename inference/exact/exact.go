// Package exact runs models so that the same model and input give the same bits on every CPU, with any number
// of threads, and inside a canister. What each operator computes, and in which order, is docs/ir-v1.md. In short:
// float32 throughout; a product is rounded before it is added; sums run in one fixed order; exp, erf and the like are
// this package's own polynomials; NaN has one spelling; a row never depends on what else is in the batch.
//
// [New] makes a [Program] of an ir.Graph (inference/lower makes that of an ONNX model): it checks every node and packs
// constant matrices. [Program.Run] evaluates it, [Program.Bound] says beforehand what a run of given
// shapes costs at most, [Program.Trace] commits to what every node gave. The package starts no goroutines and reads no files or clocks: the caller
// of Run brings the threads as a function, or none.
package exact

import (
	"fmt"
	"math"
	"slices"

	"assay/inference/exact/internal/kernel"
	"assay/inference/ir"
	"assay/inference/tensor"
)

// Tensor is what goes in and comes out.
type Tensor = tensor.Tensor

// Config holds the optional settings of [New]; its zero value works.
type Config struct {
	// Kernel names the set of kernels, one of [Kernels]; empty means the fastest that this CPU has. Every set gives the
	// same bits.
	Kernel string
	// Limits bounds memory and work; zero fields mean the defaults.
	Limits Limits
}

// Limits bounds what a program may take. All are checked before memory is allocated or work is done.
type Limits struct {
	Elements int64 // of one tensor; default 2^28
	Total    int64 // bytes of all tensors that live at one time in a Run; default 2^33
	Work     int64 // multiply-adds of all products of one Run, a position of a pool's window counting as one; default 2^42
	Steps    int64 // nodes evaluated in one Run, those in loops each time; default 2^22
}

func (l Limits) withDefaults() Limits {
	set := func(field *int64, value int64) {
		if *field <= 0 {
			*field = value
		}
	}
	set(&l.Elements, 1<<28)
	set(&l.Total, 1<<33)
	set(&l.Work, 1<<42)
	set(&l.Steps, 1<<22)
	return l
}

// Kernels names the sets of kernels that this CPU can run, the fastest first; "go" is always the last.
func Kernels() []string { return kernel.Names() }

// Parallel runs f(0) … f(n-1) in any order, at the same time if it likes, and returns when all are done. Every f is a
// piece of bounded work, about 2^20 multiply-adds at most, and a run does nothing long outside of them: so a function that
// runs one after the other may pause between them, as a canister does that goes on in its next message.
type Parallel = func(n int, f func(i int))

// Program is a graph made ready. It does not change after New, so any number of Runs may go on at once.
type Program struct {
	graph     *ir.Graph
	set       *kernel.Set
	limits    Limits
	nodes     []node
	constants []*Tensor // by value; nil where the value is no constant, or no node reads it at run time
	values    int
	pool      pool
}

// node is one operator of the program.
type node struct {
	*ir.Node
	eval
	in   []ir.ID // what is read at run time: an input taken in by bind is None
	last []ir.ID // values that nobody reads after this node, and which can be given back
}

// Inputs are the declared inputs that a Run must be given.
func (p *Program) Inputs() []ir.Value { return slices.Clone(p.graph.Inputs) }

// Outputs are the declared outputs, in the model's order.
func (p *Program) Outputs() []ir.Output { return slices.Clone(p.graph.Outputs) }

// Kernel is the name of the set of kernels in use.
func (p *Program) Kernel() string { return p.set.Name }

// Run evaluates the program and returns every declared output by name. Inputs are not changed and outputs belong to
// the caller. A nil parallel means one thread. Errors are [*Error]; nothing is kept between Runs but memory to use again.
// NaN and infinities may occur in an output: whether that is a failure is the caller's to decide (see tensor.Finite).
func (p *Program) Run(inputs map[string]Tensor, parallel Parallel) (map[string]Tensor, error) {
	bound, err := p.bind(inputs)
	if err != nil {
		return nil, err
	}
	if parallel == nil {
		parallel = serial
	}
	return p.run(newCall(p, parallel), bound)
}

func serial(n int, f func(i int)) {
	for i := range n {
		f(i)
	}
}

func (p *Program) run(c *call, inputs []Tensor) (map[string]Tensor, error) {
	defer c.memory.done(&p.pool)
	out, err := p.evaluate(c, inputs)
	if err != nil {
		return nil, err
	}
	results := make(map[string]Tensor, len(out))
	for i, o := range p.graph.Outputs {
		if o.DType != 0 && out[i].DType != o.DType {
			return nil, fail(ErrShape, "output %q is %v, declared %v", o.Name, out[i].DType, o.DType)
		}
		results[o.Name] = out[i]
	}
	return results, nil
}

// bind checks the inputs against their declarations and puts them in the graph's order.
func (p *Program) bind(inputs map[string]Tensor) ([]Tensor, error) {
	symbols := map[string]int{}
	out := make([]Tensor, len(p.graph.Inputs))
	for i, v := range p.graph.Inputs {
		t, ok := inputs[v.Name]
		if !ok {
			return nil, fail(ErrInput, "input %q is missing", v.Name)
		}
		if err := check(&t, p.limits.Elements); err != nil {
			return nil, fail(ErrInput, "input %q: %v", v.Name, err)
		}
		if err := fits(v, t.DType, t.Shape, symbols); err != nil {
			return nil, fail(ErrInput, "input %q: %v", v.Name, err)
		}
		out[i] = canonical(t)
	}
	if len(inputs) != len(p.graph.Inputs) {
		return nil, fail(ErrInput, "%d inputs given, the model has %d", len(inputs), len(p.graph.Inputs))
	}
	return out, nil
}

// check compares elements and shape.
func check(t *Tensor, limit int64) error {
	if len(t.Shape) > tensor.MaxRank {
		return fmt.Errorf("has %d dimensions, limit %d", len(t.Shape), tensor.MaxRank)
	}
	n, ok := tensor.Count(t.Shape, limit)
	switch {
	case !ok:
		return fmt.Errorf("shape %v is negative or over %d elements", t.Shape, limit)
	case t.DType.Size() == 0:
		return fmt.Errorf("has the element type %v, which programs do not use", t.DType)
	case len(t.Bytes()) != n*t.DType.Size():
		return fmt.Errorf("holds %d bytes, %v of shape %v wants %d", len(t.Bytes()), t.DType, t.Shape, n*t.DType.Size())
	}
	return nil
}

// canonical gives every NaN the one spelling of its type and every bool one of its two. It copies before it changes
// anything, as the elements are the caller's.
func canonical(t Tensor) Tensor {
	if t.DType != tensor.Bool && t.Finite() { // which is found out faster
		return t
	}
	switch t.DType {
	case tensor.Float32:
		return respelled(t, func(v float32) bool { return v != v }, kernel.Canon(nan()))
	case tensor.Float64:
		return respelled(t, func(v float64) bool { return v != v }, math.Float64frombits(0x7ff8000000000000))
	case tensor.Float16:
		return respelled(t, func(v uint16) bool { return v&0x7fff > 0x7c00 }, 0x7e00)
	case tensor.BFloat16:
		return respelled(t, func(v uint16) bool { return v&0x7fff > 0x7f80 }, 0x7fc0)
	case tensor.Bool:
		return respelled(t, func(v uint8) bool { return v > 1 }, 1)
	}
	return t
}

func nan() float32 { return float32(math.NaN()) }

// respelled replaces elements of a tensor.
func respelled[T uint8 | uint16 | float32 | float64](t Tensor, odd func(T) bool, by T) Tensor {
	at := slices.IndexFunc(tensor.View[T](&t), odd)
	if at < 0 {
		return t
	}
	t = t.Clone()
	list := tensor.View[T](&t)
	for i, v := range list[at:] {
		if odd(v) {
			list[at+i] = by
		}
	}
	return t
}

func fits(v ir.Value, dtype tensor.DType, shape []int, symbols map[string]int) error {
	if dtype != v.DType {
		return fmt.Errorf("is %v, declared %v", dtype, v.DType)
	}
	if v.Unranked {
		return nil
	}
	if len(shape) != len(v.Shape) {
		return fmt.Errorf("has %d dimensions, declared %d", len(shape), len(v.Shape))
	}
	for i, d := range v.Shape {
		size := shape[i]
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
