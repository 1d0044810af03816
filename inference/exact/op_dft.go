package exact

import (
	"slices"

	"assay/inference/tensor"
)

// complexParts checks a tensor of floats whose last dimension holds a real part, or that and an imaginary one.
func complexParts(x *Spec) (int, error) {
	if f := familyOf(x.DType); f != floatFamily && f != doubleFamily {
		return 0, fail(ErrUnsupported, "element type %v", x.DType)
	}
	if n := len(x.Shape); n >= 2 && (x.Shape[n-1] == 1 || x.Shape[n-1] == 2) {
		return x.Shape[n-1], nil
	}
	return 0, fail(ErrShape, "shape %v, want a last dimension of 1 or 2", x.Shape)
}

// dft is a DFT node.
type dft struct{ inverse, onesided bool }

// dftPlan is what shapes say of one.
type dftPlan struct {
	axis, parts    int
	length, n      int // numbers of a line, and of its transform
	shape          []int
	lines, between int // lines in all; elements from one number of a line to the next are between·parts
}

func bindDFT(b *binder) (eval, error) {
	d := &dft{b.bool("inverse", false), b.bool("onesided", false)}
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			p, err := d.plan(in)
			return one(in[0].DType, p.shape), err
		},
		compute: d.compute,
		scratch: func(in, out []Spec) int64 {
			p, err := d.plan(in)
			if err != nil {
				return 0
			}
			return fourierScratch(in[0].DType, p.n, p.lines) + widerScratch(in) + widerScratch(out)
		},
		cost: func(in, out []Spec) Cost {
			p, err := d.plan(in)
			if err != nil {
				return Cost{}
			}
			cost := fourierCost(p.n, int64(p.lines))
			cost.Instructions += 150 * int64(tensor.Product(in[0].Shape)+tensor.Product(out[0].Shape))
			return cost
		},
	}, nil
}

func (d *dft) plan(in []Spec) (p dftPlan, err error) {
	x := &in[0]
	if p.parts, err = complexParts(x); err != nil {
		return p, err
	}
	if d.onesided && !d.inverse && p.parts == 2 {
		return p, fail(ErrShape, "one side of the transform of complex numbers")
	}
	rank := len(x.Shape)
	p.axis = rank - 2
	if at := optional(in, 2); at.given() {
		list, err := at.ints("axis", 1)
		if err != nil {
			return p, err
		}
		if len(list) != 1 {
			return p, fail(ErrShape, "axis is %v", list)
		}
		if p.axis, err = axis(list[0], rank); err != nil {
			return p, err
		}
	}
	if p.axis == rank-1 {
		return p, fail(ErrShape, "axis %d holds the parts of numbers", p.axis)
	}
	p.length = x.Shape[p.axis]
	p.n = p.length
	if d.onesided && d.inverse {
		p.n = 2 * (p.length - 1)
	}
	if length := optional(in, 1); length.given() {
		if p.n, err = whole(in, 1, "dft_length"); err != nil {
			return p, err
		}
	}
	if p.n < 1 || p.n > 1<<30 {
		return p, fail(ErrShape, "a transform of %d numbers", p.n)
	}
	p.shape = slices.Clone(x.Shape)
	p.shape[p.axis], p.shape[rank-1] = p.n, 2
	if d.onesided && d.inverse {
		p.shape[rank-1] = 1
	} else if d.onesided {
		p.shape[p.axis] = p.n/2 + 1
	}
	p.between = tensor.Product(x.Shape[p.axis+1 : rank-1])
	p.lines = tensor.Product(x.Shape[:p.axis]) * p.between
	return p, nil
}

func (d *dft) compute(c *call, in, out []*Tensor) error {
	p, err := d.plan(specsFor(in))
	switch {
	case err != nil || out[0].Len() == 0:
		return err
	case in[0].DType == tensor.Float64:
		return dftAs[float64](c, d, &p, in[0], out[0])
	}
	return dftAs[float32](c, d, &p, in[0], out[0])
}

func dftAs[T float32 | float64](c *call, d *dft, p *dftPlan, in, out *Tensor) error {
	f, done, err := newFourier[T](c, p.n, d.inverse, p.parts == 1 && !(d.inverse && d.onesided))
	if err != nil {
		return err
	}
	defer done()
	x, done, err := floatsAs[T](c, in)
	if err != nil {
		return err
	}
	defer done()
	y, finish, err := resultAs[T](c, out)
	if err != nil {
		return err
	}
	defer finish()
	kept, parts := p.shape[p.axis], p.shape[len(p.shape)-1]
	return f.lines(c, p.lines, func(line []T, i int) {
		loadLine(line, x[(i/p.between*p.length*p.between+i%p.between)*p.parts:], p, d.onesided && d.inverse)
	}, func(line []T, i int) {
		to := y[(i/p.between*kept*p.between+i%p.between)*parts:]
		for k := range kept {
			copy(to[k*p.between*parts:][:parts], line[2*k:])
		}
	})
}

