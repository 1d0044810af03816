package onnx

import (
	"bytes"
	"errors"
	"math"
	"math/rand/v2"
	"reflect"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// generator makes legal graphs of everything that a file may hold.
type generator struct {
	*rand.Rand
	next int
}

func (r *generator) name(kind string) string {
	r.next++
	return sprintf("%s%d", kind, r.next)
}

func (r *generator) graph() *Graph {
	g := &Graph{Name: r.name("g"), IRVersion: int64(3 + r.IntN(12)), Opset: int64(7 + r.IntN(22)), Opsets: map[string]int64{"com.microsoft": 1}}
	g.Opsets[""] = g.Opset
	if r.IntN(2) == 0 {
		g.Opsets["local"] = 1
		for range 1 + r.IntN(2) {
			g.Functions = append(g.Functions, r.function())
		}
	}
	r.fill(g, nil, 1+r.IntN(2))
	return g
}

// fill gives a graph inputs, constants, nodes and outputs; outer are names visible around it.
func (r *generator) fill(g *Graph, outer []string, depth int) {
	names := append([]string{""}, outer...)
	for range 1 + r.IntN(3) {
		v := r.value()
		g.Inputs = append(g.Inputs, v)
		names = append(names, v.Name)
	}
	for range r.IntN(3) {
		t := r.tensor(r.name("w"))
		g.Initializers = append(g.Initializers, t)
		names = append(names, t.Name)
	}
	if r.IntN(3) == 0 {
		s := r.sparse()
		g.Sparse = append(g.Sparse, s)
		names = append(names, s.Values.Name)
	}
	for range 1 + r.IntN(4) {
		n := r.node(names, depth)
		g.Nodes = append(g.Nodes, n)
		names = append(names, n.Outputs...)
		g.Values = append(g.Values, Value{Name: n.Outputs[0], DType: Float32})
	}
	last := g.Nodes[len(g.Nodes)-1]
	g.Outputs = []Value{{Name: last.Outputs[0], DType: Int8, Shape: []Dim{{Size: -1, Symbol: "n"}}}}
}

func (r *generator) node(names []string, depth int) Node {
	n := Node{Name: r.name("n"), Op: "Op", Domain: "com.microsoft", Outputs: []string{r.name("v")}}
	for range r.IntN(4) {
		n.Inputs = append(n.Inputs, names[r.IntN(len(names))])
	}
	for range r.IntN(5) {
		n.Attributes = append(n.Attributes, r.attribute(names, depth))
	}
	return n
}

func (r *generator) attribute(names []string, depth int) Attribute {
	a := Attribute{Name: r.name("a"), Kind: AttributeKind(1 + r.IntN(14))}
	body := func() *Graph {
		g := &Graph{Name: r.name("b")}
		r.fill(g, names[1:], depth-1)
		return g
	}
	switch a.Kind {
	case KindFloat:
		a.Float = float32(r.NormFloat64())
	case KindInt:
		a.Int = r.Int64() - math.MaxInt64/2
	case KindString:
		a.String = r.name("text ☃ ")
	case KindTensor:
		t := r.tensor("")
		a.Tensor = &t
	case KindFloats:
		a.Floats = []float32{1, float32(math.Inf(-1))}
	case KindInts:
		a.Ints = []int64{r.Int64(), -1}
	case KindStrings:
		a.Strings = []string{"", r.name("s")}
	case KindTensors:
		a.Tensors = []Tensor{r.tensor(""), r.tensor("t")}
	case KindSparse:
		s := r.sparse()
		a.Sparse = &s
	case KindSparses:
		a.Sparses = []Sparse{r.sparse(), r.sparse()}
	case KindType:
		t := r.typ(3)
		a.Type = &t
	case KindTypes:
		a.Types = []Type{r.typ(2), r.typ(0)}
	case KindGraph, KindGraphs:
		switch {
		case depth == 0:
			a.Kind, a.Int = KindInt, 1
		case a.Kind == KindGraph:
			a.Graph = body()
		default:
			a.Graphs = []*Graph{body(), body()}
		}
	}
	return a
}

var everyType = []DType{
	Float32, Uint8, Int8, Uint16, Int16, Int32, Int64, String, Bool, Float16, Float64, Uint32, Uint64, BFloat16, Float8E4M3FN,
	Float8E4M3FNUZ, Float8E5M2, Float8E5M2FNUZ, Uint4, Int4, Float4E2M1, Float8E8M0, Uint2, Int2, Float6E2M3, Float6E3M2,
}

func (r *generator) tensor(name string) Tensor {
	t := Tensor{Name: name, DType: everyType[r.IntN(len(everyType))], Shape: []int64{}}
	n := 1
	for range r.IntN(4) {
		d := r.IntN(4)
		t.Shape, n = append(t.Shape, int64(d)), n*d
	}
	if t.DType == String {
		for i := range n {
			t.Strings = append(t.Strings, sprintf("string %d", i))
		}
		return t
	}
	t.Raw = make([]byte, fileBytes(t.DType, n))
	for i := range t.Raw {
		t.Raw[i] = byte(r.IntN(256))
		if t.DType == Bool {
			t.Raw[i] &= 1
		}
	}
	if rest := n * t.DType.Bits() % 8; rest != 0 {
		t.Raw[len(t.Raw)-1] &= 1<<rest - 1
	}
	return t
}

func (r *generator) sparse() Sparse {
	s := Sparse{Shape: []int64{int64(2 + r.IntN(3)), 3}, Values: Tensor{Name: r.name("sparse"), DType: Float32, Shape: []int64{2}, Raw: floats(1, 2)}}
	at := []byte{0, 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 0}
	s.Indices = Tensor{DType: Int64, Shape: []int64{2}, Raw: at}
	if r.IntN(2) == 0 {
		row := append(bytes.Clone(at), at...)
		row[8], row[16], row[24] = 1, 1, 2
		s.Indices = Tensor{DType: Int64, Shape: []int64{2, 2}, Raw: row}
	}
	return s
}

func (r *generator) value() Value {
	if r.IntN(5) == 0 {
		t := r.typ(2)
		if t.Kind != TypeTensor {
			return Value{Name: r.name("in"), Type: &t}
		}
	}
	return Value{Name: r.name("in"), DType: everyType[r.IntN(len(everyType))], Shape: r.shape()}
}

func (r *generator) shape() []Dim {
	if r.IntN(4) == 0 {
		return nil
	}
	dims := []Dim{}
	for range r.IntN(4) {
		dims = append(dims, []Dim{{Size: int64(r.IntN(1000))}, {Size: -1, Symbol: r.name("s")}, {Size: -1}}[r.IntN(3)])
	}
	return dims
}

func (r *generator) typ(depth int) Type {
	t := Type{Kind: []TypeKind{TypeTensor, TypeSparse, TypeSequence, TypeOptional, TypeMap}[r.IntN(5)]}
	if depth == 0 {
		t.Kind = TypeTensor
	}
	switch t.Kind {
	case TypeTensor, TypeSparse:
		t.DType, t.Shape = Float16, r.shape()
		return t
	case TypeMap:
		t.DType = String
	}
	inner := r.typ(depth - 1)
	t.Element = &inner
	return t
}

func (r *generator) function() Function {
	fn := Function{
		Domain: "local", Name: r.name("f"), Inputs: []string{"x"}, Outputs: []string{"y"}, Attributes: []string{"p"},
		Defaults: []Attribute{{Name: "q", Kind: KindInts, Ints: []int64{3}}},
		Opsets:   map[string]int64{"": 18, "com.microsoft": 1},
	}
	if r.IntN(2) == 0 {
		fn.Overload = r.name("o")
	}
	n := r.node([]string{"", "x"}, 1)
	n.Attributes = append(n.Attributes, Attribute{Name: "from", Kind: KindInts, Ref: "q"}, Attribute{Name: "p", Kind: KindFloat, Ref: "p"})
	fn.Nodes = []Node{n, {Name: "last", Op: "Identity", Inputs: []string{n.Outputs[0]}, Outputs: []string{"y"}}}
	fn.Values = []Value{{Name: "y", DType: Float32}}
	return fn
}

// What is written is read back equal, in the same bytes, with its data beside it too.
func TestGeneratedGraphs(t *testing.T) {
	t.Parallel()
	for seed := range uint64(60) {
		want := (&generator{Rand: rand.New(rand.NewPCG(seed, 7))}).graph()
		file := Encode(want)
		got, err := Parse(file, Limits{})
		if err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if !reflect.DeepEqual(want, got) { // cmp.Diff takes long to find nothing
			t.Fatalf("seed %d (-want +got)\n%s", seed, cmp.Diff(want, got))
		}
		if !bytes.Equal(file, Encode(got)) {
			t.Fatalf("seed %d: other bytes the second time", seed)
		}
		var model, data, whole bytes.Buffer
		if err := Write(&whole, got); err != nil || !bytes.Equal(whole.Bytes(), file) {
			t.Fatalf("seed %d: Write gives other bytes than Encode, error %v", seed, err)
		}
		if err := WriteExternal(&model, &data, want, "w", 1); err != nil {
			t.Fatal(err)
		}
		if got, err = ParseExternal(model.Bytes(), Limits{}, files{"w": data.Bytes()}); err != nil {
			t.Fatalf("seed %d: %v", seed, err)
		}
		if !reflect.DeepEqual(want, got) {
			t.Fatalf("seed %d, data beside it (-want +got)\n%s", seed, cmp.Diff(want, got))
		}
	}
}

// Every damaged byte of a file with everything in it gives a typed error or another whole model.
func TestDamagedGeneratedGraphs(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(3, 4))
	for seed := range uint64(20) {
		file := Encode((&generator{Rand: rand.New(rand.NewPCG(seed, 8))}).graph())
		for range 100 {
			broken := bytes.Clone(file)
			broken[random.IntN(len(broken))] = byte(random.IntN(256))
			g, err := Parse(broken, Limits{})
			var typed *Error
			if (err == nil) == (g == nil) || err != nil && !errors.As(err, &typed) {
				t.Fatalf("seed %d: graph %v, error %T %v", seed, g, err, err)
			}
			if g != nil {
				checkInlining(t, g)
			}
		}
	}
}

// checkInlining inlines a graph that was read: it fails with a typed error or gives one that is read again.
func checkInlining(t *testing.T, g *Graph) {
	t.Helper()
	limits := Limits{Nodes: 1 << 12}
	flat, err := Inline(g, limits)
	if err != nil {
		var typed *Error
		if !errors.As(err, &typed) {
			t.Fatalf("error %T %v", err, err)
		}
		return
	}
	if _, err := Parse(Encode(flat), Limits{}); err != nil {
		t.Fatalf("the inlined graph is refused: %v", err)
	}
}

func FuzzInline(f *testing.F) {
	f.Add(Encode(callsModel()))
	f.Add(Encode(bombModel(20)))
	f.Add(Encode((&generator{Rand: rand.New(rand.NewPCG(1, 7))}).graph()))
	f.Fuzz(func(t *testing.T, data []byte) {
		g, err := Parse(data, Limits{})
		if err == nil {
			checkInlining(t, g)
		}
	})
}
