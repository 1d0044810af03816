package exact

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"assay/inference/exact/internal/kernel"
	"assay/inference/ir"
	"assay/inference/tensor"
)

// slideCase is a random geometry of a convolution or pool.
type slideCase struct {
	rank                                        int
	in, kernel, stride, dilation, before, after []int
}

func randomSlide(r *rand.Rand) slideCase {
	if r.IntN(20) == 0 { // few positions, far from each other
		return slideCase{1, []int{5000 + r.IntN(3)}, []int{2}, []int{1 + r.IntN(2)}, []int{4998}, []int{r.IntN(3)}, []int{0}}
	}
	s := slideCase{rank: 1 + r.IntN(3)}
	for range s.rank {
		k, d := 1+r.IntN(4), 1+r.IntN(2)
		extent := (k-1)*d + 1
		s.kernel, s.dilation, s.stride = append(s.kernel, k), append(s.dilation, d), append(s.stride, 1+r.IntN(3))
		s.before, s.after = append(s.before, r.IntN(extent)), append(s.after, r.IntN(extent))
		s.in = append(s.in, extent+r.IntN(9))
	}
	return s
}

func (s slideCase) attrs(more ...ir.Attr) []ir.Attr {
	list := func(x []int) (out []int64) {
		for _, v := range x {
			out = append(out, int64(v))
		}
		return out
	}
	return append(more, aInts("kernel_shape", list(s.kernel)...), aInts("strides", list(s.stride)...),
		aInts("dilations", list(s.dilation)...), aInts("pads", append(list(s.before), list(s.after)...)...))
}

func (s slideCase) out() (out []int) {
	for d := range s.in {
		out = append(out, (s.in[d]+s.before[d]+s.after[d]-(s.kernel[d]-1)*s.dilation[d]-1)/s.stride[d]+1)
	}
	return out
}

// each calls f with every position of a window, -1 outside of the input.
func (s slideCase) each(o int, f func(k, at int)) {
	index, k := make([]int, s.rank), make([]int, s.rank)
	split(index, s.out(), o)
	for i := range tensor.Product(s.kernel) {
		split(k, s.kernel, i)
		at := 0
		for d := range k {
			p := index[d]*s.stride[d] - s.before[d] + k[d]*s.dilation[d]
			if p < 0 || p >= s.in[d] {
				at = -1
				break
			}
			at = at*s.in[d] + p
		}
		f(i, at)
	}
}

func noiseTensor(r *rand.Rand, shape ...int) *Tensor {
	x := tensor.New(tensor.Float32, shape...)
	for i := range x.Float32s() {
		x.Float32s()[i] = float32(r.NormFloat64())
	}
	return &x
}

// blocked adds products as every contraction does.
func blocked(products []float32) float32 {
	var total float32
	for i := 0; i < len(products); i += kernel.BlockDepth {
		var sum float32
		for _, p := range products[i:min(len(products), i+kernel.BlockDepth)] {
			sum += p
		}
		if i == 0 {
			total = sum
		} else {
			total += sum
		}
	}
	return kernel.Canon(total)
}

// plainConv is the definition of Conv.
func plainConv(s slideCase, x, w, bias *Tensor, group int) *Tensor {
	batch, channels, outputs := x.Shape[0], w.Shape[1], w.Shape[0]
	y := tensor.New(tensor.Float32, append([]int{batch, outputs}, s.out()...)...)
	positions, inSize, size := tensor.Product(s.out()), tensor.Product(s.in), tensor.Product(s.kernel)
	for i := range y.Float32s() {
		o, position := i/positions%outputs, i%positions
		first := i/positions/outputs*x.Shape[1] + o/(outputs/group)*channels
		var products []float32
		for c := range channels {
			s.each(position, func(k, at int) {
				v := float32(0)
				if at >= 0 {
					v = x.Float32s()[(first+c)*inSize+at]
				}
				products = append(products, float32(v*w.Float32s()[(o*channels+c)*size+k]))
			})
		}
		y.Float32s()[i] = blocked(products)
		if bias != nil {
			y.Float32s()[i] = kernel.Canon(y.Float32s()[i] + bias.Float32s()[o])
		}
	}
	return &y
}