// loadLine fills a line with the first n numbers; zeros are behind them. One side of an inverse stands for the other too.
func loadLine[T float32 | float64](line, x []T, p *dftPlan, half bool) {
	count := min(p.length, p.n)
	if half {
		count = min(p.length, p.n/2+1)
	}
	for k := range count {
		copy(line[2*k:2*k+2], x[k*p.between*p.parts:][:p.parts])
	}
	if half {
		for k := p.n/2 + 1; k < p.n; k++ {
			line[2*k], line[2*k+1] = line[2*(p.n-k)], -line[2*(p.n-k)+1]
		}
	}
}

// stftPlan is what shapes say of an STFT.
type stftPlan struct {
	parts, step, n, frames, kept int
}

func planSTFT(in []Spec, onesided bool) (p stftPlan, err error) {
	x := &in[0]
	if p.parts, err = complexParts(x); err != nil {
		return p, err
	}
	if len(x.Shape) != 3 {
		return p, fail(ErrShape, "a signal of shape %v", x.Shape)
	}
	if onesided && p.parts == 2 {
		return p, fail(ErrShape, "one side of the transform of complex numbers")
	}
	if p.step, err = whole(in, 1, "frame_step"); err != nil {
		return p, err
	}
	p.n = x.Shape[1]
	window, length := optional(in, 2), optional(in, 3)
	if window.given() {
		if window.DType != x.DType || len(window.Shape) != 1 {
			return p, fail(ErrShape, "a window of %v of shape %v for a signal of %v", window.DType, window.Shape, x.DType)
		}
		p.n = window.Shape[0]
	}
	if length.given() {
		n, err := whole(in, 3, "frame_length")
		if err != nil {
			return p, err
		}
		if window.given() && n != p.n {
			return p, fail(ErrShape, "a window of %d numbers for frames of %d", p.n, n)
		}
		p.n = n
	}
	if p.n < 1 || p.n > x.Shape[1] || p.step < 1 {
		return p, fail(ErrShape, "frames of %d numbers, one every %d, of a signal of %d", p.n, p.step, x.Shape[1])
	}
	p.frames = (x.Shape[1]-p.n)/p.step + 1
	p.kept = p.n
	if onesided {
		p.kept = p.n/2 + 1
	}
	return p, nil
}

// bindSTFT is the transform of every frame of a signal, each number times one of the window first.
func bindSTFT(b *binder) (eval, error) {
	onesided := b.bool("onesided", true)
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			p, err := planSTFT(in, onesided)
			if err != nil {
				return nil, err
			}
			return one(in[0].DType, []int{in[0].Shape[0], p.frames, p.kept, 2}), nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			p, err := planSTFT(specsFor(in), onesided)
			if err != nil || out[0].Len() == 0 {
				return err
			}
			if in[0].DType == tensor.Float64 {
				return stftAs[float64](c, &p, in, out[0])
			}
			return stftAs[float32](c, &p, in, out[0])
		},
		scratch: func(in, out []Spec) int64 {
			p, err := planSTFT(in, onesided)
			if err != nil {
				return 0
			}
			return fourierScratch(in[0].DType, p.n, in[0].Shape[0]*p.frames) + widerScratch(in) + widerScratch(out)
		},
		cost: func(in, out []Spec) Cost {
			p, err := planSTFT(in, onesided)
			if err != nil {
				return Cost{}
			}
			cost := fourierCost(p.n, int64(in[0].Shape[0])*int64(p.frames))
			cost.Instructions += 150 * int64(tensor.Product(in[0].Shape)+tensor.Product(out[0].Shape))
			return cost
		},
	}, nil
}

func stftAs[T float32 | float64](c *call, p *stftPlan, in []*Tensor, out *Tensor) error {
	f, done, err := newFourier[T](c, p.n, false, p.parts == 1)
	if err != nil {
		return err
	}
	defer done()
	x, done, err := floatsAs[T](c, in[0])
	if err != nil {
		return err
	}
	defer done()
	var window []T
	if len(in) > 2 && in[2] != nil {
		list, done, err := floatsAs[T](c, in[2])
		if err != nil {
			return err
		}
		defer done()
		window = list
	}
	y, finish, err := resultAs[T](c, out)
	if err != nil {
		return err
	}
	defer finish()
	length := in[0].Shape[1]
	return f.lines(c, in[0].Shape[0]*p.frames, func(line []T, i int) {
		from := x[(i/p.frames*length+i%p.frames*p.step)*p.parts:]
		for k := range p.n {
			copy(line[2*k:2*k+2], from[k*p.parts:(k+1)*p.parts])
		}
		for k, w := range window {
			line[2*k], line[2*k+1] = T(line[2*k]*w), T(line[2*k+1]*w)
		}
	}, func(line []T, i int) { copy(y[i*2*p.kept:(i+1)*2*p.kept], line) })
}
