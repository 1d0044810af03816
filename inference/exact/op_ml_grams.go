package exact

import (
	"slices"

	"assay/inference/tensor"
)

// gram is a run of numbers from the pool: its place in the pool from 1 on, 0 for one that is only the beginning of
// others, and the numbers that may follow.
type gram struct {
	place int
	next  map[int64]*gram
}

func (g *gram) then(number int64) *gram {
	if g.next == nil {
		g.next = map[int64]*gram{}
	}
	if g.next[number] == nil {
		g.next[number] = &gram{}
	}
	return g.next[number]
}

// grams is a TfIdfVectorizer node: it counts the runs of a pool in rows of numbers.
type grams struct {
	pool           gram
	least, longest int // lengths that count
	gaps           int // most numbers left out between two of a run
	places         []int64
	weights        []float32
	width          int
	mode           string
}

// bindGrams: operands are the rows, the pool, where each of its runs is counted, and the weight of each.
func bindGrams(b *binder) (eval, error) {
	list, err := b.constants(1, 4)
	if err != nil {
		return eval{}, err
	}
	g := &grams{
		least: b.int("min_gram_length", 1), longest: b.int("max_gram_length", 1), gaps: b.int("max_skip_count", 0), mode: b.text("mode", "TF"),
	}
	pool, places := list[0], list[1]
	if pool.DType != tensor.Int64 || places.DType != tensor.Int64 || len(pool.Shape) != 1 || len(places.Shape) != 1 {
		return eval{}, fail(ErrShape, "a pool of %v, places of %v", pool.DType, places.DType)
	}
	if g.least < 1 || g.longest < g.least || g.gaps < 0 || !slices.Contains([]string{"TF", "IDF", "TFIDF"}, g.mode) {
		return eval{}, fail(ErrShape, "runs of %d to %d numbers, %d left out, mode %q", g.least, g.longest, g.gaps, g.mode)
	}
	g.places = places.Int64s()
	for _, at := range g.places {
		if at < 0 || at >= 1<<31-1 {
			return eval{}, fail(ErrShape, "place %d", at)
		}
		g.width = max(g.width, int(at)+1)
	}
	if err := g.fill(pool.Int64s(), b.ints("ngram_counts")); err != nil {
		return eval{}, err
	}
	if len(list) > 2 && list[2] != nil {
		if list[2].DType != tensor.Float32 || list[2].Len() != len(g.places) {
			return eval{}, fail(ErrShape, "%d weights of %v for %d runs", list[2].Len(), list[2].DType, len(g.places))
		}
		g.weights = list[2].Float32s()
	}
	return eval{infer: g.infer, compute: g.compute, cost: g.cost}, nil
}

// fill takes the runs out of the pool: starts[i] is where those of length i + 1 begin.
func (g *grams) fill(pool []int64, starts []int) error {
	place := 0
	for i, from := range starts {
		to, length := len(pool), i+1
		if i+1 < len(starts) {
			to = starts[i+1]
		}
		if from < 0 || to < from || to > len(pool) {
			return fail(ErrShape, "runs of %d numbers from %d to %d of %d", length, from, to, len(pool))
		}
		for ; to-from >= length; from += length {
			if place++; place > len(g.places) {
				return fail(ErrShape, "more runs than the %d places", len(g.places))
			}
			if length < g.least || length > g.longest {
				continue
			}
			at := &g.pool
			for _, number := range pool[from : from+length] {
				at = at.then(number)
			}
			at.place = place
		}
	}
	g.longest = min(g.longest, max(1, len(starts)))
	return nil
}

func (g *grams) infer(in []Spec) ([]Spec, error) {
	x := &in[0]
	if x.DType != tensor.Int64 && x.DType != tensor.Int32 {
		return nil, fail(ErrUnsupported, "element type %v", x.DType)
	}
	if len(x.Shape) != 1 && len(x.Shape) != 2 {
		return nil, fail(ErrShape, "shape %v, want rows of numbers", x.Shape)
	}
	return one(tensor.Float32, append(slices.Clone(x.Shape[:len(x.Shape)-1]), g.width)), nil
}

// rounds is how many distances between the numbers of a run make a difference in a row of n.
func (g *grams) rounds(n int) int { return min(g.gaps+1, max(1, n)) }

func (g *grams) cost(in, out []Spec) Cost {
	n := in[0].Shape[len(in[0].Shape)-1]
	steps := macs(tensor.Product(in[0].Shape), g.rounds(n), g.longest)
	runs := int64(tensor.Product(out[0].Shape[:len(out[0].Shape)-1])) * int64(len(g.places))
	return Cost{Multiplies: steps, Instructions: 800*min(steps, 1<<48) + 250*(runs+int64(tensor.Product(out[0].Shape)))}
}

func (g *grams) compute(c *call, in, out []*Tensor) error {
	x, y := in[0], out[0].Float32s()
	n := x.Shape[len(x.Shape)-1]
	rows := 1
	if len(x.Shape) > 1 {
		rows = x.Shape[0]
	}
	c.rows(rows, g.width+len(g.places)+8*n*g.rounds(n), func(lo, hi int) {
		row, counts := make([]int64, n), make([]float32, len(g.places))
		for i := lo; i < hi; i++ {
			loadInts(nil, row, x, i*n)
			clear(counts)
			g.count(counts, row)
			g.weigh(y[i*g.width:(i+1)*g.width], counts)
		}
	})
	return nil
}

// count finds runs whose numbers lie 1, 2 … apart. Single numbers are counted once.
func (g *grams) count(counts []float32, row []int64) {
	least := g.least
	for apart := 1; apart <= g.rounds(len(row)) && least <= g.longest; apart++ {
		for from := range row {
			at := &g.pool
			for length, i := 1, from; length <= g.longest && i < len(row); length, i = length+1, i+apart {
				if at = at.next[row[i]]; at == nil {
					break
				}
				if length >= least && at.place > 0 {
					counts[at.place-1]++
				}
			}
		}
		least = max(least, 2)
	}
}

// weigh adds up, for every place, what the mode makes of the counts of its runs.
func (g *grams) weigh(out, counts []float32) {
	clear(out)
	for i, n := range counts {
		if n == 0 {
			continue
		}
		if g.mode == "IDF" {
			n = 1
		}
		if g.mode != "TF" && g.weights != nil {
			n = float32(n * g.weights[i])
		}
		out[g.places[i]] += n
	}
}
