package exact

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"assay/inference/ir"
	"assay/inference/tensor"
)

func TestIndexOperators(t *testing.T) {
	t.Parallel()
	m := f32s([]float32{0, 1, 2, 3, 4, 5}, 2, 3)
	attrs := func(a ...ir.Attr) []ir.Attr { return a }
	nan, inf := math.Float32frombits(0x7fc00000), float32(math.Inf(1))
	yes := tensor.Of(tensor.Bool, []bool{false, true}, 2)
	runTable(t, []row{
		{"from the end", "Gather", attrs(aInt("axis", 1)), []*Tensor{m, i64s([]int64{-1, 0}, 1, 2)}, []*Tensor{f32s([]float32{2, 0, 5, 3}, 2, 1, 2)}},
		{"scalar index", "Gather", nil, []*Tensor{m, i64s([]int64{1}, []int{}...)}, []*Tensor{f32s([]float32{3, 4, 5}, 3)}},
		{"tuples", "GatherND", nil, []*Tensor{m, i64s([]int64{1, 2, 0, -3}, 2, 2)}, []*Tensor{f32s([]float32{5, 0}, 2)}},
		{"batch", "GatherND", attrs(aInt("batch_dims", 1)), []*Tensor{m, i64s([]int64{2, 0}, 2, 1)}, []*Tensor{f32s([]float32{2, 3}, 2)}},
		{"element by element", "GatherElements", attrs(aInt("axis", 1)), []*Tensor{m, i64s([]int64{2, 0, 1, 1}, 2, 2)}, []*Tensor{f32s([]float32{2, 0, 4, 4}, 2, 2)}},
		{"last one stays", "ScatterElements", nil, []*Tensor{ramp(3), i64s([]int64{1, 1}), f32s([]float32{8, 9}, 2)}, []*Tensor{f32s([]float32{0, 9, 2}, 3)}},
		{"in order", "ScatterElements", attrs(aText("reduction", "add")), []*Tensor{f32s([]float32{1e8, 0}, 2), i64s([]int64{0, 0, -2}), f32s([]float32{1, 1, -1e8}, 3)}, []*Tensor{f32s([]float32{0, 0}, 2)}},
		{"largest", "ScatterND", attrs(aText("reduction", "max")), []*Tensor{m, i64s([]int64{1, 1}, 2, 1), f32s([]float32{9, 0, 0, 0, nan, 0}, 2, 3)}, []*Tensor{f32s([]float32{0, 1, 2, 9, nan, 5}, 2, 3)}},
		{"flat", "Compress", nil, []*Tensor{m, &yes}, []*Tensor{f32s([]float32{1}, 1)}},
		{"columns", "Compress", attrs(aInt("axis", -1)), []*Tensor{m, &yes}, []*Tensor{f32s([]float32{1, 4}, 2, 1)}},
		{"both zeros", "NonZero", nil, []*Tensor{f32s([]float32{0, float32(math.Copysign(0, -1)), nan, 1e-45}, 2, 2)}, []*Tensor{i64s([]int64{1, 1, 0, 1}, 2, 2)}},
		{"out of range is off", "OneHot", attrs(aInt("axis", 0)), []*Tensor{i64s([]int64{-1, 0, 3}), i64s([]int64{3}), f32s([]float32{5, 7}, 2)}, []*Tensor{f32s([]float32{5, 7, 5, 5, 5, 5, 7, 5, 5}, 3, 3)}},
		{"order of first", "Unique", attrs(aInt("sorted", 0)), []*Tensor{f32s([]float32{2, nan, 1, 2, nan}, 5)}, []*Tensor{f32s([]float32{2, nan, 1}, 3), i64s([]int64{0, 1, 2}), i64s([]int64{0, 1, 2, 0, 1}), i64s([]int64{2, 2, 1})}},
		{"rows", "Unique", attrs(aInt("axis", 0)), []*Tensor{f32s([]float32{1, 0, 0, 9, 1, 0}, 3, 2)}, []*Tensor{f32s([]float32{0, 9, 1, 0}, 2, 2), i64s([]int64{1, 0}), i64s([]int64{1, 0, 1}), i64s([]int64{1, 2})}},
		{"from each one's place", "TensorScatter", nil, []*Tensor{ramp(2, 3, 1), f32s([]float32{8, 9}, 2, 1, 1), i64s([]int64{2, 0})}, []*Tensor{f32s([]float32{0, 1, 8, 9, 4, 5}, 2, 3, 1)}},
		{"around", "TensorScatter", attrs(aText("mode", "circular"), aInt("axis", 1)), []*Tensor{ramp(1, 3), f32s([]float32{8, 9}, 1, 2), i64s([]int64{2})}, []*Tensor{f32s([]float32{9, 1, 8}, 1, 3)}},
		{"equal scores", "NonMaxSuppression", nil, []*Tensor{f32s([]float32{0, 0, 1, 1, 0, 0, 1, 1, 2, 2, 1, 1}, 1, 3, 4), f32s([]float32{0.5, 0.5, 0.9}, 1, 1, 3), i64s([]int64{5})}, []*Tensor{i64s([]int64{0, 0, 2, 0, 0, 0}, 2, 3)}},
		{"below the score", "NonMaxSuppression", nil, []*Tensor{f32s([]float32{0, 0, 1, 1}, 1, 1, 4), f32s([]float32{0.5}, 1, 1, 1), i64s([]int64{5}), nil, f32s([]float32{0.5}, 1)}, []*Tensor{i64s(nil, 0, 3)}},
		{"ties by position", "TopK", nil, []*Tensor{f32s([]float32{1, 3, 3, -inf, 3}, 5), i64s([]int64{2})}, []*Tensor{f32s([]float32{3, 3}, 2), i64s([]int64{1, 2})}},
		{"NaN is the greatest", "TopK", attrs(aInt("largest", 0)), []*Tensor{f32s([]float32{nan, 3, inf}, 3), i64s([]int64{3})}, []*Tensor{f32s([]float32{3, inf, nan}, 3), i64s([]int64{1, 2, 0})}},
	})
}

