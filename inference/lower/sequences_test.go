package lower_test

import (
	"errors"
	"slices"
	"testing"

	"assay/inference/exact"
	"assay/inference/lower"
	"assay/inference/onnx"
	"assay/inference/tensor"
)

func whole(name string, v int64) onnx.Attribute {
	return onnx.Attribute{Name: name, Kind: onnx.KindInt, Int: v}
}

// TestSequencesAreLoweredAway: what goes through sequences of known lengths comes out as by operators of tensors.
func TestSequencesAreLoweredAway(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		build func(m *model, x string) string // x is 0 … 5
		want  []float32
		shape []int
		ops   []string
	}{
		"one part": {func(m *model, x string) string {
			s := m.node("s", "SplitToSequence", []string{x, m.ints("sizes", 1, 2, 3)})
			return m.node("y", "SequenceAt", []string{s, m.ints("at", -2)})
		}, []float32{1, 2}, []int{2}, []string{"Split"}},
		"joined in another order": {func(m *model, x string) string {
			s := m.node("s", "SplitToSequence", []string{x, m.ints("sizes", 2, 4)})
			first := m.node("first", "SequenceAt", []string{s, m.ints("zero", 0)})
			e := m.node("e", "SequenceErase", []string{s, "zero"})
			i := m.node("i", "SequenceInsert", []string{e, first})
			return m.node("y", "ConcatFromSequence", []string{i}, whole("axis", 0))
		}, []float32{2, 3, 4, 5, 0, 1}, []int{6}, []string{"Split", "Concat"}},
		"before the last": {func(m *model, x string) string {
			s := m.node("s", "SequenceConstruct", []string{x, m.floats("seven", []float32{7}, 1)})
			i := m.node("i", "SequenceInsert", []string{s, m.floats("eight", []float32{8}, 1), m.ints("at", -1)})
			return m.node("y", "ConcatFromSequence", []string{i}, whole("axis", 0))
		}, []float32{0, 1, 2, 3, 4, 5, 8, 7}, []int{8}, []string{"Concat"}},
		"stacked": {func(m *model, x string) string {
			s := m.node("s", "SequenceConstruct", []string{x, x})
			return m.node("y", "ConcatFromSequence", []string{s}, whole("axis", 1), whole("new_axis", 1))
		}, []float32{0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5}, []int{6, 2}, []string{"Unsqueeze", "Unsqueeze", "Concat"}},
		"its length": {func(m *model, x string) string {
			n := m.node("n", "SequenceLength", []string{m.node("s", "Identity", []string{m.node("e", "SequenceConstruct", []string{x, x, x})})})
			return m.node("y", "Cast", []string{n}, whole("to", int64(onnx.Float32)))
		}, []float32{3}, []int{}, []string{}},
		"an optional": {func(m *model, x string) string {
			o := m.node("o", "Optional", []string{x})
			there := m.node("there", "Cast", []string{m.node("has", "OptionalHasElement", []string{o})}, whole("to", int64(onnx.Float32)))
			return m.node("y", "Mul", []string{m.node("g", "OptionalGetElement", []string{o}), there})
		}, []float32{0, 1, 2, 3, 4, 5}, []int{6}, []string{"Mul"}},
		"read in a body": {func(m *model, x string) string {
			s := m.node("s", "SplitToSequence", []string{x, m.ints("sizes", 3, 3)})
			branch := func(at string, v int64) *onnx.Graph {
				b := newModel(17)
				b.node(at, "SequenceAt", []string{s, b.ints(at+"_at", v)})
				return b.output(at)
			}
			m.input("which", onnx.Bool)
			return m.node("y", "If", []string{"which"},
				onnx.Attribute{Name: "then_branch", Kind: onnx.KindGraph, Graph: branch("a", 0)}, onnx.Attribute{Name: "else_branch", Kind: onnx.KindGraph, Graph: branch("b", 1)})
		}, []float32{3, 4, 5}, []int{3}, []string{"Split", "If"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newModel(17)
			g, err := lower.Lower(m.output(c.build(m, m.input("x", onnx.Float32, 6))))
			if err != nil {
				t.Fatal(err)
			}
			if got := operators(g); !slices.Equal(got, c.ops) && len(got)+len(c.ops) > 0 {
				t.Errorf("operators %v, want %v", got, c.ops)
			}
			p, err := exact.New(g, exact.Config{})
			if err != nil {
				t.Fatal(err)
			}
			in := map[string]exact.Tensor{"x": tensor.FromFloat32([]float32{0, 1, 2, 3, 4, 5}, 6)}
			if len(m.Inputs) > 1 {
				in["which"] = tensor.Of(tensor.Bool, []bool{false})
			}
			out, err := p.Run(in, nil)
			if err != nil {
				t.Fatal(err)
			}
			if y := out["y"]; !slices.Equal(y.Float32s(), c.want) || !slices.Equal(y.Shape, c.shape) {
				t.Errorf("%v of shape %v, want %v of %v", y.Float32s(), y.Shape, c.want, c.shape)
			}
		})
	}
}