func TestConvMatchesDefinition(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(5, 6))
	for i := range 120 {
		s := randomSlide(r)
		group, channels, outputs, batch := 1+r.IntN(3), 1+r.IntN(3), 1+r.IntN(6), 1+r.IntN(2)
		if i%3 == 0 {
			channels, group = 40+r.IntN(40), 1 // more than one block
		}
		x := noiseTensor(r, append([]int{batch, group * channels}, s.in...)...)
		w := noiseTensor(r, append([]int{group * outputs, channels}, s.kernel...)...)
		bias := noiseTensor(r, group*outputs)
		if i%5 == 0 {
			bias = nil
		}
		if i%7 == 0 {
			x.Float32s()[0], w.Float32s()[0] = float32(math.Inf(1)), float32(math.Inf(-1))
		}
		want := plainConv(s, x, w, bias, group)
		for _, name := range Kernels() {
			got, err := runNodeOn(t, name, "Conv", s.attrs(aInt("group", int64(group))), 1, x, w, bias)
			if err != nil {
				t.Fatalf("%+v: %v", s, err)
			}
			if !same(&got[0], want) {
				t.Fatalf("%s, %+v, %d groups of %d to %d channels:\n got %v\nwant %v", name, s, group, channels, outputs, show(&got[0]), show(want))
			}
		}
	}
}

// TestConvTransposeIsTheAdjoint: as a linear map, it is the transpose of the convolution with the same weights. Small
// whole numbers make every sum exact.
func TestConvTransposeIsTheAdjoint(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 8))
	whole := func(shape ...int) *Tensor {
		x := tensor.New(tensor.Float32, shape...)
		for i := range x.Float32s() {
			x.Float32s()[i] = float32(r.IntN(9) - 4)
		}
		return &x
	}
	for range 60 {
		s := randomSlide(r)
		group, channels, outputs := 1+r.IntN(2), 1+r.IntN(3), 1+r.IntN(3)
		x := whole(append([]int{2, group * channels}, s.in...)...)
		w := whole(append([]int{group * outputs, channels}, s.kernel...)...)
		y := whole(append([]int{2, group * outputs}, s.out()...)...)
		forward, err := runNode(t, "Conv", s.attrs(aInt("group", int64(group))), 1, x, w)
		if err != nil {
			t.Fatal(err)
		}
		extra := make([]int64, s.rank)
		for d := range extra {
			extra[d] = int64((s.in[d] + s.before[d] + s.after[d] - (s.kernel[d]-1)*s.dilation[d] - 1) % s.stride[d])
		}
		back, err := runNode(t, "ConvTranspose", s.attrs(aInt("group", int64(group)), aInts("output_padding", extra...)), 1, y, w)
		if err != nil {
			t.Fatalf("%+v: %v", s, err)
		}
		if a, b := innerProduct(&forward[0], y), innerProduct(x, &back[0]); a != b {
			t.Fatalf("%+v: <Ax, y> is %v, <x, A'y> is %v", s, a, b)
		}
	}
}

func innerProduct(a, b *Tensor) (sum float64) {
	for i, v := range a.Float32s() {
		sum += float64(float64(v) * float64(b.Float32s()[i]))
	}
	return sum
}

// integerCase is a random integer convolution, and the same in floats: sums of small whole numbers are exact in both.
type integerCase struct {
	slideCase
	group            int
	x, w, xZero, wZs Tensor
	xf, wf           Tensor
}

func randomInteger(r *rand.Rand) integerCase {
	c := integerCase{slideCase: randomSlide(r), group: 1 + r.IntN(2)}
	channels, outputs := 1+r.IntN(3), 1+r.IntN(3)
	if r.IntN(4) == 0 {
		c.group, channels, outputs = 1, 1+r.IntN(20), 1+r.IntN(20)
	}
	if r.IntN(3) == 0 { // single positions, one after the other
		for d := range c.kernel {
			c.kernel[d], c.stride[d], c.before[d], c.after[d] = 1, 1, 0, 0
		}
	}
	kinds := [2]tensor.DType{tensor.Uint8, tensor.Int8}
	xKind, wKind := kinds[r.IntN(2)], kinds[r.IntN(2)]
	c.x, c.w = tensor.New(xKind, append([]int{2, c.group * channels}, c.in...)...), tensor.New(wKind, append([]int{c.group * outputs, channels}, c.kernel...)...)
	c.xZero, c.wZs = tensor.New(xKind), tensor.New(wKind, c.group*outputs)
	for _, t := range []*Tensor{&c.x, &c.w, &c.xZero, &c.wZs} {
		for i := range t.Bytes() {
			t.Bytes()[i] = byte(r.IntN(256))
		}
	}
	c.xf, c.wf = tensor.New(tensor.Float32, c.x.Shape...), tensor.New(tensor.Float32, c.w.Shape...)
	for i := range c.xf.Float32s() {
		c.xf.Float32s()[i] = float32(byteAt(&c.x, i) - byteAt(&c.xZero, 0))
	}
	for i := range c.wf.Float32s() {
		c.wf.Float32s()[i] = float32(byteAt(&c.w, i) - byteAt(&c.wZs, i/(c.w.Len()/c.wZs.Len())))
	}
	return c
}

