package pipeline

import (
	"math"
	"sync"
	"sync/atomic"

	"assay/inference/exact"
)

// shortest is what a vector is divided by when its length is less.
const shortest = 1e-12

// meanPool averages the n token vectors: each dimension is summed in float32 from the
// first token to the last and divided once.
func meanPool(hidden []float32, n, dimension int) []float32 {
	out := make([]float32, dimension)
	for t := range n {
		row := hidden[t*dimension:][:dimension]
		for i, v := range row {
			out[i] += v
		}
	}
	for i := range out {
		out[i] /= float32(n)
	}
	return out
}

// normalize divides v by its length. Products are rounded to float32 before they are
// added, in the order of dimensions, so no machine may fuse the two.
func normalize(v []float32) {
	var sum float32
	for _, x := range v {
		sum += float32(x * x)
	}
	length := max(float32(math.Sqrt(float64(sum))), shortest)
	for i := range v {
		v[i] /= length
	}
}

// Threads gives a parallel function of at most n goroutines. With n below two it runs
// everything where it is called.
func Threads(n int) exact.Parallel {
	if n < 2 {
		return nil
	}
	return func(parts int, f func(i int)) {
		var next atomic.Int64
		work := func() {
			for i := int(next.Add(1)) - 1; i < parts; i = int(next.Add(1)) - 1 {
				f(i)
			}
		}
		var running sync.WaitGroup
		for range min(n, parts) - 1 {
			running.Go(work)
		}
		work()
		running.Wait()
	}
}
