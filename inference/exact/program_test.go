package exact

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"assay/inference/ir"
	"assay/inference/tensor"
)

// builder numbers values as they come, for graphs in tests.
type graphBuilder struct{ ir.Graph }

func (b *graphBuilder) input(name string, dtype tensor.DType, shape ...ir.Dim) ir.ID {
	b.Inputs = append(b.Inputs, ir.Value{Name: name, DType: dtype, Shape: shape})
	return ir.ID(len(b.Inputs) - 1)
}

func (b *graphBuilder) constant(t *Tensor) ir.ID {
	b.Constants = append(b.Constants, ir.Constant{Data: *t})
	return b.First() - 1
}

func (b *graphBuilder) node(op string, attrs []ir.Attr, in ...ir.ID) ir.ID {
	out := ir.ID(b.Values())
	b.Nodes = append(b.Nodes, ir.Node{Op: op, Name: op, Attrs: attrs, In: in, Out: []ir.ID{out}})
	return out
}

func (b *graphBuilder) output(name string, v ir.ID) {
	b.Outputs = append(b.Outputs, ir.Output{Name: name, Value: v})
}

func sized(n int64) ir.Dim      { return ir.Dim{Size: n} }
func symbol(name string) ir.Dim { return ir.Dim{Size: -1, Symbol: name} }

// layer is a small model: x[batch, seq, 24] through a product, heads of attention, and a sum with x.
func layer(r *rand.Rand) *ir.Graph {
	b := &graphBuilder{}
	x := b.input("x", tensor.Float32, symbol("batch"), symbol("seq"), sized(24))
	w, bias := b.constant(drawn(r, 24, 24)), b.constant(drawn(r, 24))
	heads, joined := b.constant(i64s([]int64{0, 0, 4, 6})), b.constant(i64s([]int64{0, 0, 24}))
	y := b.node("Linear", []ir.Attr{aText("activation", "gelu")}, x, w, bias)
	h := b.node("Reshape", nil, y, heads)
	a := b.node("Attention", []ir.Attr{aFloat("scale", 0.4)}, h, h, h)
	j := b.node("Reshape", nil, a, joined)
	b.output("y", b.node("Add", nil, j, x))
	return &b.Graph
}

func program(t *testing.T, g *ir.Graph) *Program {
	t.Helper()
	p, err := New(g, Config{})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestKernelsAndThreadsAgree(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 8))
	g, x := layer(r), drawn(r, 3, 40, 24)
	want, err := program(t, g).Run(map[string]Tensor{"x": *x}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, kernels := range Kernels() {
		p, err := New(g, Config{Kernel: kernels})
		if err != nil {
			t.Fatal(err)
		}
		backwards := func(n int, f func(i int)) {
			for i := n - 1; i >= 0; i-- {
				f(i)
			}
		}
		got, err := p.Run(map[string]Tensor{"x": *x}, backwards)
		if err != nil {
			t.Fatal(err)
		}
		if y, z := got["y"], want["y"]; !same(&y, &z) {
			t.Errorf("kernels %s give other bits", kernels)
		}
	}
	if _, err := New(g, Config{Kernel: "quantum"}); !errors.Is(err, ErrUnsupported) {
		t.Errorf("unknown kernels: %v", err)
	}
}

// A row's bits are its own, whatever else is in the batch.
func TestBatchMatesDoNotMatter(t *testing.T) {
	r := rand.New(rand.NewPCG(9, 10))
	g := layer(r)
	p, x := program(t, g), drawn(r, 5, 40, 24)
	together, err := p.Run(map[string]Tensor{"x": *x}, nil)
	if err != nil {
		t.Fatal(err)
	}
	y := together["y"]
	const each = 40 * 24
	for i := range 5 {
		one := tensor.FromFloat32(x.Float32s()[i*each:(i+1)*each], 1, 40, 24)
		alone, err := p.Run(map[string]Tensor{"x": one}, nil)
		if err != nil {
			t.Fatal(err)
		}
		z := alone["y"]
		if !slices.Equal(y.Bytes()[i*each*4:(i+1)*each*4], z.Bytes()) {
			t.Errorf("item %d differs", i)
		}
	}
}

