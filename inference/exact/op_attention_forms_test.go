package exact

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"assay/inference/exact/internal/kernel"
	"assay/inference/ir"
	"assay/inference/tensor"
)

// attend runs Attention and gives its first output.
func attend(t *testing.T, attrs []ir.Attr, in ...*Tensor) *Tensor {
	t.Helper()
	got, err := runNode(t, "Attention", attrs, 1, in...)
	if err != nil {
		t.Fatal(err)
	}
	return &got[0]
}

func wholes(v ...int64) *Tensor {
	x := tensor.FromInt64(v, len(v))
	return &x
}

// batchOf gives element b of the batch, and of the third dimension only the first n.
func batchOf(x *Tensor, b, axis, n int) *Tensor {
	shape := append([]int{1}, x.Shape[1:]...)
	shape[axis] = n
	out := tensor.New(x.DType, shape...)
	inner, outer := tensor.Product(x.Shape[axis+1:]), tensor.Product(x.Shape[1:axis])
	for o := range outer {
		from := x.Float32s()[(b*outer+o)*x.Shape[axis]*inner:]
		copy(out.Float32s()[o*n*inner:(o+1)*n*inner], from)
	}
	return &out
}

// Windows, positions and lengths leave out keys, with the bits of a mask that does.
func TestAttentionWindowsAreMasks(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(11, 12))
	const batch, s, keys, d = 2, 9, 600, 4
	q, k, v := drawn(r, batch, s, 2, d), drawn(r, batch, keys, 1, d), drawn(r, batch, keys, 1, d)
	own := drawn(r, batch, 1, s, keys)
	for _, c := range []struct {
		left, right     int
		starts, lengths []int64
	}{
		{left: -1, right: 0},
		{left: 300, right: -1, starts: []int64{590}},
		{left: 3, right: 2, starts: []int64{0, 400}},
		{left: -1, right: -1, lengths: []int64{600, 37}},
		{left: 280, right: 0, starts: []int64{570, 28}, lengths: []int64{579, 37}},
		{left: -1, right: 0, starts: []int64{-4}},
	} {
		t.Run(fmt.Sprint(c), func(t *testing.T) {
			t.Parallel()
			mask := tensor.New(tensor.Float32, batch, 1, s, keys)
			copy(mask.Float32s(), own.Float32s())
			at := func(list []int64, b int, otherwise int) int {
				if list == nil {
					return otherwise
				}
				return int(list[b%len(list)])
			}
			for b := range batch {
				for i := range s {
					p := at(c.starts, b, keys-s) + i
					for j := range keys {
						if c.left >= 0 && j < p-c.left || c.right >= 0 && j > p+c.right || j >= at(c.lengths, b, keys) {
							mask.Float32s()[(b*s+i)*keys+j] = minusInf
						}
					}
				}
			}
			want := attend(t, []ir.Attr{aInt("nan_to_zero", 1), aFloat("scale", 0.5)}, q, k, v, &mask)
			in := []*Tensor{q, k, v, own, nil, nil}
			if c.starts != nil {
				in[4] = wholes(c.starts...)
			}
			if c.lengths != nil {
				in[5] = wholes(c.lengths...)
			}
			attrs := []ir.Attr{aInt("left", int64(c.left)), aInt("right", int64(c.right)), aFloat("scale", 0.5)}
			if got := attend(t, attrs, in...); !same(got, want) {
				t.Errorf("got %v\nwant %v", show(got), show(want))
			}
		})
	}
}

// What lies after a row's length has no part in it, be it NaN, and neither have the other rows.
func TestAttentionLengthsCutOff(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(13, 14))
	const batch, s, room, d = 3, 2, 300, 8
	q, k, v := drawn(r, batch, s, 4, d), drawn(r, batch, 2, room, d), drawn(r, batch, 2, room, d)
	lengths := []int64{300, 270, 5}
	for b, n := range lengths {
		for h := range 2 {
			for i := ((b*2+h)*room + int(n)) * d; i < (b*2+h+1)*room*d; i++ {
				k.Float32s()[i], v.Float32s()[i] = float32(math.NaN()), float32(math.Inf(1))
			}
		}
	}
	starts := make([]int64, batch)
	for b := range lengths {
		starts[b] = lengths[b] - s
	}
	for _, more := range [][]ir.Attr{nil, {aInt("empty_to_zero", 1)}, {aFloat("softcap", 3)}} {
		attrs := append([]ir.Attr{aInt("cache", 1), aInt("causal", 1)}, more...)
		got := attend(t, attrs, q, k, v, nil, wholes(starts...), wholes(lengths...))
		for b, n := range lengths {
			alone := attend(t, attrs, batchOf(q, b, 1, s), batchOf(k, b, 2, int(n)), batchOf(v, b, 2, int(n)))
			if row := batchOf(got, b, 1, s); !same(row, alone) {
				t.Errorf("%v, row %d: got %v\nwant %v", more, b, show(row), show(alone))
			}
		}
	}
}

