package exact

import (
	"errors"
	"math/rand/v2"
	"testing"

	"assay/inference/ir"
	"assay/inference/tensor"
)

func TestEinsum(t *testing.T) {
	t.Parallel()
	attrs := func(equation string) []ir.Attr { return []ir.Attr{aText("equation", equation)} }
	square := f32s([]float32{1, 2, 3, 4}, 2, 2)
	whole := tensor.Of(tensor.Int32, []int32{1, 2, 3, 4}, 2, 2)
	sum := tensor.Of(tensor.Int32, []int32{10})
	runTable(t, []row{
		{"turned", "Einsum", attrs("ij->ji"), []*Tensor{square}, []*Tensor{f32s([]float32{1, 3, 2, 4}, 2, 2)}},
		{"diagonal", "Einsum", attrs("ii->i"), []*Tensor{square}, []*Tensor{f32s([]float32{1, 4}, 2)}},
		{"trace", "Einsum", attrs("ii"), []*Tensor{square}, []*Tensor{f32s([]float32{5}, []int{}...)}},
		{"whole numbers", "Einsum", attrs("ij->"), []*Tensor{&whole}, []*Tensor{&sum}},
		{"implied order", "Einsum", attrs("ba"), []*Tensor{square}, []*Tensor{f32s([]float32{1, 3, 2, 4}, 2, 2)}},
		{"three", "Einsum", attrs("ij,jk,k->i"), []*Tensor{square, square, f32s([]float32{1, 1}, 2)}, []*Tensor{f32s([]float32{17, 37}, 2)}},
		{"one side only", "Einsum", attrs("ij,k->k"), []*Tensor{square, f32s([]float32{1, 2}, 2)}, []*Tensor{f32s([]float32{10, 20}, 2)}},
		{"dots repeat", "Einsum", attrs("...i,i...->..."), []*Tensor{f32s([]float32{1, 2}, 1, 2), square}, []*Tensor{f32s([]float32{7, 10}, 2)}},
	})
	for _, equation := range []string{"ij->jj", "i->", "ij->k", "i.j->", "ij,jk->ik", "i,->i,"} {
		if _, err := runNode(t, "Einsum", attrs(equation), 1, square); !errors.Is(err, ErrShape) {
			t.Errorf("%q: error %v", equation, err)
		}
	}
}

// TestEinsumIsTheProduct: attention's products have the bits of MatMul.
func TestEinsumIsTheProduct(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(18, 19))
	a, b := noiseTensor(r, 2, 3, 5, 300), noiseTensor(r, 2, 3, 300, 7)
	want, err := runNode(t, "MatMul", nil, 1, a, b)
	if err != nil {
		t.Fatal(err)
	}
	left, right := exchanged(t, a, 0, 2, 1, 3), exchanged(t, b, 0, 3, 1, 2)
	got, err := runNode(t, "Einsum", []ir.Attr{aText("equation", "bqhd,bkhd->bhqk")}, 1, left, right)
	if err != nil {
		t.Fatal(err)
	}
	if !same(&got[0], &want[0]) {
		t.Fatal("other bits than MatMul")
	}
}
