package main

import (
	"fmt"
	"hash"

	"assay/inference/exact"
	"assay/inference/ir"
)

// hashNode hashes the results of one node, whose inputs and outputs are numbered here.
func hashNode(h hash.Hash, kernel string, n ir.Node, results int, in ...exact.Tensor) error {
	g := &ir.Graph{}
	given := map[string]exact.Tensor{}
	for i, x := range in {
		name := fmt.Sprint(i)
		g.Inputs = append(g.Inputs, ir.Value{Name: name, DType: x.DType, Unranked: true})
		n.In, given[name] = append(n.In, ir.ID(i)), x
	}
	for i := range results {
		value := ir.ID(len(in) + i)
		n.Out = append(n.Out, value)
		g.Outputs = append(g.Outputs, ir.Output{Name: fmt.Sprint("y", i), Value: value})
	}
	g.Nodes = []ir.Node{n}
	p, err := exact.New(g, exact.Config{Kernel: kernel})
	if err != nil {
		return err
	}
	out, err := p.Run(given, nil)
	if err != nil {
		return err
	}
	for _, o := range g.Outputs {
		write(h, n.Op+" "+o.Name, out[o.Name])
	}
	return nil
}
