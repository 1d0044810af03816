package exact

import (
	"math"
	"slices"

	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// selectOperators keep some elements, or say where they are, or run along an axis.
func selectOperators() map[string]*operator {
	return map[string]*operator{
		"Clip":  {minIn: 1, maxIn: 3, out: 1, bind: plain(clipEval())},
		"Trilu": {minIn: 1, maxIn: 2, out: 1, attributes: []string{"upper"}, bind: bindTrilu},
		"CumSum": {minIn: 2, maxIn: 2, out: 1, attributes: []string{"exclusive", "reverse"}, bind: bindCumulate(
			cumulation[float64]{0, func(a, x float64) float64 { return a + x }},
			cumulation[float32]{0, func(a, x float32) float32 { return a + x }},
			cumulation[int64]{0, func(a, x int64) int64 { return a + x }})},
		"CumProd": {minIn: 2, maxIn: 2, out: 1, attributes: []string{"exclusive", "reverse"}, bind: bindCumulate(
			cumulation[float64]{1, func(a, x float64) float64 { return float64(a * x) }},
			cumulation[float32]{1, func(a, x float32) float32 { return float32(a * x) }},
			cumulation[int64]{1, func(a, x int64) int64 { return a * x }})},
		"ArgMax": {minIn: 1, maxIn: 1, out: 1, attributes: []string{"axis", "keepdims", "select_last_index"}, bind: bindArg(false)},
		"ArgMin": {minIn: 1, maxIn: 1, out: 1, attributes: []string{"axis", "keepdims", "select_last_index"}, bind: bindArg(true)},
	}
}

// clipEval is Min(Max(x, low), high) with bounds that may be left out.
func clipEval() eval {
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			if !greater.supports(in[0].DType) {
				return nil, fail(ErrUnsupported, "element type %v", in[0].DType)
			}
			for _, bound := range in[1:] {
				if bound.given() && (bound.DType != in[0].DType || tensor.Product(bound.Shape) != 1) {
					return nil, fail(ErrShape, "bound is %v of shape %v for %v", bound.DType, bound.Shape, in[0].DType)
				}
			}
			return []Spec{in[0].like()}, nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			x := in[0]
			if low, high := given(in, 1), given(in, 2); x.DType == tensor.Float32 && low != nil && high != nil {
				a, b, from, to := low.Float32s()[0], high.Float32s()[0], x.Float32s(), out[0].Float32s()
				c.rows(len(to), 1, func(i, end int) { c.set.Clip(to[i:end], from[i:end], a, b) })
				return nil
			}
			for i, op := range []*arithmetic{greater, smaller} {
				if i+1 >= len(in) || in[i+1] == nil {
					continue
				}
				bound := in[i+1].WithShape()
				if err := op.compute(c, []*Tensor{x, &bound}, out); err != nil {
					return err
				}
				x = out[0]
			}
			if x != out[0] {
				copy(out[0].Bytes(), x.Bytes())
			}
			return nil
		},
		inPlace: []int{0},
		cost:    elementCost(80, 400),
	}
}

// bindTrilu keeps a triangle of matrices and makes the rest 0.
func bindTrilu(b *binder) (eval, error) {
	upper := b.bool("upper", true)
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			if len(in[0].Shape) < 2 || in[0].DType.Size() == 0 {
				return nil, fail(ErrShape, "%v of shape %v, want matrices", in[0].DType, in[0].Shape)
			}
			if len(in) > 1 && in[1].given() && (in[1].DType != tensor.Int64 || tensor.Product(in[1].Shape) != 1) {
				return nil, fail(ErrShape, "k is %v of shape %v", in[1].DType, in[1].Shape)
			}
			return []Spec{in[0].like()}, nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			k := 0
			if len(in) > 1 && in[1] != nil {
				k = clampInt(in[1].Int64s()[0])
			}
			triangle(c, out[0], in[0], k, upper)
			return nil
		},
		inPlace: []int{0},
		cost:    perElement(10),
	}, nil
}

func triangle(c *call, out, x *Tensor, k int, upper bool) {
	rank := len(x.Shape)
	height, columns := x.Shape[rank-2], x.Shape[rank-1]
	if x.Len() == 0 {
		return
	}
	to, from, size := out.Bytes(), x.Bytes(), x.DType.Size()
	c.rows(x.Len()/columns, columns, func(lo, hi int) {
		for r := lo; r < hi; r++ {
			row, src := to[r*columns*size:(r+1)*columns*size], from[r*columns*size:(r+1)*columns*size]
			// Columns from first on are above the diagonal k, which belongs to both triangles.
			i := int64(r%height) + int64(k)
			if !upper {
				i++
			}
			first := int(min(max(i, 0), int64(columns))) * size
			if upper {
				clear(row[:first])
				copy(row[first:], src[first:])
			} else {
				copy(row[:first], src[:first])
				clear(row[first:])
			}
		}
	})
}

// cumulation runs along an axis from start.
type cumulation[T any] struct {
	start T
	step  func(a, x T) T
}

// along writes the running totals of n elements; reverse runs from the end, exclusive leaves the element itself out.
func (k cumulation[T]) along(row []T, reverse, exclusive bool) {
	if reverse {
		slices.Reverse(row)
	}
	total := k.start
	for i, v := range row {
		next := k.step(total, v)
		if row[i] = next; exclusive {
			row[i] = total
		}
		total = next
	}
	if reverse {
		slices.Reverse(row)
	}
}

