package ir

// Coupled finds the first node through which the bits of one row depend on its batch mates and on padding: a
// DynamicQuantizeLinear takes one scale from all of its input, a BatchNormalization in training its statistics. Nil when there is none. Nobody can check such a model by
// computing it again, unless with the very same batch, so no job class that others check admits it.
func Coupled(g *Graph) *Node {
	for i := range g.Nodes {
		n := &g.Nodes[i]
		if n.Op == "DynamicQuantizeLinear" || n.Op == "BatchNormalizationTraining" {
			return n
		}
		for _, b := range n.Bodies {
			if found := Coupled(b); found != nil {
				return found
			}
		}
	}
	return nil
}
