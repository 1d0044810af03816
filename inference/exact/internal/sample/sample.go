// Package sample builds a small transformer with fixed random weights and hashes what it computes, so that the
// tests of inference/exact and the bitcheck program can compare the bits of different kernels, processors and
// Wasm. Nothing else uses it.
package sample

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math"

	"assay/inference/exact"
	"assay/inference/lower"
	"assay/inference/onnx"
	"assay/inference/tensor"
)

// The model's sizes; none is a multiple of a kernel's block, so that every tail is used.
const (
	vocabulary = 50
	positions  = 24
	width      = 44
	heads      = 4
	inner      = 70
	layers     = 2
)

type builder struct {
	graph *onnx.Graph
	state uint64
	names int
}

// Graph builds the model: token ids and mask [batch, sequence] in; hidden states and their mean out.
func Graph() *onnx.Graph {
	unknown := []onnx.Dim{{Size: -1, Symbol: "batch"}, {Size: -1, Symbol: "sequence"}}
	b := &builder{state: 1, graph: &onnx.Graph{
		Name: "sample", IRVersion: 8, Opset: 17, Opsets: map[string]int64{"": 17},
		Inputs: []onnx.Value{
			{Name: "ids", DType: onnx.Int64, Shape: unknown},
			{Name: "mask", DType: onnx.Int64, Shape: unknown},
		},
		Outputs: []onnx.Value{
			{Name: "hidden", DType: onnx.Float32, Shape: append(unknown[:2:2], onnx.Dim{Size: width})},
			{Name: "mean", DType: onnx.Float32, Shape: []onnx.Dim{unknown[0], {Size: width}}},
		},
	}}
	x := b.embed()
	bias := b.maskBias()
	for range layers {
		x = b.norm(b.op("Add", x, b.attention(x, bias)))
		x = b.norm(b.op("Add", x, b.feedForward(x)))
	}
	b.named("hidden", "Tanh", nil, x)
	b.named("mean", "ReduceMean", []onnx.Attribute{ints("axes", 1), number("keepdims", 0)}, "hidden")
	return b.graph
}

func (b *builder) named(out, op string, attributes []onnx.Attribute, in ...string) string {
	b.graph.Nodes = append(b.graph.Nodes, onnx.Node{
		Name: fmt.Sprintf("%s_%d", op, len(b.graph.Nodes)), Op: op, Inputs: in, Outputs: []string{out}, Attributes: attributes,
	})
	return out
}

func (b *builder) with(op string, attributes []onnx.Attribute, in ...string) string {
	b.names++
	return b.named(fmt.Sprintf("v%d", b.names), op, attributes, in...)
}

func (b *builder) op(op string, in ...string) string { return b.with(op, nil, in...) }

func ints(name string, v ...int64) onnx.Attribute {
	return onnx.Attribute{Name: name, Kind: onnx.KindInts, Ints: v}
}

func number(name string, v int64) onnx.Attribute {
	return onnx.Attribute{Name: name, Kind: onnx.KindInt, Int: v}
}

// random is a linear congruential generator; it gives 24 bits.
func (b *builder) random() int32 {
	b.state = b.state*6364136223846793005 + 1442695040888963407
	return int32(b.state >> 40)
}

func (b *builder) constant(dtype onnx.DType, raw []byte, shape ...int64) string {
	b.names++
	name := fmt.Sprintf("c%d", b.names)
	b.graph.Initializers = append(b.graph.Initializers, onnx.Tensor{Name: name, DType: dtype, Shape: append([]int64{}, shape...), Raw: raw})
	return name
}

// floats makes a float32 constant of values in ±scale, exact multiples of 2^-23.
func (b *builder) floats(scale float32, shape ...int64) string {
	var raw []byte
	for range elements(shape) {
		v := float32(float32(float32(b.random()-1<<23)/(1<<23)) * scale)
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(v))
	}
	return b.constant(onnx.Float32, raw, shape...)
}

func elements(shape []int64) int64 {
	n := int64(1)
	for _, d := range shape {
		n *= d
	}
	return n
}

func (b *builder) scalar(v float32) string {
	return b.constant(onnx.Float32, binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
}

func (b *builder) int64s(v ...int64) string {
	var raw []byte
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint64(raw, uint64(x))
	}
	return b.constant(onnx.Int64, raw, int64(len(v)))
}

