package main

import (
	"crypto/sha256"
	"fmt"

	"assay/inference/exact"
	"assay/inference/ir"
	"assay/inference/tensor"
)

// decoder hashes the operators of language models: rotary embedding, attention to a cache in its forms, its linear
// form; and a transform in float32.
func decoder(kernel string) (string, error) {
	const batch, steps, past, heads, kvHeads, size = 2, 7, 30, 6, 3, 20
	queries := waves(1, batch, steps, heads, size)
	keys, values := waves(2, batch, kvHeads, past+steps, size), waves(3, batch, kvHeads, past+steps, size+3)
	mask, starts := waves(4, batch, 1, steps, past+steps), tensor.FromInt64([]int64{past, past - 9}, batch)
	flat := func(seed, width int) exact.Tensor { return waves(seed, batch, steps, width) }
	h := sha256.New()
	for _, c := range []struct {
		op      string
		attrs   []ir.Attr
		results int
		in      []exact.Tensor
	}{
		{"RotaryEmbedding", nil, 1, []exact.Tensor{queries, waves(5, batch, steps, 8), waves(6, batch, steps, 8)}},
		{"RotaryEmbedding", []ir.Attr{whole("interleaved", 1)}, 1, []exact.Tensor{queries, waves(5, batch, steps, 10), waves(6, batch, steps, 10)}},
		{"Attention", []ir.Attr{whole("cache", 1), whole("causal", 1), text("size_scale", "product")}, 1, []exact.Tensor{queries, keys, values, mask, starts}},
		{"Attention", []ir.Attr{
			whole("cache", 1), whole("left", 11), whole("right", 2), whole("scores", 3), text("size_scale", "operands"), {Name: "softcap", Kind: ir.KindFloat, Float: 1.5},
		}, 2, []exact.Tensor{queries, keys, values, mask, starts}},
		{"LinearAttention", []ir.Attr{whole("kv_num_heads", kvHeads), whole("q_num_heads", heads)}, 2, []exact.Tensor{
			flat(1, heads*size), flat(2, kvHeads*size), flat(3, kvHeads*size), waves(7, batch, kvHeads, size, size), flat(8, kvHeads*size), flat(9, kvHeads),
		}},
		{"DFT", nil, 1, []exact.Tensor{waves(10, 3, 420, 2)}},
	} {
		if err := hashNode(h, kernel, ir.Node{Op: c.op, Attrs: c.attrs}, c.results, c.in...); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%x", h.Sum(nil)), nil
}

func whole(name string, v int64) ir.Attr { return ir.Attr{Name: name, Kind: ir.KindInt, Int: v} }

func text(name, v string) ir.Attr { return ir.Attr{Name: name, Kind: ir.KindText, Text: v} }

// waves are float32 between -1 and 1, multiples of 2^-23, as a linear congruential generator gives them.
func waves(seed int, shape ...int) exact.Tensor {
	list := make([]float32, tensor.Product(shape))
	state := uint64(seed)
	for i := range list {
		state = state*6364136223846793005 + 1442695040888963407
		list[i] = float32(float32(int32(state>>40)-1<<23) / (1 << 23))
	}
	return tensor.FromFloat32(list, shape...)
}
