package exact

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"assay/inference/ir"
	"assay/inference/tensor"
)

func TestMoveOperators(t *testing.T) {
	t.Parallel()
	m := f32s([]float32{0, 1, 2, 3, 4, 5}, 2, 3)
	attrs := func(a ...ir.Attr) []ir.Attr { return a }
	runTable(t, []row{
		{"all", "Shape", nil, []*Tensor{ramp(2, 0, 4)}, []*Tensor{i64s([]int64{2, 0, 4})}},
		{"part", "Shape", attrs(aInt("start", -2), aInt("end", -1)), []*Tensor{ramp(2, 3, 4)}, []*Tensor{i64s([]int64{3})}},
		{"empty part", "Shape", attrs(aInt("start", 3), aInt("end", 1)), []*Tensor{ramp(2, 3, 4)}, []*Tensor{i64s(nil, 0)}},
		{"product", "Size", nil, []*Tensor{ramp(2, 3)}, []*Tensor{i64s([]int64{6}, []int{}...)}},
		{"open", "Reshape", nil, []*Tensor{ramp(2, 6), i64s([]int64{0, -1, 2})}, []*Tensor{ramp(2, 3, 2)}},
		{"zero kept", "Reshape", attrs(aInt("allowzero", 1)), []*Tensor{ramp(0, 3), i64s([]int64{3, 0})}, []*Tensor{ramp(3, 0)}},
		{"from the end", "Flatten", attrs(aInt("axis", -1)), []*Tensor{ramp(2, 3, 4)}, []*Tensor{ramp(6, 4)}},
		{"all ones", "Squeeze", nil, []*Tensor{ramp(1, 3, 1)}, []*Tensor{ramp(3)}},
		{"one axis", "Squeeze", nil, []*Tensor{ramp(1, 3, 1), i64s([]int64{-1})}, []*Tensor{ramp(1, 3)}},
		{"two", "Unsqueeze", nil, []*Tensor{ramp(2, 3), i64s([]int64{-1, 0})}, []*Tensor{ramp(1, 2, 3, 1)}},
		{"reverse", "Transpose", nil, []*Tensor{m}, []*Tensor{f32s([]float32{0, 3, 1, 4, 2, 5}, 3, 2)}},
		{"join", "Concat", attrs(aInt("axis", -1)), []*Tensor{m, ramp(2, 1)}, []*Tensor{f32s([]float32{0, 1, 2, 0, 3, 4, 5, 1}, 2, 4)}},
		{"uneven", "Split", attrs(aInt("axis", 1), aInt("num_outputs", 2)), []*Tensor{m}, []*Tensor{f32s([]float32{0, 1, 3, 4}, 2, 2), f32s([]float32{2, 5}, 2, 1)}},
		{"sizes", "Split", nil, []*Tensor{ramp(3), i64s([]int64{1, 0, 2})}, []*Tensor{ramp(1), ramp(0), f32s([]float32{1, 2}, 2)}},
		{"backwards", "Slice", nil, []*Tensor{ramp(5), i64s([]int64{-1}), i64s([]int64{math.MinInt64}), i64s([]int64{0}), i64s([]int64{-2})}, []*Tensor{f32s([]float32{4, 2, 0}, 3)}},
		{"clamped", "Slice", nil, []*Tensor{m, i64s([]int64{1}), i64s([]int64{math.MaxInt64}), i64s([]int64{-1})}, []*Tensor{f32s([]float32{1, 2, 4, 5}, 2, 2)}},
		{"nothing", "Slice", nil, []*Tensor{ramp(5), i64s([]int64{3}), i64s([]int64{2})}, []*Tensor{ramp(0)}},
		{"rows", "Expand", nil, []*Tensor{ramp(2, 1), i64s([]int64{2, 1, 2})}, []*Tensor{f32s([]float32{0, 0, 1, 1, 0, 0, 1, 1}, 2, 2, 2)}},
		{"both", "Tile", nil, []*Tensor{ramp(1, 2), i64s([]int64{2, 2})}, []*Tensor{f32s([]float32{0, 1, 0, 1, 0, 1, 0, 1}, 2, 4)}},
		{"constant", "Pad", nil, []*Tensor{ramp(2), i64s([]int64{1, 1}), f32s([]float32{7})}, []*Tensor{f32s([]float32{7, 0, 1, 7}, 4)}},
		{"crop", "Pad", nil, []*Tensor{ramp(2, 3), i64s([]int64{-1, 1, 0, -1})}, []*Tensor{f32s([]float32{0, 3, 4}, 1, 3)}},
		{"reflect", "Pad", attrs(aText("mode", "reflect")), []*Tensor{ramp(3), i64s([]int64{5, 3})}, []*Tensor{f32s([]float32{1, 0, 1, 2, 1, 0, 1, 2, 1, 0, 1}, 11)}},
		{"edge", "Pad", attrs(aText("mode", "edge")), []*Tensor{ramp(2, 2), i64s([]int64{1, 0}), nil, i64s([]int64{0})}, []*Tensor{f32s([]float32{0, 1, 0, 1, 2, 3}, 3, 2)}},
		{"wrap", "Pad", attrs(aText("mode", "wrap")), []*Tensor{ramp(3), i64s([]int64{2, 4})}, []*Tensor{f32s([]float32{1, 2, 0, 1, 2, 0, 1, 2, 0}, 9)}},
		{"both ways", "CenterCropPad", nil, []*Tensor{ramp(1, 4), i64s([]int64{2, 2})}, []*Tensor{f32s([]float32{1, 2, 0, 0}, 2, 2)}},
		{"up", "Range", nil, []*Tensor{i64s([]int64{1}, []int{}...), i64s([]int64{6}, []int{}...), i64s([]int64{2}, []int{}...)}, []*Tensor{i64s([]int64{1, 3, 5})}},
		{"down", "Range", nil, []*Tensor{f32s([]float32{1}), f32s([]float32{-1}), f32s([]float32{-0.75})}, []*Tensor{f32s([]float32{1, 0.25, -0.5}, 3)}},
		{"none", "Range", nil, []*Tensor{i64s([]int64{1}, []int{}...), i64s([]int64{1}, []int{}...), i64s([]int64{-9}, []int{}...)}, []*Tensor{i64s(nil, 0)}},
		{"value", "ConstantOfShape", nil, []*Tensor{i64s([]int64{2, 1}), i64s([]int64{9})}, []*Tensor{i64s([]int64{9, 9}, 2, 1)}},
		{"diagonal", "EyeLike", attrs(aInt("k", -1), aInt("dtype", int64(tensor.Int64))), []*Tensor{ramp(3, 2)}, []*Tensor{i64s([]int64{0, 0, 1, 0, 0, 1}, 3, 2)}},
		{"batch first", "ReverseSequence", attrs(aInt("batch_axis", 0), aInt("time_axis", 1)), []*Tensor{m, i64s([]int64{2, 3})}, []*Tensor{f32s([]float32{1, 0, 2, 5, 4, 3}, 2, 3)}},
		{"there", "SpaceToDepth", attrs(aInt("blocksize", 2)), []*Tensor{ramp(1, 1, 2, 4)}, []*Tensor{f32s([]float32{0, 2, 1, 3, 4, 6, 5, 7}, 1, 4, 1, 2)}},
		{"and back", "DepthToSpace", attrs(aInt("blocksize", 2)), []*Tensor{f32s([]float32{0, 2, 1, 3, 4, 6, 5, 7}, 1, 4, 1, 2)}, []*Tensor{ramp(1, 1, 2, 4)}},
	})
}

