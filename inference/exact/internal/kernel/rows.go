package kernel

import "math"

// A row is reduced in 16 interleaved lanes (element i goes to lane i mod 16, ascending), joined by a fixed tree: lane i
// with i+8, then i+4, i+2, i+1. A row of more than rowBlock elements is reduced in blocks of rowBlock, and the totals of
// the blocks are combined in ascending order. The order is part of the results, not of the speed.
const (
	lanes    = 16
	rowBlock = 4096
)

type laneSum [lanes]float32

// total joins the lanes of a sum.
func (l *laneSum) total() float32 {
	a, b, c, d := l[0]+l[8], l[1]+l[9], l[2]+l[10], l[3]+l[11]
	e, f, g, h := l[4]+l[12], l[5]+l[13], l[6]+l[14], l[7]+l[15]
	a, b, c, d = a+e, b+f, c+g, d+h
	return Canon((a + c) + (b + d))
}

// rest adds fewer than 16 elements to the first lanes.
func (l *laneSum) rest(x []float32) {
	for i, v := range x {
		l[i&(lanes-1)] += v
	}
}

// blocks reduces a row block by block and adds up the totals.
func (v *Vectors) blocks(x []float32, block func(x []float32) float32) float32 {
	var s float32
	for ; len(x) > rowBlock; x = x[rowBlock:] {
		s += block(x[:rowBlock])
	}
	return Canon(s + block(x))
}

// Sum adds up a row.
func (v *Vectors) Sum(x []float32) float32 {
	if len(x) > rowBlock {
		return v.blocks(x, v.Sum)
	}
	whole := len(x) &^ (lanes - 1)
	if whole == len(x) && whole > 0 {
		return Canon(v.sumWhole(x))
	}
	var l laneSum
	v.sumLanes(&l, x[:whole])
	l.rest(x[whole:])
	return l.total()
}

// SumSquares adds up the squares of x - mean.
func (v *Vectors) SumSquares(x []float32, mean float32) float32 {
	if len(x) > rowBlock {
		return v.blocks(x, func(x []float32) float32 { return v.SumSquares(x, mean) })
	}
	whole := len(x) &^ (lanes - 1)
	if whole == len(x) && whole > 0 {
		return Canon(v.squareWhole(x, mean))
	}
	var l laneSum
	v.squareLanes(&l, x[:whole], mean)
	for i, e := range x[whole:] {
		d := e - mean
		l[i] += float32(d * d)
	}
	return l.total()
}

// SumAbs adds up magnitudes: the L1 norm.
func (v *Vectors) SumAbs(x []float32) float32 {
	if len(x) > rowBlock {
		return v.blocks(x, v.SumAbs)
	}
	var l laneSum
	whole := len(x) &^ (lanes - 1)
	v.absLanes(&l, x[:whole])
	for i, e := range x[whole:] {
		l[i] += abs(e)
	}
	return l.total()
}

// Norm is the L2 norm, sqrt(SumSquares(x, 0)).
func (v *Vectors) Norm(x []float32) float32 { return Sqrt(v.SumSquares(x, 0)) }

// Prod multiplies a row up in the same lanes and tree, each lane starting at 1.
func (v *Vectors) Prod(x []float32) float32 {
	if len(x) > rowBlock {
		p := float32(1)
		for ; len(x) > rowBlock; x = x[rowBlock:] {
			p = float32(p * v.Prod(x[:rowBlock]))
		}
		return Canon(float32(p * v.Prod(x)))
	}
	var l [lanes]float32
	for i := range l {
		l[i] = 1
	}
	for i, e := range x {
		l[i%lanes] = float32(l[i%lanes] * e)
	}
	for half := lanes / 2; half > 0; half /= 2 {
		for i := range half {
			l[i] = float32(l[i] * l[i+half])
		}
	}
	return Canon(l[0])
}

// Highest is the maximum of a row: NaN if it holds one, +0 above -0, -Inf of nothing. It does not depend on order.
func (v *Vectors) Highest(x []float32) float32 {
	top := float32(math.Inf(-1))
	whole := len(x) &^ (lanes - 1)
	if whole > 0 {
		top = v.highest(x[:whole])
	}
	if whole < len(x) {
		top = Max(top, highest(x[whole:]))
	}
	return top
}

// Lowest is the minimum of a row: NaN if it holds one, -0 below +0, +Inf of nothing.
func (v *Vectors) Lowest(x []float32) float32 {
	bottom := float32(math.Inf(1))
	whole := len(x) &^ (lanes - 1)
	if whole > 0 {
		bottom = v.lowest(x[:whole])
	}
	if whole < len(x) {
		bottom = Min(bottom, lowest(x[whole:]))
	}
	return bottom
}

// Mean is the sum over the count; of nothing it is NaN.
func (v *Vectors) Mean(x []float32) float32 { return Canon(v.Sum(x) / float32(len(x))) }

// MeanVariance gives the mean and the mean of the squared differences from it.
func (v *Vectors) MeanVariance(x []float32) (mean, variance float32) {
	mean = v.Mean(x)
	return mean, Canon(v.SumSquares(x, mean) / float32(len(x)))
}

// Sum and SumSquares are the methods of [Vectors] in plain Go.
func Sum(x []float32) float32 { return vectorsGo.Sum(x) }

// SumSquares adds up the squares of x - mean.
func SumSquares(x []float32, mean float32) float32 { return vectorsGo.SumSquares(x, mean) }
