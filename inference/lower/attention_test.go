package lower

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"assay/inference/exact"
	"assay/inference/onnx"
	"assay/inference/tensor"
)

// operands are shapes: "2x3" of float32, "i2" of int32, "l2" of int64, "-" of one left out.
func operands(list string) (names []string, values []onnx.Value) {
	for i, text := range strings.Fields(list) {
		if text == "-" {
			names = append(names, "")
			continue
		}
		v := onnx.Value{Name: string(rune('a' + i)), DType: tensor.Float32, Shape: []onnx.Dim{}}
		if kind, rest := text[0], text[1:]; kind == 'i' || kind == 'l' {
			v.DType, text = map[byte]tensor.DType{'i': tensor.Int32, 'l': tensor.Int64}[kind], rest
		}
		for _, d := range strings.FieldsFunc(text, func(r rune) bool { return r == 'x' }) {
			size := int64(0)
			for _, digit := range d {
				size = size*10 + int64(digit-'0')
			}
			v.Shape = append(v.Shape, onnx.Dim{Size: size})
		}
		names, values = append(names, v.Name), append(values, v)
	}
	return names, values
}

// alone is a model of one node.
func alone(op string, inputs string, outputs int, list ...onnx.Attribute) *onnx.Graph {
	domain, name, ok := strings.Cut(op, ":")
	if !ok {
		domain, name = "", op
	}
	g := &onnx.Graph{Name: "one", IRVersion: 11, Opset: 25, Opsets: map[string]int64{"": 25, domain: 1}}
	g.Opsets[""] = 25
	n := onnx.Node{Name: "it", Op: name, Domain: domain, Attributes: list}
	n.Inputs, g.Inputs = operands(inputs)
	for i := range outputs {
		n.Outputs = append(n.Outputs, string(rune('r'+i)))
		g.Outputs = append(g.Outputs, onnx.Value{Name: n.Outputs[i]})
	}
	g.Nodes = []onnx.Node{n}
	return g
}

// What an attention has no form for is refused, and the error says what it is.
func TestAttentionsRefuse(t *testing.T) {
	t.Parallel()
	const (
		group   = "2x3x32 2x3x16 2x3x16 2x2x0x8 2x2x0x8 i2 i"
		multi   = "2x3x16 2x3x16 2x3x16"
		encoder = "2x3x8 8x48 48"
	)
	groups := []onnx.Attribute{anInt("num_heads", 4), anInt("kv_num_heads", 2)}
	heads := []onnx.Attribute{anInt("num_heads", 2)}
	with := func(list []onnx.Attribute, more ...onnx.Attribute) []onnx.Attribute {
		return append(list[:len(list):len(list)], more...)
	}
	for _, c := range []struct {
		op, inputs string
		outputs    int
		list       []onnx.Attribute
		says       string
	}{
		{"com.microsoft:GroupQueryAttention", group, 1, groups, ""},
		{"com.microsoft:GroupQueryAttention", group, 1, with(groups, anInt("kv_cache_bit_width", 8)), "kv_cache_bit_width"},
		{"com.microsoft:GroupQueryAttention", group, 1, with(groups, aText("k_quant_type", "PER_TENSOR")), "k_quant_type"},
		{"com.microsoft:GroupQueryAttention", group, 1, with(groups, anInt("sliding_window_cache", 1)), "sliding_window_cache"},
		{"com.microsoft:GroupQueryAttention", group, 4, with(groups, anInt("qk_output", 1)), "qk_output"},
		{"com.microsoft:GroupQueryAttention", group + " - - - - - - - 8 8", 1, groups, "operand 14"},
		{"com.microsoft:GroupQueryAttention", group, 1, heads, "0 of keys"},
		{"com.microsoft:MultiHeadAttention", multi, 1, heads, ""},
		{"com.microsoft:MultiHeadAttention", multi, 4, heads, "output 3"},
		{"com.microsoft:MultiHeadAttention", "2x3x2x3x8", 1, heads, "queries of 5"},
		{"com.microsoft:MultiHeadAttention", multi + " - - - 2x2x4x8 2x2x4x8 i1", 1, heads, "operand 8"},
		{"com.microsoft:MultiHeadAttention", multi + " - i2x1x1x3", 1, heads, "mask of 4"},
		{"com.microsoft:Attention", encoder, 1, heads, ""},
		{"com.microsoft:Attention", encoder, 1, with(heads, anInt("do_rotary", 1)), "do_rotary"},
		{"com.microsoft:Attention", encoder, 1, with(heads, anInt("past_present_share_buffer", 1)), "past_present_share_buffer"},
		{"com.microsoft:RotaryEmbedding", "2x3x16 l1 9x4 9x4", 1, nil, ""},
		{"com.microsoft:RotaryEmbedding", "2x3x16 l1 9x4 9x4", 1, []onnx.Attribute{aFloat("scale", 2)}, "scale"},
		{"com.microsoft:RotaryEmbedding", "2x3x16 l1 9x4 9x4", 1, []onnx.Attribute{anInt("is_packed_batching", 1)}, "is_packed_batching"},
		{"com.microsoft:FusedMatMul", "2x3 3x2", 1, []onnx.Attribute{anInt("transBatchA", 1)}, "transBatchA"},
		{"com.microsoft:FusedGemm", "2x3 3x2", 1, []onnx.Attribute{aText("activation", "Celu")}, "Celu"},
		{"com.microsoft:FusedConv", "1x1x3x3 1x1x1x1", 1, []onnx.Attribute{aText("activation", "Clip")}, "Clip"},
		{"com.microsoft:GatherBlockQuantized", "9x32 l2 9x2", 1, []onnx.Attribute{anInt("gather_axis", 1)}, "gather_axis"},
		{"com.microsoft:GatherBlockQuantized", "9x32 l2 9x2", 1, []onnx.Attribute{anInt("bits", 2)}, "2 bits"},
		{"com.microsoft:LinearAttention", "1x1x8 1x1x8 1x1x8 - 1x1x1 1x1x1", 2, []onnx.Attribute{anInt("q_num_heads", 1), anInt("kv_num_heads", 1)}, ""},
		{"com.microsoft:LinearAttention", "1x1x8 1x1x8 1x1x8", 2, []onnx.Attribute{anInt("state_window", 3)}, "state_window"},
		{"Attention", "2x3x16 2x3x16 2x3x16", 1, nil, "3 dimensions"},
		{"Attention", "2x2x3x8 2x2x3x8 2x2x3x8", 1, []onnx.Attribute{aFloat("scale", -1)}, "scale"},
		{"Attention", "2x2x3x8 2x2x3x8 2x2x3x8 - 2x2x1x8", 1, nil, "cache"},
	} {
		g, err := Lower(alone(c.op, c.inputs, c.outputs, c.list...))
		if err == nil {
			_, err = exact.New(g, exact.Config{Kernel: "go"})
		}
		var typed *Error
		switch {
		case c.says == "" && err != nil:
			t.Errorf("%s of %s: %v", c.op, c.inputs, err)
		case c.says != "" && (!errors.As(err, &typed) || typed.Node != "it" || !strings.Contains(err.Error(), c.says)):
			t.Errorf("%s of %s: %v, want an error of the node that says %q", c.op, c.inputs, err, c.says)
		}
	}
}

