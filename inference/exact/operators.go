package exact

// operators is all that ir 0 knows, by ONNX name; the definitions are those of operator sets 13 to 21.
var operators map[string]*operator

func init() {
	const many = 64
	operators = map[string]*operator{
		// arithmetic, with broadcasting
		"Add": {minIn: 2, maxIn: 2, out: 1, bind: bindArithmetic(add)},
		"Sub": {minIn: 2, maxIn: 2, out: 1, bind: bindArithmetic(sub)},
		"Mul": {minIn: 2, maxIn: 2, out: 1, bind: bindArithmetic(mul)},
		"Div": {minIn: 2, maxIn: 2, out: 1, bind: bindArithmetic(div)},
		"Max": {minIn: 1, maxIn: many, out: 1, bind: bindArithmetic(largest)},
		"Min": {minIn: 1, maxIn: many, out: 1, bind: bindArithmetic(smallest)},
		// logic
		"And":            {minIn: 2, maxIn: 2, out: 1, bind: bindPlain(evalAnd)},
		"GreaterOrEqual": {minIn: 2, maxIn: 2, out: 1, bind: bindPlain(evalGreaterOrEqual)},
		"IsNaN":          {minIn: 1, maxIn: 1, out: 1, bind: bindPlain(evalIsNaN)},
		"Where":          {minIn: 3, maxIn: 3, out: 1, bind: bindPlain(evalWhere)},
		// one element at a time
		"Cast": {minIn: 1, maxIn: 1, out: 1, attributes: []string{"to", "saturate"}, bind: bindCast},
		"Erf":  {minIn: 1, maxIn: 1, out: 1, bind: bindUnary(func(v *vectors) func(out, x []float32) { return v.erf })},
		"Exp":  {minIn: 1, maxIn: 1, out: 1, bind: bindUnary(func(v *vectors) func(out, x []float32) { return v.exp })},
		"Sqrt": {minIn: 1, maxIn: 1, out: 1, bind: bindUnary(func(*vectors) func(out, x []float32) { return eachOf(sqrt) })},
		"Tanh": {minIn: 1, maxIn: 1, out: 1, bind: bindUnary(func(*vectors) func(out, x []float32) { return eachOf(tanh) })},
		// matrices and rows
		"MatMul":             {minIn: 2, maxIn: 2, out: 1, bind: bindMatMul},
		"Softmax":            {minIn: 1, maxIn: 1, out: 1, attributes: []string{"axis"}, bind: bindSoftmax},
		"LayerNormalization": {minIn: 2, maxIn: 3, out: 3, since: 17, attributes: []string{"axis", "epsilon", "stash_type"}, bind: bindLayerNorm},
		"ReduceSum":          {minIn: 1, maxIn: 2, out: 1, attributes: []string{"keepdims", "noop_with_empty_axes"}, bind: bindReduce(false)},
		"ReduceMean":         {minIn: 1, maxIn: 2, out: 1, attributes: []string{"axes", "keepdims", "noop_with_empty_axes"}, bind: bindReduce(true)},
		// shapes
		"Constant":  {out: 1, attributes: []string{"value", "value_float", "value_floats", "value_int", "value_ints"}, bind: bindConstant},
		"Shape":     {minIn: 1, maxIn: 1, out: 1, attributes: []string{"start", "end"}, bind: bindShape},
		"Reshape":   {minIn: 2, maxIn: 2, out: 1, attributes: []string{"allowzero"}, bind: bindReshape},
		"Squeeze":   {minIn: 1, maxIn: 2, out: 1, bind: bindPlain(evalSqueeze)},
		"Unsqueeze": {minIn: 2, maxIn: 2, out: 1, bind: bindPlain(evalUnsqueeze)},
		"Expand":    {minIn: 2, maxIn: 2, out: 1, bind: bindPlain(evalExpand)},
		"Range":     {minIn: 3, maxIn: 3, out: 1, bind: bindPlain(evalRange)},
		// moving elements
		"Transpose": {minIn: 1, maxIn: 1, out: 1, attributes: []string{"perm"}, bind: bindTranspose},
		"Slice":     {minIn: 3, maxIn: 5, out: 1, bind: bindPlain(evalSlice)},
		"Concat":    {minIn: 1, maxIn: many, out: 1, attributes: []string{"axis"}, bind: bindConcat},
		"Gather":    {minIn: 2, maxIn: 2, out: 1, attributes: []string{"axis"}, bind: bindGather},
		"GatherND":  {minIn: 2, maxIn: 2, out: 1, attributes: []string{"batch_dims"}, bind: bindGatherND},
	}
}

// bindPlain is for operators without attributes and with one output.
func bindPlain(eval func(c *call, in []*Tensor) (*Tensor, error)) func(*binder) (evalFunc, error) {
	return func(b *binder) (evalFunc, error) { return single(eval), nil }
}

// single adapts an operator with one output.
func single(eval func(c *call, in []*Tensor) (*Tensor, error)) evalFunc {
	return func(c *call, in []*Tensor) ([]*Tensor, error) {
		out, err := eval(c, in)
		if err != nil {
			return nil, err
		}
		return []*Tensor{out}, nil
	}
}

// axis brings an axis that may count from the end into 0 … rank-1.
func axis(a, rank int) (int, error) {
	if a < -rank || a >= rank {
		return 0, fail(ErrShape, "axis %d of a tensor of %d dimensions", a, rank)
	}
	if a < 0 {
		a += rank
	}
	return a, nil
}

// axisSet marks axes, each at most once.
func axisSet(axes []int, rank int) ([]bool, error) {
	set := make([]bool, rank)
	for _, a := range axes {
		a, err := axis(a, rank)
		if err != nil {
			return nil, err
		}
		if set[a] {
			return nil, fail(ErrShape, "axis %d given twice", a)
		}
		set[a] = true
	}
	return set, nil
}

// vector reads a small list of integers: axes, a shape, starts.
func vector(t *Tensor, what string, longest int) ([]int, error) {
	if len(t.Shape) != 1 || t.DType != Int64 && t.DType != Int32 {
		return nil, fail(ErrShape, "%s is %v of shape %v, want a list of integers", what, t.DType, t.Shape)
	}
	if t.Len() > longest {
		return nil, fail(ErrShape, "%s has %d entries, at most %d make sense", what, t.Len(), longest)
	}
	out := make([]int, 0, t.Len())
	for _, v := range t.I64 {
		out = append(out, clampInt(v))
	}
	for _, v := range t.I32 {
		out = append(out, int(v))
	}
	return out, nil
}

// clampInt keeps sizes and positions in 32 bits, where all legal ones are, so that int may be 32 bits wide.
func clampInt(v int64) int { return int(min(max(v, -1<<31+1), 1<<31-1)) }
