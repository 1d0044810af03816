package exact

import (
	"cmp"
	"slices"

	"assay/inference/tensor"
)

// unique is a Unique over items: the elements, or the slices along an axis.
type unique struct {
	outer, items, inner int
	axis                int // -1 when the elements are the items
	groups              []group
}

// group is items that are the same, the first of them and how many; order holds the rank of every item's group.
type group struct {
	first, count int
	members      []int
}

func bindUnique(b *binder) (eval, error) {
	along, sorted := b.int("axis", noAxis), b.bool("sorted", true)
	flat := b.node.Attr("axis") == nil
	group := func(in []Spec) (*unique, error) {
		x, err := in[0].known("the number of different elements")
		if err != nil {
			return nil, err
		}
		u := &unique{outer: 1, items: x.Len(), inner: 1, axis: -1}
		if !flat {
			a, err := axis(along, len(x.Shape))
			if err != nil {
				return nil, err
			}
			u.axis, u.outer, u.items, u.inner = a, tensor.Product(x.Shape[:a]), x.Shape[a], tensor.Product(x.Shape[a+1:])
		}
		u.group(x, sorted)
		return u, nil
	}
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			u, err := group(in)
			if err != nil {
				return nil, err
			}
			made := in[0].like()
			made.Shape = []int{len(u.groups)}
			if !flat {
				made.Shape = slices.Clone(in[0].Shape)
				made.Shape[u.axis] = len(u.groups)
			}
			list := Spec{DType: tensor.Int64, Shape: []int{len(u.groups)}}
			return []Spec{made, list, {DType: tensor.Int64, Shape: []int{u.items}}, list}, nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			u, err := group(specsFor(in))
			if err != nil {
				return err
			}
			for i, g := range u.groups {
				if out[0] != nil {
					for o := range u.outer {
						copyRun(out[0], (o*len(u.groups)+i)*u.inner, in[0], (o*u.items+g.first)*u.inner, u.inner)
					}
				}
				if out[1] != nil {
					out[1].Int64s()[i] = int64(g.first)
				}
				if out[2] != nil {
					for _, m := range g.members {
						out[2].Int64s()[m] = int64(i)
					}
				}
				if out[3] != nil {
					out[3].Int64s()[i] = int64(g.count)
				}
			}
			return nil
		},
		cost: func(in, _ []Spec) Cost { return Cost{Instructions: 3000 * int64(tensor.Product(in[0].Shape))} },
	}, nil
}

// group sorts the items, by their elements in order and then by position, and joins equal ones. Unless the groups are
// to be sorted they are put back in the order of their first items.
func (u *unique) group(x *Tensor, sorted bool) {
	compare := func(a, b int) int {
		for o := range u.outer {
			for i := range u.inner {
				ka, kb := orderKey(x, (o*u.items+a)*u.inner+i), orderKey(x, (o*u.items+b)*u.inner+i)
				if ka != kb {
					return cmp.Compare(ka, kb)
				}
			}
		}
		return 0
	}
	order := count(u.items)
	slices.SortStableFunc(order, compare)
	for i := 0; i < len(order); {
		end := i + 1
		for end < len(order) && compare(order[i], order[end]) == 0 {
			end++
		}
		u.groups = append(u.groups, group{first: order[i], count: end - i, members: order[i:end]})
		i = end
	}
	if !sorted {
		slices.SortFunc(u.groups, func(a, b group) int { return cmp.Compare(a.first, b.first) })
	}
}
