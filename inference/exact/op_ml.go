package exact

import (
	"slices"

	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// mlOperators are those of trees and linear models.
func mlOperators() map[string]*operator {
	return map[string]*operator{
		"TreeEnsemble": {minIn: 3, maxIn: 5, out: 1, bind: bindTreeEnsemble, attributes: []string{
			"aggregate", "false", "features", "leaf_first", "missing", "modes", "post_transform", "roots", "targets", "true", "width",
		}},
		"Classify": {minIn: 1, maxIn: 1, out: 2, bind: bindClassify, attributes: []string{
			"binary", "complement", "labels", "post_transform", "threshold",
		}},
		"Scores":                {minIn: 1, maxIn: 1, out: 1, attributes: []string{"post_transform"}, bind: bindScores},
		"Normalizer":            {minIn: 1, maxIn: 1, out: 1, attributes: []string{"norm"}, bind: bindNormalizer},
		"OneHotEncoder":         {minIn: 2, maxIn: 2, out: 1, attributes: []string{"zeros"}, bind: bindOneHotEncoder},
		"ArrayFeatureExtractor": {minIn: 2, maxIn: 2, out: 1, bind: bindArrayFeatureExtractor},
		"FeatureVectorizer":     {minIn: 1, maxIn: many, out: 1, attributes: []string{"inputdimensions"}, bind: bindFeatureVectorizer},
		"LabelEncoder":          {minIn: 4, maxIn: 4, out: 1, bind: bindLabelEncoder},
		"TfIdfVectorizer": {minIn: 3, maxIn: 4, out: 1, bind: bindGrams, attributes: []string{
			"max_gram_length", "max_skip_count", "min_gram_length", "mode", "ngram_counts",
		}},
	}
}

// asRows is a tensor of features seen as rows: a single dimension is one row.
func asRows(shape []int) (rows, width int, err error) {
	switch len(shape) {
	case 1:
		return 1, shape[0], nil
	case 2:
		return shape[0], shape[1], nil
	}
	return 0, 0, fail(ErrShape, "features of shape %v", shape)
}

// transforms are what may be done to the scores of a row at the end.
var transforms = map[string]func(v *kernel.Vectors, x []float32){
	"NONE":         func(*kernel.Vectors, []float32) {},
	"LOGISTIC":     func(v *kernel.Vectors, x []float32) { v.Sigmoid(x, x) },
	"SOFTMAX":      func(v *kernel.Vectors, x []float32) { v.Softmax(x, x) },
	"SOFTMAX_ZERO": softmaxZero,
	"PROBIT":       func(_ *kernel.Vectors, x []float32) { kernel.Each(probit)(x, x) },
}

func transformOf(b *binder) (func(v *kernel.Vectors, x []float32), error) {
	name := b.text("post_transform", "NONE")
	f, ok := transforms[name]
	if !ok {
		return nil, fail(ErrUnsupported, "post_transform %q", name)
	}
	return f, nil
}

// softmaxZero is the softmax of the scores that are not zero; zeros stay.
func softmaxZero(v *kernel.Vectors, x []float32) {
	var some []float32
	for _, s := range x {
		if s != 0 {
			some = append(some, s)
		}
	}
	v.Softmax(some, some)
	for i, s := range x {
		if s != 0 {
			x[i], some = some[0], some[1:]
		}
	}
}

// probit is √2·erf⁻¹(2p-1) by Winitzki's approximation of erf⁻¹.
func probit(p float32) float32 {
	x := float32(p*2) - 1
	log := kernel.Log(float32((1 - x) * (1 + x)))
	a := float32(2/float32(3.14159265*0.147)) + float32(0.5*log)
	root := kernel.Sqrt(kernel.Sqrt(float32(a*a)-float32(float32(1/float32(0.147))*log)) - a)
	if x < 0 {
		root = -root
	}
	return kernel.Canon(float32(1.41421356 * root))
}

func bindScores(b *binder) (eval, error) {
	transform, err := transformOf(b)
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			if in[0].DType != tensor.Float32 || len(in[0].Shape) != 2 {
				return nil, fail(ErrShape, "scores are %v of shape %v", in[0].DType, in[0].Shape)
			}
			return []Spec{in[0].like()}, nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			copy(out[0].Bytes(), in[0].Bytes())
			c.eachRow(out[0], func(_ int, row []float32) { transform(&c.set.Vectors, row) })
			return nil
		},
		inPlace: []int{0},
		cost:    perElement(700),
	}, err
}

// eachRow calls f for every row of a float32 matrix.
func (c *call) eachRow(t *Tensor, f func(i int, row []float32)) {
	n := t.Shape[len(t.Shape)-1]
	if n == 0 {
		return
	}
	c.rows(t.Len()/n, n, func(lo, hi int) {
		for r := lo; r < hi; r++ {
			f(r, t.Float32s()[r*n:(r+1)*n])
		}
	})
}

