package lower

import (
	"testing"

	"assay/inference/onnx"
	"assay/inference/tensor"
)

// What is computed beforehand has a bound for the whole model: nodes beyond it stay.
func TestBudget(t *testing.T) {
	zeros := func() *node {
		return &node{op: "ConstantOfShape", name: "zeros", in: []*value{ints(256), scalar(0)}, out: []*value{{}}}
	}
	product := func() *node {
		a := known(tensor.New(tensor.Float32, 8, 8))
		return &node{op: "MatMul", name: "product", in: []*value{a, a}, out: []*value{{}}}
	}
	for _, c := range []struct {
		name   string
		budget budget
		node   func() *node
		folded int // before the budget is used up
	}{
		{"bytes", budget{bytes: 4096, multiplies: 1}, zeros, 4},
		{"multiply-adds", budget{bytes: 1 << 20, multiplies: 1100}, product, 2},
	} {
		for i := range c.folded + 1 {
			made, err := c.budget.fold(c.node())
			if err != nil {
				t.Fatalf("%s: %v", c.name, err)
			}
			if (made != nil) != (i < c.folded) {
				t.Errorf("%s: node %d folded: %v, want %d of them", c.name, i, made != nil, c.folded)
			}
		}
	}
	l := &lowerer{budget: &budget{}}
	if _, err := l.constant(&onnx.Tensor{DType: onnx.Float32, Shape: []int64{2}, Raw: make([]byte, 8)}); err != nil || l.budget.bytes != 8*constantShare {
		t.Errorf("a constant of 8 bytes adds %d, %v", l.budget.bytes, err)
	}
}
