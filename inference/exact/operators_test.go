package exact

import (
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/inference/onnx"
)

func f32(shape []int, v ...float32) Tensor { return Tensor{DType: Float32, Shape: shape, F32: v} }
func i64(shape []int, v ...int64) Tensor   { return Tensor{DType: Int64, Shape: shape, I64: v} }
func i32(shape []int, v ...int32) Tensor   { return Tensor{DType: Int32, Shape: shape, I32: v} }
func i8(shape []int, v ...int8) Tensor     { return Tensor{DType: Int8, Shape: shape, I8: v} }
func u8(shape []int, v ...uint8) Tensor    { return Tensor{DType: Uint8, Shape: shape, U8: v} }
func boolean(shape []int, v ...bool) Tensor {
	return Tensor{DType: Bool, Shape: shape, Bool: v}
}
func list(v ...int64) Tensor { return i64([]int{len(v)}, v...) }

var scalar = []int{}

func intAttribute(name string, v int64) onnx.Attribute {
	return onnx.Attribute{Name: name, Kind: onnx.KindInt, Int: v}
}

func intsAttribute(name string, v ...int64) onnx.Attribute {
	return onnx.Attribute{Name: name, Kind: onnx.KindInts, Ints: v}
}

// single makes a graph of one node. Inputs whose index is in constants become constants of the model.
func oneNode(op string, attributes []onnx.Attribute, in []Tensor, result DType, constants func(i int) bool) (*onnx.Graph, map[string]Tensor) {
	g := &onnx.Graph{Opset: 17, Opsets: map[string]int64{"": 17}, IRVersion: 8}
	n := onnx.Node{Name: "it", Op: op, Attributes: attributes, Outputs: []string{"out"}}
	given := map[string]Tensor{}
	for i, t := range in {
		name := fmt.Sprintf("in%d", i)
		if t.DType == 0 {
			n.Inputs = append(n.Inputs, "")
			continue
		}
		n.Inputs = append(n.Inputs, name)
		if constants(i) {
			shape := []int64{}
			for _, d := range t.Shape {
				shape = append(shape, int64(d))
			}
			g.Initializers = append(g.Initializers, onnx.Tensor{Name: name, DType: t.DType, Shape: shape, Raw: t.Bytes()})
			continue
		}
		g.Inputs = append(g.Inputs, onnx.Value{Name: name, DType: t.DType})
		given[name] = t
	}
	g.Nodes = []onnx.Node{n}
	g.Outputs = []onnx.Value{{Name: "out", DType: result}}
	return g, given
}

func evaluate(g *onnx.Graph, given map[string]Tensor) (Tensor, error) {
	p, err := Compile(g)
	if err != nil {
		return Tensor{}, err
	}
	out, err := p.Run(given, nil)
	return out["out"], err
}

func show(t Tensor) string { return fmt.Sprintf("%v %v %x", t.DType, t.Shape, t.Bytes()) }

var (
	inf  = float32(math.Inf(1))
	minF = float32(math.Copysign(0, -1))
)

