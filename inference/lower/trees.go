package lower

import (
	"cmp"
	"slices"

	"assay/inference/ir"
	"assay/inference/onnx"
	"assay/inference/tensor"
)

// forest is trees in the form of the IR: see TreeEnsemble in docs/ir-v1.md.
type forest struct {
	features, modes, yes, no, missing []int64
	roots, leafFirst, targets         []int64
	splits, weights, base, members    *value
}

func (f *forest) attrs(width int64, aggregate, transform string) []ir.Attr {
	return []ir.Attr{
		intsAttr("features", f.features), intsAttr("modes", f.modes), intsAttr("true", f.yes), intsAttr("false", f.no),
		intsAttr("missing", f.missing), intsAttr("roots", f.roots), intsAttr("leaf_first", f.leafFirst), intsAttr("targets", f.targets),
		intAttr("width", width), textAttr("aggregate", aggregate), textAttr("post_transform", transform),
	}
}

// lowerTrees is for TreeEnsemble, as of set 5: branches and leaves are numbered apart, a leaf has one weight.
func lowerTrees(l *lowerer, n *onnx.Node) error {
	f := &forest{features: intsOf(n, "nodes_featureids"), missing: intsOf(n, "nodes_missing_value_tracks_true"), targets: intsOf(n, "leaf_targetids")}
	var err error
	if f.splits, err = tensorOf(n, "nodes_splits"); err != nil {
		return err
	}
	if f.weights, err = tensorOf(n, "leaf_weights"); err != nil {
		return err
	}
	if f.members, err = tensorOf(n, "membership_values"); err != nil {
		return err
	}
	modes, err := tensorOf(n, "nodes_modes")
	if err != nil {
		return err
	}
	if f.splits == nil || f.weights == nil || modes == nil || modes.data().DType != tensor.Uint8 {
		return misfit("nodes_splits, nodes_modes or leaf_weights are missing")
	}
	for _, m := range modes.data().Bytes() {
		f.modes = append(f.modes, int64(m))
	}
	child := func(ids, leafs string) ([]int64, error) {
		list, isLeaf := slices.Clone(intsOf(n, ids)), intsOf(n, leafs)
		if len(list) != len(f.features) || len(isLeaf) != len(list) {
			return nil, misfit("%d %s, %d %s", len(list), ids, len(isLeaf), leafs)
		}
		for i := range list {
			if list[i] < 0 {
				return nil, misfit("%s %d", ids, list[i])
			}
			if isLeaf[i] != 0 {
				list[i] = -1 - list[i]
			}
		}
		return list, nil
	}
	if f.yes, err = child("nodes_truenodeids", "nodes_trueleafs"); err != nil {
		return err
	}
	if f.no, err = child("nodes_falsenodeids", "nodes_falseleafs"); err != nil {
		return err
	}
	f.roots = f.wholeTrees(intsOf(n, "tree_roots"))
	for i := range len(f.targets) + 1 {
		f.leafFirst = append(f.leafFirst, int64(i))
	}
	aggregate, transform := intOf(n, "aggregate_function", 1), intOf(n, "post_transform", 0)
	if aggregate < 0 || aggregate > 3 || transform < 0 || transform > 4 {
		return misfit("aggregate_function %d, post_transform %d", aggregate, transform)
	}
	list := f.attrs(intOf(n, "n_targets", 1), []string{"AVERAGE", "SUM", "MIN", "MAX"}[aggregate],
		[]string{"NONE", "SOFTMAX", "LOGISTIC", "SOFTMAX_ZERO", "PROBIT"}[transform])
	return l.replace(n, n.Op, []*value{l.in(n, 0), f.splits, f.weights, nil, f.members}, list...)
}

// wholeTrees: a tree that is one leaf is written as a branch whose children are both that leaf.
func (f *forest) wholeTrees(roots []int64) []int64 {
	out := slices.Clone(roots)
	for i, r := range out {
		if r >= 0 && r < int64(len(f.yes)) && f.yes[r] < 0 && f.yes[r] == f.no[r] {
			out[i] = f.yes[r]
		}
	}
	return out
}

