package exact

import (
	"assay/inference/exact/internal/kernel"
	"assay/inference/ir"
	"assay/inference/tensor"
)

// operator is the definition of one operator of docs/ir-v1.md.
type operator struct {
	minIn, maxIn int      // number of inputs; only the first minIn must be given
	out          int      // number of outputs that infer gives; a node may want fewer
	attributes   []string // those it knows; any other is refused
	bodies       int
	optional     bool // even the first minIn may be left out, but have their places
	spare        bool // output 0 need not be made for the others
	bind         func(*binder) (eval, error)
}

// eval is an operator bound to a node: attributes read, constant operands taken in.
type eval struct {
	// infer gives type and shape of every output. It is called before every evaluation, with all values known, and by
	// [Program.Bound], with few: where it needs a value that is not known it returns errDynamic (see [Spec.ints]).
	// Everything that can be wrong with operands is found here: compute cannot fail on shapes or types.
	infer func(in []Spec) ([]Spec, error)
	// compute fills the outputs, whose bytes are arbitrary before; nil where in or out is left out or not wanted, but for
	// output 0 of an operator that is not spare.
	compute func(c *call, in, out []*Tensor) error
	// view says that output 0 is input 0 under another shape; there is no compute.
	view bool
	// inPlace lists the inputs whose memory output 0 may take over when nobody else needs it and the size is the same.
	inPlace []int
	// whole, instead of infer and compute, is for control flow: it makes its outputs itself.
	whole func(c *call, in []*Tensor) ([]Tensor, error)
	// bound, for control flow, is what infer cannot say: the outputs and the cost of a run.
	bound func(b *bounder, in []Spec) ([]Spec, error)
	// scratch is how many bytes of temporary memory compute takes at most, rounded up as [memory] does; nil is the rule
	// of scratchOf.
	scratch func(in, out []Spec) int64
	// cost says what an evaluation takes; nil is a default by the size of operands.
	cost func(in, out []Spec) Cost
}

// Cost is what an evaluation takes at most.
type Cost struct {
	Multiplies   int64 // multiply-adds of products
	Instructions int64 // of a canister, estimated from above
	counted      bool  // the multiply-adds are among the instructions
}

// perElement is the cost of n instructions for every element of the first output.
func perElement(n int64) func(in, out []Spec) Cost {
	return func(_, out []Spec) Cost { return Cost{Instructions: n * int64(tensor.Product(out[0].Shape))} }
}

// Spec is what is known of a value before it is computed.
type Spec struct {
	DType tensor.DType // 0 is an input left out
	Shape []int
	Value *Tensor // nil when the elements are not known
}

// given reports whether the input is not left out.
func (s *Spec) given() bool { return s.DType != 0 }

// like is a new value of the same type and shape.
func (s *Spec) like() Spec { return Spec{DType: s.DType, Shape: s.Shape} }

func one(dtype tensor.DType, shape []int) []Spec { return []Spec{{DType: dtype, Shape: shape}} }

// ints reads a small list of integers that decides a shape: axes, sizes, starts. A scalar is a list of one.
func (s *Spec) ints(what string, longest int) ([]int, error) {
	if len(s.Shape) > 1 || s.DType != tensor.Int64 && s.DType != tensor.Int32 {
		return nil, fail(ErrShape, "%s is %v of shape %v, want a list of integers", what, s.DType, s.Shape)
	}
	n := tensor.Product(s.Shape)
	if n > longest {
		return nil, fail(ErrShape, "%s has %d entries, at most %d make sense", what, n, longest)
	}
	if s.Value == nil {
		return nil, fail(ErrDynamic, "%s depends on the data", what)
	}
	out := make([]int, 0, n)
	if s.DType == tensor.Int64 {
		for _, v := range s.Value.Int64s() {
			out = append(out, clampInt(v))
		}
		return out, nil
	}
	for _, v := range s.Value.Int32s() {
		out = append(out, int(v))
	}
	return out, nil
}

// known gives the elements of a value that decides a shape in other ways than [Spec.ints].
func (s *Spec) known(what string) (*Tensor, error) {
	if s.Value == nil {
		return nil, fail(ErrDynamic, "%s depends on the data", what)
	}
	return s.Value, nil
}

