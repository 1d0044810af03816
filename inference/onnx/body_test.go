package onnx

import (
	"errors"
	"testing"

	"google.golang.org/protobuf/encoding/protowire"
)

// branching is a model with an If whose branches read names of the graph around them, and a Loop in one of them.
func branching() *Graph {
	loop := &Graph{
		Inputs:  []Value{{Name: "i"}, {Name: "go"}, {Name: "state"}},
		Nodes:   []Node{{Name: "step", Op: "Add", Inputs: []string{"state", "before"}, Outputs: []string{"next"}}},
		Outputs: []Value{{Name: "go"}, {Name: "next"}},
	}
	then := &Graph{
		Initializers: []Tensor{{Name: "trips", DType: Int64, Shape: []int64{}, Raw: make([]byte, 8)}},
		Nodes: []Node{{
			Name: "loop", Op: "Loop", Inputs: []string{"trips", "", "x"}, Outputs: []string{"looped"},
			Attributes: []Attribute{{Name: "body", Kind: KindGraph, Graph: loop}},
		}},
		Outputs: []Value{{Name: "looped"}},
	}
	otherwise := &Graph{
		Nodes:   []Node{{Name: "pass", Op: "Identity", Inputs: []string{"before"}, Outputs: []string{"passed"}}},
		Outputs: []Value{{Name: "passed"}},
	}
	return &Graph{
		IRVersion: 8, Opset: 17, Opsets: map[string]int64{"": 17},
		Inputs: []Value{{Name: "x", DType: Float32}, {Name: "c", DType: Bool, Shape: []Dim{}}},
		Nodes: []Node{
			{Name: "first", Op: "Neg", Inputs: []string{"x"}, Outputs: []string{"before"}},
			{Name: "if", Op: "If", Inputs: []string{"c"}, Outputs: []string{"y"}, Attributes: []Attribute{
				{Name: "then_branch", Kind: KindGraph, Graph: then}, {Name: "else_branch", Kind: KindGraph, Graph: otherwise},
			}},
			{Name: "last", Op: "Abs", Inputs: []string{"y"}, Outputs: []string{"after"}},
		},
		Outputs: []Value{{Name: "after", DType: Float32}},
	}
}

