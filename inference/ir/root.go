package ir

import (
	"assay/commitment"
	"assay/inference/tensor"
)

// Root commits to what a graph computes: inputs, constants, nodes and outputs, but no labels. A dispute about one node or
// one tile of a constant needs only a path to it.
//
//	"assay/ir/1" · version · inputs · root over constants · root over nodes · outputs
//
// A constant's leaf is its kind, then the tensor root of its elements or, when it is quantised, axis, scales and zero
// points with the tensor root of its whole numbers; a node's leaf is its encoding and the roots of its bodies.
func Root(g *Graph) (commitment.Hash, error) {
	if err := g.Check(); err != nil {
		return commitment.Hash{}, err
	}
	return root(g)
}

func root(g *Graph) (commitment.Hash, error) {
	var inputs, outputs encoder
	for i := range g.Inputs {
		inputs.value(&g.Inputs[i])
	}
	for _, o := range g.Outputs {
		outputs.output(o)
	}
	constants := make([][]byte, len(g.Constants))
	for i := range g.Constants {
		leaf, err := constantLeaf(&g.Constants[i])
		if err != nil {
			return commitment.Hash{}, err
		}
		constants[i] = leaf
	}
	nodes := make([][]byte, len(g.Nodes))
	for i := range g.Nodes {
		leaf, err := nodeLeaf(&g.Nodes[i])
		if err != nil {
			return commitment.Hash{}, err
		}
		nodes[i] = leaf
	}
	c, n := commitment.MerkleRoot(constants), commitment.MerkleRoot(nodes)
	return commitment.NewPreimage("assay/ir/1").Uint(Version).Uint(uint64(len(g.Inputs))).Bytes(inputs.b).
		Uint(uint64(len(constants))).Bytes(c[:]).Uint(uint64(len(nodes))).Bytes(n[:]).
		Uint(uint64(len(g.Outputs))).Bytes(outputs.b).Sum(), nil
}

func constantLeaf(c *Constant) ([]byte, error) {
	var e encoder
	if c.Quant != nil {
		e.uint(1)
		e.quant(c.Quant)
	} else {
		e.uint(0)
	}
	elements, err := c.Elements()
	if err != nil {
		return nil, err
	}
	h, err := TensorRoot(&elements)
	return append(e.b, h[:]...), err
}

func nodeLeaf(n *Node) ([]byte, error) {
	var e encoder
	e.node(n)
	e.uint(uint64(len(n.Bodies)))
	for _, b := range n.Bodies {
		h, err := root(b)
		if err != nil {
			return nil, err
		}
		e.b = append(e.b, h[:]...)
	}
	return e.b, nil
}

// TensorRoot commits to a tensor.
func TensorRoot(t *tensor.Tensor) (commitment.Hash, error) {
	shape := make([]uint64, len(t.Shape))
	for i, d := range t.Shape {
		shape[i] = uint64(d)
	}
	return commitment.TensorRoot(commitment.DType(t.DType), shape, t.Bytes())
}
