package kernel

import "math"

// Softmax is e^(x-max) over its sum. A row of nothing but -Inf, or with a NaN or +Inf, becomes NaN throughout. Leading
// and trailing weights of exactly +0 are left out before the lanes of the sum are counted, so that masked padding on
// either side changes no bit. out may be x.
func (v *Vectors) Softmax(out, x []float32) {
	if len(x) == 0 {
		return
	}
	v.soften(out[:len(x)], x, v.Highest(x))
}

// MaskedSoftmax is Softmax(scale·x + mask), the product and the sum rounded and spelled as if each were a step of its
// own. mask may be nil: nothing is added then.
func (v *Vectors) MaskedSoftmax(out, x, mask []float32, scale float32) {
	if len(x) == 0 {
		return
	}
	out = out[:len(x)]
	if mask == nil {
		v.MulScalar(out, x, scale)
	} else {
		v.scaleAdd(out, x, mask[:len(x)], scale)
	}
	v.soften(out, out, v.Highest(out))
}

// soften writes e^(x-top) and divides by the sum.
func (v *Vectors) soften(out, x []float32, top float32) {
	if !finite(top) {
		fill(out, nan)
		return
	}
	v.expMinus(out, x, top)
	v.DivScalar(out, out, v.Sum(trim(out)))
}

func finite(x float32) bool { return abs(x) <= math.MaxFloat32 }

func fill(out []float32, x float32) {
	for i := range out {
		out[i] = x
	}
}

// trim leaves out leading and trailing zeros.
func trim(x []float32) []float32 {
	for len(x) > 0 && x[0] == 0 {
		x = x[1:]
	}
	for len(x) > 0 && x[len(x)-1] == 0 {
		x = x[:len(x)-1]
	}
	return x
}

// LogSoftmax is (x - max) - Log(sum), with the sum of [Vectors.Softmax]. out may be x.
func (v *Vectors) LogSoftmax(out, x []float32) {
	if len(x) == 0 {
		return
	}
	out = out[:len(x)]
	top := v.Highest(x)
	if !finite(top) {
		fill(out, nan)
		return
	}
	total := v.sumExp(x, top)
	v.SubScalar(out, x, top)
	v.SubScalar(out, out, Log(total))
}

// LogSumExp is Log(sum of e^(x-max)) + max; -Inf of nothing or of nothing but -Inf, +Inf of a row with one.
func (v *Vectors) LogSumExp(x []float32) float32 {
	top := v.Highest(x)
	if !finite(top) {
		return top
	}
	return Canon(Log(v.sumExp(x, top)) + top)
}

// sumExp is the sum of e^(x-top) without the leading zeros; trailing ones add nothing.
func (v *Vectors) sumExp(x []float32, top float32) float32 {
	for len(x) > 0 && Exp(x[0]-top) == 0 {
		x = x[1:]
	}
	var s float32
	for ; len(x) > rowBlock; x = x[rowBlock:] {
		s += v.sumExpBlock(x[:rowBlock], top)
	}
	return Canon(s + v.sumExpBlock(x, top))
}

func (v *Vectors) sumExpBlock(x []float32, top float32) float32 {
	var l laneSum
	var piece [256]float32
	for len(x) > 0 {
		e := piece[:min(len(piece), len(x))]
		v.expMinus(e, x[:len(e)], top)
		whole := len(e) &^ (lanes - 1)
		v.sumLanes(&l, e[:whole])
		l.rest(e[whole:])
		x = x[len(e):]
	}
	return l.total()
}