// The caller's function sees every piece of a run, so it can pause there: no piece is long.
func TestRunInPieces(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 12))
	p, x := program(t, layer(r)), drawn(r, 2, 300, 24)
	want, err := p.Run(map[string]Tensor{"x": *x}, nil)
	if err != nil {
		t.Fatal(err)
	}
	pieces := 0
	got, err := p.Run(map[string]Tensor{"x": *x}, func(n int, f func(i int)) {
		for i := range n {
			f(i)
			pieces++
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	if y, z := got["y"], want["y"]; !same(&y, &z) {
		t.Error("a run in pieces gives other bits")
	}
	if pieces < 15 {
		t.Errorf("only %d pieces", pieces)
	}
}

func TestTraceNamesEveryNode(t *testing.T) {
	r := rand.New(rand.NewPCG(13, 14))
	g, x := layer(r), drawn(r, 1, 5, 24)
	shown := 0
	trace, out, err := program(t, g).Trace(map[string]Tensor{"x": *x}, nil, func(int, []*Tensor) { shown++ })
	if err != nil {
		t.Fatal(err)
	}
	if len(trace) != len(g.Nodes) || shown != len(trace) {
		t.Fatalf("%d nodes traced, %d shown, the graph has %d", len(trace), shown, len(g.Nodes))
	}
	y := out["y"]
	root, err := ir.TensorRoot(&y)
	if err != nil || trace[len(trace)-1].Outputs[0] != root {
		t.Errorf("the last entry %v is not the output %v (%v)", trace[len(trace)-1], root, err)
	}
}

func TestBoundCoversRuns(t *testing.T) {
	r := rand.New(rand.NewPCG(15, 16))
	p := program(t, layer(r))
	for _, shape := range [][]int{{1, 1, 24}, {2, 7, 24}, {3, 200, 24}, {0, 5, 24}} {
		bound, err := p.Bound(map[string][]int{"x": shape})
		if err != nil {
			t.Fatal(err)
		}
		x := drawn(r, shape...)
		c := newCall(p, serial)
		if _, err := p.run(c, []Tensor{*x}); err != nil {
			t.Fatal(err)
		}
		if c.work > bound.Multiplies || c.memory.peak > bound.Bytes {
			t.Errorf("%v: %d multiply-adds and %d bytes, bound %+v", shape, c.work, c.memory.peak, bound)
		}
	}
	for name, shapes := range map[string]map[string][]int{
		"missing": {}, "other size": {"x": {1, 2, 25}}, "negative": {"x": {-1, 2, 24}}, "huge": {"x": {1 << 30, 1 << 30, 24}},
	} {
		if _, err := p.Bound(shapes); !errors.Is(err, ErrInput) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestBoundRefusesWhatDependsOnData(t *testing.T) {
	b := &graphBuilder{}
	x, shape := b.input("x", tensor.Float32, symbol("n")), b.input("shape", tensor.Int64, sized(2))
	b.output("y", b.node("Reshape", nil, x, shape))
	p := program(t, &b.Graph)
	if _, err := p.Bound(map[string][]int{"x": {6}, "shape": {2}}); !errors.Is(err, ErrDynamic) {
		t.Errorf("bound: %v", err)
	}
	out, err := p.Run(map[string]Tensor{"x": *ramp(6), "shape": *i64s([]int64{2, 3})}, nil)
	if y := out["y"]; err != nil || !slices.Equal(y.Shape, []int{2, 3}) {
		t.Errorf("run: %v %v", y.Shape, err)
	}
}

func TestInputsAreChecked(t *testing.T) {
	r := rand.New(rand.NewPCG(17, 18))
	p := program(t, layer(r))
	whole := tensor.New(tensor.Int64, 1, 2, 24)
	for name, in := range map[string]map[string]Tensor{
		"missing": {}, "type": {"x": whole}, "size": {"x": *ramp(1, 2, 23)}, "rank": {"x": *ramp(2, 24)},
		"another": {"x": *ramp(1, 2, 24), "z": *ramp(1)},
	} {
		if _, err := p.Run(in, nil); !errors.Is(err, ErrInput) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestLimitsHold(t *testing.T) {
	r := rand.New(rand.NewPCG(19, 20))
	g, x := layer(r), drawn(r, 2, 50, 24)
	for name, limits := range map[string]Limits{
		"elements": {Elements: 2 * 50 * 4 * 6 * 2 / 3}, "bytes": {Total: 15_000}, "work": {Work: 50_000}, "steps": {Steps: 3},
	} {
		p, err := New(g, Config{Limits: limits})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := p.Run(map[string]Tensor{"x": *x}, nil); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

// loopGraph adds 1 to x as often as limit says, and collects what it had each time.
func loopGraph(limit *Tensor) *ir.Graph {
	body := &graphBuilder{}
	body.input("i", 0)
	on, x, one := body.input("on", 0), body.input("x", 0), body.input("one", 0)
	for i := range body.Inputs {
		body.Inputs[i].Unranked = true
	}
	y := body.node("Add", nil, x, one)
	body.output("on", on)
	body.output("y", y)
	body.output("row", y)
	b := &graphBuilder{}
	in := b.input("x", tensor.Float32, symbol("n"))
	var rounds ir.ID
	if limit == nil {
		rounds = b.input("rounds", tensor.Int64)
	} else {
		rounds = b.constant(limit)
	}
	step := b.constant(f32s([]float32{1}))
	out := ir.ID(b.Values())
	b.Nodes = append(b.Nodes, ir.Node{
		Op: "Loop", Name: "loop", In: []ir.ID{rounds, ir.None, in, step}, Out: []ir.ID{out, out + 1},
		Attrs: []ir.Attr{aInt("carried", 1)}, Bodies: []*ir.Graph{&body.Graph},
	})
	b.output("y", out)
	b.output("rows", out+1)
	return &b.Graph
}

func TestLoop(t *testing.T) {
	three := tensor.FromInt64([]int64{3})
	p := program(t, loopGraph(&three))
	out, err := p.Run(map[string]Tensor{"x": *ramp(2)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	y, rows := out["y"], out["rows"]
	if !same(&y, f32s([]float32{3, 4}, 2)) || !same(&rows, f32s([]float32{1, 2, 2, 3, 3, 4}, 3, 2)) {
		t.Errorf("y %v, rows %v", show(&y), show(&rows))
	}
	if _, err := p.Bound(map[string][]int{"x": {2}}); err != nil {
		t.Errorf("a loop of known length has no bound: %v", err)
	}
	open := program(t, loopGraph(nil))
	if _, err := open.Bound(map[string][]int{"x": {2}, "rounds": {}}); !errors.Is(err, ErrDynamic) {
		t.Errorf("a loop of unknown length: %v", err)
	}
	limited, err := New(loopGraph(nil), Config{Limits: Limits{Steps: 1000}})
	if err != nil {
		t.Fatal(err)
	}
	huge := tensor.FromInt64([]int64{1 << 60})
	if _, err := limited.Run(map[string]Tensor{"x": *ramp(2), "rounds": huge}, nil); !errors.Is(err, ErrLimit) {
		t.Errorf("an endless loop: %v", err)
	}
}

// A NaN has one spelling in every type, and a truth value one of two, whatever a caller hands in.
func TestBodiesFit(t *testing.T) {
	three := tensor.FromInt64([]int64{3})
	loop := loopGraph(&three)
	loop.Nodes[0].Out = append(loop.Nodes[0].Out, ir.ID(loop.Values()))
	body := &graphBuilder{}
	body.output("row", body.node("Neg", nil, body.input("x", tensor.Float32)))
	scan := &graphBuilder{}
	x := scan.input("x", tensor.Float32, symbol("n"))
	scan.Nodes = []ir.Node{{
		Op: "Scan", Name: "scan", In: []ir.ID{x}, Out: []ir.ID{1, 2}, Attrs: []ir.Attr{aInt("num_scan_inputs", 1)}, Bodies: []*ir.Graph{&body.Graph},
	}}
	for _, g := range []*ir.Graph{loop, &scan.Graph} {
		if _, err := New(g, Config{}); !errors.Is(err, ErrShape) {
			t.Errorf("%s with an output that its body does not give: %v", g.Nodes[0].Op, err)
		}
		g.Nodes[0].Out = g.Nodes[0].Out[:len(g.Nodes[0].Out)-1]
		if _, err := New(g, Config{}); err != nil {
			t.Errorf("without it: %v", err)
		}
		g.Nodes[0].In[len(g.Nodes[0].In)-1] = ir.None
		if _, err := New(g, Config{}); !errors.Is(err, ErrShape) {
			t.Errorf("%s without a value for its body: %v", g.Nodes[0].Op, err)
		}
	}
}

// Attention makes its scores only when an attribute says which.
func TestNoMoreOutputsThanAreMade(t *testing.T) {
	b := &graphBuilder{}
	shape := []ir.Dim{{Size: 1}, {Size: 2}, {Size: 1}, {Size: 4}}
	q := b.input("q", tensor.Float32, shape...)
	b.Nodes = []ir.Node{{Op: "Attention", Name: "a", In: []ir.ID{q, q, q}, Out: []ir.ID{1, 2}}}
	b.output("y", 1)
	b.output("scores", 2)
	p := program(t, &b.Graph)
	if _, err := p.Bound(map[string][]int{"q": {1, 2, 1, 4}}); !errors.Is(err, ErrShape) {
		t.Errorf("bound: %v", err)
	}
	if _, err := p.Run(map[string]Tensor{"q": *ramp(1, 2, 1, 4)}, nil); !errors.Is(err, ErrShape) {
		t.Errorf("run: %v", err)
	}
}

// A first output that nobody wants is made where the others come of it, and given back; traces leave it out.
func TestFirstOutputUnwanted(t *testing.T) {
	b := &graphBuilder{}
	x, scale := b.input("x", tensor.Float32, symbol("n"), symbol("m")), b.input("scale", tensor.Float32, symbol("m"))
	b.Nodes = []ir.Node{
		{Op: "Neg", Name: "nothing", In: []ir.ID{x}},
		{Op: "LayerNormalization", Name: "norm", In: []ir.ID{x, scale}, Out: []ir.ID{ir.None, 2}},
	}
	b.output("mean", 2)
	p := program(t, &b.Graph)
	trace, out, err := p.Trace(map[string]Tensor{"x": *ramp(2, 4), "scale": *ramp(4)}, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	mean := out["mean"]
	if !same(&mean, f32s([]float32{1.5, 5.5}, 2, 1)) {
		t.Errorf("means %v", show(&mean))
	}
	if len(trace) != 2 || len(trace[0].Outputs) != 0 || len(trace[1].Outputs) != 1 {
		t.Errorf("traced %v", trace)
	}
	if bound, err := p.Bound(map[string][]int{"x": {2, 4}, "scale": {4}}); err != nil || bound.Bytes < 64 {
		t.Errorf("bound %+v, %v", bound, err)
	}
}

func TestInputsAreSpelledOneWay(t *testing.T) {
	for _, c := range []struct {
		dtype    tensor.DType
		in, want []byte
	}{
		{tensor.Float32, []byte{1, 0, 0x80, 0xff, 0, 0, 0x80, 0x3f}, []byte{0, 0, 0xc0, 0x7f, 0, 0, 0x80, 0x3f}},
		{tensor.Float64, []byte{1, 0, 0, 0, 0, 0, 0xf0, 0xff}, []byte{0, 0, 0, 0, 0, 0, 0xf8, 0x7f}},
		{tensor.Float16, []byte{1, 0x7c, 0, 0x7c, 0xff, 0xff}, []byte{0, 0x7e, 0, 0x7c, 0, 0x7e}},
		{tensor.BFloat16, []byte{0x81, 0xff, 0x80, 0xff}, []byte{0xc0, 0x7f, 0x80, 0xff}},
		{tensor.Bool, []byte{0, 1, 2, 255}, []byte{0, 1, 1, 1}},
	} {
		given := slices.Clone(c.in)
		x, err := tensor.Over(c.dtype, c.in, len(c.in)/c.dtype.Size())
		if err != nil {
			t.Fatal(err)
		}
		got, err := runNode(t, "Identity", nil, 1, &x)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(got[0].Bytes(), c.want) {
			t.Errorf("%v % x becomes % x, want % x", c.dtype, given, got[0].Bytes(), c.want)
		}
		if !slices.Equal(c.in, given) {
			t.Errorf("%v: the caller's elements were changed", c.dtype)
		}
	}
}
