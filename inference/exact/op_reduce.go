package exact

import (
	"math"

	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// reduceOperators make one element of many, along any axes. The elements of one result are taken in row-major order.
func reduceOperators() map[string]*operator {
	type vectors = kernel.Vectors
	out := map[string]*operator{}
	for name, r := range map[string]reduction{
		"ReduceSum": {
			row: (*vectors).Sum, columns: (*vectors).SumColumns, f64: func(x []float64) float64 { return sum64(x, nil) },
			ints: fold{step: func(a, x int64) int64 { return a + x }},
		},
		"ReduceMean": {
			row: (*vectors).Mean, columns: (*vectors).MeanColumns,
			f64:  func(x []float64) float64 { return sum64(x, nil) / float64(len(x)) },
			ints: fold{step: func(a, x int64) int64 { return a + x }, finish: meanOf},
		},
		"ReduceMax": {
			row: (*vectors).Highest, columns: (*vectors).HighestColumns, f64: func(x []float64) float64 { return pick64(x, math.Inf(-1), max64) },
			ints: fold{ordered: true, step: func(a, x int64) int64 { return max(a, x) }, start: func(low, _ int64) int64 { return low }}, bools: true,
		},
		"ReduceMin": {
			row: (*vectors).Lowest, columns: (*vectors).LowestColumns, f64: func(x []float64) float64 { return pick64(x, math.Inf(1), min64) },
			ints: fold{ordered: true, step: func(a, x int64) int64 { return min(a, x) }, start: func(_, high int64) int64 { return high }}, bools: true,
		},
		"ReduceProd": {
			row: (*vectors).Prod, columns: (*vectors).ProdColumns, f64: prod64,
			ints: fold{step: func(a, x int64) int64 { return a * x }, start: func(_, _ int64) int64 { return 1 }},
		},
		"ReduceL1": {
			row: (*vectors).SumAbs, columns: (*vectors).SumAbsColumns, f64: func(x []float64) float64 { return sum64(x, math.Abs) },
			ints: fold{step: func(a, x int64) int64 { return a + max(x, -x) }, plain: func(a, x int64) int64 { return a + x }},
		},
		"ReduceL2": {
			row: (*vectors).Norm, columns: normColumns, f64: func(x []float64) float64 { return math.Sqrt(sum64(x, square64)) },
			ints: fold{step: func(a, x int64) int64 { return a + x*x }, finish: func(a int64, _ int, _ bool) int64 { return rootOf(uint64(a)) }},
		},
		"ReduceSumSquare": {
			row:     func(v *vectors, x []float32) float32 { return v.SumSquares(x, 0) },
			columns: func(v *vectors, out, x []float32, n int) { v.SumSquaresColumns(out, x, nil, n) },
			f64:     func(x []float64) float64 { return sum64(x, square64) },
			ints:    fold{step: func(a, x int64) int64 { return a + x*x }},
		},
		"ReduceLogSum": {
			row: func(v *vectors, x []float32) float32 { return kernel.Log(v.Sum(x)) }, columns: logSumColumns,
			f64: func(x []float64) float64 { return log64(sum64(x, nil)) },
		},
		"ReduceLogSumExp": {
			row: (*vectors).LogSumExp, columns: (*vectors).LogSumExpColumns, f64: logSumExp64, price: 500,
		},
	} {
		out[name] = &operator{
			minIn: 1, maxIn: 2, out: 1, attributes: []string{"keepdims", "noop_with_empty_axes"},
			bind: func(b *binder) (eval, error) { return r.bind(b), nil },
		}
	}
	return out
}

func normColumns(v *kernel.Vectors, out, x []float32, n int) {
	v.SumSquaresColumns(out, x, nil, n)
	v.Sqrt(out, out)
}

func logSumColumns(v *kernel.Vectors, out, x []float32, n int) {
	v.SumColumns(out, x, n)
	v.Log(out, out)
}

// reduction is one way to reduce, for each family it exists for.
type reduction struct {
	row     func(v *kernel.Vectors, x []float32) float32
	columns func(v *kernel.Vectors, out, x []float32, n int)
	f64     func(x []float64) float64
	ints    fold
	bools   bool
	price   int64
}

// fold reduces whole numbers, modulo 2^64; what is kept are the bits of the type.
type fold struct {
	start   func(low, high int64) int64 // of the type's range; nil is 0
	step    func(a, x int64) int64
	plain   func(a, x int64) int64 // step for types without a sign; nil is step
	finish  func(a int64, n int, unsigned bool) int64
	ordered bool // step compares
}

// meanOf cuts the quotient towards zero; of nothing it is 0.
func meanOf(a int64, n int, unsigned bool) int64 {
	switch {
	case n == 0:
		return 0
	case unsigned:
		return int64(uint64(a) / uint64(n))
	}
	return a / int64(n)
}

// rootOf is the square root cut to a whole number.
func rootOf(a uint64) int64 {
	r := uint64(math.Sqrt(float64(a)))
	for r > math.MaxUint32 || r*r > a {
		r--
	}
	for r < math.MaxUint32 && (r+1)*(r+1) <= a {
		r++
	}
	return int64(r)
}

func (r *reduction) bind(b *binder) eval {
	keep, noop := b.bool("keepdims", true), b.bool("noop_with_empty_axes", false)
	price := max(40, r.price)
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			if err := r.supports(in[0].DType); err != nil {
				return nil, err
			}
			set, err := reducedAxes(in, noop)
			if err != nil {
				return nil, err
			}
			return one(in[0].DType, reducedShape(in[0].Shape, set, keep)), nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			set, err := reducedAxes(specsOfTensors(in), noop)
			if err != nil {
				return err
			}
			return r.compute(c, out[0], in[0], set)
		},
		cost: func(in, out []Spec) Cost {
			n := price
			if in[0].DType != tensor.Float32 {
				n += 80
			}
			return Cost{Instructions: n*int64(tensor.Product(in[0].Shape)) + 2000*int64(tensor.Product(out[0].Shape)+1)}
		},
	}
}