func TestIntegerConvMatchesFloats(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(9, 10))
	for range 120 {
		c := randomInteger(r)
		want := plainConv(c.slideCase, &c.xf, &c.wf, nil, c.group).Float32s()
		for _, name := range Kernels() {
			got, err := runNodeOn(t, name, "ConvInteger", c.attrs(aInt("group", int64(c.group))), 1, &c.x, &c.w, &c.xZero, &c.wZs)
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range got[0].Int32s() {
				if v != int32(want[i]) {
					t.Fatalf("%s, %+v: element %d is %d, want %v", name, c.slideCase, i, v, want[i])
				}
			}
		}
	}
}

func TestQLinearConvMatchesDefinition(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(13, 14))
	one := func(v float32) *Tensor { return f32s([]float32{v}) }
	for i := range 120 {
		c := randomInteger(r)
		channels, yZero := c.w.Shape[0], tensor.New([]tensor.DType{tensor.Uint8, tensor.Int8}[i%2])
		yZero.Bytes()[0] = byte(r.IntN(256))
		scales, bias := make([]float32, channels), make([]int32, channels)
		for j := range scales {
			scales[j], bias[j] = r.Float32()/100, []int32{0, int32(r.IntN(2000) - 1000), math.MaxInt32 - int32(r.IntN(1000)), math.MinInt32}[r.IntN(4)]
		}
		xScale, yScale := r.Float32(), r.Float32()
		if i%9 == 0 {
			yScale = 0 // factors that are not finite
		}
		b := tensor.Of(tensor.Int32, bias, channels)
		wScales := tensor.Of(tensor.Float32, scales, channels)
		sums := plainConv(c.slideCase, &c.xf, &c.wf, nil, c.group).Float32s()
		for _, name := range Kernels() {
			got, err := runNodeOn(t, name, "QLinearConv", c.attrs(aInt("group", int64(c.group))), 1,
				&c.x, one(xScale), &c.xZero, &c.w, &wScales, &c.wZs, one(yScale), &yZero, &b)
			if err != nil {
				t.Fatal(err)
			}
			for j := range got[0].Len() {
				channel := j / tensor.Product(c.out()) % channels
				v := float64(float32(float32(int32(sums[j])+bias[channel]) * (float32(xScale*scales[channel]) / yScale)))
				if math.IsNaN(v) {
					v = 0
				}
				low, high := 0.0, 255.0
				if yZero.DType == tensor.Int8 {
					low, high = -128, 127
				}
				want := int32(min(max(math.RoundToEven(v)+float64(byteAt(&yZero, 0)), low), high))
				if byteAt(&got[0], j) != want {
					t.Fatalf("%s, %+v: element %d is %d, want %d", name, c.slideCase, j, byteAt(&got[0], j), want)
				}
			}
		}
	}
}

