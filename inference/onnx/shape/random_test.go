package shape_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"assay/inference/onnx"
	"assay/inference/onnx/shape"
)

// The operators that have rules.
var operators = map[string][]string{
	"": strings.Fields(`
Abs Acos Acosh Add AffineGrid And ArgMax ArgMin Asin Asinh Atan Atanh Attention AveragePool BatchNormalization
Bernoulli BitCast BitShift BitwiseAnd BitwiseNot BitwiseOr BitwiseXor BlackmanWindow Cast CastLike
CausalConvWithState Ceil Celu CenterCropPad Clip Col2Im Compress Concat ConcatFromSequence Constant
ConstantOfShape Conv ConvInteger ConvTranspose Cos Cosh CumProd CumSum DFT DeformConv DepthToSpace
DequantizeLinear Det Div Dropout DynamicQuantizeLinear Einsum Elu Equal Erf Exp Expand EyeLike Flatten Floor GRU
Gather GatherElements GatherND Gelu Gemm GlobalAveragePool GlobalLpPool GlobalMaxPool Greater GreaterOrEqual
GridSample GroupNormalization HammingWindow HannWindow HardSigmoid HardSwish Hardmax Identity If ImageDecoder
InstanceNormalization IsInf IsNaN LRN LSTM LayerNormalization LeakyRelu Less LessOrEqual LinearAttention Log
LogSoftmax Loop LpNormalization LpPool MatMul MatMulInteger Max MaxPool MaxRoiPool MaxUnpool Mean
MeanVarianceNormalization MelWeightMatrix Min Mish Mod Mul Multinomial Neg NegativeLogLikelihoodLoss
NonMaxSuppression NonZero Not OneHot Optional OptionalGetElement OptionalHasElement Or PRelu Pad Pow QLinearConv
QLinearMatMul QuantizeLinear RMSNormalization RNN RandomNormal RandomNormalLike RandomUniform RandomUniformLike
Range Reciprocal ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd
ReduceSum ReduceSumSquare RegexFullMatch Relu Reshape Resize ReverseSequence RoiAlign RotaryEmbedding Round STFT
Scan Scatter ScatterElements ScatterND Selu SequenceAt SequenceConstruct SequenceEmpty SequenceErase
SequenceInsert SequenceLength SequenceMap Shape Shrink Sigmoid Sign Sin Sinh Size Slice Softmax
SoftmaxCrossEntropyLoss Softplus Softsign SpaceToDepth Split SplitToSequence Sqrt Squeeze StringConcat
StringNormalizer StringSplit Sub Sum SwiGLU Swish Tan Tanh TensorScatter TfIdfVectorizer ThresholdedRelu Tile
TopK Transpose Trilu Unique Unsqueeze Upsample Where Xor`),
	"ai.onnx.ml": strings.Fields(`
ArrayFeatureExtractor Binarizer CastMap CategoryMapper DictVectorizer FeatureVectorizer Imputer LabelEncoder
LinearClassifier LinearRegressor Normalizer OneHotEncoder SVMClassifier SVMRegressor Scaler TreeEnsemble
TreeEnsembleClassifier TreeEnsembleRegressor ZipMap`),
	"com.microsoft": strings.Fields(`
Attention BiasGelu BiasSoftmax BiasSplitGelu DequantizeLinear DynamicQuantizeMatMul EmbedLayerNormalization 
FastGelu FusedConv FusedGemm FusedMatMul GatherBlockQuantized Gelu GroupNorm GroupQueryAttention K MatMulBnb4 
MatMulIntegerToFloat MatMulNBits MultiHeadAttention N NhwcFusedConv QAttention QLinearAdd QLinearAveragePool 
QLinearConcat QLinearGlobalAveragePool QLinearLeakyRelu QLinearMul QLinearSigmoid QLinearSoftmax QuantizeLinear 
QuickGelu RotaryEmbedding SkipLayerNormalization SkipSimplifiedLayerNormalization TransposeMatMul Trilu `),
}

