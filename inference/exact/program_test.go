package exact_test

import (
	"errors"
	"fmt"
	"math"
	"strings"
	"sync"
	"testing"

	"assay/inference/exact"
	"assay/inference/exact/internal/sample"
	"assay/inference/onnx"
)

func compiled(t testing.TB, config exact.Config) *exact.Program {
	t.Helper()
	p, err := exact.CompileWith(sample.Graph(), config)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func hidden(t testing.TB, p *exact.Program, in map[string]exact.Tensor, parallel exact.Parallel) exact.Tensor {
	t.Helper()
	out, err := p.Run(in, parallel)
	if err != nil {
		t.Fatal(err)
	}
	return out["hidden"]
}

// rows cuts the first n tokens of one item out of a hidden state.
func rows(h exact.Tensor, item, n int) []float32 {
	tokens, width := h.Shape[1], h.Shape[2]
	return h.F32[item*tokens*width:][:n*width]
}

func compareBits(t *testing.T, what string, got, want []float32) {
	t.Helper()
	for i := range want {
		if math.Float32bits(got[i]) != math.Float32bits(want[i]) {
			t.Fatalf("%s: element %d is %v, want %v", what, i, got[i], want[i])
		}
	}
}

// An item alone, without padding, gives the bits that it gives in a batch, with batch mates and padding.
func TestBatchMatesAndPaddingChangeNothing(t *testing.T) {
	p := compiled(t, exact.Config{})
	batch := sample.Inputs(4, 20)
	together := hidden(t, p, batch, nil)
	for item := range 4 {
		ids := batch["ids"].I64[item*20 : (item+1)*20]
		n := 0
		for _, m := range batch["mask"].I64[item*20 : (item+1)*20] {
			n += int(m)
		}
		mask := make([]int64, n)
		for i := range mask {
			mask[i] = 1
		}
		alone := hidden(t, p, map[string]exact.Tensor{
			"ids": exact.NewInt64(ids[:n], 1, n), "mask": exact.NewInt64(mask, 1, n),
		}, nil)
		compareBits(t, fmt.Sprintf("item %d of %d tokens", item, n), rows(together, item, n), alone.F32)
	}
}

// Threads and other Runs at the same time change nothing.
func TestThreadsChangeNothing(t *testing.T) {
	p := compiled(t, exact.Config{})
	in := sample.Inputs(5, 24)
	want := hidden(t, p, in, nil)
	threads := func(n int, f func(i int)) {
		var wait sync.WaitGroup
		for i := range n {
			wait.Go(func() { f(i) })
		}
		wait.Wait()
	}
	var wait sync.WaitGroup
	for range 4 {
		wait.Go(func() {
			out, err := p.Run(in, threads)
			if err != nil {
				t.Error(err)
				return
			}
			for i, v := range out["hidden"].F32 {
				if math.Float32bits(v) != math.Float32bits(want.F32[i]) {
					t.Errorf("element %d differs", i)
					return
				}
			}
		})
	}
	wait.Wait()
}

func TestInputsAreChecked(t *testing.T) {
	p := compiled(t, exact.Config{})
	good := sample.Inputs(1, 3)
	with := func(change func(m map[string]exact.Tensor)) map[string]exact.Tensor {
		m := map[string]exact.Tensor{"ids": good["ids"], "mask": good["mask"]}
		change(m)
		return m
	}
	cases := []struct {
		name string
		in   map[string]exact.Tensor
		part string
	}{
		{"missing", with(func(m map[string]exact.Tensor) { delete(m, "mask") }), `"mask" is missing`},
		{"unknown", with(func(m map[string]exact.Tensor) { m["more"] = good["ids"] }), "3 inputs given"},
		{"other type", with(func(m map[string]exact.Tensor) { m["ids"] = exact.NewFloat32([]float32{1, 2, 3}, 1, 3) }), "float32, declared int64"},
		{"other rank", with(func(m map[string]exact.Tensor) { m["ids"] = exact.NewInt64([]int64{1, 2, 3}, 3) }), "1 dimensions"},
		{"elements missing", with(func(m map[string]exact.Tensor) { m["ids"] = exact.NewInt64([]int64{1, 2}, 1, 3) }), "holds 2"},
		{"negative size", with(func(m map[string]exact.Tensor) { m["ids"] = exact.NewInt64(nil, -1, 3) }), "negative"},
		{"unlike each other", with(func(m map[string]exact.Tensor) { m["mask"] = exact.NewInt64([]int64{1, 1}, 1, 2) }), "sequence"},
		{"id out of range", with(func(m map[string]exact.Tensor) { m["ids"] = exact.NewInt64([]int64{1, 2, 50}, 1, 3) }), "index 50"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			_, err := p.Run(c.in, nil)
			if !errors.Is(err, exact.ErrInput) || !strings.Contains(err.Error(), c.part) {
				t.Errorf("error %v, want bad input with %q", err, c.part)
			}
		})
	}
}

