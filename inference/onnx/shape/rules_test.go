package shape_test

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"testing"

	"assay/inference/onnx"
	"assay/inference/onnx/shape"
)

// graph is a model of the given nodes. Inputs are written "name int64 batch 3"; a dimension is a number or a symbol.
func graph(inputs []string, nodes ...onnx.Node) *onnx.Graph {
	g := &onnx.Graph{IRVersion: 10, Opset: 20, Opsets: map[string]int64{"": 20, "com.microsoft": 1}}
	for _, line := range inputs {
		words := strings.Fields(line)
		v := onnx.Value{Name: words[0], DType: onnx.Float32, Shape: []onnx.Dim{}}
		if words[1] == "int64" {
			v.DType = onnx.Int64
		}
		for _, d := range words[2:] {
			dim := onnx.Dim{Size: -1, Symbol: d}
			if n := int64(0); d[0] <= '9' {
				fmt.Sscan(d, &n)
				dim = onnx.Dim{Size: n}
			}
			v.Shape = append(v.Shape, dim)
		}
		g.Inputs = append(g.Inputs, v)
	}
	for i := range nodes {
		nodes[i].Name = fmt.Sprintf("n%d", i)
	}
	g.Nodes = nodes
	return g
}

// node is written "y = Op a b"; an input "-" is left out.
func node(text string, attributes ...onnx.Attribute) onnx.Node {
	words := strings.Fields(text)
	n := onnx.Node{Op: words[2], Outputs: []string{words[0]}, Attributes: attributes}
	for _, w := range words[3:] {
		if w == "-" {
			w = ""
		}
		n.Inputs = append(n.Inputs, w)
	}
	return n
}

func attrInt(name string, v int64) onnx.Attribute {
	return onnx.Attribute{Name: name, Kind: onnx.KindInt, Int: v}
}

func attrInts(name string, v ...int64) onnx.Attribute {
	return onnx.Attribute{Name: name, Kind: onnx.KindInts, Ints: v}
}

// number is a constant vector.
func number(name string, v ...int64) onnx.Node {
	t := &onnx.Tensor{DType: onnx.Int64, Shape: []int64{int64(len(v))}}
	for _, x := range v {
		t.Raw = binary.LittleEndian.AppendUint64(t.Raw, uint64(x))
	}
	return onnx.Node{Op: "Constant", Outputs: []string{name}, Attributes: []onnx.Attribute{{Name: "value", Kind: onnx.KindTensor, Tensor: t}}}
}