func (r *reduction) supports(dtype tensor.DType) error {
	switch familyOf(dtype) {
	case floatFamily, doubleFamily:
		return nil
	case signedFamily, unsignedFamily:
		if r.ints.step != nil {
			return nil
		}
	case boolFamily:
		if r.bools {
			return nil
		}
	}
	return fail(ErrUnsupported, "element type %v", dtype)
}

// specsOfTensors describes operands of which everything is known.
func specsOfTensors(in []*Tensor) []Spec {
	specs := make([]Spec, len(in))
	for i, t := range in {
		if t != nil {
			specs[i] = Spec{DType: t.DType, Shape: t.Shape, Value: t}
		}
	}
	return specs
}

// reducedAxes reads the second operand: no axes are all of them, or with noop none.
func reducedAxes(in []Spec, noop bool) ([]bool, error) {
	rank := len(in[0].Shape)
	if len(in) > 1 && in[1].given() {
		axes, err := in[1].ints("axes", rank)
		if err != nil {
			return nil, err
		}
		if len(axes) > 0 {
			return axisSet(axes, rank)
		}
	}
	set := make([]bool, rank)
	for i := range set {
		set[i] = !noop
	}
	return set, nil
}

func reducedShape(shape []int, set []bool, keep bool) []int {
	out := make([]int, 0, len(shape))
	for i, d := range shape {
		switch {
		case !set[i]:
			out = append(out, d)
		case keep:
			out = append(out, 1)
		}
	}
	return out
}

// layout says how a tensor splits into outer · n · inner elements, n of which make one result; scattered when the axes
// do not lie together, so that the elements must be moved first.
func layout(shape []int, set []bool) (outer, n, inner int, scattered bool) {
	outer, n, inner = 1, 1, 1
	state := 0
	for i, d := range shape {
		if d == 1 {
			continue
		}
		switch {
		case set[i]:
			scattered = scattered || state == 2
			state, n = 1, n*d
		case state == 0:
			outer *= d
		default:
			state, inner = 2, inner*d
		}
	}
	return outer, n, inner, scattered
}