// bindClassify picks a label for every row of scores and transforms the scores. One column of scores stands for two
// labels: the second is chosen when the score is above the threshold, and the first one's score is the opposite, or 1
// less the score. With two columns and binary set, only the second is looked at.
func bindClassify(b *binder) (eval, error) {
	transform, err := transformOf(b)
	var labels []int64
	if a := b.node.Attr("labels"); a != nil {
		labels = a.Ints
	}
	binary, complement, threshold := b.bool("binary", false), b.bool("complement", false), b.float("threshold", 0)
	logistic := b.text("post_transform", "NONE") == "LOGISTIC"
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			if in[0].DType != tensor.Float32 || len(in[0].Shape) != 2 {
				return nil, fail(ErrShape, "scores are %v of shape %v", in[0].DType, in[0].Shape)
			}
			columns := in[0].Shape[1]
			if binary && (len(labels) != 2 || columns < 1 || columns > 2) || !binary && (columns != len(labels) || columns < 1) {
				return nil, fail(ErrShape, "%d columns of scores for %d labels", columns, len(labels))
			}
			return []Spec{
				{DType: tensor.Int64, Shape: in[0].Shape[:1]}, {DType: tensor.Float32, Shape: []int{in[0].Shape[0], len(labels)}},
			}, nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			z := out[1]
			if z == nil {
				t := tensor.New(tensor.Float32, in[0].Shape[0], len(labels))
				z = &t
			}
			columns := in[0].Shape[1]
			c.eachRow(z, func(i int, row []float32) {
				scores := in[0].Float32s()[i*columns : (i+1)*columns]
				best := 0
				if binary && scores[columns-1] > threshold {
					best = 1
				}
				for j, s := range scores {
					if !binary && s > scores[best] {
						best = j
					}
				}
				if out[0] != nil {
					out[0].Int64s()[i] = labels[best]
				}
				switch s := scores[0]; {
				case columns == len(row):
					copy(row, scores)
					transform(&c.set.Vectors, row)
				case logistic:
					row[0], row[1] = kernel.Sigmoid(kernel.Neg(s)), kernel.Sigmoid(s)
				case complement:
					row[0], row[1] = kernel.Canon(1-s), s
				default:
					row[0], row[1] = kernel.Neg(s), s
				}
			})
			return nil
		},
		cost: func(in, _ []Spec) Cost { return Cost{Instructions: 1000 * int64(tensor.Product(in[0].Shape)+1)} },
	}, err
}

// bindNormalizer divides every row by its greatest element, the sum of its magnitudes, or its length; by nothing when
// that is zero.
func bindNormalizer(b *binder) (eval, error) {
	norms := map[string]func(v *kernel.Vectors, x []float32) float32{
		"MAX": (*kernel.Vectors).Highest, "L1": (*kernel.Vectors).SumAbs, "L2": (*kernel.Vectors).Norm,
	}
	norm, ok := norms[b.text("norm", "MAX")]
	if !ok {
		return eval{}, fail(ErrUnsupported, "norm %q", b.text("norm", ""))
	}
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			if in[0].DType != tensor.Float32 {
				return nil, fail(ErrUnsupported, "element type %v", in[0].DType)
			}
			_, _, err := asRows(in[0].Shape)
			return []Spec{in[0].like()}, err
		},
		compute: func(c *call, in, out []*Tensor) error {
			copy(out[0].Bytes(), in[0].Bytes())
			c.eachRow(out[0], func(_ int, row []float32) {
				if by := norm(&c.set.Vectors, row); by != 0 {
					c.set.DivScalar(row, row, by)
				}
			})
			return nil
		},
		inPlace: []int{0},
		cost:    perElement(60),
	}, nil
}

// bindArrayFeatureExtractor picks positions of the last dimension.
func bindArrayFeatureExtractor(*binder) (eval, error) {
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			if len(in[0].Shape) == 0 || in[1].DType != tensor.Int64 {
				return nil, fail(ErrShape, "indices are %v into shape %v", in[1].DType, in[0].Shape)
			}
			shape := slices.Clone(in[0].Shape)
			shape[len(shape)-1] = tensor.Product(in[1].Shape)
			if len(shape) == 1 {
				shape = []int{1, shape[0]}
			}
			return one(in[0].DType, shape), nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			return c.gather(in[0].Shape, in[1], -1, func(to, from, n int) { copyRun(out[0], to, in[0], from, n) })
		},
		cost: perElement(30),
	}, nil
}

// bindFeatureVectorizer puts float32 rows side by side, each cut or filled up with zeros to its declared width.
func bindFeatureVectorizer(b *binder) (eval, error) {
	widths := b.ints("inputdimensions")
	if len(widths) != len(b.node.In) || slices.ContainsFunc(widths, func(w int) bool { return w < 0 }) {
		return eval{}, fail(ErrShape, "widths %v of %d inputs", widths, len(b.node.In))
	}
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			first, total := -1, int64(0)
			for i, s := range in {
				rows, _, err := asRows(s.Shape)
				if err != nil {
					return nil, err
				}
				if s.DType != tensor.Float32 || first >= 0 && rows != first {
					return nil, fail(ErrShape, "operand %d is %v of shape %v", i, s.DType, s.Shape)
				}
				first, total = rows, total+int64(widths[i])
			}
			return one(tensor.Float32, []int{first, clampInt(total)}), nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			c.eachRow(out[0], func(r int, row []float32) {
				for i, t := range in {
					_, width, _ := asRows(t.Shape) // infer refused what has none
					piece := row[:widths[i]]
					row = row[widths[i]:]
					clear(piece[copy(piece, t.Float32s()[r*width:(r+1)*width]):])
				}
			})
			return nil
		},
		cost: perElement(20),
	}, nil
}
