package lower

import (
	"math"
	"slices"

	"assay/inference/ir"
	"assay/inference/onnx"
	"assay/inference/tensor"
)

// mlRules are for the operators of the domain ai.onnx.ml. Labels and categories that are texts have no form.
func mlRules() map[string]rule {
	out := map[string]rule{
		"TreeEnsemble": lowerTrees, "TreeEnsembleRegressor": lowerTreeRegressor, "TreeEnsembleClassifier": lowerTreeClassifier,
		"LinearRegressor": lowerLinearRegressor, "LinearClassifier": lowerLinearClassifier,
		"Scaler": lowerScaler, "Binarizer": lowerBinarizer, "Imputer": lowerImputer, "Normalizer": lowerNormalizer,
		"FeatureVectorizer": lowerFeatureVectorizer, "ArrayFeatureExtractor": same,
		"OneHotEncoder": lowerOneHotEncoder, "LabelEncoder": lowerLabelEncoder,
	}
	named := map[string]rule{}
	for op, r := range out {
		named["ai.onnx.ml:"+op] = r
	}
	named["TfIdfVectorizer"] = lowerTfIdfVectorizer
	return named
}

// floatsOf gives a list attribute, nil when it is not there.
func floatsOf(n *onnx.Node, name string) []float32 {
	if a := n.Attribute(name); a != nil && a.Kind == onnx.KindFloats {
		return a.Floats
	}
	return nil
}

func textOf(n *onnx.Node, name, otherwise string) string {
	if a := n.Attribute(name); a != nil && a.Kind == onnx.KindString {
		return a.String
	}
	return otherwise
}

func textsOf(n *onnx.Node, name string) []string {
	if a := n.Attribute(name); a != nil && a.Kind == onnx.KindStrings {
		return a.Strings
	}
	return nil
}

func floatList(list []float32) *value { return known(tensor.FromFloat32(list, len(list))) }

// withoutTexts refuses attributes that hold texts.
func withoutTexts(n *onnx.Node, names ...string) error {
	for _, name := range names {
		if n.Attribute(name) != nil {
			return unsupported("attribute %q: texts", name)
		}
	}
	return nil
}

// asFloats is input i as float32.
func asFloats(l *lowerer, n *onnx.Node, i int) (*value, error) {
	return l.emit1(n, "Cast", []*value{l.in(n, i)}, intAttr("to", int64(tensor.Float32)))
}

// linear is the scores X·Wᵀ + intercepts, of as many columns as there are intercepts.
func linear(l *lowerer, n *onnx.Node, targets int) (*value, error) {
	weights := floatsOf(n, "coefficients")
	if targets < 1 || len(weights) == 0 || len(weights)%targets != 0 {
		return nil, misfit("%d coefficients for %d targets", len(weights), targets)
	}
	x, err := asFloats(l, n, 0)
	if err != nil {
		return nil, err
	}
	features := len(weights) / targets
	rows, err := l.emit1(n, "Reshape", []*value{x, ints(-1, int64(features))})
	if err != nil {
		return nil, err
	}
	in := []*value{rows, known(tensor.FromFloat32(weights, targets, features))}
	if intercepts := floatsOf(n, "intercepts"); len(intercepts) > 0 {
		if len(intercepts) != targets {
			return nil, misfit("%d intercepts for %d targets", len(intercepts), targets)
		}
		in = append(in, floatList(intercepts))
	}
	return l.emit1(n, "Gemm", in, intAttr("transB", 1))
}

func lowerLinearRegressor(l *lowerer, n *onnx.Node) error {
	scores, err := linear(l, n, int(intOf(n, "targets", 1)))
	if err != nil {
		return err
	}
	return finishScores(l, n, scores)
}

// finishScores applies the node's transform to scores and makes them its output.
func finishScores(l *lowerer, n *onnx.Node, scores *value) error {
	transform := textOf(n, "post_transform", "NONE")
	if transform == "NONE" {
		return l.outputs(n, scores)
	}
	return l.replace(n, "Scores", []*value{scores}, textAttr("post_transform", transform))
}

func lowerLinearClassifier(l *lowerer, n *onnx.Node) error {
	if err := withoutTexts(n, "classlabels_strings"); err != nil {
		return err
	}
	targets := max(1, len(floatsOf(n, "intercepts")))
	scores, err := linear(l, n, targets)
	if err != nil {
		return err
	}
	labels := intsOf(n, "classlabels_ints")
	list := []ir.Attr{intsAttr("labels", labels), textAttr("post_transform", textOf(n, "post_transform", "NONE"))}
	if targets == 1 && len(labels) == 2 {
		list = append(list, intAttr("binary", 1), intAttr("complement", 1))
	}
	return l.replace(n, "Classify", []*value{scores}, list...)
}

// lowerScaler is (x - offset)·scale.
func lowerScaler(l *lowerer, n *onnx.Node) error {
	x, err := asFloats(l, n, 0)
	if err != nil {
		return err
	}
	offset, scale := floatsOf(n, "offset"), floatsOf(n, "scale")
	if len(offset) == 0 || len(scale) == 0 {
		return misfit("%d offsets, %d scales", len(offset), len(scale))
	}
	moved, err := l.emit1(n, "Sub", []*value{x, floatList(offset)})
	if err != nil {
		return err
	}
	return l.replace(n, "Mul", []*value{moved, floatList(scale)})
}