func TestPoolsMatchDefinition(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(11, 12))
	for i := range 120 {
		s := randomSlide(r)
		x := noiseTensor(r, append([]int{2, 3}, s.in...)...)
		if i%4 == 0 {
			x.Float32s()[1] = math.Float32frombits(0x7fc00000)
		}
		all := int64(i % 2)
		highest, err := runNode(t, "MaxPool", s.attrs(), 2, x)
		if err != nil {
			t.Fatal(err)
		}
		plain, err := runNode(t, "MaxPool", s.attrs(), 1, x)
		if err != nil {
			t.Fatal(err)
		}
		if !same(&plain[0], &highest[0]) {
			t.Fatalf("%+v: MaxPool depends on whether its indices are wanted", s)
		}
		average, err := runNode(t, "AveragePool", s.attrs(aInt("count_include_pad", all)), 1, x)
		if err != nil {
			t.Fatal(err)
		}
		positions, inSize := tensor.Product(s.out()), tensor.Product(s.in)
		for o := range highest[0].Float32s() {
			best, at, sum, n := float32(math.Inf(-1)), int64(0), float32(0), 0
			s.each(o%positions, func(_, p int) {
				if p < 0 {
					n += int(all)
					return
				}
				v := x.Float32s()[o/positions*inSize+p]
				if v > best || v != v && best == best {
					best, at = v, int64(p)
				}
				sum += v
				n++
			})
			at += int64(o / positions * inSize)
			if g := highest[0].Float32s()[o]; math.Float32bits(g) != math.Float32bits(best) || highest[1].Int64s()[o] != at {
				t.Fatalf("%+v: maximum %d is %v at %d, want %v at %d", s, o, g, highest[1].Int64s()[o], best, at)
			}
			if g, want := average[0].Float32s()[o], kernel.Canon(sum/float32(n)); math.Float32bits(g) != math.Float32bits(want) {
				t.Fatalf("%+v: average %d is %v, want %v", s, o, g, want)
			}
		}
		for _, name := range Kernels() {
			if got, err := runNodeOn(t, name, "MaxPool", s.attrs(), 1, x); err != nil || !same(&got[0], &highest[0]) {
				t.Fatalf("%s, %+v: without the index %v, error %v", name, s, show(&got[0]), err)
			}
			if got, err := runNodeOn(t, name, "AveragePool", s.attrs(aInt("count_include_pad", all)), 1, x); err != nil || !same(&got[0], &average[0]) {
				t.Fatalf("%s, %+v: averages %v, error %v", name, s, show(&got[0]), err)
			}
			maxPoolOfBytes(t, r, name, s)
		}
	}
}

// maxPoolOfBytes compares with and without the index, which take different ways.
func maxPoolOfBytes(t *testing.T, r *rand.Rand, kernels string, s slideCase) {
	t.Helper()
	x := tensor.New([]tensor.DType{tensor.Int8, tensor.Uint8}[r.IntN(2)], append([]int{1, 2}, s.in...)...)
	for i := range x.Bytes() {
		x.Bytes()[i] = byte(r.IntN(256))
	}
	want, err := runNode(t, "MaxPool", s.attrs(), 2, &x)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := runNodeOn(t, kernels, "MaxPool", s.attrs(), 1, &x); err != nil || !same(&got[0], &want[0]) {
		t.Fatalf("%s, %+v: maxima of bytes %v, want %v, error %v", kernels, s, show(&got[0]), show(&want[0]), err)
	}
}

func TestConvRefusals(t *testing.T) {
	t.Parallel()
	for i, r := range []struct {
		op    string
		attrs []ir.Attr
		in    []*Tensor
		kind  error
	}{
		{"Conv", nil, []*Tensor{ramp(1, 2, 5), ramp(1, 3, 3)}, ErrShape},
		{"Conv", []ir.Attr{aInt("group", 0)}, []*Tensor{ramp(1, 2, 5), ramp(1, 2, 3)}, ErrShape},
		{"Conv", []ir.Attr{aInts("strides", 0)}, []*Tensor{ramp(1, 2, 5), ramp(1, 2, 3)}, ErrShape},
		{"Conv", []ir.Attr{aInts("dilations", math.MaxInt64)}, []*Tensor{ramp(1, 2, 5), ramp(1, 2, 3)}, ErrShape},
		{"Conv", []ir.Attr{aInts("pads", math.MaxInt64, math.MaxInt64)}, []*Tensor{ramp(1, 2, 5), ramp(1, 2, 3)}, ErrLimit},
		{"Conv", []ir.Attr{aInts("pads", -1, 0)}, []*Tensor{ramp(1, 2, 5), ramp(1, 2, 3)}, ErrUnsupported},
		{"Conv", nil, []*Tensor{ramp(1, 0, 5), ramp(1, 0, 3)}, ErrShape},
		{"ConvTranspose", []ir.Attr{aInts("strides", math.MaxInt64)}, []*Tensor{ramp(1, 2, 5), ramp(2, 1, 3)}, ErrLimit},
		{"ConvTranspose", []ir.Attr{aInts("output_padding", 5)}, []*Tensor{ramp(1, 2, 5), ramp(2, 1, 3)}, ErrShape},
		{"MaxPool", []ir.Attr{aInts("kernel_shape", 6)}, []*Tensor{ramp(1, 2, 5)}, ErrShape},
		{"MaxPool", nil, []*Tensor{ramp(1, 2, 5)}, ErrShape},
		{"GlobalAveragePool", nil, []*Tensor{ramp(1, 2, 0)}, ErrShape},
	} {
		t.Run(fmt.Sprint(i, " ", r.op), func(t *testing.T) {
			t.Parallel()
			_, err := runNode(t, r.op, r.attrs, 1, r.in...)
			if !errors.Is(err, r.kind) {
				t.Fatalf("error %v, want %v", err, r.kind)
			}
		})
	}
}

