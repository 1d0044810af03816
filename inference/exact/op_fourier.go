package exact

import "assay/inference/tensor"

// fourier transforms lines of n complex numbers, which lie as pairs of float64: by its smallest prime factor p, n is
// cut into the p lines of every p-th number; their transforms are joined, p results at a time.
type fourier struct {
	n       int
	factors []int     // ascending
	order   []int32   // where the numbers of a line go before they are joined
	table   []float64 // cosine and sine of 2π·k/n, that of the inverse conjugated
	inverse bool
}

// primes are the factors of n, ascending.
func primes(n int) (list []int) {
	for p := 2; n > 1; p++ {
		if p > n/p {
			p = n
		}
		for ; n%p == 0; n /= p {
			list = append(list, p)
		}
	}
	return list
}

// newFourier makes the tables, and a function to give their memory back.
func newFourier(c *call, n int, inverse bool) (*fourier, func(), error) {
	f := &fourier{n: n, factors: primes(n), inverse: inverse}
	table, doneTable, err := scratch[float64](c, 2*n)
	if err != nil {
		return nil, nil, err
	}
	order, doneOrder, err := scratch[int32](c, n)
	if err != nil {
		doneTable()
		return nil, nil, err
	}
	f.table, f.order = table, order
	c.rows(n, 16, func(lo, hi int) {
		for k := lo; k < hi; k++ {
			cos, sin := rotation(k, n)
			if !inverse {
				sin = -sin
			}
			table[2*k], table[2*k+1] = cos, sin
		}
	})
	order[0] = 0
	m := 1
	for i := len(f.factors) - 1; i >= 0; i-- {
		p := f.factors[i]
		for j := m - 1; j >= 0; j-- {
			at := order[j] * int32(p)
			for r := range p {
				order[r*m+j] = at + int32(r)
			}
		}
		m *= p
	}
	return f, func() { doneOrder(); doneTable() }, nil
}

// fourierScratch is the memory of the tables.
func fourierScratch(n int) int64 { return handedOut(16*int64(n)) + handedOut(4*int64(n)) }

// fourierCost is that of a number of lines, tables included.
func fourierCost(n int, lines int64) Cost {
	pairs, sums := int64(0), int64(0) // multiply-adds of joins of two and of more
	for _, p := range primes(n) {
		if p == 2 {
			pairs += 2 * int64(n)
		} else {
			sums += 4 * int64(n) * int64(p-1)
		}
	}
	if lines > 0 && pairs+sums+int64(n) > (1<<52)/lines {
		return Cost{Multiplies: 1 << 62}
	}
	return Cost{
		Multiplies:   lines * (pairs + sums),
		Instructions: 3000*int64(n) + lines*(4000+1000*int64(n)+150*pairs+30*sums),
	}
}

// transform changes a line; work is as long.
func (f *fourier) transform(line, work []float64) {
	for i, from := range f.order {
		work[2*i], work[2*i+1] = line[2*from], line[2*from+1]
	}
	m := 1
	for i := len(f.factors) - 1; i >= 0; i-- {
		p := f.factors[i]
		for at := 0; at < 2*f.n; at += 2 * p * m {
			if p == 2 {
				f.join2(work[at:at+4*m], m)
			} else {
				f.join(work[at:at+2*p*m], line[:2*p], p, m)
			}
		}
		m *= p
	}
	for i, v := range work {
		if f.inverse {
			v /= float64(f.n)
		}
		line[i] = v
	}
}

// join2 makes of two transforms of m numbers one of 2m: a ± b·w.
func (f *fourier) join2(x []float64, m int) {
	step := f.n / m // of the table, in places: two for each number, and a turn of 2m numbers
	low, high := x[:2*m], x[2*m:]
	for k := 0; k < 2*m; k += 2 {
		c, s := f.table[k/2*step], f.table[k/2*step+1]
		re := float64(high[k]*c) - float64(high[k+1]*s)
		im := float64(high[k]*s) + float64(high[k+1]*c)
		high[k], high[k+1] = low[k]-re, low[k+1]-im
		low[k], low[k+1] = low[k]+re, low[k+1]+im
	}
}

// join makes of p transforms of m numbers one of p·m: number k is the sum over r ascending of transform r at k mod m
// times w^(r·k).
func (f *fourier) join(x, terms []float64, p, m int) {
	n := p * m
	step := f.n / n
	for k := range m {
		for r := range p {
			terms[2*r], terms[2*r+1] = x[2*(r*m+k)], x[2*(r*m+k)+1]
		}
		for at := k; at < n; at += m {
			re, im := terms[0], terms[1]
			turn := 0
			for r := 1; r < p; r++ {
				if turn += at; turn >= n {
					turn -= n
				}
				c, s := f.table[2*turn*step], f.table[2*turn*step+1]
				re += float64(terms[2*r]*c) - float64(terms[2*r+1]*s)
				im += float64(terms[2*r]*s) + float64(terms[2*r+1]*c)
			}
			x[2*at], x[2*at+1] = re, im
		}
	}
}

// wideOf gives the elements of a float tensor as float64, and a function to give their memory back.
func (c *call) wideOf(x *Tensor) ([]float64, func(), error) {
	if x.DType == tensor.Float64 {
		return tensor.View[float64](x), func() {}, nil
	}
	wide, done, err := scratch[float64](c, x.Len())
	if err != nil {
		return nil, nil, err
	}
	c.tasks(x.Len(), func(from, to int) { readWide(&c.set.Vectors, wide[from:to], x, from) })
	return wide, done, nil
}

// lines transforms lines of n complex numbers: load fills line i, and store reads it when it is transformed.
func (f *fourier) lines(c *call, count int, load func(line []float64, i int), store func(line []float64, i int)) {
	c.rows(count, 8*f.n, func(lo, hi int) {
		line, work := make([]float64, 2*f.n), make([]float64, 2*f.n)
		for i := lo; i < hi; i++ {
			clear(line)
			load(line, i)
			f.transform(line, work)
			store(line, i)
		}
	})
}
