package exact

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"assay/inference/ir"
	"assay/inference/tensor"
)

// anything makes operands and attributes that mostly make no sense.
type anything struct{ *rand.Rand }

var anyDTypes = []tensor.DType{
	tensor.Float32, tensor.Float32, tensor.Float32, tensor.Float32, tensor.Int64, tensor.Int64, tensor.Int32, tensor.Int8, tensor.Uint8, tensor.Bool,
	tensor.Float16, tensor.BFloat16, tensor.Float64, tensor.Uint16, tensor.Int16, tensor.Uint32, tensor.Uint64, tensor.Int4, tensor.Uint2,
	tensor.Float8E4M3FN, tensor.Float8E5M2NUZ, tensor.Float4E2M1, tensor.Float8E8M0,
}

func (r anything) dtype() tensor.DType { return anyDTypes[r.IntN(len(anyDTypes))] }

func (r anything) shape() []int {
	shape := make([]int, r.IntN(5))
	for i := range shape {
		shape[i] = []int{0, 1, 1, 2, 2, 3, 4, 5, 17}[r.IntN(9)]
	}
	return shape
}

// tensor holds small numbers, and now and then any bits.
func (r anything) tensor(dtype tensor.DType, shape []int) *Tensor {
	x := tensor.New(dtype, shape...)
	wild := r.IntN(4) == 0
	for i := range x.Bytes() {
		if wild {
			x.Bytes()[i] = byte(r.Uint32())
		}
	}
	small := func() int64 { return int64(r.IntN(8) - 3) }
	switch {
	case dtype == tensor.Float32 && !wild:
		for i := range x.Float32s() {
			x.Float32s()[i] = float32(r.NormFloat64())
		}
	case dtype == tensor.Int64 && !wild:
		for i := range x.Int64s() {
			x.Int64s()[i] = small()
		}
	case dtype == tensor.Int32 && !wild:
		for i := range x.Int32s() {
			x.Int32s()[i] = int32(small())
		}
	case dtype.Bits() < 8:
		low := lowBits(dtype)
		for i, b := range x.Bytes() {
			x.Bytes()[i] = byte(low(int64(b)))
		}
	}
	return &x
}

var (
	anyFloats = []string{"alpha", "beta", "gamma", "bias", "lambd", "epsilon", "scale", "softcap", "clip", "momentum", "cubic_coeff_a", "extrapolation_value"}
	anyTexts  = []string{
		"", "none", "tanh", "LEFT", "RIGHT", "up", "down", "nearest", "constant", "reflect", "edge", "wrap", "linear", "cubic", "DCR", "CRD", "add", "mul",
		"max", "min", "SAME_UPPER", "VALID", "NOTSET", "forward", "bidirectional", "asymmetric", "half_pixel", "floor", "Relu", "gelu", "SOFTMAX", "BRANCH_LEQ",
	}
	anyTextNames = []string{
		"mode", "direction", "approximate", "round_mode", "reduction", "auto_pad", "coordinate_transformation_mode", "nearest_mode", "activation",
		"keep_aspect_ratio_policy", "post_transform", "aggregate_function", "equation", "norm",
	}
	anyLists = []string{
		"axes", "perm", "pads", "strides", "dilations", "kernel_shape", "output_shape", "output_padding", "shape", "scan_input_axes", "nodes_featureids",
	}
)

func (r anything) attribute(name string) ir.Attr {
	number := func() int64 {
		if r.IntN(20) == 0 {
			return int64(r.Uint64())
		}
		return int64(r.IntN(6) - 2)
	}
	switch {
	case slices.Contains(anyFloats, name):
		return aFloat(name, float32(r.NormFloat64()))
	case slices.Contains(anyTextNames, name):
		return aText(name, anyTexts[r.IntN(len(anyTexts))])
	case slices.Contains(anyLists, name):
		list := make([]int64, r.IntN(5))
		for i := range list {
			list[i] = number()
		}
		return aInts(name, list...)
	case name == "to" || strings.HasSuffix(name, "dtype"):
		return aInt(name, int64(r.dtype()))
	}
	return aInt(name, number())
}

// node makes operands of an operator, whose shapes have much in common.
func (r anything) node(op *operator) (attrs []ir.Attr, in []*Tensor) {
	for _, name := range op.attributes {
		if r.IntN(2) == 0 {
			attrs = append(attrs, r.attribute(name))
		}
	}
	slices.SortFunc(attrs, func(a, b ir.Attr) int { return strings.Compare(a.Name, b.Name) })
	shape, dtype, special := r.shape(), r.dtype(), r.IntN(12)
	for i := range op.minIn + r.IntN(min(op.maxIn, op.minIn+3)-op.minIn+1) {
		if i >= op.minIn && r.IntN(4) == 0 {
			in = append(in, nil)
			continue
		}
		s, d := slices.Clone(shape), dtype
		if i > 0 && len(shape) > 1 && special < 4 { // operands that usually are something else than the first
			switch special {
			case 0: // axes, sizes, positions
				d, s = tensor.Int64, []int{1 + r.IntN(len(shape))}
			case 1: // a number for each channel
				s = []int{shape[1]}
			case 2: // a number
				s = nil
			case 3: // weights
				s[0] = 1 + r.IntN(4)
				for k := 2; k < len(s); k++ {
					s[k] = 1 + r.IntN(3)
				}
				if i > 1 {
					s = s[:1]
				}
			}
			in = append(in, r.tensor(d, s))
			continue
		}
		switch r.IntN(5) {
		case 0:
			s = r.shape()
		case 1:
			for k := range s {
				if r.IntN(2) == 0 {
					s[k] = 1
				}
			}
		case 2:
			s = s[r.IntN(len(s)+1):]
		}
		if r.IntN(8) == 0 {
			d = r.dtype()
		}
		in = append(in, r.tensor(d, s))
	}
	return attrs, in
}

