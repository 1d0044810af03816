package exact

import (
	"assay/inference/exact/internal/kernel"
	"assay/inference/tensor"
)

// fourier transforms lines of n complex numbers, which lie as pairs. It decimates in frequency: for each prime factor p of
// n, ascending, p numbers that lie n/p apart are joined to p sums, and these are turned; after the last factor the
// numbers are in their places, as no pass writes where it reads.
type fourier[T float32 | float64] struct {
	n       int
	factors []int // ascending
	turns   []T   // cosine and sine of 2π·k/n, those of the inverse conjugated
	inverse bool
	real    bool // what is transformed has no imaginary parts
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

// newFourier makes the table, and a function to give its memory back.
func newFourier[T float32 | float64](c *call, n int, inverse, real bool) (*fourier[T], func(), error) {
	turns, done, err := scratch[T](c, 2*n)
	if err != nil {
		return nil, nil, err
	}
	c.rows(n, 16, func(lo, hi int) {
		for k := lo; k < hi; k++ {
			cos, sin := rotation(k, n)
			if !inverse {
				sin = -sin
			}
			turns[2*k], turns[2*k+1] = T(cos), T(sin)
		}
	})
	return &fourier[T]{n: n, factors: primes(n), turns: turns, inverse: inverse, real: real}, done, nil
}

// fourierBatch is how many lines are transformed at a time.
func fourierBatch(n, lines int) int { return max(1, min(lines, 1<<15/n)) }

// fourierScratch is the memory of the table and of a batch of lines, before and after a pass.
func fourierScratch(dtype tensor.DType, n, lines int) int64 {
	size := 2 * int64(max(4, dtype.Size())) * int64(n)
	return handedOut(size) + 2*handedOut(size*int64(fourierBatch(n, lines)))
}

// fourierCost is that of a number of lines, table included.
func fourierCost(n int, lines int64) Cost {
	multiplies := int64(0)
	for _, p := range primes(n) {
		if half := int64(p / 2); p == 2 {
			multiplies += 2 * int64(n)
		} else {
			multiplies += int64(n/p) * half * (4*half + 8)
		}
	}
	if lines > 0 && multiplies+int64(n) > (1<<52)/lines {
		return Cost{Multiplies: 1 << 62}
	}
	return Cost{
		Multiplies:   lines * multiplies,
		Instructions: 3000*int64(n) + lines*(4000+1000*int64(n)+150*multiplies),
	}
}

// lines transforms a number of lines: load fills line i, which holds zeros, and store reads it when it is transformed.
func (f *fourier[T]) lines(c *call, count int, load func(line []T, i int), store func(line []T, i int)) error {
	batch, size := fourierBatch(f.n, count), 2*f.n
	x, done, err := scratch[T](c, batch*size)
	if err != nil {
		return err
	}
	defer done()
	y, done, err := scratch[T](c, batch*size)
	if err != nil {
		return err
	}
	defer done()
	for at := 0; at < count; at += batch {
		n := min(batch, count-at)
		c.rows(n, size, func(lo, hi int) {
			clear(x[lo*size : hi*size])
			for i := lo; i < hi; i++ {
				load(x[i*size:(i+1)*size], at+i)
			}
		})
		transformed, other := f.transform(c, x, y, n)
		c.rows(n, size, func(lo, hi int) {
			for i := lo; i < hi; i++ {
				line := transformed[i*size : (i+1)*size]
				f.finish(line)
				store(line, at+i)
			}
		})
		x, y = other, transformed
	}
	return nil
}

// finish divides an inverse by n, as a product with 1/n, and makes the transform of real numbers as symmetric as it is: number
// n - k is the conjugate of number k.
func (f *fourier[T]) finish(line []T) {
	if f.inverse {
		by := T(1 / float64(f.n))
		for i, v := range line {
			line[i] = T(v * by)
		}
	}
	if !f.real {
		return
	}
	for k := 0; 2*k <= f.n; k++ {
		if at, other := 2*k, 2*(f.n-k)%(2*f.n); at == other {
			line[at+1] = 0
		} else {
			line[other], line[other+1] = line[at], -line[at+1]
		}
	}
}

// transform changes lines in x and gives them in x or y, and the other one.
func (f *fourier[T]) transform(c *call, x, y []T, lines int) ([]T, []T) {
	groups := 1
	for _, p := range f.factors {
		f.pass(c, y, x, lines, groups, p)
		x, y = y, x
		groups *= p
	}
	return x, y
}

// pass joins p numbers each. Those before it have cut a line into groups; in group k, numbers i + b·each for b below p
// make sums u, which go to place i of group k + u·groups.
func (f *fourier[T]) pass(c *call, y, x []T, lines, groups, p int) {
	each, pairs := f.n/p/groups, (p+1)/2 // sum 0, or with a factor of 2 both, and pairs of sums u and p - u
	c.rows(lines*groups*pairs*each, 8*p, func(lo, hi int) {
		for lo < hi {
			i, rest := lo%each, lo/each
			u, rest := rest%pairs, rest/pairs
			k, line := rest%groups, rest/groups
			j := join[T]{fourier: f, p: p, each: each, groups: groups, from: i, to: min(each, i+hi-lo)}
			in, out := x[2*(line*f.n+k*p*each):], y[2*(line*f.n+k*each):]
			switch {
			case p == 2:
				j.two(out, in)
			case u == 0:
				j.zero(out, in)
			default:
				j.pair(out, in, u)
			}
			lo += j.to - j.from
		}
	})
}

// join is part of a pass in one group: numbers from to before to.
type join[T float32 | float64] struct {
	*fourier[T]
	p, each, groups, from, to int
}

// put stores number i of sum u, turned by 2π·u·i·groups/n.
func (j *join[T]) put(out []T, u, i int, re, im T) {
	if at := 2 * u * i * j.groups; at > 0 {
		c, s := j.turns[at], j.turns[at+1]
		re, im = T(re*c)-T(im*s), T(re*s)+T(im*c)
	}
	at := 2 * (u*j.groups*j.each + i)
	out[at], out[at+1] = re, im
}

func (j *join[T]) two(out, in []T) {
	far := in[2*j.each:]
	for i := j.from; i < j.to; i++ {
		re, im, farRe, farIm := in[2*i], in[2*i+1], far[2*i], far[2*i+1]
		out[2*i], out[2*i+1] = re+farRe, im+farIm
		j.put(out, 1, i, re-farRe, im-farIm)
	}
}

// zero makes the plain sum: number b and number p - b are added to each other first.
func (j *join[T]) zero(out, in []T) {
	for i := j.from; i < j.to; i++ {
		re, im := in[2*i], in[2*i+1]
		for b := 1; b <= j.p/2; b++ {
			near, far := 2*(i+b*j.each), 2*(i+(j.p-b)*j.each)
			re, im = re+(in[near]+in[far]), im+(in[near+1]+in[far+1])
		}
		out[2*i], out[2*i+1] = re, im
	}
}

// pair makes sums u and p - u, which differ in the sign of all sines.
func (j *join[T]) pair(out, in []T, u int) {
	step := 2 * (j.n / j.p)
	for i := j.from; i < j.to; i++ {
		re, im := in[2*i], in[2*i+1] // the cosines' part
		var sinRe, sinIm T
		turn := 0
		for b := 1; b <= j.p/2; b++ {
			if turn += u; turn >= j.p {
				turn -= j.p
			}
			c, s := j.turns[turn*step], j.turns[turn*step+1]
			near, far := 2*(i+b*j.each), 2*(i+(j.p-b)*j.each)
			re += T(c * (in[near] + in[far]))
			im += T(c * (in[near+1] + in[far+1]))
			sinRe += T(s * (in[near] - in[far]))
			sinIm += T(s * (in[near+1] - in[far+1]))
		}
		j.put(out, u, i, re-sinIm, im+sinRe)
		j.put(out, j.p-u, i, re+sinIm, im-sinRe)
	}
}

// floatsAs gives the elements of a float tensor as T, which holds them all, and a function to give their memory back.
func floatsAs[T float32 | float64](c *call, x *Tensor) ([]T, func(), error) {
	if x.DType.Size() >= 4 {
		return tensor.View[T](x), func() {}, nil
	}
	wide, done, err := scratch[float32](c, x.Len())
	if err != nil {
		return nil, nil, err
	}
	c.tasks(x.Len(), func(from, to int) { loadFloats(&c.set.Vectors, wide[from:to], x, from) })
	return any(wide).([]T), done, nil
}

// widerScratch is the memory of float32 copies of 16-bit floats.
func widerScratch(list []Spec) (total int64) {
	for i := range list {
		if s := &list[i]; s.DType == tensor.Float16 || s.DType == tensor.BFloat16 {
			total += handedOut(4 * int64(tensor.Product(s.Shape)))
		}
	}
	return total
}

// resultAs is memory for the elements of out as T, and a function that stores them there.
func resultAs[T float32 | float64](c *call, out *Tensor) ([]T, func(), error) {
	if out.DType.Size() >= 4 {
		y := tensor.View[T](out)
		return y, func() { c.tasks(len(y), func(from, to int) { respell(y[from:to]) }) }, nil
	}
	wide, done, err := scratch[float32](c, out.Len())
	if err != nil {
		return nil, nil, err
	}
	return any(wide).([]T), func() {
		c.tasks(out.Len(), func(from, to int) { storeFloats(&c.set.Vectors, out, from, wide[from:to]) })
		done()
	}, nil
}

// respell gives every NaN its one spelling.
func respell[T float32 | float64](x []T) {
	switch list := any(x).(type) {
	case []float32:
		kernel.Canonicalise(list)
	case []float64:
		for i, v := range list {
			list[i] = canon64(v)
		}
	}
}