// nodeKey names a node of the older form: the tree, and the node in it.
type nodeKey struct{ tree, node int64 }

// olderTrees reads the lists that TreeEnsembleRegressor and -Classifier share. what is "target" or "class".
func olderTrees(n *onnx.Node, what string) (*forest, error) {
	f := &forest{}
	trees, nodes, modes := intsOf(n, "nodes_treeids"), intsOf(n, "nodes_nodeids"), textsOf(n, "nodes_modes")
	features, yes, no := intsOf(n, "nodes_featureids"), intsOf(n, "nodes_truenodeids"), intsOf(n, "nodes_falsenodeids")
	missing := intsOf(n, "nodes_missing_value_tracks_true")
	if missing == nil {
		missing = make([]int64, len(nodes))
	}
	splits, err := numbersOf(n, "nodes_values")
	if err != nil {
		return nil, err
	}
	if splits == nil || len(modes) != len(nodes) {
		return nil, misfit("%d modes of %d nodes", len(modes), len(nodes))
	}
	for _, list := range [][]int64{trees, features, yes, no, missing} {
		if len(list) != len(nodes) || splits.data().Len() != len(nodes) {
			return nil, misfit("lists of %d and %d nodes", len(nodes), len(list))
		}
	}
	places, branches, err := f.number(trees, nodes, modes)
	if err != nil {
		return nil, err
	}
	isChild := map[nodeKey]bool{}
	for _, i := range branches {
		for _, list := range []struct {
			from []int64
			to   *[]int64
		}{{yes, &f.yes}, {no, &f.no}} {
			key := nodeKey{trees[i], list.from[i]}
			at, ok := places[key]
			if !ok {
				return nil, misfit("tree %d has no node %d", key.tree, key.node)
			}
			isChild[key] = true
			*list.to = append(*list.to, at)
		}
		mode := slices.Index([]string{"BRANCH_LEQ", "BRANCH_LT", "BRANCH_GTE", "BRANCH_GT", "BRANCH_EQ", "BRANCH_NEQ"}, modes[i])
		if mode < 0 {
			return nil, unsupported("mode %q", modes[i])
		}
		f.features, f.missing, f.modes = append(f.features, features[i]), append(f.missing, missing[i]), append(f.modes, int64(mode))
	}
	f.splits = pickNumbers(splits, branches)
	for i := range nodes {
		if key := (nodeKey{trees[i], nodes[i]}); !isChild[key] {
			f.roots = append(f.roots, places[key])
		}
	}
	return f, f.readWeights(n, what, places)
}

// number counts branches and leaves in their order. It gives the place of every node, as children name it, and the
// positions of the branches.
func (f *forest) number(trees, nodes []int64, modes []string) (places map[nodeKey]int64, branches []int, err error) {
	places = map[nodeKey]int64{}
	leaves := int64(0)
	for i := range nodes {
		key := nodeKey{trees[i], nodes[i]}
		if _, twice := places[key]; twice {
			return nil, nil, misfit("node %d of tree %d is there twice", key.node, key.tree)
		}
		if modes[i] == "LEAF" {
			leaves++
			places[key] = -leaves
			continue
		}
		places[key] = int64(len(branches))
		branches = append(branches, i)
	}
	f.leafFirst = make([]int64, leaves+1)
	return places, branches, nil
}