// Inputs stay as they were, even when they hold NaNs of other spellings.
func TestInputsAreNotChanged(t *testing.T) {
	g := &onnx.Graph{
		IRVersion: 8, Opset: 17, Opsets: map[string]int64{"": 17},
		Nodes:   []onnx.Node{{Name: "r", Op: "Reshape", Inputs: []string{"x", "s"}, Outputs: []string{"y"}}},
		Inputs:  []onnx.Value{{Name: "x", DType: onnx.Float32}, {Name: "s", DType: onnx.Int64}},
		Outputs: []onnx.Value{{Name: "y", DType: onnx.Float32}},
	}
	p, err := exact.Compile(g)
	if err != nil {
		t.Fatal(err)
	}
	odd := math.Float32frombits(0xffc00007)
	x := []float32{odd, 1}
	out, err := p.Run(map[string]exact.Tensor{"x": exact.NewFloat32(x, 2), "s": exact.NewInt64([]int64{2, 1}, 2)}, nil)
	if err != nil {
		t.Fatal(err)
	}
	y := out["y"]
	if got := math.Float32bits(x[0]); got != 0xffc00007 {
		t.Errorf("the input became %#x", got)
	}
	if got := math.Float32bits(y.F32[0]); got != 0x7fc00000 {
		t.Errorf("the output is %#x, want the one NaN", got)
	}
	if y.Finite() {
		t.Error("NaN counts as finite")
	}
}

func TestLimits(t *testing.T) {
	cases := []struct {
		name   string
		limits exact.Limits
		part   string
	}{
		{"one tensor", exact.Limits{Elements: 2000}, "elements"},
		{"in all", exact.Limits{Total: 60_000}, "in all"},
		{"work", exact.Limits{Work: 100_000}, "multiply-adds"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			p, err := exact.CompileWith(sample.Graph(), exact.Config{Limits: c.limits})
			if err == nil {
				_, err = p.Run(sample.Inputs(3, 20), nil)
			}
			if !errors.Is(err, exact.ErrLimit) || !strings.Contains(err.Error(), c.part) {
				t.Errorf("error %v, want a limit with %q", err, c.part)
			}
		})
	}
}

func TestCompileRefuses(t *testing.T) {
	cases := []struct {
		name   string
		change func(g *onnx.Graph)
		kind   error
		part   string
	}{
		{"old operator set", func(g *onnx.Graph) { g.Opset = 12 }, exact.ErrUnsupported, "operator set 12"},
		{"new operator set", func(g *onnx.Graph) { g.Opset = 99 }, exact.ErrUnsupported, "operator set 99"},
		{"operator newer than the set", func(g *onnx.Graph) { g.Opset = 16 }, exact.ErrUnsupported, "set 17 in a model of set 16"},
		{"other domain", func(g *onnx.Graph) { g.Nodes[3].Domain = "com.example" }, exact.ErrUnsupported, "com.example"},
		{"more outputs", func(g *onnx.Graph) { g.Nodes[3].Outputs = append(g.Nodes[3].Outputs, "extra") }, exact.ErrUnsupported, "outputs"},
		{"out of order", func(g *onnx.Graph) { g.Nodes[0], g.Nodes[1] = g.Nodes[1], g.Nodes[0] }, exact.ErrShape, "nothing made before"},
		{"defined twice", func(g *onnx.Graph) { g.Nodes[1].Outputs = g.Nodes[0].Outputs }, exact.ErrShape, "twice"},
		{"output from nowhere", func(g *onnx.Graph) { g.Outputs[0].Name = "nowhere" }, exact.ErrShape, "nowhere"},
		{"constant cut short", func(g *onnx.Graph) { g.Initializers[1].Raw = g.Initializers[1].Raw[:4] }, exact.ErrShape, "bytes"},
		{"constant of a type programs do not use", func(g *onnx.Graph) {
			g.Initializers[1].DType = onnx.Float64
			g.Initializers[1].Raw = append(g.Initializers[1].Raw, g.Initializers[1].Raw...)
		}, exact.ErrUnsupported, "float64"},
		{"unknown kernel", nil, exact.ErrUnsupported, "abacus"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := sample.Graph()
			config := exact.Config{Kernel: "abacus"}
			if c.change != nil {
				c.change(g)
				config = exact.Config{}
			}
			_, err := exact.CompileWith(g, config)
			var typed *exact.Error
			if !errors.As(err, &typed) || !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.part) {
				t.Errorf("error %v, want %q with %q", err, c.kind, c.part)
			}
		})
	}
}

// An output may be a constant of the model or an input, handed through.
func TestOutputsWithoutNodes(t *testing.T) {
	g := &onnx.Graph{
		IRVersion: 8, Opset: 17, Opsets: map[string]int64{"": 17},
		Initializers: []onnx.Tensor{{Name: "c", DType: onnx.Uint8, Shape: []int64{2}, Raw: []byte{3, 4}}},
		Inputs:       []onnx.Value{{Name: "x", DType: onnx.Int64}},
		Outputs:      []onnx.Value{{Name: "c", DType: onnx.Uint8}, {Name: "x", DType: onnx.Int64}},
	}
	p, err := exact.Compile(g)
	if err != nil {
		t.Fatal(err)
	}
	out, err := p.Run(map[string]exact.Tensor{"x": exact.NewInt64([]int64{9})}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if c, x := out["c"], out["x"]; fmt.Sprint(c.U8, x.I64) != "[3 4] [9]" {
		t.Errorf("got %v %v", c.U8, x.I64)
	}
	c := out["c"]
	c.U8[0] = 99 // the caller's to change
	if out, err = p.Run(map[string]exact.Tensor{"x": exact.NewInt64([]int64{9})}, nil); err != nil || out["c"].U8[0] != 3 {
		t.Errorf("after a caller changed an output the next is %v, %v", out["c"].U8, err)
	}
	g.Outputs[1].DType = onnx.Float32
	if p, err = exact.Compile(g); err != nil {
		t.Fatal(err)
	}
	if _, err = p.Run(map[string]exact.Tensor{"x": exact.NewInt64([]int64{9})}, nil); !errors.Is(err, exact.ErrShape) {
		t.Errorf("an int64 passed for a float32 output: %v", err)
	}
}
