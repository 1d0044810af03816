package shape_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"testing"

	"assay/inference/internal/realmodel"
	"assay/inference/onnx"
	"assay/inference/onnx/shape"
)

// told is what the reference says of a value: element type, and shape with -1 for an unknown dimension.
type told struct {
	DType  onnx.DType
	Ranked bool
	Shape  []int64
}

func (v *told) UnmarshalJSON(data []byte) error {
	return json.Unmarshal(data, &[]any{&v.DType, &optionalShape{v}})
}

// optionalShape tells an unknown rank, null, from a scalar, [].
type optionalShape struct{ v *told }

func (o *optionalShape) UnmarshalJSON(data []byte) error {
	o.v.Ranked = string(data) != "null"
	return json.Unmarshal(data, &o.v.Shape)
}

type reference struct {
	Name             string
	Model            []byte
	Inferred, Actual map[string]told
	Refused          string
}

// verdict compares what we know of a value with what the reference says.
type verdict int

const (
	equal    verdict = iota // as much
	more                    // we know more
	less                    // we know less
	conflict                // both cannot be true
)

func compare(ours *shape.Info, v told) verdict {
	if ours == nil || ours.Kind == 0 {
		return less
	}
	if ours.Kind != onnx.TypeTensor || ours.DType != 0 && v.DType != 0 && ours.DType != v.DType {
		return conflict
	}
	knownMore, knownLess := v.DType == 0 && ours.DType != 0, ours.DType == 0 && v.DType != 0
	switch {
	case !v.Ranked:
		knownMore = knownMore || ours.Shape != nil
	case ours.Shape == nil:
		knownLess = true
	case len(ours.Shape) != len(v.Shape):
		return conflict
	default:
		for i, d := range ours.Shape {
			n, isConst := d.Const()
			switch {
			case isConst && v.Shape[i] >= 0 && n != v.Shape[i]:
				return conflict
			case isConst && v.Shape[i] < 0:
				knownMore = true
			case !isConst && v.Shape[i] >= 0:
				knownLess = true
			}
		}
	}
	switch {
	case knownLess:
		return less
	case knownMore:
		return more
	}
	return equal
}

// The ONNX project's cases of single operators: nothing that we infer contradicts what a case holds, and of what ONNX's own
// inference finds we find all but a few, counted.
func TestAgainstONNXInference(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Python")
	}
	out := realmodel.Script(t, "shapes.py", nil, nil, "")
	var counts [conflict + 1]int
	models, exact, values := 0, 0, 0
	for _, c := range references(t, out) {
		models++
		result := infer(t, &c)
		if result == nil || len(result.Unknown) > 0 {
			continue
		}
		for name, v := range c.Actual {
			values++
			switch got := result.Values[name]; compare(got, v) {
			case conflict:
				t.Errorf("%s: %s is %v, the case holds %v", c.Name, name, got, v)
			case equal, more:
				exact++
			}
		}
		for name, v := range c.Inferred {
			got := result.Values[name]
			verdict := compare(got, v)
			counts[verdict]++
			if verdict == less {
				t.Logf("%s: %s is %v, ONNX knows %v", c.Name, name, got, v)
			}
			if verdict == conflict && !wrongInONNX[c.Name] {
				t.Errorf("%s: %s is %v, ONNX says %v", c.Name, name, got, v)
			}
		}
	}
	t.Logf("%d models; of %d values of outputs %d are known in full; of what ONNX infers we know: as much %d, more %d, less %d, else %d",
		models, values, exact, counts[equal], counts[more], counts[less], counts[conflict])
	if models < 2400 || exact < 2440 || counts[equal]+counts[more] < 17_000 || counts[less] > 2 {
		t.Errorf("that is less than it was")
	}
}

func references(t *testing.T, lines []byte) (list []reference) {
	t.Helper()
	for decoder := json.NewDecoder(bytes.NewReader(lines)); decoder.More(); {
		var c reference
		if err := decoder.Decode(&c); err != nil {
			t.Fatal(err)
		}
		list = append(list, c)
	}
	return list
}

// The same cases with a symbol in the place of every input dimension: filled in again, what we infer gives the
// shapes that the cases hold.
func TestSymbolsFilledIn(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Python")
	}
	known, dims := 0, 0
	for _, c := range references(t, realmodel.Script(t, "shapes.py", nil, nil, "")) {
		g, err := onnx.Parse(c.Model, onnx.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		sizes := symbolic(g)
		result, err := shape.Infer(g, shape.Limits{})
		if err != nil {
			t.Errorf("%s: %v", c.Name, err)
			continue
		}
		for name, v := range c.Actual {
			dims += len(v.Shape)
			got := result.Values[name]
			if got == nil || got.Shape == nil {
				continue
			}
			if len(got.Shape) != len(v.Shape) {
				t.Errorf("%s: %s is %v, the case holds %v", c.Name, name, got, v)
				continue
			}
			for axis, d := range got.Shape {
				n, ok := d.Eval(func(symbol string) (int64, bool) { n, ok := sizes[symbol]; return n, ok })
				if !ok {
					continue
				}
				known++
				if n != v.Shape[axis] {
					t.Errorf("%s: %s is %v with %v, which makes dimension %d %d; the case holds %v", c.Name, name, got, sizes, axis, n, v.Shape)
				}
			}
		}
	}
	t.Logf("of %d output dimensions %d follow from symbols", dims, known)
	if known < 6400 {
		t.Errorf("that is less than it was")
	}
}

// symbolic puts a symbol for each dimension of the inputs that is not zero, and gives their sizes.
func symbolic(g *onnx.Graph) map[string]int64 {
	sizes := map[string]int64{}
	for i := range g.Inputs {
		v := &g.Inputs[i]
		for axis, d := range v.Shape {
			if d.Size > 0 {
				name := fmt.Sprintf("%s_%d", v.Name, axis)
				sizes[name] = d.Size
				v.Shape[axis] = onnx.Dim{Size: -1, Symbol: name}
			}
		}
	}
	return sizes
}

// wrongInONNX are cases whose own outputs contradict ONNX's inference.
var wrongInONNX = map[string]bool{"test_stft/fixed": true, "test_stft_with_window/fixed": true}

// training reports whether a graph is a step of training, whose operators have no rules.
func training(g *onnx.Graph) bool {
	return slices.ContainsFunc(g.Nodes, func(n onnx.Node) bool { return n.Domain == "ai.onnx.preview.training" })
}

func infer(t *testing.T, c *reference) *shape.Result {
	g, err := onnx.Parse(c.Model, onnx.Limits{})
	if err != nil {
		t.Errorf("%s: %v", c.Name, err)
		return nil
	}
	result, err := shape.Infer(g, shape.Limits{})
	if err != nil {
		t.Errorf("%s: %v (ONNX: %q)", c.Name, err, c.Refused)
		return nil
	}
	if len(result.Unknown) > 0 && !training(g) {
		t.Errorf("%s: no rule for %v", c.Name, result.Unknown)
	}
	return result
}