// axesLast is the window on a tensor that shows the kept dimensions first and then the others.
func axesLast(shape []int, set []bool) view {
	step := strides(shape)
	var v view
	for _, last := range []bool{false, true} {
		for i, d := range shape {
			if set[i] == last {
				v.shape, v.strides = append(v.shape, d), append(v.strides, step[i])
			}
		}
	}
	return v
}

func (r *reduction) compute(c *call, out, x *Tensor, set []bool) error {
	outer, n, inner, scattered := layout(x.Shape, set)
	direct := x.DType == tensor.Float32 && !scattered
	if direct && inner > 1 {
		to, from := out.Float32s(), x.Float32s()
		c.rows(outer, n*inner, func(lo, hi int) {
			for o := lo; o < hi; o++ {
				r.columns(&c.set.Vectors, to[o*inner:(o+1)*inner], from[o*n*inner:(o+1)*n*inner], n)
			}
		})
		return nil
	}
	if inner > 1 || scattered {
		moved, done, err := c.rearranged(x, axesLast(x.Shape, set))
		if err != nil {
			return err
		}
		defer done()
		x = moved
	}
	r.rows(c, out, x, n)
	return nil
}

// rearranged copies a window of a tensor into memory of its own.
func (c *call) rearranged(x *Tensor, v view) (*Tensor, func(), error) {
	data, done, err := scratch[uint8](c, x.Len()*x.DType.Size())
	if err != nil {
		return nil, nil, err
	}
	t, err := tensor.Over(x.DType, data, v.shape...)
	if err != nil {
		done()
		return nil, nil, fail(ErrLimit, "%v", err)
	}
	moved(&t, x, v)
	return &t, done, nil
}

// rows reduces every n elements.
func (r *reduction) rows(c *call, out, x *Tensor, n int) {
	count := out.Len()
	v := &c.set.Vectors
	switch familyOf(x.DType) {
	case doubleFamily:
		to, from := tensor.View[float64](out), tensor.View[float64](x)
		c.rows(count, n, func(lo, hi int) {
			for i := lo; i < hi; i++ {
				to[i] = canon64(r.f64(from[i*n : (i+1)*n]))
			}
		})
	case floatFamily:
		if x.DType == tensor.Float32 {
			to, from := out.Float32s(), x.Float32s()
			c.rows(count, n, func(lo, hi int) {
				for i := lo; i < hi; i++ {
					to[i] = r.row(v, from[i*n:(i+1)*n])
				}
			})
			return
		}
		c.rows(count, n, func(lo, hi int) {
			row := make([]float32, n)
			for i := lo; i < hi; i++ {
				loadFloats(v, row, x, i*n)
				storeFloats(v, out, i, []float32{r.row(v, row)})
			}
		})
	default:
		c.rows(count, n, func(lo, hi int) {
			for i := lo; i < hi; i++ {
				storeInts(v, out, i, []int64{r.ints.of(x, i*n, n)})
			}
		})
	}
}

// of folds n elements from at on.
func (f *fold) of(x *Tensor, at, n int) int64 {
	unsigned := familyOf(x.DType) == unsignedFamily
	step := f.step
	if unsigned && f.plain != nil {
		step = f.plain
	}
	wide := x.DType == tensor.Uint64 && f.ordered // they compare without a sign once the range is moved down
	a := int64(0)
	if f.start != nil {
		low, high := intRange(x.DType)
		a = f.start(low, high)
	}
	var list [chunk]int64
	for i := 0; i < n; i += chunk {
		m := min(chunk, n-i)
		loadInts(nil, list[:m], x, at+i)
		for _, v := range list[:m] {
			if wide {
				v ^= math.MinInt64
			}
			a = step(a, v)
		}
	}
	if wide {
		a ^= math.MinInt64
	}
	if f.finish != nil {
		a = f.finish(a, n, unsigned)
	}
	return a
}
