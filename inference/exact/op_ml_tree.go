package exact

import (
	"slices"

	"assay/inference/exact/internal/kernel"
	"assay/inference/ir"
	"assay/inference/tensor"
)

// forest is a list of decision trees. A child or root below 0 is leaf -1-child; leaf l adds the weights
// leafFirst[l] … leafFirst[l+1]-1 to their targets.
type forest struct {
	features, modes, yes, no, missing []int
	roots, leafFirst, targets         []int
	width                             int // targets of a row
	aggregate                         string
	splits                            []float64 // exact, also of float32 models
	members                           [][]float64
	weights, base                     *Tensor
	deepest                           int // features that a row needs at least
	transform                         func(v *kernel.Vectors, x []float32)
}

// The modes of a branch: what sends an element to its true child. The numbers are ONNX's.
const (
	branchLessEqual = iota
	branchLess
	branchGreaterEqual
	branchGreater
	branchEqual
	branchNotEqual
	branchMember
)

// bindTreeEnsemble: operands are rows of features, the split of every branch, the weights of the leaves, base values
// (none, one, or one for each target) and the members of sets, NaN after each set.
func bindTreeEnsemble(b *binder) (eval, error) {
	list, err := b.constants(1, 5)
	if err != nil {
		return eval{}, err
	}
	transform, err := transformOf(b)
	if err != nil {
		return eval{}, err
	}
	f := &forest{
		features: b.ints("features"), modes: b.ints("modes"), yes: b.ints("true"), no: b.ints("false"), missing: b.ints("missing"),
		roots: b.ints("roots"), leafFirst: b.ints("leaf_first"), targets: b.ints("targets"), width: b.int("width", 1),
		aggregate: b.text("aggregate", "SUM"), weights: list[1], transform: transform,
	}
	if len(list) > 2 {
		f.base = list[2]
	}
	if err := f.check(list[0], b.node); err != nil {
		return eval{}, err
	}
	var members *Tensor
	if len(list) > 3 {
		members = list[3]
	}
	if err := f.readMembers(members); err != nil {
		return eval{}, err
	}
	if err := f.checkTrees(); err != nil {
		return eval{}, err
	}
	if f.weights.DType == tensor.Float64 && b.text("post_transform", "NONE") != "NONE" {
		return eval{}, fail(ErrUnsupported, "post_transform of float64 scores")
	}
	return eval{infer: f.infer, compute: f.compute, cost: f.cost}, nil
}

func (f *forest) check(splits *Tensor, n *ir.Node) error {
	count := len(f.features)
	if len(f.missing) == 0 {
		f.missing = make([]int, count)
	}
	for _, list := range [][]int{f.modes, f.yes, f.no, f.missing} {
		if len(list) != count {
			return fail(ErrShape, "lists of %d and %d branches", count, len(list))
		}
	}
	for _, t := range []*Tensor{splits, f.weights, f.base} {
		if t != nil && (t.DType != f.weights.DType || t.DType != tensor.Float32 && t.DType != tensor.Float64 || len(t.Shape) != 1) {
			return fail(ErrUnsupported, "splits and weights are %v of shape %v", t.DType, t.Shape)
		}
	}
	leaves := len(f.leafFirst) - 1
	if splits.Len() != count || leaves < 0 || f.leafFirst[0] != 0 || f.leafFirst[leaves] != len(f.targets) ||
		f.weights.Len() != len(f.targets) || !slices.IsSorted(f.leafFirst) || f.width < 1 {
		return fail(ErrShape, "%d branches, %d splits, %d leaves, %d weights", count, splits.Len(), leaves, f.weights.Len())
	}
	if f.base != nil && f.base.Len() != 1 && f.base.Len() != f.width {
		return fail(ErrShape, "%d base values for %d targets", f.base.Len(), f.width)
	}
	if !slices.Contains([]string{"SUM", "AVERAGE", "MIN", "MAX"}, f.aggregate) {
		return fail(ErrUnsupported, "aggregate %q", f.aggregate)
	}
	for i := range count {
		f.splits = append(f.splits, floatAt(splits, i))
		if f.features[i] < 0 || f.modes[i] < 0 || f.modes[i] > branchMember {
			return fail(ErrShape, "branch %d of feature %d and mode %d", i, f.features[i], f.modes[i])
		}
		f.deepest = max(f.deepest, f.features[i]+1)
	}
	for _, t := range f.targets {
		if t < 0 || t >= f.width {
			return fail(ErrShape, "target %d of %d", t, f.width)
		}
	}
	return nil
}

// readMembers hands the sets to the branches that ask for one, in order.
func (f *forest) readMembers(t *Tensor) error {
	f.members = make([][]float64, len(f.modes))
	at := 0
	for i, mode := range f.modes {
		if mode != branchMember {
			continue
		}
		for t != nil && at < t.Len() {
			v := floatAt(t, at)
			at++
			if v != v {
				break
			}
			f.members[i] = append(f.members[i], v)
		}
	}
	if t != nil && at != t.Len() {
		return fail(ErrShape, "%d members of sets are left over", t.Len()-at)
	}
	return nil
}