var operatorCases = []struct {
	name       string
	op         string
	attributes []onnx.Attribute
	in         []Tensor
	want       Tensor
}{
	{"same shape", "Add", nil, []Tensor{f32([]int{2}, 1, 2), f32([]int{2}, 3, 4)}, f32([]int{2}, 4, 6)},
	{"row and column", "Add", nil, []Tensor{f32([]int{2, 1}, 1, 2), f32([]int{1, 3}, 10, 20, 30)}, f32([]int{2, 3}, 11, 21, 31, 12, 22, 32)},
	{"bias on rows", "Add", nil, []Tensor{f32([]int{2, 2}, 1, 2, 3, 4), f32([]int{2}, 10, 20)}, f32([]int{2, 2}, 11, 22, 13, 24)},
	{"middle dimension repeats", "Add", nil, []Tensor{f32([]int{2, 1, 2}, 1, 2, 3, 4), f32([]int{2, 2, 2}, 0, 0, 0, 0, 10, 10, 10, 10)}, f32([]int{2, 2, 2}, 1, 2, 1, 2, 13, 14, 13, 14)},
	{"empty", "Add", nil, []Tensor{f32([]int{0, 2}), f32([]int{2}, 1, 2)}, f32([]int{0, 2})},
	{"infinities cancel to the one NaN", "Add", nil, []Tensor{f32(scalar, inf), f32(scalar, -inf)}, f32(scalar, nan)},
	{"integers wrap", "Add", nil, []Tensor{i64(scalar, math.MaxInt64), i64(scalar, 1)}, i64(scalar, math.MinInt64)},
	{"scalar", "Mul", nil, []Tensor{f32([]int{3}, 1, 2, 3), f32(scalar, 2)}, f32([]int{3}, 2, 4, 6)},
	{"subnormal product stays", "Mul", nil, []Tensor{f32(scalar, math.SmallestNonzeroFloat32), f32(scalar, 3)}, f32(scalar, 3*math.SmallestNonzeroFloat32)},
	{"difference", "Sub", nil, []Tensor{i32([]int{2}, 1, 2), i32([]int{2}, 3, 5)}, i32([]int{2}, -2, -3)},
	{"zero by zero", "Div", nil, []Tensor{f32([]int{2}, 0, 1), f32([]int{2}, minF, minF)}, f32([]int{2}, nan, -inf)},
	{"integers toward zero", "Div", nil, []Tensor{i64([]int{3}, -7, 7, math.MinInt64), i64([]int{3}, 2, -2, -1)}, i64([]int{3}, -3, -3, math.MinInt64)},
	{"NaN wins and zeros have signs", "Max", nil, []Tensor{f32([]int{3}, 1, minF, nan), f32([]int{3}, 2, 0, 1)}, f32([]int{3}, 2, 0, nan)},
	{"three operands", "Max", nil, []Tensor{i64([]int{2}, 1, 5), i64([]int{2}, 3, 1), i64(scalar, 2)}, i64([]int{2}, 3, 5)},
	{"zeros have signs", "Min", nil, []Tensor{f32([]int{2}, 0, 4), f32([]int{2}, minF, nan)}, f32([]int{2}, minF, nan)},
	{"broadcast", "And", nil, []Tensor{boolean([]int{2, 1}, true, false), boolean([]int{2}, true, false)}, boolean([]int{2, 2}, true, false, false, false)},
	{"integers", "GreaterOrEqual", nil, []Tensor{i64([]int{3}, 1, 2, 3), i64(scalar, 2)}, boolean([]int{3}, false, true, true)},
	{"NaN is not", "GreaterOrEqual", nil, []Tensor{f32([]int{2}, nan, 1), f32(scalar, 1)}, boolean([]int{2}, false, true)},
	{"finds them", "IsNaN", nil, []Tensor{f32([]int{3}, nan, inf, 0)}, boolean([]int{3}, true, false, false)},
	{"scalars and a column", "Where", nil, []Tensor{boolean([]int{2, 1}, true, false), f32(scalar, 0), f32([]int{2}, -inf, 7)}, f32([]int{2, 2}, 0, 0, -inf, 7)},
	{"of integers", "Where", nil, []Tensor{boolean(scalar, false), i64(scalar, 1), i64(scalar, 2)}, i64(scalar, 2)},

	{"int8 to float", "Cast", []onnx.Attribute{intAttribute("to", 1)}, []Tensor{i8([]int{2}, -128, 127)}, f32([]int{2}, -128, 127)},
	{"float to int8 saturates", "Cast", []onnx.Attribute{intAttribute("to", 3)}, []Tensor{f32([]int{5}, 1.9, -1.9, 300, -inf, nan)}, i8([]int{5}, 1, -1, 127, -128, 0)},
	{"float to int64 saturates", "Cast", []onnx.Attribute{intAttribute("to", 7)}, []Tensor{f32([]int{3}, 1e30, -1e30, -2.5)}, i64([]int{3}, math.MaxInt64, math.MinInt64, -2)},
	{"float to int32 saturates", "Cast", []onnx.Attribute{intAttribute("to", 6)}, []Tensor{f32([]int{3}, 3e9, -3e9, inf)}, i32([]int{3}, math.MaxInt32, math.MinInt32, math.MaxInt32)},
	{"float to uint8 saturates", "Cast", []onnx.Attribute{intAttribute("to", 2)}, []Tensor{f32([]int{3}, -1, 255.5, 1e9)}, u8([]int{3}, 0, 255, 255)},
	{"integers wrap when cast", "Cast", []onnx.Attribute{intAttribute("to", 2)}, []Tensor{i64([]int{2}, 256+7, -1)}, u8([]int{2}, 7, 255)},
	{"to bool", "Cast", []onnx.Attribute{intAttribute("to", 9)}, []Tensor{f32([]int{3}, 0, minF, nan)}, boolean([]int{3}, false, false, true)},
	{"bool to integer", "Cast", []onnx.Attribute{intAttribute("to", 7)}, []Tensor{boolean([]int{2}, true, false)}, i64([]int{2}, 1, 0)},
	{"large integer to float rounds to even", "Cast", []onnx.Attribute{intAttribute("to", 1)}, []Tensor{i64([]int{2}, 1<<24+1, 1<<24+3)}, f32([]int{2}, 1<<24, 1<<24+4)},
	{"error function", "Erf", nil, []Tensor{f32([]int{2}, 0, inf)}, f32([]int{2}, 0, 1)},
	{"exponential", "Exp", nil, []Tensor{f32([]int{2}, 0, -inf)}, f32([]int{2}, 1, 0)},
	{"root", "Sqrt", nil, []Tensor{f32([]int{2}, 9, -1)}, f32([]int{2}, 3, nan)},
	{"hyperbolic tangent", "Tanh", nil, []Tensor{f32([]int{2}, minF, inf)}, f32([]int{2}, minF, 1)},

	{"matrices", "MatMul", nil, []Tensor{f32([]int{2, 2}, 1, 2, 3, 4), f32([]int{2, 2}, 5, 6, 7, 8)}, f32([]int{2, 2}, 19, 22, 43, 50)},
	{"batch times one matrix", "MatMul", nil, []Tensor{f32([]int{2, 1, 2}, 1, 2, 3, 4), f32([]int{2, 1}, 10, 1)}, f32([]int{2, 1, 1}, 12, 34)},
	{"one matrix times a batch", "MatMul", nil, []Tensor{f32([]int{1, 2}, 1, 2), f32([]int{2, 2, 1}, 1, 2, 3, 4)}, f32([]int{2, 1, 1}, 5, 11)},
	{"vectors", "MatMul", nil, []Tensor{f32([]int{2}, 1, 2), f32([]int{2}, 3, 4)}, f32(scalar, 11)},
	{"vector times matrix", "MatMul", nil, []Tensor{f32([]int{2}, 1, 2), f32([]int{2, 3}, 1, 2, 3, 4, 5, 6)}, f32([]int{3}, 9, 12, 15)},
	{"nothing to add up", "MatMul", nil, []Tensor{f32([]int{2, 0}), f32([]int{0, 3})}, f32([]int{2, 3}, 0, 0, 0, 0, 0, 0)},
	{"zero times infinity", "MatMul", nil, []Tensor{f32([]int{1, 1}, 0), f32([]int{1, 1}, inf)}, f32([]int{1, 1}, nan)},
	{"even", "Softmax", nil, []Tensor{f32([]int{2, 2}, 5, 5, -inf, 0)}, f32([]int{2, 2}, 0.5, 0.5, 0, 1)},
	{"all masked", "Softmax", []onnx.Attribute{intAttribute("axis", 1)}, []Tensor{f32([]int{1, 2}, -inf, -inf)}, f32([]int{1, 2}, nan, nan)},
	{"one NaN spoils its row only", "Softmax", nil, []Tensor{f32([]int{2, 2}, nan, 1, 3, 3)}, f32([]int{2, 2}, nan, nan, 0.5, 0.5)},
	{"rows", "LayerNormalization", []onnx.Attribute{{Name: "epsilon", Kind: onnx.KindFloat}}, []Tensor{f32([]int{2, 2}, 1, 3, 10, 30), f32([]int{2}, 1, 2), f32([]int{2}, 0, 5)}, f32([]int{2, 2}, -1, 7, -1, 7)},
	{"without bias", "LayerNormalization", []onnx.Attribute{{Name: "epsilon", Kind: onnx.KindFloat}, intAttribute("axis", 1)}, []Tensor{f32([]int{1, 2}, 1, 3), f32([]int{2}, 1, 2)}, f32([]int{1, 2}, -1, 2)},
	{"all", "ReduceSum", nil, []Tensor{f32([]int{2, 2}, 1, 2, 3, 4)}, f32([]int{1, 1}, 10)},
	{"columns", "ReduceSum", []onnx.Attribute{intAttribute("keepdims", 0)}, []Tensor{f32([]int{2, 2}, 1, 2, 3, 4), list(0)}, f32([]int{2}, 4, 6)},
	{"no axes means no change", "ReduceSum", []onnx.Attribute{intAttribute("noop_with_empty_axes", 1)}, []Tensor{f32([]int{2}, 1, 2), list()}, f32([]int{2}, 1, 2)},
	{"last axis", "ReduceMean", []onnx.Attribute{intsAttribute("axes", -1)}, []Tensor{f32([]int{2, 2}, 1, 2, 3, 5)}, f32([]int{2, 1}, 1.5, 4)},
	{"mean of nothing", "ReduceMean", []onnx.Attribute{intsAttribute("axes", 1)}, []Tensor{f32([]int{1, 0})}, f32([]int{1, 1}, nan)},

	{"all of it", "Shape", nil, []Tensor{f32([]int{2, 3}, 0, 0, 0, 0, 0, 0)}, list(2, 3)},
	{"from the end", "Shape", []onnx.Attribute{intAttribute("start", -1)}, []Tensor{f32([]int{1, 2}, 0, 0)}, list(2)},
	{"of a scalar", "Shape", nil, []Tensor{f32(scalar, 0)}, list()},
	{"copy and infer", "Reshape", nil, []Tensor{f32([]int{2, 3}, 1, 2, 3, 4, 5, 6), list(0, -1, 1)}, f32([]int{2, 3, 1}, 1, 2, 3, 4, 5, 6)},
	{"literal zero", "Reshape", []onnx.Attribute{intAttribute("allowzero", 1)}, []Tensor{f32([]int{0, 3}), list(3, 0)}, f32([]int{3, 0})},
	{"to a scalar", "Reshape", nil, []Tensor{f32([]int{1}, 4), list()}, f32(scalar, 4)},
	{"all ones", "Squeeze", nil, []Tensor{f32([]int{1, 2, 1}, 1, 2)}, f32([]int{2}, 1, 2)},
	{"one axis", "Squeeze", nil, []Tensor{f32([]int{1, 2, 1}, 1, 2), list(-1)}, f32([]int{1, 2}, 1, 2)},
	{"two axes", "Unsqueeze", nil, []Tensor{f32([]int{2}, 1, 2), list(0, -1)}, f32([]int{1, 2, 1}, 1, 2)},
	{"both ways", "Expand", nil, []Tensor{i64([]int{2, 1}, 1, 2), list(3, 1, 2)}, i64([]int{3, 2, 2}, 1, 1, 2, 2, 1, 1, 2, 2, 1, 1, 2, 2)},
	{"up", "Range", nil, []Tensor{i64(scalar, 1), i64(scalar, 6), i64(scalar, 2)}, list(1, 3, 5)},
	{"down", "Range", nil, []Tensor{i64(scalar, 3), i64(scalar, 0), i64(scalar, -2)}, list(3, 1)},
	{"none", "Range", nil, []Tensor{i64(scalar, 3), i64(scalar, 3), i64(scalar, 1)}, list()},

	{"reversed by default", "Transpose", nil, []Tensor{f32([]int{2, 3}, 1, 2, 3, 4, 5, 6)}, f32([]int{3, 2}, 1, 4, 2, 5, 3, 6)},
	{"three dimensions", "Transpose", []onnx.Attribute{intsAttribute("perm", 1, 0, 2)}, []Tensor{u8([]int{2, 2, 2}, 1, 2, 3, 4, 5, 6, 7, 8)}, u8([]int{2, 2, 2}, 1, 2, 5, 6, 3, 4, 7, 8)},
	{"last of a list", "Slice", nil, []Tensor{list(4, 5, 6), list(-1), list(math.MaxInt64)}, list(6)},
	{"backwards by two", "Slice", nil, []Tensor{f32([]int{5}, 0, 1, 2, 3, 4), list(-1), list(math.MinInt64), list(0), list(-2)}, f32([]int{3}, 4, 2, 0)},
	{"one axis of two", "Slice", nil, []Tensor{f32([]int{2, 3}, 1, 2, 3, 4, 5, 6), list(1), list(3), list(1), list(1)}, f32([]int{2, 2}, 2, 3, 5, 6)},
	{"empty cut", "Slice", nil, []Tensor{f32([]int{2}, 1, 2), list(5), list(1)}, f32([]int{0})},
	{"lists", "Concat", []onnx.Attribute{intAttribute("axis", 0)}, []Tensor{list(1), list(2, 3)}, list(1, 2, 3)},
	{"last axis of two", "Concat", []onnx.Attribute{intAttribute("axis", -1)}, []Tensor{i64([]int{2, 1}, 1, 2), i64([]int{2, 2}, 3, 4, 5, 6)}, i64([]int{2, 3}, 1, 3, 4, 2, 5, 6)},
	{"rows of a table", "Gather", nil, []Tensor{f32([]int{3, 2}, 1, 2, 3, 4, 5, 6), i64([]int{1, 2}, 2, -3)}, f32([]int{1, 2, 2}, 5, 6, 1, 2)},
	{"a scalar index drops the axis", "Gather", []onnx.Attribute{intAttribute("axis", 1)}, []Tensor{i8([]int{2, 2}, 1, 2, 3, 4), i64(scalar, 1)}, i8([]int{2}, 2, 4)},
	{"elements", "GatherND", nil, []Tensor{boolean([]int{2, 2}, true, false, false, true), i64([]int{2, 2}, 0, 0, -1, 0)}, boolean([]int{2}, true, false)},
	{"rows by one index", "GatherND", nil, []Tensor{f32([]int{2, 2}, 1, 2, 3, 4), i64([]int{1, 1}, 1)}, f32([]int{1, 2}, 3, 4)},
}