// TestSequencesOfUnknownLengthAreRefused, as is everything that would have to hold one in a run.
func TestSequencesOfUnknownLengthAreRefused(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		build func(m *model, x string) string
		kind  error
	}{
		"one size for all": {func(m *model, x string) string {
			s := m.node("s", "SplitToSequence", []string{x, m.number("size", 2)})
			return m.node("y", "ConcatFromSequence", []string{s}, whole("axis", 0))
		}, lower.ErrUnsupported},
		"a place from the data": {func(m *model, x string) string {
			return m.node("y", "SequenceAt", []string{m.node("s", "SequenceConstruct", []string{x}), m.input("at", onnx.Int64)})
		}, lower.ErrUnsupported},
		"a place outside": {func(m *model, x string) string {
			return m.node("y", "SequenceAt", []string{m.node("s", "SequenceConstruct", []string{x}), m.ints("at", 1)})
		}, lower.ErrModel},
		"nothing to erase": {func(m *model, x string) string {
			return m.node("y", "SequenceErase", []string{m.node("s", "SequenceEmpty", nil)})
		}, lower.ErrModel},
		"nothing to join": {func(m *model, x string) string {
			return m.node("y", "ConcatFromSequence", []string{m.node("s", "SequenceEmpty", nil)}, whole("axis", 0))
		}, lower.ErrModel},
		"a result":    {func(m *model, x string) string { return m.node("y", "SequenceConstruct", []string{x}) }, lower.ErrUnsupported},
		"no sequence": {func(m *model, x string) string { return m.node("y", "SequenceAt", []string{x, m.ints("at", 0)}) }, lower.ErrUnsupported},
		"an operand of tensors": {func(m *model, x string) string {
			return m.node("y", "Relu", []string{m.node("s", "SequenceConstruct", []string{x})})
		}, lower.ErrUnsupported},
		"one in another": {func(m *model, x string) string {
			return m.node("y", "SequenceConstruct", []string{m.node("s", "SequenceConstruct", []string{x})})
		}, lower.ErrModel},
		"very long": {func(m *model, x string) string {
			list := make([]string, 200)
			for i := range list {
				list[i] = x
			}
			return m.node("y", "ConcatFromSequence", []string{m.node("s", "SequenceConstruct", list)}, whole("axis", 0))
		}, lower.ErrLimit},
		"carried by a loop": {func(m *model, x string) string {
			b := newModel(17)
			b.input("n", onnx.Int64)
			b.input("go", onnx.Bool)
			b.input("s2", onnx.Float32)
			b.output("go")
			b.output("s2")
			return m.node("y", "Loop", []string{m.ints("rounds", 2), "", m.node("s", "SequenceConstruct", []string{x})}, onnx.Attribute{Name: "body", Kind: onnx.KindGraph, Graph: &b.Graph})
		}, lower.ErrUnsupported},
		"random numbers": {func(m *model, x string) string { return m.node("y", "RandomNormalLike", []string{x}) }, lower.ErrUnsupported},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m := newModel(17)
			var e *lower.Error
			if _, err := lower.Lower(m.output(c.build(m, m.input("x", onnx.Float32, 6)))); !errors.Is(err, c.kind) || !errors.As(err, &e) {
				t.Errorf("error %v, want %v", err, c.kind)
			}
		})
	}
}
