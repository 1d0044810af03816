package bert

import (
	"fmt"
	"math"

	"assay/inference/onnx"
)

// constants are the small numbers that several nodes read.
func (b *builder) constants() {
	c := b.config
	b.float("one", 1)
	b.float("half", 0.5)
	b.float("root of two", math.Sqrt2)
	b.float("root of the head size", float32(math.Sqrt(float64(c.Hidden/c.Heads))))
	b.float("lowest", -math.MaxFloat32)
	b.ints("axis 0", 0)
	b.ints("axis 1", 1)
	b.ints("axis 2", 2)
	b.ints("axes 1 and 2", 1, 2)
	b.ints("in heads", 0, 0, int64(c.Heads), int64(c.Hidden/c.Heads))
	b.ints("joined", 0, 0, int64(c.Hidden))
}

// embeddings sums what a token is, which segment it is in and where it stands.
func (b *builder) embeddings() string {
	c := b.config
	word := b.tensor("embeddings.word_embeddings.weight", c.Vocabulary, c.Hidden)
	kind := b.tensor("embeddings.token_type_embeddings.weight", c.Types, c.Hidden)
	position := b.tensor("embeddings.position_embeddings.weight", c.Positions, c.Hidden)
	shape := b.node("Shape", "shape", []string{InputIDs})
	length := b.node("Slice", "length", []string{shape, "axis 1", "axis 2", "axis 0"})
	words := b.node("Gather", "words", []string{word, InputIDs})
	kinds := b.node("Gather", "segments", []string{kind, TokenTypeIDs})
	positions := b.node("Slice", "positions", []string{position, "axis 0", length, "axis 0"})
	sum := b.node("Add", "words and segments", []string{words, kinds})
	sum = b.node("Add", "embedded", []string{sum, positions})
	return b.norm("embeddings.LayerNorm", "embeddings.LayerNorm", sum)
}

// mask is added to the scores: 0 for tokens, the lowest number for padding.
func (b *builder) mask() string {
	x := b.node("Unsqueeze", "mask over heads and queries", []string{AttentionMask, "axes 1 and 2"})
	x = b.node("Cast", "mask as float", []string{x}, integer("to", int64(onnx.Float32)))
	x = b.node("Sub", "padding", []string{"one", x})
	return b.node("Mul", "mask", []string{x, "lowest"})
}

func (b *builder) layer(index int, x, mask string) string {
	at := fmt.Sprintf("encoder.layer.%d.", index)
	attended := b.attention(at+"attention.", x, mask)
	x = b.norm(at+"attention.output.LayerNorm", at+"attention.output.LayerNorm", b.node("Add", at+"attention.residual", []string{attended, x}))
	inner := b.gelu(at+"intermediate.", b.linear(at+"intermediate.dense", x, b.config.Hidden, b.config.Intermediate))
	outer := b.linear(at+"output.dense", inner, b.config.Intermediate, b.config.Hidden)
	out := at + "output.LayerNorm"
	if index == b.config.Layers-1 {
		out = LastHidden
	}
	return b.norm(at+"output.LayerNorm", out, b.node("Add", at+"output.residual", []string{outer, x}))
}

func (b *builder) attention(at, x, mask string) string {
	q := b.heads(at+"self.query", x, 0, 2, 1, 3)
	k := b.heads(at+"self.key", x, 0, 2, 3, 1)
	v := b.heads(at+"self.value", x, 0, 2, 1, 3)
	scores := b.node("MatMul", at+"products", []string{q, k})
	scores = b.node("Div", at+"scaled", []string{scores, "root of the head size"})
	scores = b.node("Add", at+"masked", []string{scores, mask})
	weights := b.node("Softmax", at+"weights", []string{scores}, integer("axis", -1))
	context := b.node("MatMul", at+"context", []string{weights, v})
	context = b.node("Transpose", at+"context by token", []string{context}, ints("perm", 0, 2, 1, 3))
	context = b.node("Reshape", at+"context joined", []string{context, "joined"})
	return b.linear(at+"output.dense", context, b.config.Hidden, b.config.Hidden)
}

func (b *builder) heads(name, x string, perm ...int64) string {
	x = b.linear(name, x, b.config.Hidden, b.config.Hidden)
	x = b.node("Reshape", name+".split", []string{x, "in heads"})
	return b.node("Transpose", name+".heads", []string{x}, ints("perm", perm...))
}

func (b *builder) linear(name, x string, in, out int) string {
	x = b.node("MatMul", name+".product", []string{x, b.transposed(name, out, in)})
	return b.node("Add", name, []string{x, b.tensor(name+".bias", out)})
}

// gelu is x·(1 + erf(x/√2))·½.
func (b *builder) gelu(at, x string) string {
	y := b.node("Div", at+"over root of two", []string{x, "root of two"})
	y = b.node("Erf", at+"erf", []string{y})
	y = b.node("Add", at+"one more", []string{y, "one"})
	y = b.node("Mul", at+"twice gelu", []string{x, y})
	return b.node("Mul", at+"gelu", []string{y, "half"})
}

func (b *builder) norm(name, out, x string) string {
	scale := b.tensor(name+".weight", b.config.Hidden)
	bias := b.tensor(name+".bias", b.config.Hidden)
	epsilon := onnx.Attribute{Name: "epsilon", Kind: onnx.KindFloat, Float: b.config.Epsilon}
	return b.node("LayerNormalization", out, []string{x, scale, bias}, integer("axis", -1), epsilon)
}