// TestWindows compares transpositions and slices of random shapes with the definition, element by element.
func TestWindows(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		rank := 1 + r.IntN(5)
		shape := make([]int, rank)
		for d := range shape {
			shape[d] = 1 + r.IntN(20)
		}
		perm := r.Perm(rank)
		x := ramp(shape...)
		var list []int64
		for _, p := range perm {
			list = append(list, int64(p))
		}
		got, err := runNode(t, "Transpose", []ir.Attr{aInts("perm", list...)}, 1, x)
		if err != nil {
			t.Fatal(err)
		}
		v, err := transposed(shape, perm)
		if err != nil {
			t.Fatal(err)
		}
		for i, g := range got[0].Float32s() {
			if want := x.Float32s()[v.at(count(rank), i)]; g != want {
				t.Fatalf("shape %v perm %v: element %d is %v, want %v", shape, perm, i, g, want)
			}
		}
	}
}

func TestMoveRefusals(t *testing.T) {
	t.Parallel()
	big := int64(1) << 40
	for i, r := range []struct {
		op   string
		in   []*Tensor
		kind error
	}{
		{"ConstantOfShape", []*Tensor{i64s([]int64{big, big, big})}, ErrLimit},
		{"ConstantOfShape", []*Tensor{i64s([]int64{-1})}, ErrShape},
		{"Expand", []*Tensor{ramp(1), i64s([]int64{1 << 30, 1 << 30, 1 << 30})}, ErrLimit},
		{"Tile", []*Tensor{ramp(3, 3), i64s([]int64{big, big})}, ErrLimit},
		{"Pad", []*Tensor{ramp(3), i64s([]int64{big, big})}, ErrLimit},
		{"Pad", []*Tensor{ramp(3), i64s([]int64{-2, -2})}, ErrShape},
		{"Range", []*Tensor{i64s([]int64{0}), i64s([]int64{math.MaxInt64}), i64s([]int64{1})}, ErrLimit},
		{"Range", []*Tensor{f32s([]float32{0}, 1), f32s([]float32{1}, 1), f32s([]float32{0}, 1)}, ErrInput},
		{"Reshape", []*Tensor{ramp(4), i64s([]int64{3, -1})}, ErrShape},
		{"Reshape", []*Tensor{ramp(4), i64s([]int64{-1, -1})}, ErrShape},
		{"Slice", []*Tensor{ramp(4), i64s([]int64{0}), i64s([]int64{1}), i64s([]int64{1})}, ErrShape},
		{"Slice", []*Tensor{ramp(4), i64s([]int64{0}), i64s([]int64{1}), i64s([]int64{0}), i64s([]int64{0})}, ErrShape},
		{"Squeeze", []*Tensor{ramp(4), i64s([]int64{0})}, ErrShape},
		{"Split", []*Tensor{ramp(4), i64s([]int64{5})}, ErrShape},
	} {
		t.Run(fmt.Sprint(i, " ", r.op), func(t *testing.T) {
			t.Parallel()
			_, err := runNode(t, r.op, nil, 1, r.in...)
			if !errors.Is(err, r.kind) {
				t.Fatalf("error %v, want %v", err, r.kind)
			}
		})
	}
}
