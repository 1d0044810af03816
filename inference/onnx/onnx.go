// Package onnx reads ONNX model files strictly and turns them into a [Graph]: nodes, attributes, constant tensors,
// inputs and outputs with their symbolic dimensions, the bodies of If, Loop and Scan, and the functions that a model
// defines itself. [Encode] writes a graph again, [Inline] puts what functions do in the place of their calls, and
// the package shape below infers the shapes of all values.
//
// A file is refused, with an [*Error] that says where and in which node, when it is truncated, repeats a field that
// may occur once, holds a field this reader does not know, names a value twice, reads a value that nothing produces,
// runs in a circle, calls a function of its own in a circle, keeps data where it cannot be, or goes over the [Limits],
// which are checked before memory is taken. Metadata that cannot change an answer (documentation, producer) is
// skipped; types that the file declares for inner values are kept as advice.
//
// Tensors alias the bytes given to [Parse], and those of the files beside the model that [ParseExternal] is handed,
// so the caller must not change them afterwards. inference/modelfile opens models on disk that way.
// inference/lower and inference/exact decide which operators they know.
package onnx

// Graph is a model after all checks: every name is defined once and before it is read. The body of an If, Loop or
// Scan is a Graph as well; its nodes may read the names of the graphs around it, and what belongs to the whole
// model (IRVersion, Opset, Opsets, Functions) is empty in it.
type Graph struct {
	Name      string
	IRVersion int64
	// Opset is the version of the default operator set, 0 when the model does not import it. It is at least 7: an
	// older version of which no node means anything else in 7 is raised to it.
	Opset int64
	// Opsets holds the version of every operator set that the model imports, by domain; "" is the default one.
	Opsets map[string]int64
	// Nodes are in the file's order, which is an order of evaluation.
	Nodes []Node
	// Initializers are the model's constants. One that is also declared as an input is a constant here:
	// Inputs does not list it.
	Initializers []Tensor
	// Sparse are the constants given by their elements other than zero, named by their Values.
	Sparse  []Sparse
	Inputs  []Value
	Outputs []Value
	// Values are types that the file declares for inner values. Nothing checks them: they are advice.
	Values []Value
	// Functions are the operators that the model defines itself. [Inline] replaces their calls.
	Functions []Function
}

// Node is one operator. An empty string among Inputs or Outputs is an optional one left out.
type Node struct {
	// Name is the file's, or when the file gives none, one made of the operator and the node's index.
	Name       string
	Domain     string
	Op         string
	Overload   string // tells functions of one name apart; empty for everything else
	Inputs     []string
	Outputs    []string
	Attributes []Attribute
}

// Attribute finds an attribute by name; nil when the node does not have it.
func (n *Node) Attribute(name string) *Attribute {
	for i := range n.Attributes {
		if n.Attributes[i].Name == name {
			return &n.Attributes[i]
		}
	}
	return nil
}

// AttributeKind says which field of an [Attribute] holds its value, with ONNX's numbers.
type AttributeKind int32

// The kinds of attribute.
const (
	KindFloat   AttributeKind = 1
	KindInt     AttributeKind = 2
	KindString  AttributeKind = 3
	KindTensor  AttributeKind = 4
	KindGraph   AttributeKind = 5
	KindFloats  AttributeKind = 6
	KindInts    AttributeKind = 7
	KindStrings AttributeKind = 8
	KindTensors AttributeKind = 9
	KindGraphs  AttributeKind = 10
	KindSparse  AttributeKind = 11
	KindSparses AttributeKind = 12
	KindType    AttributeKind = 13
	KindTypes   AttributeKind = 14
)

// Attribute is a named constant of a node.
type Attribute struct {
	Name string
	Kind AttributeKind
	// Ref is set inside a [Function] alone: the attribute takes the value of the call's attribute of this name.
	Ref     string
	Float   float32
	Int     int64
	String  string
	Tensor  *Tensor
	Graph   *Graph
	Floats  []float32
	Ints    []int64
	Strings []string
	Tensors []Tensor
	Graphs  []*Graph
	Sparse  *Sparse
	Sparses []Sparse
	Type    *Type
	Types   []Type
}

