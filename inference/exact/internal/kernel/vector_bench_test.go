package kernel

import (
	"fmt"
	"math"
	"testing"
	"time"
)

// BenchmarkVectors reports nanoseconds per element for what a transformer runs most, on rows that fit the cache: of
// many short turns the best one, since others share the machine.
func BenchmarkVectors(b *testing.B) {
	const width = 1536
	s := noise(1)
	x, y, out := s.floats(width, false), s.floats(width, false), make([]float32, width)
	for _, k := range sets {
		perElement := func(name string, n int, f func()) {
			b.Run(fmt.Sprintf("%s/%s", k.Name, name), func(b *testing.B) {
				const calls = 20
				best := time.Duration(math.MaxInt64)
				for b.Loop() {
					start := time.Now()
					for range calls {
						f()
					}
					best = min(best, time.Since(start))
				}
				b.ReportMetric(float64(best.Nanoseconds())/calls/float64(n), "best-ns/element")
			})
		}
		for name, f := range map[string]func(out, x []float32){
			"exp": k.Exp, "log": k.Log, "erf": k.Erf, "tanh": k.Tanh, "sigmoid": k.Sigmoid, "gelu": k.Gelu, "geluTanh": k.GeluTanh, "silu": k.SiLU, "sin": k.Sin,
		} {
			perElement(name, width, func() { f(out, x) })
		}
		perElement("add", width, func() { k.Add(out, x, y) })
		perElement("mulScalar", width, func() { k.MulScalar(out, x, 3) })
		perElement("sum", width, func() { out[0] = k.Sum(x) })
		perElement("highest", width, func() { out[0] = k.Highest(x) })
		perElement("softmax128", 128, func() { k.Softmax(out[:128], x[:128]) })
		perElement("maskedSoftmax128", 128, func() { k.MaskedSoftmax(out[:128], x[:128], y[:128], 0.125) })
		perElement("logSoftmax", width, func() { k.LogSoftmax(out, x) })
		perElement("layerNorm384", 384, func() { k.LayerNorm(out[:384], x[:384], y, y, 1e-12) })
		perElement("sumColumns", width, func() { k.SumColumns(out[:96], x, width/96) })
	}
}
