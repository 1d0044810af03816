package exact

import (
	"math/rand/v2"
	"testing"

	"assay/inference/ir"
)

// One word after 2,048, of 32 heads that share 8 heads of keys, as a decoder of a billion parameters has them.
func BenchmarkAttentionOfOneWord(b *testing.B) {
	r := rand.New(rand.NewPCG(1, 2))
	q, k, v := drawn(r, 1, 1, 32, 64), drawn(r, 1, 8, 2048, 64), drawn(r, 1, 8, 2048, 64)
	node := ir.Node{Op: "Attention", In: []ir.ID{0, 1, 2}, Out: []ir.ID{3}, Attrs: []ir.Attr{aInt("cache", 1), aInt("causal", 1)}}
	g := &ir.Graph{Nodes: []ir.Node{node}, Outputs: []ir.Output{{Name: "y", DType: q.DType, Value: 3}}}
	in := map[string]Tensor{"q": *q, "k": *k, "v": *v}
	for _, name := range []string{"q", "k", "v"} {
		g.Inputs = append(g.Inputs, ir.Value{Name: name, DType: q.DType, Unranked: true})
	}
	p, err := New(g, Config{})
	if err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(k.Bytes()) + len(v.Bytes())))
	for b.Loop() {
		if _, err := p.Run(in, nil); err != nil {
			b.Fatal(err)
		}
	}
}