// readWeights puts the weights in the order of the leaves.
func (f *forest) readWeights(n *onnx.Node, what string, places map[nodeKey]int64) error {
	trees, nodes, targets := intsOf(n, what+"_treeids"), intsOf(n, what+"_nodeids"), intsOf(n, what+"_ids")
	weights, err := numbersOf(n, what+"_weights")
	if err != nil {
		return err
	}
	if weights == nil || len(trees) != len(nodes) || len(targets) != len(nodes) || weights.data().Len() != len(nodes) {
		return misfit("%d weights of leaves, %d targets", len(nodes), len(targets))
	}
	leaves := make([]int64, len(nodes))
	order := make([]int, len(nodes))
	for i := range nodes {
		at, ok := places[nodeKey{trees[i], nodes[i]}]
		if !ok || at >= 0 {
			return misfit("node %d of tree %d has a weight and is no leaf", nodes[i], trees[i])
		}
		leaves[i], order[i] = -1-at, i
		f.leafFirst[leaves[i]+1]++
	}
	for i := 1; i < len(f.leafFirst); i++ {
		f.leafFirst[i] += f.leafFirst[i-1]
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(leaves[a], leaves[b]) })
	for _, i := range order {
		f.targets = append(f.targets, targets[i])
	}
	f.weights = pickNumbers(weights, order)
	f.base, err = numbersOf(n, "base_values")
	return err
}

// pickNumbers gives some elements of a list.
func pickNumbers(v *value, at []int) *value {
	from := v.data()
	size := from.DType.Size()
	out := tensor.New(from.DType, len(at))
	for i, j := range at {
		copy(out.Bytes()[i*size:(i+1)*size], from.Bytes()[j*size:])
	}
	return known(out)
}

func lowerTreeRegressor(l *lowerer, n *onnx.Node) error {
	f, err := olderTrees(n, "target")
	if err != nil {
		return err
	}
	list := f.attrs(intOf(n, "n_targets", 1), textOf(n, "aggregate_function", "SUM"), "NONE")
	scores, err := l.emit1(n, "TreeEnsemble", []*value{l.in(n, 0), f.splits, f.weights, f.base}, list...)
	if err == nil {
		scores, err = l.emit1(n, "Cast", []*value{scores}, intAttr("to", int64(tensor.Float32)))
	}
	if err != nil {
		return err
	}
	return finishScores(l, n, scores)
}

// lowerTreeClassifier: when the leaves of a model of two labels speak of one class only, the score is held against a
// threshold: one half when all weights are positive, else zero.
func lowerTreeClassifier(l *lowerer, n *onnx.Node) error {
	if err := withoutTexts(n, "classlabels_strings"); err != nil {
		return err
	}
	f, err := olderTrees(n, "class")
	if err != nil {
		return err
	}
	labels := intsOf(n, "classlabels_int64s")
	if len(labels) == 0 {
		return misfit("no labels")
	}
	list := []ir.Attr{intsAttr("labels", labels), textAttr("post_transform", textOf(n, "post_transform", "NONE"))}
	width := int64(len(labels))
	single := len(f.targets) > 0 && !slices.ContainsFunc(f.targets, func(t int64) bool { return t != f.targets[0] })
	if width == 2 && single && (f.base == nil || f.base.data().Len() == 1) {
		positive := f.weights.positive()
		list = append(list, intAttr("binary", 1))
		if positive {
			list = append(list, floatAttr("threshold", 0.5), intAttr("complement", 1))
		}
		if f.targets[0] == 0 {
			width = 1
		}
	}
	scores, err := l.emit1(n, "TreeEnsemble", []*value{l.in(n, 0), f.splits, f.weights, f.base}, f.attrs(width, "SUM", "NONE")...)
	if err == nil {
		scores, err = l.emit1(n, "Cast", []*value{scores}, intAttr("to", int64(tensor.Float32)))
	}
	if err != nil {
		return err
	}
	return l.replace(n, "Classify", []*value{scores}, list...)
}

// positive reports whether no number of a constant list is below zero.
func (v *value) positive() bool {
	t := v.data()
	if t.DType == tensor.Float64 {
		return !slices.ContainsFunc(tensor.View[float64](t), func(f float64) bool { return f < 0 })
	}
	return t.DType == tensor.Float32 && !slices.ContainsFunc(t.Float32s(), func(f float32) bool { return f < 0 })
}
