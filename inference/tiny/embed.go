package tiny

import (
	"math"
	"slices"

	"assay/inference/tokenize"
)

// faint is the size of a vector that stands for nothing known.
const faint = 0.01

// embed gives every token its vector, row by row.
//
// With X the texts × tokens matrix of counts times rarity, each row of length one, and
// X = U S Vᵀ, a token's vector is its rarity times its row of V. The sum over a text's
// tokens is then the text's coordinates in the strongest directions.
func embed(texts []string, t *tokenize.Tokenizer) ([]float32, error) {
	counts, rarity, err := count(texts, t)
	if err != nil {
		return nil, err
	}
	x := weigh(counts, rarity)
	values, vectors := eigen(gram(x))
	order := make([]int, len(values))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case values[a] > values[b]:
			return -1
		case values[a] < values[b]:
			return 1
		}
		return 0
	})
	table := make([]float32, t.Size()*Dimension)
	for w := range t.Size() {
		row := table[w*Dimension:][:Dimension]
		for k := range row {
			direction := order[k]
			var sum float64
			for d := range x {
				sum += float64(x[d][w] * vectors[d][direction])
			}
			strength := math.Sqrt(max(values[direction], 1e-9))
			row[k] = float32(float64(rarity[w]*sum) / strength)
		}
		if isZero(row) && w != 0 && w != 2 && w != 3 { // [PAD], [CLS] and [SEP] stay silent
			faintVector(row, uint64(w))
		}
	}
	return table, nil
}

// count counts tokens per text. A token's rarity is 1/(n+1) + … + 1/N for n of N texts
// that hold it: the logarithm of N/n, without a library's logarithm. A token that no text
// holds has none.
func count(texts []string, t *tokenize.Tokenizer) (counts [][]float64, rarity []float64, err error) {
	counts = make([][]float64, len(texts))
	holding := make([]int, t.Size())
	for d, text := range texts {
		counts[d] = make([]float64, t.Size())
		ids, err := t.Encode(text, 0)
		if err != nil {
			return nil, nil, err
		}
		for _, id := range ids[1 : len(ids)-1] {
			if counts[d][id] == 0 {
				holding[id]++
			}
			counts[d][id]++
		}
	}
	rarity = make([]float64, t.Size())
	for w, n := range holding {
		for k := n + 1; n > 0 && k <= len(texts); k++ {
			rarity[w] += 1 / float64(k)
		}
	}
	return counts, rarity, nil
}

func weigh(counts [][]float64, rarity []float64) [][]float64 {
	for _, row := range counts {
		var sum float64
		for w := range row {
			row[w] = float64(row[w] * rarity[w])
			sum += float64(row[w] * row[w])
		}
		length := max(math.Sqrt(sum), 1e-9)
		for w := range row {
			row[w] /= length
		}
	}
	return counts
}

func gram(x [][]float64) [][]float64 {
	g := make([][]float64, len(x))
	for i := range g {
		g[i] = make([]float64, len(x))
	}
	for i := range x {
		for j := range i + 1 {
			var sum float64
			for w, v := range x[i] {
				if v != 0 {
					sum += float64(v * x[j][w])
				}
			}
			g[i][j], g[j][i] = sum, sum
		}
	}
	return g
}

// eigen takes a symmetric matrix apart by Jacobi's rotations, sweep after sweep in the
// same order, and destroys it. Column k of vectors belongs to value k.
func eigen(a [][]float64) (values []float64, vectors [][]float64) {
	n := len(a)
	vectors = make([][]float64, n)
	for i := range vectors {
		vectors[i] = make([]float64, n)
		vectors[i][i] = 1
	}
	const sweeps = 8 // enough for 1e-12 at this size
	for range sweeps {
		for p := range n {
			for q := p + 1; q < n; q++ {
				rotate(a, vectors, p, q)
			}
		}
	}
	values = make([]float64, n)
	for i := range values {
		values[i] = a[i][i]
	}
	return values, vectors
}

// rotate makes a[p][q] zero. Rows are turned instead of rows and columns, then mirrored:
// the matrix stays symmetric and memory is read in order.
func rotate(a, vectors [][]float64, p, q int) {
	if math.Abs(a[p][q]) < 1e-13 {
		return
	}
	theta := (a[q][q] - a[p][p]) / float64(2*a[p][q])
	t := 1 / (math.Abs(theta) + math.Sqrt(float64(theta*theta)+1))
	if theta < 0 {
		t = -t
	}
	c := 1 / math.Sqrt(float64(t*t)+1)
	s := float64(t * c)
	pp, qq, pq := a[p][p], a[q][q], a[p][q]
	ap, aq := a[p], a[q]
	for k := range ap {
		x, y := ap[k], aq[k]
		ap[k] = float64(c*x) - float64(s*y)
		aq[k] = float64(s*x) + float64(c*y)
	}
	for k := range ap {
		a[k][p], a[k][q] = ap[k], aq[k]
	}
	a[p][p], a[q][q] = pp-float64(t*pq), qq+float64(t*pq)
	a[p][q], a[q][p] = 0, 0
	for k := range vectors {
		x, y := vectors[k][p], vectors[k][q]
		vectors[k][p] = float64(c*x) - float64(s*y)
		vectors[k][q] = float64(s*x) + float64(c*y)
	}
}

func isZero(v []float32) bool {
	for _, x := range v {
		if x != 0 {
			return false
		}
	}
	return true
}

// faintVector fills v with plus and minus of one size, by a mix of bits of seed.
func faintVector(v []float32, seed uint64) {
	for i := range v {
		z := (seed*Dimension + uint64(i) + 1) * 0x9e3779b97f4a7c15
		z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
		z = (z ^ z>>27) * 0x94d049bb133111eb
		v[i] = faint
		if (z^z>>31)&1 == 1 {
			v[i] = -faint
		}
	}
}
