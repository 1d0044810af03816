package exact

import (
	"slices"

	"assay/inference/tensor"
)

// margin is what Pad does along one axis: drop some positions at the start, keep some, and add some before and after.
type margin struct{ drop, keep, before, after int }

func (m margin) size() int { return clampInt(int64(m.before) + int64(m.keep) + int64(m.after)) }

// padMode says where a position outside of what is kept comes from.
type padMode uint8

const (
	padConstant padMode = iota
	padEdge
	padReflect
	padWrap
)

// from is the position in the operand of output position i, -1 for the constant.
func (m margin) from(i int, mode padMode) int {
	i -= m.before
	if i >= 0 && i < m.keep {
		return m.drop + i
	}
	switch mode {
	case padConstant:
		return -1
	case padEdge:
		i = min(max(i, 0), m.keep-1)
	case padWrap:
		i = modulo(i, m.keep)
	case padReflect:
		if m.keep == 1 {
			return m.drop
		}
		if i = modulo(i, 2*(m.keep-1)); i >= m.keep {
			i = 2*(m.keep-1) - i
		}
	}
	return m.drop + i
}

// modulo is the remainder with the sign of n, which is positive.
func modulo(i, n int) int {
	if i %= n; i < 0 {
		i += n
	}
	return i
}

func bindPad(b *binder) (eval, error) {
	mode, ok := map[string]padMode{
		"constant": padConstant, "edge": padEdge, "reflect": padReflect, "wrap": padWrap,
	}[b.text("mode", "constant")]
	if !ok {
		return eval{}, fail(ErrUnsupported, "mode %q", b.text("mode", ""))
	}
	return padEval(mode, func(in []Spec) ([]margin, error) { return padMargins(in, mode) }, 2), nil
}

// padMargins reads the pads of Pad. Negative ones drop positions, before anything is added.
func padMargins(in []Spec, mode padMode) ([]margin, error) {
	shape := in[0].Shape
	if fill := optional(in, 2); fill.given() && (fill.DType != in[0].DType || tensor.Product(fill.Shape) != 1) {
		return nil, fail(ErrShape, "padding with %v of shape %v", fill.DType, fill.Shape)
	}
	pads, err := in[1].ints("pads", 2*tensor.MaxRank)
	if err != nil {
		return nil, err
	}
	axes := count(len(shape))
	if given := optional(in, 3); given.given() {
		if axes, err = given.ints("axes", tensor.MaxRank); err != nil {
			return nil, err
		}
	}
	if _, err := axisSet(axes, len(shape)); err != nil {
		return nil, err
	}
	if len(pads) != 2*len(axes) {
		return nil, fail(ErrShape, "%d pads for %d axes", len(pads), len(axes))
	}
	margins := make([]margin, len(shape))
	for d, size := range shape {
		margins[d].keep = size
	}
	for i, a := range axes {
		if a < 0 {
			a += len(shape)
		}
		before, after := pads[i], pads[i+len(axes)]
		keep := int64(shape[a]) + min(0, int64(before)) + min(0, int64(after))
		m := margin{drop: max(0, -before), keep: clampInt(keep), before: max(0, before), after: max(0, after)}
		if keep < 0 || keep == 0 && mode != padConstant && m.size() > 0 {
			return nil, fail(ErrShape, "pads %d and %d of a dimension of %d", before, after, shape[a])
		}
		margins[a] = m
	}
	return margins, nil
}

// padEval pads operand 0; the constant is the one element of operand fill, or zero.
func padEval(mode padMode, read func(in []Spec) ([]margin, error), fill int) eval {
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			margins, err := read(in)
			if err != nil {
				return nil, err
			}
			shape := make([]int, len(margins))
			for d, m := range margins {
				shape[d] = m.size()
			}
			return one(in[0].DType, shape), nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			margins, err := read(specsFor(in))
			if err != nil || out[0].Len() == 0 {
				return err
			}
			value := make([]byte, in[0].DType.Size())
			if fill < len(in) && in[fill] != nil {
				copy(value, in[fill].Bytes())
			}
			c.pad(out[0], in[0], margins, mode, value)
			return nil
		},
		cost: perElement(30),
	}
}

// pad fills out row by row of the last dimension.
func (c *call) pad(out, x *Tensor, margins []margin, mode padMode, value []byte) {
	size := x.DType.Size()
	if len(margins) == 0 {
		copy(out.Bytes(), x.Bytes())
		return
	}
	last := len(margins) - 1
	from, m, length := strides(x.Shape), margins[last], out.Shape[last]
	c.rows(out.Len()/length, length, func(lo, hi int) {
		for r := lo; r < hi; r++ {
			row := out.Bytes()[r*length*size : (r+1)*length*size]
			offset, i, outside := 0, r, false
			for d := last - 1; d >= 0; d-- {
				at := margins[d].from(i%out.Shape[d], mode)
				outside = outside || at < 0
				offset += at * from[d]
				i /= out.Shape[d]
			}
			if outside {
				fillBytes(row, value)
				continue
			}
			line := x.Bytes()[offset*size : (offset+x.Shape[last])*size]
			copy(row[m.before*size:], line[m.drop*size:(m.drop+m.keep)*size])
			edge := func(i int) {
				if at := m.from(i, mode); at >= 0 {
					copy(row[i*size:(i+1)*size], line[at*size:])
				} else {
					copy(row[i*size:], value)
				}
			}
			for i := range m.before {
				edge(i)
			}
			for i := m.before + m.keep; i < length; i++ {
				edge(i)
			}
		}
	})
}

// fillBytes repeats a pattern all through b.
func fillBytes(b, pattern []byte) {
	for done := copy(b, pattern); done < len(b); done *= 2 {
		copy(b[done:], b[:done])
	}
}

func bindCenterCropPad(b *binder) (eval, error) {
	given := b.ints("axes")
	return padEval(padConstant, func(in []Spec) ([]margin, error) {
		shape, axes := in[0].Shape, given
		if axes == nil {
			axes = count(len(shape))
		}
		if _, err := axisSet(axes, len(shape)); err != nil {
			return nil, err
		}
		want, err := in[1].ints("shape", tensor.MaxRank)
		if err != nil {
			return nil, err
		}
		if len(want) != len(axes) || slices.ContainsFunc(want, func(d int) bool { return d < 0 }) {
			return nil, fail(ErrShape, "shape %v along axes %v", want, axes)
		}
		margins := make([]margin, len(shape))
		for d, size := range shape {
			margins[d].keep = size
		}
		for i, a := range axes {
			if a < 0 {
				a += len(shape)
			}
			if size := shape[a]; want[i] > size {
				margins[a].before = (want[i] - size) / 2
				margins[a].after = want[i] - size - margins[a].before
			} else {
				margins[a].drop, margins[a].keep = (size-want[i])/2, want[i]
			}
		}
		return margins, nil
	}, 2), nil
}
