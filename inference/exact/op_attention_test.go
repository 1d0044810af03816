package exact

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"assay/inference/exact/internal/kernel"
	"assay/inference/ir"
	"assay/inference/tensor"
)

// drawn makes a tensor of ordinary numbers.
func drawn(r *rand.Rand, shape ...int) *Tensor {
	x := tensor.New(tensor.Float32, shape...)
	for i := range x.Float32s() {
		x.Float32s()[i] = float32(r.NormFloat64())
	}
	return &x
}

// plainAttention is the definition, one element after the other.
func plainAttention(q, k, v, mask *Tensor, scale float32, causal, zeroNaN bool) Tensor {
	b, s, h, d := q.Shape[0], q.Shape[1], q.Shape[2], q.Shape[3]
	t, kv, e := k.Shape[1], k.Shape[2], v.Shape[3]
	out := tensor.New(tensor.Float32, b, s, h, e)
	at := func(x *Tensor, i, j, l, m int) float32 {
		return x.Float32s()[((i*x.Shape[1]+j)*x.Shape[2]+l)*x.Shape[3]+m]
	}
	steps := []int{0, 0, 0, 0}
	if mask != nil {
		steps = broadcastStrides(mask.Shape, []int{b, h, s, t})
	}
	for bi := range b {
		for hi := range h {
			g := hi / (h / kv)
			for si := range s {
				seen := t
				if causal {
					seen = min(t, si+1+t-s)
				}
				w := make([]float32, seen)
				for ti := range w {
					w[ti] = float32(dot(d, func(x int) (float32, float32) { return at(q, bi, si, hi, x), at(k, bi, ti, g, x) }) * scale)
					if mask != nil {
						w[ti] += mask.Float32s()[bi*steps[0]+hi*steps[1]+si*steps[2]+ti*steps[3]]
					}
				}
				plainSoftmax(w)
				if zeroNaN && w[0] != w[0] {
					clear(w)
				}
				first := 0
				for first < seen && w[first] == 0 {
					first++
				}
				for x := range e {
					y := dot(seen-first, func(i int) (float32, float32) {
						if w[first+i] == 0 {
							return 0, 0
						}
						return w[first+i], at(v, bi, first+i, g, x)
					})
					out.Float32s()[((bi*s+si)*h+hi)*e+x] = kernel.Canon(y)
				}
			}
		}
	}
	return out
}

// dot adds up products in blocks of 256.
func dot(n int, f func(i int) (float32, float32)) float32 {
	var total float32
	for block := 0; block < n; block += 256 {
		var sum float32
		for i := block; i < min(n, block+256); i++ {
			a, b := f(i)
			sum += float32(a * b)
		}
		if block == 0 {
			total = sum
		} else {
			total += sum
		}
	}
	return total
}

func plainSoftmax(w []float32) {
	top := float32(math.Inf(-1))
	for _, x := range w {
		if x > top || x != x {
			top = x
		}
	}
	for i, x := range w {
		w[i] = kernel.Exp(x - top)
	}
	from, to := 0, len(w)
	for from < to && w[from] == 0 {
		from++
	}
	for to > from && w[to-1] == 0 {
		to--
	}
	var lanes [16]float32
	for i, x := range w[from:to] { // rows in these tests are shorter than 4,096
		lanes[i%16] += x
	}
	for half := 8; half > 0; half /= 2 {
		for i := range half {
			lanes[i] += lanes[i+half]
		}
	}
	for i := range w {
		w[i] = kernel.Canon(w[i] / lanes[0])
	}
}

