// Package ir is the form in which models are computed: Assay-IR, version 1. A [Graph] is a list of nodes in order of
// evaluation, each an operator of docs/ir-v1.md with its attributes, over values that are numbered: first the
// inputs, then the constants, then what the nodes make. Nothing in it depends on the file a model came from:
// inference/lower makes graphs from ONNX, inference/exact runs them.
package ir

import (
	"fmt"
	"io"

	"assay/inference/tensor"
)

// Version of the operators' meaning. It changes when any result of any operator may change by a bit.
const Version = 1

// ID numbers a value of a graph.
type ID = int32

// None stands for an input or output left out.
const None ID = -1

// Graph is a model, or the body of a control-flow node. The body sees nothing of the graph around it: values that it
// uses from there are handed in as its last inputs.
type Graph struct {
	Inputs    []Value    // values 0 … len(Inputs)-1
	Constants []Constant // the values after them
	Nodes     []Node     // their outputs follow, node by node
	Outputs   []Output
}

// Value declares an input.
type Value struct {
	Name  string
	DType tensor.DType
	Shape []Dim
	// Unranked says that not even the number of dimensions is known; Shape is empty then.
	Unranked bool
}

// Dim is one dimension: a size, or when Size is -1 a symbol, which stands for one size throughout the graph's inputs;
// both unknown is Size -1 and no symbol.
type Dim struct {
	Size   int64
	Symbol string
}

// Output names a value that the graph gives back. DType is 0 when the model does not declare it.
type Output struct {
	Name  string
	Value ID
	DType tensor.DType
}

// Constant is a value that the model holds. When Quant is nil its elements are Data. When Stored is set the elements, or
// the whole numbers of Quant, lie outside and Data or Quant.Q has a type and a shape alone.
type Constant struct {
	Name   string // a label, for people
	Data   tensor.Tensor
	Quant  *Quant
	Stored *Stored
}

// Stored says where elements lie.
type Stored struct {
	From   io.ReaderAt
	Offset int64
}

// Elements gives the elements, or for a quantised constant the whole numbers; those that are stored are read.
func (c *Constant) Elements() (tensor.Tensor, error) {
	t := c.Data
	if c.Quant != nil {
		t = c.Quant.Q
	}
	if c.Stored == nil {
		return t, nil
	}
	out := tensor.New(t.DType, t.Shape...)
	return out, c.Read(out.Bytes(), 0)
}

// Read copies elements from the first one given on, as many as p has bytes for.
func (c *Constant) Read(p []byte, first int) error {
	t := &c.Data
	if c.Quant != nil {
		t = &c.Quant.Q
	}
	at := first * t.DType.Size()
	if c.Stored == nil {
		copy(p, t.Bytes()[at:at+len(p)])
		return nil
	}
	if n, err := c.Stored.From.ReadAt(p, c.Stored.Offset+int64(at)); n < len(p) {
		return fmt.Errorf("read constant %q: %w", c.Name, err)
	}
	return nil
}

// Quant is a float32 constant kept as small whole numbers: element = float32(float32(q - zero) · scale), one rounded
// product. Scale and zero have one element, or one per index of Axis.
type Quant struct {
	Q     tensor.Tensor // int8, uint8, int4 or uint4
	Scale []float32
	Zero  []int32 // nil is 0 everywhere
	Axis  int
}

// DType of the constant as operators see it.
func (c *Constant) DType() tensor.DType {
	if c.Quant != nil {
		return tensor.Float32
	}
	return c.Data.DType
}

// Shape of the constant.
func (c *Constant) Shape() []int {
	if c.Quant != nil {
		return c.Quant.Q.Shape
	}
	return c.Data.Shape
}

// Node is one operator.
type Node struct {
	Op    string
	Name  string // a label, for people: where the node came from
	In    []ID   // None where an optional input is left out
	Out   []ID   // None where an output is not wanted; the others count up
	Attrs []Attr // by ascending name
	// Bodies of If (then, else), Loop and Scan (body). A body's inputs are what the operator hands it, then the values
	// captured from outside, which are the node's last inputs, in the same order for each body.
	Bodies []*Graph
}

// Kind says which field of an [Attr] holds its value.
type Kind uint8

// The kinds of attributes.
const (
	KindInt Kind = 1 + iota
	KindFloat
	KindText
	KindInts
	KindFloats
	KindTexts
)

// Attr is a named constant of a node.
type Attr struct {
	Name   string
	Kind   Kind
	Int    int64
	Float  float32
	Text   string
	Ints   []int64
	Floats []float32
	Texts  []string
}

// Attr finds an attribute by name; nil when the node does not have it.
func (n *Node) Attr(name string) *Attr {
	for i := range n.Attrs {
		if n.Attrs[i].Name == name {
			return &n.Attrs[i]
		}
	}
	return nil
}

// First is the number of the first value that a node makes.
func (g *Graph) First() ID { return ID(len(g.Inputs) + len(g.Constants)) }

// Values is how many values the graph has.
func (g *Graph) Values() int {
	n := int(g.First())
	for i := range g.Nodes {
		for _, out := range g.Nodes[i].Out {
			if out != None {
				n++
			}
		}
	}
	return n
}

// Constant gives the constant of a value, nil when the value is not one.
func (g *Graph) Constant(id ID) *Constant {
	i := int(id) - len(g.Inputs)
	if i < 0 || i >= len(g.Constants) {
		return nil
	}
	return &g.Constants[i]
}
