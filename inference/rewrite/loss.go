package rewrite

import (
	"fmt"
	"math"
	"slices"

	"assay/inference/tensor"
)

// Values are tensors by name: the inputs of a run, or its outputs.
type Values = map[string]tensor.Tensor

// Run evaluates a model.
type Run func(Values) (Values, error)

// Loss is how far a rewritten model's fp32 outputs are from the original's, over all samples.
type Loss struct {
	Samples int `json:"samples"`
	// MaxAbs is the largest difference of two numbers, Largest the original's largest number.
	MaxAbs  float64 `json:"maxAbs"`
	Largest float64 `json:"largest"`
	// Cosine is the smallest one between two rows of an output (its last dimension).
	Cosine float64 `json:"cosine"`
	// Output and Sample are where MaxAbs was seen.
	Output string `json:"output,omitempty"`
	Sample int    `json:"sample"`
}

// Compare runs both models on every sample. Rows that a sample's attention_mask marks as padding are left out, as
// their answers mean nothing.
func Compare(samples []Values, original, rewritten Run) (Loss, error) {
	loss := Loss{Samples: len(samples), Cosine: 1}
	for i, in := range samples {
		want, err := original(in)
		if err != nil {
			return Loss{}, fmt.Errorf("run the original on sample %d: %w", i, err)
		}
		got, err := rewritten(in)
		if err != nil {
			return Loss{}, fmt.Errorf("run the rewritten model on sample %d: %w", i, err)
		}
		for name, w := range want {
			g, ok := got[name]
			if !ok || g.DType != w.DType || !slices.Equal(g.Shape, w.Shape) {
				return Loss{}, fmt.Errorf("output %q of sample %d: %v of shape %v, was %v of shape %v", name, i, g.DType, g.Shape, w.DType, w.Shape)
			}
			if w.DType == tensor.Float32 {
				loss.add(name, i, &g, &w, padding(in, &w))
			}
		}
	}
	return loss, nil
}

// padding says which rows of an output belong to padding; nil when none can.
func padding(in Values, out *tensor.Tensor) []bool {
	mask, ok := in["attention_mask"]
	if !ok || mask.DType != tensor.Int64 || len(out.Shape) != 3 || !slices.Equal(mask.Shape, out.Shape[:2]) {
		return nil
	}
	rows := make([]bool, mask.Len())
	for i, v := range mask.Int64s() {
		rows[i] = v == 0
	}
	return rows
}

func (l *Loss) add(name string, sample int, got, want *tensor.Tensor, skip []bool) {
	width := max(1, want.Len())
	if n := len(want.Shape); n > 0 {
		width = max(1, want.Shape[n-1])
	}
	g, w := got.Float32s(), want.Float32s()
	for row := 0; row*width < len(w); row++ {
		if skip != nil && skip[row] {
			continue
		}
		var gg, ww, gw float64
		for i := row * width; i < (row+1)*width; i++ {
			a, b := float64(g[i]), float64(w[i])
			if off := math.Abs(a - b); off > l.MaxAbs || off != off {
				l.MaxAbs, l.Output, l.Sample = off, name, sample
			}
			l.Largest = max(l.Largest, math.Abs(b))
			gg, ww, gw = gg+float64(a*a), ww+float64(b*b), gw+float64(a*b)
		}
		if width > 1 && gg > 0 && ww > 0 {
			l.Cosine = min(l.Cosine, gw/math.Sqrt(float64(gg*ww)))
		}
	}
}
