package ir

import (
	"bytes"
	"encoding/binary"
	"errors"
	"testing"

	"assay/inference/tensor"
)

// sample has every kind of thing that a graph can hold.
func sample() *Graph {
	body := &Graph{
		Inputs:  []Value{{Name: "a", Unranked: true}},
		Nodes:   []Node{{Op: "Neg", Name: "inner", In: []ID{0}, Out: []ID{1}}},
		Outputs: []Output{{Name: "b", Value: 1}},
	}
	q := tensor.New(tensor.Int8, 3, 2)
	copy(q.Bytes(), []byte{1, 2, 3, 253, 254, 255})
	return &Graph{
		Inputs: []Value{
			{Name: "x", DType: tensor.Float32, Shape: []Dim{{Size: -1, Symbol: "batch"}, {Size: 3}, {Size: -1}}},
			{Name: "on", DType: tensor.Bool, Shape: []Dim{}},
		},
		Constants: []Constant{
			{Name: "w", Quant: &Quant{Q: q, Scale: []float32{0.5, 0.25}, Zero: []int32{0, -3}, Axis: 1}},
			{Name: "axes", Data: tensor.FromInt64([]int64{-1, 7}, 2)},
			{Name: "nothing", Data: tensor.New(tensor.Float32, 0, 4)},
		},
		Nodes: []Node{
			{Op: "If", Name: "choose", In: []ID{1, 0}, Out: []ID{5}, Bodies: []*Graph{body, body}},
			{Op: "Anything", Name: "n", In: []ID{5, None, 2, 3}, Out: []ID{None, 6}, Attrs: []Attr{
				{Name: "a", Kind: KindInt, Int: -5},
				{Name: "b", Kind: KindFloat, Float: 1.5},
				{Name: "c", Kind: KindText, Text: "t"},
				{Name: "d", Kind: KindInts, Ints: []int64{1, -2}},
				{Name: "e", Kind: KindFloats, Floats: []float32{3}},
				{Name: "f", Kind: KindTexts, Texts: []string{"", "u"}},
			}},
		},
		Outputs: []Output{{Name: "y", Value: 6, DType: tensor.Float32}, {Name: "w", Value: 2}},
	}
}

func encoded(t testing.TB, g *Graph) []byte {
	t.Helper()
	b, err := Encode(g)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestFileForm(t *testing.T) {
	file := encoded(t, sample())
	decoded, err := Decode(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(encoded(t, decoded), file) || !Equal(decoded, sample()) {
		t.Error("what was read is written otherwise")
	}
	opened, err := Open(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	roots := map[string]bool{}
	for _, g := range []*Graph{sample(), decoded, opened} {
		root, err := Root(g)
		if err != nil {
			t.Fatal(err)
		}
		roots[root.String()] = true
	}
	if len(roots) != 1 {
		t.Errorf("roots %v", roots)
	}
	for n := range file {
		if _, err := Decode(file[:n]); err == nil {
			t.Fatalf("the first %d bytes of %d are a file", n, len(file))
		}
	}
}

// The root depends on everything that is computed, and on no label.
func TestRootBindsWhatIsComputed(t *testing.T) {
	root := func(change func(g *Graph)) string {
		g := sample()
		change(g)
		h, err := Root(g)
		if err != nil {
			t.Fatal(err)
		}
		return h.String()
	}
	plain := root(func(*Graph) {})
	for name, change := range map[string]func(g *Graph){
		"an element":     func(g *Graph) { g.Constants[0].Quant.Q.Bytes()[2]++ },
		"a scale":        func(g *Graph) { g.Constants[0].Quant.Scale[1] = 2 },
		"a zero point":   func(g *Graph) { g.Constants[0].Quant.Zero[0] = 1 },
		"a shape":        func(g *Graph) { g.Constants[2].Data = tensor.New(tensor.Float32, 4, 0) },
		"an operator":    func(g *Graph) { g.Nodes[1].Op = "Other" },
		"an attribute":   func(g *Graph) { g.Nodes[1].Attrs[0].Int = 5 },
		"an input":       func(g *Graph) { g.Nodes[1].In[2] = 4 },
		"a body":         func(g *Graph) { g.Nodes[0].Bodies[1].Nodes[0].Op = "Abs" },
		"a declaration":  func(g *Graph) { g.Inputs[0].Shape[1].Size = 4 },
		"an output":      func(g *Graph) { g.Outputs[1].Value = 3 },
		"an output name": func(g *Graph) { g.Outputs[0].Name = "z" },
	} {
		if root(change) == plain {
			t.Errorf("%s is not bound", name)
		}
	}
	if root(func(g *Graph) { g.Nodes[0].Name, g.Constants[1].Name = "other", "label" }) != plain {
		t.Error("a label is bound")
	}
}

func TestCheck(t *testing.T) {
	for name, spoil := range map[string]func(g *Graph){
		"reads what comes later":  func(g *Graph) { g.Nodes[0].In[1] = 6 },
		"makes another's value":   func(g *Graph) { g.Nodes[1].Out[1] = 5 },
		"attributes out of order": func(g *Graph) { g.Nodes[1].Attrs[0].Name = "z" },
		"output of nothing":       func(g *Graph) { g.Outputs[0].Value = 7 },
		"scales of another axis":  func(g *Graph) { g.Constants[0].Quant.Axis = 0 },
		"axis beyond all":         func(g *Graph) { g.Constants[0].Quant.Axis = 9 },
		"whole numbers of floats": func(g *Graph) { g.Constants[0].Quant.Q = tensor.New(tensor.Float32, 3, 2) },
		"bodies without end":      func(g *Graph) { g.Nodes[0].Bodies[0].Nodes[0].Bodies = []*Graph{g.Nodes[0].Bodies[0]} },
	} {
		g := sample()
		spoil(g)
		var e *Error
		if err := g.Check(); !errors.As(err, &e) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	file := encoded(f, sample())
	f.Add(file)
	f.Add(file[:40])
	f.Fuzz(func(t *testing.T, b []byte) {
		g, err := Decode(b)
		if err != nil {
			var decode *DecodeError
			var check *Error
			if !errors.As(err, &decode) && !errors.As(err, &check) {
				t.Fatalf("error %T", err)
			}
			return
		}
		if again := encoded(t, g); !bytes.Equal(again, b) {
			t.Fatalf("%d bytes are read and written as %d others", len(b), len(again))
		}
		if _, err := Open(bytes.NewReader(b), int64(len(b))); err != nil {
			t.Fatalf("decoded, not opened: %v", err)
		}
	})
}

// A header may promise anything.
func TestHugeSizes(t *testing.T) {
	for _, at := range []int{16, 24} {
		b := encoded(t, sample())
		binary.LittleEndian.PutUint64(b[at:], 1<<62)
		if _, err := Decode(b); err == nil {
			t.Errorf("a length at byte %d is believed", at)
		}
	}
}
