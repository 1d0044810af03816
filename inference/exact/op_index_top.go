package exact

import (
	"cmp"
	"slices"

	"assay/inference/tensor"
)

// candidate is an element of a TopK: the greater key comes first, then the lower position.
type candidate struct {
	key uint64
	at  int
}

func (a candidate) before(b candidate) bool { return a.key > b.key || a.key == b.key && a.at < b.at }

func bindTopK(b *binder) (eval, error) {
	along, largest := b.int("axis", -1), b.bool("largest", true)
	b.bool("sorted", true) // sorted is a way of being in any order
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			a, err := axis(along, len(in[0].Shape))
			if err != nil {
				return nil, err
			}
			if in[0].DType == tensor.Bool || in[0].DType.Size() == 0 {
				return nil, fail(ErrUnsupported, "element type %v", in[0].DType)
			}
			k, err := in[1].ints("k", 1)
			if err != nil {
				return nil, err
			}
			if len(k) != 1 || k[0] < 0 || k[0] > in[0].Shape[a] {
				return nil, fail(ErrShape, "the first %v of %d", k, in[0].Shape[a])
			}
			shape := slices.Clone(in[0].Shape)
			shape[a] = k[0]
			return []Spec{{DType: in[0].DType, Shape: shape}, {DType: tensor.Int64, Shape: shape}}, nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			a, err := axis(along, len(in[0].Shape))
			if err != nil || in[0].Len() == 0 {
				return err
			}
			k := clampInt(integerAt(in[1], 0))
			size, inner := in[0].Shape[a], tensor.Product(in[0].Shape[a+1:])
			c.rows(in[0].Len()/size, 4*size, func(lo, hi int) {
				best := make([]candidate, 0, k)
				for r := lo; r < hi; r++ {
					at := r/inner*size*inner + r%inner
					best = topK(best[:0], in[0], at, inner, size, k, largest)
					for i, b := range best {
						to := (r/inner*k+i)*inner + r%inner
						if out[0] != nil {
							copyRun(out[0], to, in[0], at+b.at*inner, 1)
						}
						if out[1] != nil {
							out[1].Int64s()[to] = int64(b.at)
						}
					}
				}
			})
			return nil
		},
		cost: func(in, out []Spec) Cost {
			return Cost{Instructions: 300*int64(tensor.Product(in[0].Shape)) + 1000*int64(tensor.Product(out[0].Shape))}
		},
	}, nil
}

// topK finds the k first of n elements from offset at on, step apart, and sorts them. best has room for k.
func topK(best []candidate, x *Tensor, at, step, n, k int, largest bool) []candidate {
	if k == 0 {
		return best
	}
	for i := range n {
		next := candidate{orderKey(x, at+i*step), i}
		if !largest {
			next.key = ^next.key
		}
		switch {
		case len(best) < k:
			best = append(best, next)
			if len(best) == k {
				for root := k/2 - 1; root >= 0; root-- {
					sink(best, root)
				}
			}
		case next.before(best[0]):
			best[0] = next
			sink(best, 0)
		}
	}
	slices.SortFunc(best, func(a, b candidate) int {
		if a.key != b.key {
			return cmp.Compare(b.key, a.key)
		}
		return cmp.Compare(a.at, b.at)
	})
	return best
}

// sink restores a heap whose root is the last in order of all below it.
func sink(heap []candidate, root int) {
	for {
		child := 2*root + 1
		if child >= len(heap) {
			return
		}
		if child+1 < len(heap) && heap[child].before(heap[child+1]) {
			child++
		}
		if !heap[root].before(heap[child]) {
			return
		}
		heap[root], heap[child] = heap[child], heap[root]
		root = child
	}
}
