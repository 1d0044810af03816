package exact_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"math"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/inference/exact"
	"assay/inference/onnx"
)

// suiteOperators are the operators whose cases are asked for.
var suiteOperators = []string{
	"Add", "And", "Cast", "Concat", "Constant", "Div", "Erf", "Exp", "Expand", "Gather", "GatherND", "GreaterOrEqual",
	"IsNaN", "LayerNormalization", "MatMul", "Max", "Min", "Mul", "Range", "ReduceMean", "ReduceSum", "Reshape", "Shape",
	"Slice", "Softmax", "Sqrt", "Squeeze", "Sub", "Tanh", "Transpose", "Unsqueeze", "Where",
}

// refused are the suite's cases that ir 0 does not take, and why.
var refused = map[string]string{
	"test_add_int8":                          "element type int8",
	"test_add_uint8":                         "element type uint8",
	"test_div_int8":                          "element type int8",
	"test_div_uint8":                         "element type uint8",
	"test_gathernd_example_int32_batch_dim1": "batch_dims other than 0",
	"test_greater_equal_int8":                "element type int8",
	"test_greater_equal_uint8":               "element type uint8",
	"test_max_int8":                          "element type int8",
	"test_max_uint8":                         "element type uint8",
	"test_min_int8":                          "element type int8",
	"test_min_uint8":                         "element type uint8",
	"test_mul_int8":                          "element type int8",
	"test_mul_uint8":                         "element type uint8",
	"test_range_float_type_positive_delta":   "range of float32, only int64",
	"test_range_int32_type_negative_delta":   "range of int32, only int64",
	"test_softmax_axis_0":                    "softmax along axis 0 of 3, only the last",
	"test_softmax_axis_1":                    "softmax along axis 1 of 3, only the last",
	"test_sub_int8":                          "element type int8",
	"test_sub_uint8":                         "element type uint8",
}

type suiteTensor struct {
	Name  string
	DType exact.DType
	Shape []int
	Raw   string
}

type suiteCase struct {
	Name            string
	Model           string
	Inputs, Outputs []suiteTensor
}

// The ONNX project's cases for our operators: each gives the expected output or stands in refused.
func TestONNXNodeCases(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Python")
	}
	out := produced(t, nil, "nodecases.py", append([]string{"13", "21"}, suiteOperators...)...)
	passed, got := 0, map[string]string{}
	for decoder := json.NewDecoder(bytes.NewReader(out)); decoder.More(); {
		var c suiteCase
		if err := decoder.Decode(&c); err != nil {
			t.Fatal(err)
		}
		err := c.run(t)
		var typed *exact.Error
		switch {
		case err == nil:
			passed++
		case errors.As(err, &typed) && errors.Is(err, exact.ErrUnsupported):
			got[c.Name] = typed.Reason
		default:
			t.Errorf("%s: %v", c.Name, err)
		}
	}
	if diff := cmp.Diff(refused, got); diff != "" {
		t.Errorf("refused cases (-want +got)\n%s", diff)
	}
	t.Logf("%d cases pass, %d refused", passed, len(got))
	if passed < 170 {
		t.Errorf("only %d cases ran", passed)
	}
}

func (c *suiteCase) run(t *testing.T) error {
	data, err := base64.StdEncoding.DecodeString(c.Model)
	if err != nil {
		return err
	}
	g, err := onnx.Parse(data, onnx.Limits{})
	if err != nil {
		return err
	}
	p, err := exact.Compile(g)
	if err != nil {
		return err
	}
	in := map[string]exact.Tensor{}
	for _, s := range c.Inputs {
		in[s.Name] = s.tensor(t)
	}
	out, err := p.Run(in, nil)
	if err != nil {
		return err
	}
	for _, s := range c.Outputs {
		compareSuite(t, c.Name, out[s.Name], s.tensor(t))
	}
	return nil
}

func (s *suiteTensor) tensor(t *testing.T) exact.Tensor {
	raw, err := base64.StdEncoding.DecodeString(s.Raw)
	if err != nil {
		t.Fatal(err)
	}
	out := exact.Tensor{DType: s.DType, Shape: s.Shape}
	for i := 0; i < len(raw); i += s.DType.Size() {
		switch s.DType {
		case exact.Float32:
			out.F32 = append(out.F32, math.Float32frombits(binary.LittleEndian.Uint32(raw[i:])))
		case exact.Uint8:
			out.U8 = append(out.U8, raw[i])
		case exact.Int8:
			out.I8 = append(out.I8, int8(raw[i]))
		case exact.Int32:
			out.I32 = append(out.I32, int32(binary.LittleEndian.Uint32(raw[i:])))
		case exact.Int64:
			out.I64 = append(out.I64, int64(binary.LittleEndian.Uint64(raw[i:])))
		case exact.Bool:
			out.Bool = append(out.Bool, raw[i] != 0)
		default:
			t.Fatalf("case with element type %v", s.DType)
		}
	}
	return out
}

// compareSuite allows floats a relative 1e-5 and an absolute 1e-6, everything else nothing.
func compareSuite(t *testing.T, name string, got, want exact.Tensor) {
	t.Helper()
	if got.DType != want.DType || !slices.Equal(got.Shape, want.Shape) {
		t.Errorf("%s: %v of %v, want %v of %v", name, got.DType, got.Shape, want.DType, want.Shape)
		return
	}
	if want.DType != exact.Float32 {
		if !bytes.Equal(got.Bytes(), want.Bytes()) {
			t.Errorf("%s: % x, want % x", name, got.Bytes(), want.Bytes())
		}
		return
	}
	for i, w := range want.F32 {
		g := got.F32[i]
		if g != w && !(g != g && w != w) && !(math.Abs(float64(g-w)) <= 1e-6+1e-5*math.Abs(float64(w))) {
			t.Errorf("%s: element %d is %v, want %v", name, i, g, w)
			return
		}
	}
}