func TestWindowOperators(t *testing.T) {
	t.Parallel()
	runTable(t, []row{
		{"overlaps add up", "Col2Im", []ir.Attr{aInts("strides", 1, 1)}, []*Tensor{f32s([]float32{1, 2, 3, 4}, 1, 2, 2), i64s([]int64{1, 3}), i64s([]int64{1, 2})}, []*Tensor{f32s([]float32{1, 5, 4}, 1, 1, 1, 3)}},
		{"between pixels", "DeformConv", nil, []*Tensor{f32s([]float32{2, 4}, 1, 1, 1, 2), f32s([]float32{1}, 1, 1, 1, 1), f32s([]float32{0, 0, 0.5, 5}, 1, 2, 1, 2)}, []*Tensor{f32s([]float32{3, 0}, 1, 1, 1, 2)}},
		{"state goes on", "CausalConvWithState", nil, []*Tensor{f32s([]float32{1, 2, 3}, 1, 1, 3), f32s([]float32{10, 1}, 1, 1, 2), nil, f32s([]float32{4}, 1, 1, 1)}, []*Tensor{f32s([]float32{41, 12, 23}, 1, 1, 3), f32s([]float32{3}, 1, 1, 1)}},
		{"three channels", "LRN", []ir.Attr{aInt("size", 3), aFloat("alpha", 3), aFloat("beta", 1), aFloat("bias", 1)}, []*Tensor{f32s([]float32{1, 2, 3}, 1, 3, 1)}, []*Tensor{f32s([]float32{1.0 / 6, 2.0 / 15, 3.0 / 14}, 1, 3, 1)}},
		{"norm of all", "GlobalLpPool", []ir.Attr{aInt("p", 2)}, []*Tensor{f32s([]float32{3, -4}, 1, 1, 2)}, []*Tensor{f32s([]float32{5}, 1, 1, 1)}},
		{"magnitudes", "LpPool", []ir.Attr{aInt("p", 1), aInts("kernel_shape", 2)}, []*Tensor{f32s([]float32{3, -4, 1}, 1, 1, 3)}, []*Tensor{f32s([]float32{7, 5}, 1, 1, 2)}},
		{"back to their places", "MaxUnpool", []ir.Attr{aInts("kernel_shape", 2), aInts("strides", 2)}, []*Tensor{f32s([]float32{8, 9}, 1, 1, 2), i64s([]int64{1, 2}, 1, 1, 2)}, []*Tensor{f32s([]float32{0, 8, 9, 0}, 1, 1, 4)}},
	})
}

// TestWindowsAreWork: a window of very many positions, nearly all of them padding, runs into the limit on work.
func TestWindowsAreWork(t *testing.T) {
	t.Parallel()
	const size = 1 << 30
	for _, op := range []string{"MaxPool", "AveragePool", "LpPool"} {
		for _, attrs := range [][]ir.Attr{
			{aInts("kernel_shape", size, size), aInts("pads", size-1, size-1, size-1, size-1), aInts("strides", size, size)},
			{aText("auto_pad", "SAME_UPPER"), aInts("kernel_shape", size, size)},
		} {
			if _, err := runNode(t, op, attrs, 1, ramp(1, 1, 4, 4)); !errors.Is(err, ErrLimit) {
				t.Errorf("%s: error %v, want %v", op, err, ErrLimit)
			}
		}
	}
}