// The attributes that rules read, by the kind of their value.
var (
	intNames = strings.Fields(`axis keepdims to dtype k blocksize group start end num_outputs transA transB batch_dims
		K N bits num_heads kv_num_heads q_num_heads num_scan_inputs onesided inverse sample_size hidden_size layout
		allowzero noop_with_empty_axes ceil_mode new_axis output_height saturate stash_type output_dtype gather_axis
		value_int max_map targets n_targets channels_last`)
	listNames = strings.Fields(`axes perm pads strides dilations kernel_shape output_shape output_padding split shape
		starts ends pooled_shape scan_input_axes scan_output_axes value_ints ngram_indexes inputdimensions cats_int64s
		qkv_hidden_sizes classlabels_ints`)
	textNames = map[string][]string{
		"auto_pad": {"SAME_UPPER", "SAME_LOWER", "VALID", "NOTSET", "?"}, "direction": {"bidirectional"},
		"reduction": {"none"}, "equation": {"ij,jk->ik", "...i,i", "ii->i", "i->é", "->", "ab"},
		"keep_aspect_ratio_policy": {"not_larger", "not_smaller"}, "cast_to": {"TO_INT64"}, "map_form": {"SPARSE"},
	}
)

// source draws what a random graph is made of, from a generator or from a fuzzer's bytes.
type source func(n int) int

// randomGraph is a chain of a few nodes of any operators on inputs and constants of any shapes: hardly ever a model
// that makes sense.
func randomGraph(draw source) *onnx.Graph {
	g := &onnx.Graph{IRVersion: 10, Opset: 7 + int64(draw(22)), Opsets: map[string]int64{"ai.onnx.ml": 5, "com.microsoft": 1}}
	g.Opsets[""] = g.Opset
	names := []string{"cond"}
	g.Inputs = append(g.Inputs, onnx.Value{Name: "cond", DType: onnx.Bool, Shape: []onnx.Dim{}})
	for i := range 1 + draw(4) {
		v := onnx.Value{Name: fmt.Sprintf("in%d", i), DType: []onnx.DType{1, 7, 6, 9, 2, 8}[draw(6)]}
		for range draw(6) {
			v.Shape = append(v.Shape, onnx.Dim{Size: int64(draw(7)) - 1, Symbol: []string{"", "n", "m"}[draw(3)]})
		}
		g.Inputs = append(g.Inputs, v)
		names = append(names, v.Name)
	}
	for i := range 1 + draw(4) {
		t := onnx.Tensor{Name: fmt.Sprintf("c%d", i), DType: onnx.Int64, Shape: []int64{int64(draw(6))}}
		if draw(3) == 0 {
			t.Shape = []int64{}
			t.Raw = make([]byte, 8)
		} else {
			t.Raw = make([]byte, 8*t.Shape[0])
		}
		for j := 0; j < len(t.Raw); j += 8 {
			v := draw(12) - 4
			for k := range 8 {
				t.Raw[j+k] = byte(v >> (8 * k))
			}
		}
		g.Initializers = append(g.Initializers, t)
		names = append(names, t.Name)
	}
	g.Nodes, names = randomNodes(draw, names, 1+draw(5), "n", 2)
	g.Outputs = []onnx.Value{{Name: names[len(names)-1], DType: onnx.Float32}}
	return g
}

func randomNodes(draw source, names []string, count int, prefix string, depth int) ([]onnx.Node, []string) {
	var nodes []onnx.Node
	for i := range count {
		domain := []string{"", "", "", "", "ai.onnx.ml", "com.microsoft"}[draw(6)]
		list := operators[domain]
		n := onnx.Node{Name: fmt.Sprintf("%s%d", prefix, i), Domain: domain, Op: list[draw(len(list))]}
		least, most := 0, 5
		if sig, ok := onnx.Operator(domain, n.Op, 28); ok {
			least, most = sig.MinInputs, sig.MaxInputs
			if most < 0 {
				most = least + 3
			}
		}
		for range least + draw(most-least+1) {
			n.Inputs = append(n.Inputs, names[draw(len(names))])
		}
		for j := range 1 + draw(3) {
			n.Outputs = append(n.Outputs, fmt.Sprintf("%s%d_%d", prefix, i, j))
		}
		for range draw(5) {
			addAttribute(&n, randomAttribute(draw))
		}
		if depth > 0 {
			bodies(draw, &n, names, depth)
		}
		names = append(names, n.Outputs...)
		nodes = append(nodes, n)
	}
	return nodes, names
}

