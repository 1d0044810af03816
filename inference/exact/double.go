package exact

import (
	"math"

	"assay/inference/exact/internal/kernel"
)

// What float64 has of its own: reductions in the same lanes, blocks and order as those of float32, and e^x and ln x as
// polynomials whose products are rounded one by one.

const (
	lanes64 = 16
	block64 = 4096
)

// readWide is [loadWide] of any number of elements.
func readWide(v *kernel.Vectors, out []float64, x *Tensor, at int) {
	for i := 0; i < len(out); i += chunk {
		loadWide(v, out[i:min(len(out), i+chunk)], x, at+i)
	}
}

// writeWide rounds any number of elements once to the type of x, a float of two bytes or more.
func writeWide(v *kernel.Vectors, x *Tensor, at int, from []float64) {
	store := caster{}.fromDoubles(x.DType)
	for i := 0; i < len(from); i += chunk {
		store(v, x, at+i, from[i:min(len(from), i+chunk)])
	}
}

func square64(x float64) float64 { return float64(x * x) }

// sum64 adds up a row, each element prepared first when prepare is not nil.
func sum64(x []float64, prepare func(float64) float64) float64 {
	total := 0.0
	for len(x) > 0 {
		n := min(block64, len(x))
		var l [lanes64]float64
		for i, v := range x[:n] {
			if prepare != nil {
				v = prepare(v)
			}
			l[i%lanes64] += v
		}
		for half := lanes64 / 2; half > 0; half /= 2 {
			for i := range half {
				l[i] += l[i+half]
			}
		}
		total += l[0]
		x = x[n:]
	}
	return total
}

func prod64(x []float64) float64 {
	total := 1.0
	for len(x) > 0 {
		n := min(block64, len(x))
		var l [lanes64]float64
		for i := range l {
			l[i] = 1
		}
		for i, v := range x[:n] {
			l[i%lanes64] = float64(l[i%lanes64] * v)
		}
		for half := lanes64 / 2; half > 0; half /= 2 {
			for i := range half {
				l[i] = float64(l[i] * l[i+half])
			}
		}
		total = float64(total * l[0])
		x = x[n:]
	}
	return total
}

func pick64(x []float64, start float64, f func(a, b float64) float64) float64 {
	for _, v := range x {
		start = f(start, v)
	}
	return start
}

// exp64 is e^x: x = k·ln 2 + hi - lo, a polynomial in r = hi - lo, then scaling by 2^k.
func exp64(x float64) float64 {
	switch {
	case x != x:
		return nan64
	case x > 709.782712893384:
		return math.Inf(1)
	case x < -745.2:
		return 0
	}
	k := math.RoundToEven(float64(x * 1.4426950408889634))
	hi := x - float64(k*6.93147180369123816490e-01)
	lo := float64(k * 1.90821492927058770002e-10)
	r := hi - lo
	t := float64(r * r)
	p := float64(t*4.13813679705723846039e-08) + -1.65339022054652515390e-06
	p = float64(p*t) + 6.61375632143793436117e-05
	p = float64(p*t) + -2.77777777770155933842e-03
	p = float64(p*t) + 1.66666666666666019037e-01
	c := r - float64(p*t)
	y := 1 - ((lo - float64(r*c)/(2-c)) - hi)
	return math.Ldexp(y, int(k))
}

// log64 is ln x: x = 2^k·(1 + f), a polynomial in s = f/(2 + f).
func log64(x float64) float64 {
	switch {
	case x != x || x < 0:
		return nan64
	case x == 0:
		return math.Inf(-1)
	case x > math.MaxFloat64:
		return x
	}
	m, e := math.Frexp(x)
	if m < math.Sqrt2/2 {
		m += m
		e--
	}
	f, k := m-1, float64(e)
	s := f / (2 + f)
	z := float64(s * s)
	p := float64(z*1.479819860511658591e-01) + 1.531383769920937332e-01
	p = float64(p*z) + 1.818357216161805012e-01
	p = float64(p*z) + 2.222219843214978396e-01
	p = float64(p*z) + 2.857142874366239149e-01
	p = float64(p*z) + 3.999999999940941908e-01
	p = float64(p*z) + 6.666666666666735130e-01
	half := float64(float64(0.5*f) * f)
	low := float64(s*(half+float64(p*z))) + float64(k*1.90821492927058770002e-10)
	return float64(k*6.93147180369123816490e-01) - ((half - low) - f)
}

// logSumExp64 leaves leading weights of exactly 0 out before lanes are counted, as the float32 form does.
func logSumExp64(x []float64) float64 {
	top := pick64(x, math.Inf(-1), max64)
	if top != top || math.Abs(top) > math.MaxFloat64 {
		return top
	}
	for len(x) > 0 && exp64(x[0]-top) == 0 {
		x = x[1:]
	}
	return log64(sum64(x, func(v float64) float64 { return exp64(v - top) })) + top
}

// softmax64 is kernel.Softmax for float64; logarithm gives (x - max) - ln(sum) instead.
func softmax64(out, x []float64, logarithm bool) {
	top := pick64(x, math.Inf(-1), max64)
	weights := x
	for len(weights) > 0 && exp64(weights[0]-top) == 0 {
		weights = weights[1:]
	}
	sum := sum64(weights, func(v float64) float64 { return exp64(v - top) })
	for i, v := range x {
		if logarithm {
			out[i] = canon64(v - top - log64(sum))
		} else {
			out[i] = canon64(exp64(v-top) / sum)
		}
	}
}
