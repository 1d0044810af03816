package flat

import (
	"assay/vectordb/kernel"
)

// nearest keeps the k nearest of the hits it is offered: a heap with the farthest on top.
type nearest struct {
	k    int
	heap []Hit
}

func (n *nearest) offer(dot int64, norm uint32, id []byte) {
	if n.k <= 0 {
		return
	}
	if len(n.heap) == n.k {
		// most vectors end here, before their id is copied
		if top := &n.heap[0]; kernel.Compare(dot, norm, top.Dot, top.norm) < 0 {
			return
		}
	}
	hit := Hit{ID: string(id), Dot: dot, norm: norm}
	if len(n.heap) < n.k {
		n.heap = append(n.heap, hit)
		n.up(len(n.heap) - 1)
		return
	}
	if hit.nearer(&n.heap[0]) {
		n.heap[0] = hit
		n.down(0)
	}
}

func (n *nearest) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !n.heap[parent].nearer(&n.heap[i]) {
			return
		}
		n.heap[parent], n.heap[i] = n.heap[i], n.heap[parent]
		i = parent
	}
}

func (n *nearest) down(i int) {
	for {
		far := i
		for child := 2*i + 1; child <= 2*i+2 && child < len(n.heap); child++ {
			if n.heap[far].nearer(&n.heap[child]) {
				far = child
			}
		}
		if far == i {
			return
		}
		n.heap[far], n.heap[i] = n.heap[i], n.heap[far]
		i = far
	}
}

// sorted empties the heap, nearest first.
func (n *nearest) sorted() []Hit {
	out := make([]Hit, len(n.heap))
	for i := len(out) - 1; i >= 0; i-- {
		out[i] = n.heap[0]
		last := len(n.heap) - 1
		n.heap[0] = n.heap[last]
		n.heap = n.heap[:last]
		n.down(0)
	}
	return out
}