func addAttribute(n *onnx.Node, a onnx.Attribute) {
	if n.Attribute(a.Name) == nil {
		n.Attributes = append(n.Attributes, a)
	}
}

func randomAttribute(draw source) onnx.Attribute {
	switch draw(5) {
	case 0, 1:
		return onnx.Attribute{Name: intNames[draw(len(intNames))], Kind: onnx.KindInt, Int: int64(draw(12)) - 4}
	case 2, 3:
		a := onnx.Attribute{Name: listNames[draw(len(listNames))], Kind: onnx.KindInts}
		for range draw(6) {
			a.Ints = append(a.Ints, int64(draw(9))-3)
		}
		return a
	}
	keys := []string{"auto_pad", "direction", "reduction", "equation", "keep_aspect_ratio_policy", "cast_to", "map_form"}
	key := keys[draw(len(keys))]
	return onnx.Attribute{Name: key, Kind: onnx.KindString, String: textNames[key][draw(len(textNames[key]))]}
}

// bodies gives a node with bodies some.
func bodies(draw source, n *onnx.Node, names []string, depth int) {
	var want []string
	switch n.Op {
	case "If":
		want = []string{"then_branch", "else_branch"}
	case "Loop", "Scan", "SequenceMap":
		want = []string{"body"}
	}
	for i, name := range want {
		prefix := fmt.Sprintf("%s.%d.", n.Name, i)
		body := &onnx.Graph{}
		inside := names
		if n.Op != "If" {
			for j := range max(len(n.Inputs)-draw(2), 0) {
				v := onnx.Value{Name: fmt.Sprintf("%sin%d", prefix, j)}
				body.Inputs = append(body.Inputs, v)
				inside = append(inside[:len(inside):len(inside)], v.Name)
			}
		}
		body.Nodes, inside = randomNodes(draw, inside, 1+draw(3), prefix, depth-1)
		for j := range min(len(inside), 1+draw(4)) {
			body.Outputs = append(body.Outputs, onnx.Value{Name: inside[len(inside)-1-j]})
		}
		addAttribute(n, onnx.Attribute{Name: name, Kind: onnx.KindGraph, Graph: body})
	}
}

// checkInference goes through a graph, which must not panic and fails with a typed error or else describes every value.
func checkInference(t *testing.T, g *onnx.Graph) (inferred bool) {
	t.Helper()
	file := onnx.Encode(g)
	read, err := onnx.Parse(file, onnx.Limits{})
	if err != nil {
		var typed *onnx.Error
		if !errors.As(err, &typed) {
			t.Fatalf("error %T %v", err, err)
		}
		return false
	}
	result, err := shape.Infer(read, shape.Limits{Steps: 1 << 12, Elements: 1 << 14})
	if err != nil {
		var typed *shape.Error
		if !errors.As(err, &typed) || typed.Node == "" {
			t.Fatalf("error %T %v", err, err)
		}
		return false
	}
	for i := range read.Nodes {
		for _, out := range read.Nodes[i].Outputs {
			if result.Values[out] == nil {
				t.Errorf("nothing is said of %s", out)
			}
			_ = result.Values[out].String()
		}
	}
	return true
}

func TestRandomGraphs(t *testing.T) {
	t.Parallel()
	random := rand.New(rand.NewPCG(7, 1))
	inferred := 0
	for range 20_000 {
		if checkInference(t, randomGraph(random.IntN)) {
			inferred++
		}
	}
	if inferred < 3000 {
		t.Errorf("only %d graphs made any sense", inferred)
	}
}

func FuzzInfer(f *testing.F) {
	f.Add([]byte{})
	f.Add([]byte("any bytes, as a source of choices 0123456789"))
	f.Fuzz(func(t *testing.T, data []byte) {
		checkInference(t, randomGraph(func(n int) int {
			if len(data) == 0 || n <= 0 {
				return 0
			}
			v := int(data[0])
			data = data[1:]
			return v % n
		}))
	})
}
