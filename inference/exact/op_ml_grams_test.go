package exact

import (
	"errors"
	"math/rand/v2"
	"slices"
	"testing"

	"assay/inference/ir"
)

// TestGramsAreCounted against counting every run of a pool in every row.
func TestGramsAreCounted(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		single, double := 1+r.IntN(3), 1+r.IntN(3)
		pool := make([]int64, single+2*double)
		for i := range pool {
			pool[i] = int64(i) // no run twice
			if i >= single {
				pool[i] = int64(r.IntN(3))<<40 | int64(i-single)/2
			}
		}
		places := make([]int64, single+double)
		for i, p := range r.Perm(len(places)) {
			places[i] = int64(p)
		}
		n, gaps, least := r.IntN(9), r.IntN(4), 1+r.IntN(2)
		x := make([]int64, 2*n)
		for i := range x {
			x[i] = pool[r.IntN(len(pool))]
		}
		attrs := []ir.Attr{
			aInts("ngram_counts", 0, int64(single)), aInt("min_gram_length", int64(least)), aInt("max_gram_length", 2), aInt("max_skip_count", int64(gaps)),
		}
		y, err := runBounded(t, "TfIdfVectorizer", attrs, 1, i64s(x, 2, n), i64s(pool), i64s(places))
		if err != nil {
			t.Fatal(err)
		}
		want := make([]float32, 2*len(places))
		for row := range 2 {
			list := x[row*n : (row+1)*n]
			for i, v := range list {
				for p := range single {
					if least == 1 && v == pool[p] {
						want[row*len(places)+int(places[p])]++
					}
				}
				for p := range double {
					for apart := 1; apart <= gaps+1 && i+apart < n; apart++ {
						if slices.Equal([]int64{v, list[i+apart]}, pool[single+2*p:][:2]) {
							want[row*len(places)+int(places[single+p])]++
						}
					}
				}
			}
		}
		if !slices.Equal(y.Float32s(), want) {
			t.Fatalf("pool %v, places %v, rows %v, %d left out: %v, want %v", pool, places, x, gaps, y.Float32s(), want)
		}
	}
}

func TestGramsAreWeighted(t *testing.T) {
	t.Parallel()
	x, pool, places, weights := i64s([]int64{5, 6, 5, 7}), i64s([]int64{5, 6, 7}), i64s([]int64{1, 0, 1}), f32s([]float32{10, 20, 30}, 3)
	for _, c := range []struct {
		mode string
		in   []*Tensor
		want []float32
	}{
		{"TF", []*Tensor{x, pool, places, weights}, []float32{1, 3}},
		{"IDF", []*Tensor{x, pool, places, weights}, []float32{20, 40}},
		{"TFIDF", []*Tensor{x, pool, places, weights}, []float32{20, 50}},
		{"IDF", []*Tensor{x, pool, places}, []float32{1, 2}},
	} {
		y, err := runBounded(t, "TfIdfVectorizer", []ir.Attr{aInts("ngram_counts", 0), aText("mode", c.mode)}, 1, c.in...)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(y.Float32s(), c.want) {
			t.Errorf("%s of %d operands: %v, want %v", c.mode, len(c.in), y.Float32s(), c.want)
		}
	}
}

func TestGramRefusals(t *testing.T) {
	t.Parallel()
	x, starts := i64s([]int64{1, 2}), aInts("ngram_counts", 0)
	for name, c := range map[string]struct {
		attrs []ir.Attr
		in    []*Tensor
		kind  error
	}{
		"a place too far":      {[]ir.Attr{starts}, []*Tensor{x, i64s([]int64{1}), i64s([]int64{1 << 40})}, ErrShape},
		"a large result":       {[]ir.Attr{starts}, []*Tensor{x, i64s([]int64{1}), i64s([]int64{1<<31 - 2})}, ErrLimit},
		"too few places":       {[]ir.Attr{starts}, []*Tensor{x, i64s([]int64{1, 2}), i64s([]int64{0})}, ErrShape},
		"runs beyond the pool": {[]ir.Attr{aInts("ngram_counts", 0, 9)}, []*Tensor{x, i64s([]int64{1}), i64s([]int64{0})}, ErrShape},
		"too few weights":      {[]ir.Attr{starts}, []*Tensor{x, i64s([]int64{1}), i64s([]int64{3}), ramp(2)}, ErrShape},
		"no numbers":           {[]ir.Attr{starts}, []*Tensor{ramp(2), i64s([]int64{1}), i64s([]int64{0})}, ErrUnsupported},
		"another mode":         {[]ir.Attr{starts, aText("mode", "DF")}, []*Tensor{x, i64s([]int64{1}), i64s([]int64{0})}, ErrShape},
		"no length at all":     {[]ir.Attr{starts, aInt("max_gram_length", 0)}, []*Tensor{x, i64s([]int64{1}), i64s([]int64{0})}, ErrShape},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if _, err := runBounded(t, "TfIdfVectorizer", c.attrs, 1, c.in...); !errors.Is(err, c.kind) {
				t.Errorf("error %v, want %v", err, c.kind)
			}
		})
	}
}