// clampInt keeps sizes and positions in 32 bits, where all legal ones are, so that int may be 32 bits wide.
func clampInt(v int64) int { return int(min(max(v, -1<<31+1), 1<<31-1)) }

// binder is what an operator sees of its node when it is bound.
type binder struct {
	node   *ir.Node
	set    *kernel.Set
	limits Limits
	graph  *ir.Graph
	config Config
	loader *loader
	taken  map[int]bool
	err    error // the first attribute of a wrong kind
}

// constant gives the elements of input i when they are known before a run, else nil. A quantised constant is expanded.
func (b *binder) constant(i int) *Tensor {
	if i >= len(b.node.In) || b.node.In[i] == ir.None {
		return nil
	}
	return b.loader.constant(b.node.In[i])
}

// quant gives input i when it is a quantised constant, else nil.
func (b *binder) quant(i int) *ir.Quant {
	if i >= len(b.node.In) || b.node.In[i] == ir.None {
		return nil
	}
	if c := b.graph.Constant(b.node.In[i]); c != nil {
		return c.Quant
	}
	return nil
}

// stored gives input i when it is a constant whose elements lie outside, else nil.
func (b *binder) stored(i int) *ir.Constant {
	if !b.isConstant(i) {
		return nil
	}
	if c := b.graph.Constant(b.node.In[i]); c.Stored != nil {
		return c
	}
	return nil
}

// isConstant reports whether input i is known before a run, without reading it.
func (b *binder) isConstant(i int) bool {
	return i < len(b.node.In) && b.node.In[i] != ir.None && b.graph.Constant(b.node.In[i]) != nil
}

// take says that the operator keeps what it needs of constant input i and will not read it in a run; in and infer
// then see its type and shape, never its elements.
func (b *binder) take(i int) {
	if b.taken == nil {
		b.taken = map[int]bool{}
	}
	b.taken[i] = true
}

func (b *binder) attribute(name string, kind ir.Kind) *ir.Attr {
	a := b.node.Attr(name)
	if a != nil && a.Kind != kind {
		if b.err == nil {
			b.err = fail(ErrShape, "attribute %q is of kind %d, want %d", name, a.Kind, kind)
		}
		return nil
	}
	return a
}

func (b *binder) int(name string, otherwise int64) int {
	if a := b.attribute(name, ir.KindInt); a != nil {
		return clampInt(a.Int)
	}
	return clampInt(otherwise)
}

func (b *binder) bool(name string, otherwise bool) bool {
	if a := b.attribute(name, ir.KindInt); a != nil {
		return a.Int != 0
	}
	return otherwise
}

func (b *binder) float(name string, otherwise float32) float32 {
	if a := b.attribute(name, ir.KindFloat); a != nil {
		return a.Float
	}
	return otherwise
}

func (b *binder) text(name, otherwise string) string {
	if a := b.attribute(name, ir.KindText); a != nil {
		return a.Text
	}
	return otherwise
}

// ints gives a list attribute, nil when it is not there.
func (b *binder) ints(name string) []int {
	a := b.attribute(name, ir.KindInts)
	if a == nil {
		return nil
	}
	out := make([]int, len(a.Ints))
	for i, v := range a.Ints {
		out[i] = clampInt(v)
	}
	return out
}

func (b *binder) floats(name string) []float32 {
	if a := b.attribute(name, ir.KindFloats); a != nil {
		return a.Floats
	}
	return nil
}

func (b *binder) texts(name string) []string {
	if a := b.attribute(name, ir.KindTexts); a != nil {
		return a.Texts
	}
	return nil
}

// axis brings an axis that may count from the end into 0 … rank-1.
func axis(a, rank int) (int, error) {
	if a < -rank || a >= rank {
		return 0, fail(ErrShape, "axis %d of a tensor of %d dimensions", a, rank)
	}
	if a < 0 {
		a += rank
	}
	return a, nil
}

// axisSet marks axes, each at most once.
func axisSet(axes []int, rank int) ([]bool, error) {
	set := make([]bool, rank)
	for _, a := range axes {
		a, err := axis(a, rank)
		if err != nil {
			return nil, err
		}
		if set[a] {
			return nil, fail(ErrShape, "axis %d given twice", a)
		}
		set[a] = true
	}
	return set, nil
}