// checkTrees says whether every branch is reached at most once, so that a walk ends.
func (f *forest) checkTrees() error {
	seen := make([]bool, len(f.features))
	stack := slices.Clone(f.roots)
	for len(stack) > 0 {
		at := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if at < 0 {
			if -1-at >= len(f.leafFirst)-1 {
				return fail(ErrShape, "leaf %d of %d", -1-at, len(f.leafFirst)-1)
			}
			continue
		}
		if at >= len(seen) || seen[at] {
			return fail(ErrShape, "branch %d is missing or reached twice", at)
		}
		seen[at] = true
		stack = append(stack, f.yes[at], f.no[at])
	}
	return nil
}

func (f *forest) infer(in []Spec) ([]Spec, error) {
	rows, width, err := asRows(in[0].Shape)
	if err != nil {
		return nil, err
	}
	switch in[0].DType {
	case tensor.Float32, tensor.Float64, tensor.Int64, tensor.Int32:
	default:
		return nil, fail(ErrUnsupported, "element type %v", in[0].DType)
	}
	if width < f.deepest {
		return nil, fail(ErrShape, "rows of %d features, the trees look at %d", width, f.deepest)
	}
	return one(f.weights.DType, []int{rows, f.width}), nil
}

func (f *forest) cost(in, _ []Spec) Cost {
	rows, width, err := asRows(in[0].Shape)
	if err != nil {
		return Cost{}
	}
	perRow := 30*int64(width) + 100*int64(len(f.features)+len(f.targets)) + 800*int64(f.width)
	return Cost{Instructions: perRow * int64(rows)}
}

// leaf walks down one tree.
func (f *forest) leaf(root int, x []float64) int {
	for root >= 0 {
		if f.goes(root, x[f.features[root]]) {
			root = f.yes[root]
		} else {
			root = f.no[root]
		}
	}
	return -1 - root
}

// goes says whether a value goes to the true child of a branch.
func (f *forest) goes(at int, v float64) bool {
	if v != v && f.missing[at] != 0 {
		return true
	}
	split := f.splits[at]
	switch f.modes[at] {
	case branchLessEqual:
		return v <= split
	case branchLess:
		return v < split
	case branchGreaterEqual:
		return v >= split
	case branchGreater:
		return v > split
	case branchEqual:
		return v == split
	case branchNotEqual:
		return v != split
	}
	return slices.Contains(f.members[at], v)
}

func (f *forest) compute(c *call, in, out []*Tensor) error {
	rows, width, err := asRows(in[0].Shape)
	if err != nil {
		return err
	}
	if f.weights.DType == tensor.Float64 {
		y := tensor.View[float64](out[0])
		score(c, f, y, rows, width, in[0])
		for i, v := range y {
			y[i] = canon64(v)
		}
		return nil
	}
	score(c, f, out[0].Float32s(), rows, width, in[0])
	c.eachRow(out[0], func(_ int, row []float32) {
		kernel.Canonicalise(row)
		f.transform(&c.set.Vectors, row)
	})
	return nil
}

// score adds the leaves up tree by tree, then divides an average by the number of trees and adds the base value.
func score[T float32 | float64](c *call, f *forest, y []T, rows, width int, x *Tensor) {
	weights := tensor.View[T](f.weights)
	c.rows(rows, 16*len(f.roots)+width, func(lo, hi int) {
		features, seen := make([]float64, width), make([]bool, f.width)
		for r := lo; r < hi; r++ {
			for i := range features {
				if x.DType.Float() {
					features[i] = floatAt(x, r*width+i)
				} else {
					features[i] = float64(integerAt(x, r*width+i))
				}
			}
			row := y[r*f.width : (r+1)*f.width]
			clear(row)
			clear(seen)
			for _, root := range f.roots {
				leaf := f.leaf(root, features)
				for i := f.leafFirst[leaf]; i < f.leafFirst[leaf+1]; i++ {
					t := f.targets[i]
					row[t] = joined(f.aggregate, row[t], weights[i], seen[t])
					seen[t] = true
				}
			}
			for t := range row {
				if f.aggregate == "AVERAGE" {
					row[t] /= T(len(f.roots))
				}
				if f.base != nil {
					row[t] += tensor.View[T](f.base)[t%f.base.Len()]
				}
			}
		}
	})
}

func joined[T float32 | float64](aggregate string, sum, weight T, seen bool) T {
	switch {
	case aggregate == "MIN" && seen:
		return min(sum, weight)
	case aggregate == "MAX" && seen:
		return max(sum, weight)
	case aggregate == "MIN", aggregate == "MAX":
		return weight
	}
	return sum + weight
}
