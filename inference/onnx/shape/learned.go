package shape

import "assay/inference/onnx"

// learned is the domain ai.onnx.ml: trees, linear models, encoders.
func learned(op string) rule {
	switch op {
	case "Binarizer", "Imputer":
		return like
	case "Normalizer", "Scaler":
		return floatLike
	case "ArrayFeatureExtractor":
		return featureExtractor
	case "CategoryMapper":
		return categoryMapper
	case "LabelEncoder":
		return labelEncoder
	case "OneHotEncoder":
		return oneHotEncoder
	case "FeatureVectorizer":
		return featureVectorizer
	case "LinearClassifier", "SVMClassifier", "TreeEnsembleClassifier":
		return classifier
	case "LinearRegressor":
		return regressor("targets")
	case "TreeEnsembleRegressor", "TreeEnsemble":
		return regressor("n_targets")
	case "SVMRegressor":
		return regressor("")
	case "DictVectorizer":
		return dictVectorizer
	case "CastMap":
		return castMap
	case "ZipMap":
		return zipMap
	}
	return nil
}

func floatLike(c *call) error {
	c.set(0, onnx.Float32, c.shape(0))
	return nil
}

// rows is the number of samples: the first of two dimensions, 1 for a single sample.
func (c *call) rows(i int) Expr {
	switch in := c.shape(0); len(in) {
	case 1:
		return Const(1)
	case 2:
		return in[0]
	}
	return c.fresh(i, 0)
}

func featureExtractor(c *call) error {
	in, at := c.shape(0), c.shape(1)
	c.set(0, c.dtype(0), nil)
	if in == nil || at == nil {
		return nil
	}
	n := c.size(0, len(in)-1)(multiply(at))
	if len(in) == 1 {
		c.set(0, c.dtype(0), []Expr{Const(1), n})
		return nil
	}
	if len(in) == 0 {
		return c.fail("input of rank 0")
	}
	c.set(0, c.dtype(0), append(in[:len(in)-1:len(in)-1], n))
	return nil
}

func categoryMapper(c *call) error {
	d := onnx.Int64
	if c.dtype(0) == onnx.Int64 {
		d = onnx.String
	}
	c.set(0, d, c.shape(0))
	return nil
}

func labelEncoder(c *call) error {
	d := onnx.DType(0)
	for _, kind := range []struct {
		name string
		d    onnx.DType
	}{{"values_strings", onnx.String}, {"values_int64s", onnx.Int64}, {"values_floats", onnx.Float32}} {
		if c.has(kind.name) {
			d = kind.d
		}
	}
	if a := c.n.Attribute("values_tensor"); a != nil && a.Tensor != nil {
		d = a.Tensor.DType
	}
	if d == 0 && c.has("classes_strings") { // version 1 goes both ways
		return categoryMapper(c)
	}
	c.set(0, d, c.shape(0))
	return nil
}

func oneHotEncoder(c *call) error {
	in := c.shape(0)
	c.set(0, onnx.Float32, nil)
	if in == nil {
		return nil
	}
	n := c.entries("cats_int64s") + c.entries("cats_strings")
	c.set(0, onnx.Float32, append(in[:len(in):len(in)], Const(int64(n))))
	return nil
}

// entries is the length of a list attribute.
func (c *call) entries(name string) int {
	a := c.n.Attribute(name)
	if a == nil {
		return 0
	}
	return max(len(a.Ints), len(a.Strings), len(a.Floats))
}

func featureVectorizer(c *call) error {
	sizes, ok := c.ints("inputdimensions")
	columns := c.fresh(0, 1)
	if ok {
		sum := int64(0)
		for _, v := range sizes {
			sum += v
		}
		columns = Const(sum)
	}
	c.set(0, onnx.Float32, []Expr{c.rows(0), columns})
	return nil
}

// classifier gives a label for each sample, and a score for each class.
func classifier(c *call) error {
	n := c.rows(0)
	label, classes := onnx.Int64, 0
	for _, name := range []string{"classlabels_ints", "classlabels_int64s"} {
		classes = max(classes, c.entries(name))
	}
	if k := c.entries("classlabels_strings"); k > 0 {
		label, classes = onnx.String, k
	}
	c.set(0, label, []Expr{n})
	columns := c.fresh(1, 1)
	if c.n.Op != "SVMClassifier" && classes > 0 {
		columns = Const(int64(classes))
	}
	c.set(1, onnx.Float32, []Expr{n, columns})
	return nil
}

// regressor gives as many numbers for each sample as the attribute says, or one.
func regressor(attribute string) rule {
	return func(c *call) error {
		d := onnx.Float32
		if c.n.Op == "TreeEnsemble" {
			d = c.dtype(0)
		}
		c.set(0, d, []Expr{c.rows(0), Const(c.int(attribute, 1))})
		return nil
	}
}

func dictVectorizer(c *call) error {
	n := c.entries("int64_vocabulary") + c.entries("string_vocabulary")
	c.set(0, 0, []Expr{Const(1), Const(int64(n))})
	return nil
}

func castMap(c *call) error {
	d := onnx.Float32
	switch c.text("cast_to", "TO_FLOAT") {
	case "TO_STRING":
		d = onnx.String
	case "TO_INT64":
		d = onnx.Int64
	}
	columns := c.fresh(0, 1)
	if c.text("map_form", "DENSE") == "SPARSE" {
		columns = Const(c.int("max_map", 1))
	}
	c.set(0, d, []Expr{Const(1), columns})
	return nil
}

func zipMap(c *call) error {
	key := onnx.Int64
	if c.has("classlabels_strings") {
		key = onnx.String
	}
	*c.out[0] = Info{Kind: onnx.TypeSequence, Element: &Info{Kind: onnx.TypeMap, DType: key}}
	return nil
}