// Every case runs with its operands as inputs, as constants (so it is folded), and with only the last one constant.
func TestOperators(t *testing.T) {
	covered := map[string]bool{"Constant": true}
	for _, c := range operatorCases {
		covered[c.op] = true
		t.Run(c.op+"/"+c.name, func(t *testing.T) {
			ways := map[string]func(int) bool{
				"inputs":        func(int) bool { return false },
				"constants":     func(int) bool { return true },
				"last constant": func(i int) bool { return i == len(c.in)-1 },
			}
			for way, constants := range ways {
				g, given := oneNode(c.op, c.attributes, c.in, c.want.DType, constants)
				got, err := evaluate(g, given)
				if err != nil {
					t.Fatalf("%s: %v", way, err)
				}
				if diff := cmp.Diff(show(c.want), show(got)); diff != "" {
					t.Errorf("%s: (-want +got)\n%s", way, diff)
				}
			}
		})
	}
	for op := range operators {
		if !covered[op] {
			t.Errorf("operator %s has no case", op)
		}
	}
}

func TestConstant(t *testing.T) {
	raw := binary.LittleEndian.AppendUint32(nil, 0xffc00001)
	cases := []struct {
		attribute onnx.Attribute
		want      Tensor
	}{
		{onnx.Attribute{Name: "value", Kind: onnx.KindTensor, Tensor: &onnx.Tensor{DType: Float32, Shape: []int64{1}, Raw: raw}}, f32([]int{1}, nan)},
		{onnx.Attribute{Name: "value_float", Kind: onnx.KindFloat, Float: 2}, f32(scalar, 2)},
		{onnx.Attribute{Name: "value_floats", Kind: onnx.KindFloats, Floats: []float32{1, 2}}, f32([]int{2}, 1, 2)},
		{onnx.Attribute{Name: "value_int", Kind: onnx.KindInt, Int: 3}, i64(scalar, 3)},
		{onnx.Attribute{Name: "value_ints", Kind: onnx.KindInts, Ints: []int64{3, 4}}, list(3, 4)},
	}
	for _, c := range cases {
		g, _ := oneNode("Constant", []onnx.Attribute{c.attribute}, nil, c.want.DType, nil)
		got, err := evaluate(g, nil)
		if err != nil || show(got) != show(c.want) {
			t.Errorf("%s: got %s, %v, want %s", c.attribute.Name, show(got), err, show(c.want))
		}
	}
}