// Function is an operator that the model defines by nodes. Its nodes see its inputs and their own outputs only.
type Function struct {
	Domain   string
	Name     string
	Overload string
	Inputs   []string
	Outputs  []string
	// Attributes are the names of the parameters without a default, Defaults the others.
	Attributes []string
	Defaults   []Attribute
	// Opsets are the operator sets that the body is written in, by domain.
	Opsets map[string]int64
	Nodes  []Node
	Values []Value // as in [Graph]
}

// Tensor is a constant. Raw holds the elements row-major and little-endian, whatever field of the file they
// came in; a bool is one byte, 0 or 1; types of fewer than 8 bits stay packed (see [Unpack]) and end in zero bits.
type Tensor struct {
	Name    string
	DType   DType
	Shape   []int64
	Raw     []byte
	Strings []string // the elements of a tensor of strings, which has no Raw
}

// Sparse is a constant that is zero but for some elements.
type Sparse struct {
	Values  Tensor // of one dimension; its name is the constant's
	Indices Tensor // int64, ascending: one flat index for each value, or one row of indices
	Shape   []int64
}

// Value declares an input, an output or an inner value.
type Value struct {
	Name string
	// DType is 0 for what is no dense tensor, and in a body also where the file declares no type.
	DType DType
	// Shape is nil when the file declares no shape, not even a rank.
	Shape []Dim
	// Type is set for what is no dense tensor.
	Type *Type
}

// TypeKind says what a [Type] describes, with the numbers of TypeProto's fields.
type TypeKind int32

// The kinds of type. Opaque types are refused.
const (
	TypeTensor   TypeKind = 1
	TypeSequence TypeKind = 4
	TypeMap      TypeKind = 5
	TypeSparse   TypeKind = 8
	TypeOptional TypeKind = 9
)

// Type is a type in full.
type Type struct {
	Kind  TypeKind
	DType DType // of a tensor's elements or a map's keys
	Shape []Dim // of a tensor, as in [Value]
	// Element is what a sequence or optional holds, or a map's values; nil when the file does not say.
	Element *Type
}

// Dim is one dimension: a size, or when Size is -1 a symbol; both unknown is Size -1 and no symbol.
type Dim struct {
	Size   int64
	Symbol string
}

// Parse reads a model that holds all its data. Every error is an [*Error].
func Parse(data []byte, limits Limits) (*Graph, error) { return ParseExternal(data, limits, nil) }

// ParseExternal reads a model whose larger tensors may lie in other files. Every error is an [*Error].
func ParseExternal(data []byte, limits Limits, files External) (*Graph, error) {
	limits = limits.withDefaults()
	if len(data) > limits.Bytes {
		return nil, &Error{Kind: ErrLimit, Offset: 0, Reason: sprintf("file of %d bytes, limit %d", len(data), limits.Bytes)}
	}
	p := parser{limits: limits, files: files, model: &Graph{Opsets: map[string]int64{}}}
	if err := p.readModel(data); err != nil {
		return nil, err
	}
	if err := check(p.model); err != nil {
		if e, ok := err.(*Error); ok && e.Offset < 0 && e.Node != "" {
			e.Offset = locate(data, e.Node)
		}
		return nil, err
	}
	lift(p.model)
	return p.model, nil
}

// lift brings operator sets before the first that is known up to it; no node of the model tells them apart.
func lift(g *Graph) {
	up := func(opsets map[string]int64) {
		if v, ok := opsets[""]; ok && v < firstOpset {
			opsets[""] = firstOpset
		}
	}
	up(g.Opsets)
	for i := range g.Functions {
		up(g.Functions[i].Opsets)
	}
	g.Opset = g.Opsets[""]
}