// weights is an int8 matrix with a scale per column, made float32 by Cast and Mul as weight-only quantisation does.
func (b *builder) weights(rows, columns int64) string {
	raw := make([]byte, rows*columns)
	for i := range raw {
		raw[i] = byte(b.random())
	}
	q := b.constant(onnx.Int8, raw, rows, columns)
	f := b.with("Cast", []onnx.Attribute{number("to", int64(onnx.Float32))}, q)
	return b.op("Mul", f, b.floats(0.004, 1, columns))
}

func (b *builder) embed() string {
	words := b.op("Gather", b.weights(vocabulary, width), "ids")
	length := b.with("Shape", []onnx.Attribute{number("start", 1), number("end", 2)}, "ids")
	zero, one := b.int64s(0), b.int64s(1)
	at := b.op("Slice", b.floats(0.5, positions, width), zero, length, zero, one)
	return b.norm(b.op("Add", words, at))
}

// maskBias is 0 where a token may be looked at and -Inf elsewhere, of shape [batch, 1, 1, sequence].
func (b *builder) maskBias() string {
	allowed := b.with("Cast", []onnx.Attribute{number("to", int64(onnx.Bool))}, "mask")
	wide := b.op("Unsqueeze", allowed, b.int64s(1, 2))
	return b.op("Where", wide, b.scalar(0), b.scalar(float32(math.Inf(-1))))
}

func (b *builder) norm(x string) string {
	return b.with("LayerNormalization", []onnx.Attribute{number("axis", -1)}, x, b.floats(1, width), b.floats(0.1, width))
}

func (b *builder) linear(x string, from, to int64) string {
	return b.op("Add", b.op("MatMul", x, b.weights(from, to)), b.floats(0.1, to))
}

func (b *builder) split(x string, perm ...int64) string {
	return b.with("Transpose", []onnx.Attribute{ints("perm", perm...)}, b.op("Reshape", x, b.int64s(0, 0, heads, width/heads)))
}

func (b *builder) attention(x, bias string) string {
	q := b.split(b.linear(x, width, width), 0, 2, 1, 3)
	k := b.split(b.linear(x, width, width), 0, 2, 3, 1)
	v := b.split(b.linear(x, width, width), 0, 2, 1, 3)
	scores := b.op("Add", b.op("Mul", b.op("MatMul", q, k), b.scalar(0.30151135)), bias)
	weights := b.with("Softmax", []onnx.Attribute{number("axis", -1)}, scores)
	weights = b.op("Where", b.op("IsNaN", weights), b.scalar(0), weights)
	mixed := b.with("Transpose", []onnx.Attribute{ints("perm", 0, 2, 1, 3)}, b.op("MatMul", weights, v))
	return b.linear(b.op("Reshape", mixed, b.int64s(0, 0, width)), width, width)
}

func (b *builder) feedForward(x string) string {
	x = b.linear(x, width, inner)
	e := b.op("Add", b.op("Erf", b.op("Div", x, b.scalar(1.4142135))), b.scalar(1))
	return b.linear(b.op("Mul", x, b.op("Mul", b.scalar(0.5), e)), inner, width)
}

// Inputs gives a batch of token ids and its mask; the last tokens of every item but the first are padding.
func Inputs(batch, sequence int) map[string]exact.Tensor {
	ids, mask := make([]int64, batch*sequence), make([]int64, batch*sequence)
	for i := range ids {
		ids[i] = int64((i*i*7 + 3*i + 1) % vocabulary)
		if i%sequence < sequence-2*(i/sequence) {
			mask[i] = 1
		}
	}
	return map[string]exact.Tensor{
		"ids":  tensor.FromInt64(ids, batch, sequence),
		"mask": tensor.FromInt64(mask, batch, sequence),
	}
}

// Hash runs the model on inputs of several lengths and hashes every bit of the outputs.
func Hash(kernel string, parallel exact.Parallel) (string, error) {
	lowered, err := lower.Lower(Graph())
	if err != nil {
		return "", err
	}
	p, err := exact.New(lowered, exact.Config{Kernel: kernel})
	if err != nil {
		return "", err
	}
	h := sha256.New()
	for _, size := range [][2]int{{1, 1}, {1, 6}, {1, 19}, {3, 9}, {2, 24}} {
		out, err := p.Run(Inputs(size[0], size[1]), parallel)
		if err != nil {
			return "", err
		}
		for _, name := range []string{"hidden", "mean"} {
			t := out[name]
			if !t.Finite() {
				return "", fmt.Errorf("output %s at size %v is not finite", name, size)
			}
			fmt.Fprintln(h, name, t.DType, t.Shape)
			h.Write(t.Bytes())
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}
