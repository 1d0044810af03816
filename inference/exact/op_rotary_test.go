package exact

import (
	"math"
	"math/rand/v2"
	"testing"

	"assay/inference/ir"
	"assay/inference/tensor"
)

// Pairs are turned by the angle of their position, and what has no angle stays.
func TestRotaryEmbedding(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(31, 32))
	const rows, n, d = 9, 3, 8
	cos, sin := tensor.New(tensor.Float32, rows, n), tensor.New(tensor.Float32, rows, n)
	angle := func(p, i int) float64 { return float64(p) / math.Pow(100, float64(i)/n) }
	for p := range rows {
		for i := range n {
			cos.Float32s()[p*n+i], sin.Float32s()[p*n+i] = float32(math.Cos(angle(p, i))), float32(math.Sin(angle(p, i)))
		}
	}
	x := drawn(r, 2, 3, 2, d)
	positions := tensor.FromInt64([]int64{4, 5, 6, 4, 5, 6}, 2, 3)
	for _, interleaved := range []int64{0, 1} {
		attrs := []ir.Attr{aInt("interleaved", interleaved), aInt("size", 2*n)}
		got, err := runNode(t, "RotaryEmbedding", attrs, 1, x, &cos, &sin, &positions)
		if err != nil {
			t.Fatal(err)
		}
		for at, v := range x.Float32s() {
			row, e := at-at%d, at%d
			first, second, i := e%n, n+e%n, e%n
			if interleaved == 1 {
				first, second, i = e/2*2, e/2*2+1, e/2
			}
			want := float64(v)
			if e < 2*n {
				a, b, f := float64(x.Float32s()[row+first]), float64(x.Float32s()[row+second]), angle(4+at/(2*d)%3, i)
				if want = a*math.Cos(f) - b*math.Sin(f); e == second {
					want = a*math.Sin(f) + b*math.Cos(f)
				}
			}
			if g := got[0].Float32s()[at]; math.Abs(float64(g)-want) > 1e-6 {
				t.Errorf("interleaved %d, element %d: %v, want %v", interleaved, at, g, want)
			}
		}
		from, err := runNode(t, "RotaryEmbedding", attrs, 1, x, &cos, &sin, wholes(4))
		if err != nil {
			t.Fatal(err)
		}
		if !same(&from[0], &got[0]) {
			t.Errorf("from position 4 on: got %v\nwant %v", show(&from[0]), show(&got[0]))
		}
	}
	for name, in := range map[string][]*Tensor{
		"a position beyond the table": {x, &cos, &sin, wholes(7)},
		"a position below 0":          {x, &cos, &sin, wholes(-1)},
		"no positions":                {x, &cos, &sin},
		"more angles than elements":   {drawn(r, 1, 1, 1, 4), &cos, &sin, wholes(0)},
		"three dimensions":            {drawn(r, 2, 3, 8), &cos, &sin, wholes(0)},
		"sines of another size":       {x, &cos, drawn(r, rows, 2), wholes(0)},
	} {
		if _, err := runNode(t, "RotaryEmbedding", nil, 1, in...); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// Positions one at a time, the state handed on, give the bits of all at once, and so does each row alone.
func TestLinearAttentionGoesOn(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(33, 34))
	const batch, steps, heads, kv, d, e = 2, 5, 4, 2, 6, 3
	attrs := []ir.Attr{aInt("kv_num_heads", kv), aInt("q_num_heads", heads)}
	in := []*Tensor{
		drawn(r, batch, steps, heads*d), drawn(r, batch, steps, kv*d), drawn(r, batch, steps, kv*e), drawn(r, batch, kv, d, e),
		drawn(r, batch, steps, kv*d), drawn(r, batch, steps, kv),
	}
	all, err := runNode(t, "LinearAttention", attrs, 2, in...)
	if err != nil {
		t.Fatal(err)
	}
	for b := range batch {
		state := batchOf(in[3], b, 1, kv)
		for s := range steps {
			one := make([]*Tensor, len(in))
			for i, x := range in {
				if i == 3 {
					one[i] = state
					continue
				}
				w := x.Shape[2]
				v := tensor.FromFloat32(x.Float32s()[(b*steps+s)*w:(b*steps+s+1)*w], 1, 1, w)
				one[i] = &v
			}
			got, err := runNode(t, "LinearAttention", attrs, 2, one...)
			if err != nil {
				t.Fatal(err)
			}
			w := heads * e
			want := tensor.FromFloat32(all[0].Float32s()[(b*steps+s)*w:(b*steps+s+1)*w], 1, 1, w)
			if !same(&got[0], &want) {
				t.Errorf("row %d, step %d: got %v\nwant %v", b, s, show(&got[0]), show(&want))
			}
			state = &got[1]
		}
		if want := batchOf(&all[1], b, 1, kv); !same(state, want) {
			t.Errorf("state of row %d: got %v\nwant %v", b, show(state), show(want))
		}
	}
	for name, attrs := range map[string][]ir.Attr{
		"no heads":       nil,
		"uneven heads":   {aInt("kv_num_heads", 3), aInt("q_num_heads", 4)},
		"another rule":   append([]ir.Attr{{Name: "update_rule", Kind: ir.KindText, Text: "x"}}, attrs...),
		"a gate too few": append([]ir.Attr{{Name: "update_rule", Kind: ir.KindText, Text: "linear"}}, attrs...),
	} {
		if _, err := runNode(t, "LinearAttention", attrs, 2, in...); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