func TestRefusesBodies(t *testing.T) {
	t.Parallel()
	if _, err := Parse(Encode(branching()), Limits{}); err != nil {
		t.Fatal(err)
	}
	step := func(g *Graph) *Node { return &g.Nodes[1].Attributes[0].Graph.Nodes[0].Attributes[0].Graph.Nodes[0] }
	then := func(g *Graph) *Graph { return g.Nodes[1].Attributes[0].Graph }
	cases := []struct {
		name   string
		change func(g *Graph)
		kind   error
		node   string
		part   string
	}{
		{"unknown name", func(g *Graph) { step(g).Inputs[1] = "nobody" }, ErrDangling, "if/loop/step", `"nobody"`},
		{"name of the other branch", func(g *Graph) { step(g).Inputs[1] = "passed" }, ErrDangling, "if/loop/step", `"passed"`},
		{"output of the node around it", func(g *Graph) { step(g).Inputs[1] = "y" }, ErrCycle, "if", `"y"`},
		{"output of the loop around it", func(g *Graph) { step(g).Inputs[1] = "looped" }, ErrCycle, "if/loop", `"looped"`},
		{"what a later node makes of it", func(g *Graph) { step(g).Inputs[1] = "after" }, ErrCycle, "if", `"after"`},
		{"what a later node makes", func(g *Graph) { g.Nodes[2].Inputs[0] = "x"; step(g).Inputs[1] = "after" }, ErrOrder, "if", `"last"`},
		{"output shadows", func(g *Graph) { step(g).Outputs[0] = "before" }, ErrDuplicate, "if/loop/step", `"before"`},
		{"input shadows", func(g *Graph) {
			then(g).Nodes[0].Attributes[0].Graph.Inputs[0].Name = "x"
		}, ErrDuplicate, "if/loop", `"x"`},
		{"constant shadows", func(g *Graph) { then(g).Initializers[0].Name = "c" }, ErrDuplicate, "if", `"c"`},
		{"output of nothing", func(g *Graph) { then(g).Outputs[0].Name = "nobody" }, ErrDangling, "if", `"nobody"`},
		{"no outputs", func(g *Graph) { then(g).Outputs = nil }, ErrMalformed, "if", "without outputs"},
		{"two nodes of a name", func(g *Graph) {
			then(g).Nodes = append(then(g).Nodes, Node{Name: "loop", Op: "Neg", Inputs: []string{"x"}, Outputs: []string{"z"}})
		}, ErrDuplicate, "if/loop", "two nodes"},
		{"domain not imported", func(g *Graph) { step(g).Domain = "odd" }, ErrMalformed, "if/loop/step", `"odd"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := branching()
			c.change(g)
			expect(t, Encode(g), Limits{}, c.kind, c.node, c.part)
		})
	}
}

// An error found after reading still says where in the file its node begins.
func TestErrorsSayWhere(t *testing.T) {
	t.Parallel()
	inBody, inFunction := branching(), callsModel()
	inBody.Nodes[1].Attributes[0].Graph.Nodes[0].Attributes[0].Graph.Nodes[0].Inputs[1] = "nobody"
	inFunction.Functions[1].Nodes[1].Inputs[0] = "nobody"
	inFunction.Functions[1].Nodes[1].Name = "" // a name that reading makes up
	cases := []struct {
		g    *Graph
		node string
		op   string
	}{{inBody, "if/loop/step", "Add"}, {inFunction, "local.scale()/Mul#1", "Mul"}}
	for _, c := range cases {
		file := Encode(c.g)
		_, err := Parse(file, Limits{})
		var typed *Error
		if !errors.As(err, &typed) || typed.Node != c.node {
			t.Fatalf("error %v, want one of node %q", err, c.node)
		}
		op := ""
		each(file[typed.Offset:], 0, func(num protowire.Number, text []byte, _ int) {
			if num == 4 && op == "" {
				op = string(text)
			}
		})
		if op != c.op {
			t.Errorf("at byte %d stands operator %q, want %q", typed.Offset, op, c.op)
		}
	}
}

// Branches of one If may use the same names, and later nodes those that a branch used.
func TestSiblingsShareNames(t *testing.T) {
	t.Parallel()
	g := branching()
	g.Nodes[1].Attributes[1].Graph.Nodes[0].Outputs[0] = "looped"
	g.Nodes[1].Attributes[1].Graph.Outputs[0].Name = "looped"
	g.Nodes[2].Outputs[0], g.Outputs[0].Name = "next", "next"
	if _, err := Parse(Encode(g), Limits{}); err != nil {
		t.Error(err)
	}
}

func TestLimitsOfBodiesAndFunctions(t *testing.T) {
	t.Parallel()
	strings := small()
	strings.Nodes[1].Attributes[2].String = "a rather long text"
	cases := []struct {
		name   string
		g      *Graph
		limits Limits
	}{
		{"depth", branching(), Limits{Depth: 1}},
		{"nodes in bodies", branching(), Limits{Nodes: 5}},
		{"functions", callsModel(), Limits{Functions: 1}},
		{"nodes in functions", callsModel(), Limits{Nodes: 7}},
		{"length of a string", strings, Limits{StringBytes: 10}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			expect(t, Encode(c.g), c.limits, ErrLimit, "", "")
		})
	}
}

// nested is a type of that many sequences in each other.
func nested(depth int) []byte {
	inner := appendBytes(nil, 1, appendInt(nil, 1, int64(Float32)))
	for range depth {
		inner = appendBytes(nil, 4, appendBytes(nil, 1, inner))
	}
	return inner
}

func TestRefusesTypesAndTensors(t *testing.T) {
	t.Parallel()
	graph := encodeGraph(small())
	graph = graph[:len(graph):len(graph)]
	input := func(typ []byte) []byte {
		return fileOf(appendBytes(graph, 11, appendBytes(appendString(nil, 1, "q"), 2, typ)))
	}
	tensor := func(dtype DType, n int64, num protowire.Number, data ...byte) []byte {
		return fileWith(appendBytes(appendString(appendInt(appendInt(nil, 1, n), 2, int64(dtype)), 8, "b"), num, data))
	}
	sparse := func(shape []int64, indices ...int64) []byte {
		s := Sparse{Shape: shape, Values: Tensor{Name: "s", DType: Float32, Shape: []int64{2}, Raw: floats(1, 2)}}
		s.Indices = Tensor{DType: Int64, Shape: []int64{2, int64(len(indices)) / 2}, Raw: int64s(indices...)}
		if len(indices) == 2 {
			s.Indices.Shape = []int64{2}
		}
		var r rope
		new(writer).sparse(&r, &s)
		return fileOf(appendBytes(graph, 15, r.join()))
	}
	cases := []struct {
		name string
		file []byte
		kind error
		part string
	}{
		{"types in types", input(nested(20)), ErrLimit, "deep"},
		{"type of two kinds", input(append(nested(1), nested(0)...)), ErrMalformed, "two kinds"},
		{"map from floats", input(appendBytes(nil, 5, appendInt(nil, 1, int64(Float32)))), ErrMalformed, "keys"},
		{"type without content", input(nil), ErrMalformed, "type"},
		{"strings in raw bytes", tensor(String, 2, 9, 'a', 'b'), ErrMalformed, "raw data"},
		{"strings in a number field", tensor(String, 1, 5, 1), ErrMalformed, "number field"},
		{"numbers in strings", tensor(Float32, 1, 6, 'a'), ErrMalformed, "field 6"},
		{"too few strings", tensor(String, 2, 6, 'a'), ErrMalformed, "1 strings"},
		{"too many strings", tensor(String, 0, 6, 'a'), ErrMalformed, "more than the 0"},
		{"a string that is no text", tensor(String, 1, 6, 0xff), ErrMalformed, "UTF-8"},
		{"bits after the last element", tensor(Int4, 3, 9, 0x21, 0x13), ErrMalformed, "zero bits"},
		{"packed bytes missing", tensor(Uint2, 5, 9, 0x21), ErrMalformed, "want 2"},
		{"too wide for 6 bits", tensor(Float6E2M3, 1, 5, 64), ErrMalformed, "range"},
		{"place of data unknown", fileWith(appendInt(encodeTensor(&small().Initializers[0]), 14, 2)), ErrUnsupported, "place 2"},
		{"indices do not ascend", sparse([]int64{4, 3}, 7, 7), ErrMalformed, "ascend"},
		{"index outside", sparse([]int64{4, 3}, 3, 12), ErrMalformed, "outside"},
		{"negative index", sparse([]int64{4, 3}, -1, 3), ErrMalformed, "outside"},
		{"row of indices outside", sparse([]int64{4, 3}, 0, 0, 1, 3), ErrMalformed, "outside"},
		{"rows of another rank", sparse([]int64{4}, 0, 0, 1, 0), ErrMalformed, "rank 1"},
		{"absurd sparse shape", sparse([]int64{1 << 28, 1 << 28}, 0, 1), ErrLimit, "elements"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			expect(t, c.file, Limits{}, c.kind, "", c.part)
		})
	}
}

func int64s(list ...int64) (raw []byte) {
	for _, v := range list {
		for i := range 8 {
			raw = append(raw, byte(v>>(8*i)))
		}
	}
	return raw
}

func TestDense(t *testing.T) {
	t.Parallel()
	flat := Sparse{
		Values: Tensor{Name: "s", DType: Float32, Shape: []int64{2}, Raw: floats(5, 7)}, Shape: []int64{2, 2},
		Indices: Tensor{DType: Int64, Shape: []int64{2}, Raw: int64s(1, 2)},
	}
	rows := flat
	rows.Indices = Tensor{DType: Int64, Shape: []int64{2, 2}, Raw: int64s(0, 1, 1, 0)}
	for _, s := range []Sparse{flat, rows} {
		got, err := s.Dense(16)
		if err != nil {
			t.Fatal(err)
		}
		if string(got.Raw) != string(floats(0, 5, 7, 0)) || got.Name != "s" {
			t.Errorf("dense %v", got)
		}
		if _, err := s.Dense(15); !errors.Is(err, ErrLimit) {
			t.Errorf("in 15 bytes: error %v", err)
		}
	}
}

func TestUnpack(t *testing.T) {
	t.Parallel()
	cases := []struct {
		dtype DType
		raw   []byte
		want  []byte
	}{
		{Uint4, []byte{0x21, 0x0f}, []byte{1, 2, 15}},
		{Int4, []byte{0x2f, 0x08}, []byte{255, 2, 248}},
		{Uint2, []byte{0b11100100, 1}, []byte{0, 1, 2, 3, 1}},
		{Int2, []byte{0b11100100}, []byte{0, 1, 254, 255}},
		{Float6E2M3, pack6([]byte{1, 63, 32, 33, 5}), []byte{1, 63, 32, 33, 5}},
		{Float4E2M1, []byte{0xf1}, []byte{1, 15}},
	}
	for _, c := range cases {
		if got := Unpack(c.dtype, c.raw, len(c.want)); string(got) != string(c.want) {
			t.Errorf("%v: %v, want %v", c.dtype, got, c.want)
		}
	}
	if got := pack6([]byte{1, 2, 3, 4}); string(got) != string([]byte{1 | 2<<6, 0 | 3<<4, 4 << 2}) {
		t.Errorf("four elements of 6 bits are %08b", got)
	}
}