// A cache holds the same keys in another order, and a mask that ends early leaves out the rest.
func TestAttentionCacheAndShortMask(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(15, 16))
	q, k, v := drawn(r, 2, 3, 4, 8), drawn(r, 2, 2, 7, 8), drawn(r, 2, 2, 7, 6)
	turned := func(x *Tensor) *Tensor {
		out, err := runNode(t, "Transpose", []ir.Attr{{Name: "perm", Kind: ir.KindInts, Ints: []int64{0, 2, 1, 3}}}, 1, x)
		if err != nil {
			t.Fatal(err)
		}
		return &out[0]
	}
	if got, want := attend(t, []ir.Attr{aInt("cache", 1)}, q, k, v), attend(t, nil, q, turned(k), turned(v)); !same(got, want) {
		t.Errorf("cache: got %v\nwant %v", show(got), show(want))
	}
	short, long := drawn(r, 3, 5), tensor.New(tensor.Float32, 3, 7)
	fill(long.Float32s(), minusInf)
	for i := range 3 {
		copy(long.Float32s()[i*7:], short.Float32s()[i*5:(i+1)*5])
	}
	attrs := []ir.Attr{aInt("cache", 1)}
	if got, want := attend(t, attrs, q, k, v, short), attend(t, attrs, q, k, v, &long); !same(got, want) {
		t.Errorf("mask: got %v\nwant %v", show(got), show(want))
	}
}

// One query of heads that share keys goes another way, to the same bits as among other queries.
func TestAttentionOfOneQuery(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(23, 24))
	const s, heads, keys = 5, 6, 300
	q, k, v, mask, sinks := drawn(r, 2, s, heads, 8), drawn(r, 2, keys, 2, 8), drawn(r, 2, keys, 2, 7), drawn(r, 1, heads, s, keys), drawn(r, heads)
	for h := range heads {
		fill(mask.Float32s()[h*s*keys:][:20*h], minusInf)
	}
	for _, c := range []struct {
		attrs []ir.Attr
		more  []*Tensor
	}{
		{nil, nil},
		{nil, []*Tensor{mask}},
		{[]ir.Attr{aInt("causal", 1)}, []*Tensor{mask, nil, nil, sinks}},
		{[]ir.Attr{aInt("left", 270), aFloat("softcap", 2)}, []*Tensor{mask, wholes(280), nil, sinks}},
	} {
		attrs := append([]ir.Attr{aInt("scores", 3)}, c.attrs...)
		all, err := runNode(t, "Attention", attrs, 2, append([]*Tensor{q, k, v}, c.more...)...)
		if err != nil {
			t.Fatal(err)
		}
		for i := range s {
			one := tensor.New(tensor.Float32, 2, 1, heads, 8)
			for b := range 2 {
				copy(one.Float32s()[b*heads*8:(b+1)*heads*8], q.Float32s()[(b*s+i)*heads*8:])
			}
			more := append([]*Tensor{nil, wholes(int64(keys - s + i))}, make([]*Tensor, 2)...)
			copy(more[2:], c.more[min(2, len(c.more)):])
			if len(c.more) > 1 && c.more[1] != nil {
				more[1] = wholes(c.more[1].Int64s()[0] + int64(i))
			}
			if len(c.more) > 0 {
				own := tensor.New(tensor.Float32, 1, heads, 1, keys)
				for h := range heads {
					copy(own.Float32s()[h*keys:(h+1)*keys], mask.Float32s()[(h*s+i)*keys:])
				}
				more[0] = &own
			}
			got, err := runNode(t, "Attention", attrs, 2, append([]*Tensor{&one, k, v}, more...)...)
			if err != nil {
				t.Fatal(err)
			}
			for b := range 2 {
				for h := range heads {
					y, want := got[0].Float32s()[(b*heads+h)*7:][:7], all[0].Float32s()[((b*s+i)*heads+h)*7:][:7]
					w, wantW := got[1].Float32s()[(b*heads+h)*keys:][:keys], all[1].Float32s()[((b*heads+h)*s+i)*keys:][:keys]
					if !slices.Equal(y, want) || !slices.Equal(w, wantW) {
						t.Errorf("%v, query %d, row %d, head %d: got %v\nwant %v", c.attrs, i, b, h, y, want)
					}
				}
			}
		}
	}
}