func bindCumulate(f64 cumulation[float64], f32 cumulation[float32], whole cumulation[int64]) func(*binder) (eval, error) {
	return func(b *binder) (eval, error) {
		exclusive, reverse := b.bool("exclusive", false), b.bool("reverse", false)
		return eval{
			infer: func(in []Spec) ([]Spec, error) {
				if f := familyOf(in[0].DType); f == otherFamily || f == boolFamily {
					return nil, fail(ErrUnsupported, "element type %v", in[0].DType)
				}
				if in[1].DType != tensor.Int32 && in[1].DType != tensor.Int64 || tensor.Product(in[1].Shape) != 1 {
					return nil, fail(ErrShape, "axis is %v of shape %v", in[1].DType, in[1].Shape)
				}
				return []Spec{in[0].like()}, nil
			},
			compute: func(c *call, in, out []*Tensor) error {
				list := []int64{0}
				loadInts(nil, list, in[1], 0)
				a, err := axis(clampInt(list[0]), len(in[0].Shape))
				if err != nil {
					return err
				}
				switch familyOf(in[0].DType) {
				case floatFamily:
					runAlong(c, out[0], in[0], a, loadFloats, storeFloats, func(row []float32) {
						f32.along(row, reverse, exclusive)
						kernel.Canonicalise(row)
					})
				case doubleFamily:
					runAlong(c, out[0], in[0], a, loadDoubles, storeDoubles, func(row []float64) { f64.along(row, reverse, exclusive) })
				default:
					runAlong(c, out[0], in[0], a, loadInts, storeInts, func(row []int64) { whole.along(row, reverse, exclusive) })
				}
				return nil
			},
			cost: perElement(120),
		}, nil
	}
}

// runAlong applies a function to the elements along an axis by way of type W.
func runAlong[W wide](c *call, out, x *Tensor, a int, load loader1[W], store storer[W], f func(row []W)) {
	n, inner := x.Shape[a], tensor.Product(x.Shape[a+1:])
	if x.Len() == 0 {
		return
	}
	v := &c.set.Vectors
	c.rows(x.Len()/n, n, func(lo, hi int) {
		row := make([]W, n)
		for i := lo; i < hi; i++ {
			at := i/inner*n*inner + i%inner
			loadAlong(v, row, x, at, inner, load)
			f(row)
			if inner == 1 {
				store(v, out, at, row)
				continue
			}
			for k := range row {
				store(v, out, at+k*inner, row[k:k+1])
			}
		}
	})
}

// loadAlong reads elements that lie step apart.
func loadAlong[W wide](v *kernel.Vectors, row []W, x *Tensor, at, step int, load loader1[W]) {
	if step == 1 {
		load(v, row, x, at)
		return
	}
	for k := range row {
		load(v, row[k:k+1], x, at+k*step)
	}
}

// bindArg gives the position of the greatest or smallest element along an axis: the first of equal ones, or the last.
// A NaN counts as both.
func bindArg(smallest bool) func(*binder) (eval, error) {
	return func(b *binder) (eval, error) {
		where, keep, last := b.int("axis", 0), b.bool("keepdims", true), b.bool("select_last_index", false)
		return eval{
			infer: func(in []Spec) ([]Spec, error) {
				if f := familyOf(in[0].DType); f == otherFamily || f == boolFamily {
					return nil, fail(ErrUnsupported, "element type %v", in[0].DType)
				}
				a, err := axis(where, len(in[0].Shape))
				if err != nil {
					return nil, err
				}
				set := make([]bool, len(in[0].Shape))
				set[a] = true
				shape := reducedShape(in[0].Shape, set, keep)
				if in[0].Shape[a] == 0 && tensor.Product(shape) > 0 {
					return nil, fail(ErrShape, "axis %d of shape %v holds nothing", a, in[0].Shape)
				}
				return one(tensor.Int64, shape), nil
			},
			compute: func(c *call, in, out []*Tensor) error {
				a, err := axis(where, len(in[0].Shape))
				if err != nil {
					return err
				}
				switch x := in[0]; familyOf(x.DType) {
				case floatFamily:
					argAlong(c, out[0].Int64s(), x, a, loadFloats, last, better[float32](smallest))
				case doubleFamily:
					argAlong(c, out[0].Int64s(), x, a, loadDoubles, last, better[float64](smallest))
				default:
					flip := int64(0)
					if x.DType == tensor.Uint64 {
						flip = math.MinInt64
					}
					compare := better[int64](smallest)
					argAlong(c, out[0].Int64s(), x, a, loadInts, last, func(v, best int64) int { return compare(v^flip, best^flip) })
				}
				return nil
			},
			cost: func(in, _ []Spec) Cost { return Cost{Instructions: 60*int64(tensor.Product(in[0].Shape)) + 1000} },
		}, nil
	}
}

// better compares: 1 when v is to be taken rather than best, 0 when they are alike.
func better[T float32 | float64 | int64](smallest bool) func(v, best T) int {
	return func(v, best T) int {
		switch {
		case v != v && best != best, v == best:
			return 0
		case v != v:
			return 1
		case best != best:
			return -1
		case (v < best) == smallest:
			return 1
		}
		return -1
	}
}

func argAlong[W wide](c *call, out []int64, x *Tensor, a int, load loader1[W], last bool, compare func(v, best W) int) {
	n, inner := x.Shape[a], tensor.Product(x.Shape[a+1:])
	v := &c.set.Vectors
	c.rows(len(out), n, func(lo, hi int) {
		row := make([]W, n)
		for i := lo; i < hi; i++ {
			at := i/inner*n*inner + i%inner
			loadAlong(v, row, x, at, inner, load)
			best := 0
			for k := 1; k < n; k++ {
				if order := compare(row[k], row[best]); order > 0 || order == 0 && last {
					best = k
				}
			}
			out[i] = int64(best)
		}
	})
}