// A node without some of its operands or attributes, or with fewer dimensions, is an error and no more.
func TestAttentionsOfHostileNodes(t *testing.T) {
	t.Parallel()
	full := "2x4x16 2x4x16 2x4x16 2x2x3x8 2x2x3x8 i2 i l2 9x4 9x4"
	lists := [][]onnx.Attribute{
		nil,
		{anInt("num_heads", 2), anInt("kv_num_heads", 2), anInt("q_num_heads", 2), anInt("do_rotary", 1), anInt("unidirectional", 1)},
		{anInt("num_heads", 1<<62), anInt("kv_num_heads", 1<<62), anInt("q_num_heads", -1), anInt("smooth_softmax", 1)},
		{anInt("num_heads", 2), aText("activation", "Relu"), anInt("transA", 1), anInt("transB", 1)},
	}
	ops := []string{"FlexAttention", "Attention", "GroupQueryAttention", "LinearAttention", "MultiHeadAttention", "QAttention", "RotaryEmbedding", "EmbedLayerNormalization", "FusedConv", "FusedGemm", "FusedMatMul", "GatherBlockQuantized"}
	for name := range rules {
		if _, op, _ := strings.Cut(name, ":"); !slices.Contains(ops, op) && !slices.Contains(ops, name) {
			continue
		}
		for _, list := range lists {
			fields := strings.Fields(full)
			for n := range len(fields) + 1 {
				for out := -1; out < n; out++ {
					some := append([]string(nil), fields[:n]...)
					if out >= 0 {
						some[out] = "-"
					}
					g, err := Lower(alone(name, strings.Join(some, " "), 3, list...))
					var typed *Error
					if err != nil && !errors.As(err, &typed) {
						t.Errorf("%s of %v: %v", name, some, err)
					}
					if err == nil {
						if _, err := exact.New(g, exact.Config{Kernel: "go"}); err != nil {
							var typed *exact.Error
							if !errors.As(err, &typed) {
								t.Errorf("%s of %v: %v", name, some, err)
							}
						}
					}
				}
			}
		}
	}
}