func TestOperatorsRefuse(t *testing.T) {
	m := f32([]int{2, 2}, 1, 2, 3, 4)
	cases := []struct {
		name       string
		op         string
		attributes []onnx.Attribute
		in         []Tensor
		kind       error
		part       string
	}{
		{"unknown operator", "Fancy", nil, []Tensor{m}, ErrUnsupported, `operator "Fancy"`},
		{"unknown attribute", "Add", []onnx.Attribute{intAttribute("axis", 0)}, []Tensor{m, m}, ErrUnsupported, "attribute"},
		{"attribute of another kind", "Softmax", []onnx.Attribute{intsAttribute("axis", 0)}, []Tensor{m}, ErrShape, "kind"},
		{"too few inputs", "Add", nil, []Tensor{m}, ErrShape, "inputs"},
		{"required input left out", "Add", nil, []Tensor{m, {}}, ErrShape, "left out"},
		{"no broadcast", "Add", nil, []Tensor{m, f32([]int{3}, 1, 2, 3)}, ErrShape, "broadcast"},
		{"mixed types", "Add", nil, []Tensor{m, i64(scalar, 1)}, ErrShape, "int64"},
		{"arithmetic of bytes", "Add", nil, []Tensor{u8(scalar, 1), u8(scalar, 1)}, ErrUnsupported, "uint8"},
		{"integer division by zero", "Div", nil, []Tensor{i64(scalar, 1), i64(scalar, 0)}, ErrInput, "zero"},
		{"and of floats", "And", nil, []Tensor{m, m}, ErrShape, "bool"},
		{"cast to nothing known", "Cast", []onnx.Attribute{intAttribute("to", 11)}, []Tensor{m}, ErrUnsupported, "11"},
		{"cast to nothing", "Cast", nil, []Tensor{m}, ErrShape, "cast"},
		{"inner sizes differ", "MatMul", nil, []Tensor{m, f32([]int{1, 2}, 1, 2)}, ErrShape, "product"},
		{"product with a scalar", "MatMul", nil, []Tensor{m, f32(scalar, 1)}, ErrShape, "product"},
		{"product of integers", "MatMul", nil, []Tensor{list(1), list(1)}, ErrUnsupported, "product"},
		{"softmax across rows", "Softmax", []onnx.Attribute{intAttribute("axis", 0)}, []Tensor{m}, ErrUnsupported, "axis"},
		{"axis out of range", "Softmax", []onnx.Attribute{intAttribute("axis", 2)}, []Tensor{m}, ErrShape, "axis"},
		{"scale of another length", "LayerNormalization", nil, []Tensor{m, f32([]int{3}, 1, 2, 3)}, ErrShape, "scale"},
		{"axis twice", "ReduceSum", nil, []Tensor{m, list(0, -2)}, ErrShape, "twice"},
		{"reshape to another size", "Reshape", nil, []Tensor{m, list(3)}, ErrShape, "shape"},
		{"two unknown sizes", "Reshape", nil, []Tensor{m, list(-1, -1)}, ErrShape, "shape"},
		{"shape of floats", "Reshape", nil, []Tensor{m, f32([]int{1}, 4)}, ErrShape, "integers"},
		{"squeeze of a real dimension", "Squeeze", nil, []Tensor{m, list(0)}, ErrShape, "not 1"},
		{"nine dimensions", "Unsqueeze", nil, []Tensor{m, list(0, 1, 2, 3, 4, 5, 6)}, ErrLimit, "9 dimensions"},
		{"expand too large", "Expand", nil, []Tensor{m, list(1<<20, 1<<20, 1, 1)}, ErrLimit, "elements"},
		{"range too long", "Range", nil, []Tensor{i64(scalar, 0), i64(scalar, 1<<39), i64(scalar, 1)}, ErrLimit, "range"},
		{"range without a step", "Range", nil, []Tensor{i64(scalar, 0), i64(scalar, 9), i64(scalar, 0)}, ErrLimit, "by 0"},
		{"not a permutation", "Transpose", []onnx.Attribute{intsAttribute("perm", 0, 0)}, []Tensor{m}, ErrShape, "twice"},
		{"step zero", "Slice", nil, []Tensor{m, list(0), list(1), list(0), list(0)}, ErrShape, "step"},
		{"concat of different rows", "Concat", []onnx.Attribute{intAttribute("axis", 0)}, []Tensor{m, f32([]int{1, 3}, 1, 2, 3)}, ErrShape, "along"},
		{"index out of range", "Gather", nil, []Tensor{m, i64(scalar, 2)}, ErrInput, "index 2"},
		{"index far below", "GatherND", nil, []Tensor{m, i64([]int{1, 2}, 0, math.MinInt64)}, ErrInput, "index"},
		{"batch dimensions", "GatherND", []onnx.Attribute{intAttribute("batch_dims", 1)}, []Tensor{m, i64([]int{2, 1}, 0, 0)}, ErrUnsupported, "batch_dims"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g, given := oneNode(c.op, c.attributes, c.in, Float32, func(int) bool { return false })
			_, err := evaluate(g, given)
			var typed *Error
			if !errors.As(err, &typed) || !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.part) {
				t.Fatalf("error %v, want %q with %q", err, c.kind, c.part)
			}
			if typed.Node != "it" || typed.Op != c.op {
				t.Errorf("error names node %q of %q", typed.Node, typed.Op)
			}
		})
	}
}

func TestProductSplitsAgree(t *testing.T) {
	s := noise(5)
	a, b := f32([]int{3, 40, 70}, s.floats(3*40*70, true)...), f32([]int{3, 70, 90}, s.floats(3*70*90, true)...)
	var want Tensor
	for i, parallel := range []Parallel{nil, backwards} {
		g, given := oneNode("MatMul", nil, []Tensor{a, b}, Float32, func(int) bool { return false })
		p, err := Compile(g)
		if err != nil {
			t.Fatal(err)
		}
		out, err := p.Run(given, parallel)
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			want = out["out"]
		} else if at, ok := sameBits(out["out"].F32, want.F32); !ok {
			t.Errorf("element %d differs", at)
		}
	}
	for i := range 3 {
		part := plainProduct(a.F32[i*2800:(i+1)*2800], b.F32[i*6300:(i+1)*6300], 40, 70, 90)
		if at, ok := sameBits(part, want.F32[i*3600:(i+1)*3600]); !ok {
			t.Errorf("batch %d: element %d differs from the definition", i, at)
		}
	}
}

// backwards is a parallel function that runs the tasks in the opposite order.
func backwards(n int, f func(i int)) {
	for i := range slices.Backward(make([]int, n)) {
		f(i)
	}
}