// The ways in which exporters spell shapes that follow from others.
func TestSymbolicShapes(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		inputs []string
		nodes  []onnx.Node
		want   string
	}{
		{
			"heads of attention",
			[]string{"x float b s 64"},
			[]onnx.Node{
				node("sh = Shape x"), number("zero", 0), number("one", 1), node("b = Gather sh zero"), node("s = Gather sh one"),
				number("rest", -1, 16), node("to = Concat b s rest", attrInt("axis", 0)), node("r = Reshape x to"),
				node("y = Transpose r", attrInts("perm", 0, 2, 1, 3)),
			},
			"float32 [b, 4, s, 16]",
		},
		{
			"cache and new positions",
			[]string{"past float b 4 p 16", "new float b 4 s 16"},
			[]onnx.Node{node("y = Concat past new", attrInt("axis", 2))},
			"float32 [b, 4, p + s, 16]",
		},
		{
			"positions counted from a length",
			[]string{"x float b s"},
			[]onnx.Node{
				node("sh = Shape x", attrInt("start", 1), attrInt("end", 2)), number("none"), node("n = Reshape sh none"),
				number("z", 0), number("o", 1), node("z0 = Squeeze z"), node("o0 = Squeeze o"), node("y = Range z0 n o0"),
			},
			"int64 [s]",
		},
		{
			"all but the first",
			[]string{"x float b s 8"},
			[]onnx.Node{number("a", 1), number("e", 9223372036854775807), number("ax", 1), node("y = Slice x a e ax")},
			"float32 [b, s - 1, 8]",
		},
		{
			"every other one",
			[]string{"x float b s"},
			[]onnx.Node{number("a", 0), number("e", 2147483647), number("ax", 1), number("st", 2), node("y = Slice x a e ax st")},
			"float32 [b, floor((s + 1) / 2)]",
		},
		{
			"rows of a table",
			[]string{"x float b s 8"},
			[]onnx.Node{
				{Op: "Constant", Outputs: []string{"table"}, Attributes: []onnx.Attribute{{Name: "value", Kind: onnx.KindTensor, Tensor: &onnx.Tensor{
					DType: onnx.Float32, Shape: []int64{1, 32, 8}, Raw: make([]byte, 4*32*8),
				}}}},
				node("s = Shape x", attrInt("start", 1), attrInt("end", 2)), number("z", 0), number("one", 1),
				node("part = Slice table z s one"), node("y = Add x part"),
			},
			"float32 [b, s, 8]",
		},
		{
			"convolution with a stride",
			[]string{"x float b 3 h w", "k float 8 3 3 3"},
			[]onnx.Node{node("y = Conv x k", attrInts("strides", 2, 2), attrInts("pads", 1, 1, 1, 1))},
			"float32 [b, 8, floor((h + 1) / 2), floor((w + 1) / 2)]",
		},
		{
			"everything in one row",
			[]string{"x float b c h w"},
			[]onnx.Node{node("y = Flatten x")},
			"float32 [b, c*h*w]",
		},
		{
			"product of batches stretched",
			[]string{"x float b 1 s 8", "y0 float t 8 5"},
			[]onnx.Node{node("y = MatMul x y0")},
			"float32 [b, t, s, 5]",
		},
		{
			"how many are not zero",
			[]string{"x float b s"},
			[]onnx.Node{node("y = NonZero x")},
			"int64 [2, y:1]",
		},
		{
			"as many as an input says",
			[]string{"x float b s", "k int64 1"},
			[]onnx.Node{node("y = TopK x k")},
			"float32 [b, k[0]]",
		},
		{
			"the same length asked for twice",
			[]string{"k int64 1", "x float b"},
			[]onnx.Node{node("z = ConstantOfShape k"), node("o = ConstantOfShape k"), node("y = Add z o")},
			"float32 [k[0]]",
		},
		{
			"weights of four bits",
			[]string{"x float b s 64", "w float 1", "sc float 1"},
			[]onnx.Node{func() onnx.Node {
				n := node("y = MatMulNBits x w sc", attrInt("K", 64), attrInt("N", 128))
				n.Domain = "com.microsoft"
				return n
			}()},
			"float32 [b, s, 128]",
		},
		{
			"split in uneven parts",
			[]string{"x float 7 b"},
			[]onnx.Node{func() onnx.Node {
				n := node("a = Split x", attrInt("num_outputs", 3))
				n.Outputs = []string{"a", "b1", "y"}
				return n
			}()},
			"float32 [1, b]",
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			result, err := shape.Infer(graph(c.inputs, c.nodes...), shape.Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if got := result.Values["y"].String(); got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestRefusesShapes(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name   string
		inputs []string
		nodes  []onnx.Node
		part   string
	}{
		{"sums of two lengths", []string{"a float b 3", "c float 4 5"}, []onnx.Node{node("y = MatMul a c")}, "3 and 4"},
		{"sizes that do not stretch", []string{"a float b 3", "c float b 4"}, []onnx.Node{node("y = Add a c")}, "3 against 4"},
		{"elements lost", []string{"a float 3 4"}, []onnx.Node{number("to", 5, 2), node("y = Reshape a to")}, "12 elements into 10"},
		{"no whole rows", []string{"a float 3 4"}, []onnx.Node{number("to", -1, 5), node("y = Reshape a to")}, "rows of 5"},
		{"channels", []string{"a float 1 3 8 8", "k float 4 2 3 3"}, []onnx.Node{node("y = Conv a k")}, "channels"},
		{"window larger than the image", []string{"a float 1 1 2 2"}, []onnx.Node{node("y = MaxPool a", attrInts("kernel_shape", 5, 5))}, "would be -2"},
		{"axis", []string{"a float 2 3"}, []onnx.Node{node("y = Softmax a"), node("z = ArgMax a", attrInt("axis", 2))}, "axis 2 of rank 2"},
		{"axis twice", []string{"a float 2 3"}, []onnx.Node{number("x", 1, -1), node("y = ReduceSum a x")}, "twice"},
		{"no permutation", []string{"a float 2 3"}, []onnx.Node{node("y = Transpose a", attrInts("perm", 0, 0))}, "permutation"},
		{"squeeze of three", []string{"a float 2 3"}, []onnx.Node{number("x", 1), node("y = Squeeze a x")}, "not 1"},
		{"ranks joined", []string{"a float 2 3", "c float 2"}, []onnx.Node{node("y = Concat a c", attrInt("axis", 0))}, "2 and 1"},
		{"index outside", []string{"a float 2 3"}, []onnx.Node{node("s = Shape a"), number("i", 2), node("y = Gather s i")}, "index 2 of 2"},
		{"too few inputs", []string{"a float 2"}, []onnx.Node{node("y = Add a")}, "1 inputs"},
		{"more than there are", []string{"a float 2 3"}, []onnx.Node{number("k", 4), node("y = TopK a k")}, "largest 4 of 3"},
		{"negative size", nil, []onnx.Node{number("k", -4), node("y = ConstantOfShape k")}, "is -4"},
		{"letter from nowhere", []string{"a float 2"}, []onnx.Node{
			node("y = Einsum a", onnx.Attribute{Name: "equation", Kind: onnx.KindString, String: "i->j"}),
		}, "no input"},
		{"cast to no type", []string{"a float 2"}, []onnx.Node{node("y = Cast a", attrInt("to", 99))}, "99"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := shape.Infer(graph(c.inputs, c.nodes...), shape.Limits{})
			var typed *shape.Error
			if !errors.As(err, &typed) || !errors.Is(err, shape.ErrShape) || !strings.Contains(err.Error(), c.part) {
				t.Fatalf("error %v, want %v with %q", err, shape.ErrShape, c.part)
			}
			if want := fmt.Sprintf("n%d", len(c.nodes)-1); typed.Node != want {
				t.Errorf("error names node %q, want %q", typed.Node, want)
			}
		})
	}
}

func TestUnknownOperators(t *testing.T) {
	t.Parallel()
	odd := node("y = Odd a")
	odd.Domain = "com.microsoft"
	result, err := shape.Infer(graph([]string{"a float 2"}, odd, node("z = Neg y")), shape.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if len(result.Unknown) != 1 || result.Unknown[0] != "n0" || result.Values["y"].String() != "?" {
		t.Errorf("unknown are %v, y is %v", result.Unknown, result.Values["y"])
	}
}

func TestInferLimits(t *testing.T) {
	t.Parallel()
	var chain []onnx.Node
	for i := range 50 {
		chain = append(chain, node(fmt.Sprintf("a%d = Neg a%d", i+1, i)))
	}
	_, err := shape.Infer(graph([]string{"a0 float 2"}, chain...), shape.Limits{Steps: 49})
	if !errors.Is(err, shape.ErrLimit) {
		t.Errorf("error %v, want %v", err, shape.ErrLimit)
	}
	followed := graph(nil, number("k", 3), node("y = ConstantOfShape k"))
	for _, limit := range []int{1, 100} {
		result, err := shape.Infer(followed, shape.Limits{Elements: limit})
		if err != nil {
			t.Fatal(err)
		}
		if _, known := result.Values["k"].Values(); known != (limit == 100) {
			t.Errorf("with %d elements to follow, the constant is known: %t", limit, known)
		}
	}
	doubled := []onnx.Node{node("a1 = Gather a0 a0")}
	wrapped := []onnx.Node{node("b1 = Optional a0")}
	for i := 1; i < 40; i++ {
		doubled = append(doubled, node(fmt.Sprintf("a%d = Gather a%d a%d", i+1, i, i)))
		wrapped = append(wrapped, node(fmt.Sprintf("b%d = Optional b%d", i+1, i)))
	}
	for _, nodes := range [][]onnx.Node{doubled, wrapped} {
		if _, err := shape.Infer(graph([]string{"a0 int64 2 2"}, nodes...), shape.Limits{}); !errors.Is(err, shape.ErrLimit) {
			t.Errorf("%s: error %v, want %v", nodes[0].Op, err, shape.ErrLimit)
		}
	}
	// A constant of zeros of any size costs nothing but the attempt.
	result, err := shape.Infer(graph(nil, number("k", 1<<40, 1<<20), node("y = ConstantOfShape k")), shape.Limits{})
	if err != nil || result.Values["y"].String() != "float32 [1099511627776, 1048576]" {
		t.Errorf("%v, error %v", result, err)
	}
}
