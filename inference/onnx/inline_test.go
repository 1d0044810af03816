package onnx

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// calls is a model of two functions: twice(x) = scale(scale(x)) and scale(x; by) = x * by, the second with an If in it.
func callsModel() *Graph {
	one := []Value{{Name: "x", DType: Float32, Shape: []Dim{{Size: -1, Symbol: "n"}}}}
	branch := func(op string) *Graph {
		return &Graph{
			Name:    op,
			Nodes:   []Node{{Name: "inside", Op: op, Inputs: []string{"scaled"}, Outputs: []string{"branch"}}},
			Outputs: []Value{{Name: "branch"}},
		}
	}
	return &Graph{
		Name: "calls", IRVersion: 10, Opset: 17, Opsets: map[string]int64{"": 17, "local": 1},
		Nodes: []Node{
			{Name: "a", Op: "twice", Domain: "local", Inputs: []string{"x"}, Outputs: []string{"y"}, Attributes: []Attribute{{Name: "by", Kind: KindFloat, Float: 3}}},
			{Name: "b", Op: "scale", Domain: "local", Inputs: []string{"y", "x"}, Outputs: []string{"z"}},
		},
		Inputs: one, Outputs: []Value{{Name: "z", DType: Float32}},
		Functions: []Function{
			{
				Domain: "local", Name: "twice", Inputs: []string{"v"}, Outputs: []string{"w"}, Attributes: []string{"by"},
				Opsets: map[string]int64{"local": 1},
				Nodes: []Node{
					{Name: "first", Op: "scale", Domain: "local", Inputs: []string{"v"}, Outputs: []string{"m"}, Attributes: []Attribute{{Name: "by", Kind: KindFloat, Ref: "by"}}},
					{Name: "second", Op: "scale", Domain: "local", Inputs: []string{"m"}, Outputs: []string{"w"}},
				},
			},
			{
				Domain: "local", Name: "scale", Inputs: []string{"v", "extra"}, Outputs: []string{"w"},
				Defaults: []Attribute{{Name: "by", Kind: KindFloat, Float: 2}},
				Opsets:   map[string]int64{"": 18},
				Nodes: []Node{
					{Name: "c", Op: "Constant", Outputs: []string{"c"}, Attributes: []Attribute{{Name: "value_float", Kind: KindFloat, Ref: "by"}}},
					{Name: "m", Op: "Mul", Inputs: []string{"v", "c"}, Outputs: []string{"scaled"}},
					{Name: "t", Op: "Constant", Outputs: []string{"t"}, Attributes: []Attribute{{Name: "value", Kind: KindTensor, Tensor: &Tensor{DType: Bool, Shape: []int64{}, Raw: []byte{1}}}}},
					{Name: "if", Op: "If", Inputs: []string{"t"}, Outputs: []string{"w"}, Attributes: []Attribute{
						{Name: "then_branch", Kind: KindGraph, Graph: branch("Abs")},
						{Name: "else_branch", Kind: KindGraph, Graph: branch("Neg")},
					}},
				},
			},
		},
	}
}