// lowerBinarizer is 1 above the threshold, else 0.
func lowerBinarizer(l *lowerer, n *onnx.Node) error {
	x := l.in(n, 0)
	threshold, err := l.emit1(n, "CastLike", []*value{scalar(floatOf(n, "threshold", 0)), x})
	if err != nil {
		return err
	}
	above, err := l.emit1(n, "Greater", []*value{x, threshold})
	if err != nil {
		return err
	}
	return l.replace(n, "CastLike", []*value{above, x})
}

// lowerImputer puts other numbers where a certain one stands.
func lowerImputer(l *lowerer, n *onnx.Node) error {
	x := l.in(n, 0)
	var with, missing *value
	var err error
	switch list, whole := floatsOf(n, "imputed_value_floats"), intsOf(n, "imputed_value_int64s"); {
	case len(list) > 0:
		with = floatList(list)
		if replaced := floatOf(n, "replaced_value_float", 0); math.IsNaN(float64(replaced)) {
			missing, err = l.emit1(n, "IsNaN", []*value{x})
		} else {
			missing, err = l.emit1(n, "Equal", []*value{x, scalar(replaced)})
		}
	case len(whole) > 0:
		with = ints(whole...)
		missing, err = l.emit1(n, "Equal", []*value{x, known(tensor.FromInt64([]int64{intOf(n, "replaced_value_int64", 0)}))})
	default:
		return misfit("nothing to impute")
	}
	if err != nil {
		return err
	}
	return l.replace(n, "Where", []*value{missing, with, x})
}

func lowerNormalizer(l *lowerer, n *onnx.Node) error {
	x, err := asFloats(l, n, 0)
	if err != nil {
		return err
	}
	return l.replace(n, "Normalizer", []*value{x}, textAttr("norm", textOf(n, "norm", "MAX")))
}

func lowerFeatureVectorizer(l *lowerer, n *onnx.Node) error {
	list := make([]*value, len(n.Inputs))
	for i := range list {
		var err error
		if list[i], err = asFloats(l, n, i); err != nil {
			return err
		}
	}
	return l.replace(n, n.Op, list, intsAttr("inputdimensions", intsOf(n, "inputdimensions")))
}

func lowerOneHotEncoder(l *lowerer, n *onnx.Node) error {
	if err := withoutTexts(n, "cats_strings"); err != nil {
		return err
	}
	in := []*value{l.in(n, 0), ints(intsOf(n, "cats_int64s")...)}
	return l.replace(n, n.Op, in, intAttr("zeros", intOf(n, "zeros", 1)))
}

// lowerLabelEncoder takes keys and values in any of their forms.
func lowerLabelEncoder(l *lowerer, n *onnx.Node) error {
	if err := withoutTexts(n, "keys_strings", "values_strings", "classes_strings"); err != nil {
		return err
	}
	keys, err := labelList(n, "keys")
	if err != nil {
		return err
	}
	values, err := labelList(n, "values")
	if err != nil {
		return err
	}
	if keys == nil || values == nil {
		return misfit("keys or values are missing")
	}
	var otherwise *value
	switch dtype := values.data().DType; {
	case n.Attribute("default_tensor") != nil:
		if otherwise, err = tensorOf(n, "default_tensor"); err != nil {
			return err
		}
	case dtype == tensor.Float32:
		otherwise = known(tensor.FromFloat32([]float32{floatOf(n, "default_float", float32(math.Copysign(0, -1)))}, 1))
	case dtype == tensor.Int64:
		otherwise = ints(intOf(n, "default_int64", -1))
	default:
		return misfit("no default for values of %v", dtype)
	}
	return l.replace(n, n.Op, []*value{l.in(n, 0), keys, values, otherwise})
}

// labelList reads the keys or values.
func labelList(n *onnx.Node, what string) (*value, error) {
	switch {
	case n.Attribute(what+"_tensor") != nil:
		return tensorOf(n, what+"_tensor")
	case n.Attribute(what+"_floats") != nil:
		return floatList(floatsOf(n, what+"_floats")), nil
	case n.Attribute(what+"_int64s") != nil:
		return ints(intsOf(n, what+"_int64s")...), nil
	}
	return nil, nil
}

// tensorOf reads an attribute that is a tensor; nil when it is not there.
func tensorOf(n *onnx.Node, name string) (*value, error) {
	a := n.Attribute(name)
	switch {
	case a == nil:
		return nil, nil
	case a.Kind != onnx.KindTensor || a.Tensor == nil:
		return nil, misfit("attribute %q is no tensor", name)
	case tensor.DType(a.Tensor.DType).Size() == 0:
		return nil, unsupported("attribute %q of %v", name, a.Tensor.DType)
	}
	v, err := constantOf(a.Tensor)
	if err != nil {
		return nil, err
	}
	if len(v.data().Shape) == 0 {
		t := v.data().WithShape(1)
		v = known(t)
	}
	return v, nil
}

// numbersOf reads a list that is either floats or, under another name, a tensor.
func numbersOf(n *onnx.Node, name string) (*value, error) {
	if n.Attribute(name+"_as_tensor") != nil {
		return tensorOf(n, name+"_as_tensor")
	}
	if list := floatsOf(n, name); list != nil {
		return floatList(slices.Clone(list)), nil
	}
	return nil, nil
}
