package exact

import (
	"math"

	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// Which scores the attribute of that name asks for.
const (
	rawScores    = iota // products
	cappedScores        // after softcap
	maskedScores        // with the mask added; -infinity where a key is left out
	finalScores         // weights
)

// stepwise reports whether weights take more steps than a masked softmax.
func (h *head) stepwise() bool {
	return h.softcap > 0 || h.shown >= 0 || h.precision != 0 || h.zeroEmpty || h.sinks != nil || h.dtype != tensor.Float32
}

// weighStepwise turns the scores of query i into weights of the keys from first to before last, one step after the other;
// each is rounded to the type, and the one that is asked for is kept.
func (h *head) weighStepwise(row, mask []float32, first, last, i int) {
	v := &h.set.Vectors
	h.round(row)
	if h.scale != 1 {
		v.MulScalar(row, row, h.scale)
		h.round(row)
	}
	h.keep(rawScores, row, i)
	if h.softcap > 0 {
		v.DivScalar(row, row, h.softcap)
		h.round(row)
		v.Tanh(row, row)
		h.round(row)
		v.MulScalar(row, row, h.softcap)
		h.round(row)
	}
	h.keep(cappedScores, row, i)
	seen := row[first:last]
	if mask != nil {
		v.Add(seen, seen, mask)
		h.round(seen)
	}
	if h.shown == maskedScores {
		fill(row[:first], minusInf)
		fill(row[last:], minusInf)
		h.keep(maskedScores, row, i)
	}
	clear(row[:first])
	clear(row[last:])
	h.soften(seen, mask, i)
	h.keep(finalScores, row, i)
}

// soften makes weights of the scores of query i.
func (h *head) soften(row, mask []float32, i int) {
	v := &h.set.Vectors
	switch {
	case len(row) == 0:
	case h.zeroEmpty && (v.Highest(row) == minusInf || mask != nil && v.Highest(mask) == minusInf):
		clear(row)
	case h.sinks != nil:
		h.softenBeside(row, h.sinks[min(i, len(h.sinks)-1)])
	case h.precision == tensor.Float64:
		h.softenWide(row)
	case h.dtype == tensor.Float32 || h.precision == tensor.Float32:
		v.Softmax(row, row)
	default:
		softmaxNarrow(v, row, h.round)
	}
	h.round(row)
	if h.zeroNaN && len(row) > 0 && row[0] != row[0] {
		clear(row)
	}
}

// softenBeside is a softmax with one score more, which gets a weight that nobody needs.
func (h *head) softenBeside(row []float32, sink float32) {
	v := &h.set.Vectors
	top := max(v.Highest(row), sink) // NaN if either is
	if math.IsInf(float64(top), 0) || top != top {
		fill(row, kernel.Canon(top-top))
		return
	}
	beside := []float32{sink}
	for _, x := range [][]float32{row, beside} {
		v.SubScalar(x, x, top)
		v.Exp(x, x)
	}
	v.DivScalar(row, row, v.Sum(fromWeight(row))+beside[0])
}

// softenWide is a softmax in float64.
func (h *head) softenWide(row []float32) {
	h.wide = h.wide[:0]
	for _, x := range row {
		h.wide = append(h.wide, float64(x))
	}
	softmax64(h.wide, h.wide, false)
	for i, x := range h.wide {
		row[i] = kernel.Canon(float32(x))
	}
}

// keep stores scores of query i when they are those asked for.
func (h *head) keep(which int, row []float32, i int) {
	if h.shown == which && h.kept != nil {
		copy(h.kept[i*h.keptRow:(i+1)*h.keptRow], row)
	}
}

func (h *head) round(x []float32) {
	if h.dtype != tensor.Float32 {
		roundTo(&h.set.Vectors, h.dtype, x)
	}
}

// computeNarrow takes float16 and bfloat16 through float32, rounded at every step.
func (a *attention) computeNarrow(c *call, in, out []*Tensor) error {
	wideIn, wideOut := append([]*Tensor(nil), in...), append([]*Tensor(nil), out...)
	for _, list := range [][]*Tensor{wideIn, wideOut} {
		for i, x := range list {
			if x == nil || x.DType != in[0].DType {
				continue
			}
			data, done, err := scratch[float32](c, x.Len())
			if err != nil {
				return err
			}
			defer done()
			w := tensor.FromFloat32(data, x.Shape...)
			list[i] = &w
		}
	}
	v := &c.set.Vectors
	for i, x := range in {
		if wideIn[i] != x {
			loadFloats(v, wideIn[i].Float32s(), x, 0)
		}
	}
	if err := a.computeWide(c, wideIn, wideOut, in[0].DType); err != nil {
		return err
	}
	for i, x := range out {
		if x != nil {
			storeFloats(v, x, 0, wideOut[i].Float32s())
		}
	}
	return nil
}

// scratch is what computeNarrow takes.
func (a *attention) scratch(in, out []Spec) int64 {
	total := int64(0)
	for _, list := range [][]Spec{in, out} {
		for i := range list {
			if in[0].DType != tensor.Float32 && list[i].DType == in[0].DType {
				total += handedOut(4 * int64(tensor.Product(list[i].Shape)))
			}
		}
	}
	return total
}
