// Package onnx reads ONNX model files strictly and turns them into a [Graph]: nodes, attributes,
// constant tensors, and inputs and outputs with their symbolic dimensions.
//
// A file is refused, with an [*Error] that says where and in which node, when it is truncated, repeats a
// field that may occur once, holds a field this reader does not know, names a value twice, reads a value that
// nothing produces, runs in a circle, keeps its weights in other files, or goes over the [Limits], which are
// checked before memory is taken. Metadata that cannot change an answer (documentation, producer, value_info)
// is skipped.
//
// inference/exact compiles a Graph and decides which operators it knows; inference/catalog hands in the bytes.
// Tensors alias the bytes given to [Parse], so the caller must not change them afterwards.
package onnx

// DType is an element type, with the numbers of ONNX's TensorProto.DataType.
type DType int32

// The element types that a tensor in a file may have.
const (
	Float32  DType = 1
	Uint8    DType = 2
	Int8     DType = 3
	Uint16   DType = 4
	Int16    DType = 5
	Int32    DType = 6
	Int64    DType = 7
	Bool     DType = 9
	Float16  DType = 10
	Float64  DType = 11
	Uint32   DType = 12
	Uint64   DType = 13
	BFloat16 DType = 16
)

var dtypes = map[DType]struct {
	name string
	size int
}{
	Float32: {"float32", 4}, Uint8: {"uint8", 1}, Int8: {"int8", 1}, Uint16: {"uint16", 2}, Int16: {"int16", 2},
	Int32: {"int32", 4}, Int64: {"int64", 8}, Bool: {"bool", 1}, Float16: {"float16", 2}, Float64: {"float64", 8},
	Uint32: {"uint32", 4}, Uint64: {"uint64", 8}, BFloat16: {"bfloat16", 2},
}

// Size is the number of bytes of one element, 0 for a type this package does not read.
func (d DType) Size() int { return dtypes[d].size }

func (d DType) String() string {
	if t, ok := dtypes[d]; ok {
		return t.name
	}
	return "unknown element type"
}

// Graph is a model after all checks: every name is defined once and before it is read.
type Graph struct {
	Name      string
	IRVersion int64
	// Opset is the version of the default operator set.
	Opset int64
	// Opsets holds the version of every operator set that the model imports, by domain; "" is the default one.
	Opsets map[string]int64
	// Nodes are in the file's order, which is an order of evaluation.
	Nodes []Node
	// Initializers are the model's constants. One that is also declared as an input is a constant here:
	// Inputs does not list it.
	Initializers []Tensor
	Inputs       []Value
	Outputs      []Value
}

// Node is one operator. An empty string among Inputs or Outputs is an optional one left out.
type Node struct {
	// Name is the file's, or when the file gives none, one made of the operator and the node's index.
	Name       string
	Domain     string
	Op         string
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

// The kinds of attribute that this package reads. Subgraphs and sparse tensors are refused.
const (
	KindFloat   AttributeKind = 1
	KindInt     AttributeKind = 2
	KindString  AttributeKind = 3
	KindTensor  AttributeKind = 4
	KindFloats  AttributeKind = 6
	KindInts    AttributeKind = 7
	KindStrings AttributeKind = 8
)

// Attribute is a named constant of a node.
type Attribute struct {
	Name    string
	Kind    AttributeKind
	Float   float32
	Int     int64
	String  string
	Tensor  *Tensor
	Floats  []float32
	Ints    []int64
	Strings []string
}

// Tensor is a constant. Raw holds the elements row-major and little-endian, whatever field of the file they
// came in; a bool is one byte, 0 or 1.
type Tensor struct {
	Name  string
	DType DType
	Shape []int64
	Raw   []byte
}

// Value declares an input or output.
type Value struct {
	Name  string
	DType DType
	// Shape is nil when the file declares no shape, not even a rank.
	Shape []Dim
}

// Dim is one dimension: a size, or when Size is -1 a symbol; both unknown is Size -1 and no symbol.
type Dim struct {
	Size   int64
	Symbol string
}

// Limits bounds what [Parse] accepts. A zero field means the default in its comment.
type Limits struct {
	Bytes        int // whole file; 2 GiB less one
	Nodes        int // 65,536
	Initializers int // 65,536
	Attributes   int // per node; 64
	Names        int // inputs and outputs of one node, declared inputs or outputs; 4,096
	NameBytes    int // one name; 1,024
	Rank         int // dimensions of one tensor; 8
	Elements     int // elements of one tensor or one attribute list; 2^29
}

func (l Limits) withDefaults() Limits {
	set := func(field *int, value int) {
		if *field <= 0 {
			*field = value
		}
	}
	set(&l.Bytes, 1<<31-1)
	set(&l.Nodes, 1<<16)
	set(&l.Initializers, 1<<16)
	set(&l.Attributes, 64)
	set(&l.Names, 4096)
	set(&l.NameBytes, 1024)
	set(&l.Rank, 8)
	set(&l.Elements, 1<<29)
	return l
}

// Parse reads a model. Every error is an [*Error].
func Parse(data []byte, limits Limits) (*Graph, error) {
	limits = limits.withDefaults()
	if len(data) > limits.Bytes {
		return nil, &Error{Kind: ErrLimit, Offset: 0, Reason: sprintf("file of %d bytes, limit %d", len(data), limits.Bytes)}
	}
	p := parser{limits: limits, graph: &Graph{Opsets: map[string]int64{}}}
	if err := p.model(data); err != nil {
		return nil, err
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	return p.graph, nil
}
