package exact

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"assay/inference/ir"
	"assay/inference/tensor"
)

// runNode evaluates one operator whose operands are inputs; a nil operand is left out. It gives every output.
func runNode(t *testing.T, op string, attrs []ir.Attr, outputs int, in ...*Tensor) ([]Tensor, error) {
	t.Helper()
	return runNodeOn(t, "", op, attrs, outputs, in...)
}

// runNodeOn is runNode with the kernels of a name.
func runNodeOn(t *testing.T, kernels, op string, attrs []ir.Attr, outputs int, in ...*Tensor) ([]Tensor, error) {
	t.Helper()
	g := &ir.Graph{}
	n := ir.Node{Op: op, Name: "it", Attrs: attrs}
	slices.SortFunc(n.Attrs, func(a, b ir.Attr) int { return strings.Compare(a.Name, b.Name) })
	given := map[string]Tensor{}
	for i, x := range in {
		if x == nil {
			n.In = append(n.In, ir.None)
			continue
		}
		name := fmt.Sprintf("in%d", i)
		given[name] = *x
		n.In = append(n.In, ir.ID(len(g.Inputs)))
		g.Inputs = append(g.Inputs, ir.Value{Name: name, DType: x.DType, Unranked: true})
	}
	for i := range outputs {
		id := ir.ID(len(g.Inputs) + i)
		n.Out = append(n.Out, id)
		g.Outputs = append(g.Outputs, ir.Output{Name: fmt.Sprint(i), Value: id})
	}
	g.Nodes = []ir.Node{n}
	p, err := New(g, Config{Kernel: kernels})
	if err != nil {
		return nil, err
	}
	results, err := p.Run(given, nil)
	if err != nil {
		return nil, err
	}
	out := make([]Tensor, outputs)
	for i := range out {
		out[i] = results[fmt.Sprint(i)]
	}
	return out, nil
}

// The constructors of operands and attributes for tables.

func f32s(data []float32, shape ...int) *Tensor {
	x := tensor.FromFloat32(data, shape...)
	return &x
}

func i64s(data []int64, shape ...int) *Tensor {
	if shape == nil {
		shape = []int{len(data)}
	}
	x := tensor.FromInt64(data, shape...)
	return &x
}

// ramp counts up from 0.
func ramp(shape ...int) *Tensor {
	x := tensor.New(tensor.Float32, shape...)
	for i := range x.Float32s() {
		x.Float32s()[i] = float32(i)
	}
	return &x
}

func aInt(name string, v int64) ir.Attr     { return ir.Attr{Name: name, Kind: ir.KindInt, Int: v} }
func aFloat(name string, v float32) ir.Attr { return ir.Attr{Name: name, Kind: ir.KindFloat, Float: v} }

func aText(name, v string) ir.Attr { return ir.Attr{Name: name, Kind: ir.KindText, Text: v} }

func aInts(name string, v ...int64) ir.Attr { return ir.Attr{Name: name, Kind: ir.KindInts, Ints: v} }

// row is one line of a table of operators.
type row struct {
	name  string
	op    string
	attrs []ir.Attr
	in    []*Tensor
	want  []*Tensor
}

func runTable(t *testing.T, table []row) {
	t.Helper()
	for _, r := range table {
		t.Run(r.op+"/"+r.name, func(t *testing.T) {
			t.Parallel()
			got, err := runNode(t, r.op, r.attrs, len(r.want), r.in...)
			if err != nil {
				t.Fatal(err)
			}
			for i, want := range r.want {
				if !same(&got[i], want) {
					t.Errorf("output %d:\n got %v %v %v\nwant %v %v %v", i,
						got[i].DType, got[i].Shape, show(&got[i]), want.DType, want.Shape, show(want))
				}
			}
		})
	}
}

func same(a, b *Tensor) bool {
	return a.DType == b.DType && slices.Equal(a.Shape, b.Shape) && slices.Equal(a.Bytes(), b.Bytes())
}

func show(x *Tensor) any {
	switch x.DType {
	case tensor.Float32:
		return x.Float32s()
	case tensor.Int64:
		return x.Int64s()
	case tensor.Int32:
		return x.Int32s()
	}
	return x.Bytes()
}