// Scores, capped scores, masked scores and weights are what the steps give.
func TestAttentionSteps(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(17, 18))
	q, k, v, mask := drawn(r, 1, 3, 2, 4), drawn(r, 1, 5, 2, 4), drawn(r, 1, 5, 2, 4), drawn(r, 3, 5)
	mask.Float32s()[1] = minusInf
	fill(mask.Float32s()[10:], minusInf)
	sinks := drawn(r, 2)
	shown := make([]*Tensor, 4)
	var y *Tensor
	for which := range shown {
		attrs := []ir.Attr{aInt("empty_to_zero", 1), aInt("scores", int64(which)), {Name: "size_scale", Kind: ir.KindText, Text: "product"}, aFloat("softcap", 2)}
		out, err := runNode(t, "Attention", attrs, 2, q, k, v, mask, nil, nil, sinks)
		if err != nil {
			t.Fatal(err)
		}
		y, shown[which] = &out[0], &out[1]
	}
	for h := range 2 {
		for i := range 3 {
			weights, sum := make([]float32, 5), kernel.Exp(sinks.Float32s()[h])
			for j := range 5 {
				at := (h*3+i)*5 + j
				x := float32(dot(4, func(x int) (float32, float32) {
					return q.Float32s()[(i*2+h)*4+x], k.Float32s()[(j*2+h)*4+x]
				}) * 0.5)
				capped := float32(kernel.Tanh(x/2) * 2)
				masked := capped + mask.Float32s()[i*5+j]
				for which, want := range []float32{x, capped, masked} {
					if got := shown[which].Float32s()[at]; got != want {
						t.Errorf("scores %d of head %d, query %d, key %d: %v, want %v", which, h, i, j, got, want)
					}
				}
				weights[j] = kernel.Exp(masked)
				sum += weights[j]
			}
			for j := range 5 {
				got, want := shown[3].Float32s()[(h*3+i)*5+j], weights[j]/sum
				if i == 2 {
					want = 0 // the mask leaves out every key
				}
				if math.Abs(float64(got-want)) > 1e-6 || want == 0 && got != 0 {
					t.Errorf("weight of head %d, query %d, key %d: %v, want %v", h, i, j, got, want)
				}
			}
		}
	}
	for _, x := range y.Float32s()[16:] {
		if x != 0 {
			t.Errorf("a query without keys gives %v", show(y))
		}
	}
}

// float16 is rounded at every step, and close to float32.
func TestAttentionOfFloat16(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(19, 20))
	var wide, narrow []*Tensor
	for range 3 {
		x := drawn(r, 2, 4, 2, 8)
		h := tensor.New(tensor.Float16, x.Shape...)
		for i, v := range x.Float32s() {
			tensor.View[uint16](&h)[i] = kernel.ToFloat16(v)
			x.Float32s()[i] = kernel.FromFloat16(tensor.View[uint16](&h)[i])
		}
		wide, narrow = append(wide, x), append(narrow, &h)
	}
	attrs := []ir.Attr{aInt("causal", 1)}
	got, want := attend(t, attrs, narrow...), attend(t, attrs, wide...)
	for i, h := range tensor.View[uint16](got) {
		if x := kernel.FromFloat16(h); math.Abs(float64(x-want.Float32s()[i])) > 0.01 {
			t.Errorf("element %d is %v, want %v", i, x, want.Float32s()[i])
		}
	}
}

func TestAttentionFormsRefused(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(21, 22))
	q := drawn(r, 2, 3, 2, 4)
	text := func(name, v string) ir.Attr { return ir.Attr{Name: name, Kind: ir.KindText, Text: v} }
	for name, c := range map[string]struct {
		attrs []ir.Attr
		more  []*Tensor
	}{
		"a length beyond the keys":  {nil, []*Tensor{nil, nil, wholes(4)}},
		"a negative length":         {nil, []*Tensor{nil, nil, wholes(-1, 3)}},
		"a position far away":       {nil, []*Tensor{nil, wholes(1 << 40)}},
		"positions of another size": {nil, []*Tensor{nil, wholes(1, 2, 3)}},
		"sinks of another size":     {nil, []*Tensor{nil, nil, nil, drawn(r, 3)}},
		"softcap below 0":           {[]ir.Attr{aFloat("softcap", -1)}, nil},
		"softcap NaN":               {[]ir.Attr{aFloat("softcap", float32(math.NaN()))}, nil},
		"scores of no kind":         {[]ir.Attr{aInt("scores", 4)}, nil},
		"a window below all":        {[]ir.Attr{aInt("left", -2)}, nil},
		"a scale of another name":   {[]ir.Attr{text("size_scale", "x")}, nil},
		"a softmax in float16":      {[]ir.Attr{aInt("softmax_precision", 10)}, nil},
	} {
		if _, err := runNode(t, "Attention", c.attrs, 1, append([]*Tensor{q, q, q}, c.more...)...); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
