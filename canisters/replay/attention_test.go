package main

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"assay/inference/exact"
	"assay/inference/ir"
	"assay/inference/tensor"
)

// Operators of decoders give in the canister what they give natively, and take no more than their bound says.
func TestAttentionWithinItsBound(t *testing.T) {
	t.Parallel()
	whole := func(name string, v int64) ir.Attr { return ir.Attr{Name: name, Kind: ir.KindInt, Int: v} }
	number := func(name string, v float32) ir.Attr { return ir.Attr{Name: name, Kind: ir.KindFloat, Float: v} }
	r := rand.New(rand.NewPCG(1, 2))
	for _, c := range []struct {
		name, op string
		attrs    []ir.Attr
		dtype    tensor.DType
		shapes   [][]int
	}{
		{"attention", "Attention", nil, tensor.Float32, [][]int{{1, 24, 4, 16}, {1, 24, 2, 16}, {1, 24, 2, 16}}},
		{"one word", "Attention", []ir.Attr{whole("cache", 1), whole("causal", 1)}, tensor.Float32, [][]int{{1, 1, 4, 16}, {1, 2, 300, 16}, {1, 2, 300, 16}}},
		{"every step", "Attention", []ir.Attr{whole("empty_to_zero", 1), whole("left", 9), number("softcap", 2)}, tensor.Float32, [][]int{{1, 24, 4, 4}, {1, 64, 2, 4}, {1, 64, 2, 4}, {24, 64}}},
		{"softmax in float64", "Attention", []ir.Attr{whole("softmax_precision", 11)}, tensor.Float32, [][]int{{1, 24, 4, 4}, {1, 64, 2, 4}, {1, 64, 2, 4}}},
		{"float16", "Attention", []ir.Attr{number("softcap", 2)}, tensor.Float16, [][]int{{1, 24, 4, 4}, {1, 64, 2, 4}, {1, 64, 2, 4}}},
		{"one of everything", "Attention", nil, tensor.Float32, [][]int{{1, 1, 4, 1}, {1, 1, 2, 1}, {1, 1, 2, 1}}},
		{"rotary", "RotaryEmbedding", nil, tensor.Float32, [][]int{{1, 24, 4, 16}, {1, 24, 8}, {1, 24, 8}}},
		{"rotary of float16", "RotaryEmbedding", nil, tensor.Float16, [][]int{{1, 24, 4, 16}, {1, 24, 8}, {1, 24, 8}}},
		{"linear", "LinearAttention", []ir.Attr{whole("kv_num_heads", 2), whole("q_num_heads", 4)}, tensor.Float32, [][]int{{1, 9, 64}, {1, 9, 32}, {1, 9, 32}, {1, 2, 16, 16}, {1, 9, 32}, {1, 9, 2}}},
		{"linear of one element", "LinearAttention", []ir.Attr{whole("kv_num_heads", 8), whole("q_num_heads", 8)}, tensor.Float32, [][]int{{1, 30, 8}, {1, 30, 8}, {1, 30, 8}, {1, 8, 1, 1}, {1, 30, 8}, {1, 30, 8}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			node := ir.Node{Op: c.op, Attrs: slices.SortedFunc(slices.Values(c.attrs), func(a, b ir.Attr) int { return strings.Compare(a.Name, b.Name) })}
			g := &ir.Graph{}
			in, shapes := map[string]exact.Tensor{}, map[string][]int{}
			for i, shape := range c.shapes {
				name := string(rune('a' + i))
				g.Inputs = append(g.Inputs, ir.Value{Name: name, DType: c.dtype, Unranked: true})
				node.In = append(node.In, ir.ID(i))
				x := tensor.New(c.dtype, shape...)
				for j := range x.Len() {
					if c.dtype == tensor.Float16 {
						tensor.View[uint16](&x)[j] = uint16(0x3000 + r.IntN(0x0c00)) // 0.125 to 1
					} else {
						x.Float32s()[j] = float32(r.NormFloat64())
					}
				}
				in[name], shapes[name] = x, shape
			}
			node.Out = []ir.ID{ir.ID(len(c.shapes))}
			g.Outputs = []ir.Output{{Name: "y", DType: c.dtype, Value: node.Out[0]}}
			// Reading the message and hashing the result are no part of the bound, and the same for another operator.
			g.Nodes = []ir.Node{{Op: "Identity", In: []ir.ID{0}, Out: node.Out}}
			_, around := installGraph(t, g).run(t, in, 1<<40)
			g.Nodes = []ir.Node{node}
			replay := installGraph(t, g)
			bound, err := replay.native.Bound(shapes)
			replay.net.Must(err)
			_, all := replay.run(t, in, 1<<40)
			t.Logf("%s: %d instructions of %d, and %d around", c.name, int64(all)-int64(around), bound.Instructions, around)
			if spent := all - min(all, around); spent > uint64(bound.Instructions) || spent == 0 {
				t.Errorf("%d instructions, bound %d", spent, bound.Instructions)
			}
		})
	}
}