func TestAttentionIsItsDefinition(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	inf := float32(math.Inf(-1))
	leftPadded := func(b, s, t, pad int) *Tensor {
		m := tensor.New(tensor.Float32, b, 1, 1, t)
		for i := range pad {
			m.Float32s()[i] = inf
		}
		return &m
	}
	cases := []struct {
		name            string
		q, k, v, mask   *Tensor
		causal, zeroNaN bool
	}{
		{name: "plain", q: drawn(r, 2, 5, 3, 8), k: drawn(r, 2, 7, 3, 8), v: drawn(r, 2, 7, 3, 4)},
		{name: "shared heads", q: drawn(r, 1, 3, 4, 8), k: drawn(r, 1, 3, 2, 8), v: drawn(r, 1, 3, 2, 8)},
		{name: "causal", q: drawn(r, 1, 4, 2, 8), k: drawn(r, 1, 6, 2, 8), v: drawn(r, 1, 6, 2, 8), causal: true},
		{name: "more queries than a task takes", q: drawn(r, 1, 150, 1, 4), k: drawn(r, 1, 3, 1, 4), v: drawn(r, 1, 3, 1, 4)},
		{name: "long", q: drawn(r, 1, 2, 1, 16), k: drawn(r, 1, 700, 1, 16), v: drawn(r, 1, 700, 1, 5)},
		{name: "long, padded on the left", q: drawn(r, 1, 2, 1, 16), k: drawn(r, 1, 700, 1, 16), v: drawn(r, 1, 700, 1, 5), mask: leftPadded(1, 2, 700, 30)},
		{name: "a mask for each query", q: drawn(r, 2, 3, 2, 4), k: drawn(r, 2, 5, 2, 4), v: drawn(r, 2, 5, 2, 4), mask: drawn(r, 2, 2, 3, 5)},
		{name: "all masked", q: drawn(r, 1, 2, 1, 4), k: drawn(r, 1, 3, 1, 4), v: drawn(r, 1, 3, 1, 4), mask: leftPadded(1, 2, 3, 3), zeroNaN: true},
	}
	infinite := drawn(r, 1, 3, 1, 4)
	infinite.Float32s()[1] = inf
	cases = append(cases, cases[7])
	cases[8].name, cases[8].v, cases[8].mask, cases[8].zeroNaN = "an infinite value under weight zero", infinite, leftPadded(1, 2, 3, 1), false
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			attrs := []ir.Attr{aFloat("scale", 0.3)}
			if c.causal {
				attrs = append(attrs, aInt("causal", 1))
			}
			if c.zeroNaN {
				attrs = append(attrs, aInt("nan_to_zero", 1))
			}
			got, err := runNode(t, "Attention", attrs, 1, c.q, c.k, c.v, c.mask)
			if err != nil {
				t.Fatal(err)
			}
			want := plainAttention(c.q, c.k, c.v, c.mask, 0.3, c.causal, c.zeroNaN)
			if !same(&got[0], &want) {
				t.Errorf("got %v\nwant %v", show(&got[0]), show(&want))
			}
		})
	}
}

// Padding on either side and batch mates change no bit of what belongs to real positions.
func TestAttentionDoesNotSeePadding(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	const s, pad, d = 300, 17, 8
	q, k, v := drawn(r, 1, s, 1, d), drawn(r, 1, s, 1, d), drawn(r, 1, s, 1, d)
	alone, err := runNode(t, "Attention", nil, 1, q, k, v)
	if err != nil {
		t.Fatal(err)
	}
	for _, before := range []int{0, 5, pad} {
		wide := func(x *Tensor) *Tensor {
			w := drawn(r, 2, s+pad, 1, d)
			copy(w.Float32s()[before*d:], x.Float32s())
			return w
		}
		mask := tensor.New(tensor.Float32, 2, 1, 1, s+pad)
		for i := range s + pad {
			if i < before || i >= before+s {
				mask.Float32s()[i] = float32(math.Inf(-1))
			}
		}
		got, err := runNode(t, "Attention", nil, 1, wide(q), wide(k), wide(v), &mask)
		if err != nil {
			t.Fatal(err)
		}
		real := got[0].Float32s()[before*d : (before+s)*d]
		for i, want := range alone[0].Float32s() {
			if math.Float32bits(real[i]) != math.Float32bits(want) {
				t.Fatalf("%d before: element %d is %v, alone %v", before, i, real[i], want)
			}
		}
	}
}

func TestAttentionRefuses(t *testing.T) {
	r := rand.New(rand.NewPCG(5, 6))
	q := drawn(r, 1, 2, 3, 4)
	for i, in := range [][]*Tensor{
		{q, drawn(r, 1, 2, 2, 4), drawn(r, 1, 2, 2, 4)},
		{q, drawn(r, 1, 2, 3, 5), drawn(r, 1, 2, 3, 4)},
		{q, drawn(r, 2, 2, 3, 4), drawn(r, 1, 2, 3, 4)},
		{q, q, drawn(r, 1, 3, 3, 4)},
		{q, q, q, drawn(r, 2, 1, 1, 2)},
		{q, q, drawn(r, 2, 3, 4)},
		{q, drawn(r, 1, 2, 0, 4), drawn(r, 1, 2, 0, 4)},
	} {
		if _, err := runNode(t, "Attention", nil, 1, in...); err == nil {
			t.Error(fmt.Sprint("case ", i, ": no error"))
		}
	}
}
