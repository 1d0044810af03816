package exact

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"assay/inference/ir"
)

// benchNode is a program of one node and its inputs.
func benchNode(b *testing.B, op string, attrs []ir.Attr, in ...*Tensor) (*Program, map[string]Tensor) {
	g := &ir.Graph{}
	n := ir.Node{Op: op, Attrs: attrs}
	slices.SortFunc(n.Attrs, func(a, b ir.Attr) int { return strings.Compare(a.Name, b.Name) })
	given := map[string]Tensor{}
	for i, x := range in {
		name := fmt.Sprint("in", i)
		given[name] = *x
		n.In = append(n.In, ir.ID(i))
		g.Inputs = append(g.Inputs, ir.Value{Name: name, DType: x.DType, Unranked: true})
	}
	n.Out = []ir.ID{ir.ID(len(in))}
	g.Outputs = []ir.Output{{Name: "0", Value: ir.ID(len(in))}}
	g.Nodes = []ir.Node{n}
	p, err := New(g, Config{})
	if err != nil {
		b.Fatal(err)
	}
	return p, given
}

// BenchmarkConv is of the shapes that image models have most.
func BenchmarkConv(b *testing.B) {
	for _, s := range []struct {
		name   string
		x, w   []int
		group  int64
		pad    int64
		stride int64
	}{
		{"3x3 64->64 56x56", []int{1, 64, 56, 56}, []int{64, 64, 3, 3}, 1, 1, 1},
		{"1x1 256->64 56x56", []int{1, 256, 56, 56}, []int{64, 256, 1, 1}, 1, 0, 1},
		{"3x3 512->512 7x7", []int{1, 512, 7, 7}, []int{512, 512, 3, 3}, 1, 1, 1},
		{"7x7 3->64 224 s2", []int{1, 3, 224, 224}, []int{64, 3, 7, 7}, 1, 3, 2},
		{"dw 3x3 144 56x56", []int{1, 144, 56, 56}, []int{144, 1, 3, 3}, 144, 1, 1},
		{"dw 3x3 144 56x56 s2", []int{1, 144, 56, 56}, []int{144, 1, 3, 3}, 144, 1, 2},
	} {
		b.Run(s.name, func(b *testing.B) {
			p, in := benchNode(b, "Conv", []ir.Attr{aInt("group", s.group), aInts("pads", s.pad, s.pad, s.pad, s.pad), aInts("strides", s.stride, s.stride)}, ramp(s.x...), ramp(s.w...))
			macs := float64(0)
			for b.Loop() {
				out, err := p.Run(in, nil)
				if err != nil {
					b.Fatal(err)
				}
				y := out["0"]
				macs = float64(y.Len() * s.w[1] * s.w[2] * s.w[3])
			}
			b.ReportMetric(macs*2/1e9/(b.Elapsed().Seconds()/float64(b.N)), "GFLOP/s")
		})
	}
}