// TestNoOperandsPanic: whatever an operator is given, it gives an error of this package or outputs that depend on
// nothing else: not on what their memory held, not on threads.
func TestNoOperandsPanic(t *testing.T) {
	t.Parallel()
	rounds := 800
	if testing.Short() {
		rounds = 40
	}
	for _, name := range slices.Sorted(maps.Keys(operators)) {
		op := operators[name]
		if op.bodies > 0 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := anything{rand.New(rand.NewPCG(uint64(len(name)), 23))}
			ran := 0
			defer func() { t.Logf("%d of %d ran", ran, rounds) }()
			for range rounds {
				attrs, in := r.node(op)
				describe := func() string {
					text := fmt.Sprintf("%s %+v", name, attrs)
					for _, x := range in {
						if x != nil {
							text += fmt.Sprintf(" %v%v", x.DType, x.Shape)
						} else {
							text += " nil"
						}
					}
					return text
				}
				defer func() {
					if p := recover(); p != nil {
						t.Errorf("%s: panic: %v", describe(), p)
					}
				}()
				if anyRun(t, name, attrs, in, op.out, describe) {
					ran++
				}
				anyConstants(t, name, attrs, in, op.out, describe)
			}
		})
	}
}

func anyRun(t *testing.T, op string, attrs []ir.Attr, in []*Tensor, outputs int, describe func() string) (ran bool) {
	g := &ir.Graph{}
	n := ir.Node{Op: op, Attrs: attrs}
	given := map[string]Tensor{}
	for i, x := range in {
		if x == nil {
			n.In = append(n.In, ir.None)
			continue
		}
		name := fmt.Sprint(i)
		given[name] = *x
		n.In = append(n.In, ir.ID(len(g.Inputs)))
		g.Inputs = append(g.Inputs, ir.Value{Name: name, DType: x.DType, Unranked: true})
	}
	for i := range min(outputs, 4) {
		id := ir.ID(len(g.Inputs) + i)
		n.Out = append(n.Out, id)
		g.Outputs = append(g.Outputs, ir.Output{Name: fmt.Sprint(i), Value: id})
	}
	g.Nodes = []ir.Node{n}
	p, err := New(g, Config{Limits: Limits{Elements: 1 << 16, Total: 1 << 24, Work: 1 << 24}})
	if err == nil {
		var first, second map[string]Tensor
		if first, err = p.Run(given, nil); err == nil {
			p.pool.put(poisoned(first))
			if second, err = p.Run(given, threads); err != nil {
				t.Errorf("%s: fails the second time: %v", describe(), err)
				return true
			}
			for name := range first {
				a, b := first[name], second[name]
				if !same(&a, &b) {
					t.Errorf("%s: output %s differs the second time", describe(), name)
				}
			}
		}
	}
	var typed *Error
	if err != nil && !errors.As(err, &typed) {
		t.Errorf("%s: %T: %v", describe(), err, err)
	}
	return err == nil
}

// poisoned is memory that outputs of these sizes will take, full of what no operator would leave there.
func poisoned(out map[string]Tensor) map[int][]*buffer {
	free := map[int][]*buffer{}
	for _, x := range out {
		size := class(len(x.Bytes()))
		for range 3 {
			b := &buffer{data: tensor.Alloc(size)}
			for i := range b.data {
				b.data[i] = 0xa5
			}
			free[size] = append(free[size], b)
		}
	}
	return free
}

// anyConstants makes some or all operands constants of the graph, and asks for the bound. That the operands are constants
// changes no bit, and kernels agree.
func anyConstants(t *testing.T, op string, attrs []ir.Attr, in []*Tensor, outputs int, describe func() string) {
	var first map[string]Tensor
	for _, from := range []int{len(in), 1, 0} { // operands from this one on are constants
		g, given, shapes := &ir.Graph{}, map[string]Tensor{}, map[string][]int{}
		n := ir.Node{Op: op, Attrs: attrs}
		for i, x := range in[:min(from, len(in))] {
			if x != nil {
				name := fmt.Sprint(i)
				given[name], shapes[name] = *x, x.Shape
				g.Inputs = append(g.Inputs, ir.Value{Name: name, DType: x.DType, Unranked: true})
			}
		}
		next := ir.ID(0)
		for i, x := range in {
			if x == nil {
				n.In = append(n.In, ir.None)
				continue
			}
			if i >= from {
				g.Constants = append(g.Constants, ir.Constant{Data: *x})
			}
			n.In = append(n.In, next)
			next++
		}
		for i := range min(outputs, 4) {
			n.Out = append(n.Out, next+ir.ID(i))
			g.Outputs = append(g.Outputs, ir.Output{Name: fmt.Sprint(i), Value: next + ir.ID(i)})
		}
		g.Nodes = []ir.Node{n}
		for _, kernels := range []string{"go", ""} {
			p, err := New(g, Config{Kernel: kernels, Limits: Limits{Elements: 1 << 16, Total: 1 << 24, Work: 1 << 24}})
			if err != nil {
				continue
			}
			_, _ = p.Bound(shapes)
			out, err := p.Run(given, nil)
			if err != nil {
				continue
			}
			if first == nil {
				first = out
			}
			for name := range first {
				a, b := first[name], out[name]
				if !same(&a, &b) {
					t.Errorf("%s: output %s has other bits with kernels %q and constants from operand %d on", describe(), name, p.Kernel(), from)
				}
			}
		}
	}
}