func TestInline(t *testing.T) {
	t.Parallel()
	g, err := Parse(Encode(callsModel()), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(callsModel(), g); diff != "" {
		t.Fatalf("functions, written and read (-want +got)\n%s", diff)
	}
	flat, err := Inline(g, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for i := range flat.Nodes {
		n := &flat.Nodes[i]
		line := n.Name + ": " + strings.Join(n.Outputs, ",") + " = " + n.Op + "(" + strings.Join(n.Inputs, ",") + ")"
		for _, a := range n.Attributes {
			switch {
			case a.Kind == KindFloat:
				line += sprintf(" %g", a.Float)
			case a.Graph != nil:
				inner := a.Graph.Nodes[0]
				line += sprintf(" {%s: %s = %s(%s)}", inner.Name, a.Graph.Outputs[0].Name, inner.Op, inner.Inputs[0])
			}
		}
		lines = append(lines, line)
	}
	want := `a/first/c: a/first/c = Constant() 3
a/first/m: a/first/scaled = Mul(x,a/first/c)
a/first/t: a/first/t = Constant()
a/first/if: a/m = If(a/first/t) {a/first/inside: a/first/branch = Abs(a/first/scaled)} {a/first/inside~2: a/first/branch = Neg(a/first/scaled)}
a/second/c: a/second/c = Constant() 2
a/second/m: a/second/scaled = Mul(a/m,a/second/c)
a/second/t: a/second/t = Constant()
a/second/if: y = If(a/second/t) {a/second/inside: a/second/branch = Abs(a/second/scaled)} {a/second/inside~2: a/second/branch = Neg(a/second/scaled)}
b/c: b/c = Constant() 2
b/m: b/scaled = Mul(y,b/c)
b/t: b/t = Constant()
b/if: z = If(b/t) {b/inside: b/branch = Abs(b/scaled)} {b/inside~2: b/branch = Neg(b/scaled)}`
	if diff := cmp.Diff(strings.Split(want, "\n"), lines); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	again, err := Parse(Encode(flat), Limits{})
	if err != nil {
		t.Fatalf("the inlined model is refused: %v", err)
	}
	if len(again.Functions) != 0 {
		t.Errorf("%d functions are left", len(again.Functions))
	}
}

// A name that inlining would make and the model has already gets a number.
func TestInlineKeepsNamesApart(t *testing.T) {
	t.Parallel()
	g := callsModel()
	g.Nodes = append(g.Nodes, Node{Name: "b/m", Op: "Neg", Inputs: []string{"x"}, Outputs: []string{"b/scaled"}})
	flat, err := Inline(g, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Parse(Encode(flat), Limits{}); err != nil {
		t.Fatal(err)
	}
}

// An input that a function hands on as its output becomes an Identity.
func TestInlineInputAsOutput(t *testing.T) {
	t.Parallel()
	g := callsModel()
	g.Functions[0].Nodes, g.Functions[0].Outputs = nil, []string{"v"}
	flat, err := Inline(g, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	want := Node{Name: "a/v", Op: "Identity", Inputs: []string{"x"}, Outputs: []string{"y"}}
	if diff := cmp.Diff(want, flat.Nodes[0]); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

func TestRefusesFunctions(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		change func(g *Graph)
		kind   error
		node   string
		part   string
	}{
		{"function twice", func(g *Graph) { g.Functions[0].Name = "scale" }, ErrDuplicate, "local.scale()", "two functions"},
		{"too many inputs", func(g *Graph) { g.Nodes[0].Inputs = []string{"x", "x"} }, ErrMalformed, "a", "2 inputs"},
		{"calls itself", func(g *Graph) { g.Functions[0].Nodes[1].Op = "twice" }, ErrCycle, "local.twice()/second", "calls"},
		{"unknown overload", func(g *Graph) { g.Nodes[0].Overload = "other" }, ErrDangling, "a", "other"},
		{"reads the model's names", func(g *Graph) { g.Functions[1].Nodes[1].Inputs[0] = "x" }, ErrDangling, "local.scale()/m", `"x"`},
		{"reference to nothing", func(g *Graph) { g.Functions[1].Defaults = nil }, ErrDangling, "local.scale()/c", `"by"`},
		{"reference of another kind", func(g *Graph) { g.Functions[1].Defaults[0].Kind = KindInt }, ErrMalformed, "local.scale()/c", "kind"},
		{"reference outside a function", func(g *Graph) { g.Nodes[0].Attributes[0].Ref = "by" }, ErrMalformed, "a", "outside"},
		{"input twice", func(g *Graph) { g.Functions[1].Inputs[1] = "v" }, ErrDuplicate, "local.scale()", `"v"`},
		{"output of nothing", func(g *Graph) { g.Functions[0].Outputs[0] = "u" }, ErrDangling, "local.twice()", `"u"`},
		{"parameter twice", func(g *Graph) { g.Functions[0].Attributes = []string{"by", "by"} }, ErrDuplicate, "local.twice()", `"by"`},
		{"domain that the function does not import", func(g *Graph) { g.Functions[1].Nodes[1].Domain = "odd" }, ErrMalformed, "local.scale()/m", `"odd"`},
		{"no outputs", func(g *Graph) { g.Functions = append(g.Functions, Function{Name: "f"}) }, ErrMalformed, "f()", "outputs"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g := callsModel()
			c.change(g)
			expect(t, Encode(g), Limits{}, c.kind, c.node, c.part)
		})
	}
}

func TestInlineRefuses(t *testing.T) {
	t.Parallel()
	changed := callsModel()
	changed.Functions[1].Nodes[1].Op = "Split" // 17 means the definition of 13, 18 that of 18
	bomb := bombModel(40)
	left := callsModel()
	left.Functions[0].Inputs, left.Functions[0].Outputs, left.Functions[0].Nodes = []string{"v", "u"}, []string{"u"}, nil
	cases := []struct {
		name string
		g    *Graph
		kind error
		part string
	}{
		{"operator that changed between versions", changed, ErrUnsupported, "Split of version 18"},
		{"two to the fortieth nodes", bomb, ErrLimit, "after inlining"},
		{"output is an input left out", left, ErrDangling, `"u"`},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			g, err := Parse(Encode(c.g), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			_, err = Inline(g, Limits{})
			if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.part) {
				t.Errorf("error %v, want %v with %q", err, c.kind, c.part)
			}
		})
	}
}

// bombModel calls a function that calls the next one twice, and so on.
func bombModel(depth int) *Graph {
	g := &Graph{
		IRVersion: 10, Opset: 17, Opsets: map[string]int64{"": 17, "l": 1},
		Nodes:   []Node{{Name: "n", Op: "f0", Domain: "l", Inputs: []string{"x"}, Outputs: []string{"y"}}},
		Inputs:  []Value{{Name: "x", DType: Float32}},
		Outputs: []Value{{Name: "y", DType: Float32}},
	}
	for i := range depth {
		next, domain := sprintf("f%d", i+1), "l"
		if i == depth-1 {
			next, domain = "Neg", ""
		}
		g.Functions = append(g.Functions, Function{
			Domain: "l", Name: sprintf("f%d", i), Inputs: []string{"a"}, Outputs: []string{"c"}, Opsets: map[string]int64{"": 17, "l": 1},
			Nodes: []Node{
				{Name: "p", Op: next, Domain: domain, Inputs: []string{"a"}, Outputs: []string{"b"}},
				{Name: "q", Op: next, Domain: domain, Inputs: []string{"b"}, Outputs: []string{"c"}},
			},
		})
	}
	return g
}

func TestOperator(t *testing.T) {
	t.Parallel()
	cases := []struct {
		domain, op string
		version    int64
		since      int64
		ok         bool
	}{
		{"", "Add", 13, 13, true},
		{"", "Add", 12, 7, true},
		{"", "Add", 28, 14, true},
		{"", "Gelu", 19, 0, false},
		{"", "Gelu", 20, 20, true},
		{"", "Upsample", 9, 9, true},
		{"", "Upsample", 10, 10, false},
		{"ai.onnx.ml", "TreeEnsemble", 5, 5, true},
		{"com.microsoft", "MatMulNBits", 1, 0, false},
	}
	for _, c := range cases {
		got, ok := Operator(c.domain, c.op, c.version)
		if ok != c.ok || ok && got.Since != c.since {
			t.Errorf("Operator(%q, %q, %d) = since %d, %t; want %d, %t", c.domain, c.op, c.version, got.Since, ok, c.since, c.ok)
		}
	}
	if s, _ := Operator("", "Concat", 13); s.MinInputs != 1 || s.MaxInputs != -1 || s.MaxOutputs != 1 {
		t.Errorf("Concat is %+v", s)
	}
}
