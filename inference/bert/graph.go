package bert

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"assay/inference/onnx"
)

// The names of the graph's inputs and output.
const (
	InputIDs      = "input_ids"      // int64[batch, sequence]
	AttentionMask = "attention_mask" // 1 for a token, 0 for padding
	TokenTypeIDs  = "token_type_ids"
	LastHidden    = "last_hidden_state" // float32[batch, sequence, hidden]
)

// Lookup finds a tensor by its published name, nil when there is none. Bytes are shared, not copied, where a
// tensor is used as it is.
type Lookup func(name string) *onnx.Tensor

// builder collects nodes and constants; the first error stays.
type builder struct {
	config Config
	lookup Lookup
	graph  *onnx.Graph
	err    error
}

// Graph makes the encoder. Its tensors must have the types and shapes that the configuration asks for.
func Graph(config Config, lookup Lookup) (*onnx.Graph, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	b := &builder{config: config, lookup: lookup, graph: &onnx.Graph{
		Name: "bert", IRVersion: 8, Opset: 17, Opsets: map[string]int64{"": 17},
	}}
	for _, name := range []string{InputIDs, AttentionMask, TokenTypeIDs} {
		b.graph.Inputs = append(b.graph.Inputs, onnx.Value{Name: name, DType: onnx.Int64, Shape: []onnx.Dim{
			{Size: -1, Symbol: "batch"}, {Size: -1, Symbol: "sequence"},
		}})
	}
	b.constants()
	x := b.embeddings()
	mask := b.mask()
	for layer := range config.Layers {
		x = b.layer(layer, x, mask)
	}
	b.graph.Outputs = []onnx.Value{{Name: LastHidden, DType: onnx.Float32, Shape: []onnx.Dim{
		{Size: -1, Symbol: "batch"}, {Size: -1, Symbol: "sequence"}, {Size: int64(config.Hidden)},
	}}}
	if b.err != nil {
		return nil, b.err
	}
	return b.graph, nil
}

// node adds a node named for its first output and returns that output.
func (b *builder) node(op, out string, in []string, attributes ...onnx.Attribute) string {
	b.graph.Nodes = append(b.graph.Nodes, onnx.Node{Name: out, Op: op, Inputs: in, Outputs: []string{out}, Attributes: attributes})
	return out
}

// tensor takes a published tensor over as a constant of the same name.
func (b *builder) tensor(name string, shape ...int) string {
	if t := b.published(name, shape...); t != nil {
		b.graph.Initializers = append(b.graph.Initializers, onnx.Tensor{Name: name, DType: t.DType, Shape: slices.Clone(t.Shape), Raw: t.Raw})
	}
	return name
}

// transposed takes over a matrix that is published as rows per output, so that rows are per input.
func (b *builder) transposed(name string, out, in int) string {
	name += ".weight"
	if t := b.published(name, out, in); t != nil {
		raw := make([]byte, len(t.Raw))
		for r := range out {
			for c := range in {
				copy(raw[4*(c*out+r):][:4], t.Raw[4*(r*in+c):])
			}
		}
		b.graph.Initializers = append(b.graph.Initializers, onnx.Tensor{Name: name, DType: onnx.Float32, Shape: []int64{int64(in), int64(out)}, Raw: raw})
	}
	return name
}

func (b *builder) published(name string, shape ...int) *onnx.Tensor {
	t := b.lookup(name)
	if t == nil {
		b.fail("tensor %q is missing", name)
		return nil
	}
	same := len(t.Shape) == len(shape) && t.DType == onnx.Float32
	for i := 0; same && i < len(shape); i++ {
		same = t.Shape[i] == int64(shape[i])
	}
	if !same {
		b.fail("tensor %q is %v of shape %v, want float32 of shape %v", name, t.DType, t.Shape, shape)
		return nil
	}
	return t
}

func (b *builder) fail(format string, args ...any) {
	if b.err == nil {
		b.err = fmt.Errorf("%w: "+format, append([]any{ErrUnsupported}, args...)...)
	}
}

func (b *builder) float(name string, v float32) {
	raw := binary.LittleEndian.AppendUint32(nil, math.Float32bits(v))
	b.graph.Initializers = append(b.graph.Initializers, onnx.Tensor{Name: name, DType: onnx.Float32, Shape: []int64{}, Raw: raw})
}

func (b *builder) ints(name string, values ...int64) {
	var raw []byte
	for _, v := range values {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(v))
	}
	b.graph.Initializers = append(b.graph.Initializers, onnx.Tensor{Name: name, DType: onnx.Int64, Shape: []int64{int64(len(values))}, Raw: raw})
}

func ints(name string, values ...int64) onnx.Attribute {
	return onnx.Attribute{Name: name, Kind: onnx.KindInts, Ints: values}
}

func integer(name string, value int64) onnx.Attribute {
	return onnx.Attribute{Name: name, Kind: onnx.KindInt, Int: value}
}
