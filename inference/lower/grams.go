package lower

import "assay/inference/onnx"

// lowerTfIdfVectorizer: pool, places and weights become constants.
func lowerTfIdfVectorizer(l *lowerer, n *onnx.Node) error {
	if err := withoutTexts(n, "pool_strings"); err != nil {
		return err
	}
	list, err := attrs(n, "pool_int64s", "ngram_indexes", "weights")
	if err != nil {
		return err
	}
	in := []*value{l.in(n, 0), ints(intsOf(n, "pool_int64s")...), ints(intsOf(n, "ngram_indexes")...)}
	if weights := floatsOf(n, "weights"); len(weights) > 0 {
		in = append(in, floatList(weights))
	}
	return l.replace(n, n.Op, in, list...)
}