// TestTopKMatchesASort compares the heap with a stable sort of whole rows along every axis.
func TestTopKMatchesASort(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	for range 200 {
		shape := []int{1 + r.IntN(4), 1 + r.IntN(40), 1 + r.IntN(4)}
		x := tensor.New(tensor.Int32, shape...)
		for i := range x.Int32s() {
			x.Int32s()[i] = int32(r.IntN(20)) - 10
		}
		k := r.IntN(shape[1] + 1)
		got, err := runNode(t, "TopK", []ir.Attr{aInt("axis", 1)}, 2, &x, i64s([]int64{int64(k)}))
		if err != nil {
			t.Fatal(err)
		}
		for row := range shape[0] * shape[2] {
			o, i := row/shape[2], row%shape[2]
			at := func(j, n int) int { return (o*n+j)*shape[2] + i }
			order := count(shape[1])
			slices.SortStableFunc(order, func(a, b int) int {
				return cmp.Compare(x.Int32s()[at(b, shape[1])], x.Int32s()[at(a, shape[1])])
			})
			for j, want := range order[:k] {
				if got[1].Int64s()[at(j, k)] != int64(want) || got[0].Int32s()[at(j, k)] != x.Int32s()[at(want, shape[1])] {
					t.Fatalf("shape %v, k %d: place %d is %d, want %d", shape, k, j, got[1].Int64s()[at(j, k)], want)
				}
			}
		}
	}
}

// TestGatherOfWholeNumbers: rows of weights kept as whole numbers are those of the expanded constant.
func TestGatherOfWholeNumbers(t *testing.T) {
	t.Parallel()
	for _, axis := range []int{0, 1, 2} {
		q := tensor.New(tensor.Int8, 4, 5, 3)
		for i := range q.Bytes() {
			q.Bytes()[i] = byte(i * 37)
		}
		c := ir.Constant{Quant: &ir.Quant{Q: q, Axis: axis}}
		for i := range q.Shape[axis] {
			c.Quant.Scale = append(c.Quant.Scale, 0.1*float32(i+1))
			c.Quant.Zero = append(c.Quant.Zero, int32(i)-2)
		}
		for along := range int64(3) {
			g := &ir.Graph{
				Inputs:    []ir.Value{{Name: "at", DType: tensor.Int64, Unranked: true}},
				Constants: []ir.Constant{c},
				Nodes:     []ir.Node{{Op: "Gather", In: []ir.ID{1, 0}, Out: []ir.ID{2}, Attrs: []ir.Attr{aInt("axis", along)}}},
				Outputs:   []ir.Output{{Name: "y", Value: 2}},
			}
			p, err := New(g, Config{})
			if err != nil {
				t.Fatal(err)
			}
			at := i64s([]int64{2, 0, -1})
			got, err := p.Run(map[string]Tensor{"at": *at}, nil)
			if err != nil {
				t.Fatal(err)
			}
			whole, err := Expand(&c)
			if err != nil {
				t.Fatal(err)
			}
			want, err := runNode(t, "Gather", []ir.Attr{aInt("axis", along)}, 1, &whole, at)
			if err != nil {
				t.Fatal(err)
			}
			if y := got["y"]; !same(&y, &want[0]) {
				t.Errorf("scales along %d, gathered along %d: %v, want %v", axis, along, show(&y), show(&want[0]))
			}
		}
	}
}

func TestIndexRefusals(t *testing.T) {
	t.Parallel()
	for i, r := range []struct {
		op   string
		in   []*Tensor
		kind error
	}{
		{"Gather", []*Tensor{ramp(3), i64s([]int64{3})}, ErrInput},
		{"Gather", []*Tensor{ramp(3), i64s([]int64{math.MinInt64})}, ErrInput},
		{"Gather", []*Tensor{ramp(0), i64s([]int64{0})}, ErrInput},
		{"GatherND", []*Tensor{ramp(3), i64s([]int64{0, 0}, 1, 2)}, ErrShape},
		{"GatherND", []*Tensor{ramp(3), i64s([]int64{7}, 1, 1)}, ErrInput},
		{"GatherElements", []*Tensor{ramp(3), i64s([]int64{-4})}, ErrInput},
		{"ScatterElements", []*Tensor{ramp(3), i64s([]int64{3}), ramp(1)}, ErrInput},
		{"ScatterND", []*Tensor{ramp(3), i64s([]int64{3}, 1, 1), ramp(1)}, ErrInput},
		{"OneHot", []*Tensor{i64s([]int64{0}), i64s([]int64{math.MaxInt64}), ramp(2)}, ErrLimit},
		{"OneHot", []*Tensor{i64s([]int64{0}), i64s([]int64{-5}), ramp(2)}, ErrShape},
		{"TopK", []*Tensor{ramp(3), i64s([]int64{4})}, ErrShape},
		{"Compress", []*Tensor{ramp(3), ramp(3)}, ErrShape},
		{"TensorScatter", []*Tensor{ramp(1, 3, 1), ramp(1, 2, 1), i64s([]int64{2})}, ErrInput},
		{"TensorScatter", []*Tensor{ramp(1, 3, 1), ramp(1, 4, 1)}, ErrShape},
		{"NonMaxSuppression", []*Tensor{ramp(1, 3, 4), ramp(1, 1, 2), i64s([]int64{2})}, ErrShape},
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
