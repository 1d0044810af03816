package shape

import (
	"slices"
	"strings"

	"assay/inference/onnx"
)

// products are the contractions.
func products(op string) rule {
	switch op {
	case "MatMul":
		return matMul
	case "MatMulInteger":
		return matMulInteger
	case "QLinearMatMul":
		return qlinearMatMul
	case "Gemm":
		return gemm
	case "Einsum":
		return einsum
	case "Det":
		return det
	case "Attention":
		return attention
	case "RotaryEmbedding":
		return like
	case "LinearAttention":
		return linearAttention
	}
	return nil
}

// contract is the shape of a matrix product of two inputs, as numpy's matmul.
func (c *call) contract(i, j int) ([]Expr, error) {
	a, b := c.shape(i), c.shape(j)
	if a == nil || b == nil {
		return nil, nil
	}
	if len(a) == 0 || len(b) == 0 {
		return nil, c.fail("product with a scalar")
	}
	rows, columns := len(a) > 1, len(b) > 1
	if !rows {
		a = []Expr{Const(1), a[0]}
	}
	if !columns {
		b = []Expr{b[0], Const(1)}
	}
	if _, err := c.same("length of the sums", a[len(a)-1], b[len(b)-2]); err != nil {
		return nil, err
	}
	out, err := c.stretchShapes(a[:len(a)-2], b[:len(b)-2])
	if err != nil {
		return nil, err
	}
	if rows {
		out = append(out, a[len(a)-2])
	}
	if columns {
		out = append(out, b[len(b)-1])
	}
	return out, nil
}

// stretchShapes stretches two shapes to each other.
func (c *call) stretchShapes(a, b []Expr) ([]Expr, error) {
	if len(a) < len(b) {
		a, b = b, a
	}
	out := slices.Clone(a)
	if out == nil {
		out = []Expr{}
	}
	for i, d := range b {
		at := len(a) - len(b) + i
		e, fits, ok := broadcast(a[at], d)
		if !fits {
			return nil, c.fail("dimension %d: %v against %v", at, a[at], d)
		}
		out[at] = c.size(0, at)(e, ok)
	}
	return out, nil
}

func matMul(c *call) error {
	shape, err := c.contract(0, 1)
	c.set(0, c.dtype(0), shape)
	return err
}

func matMulInteger(c *call) error {
	shape, err := c.contract(0, 1)
	c.set(0, onnx.Int32, shape)
	return err
}

func qlinearMatMul(c *call) error {
	shape, err := c.contract(0, 3)
	c.set(0, c.dtype(7), shape)
	return err
}

func gemm(c *call) error {
	for i := range 2 {
		if err := c.ranked(i, 2); err != nil {
			return err
		}
	}
	out := c.freshDims(0, 2)
	a, b := c.shape(0), c.shape(1)
	ta, tb := c.int("transA", 0) != 0, c.int("transB", 0) != 0
	if a != nil {
		out[0] = a[pickInt(ta, 1, 0)]
	}
	if b != nil {
		out[1] = b[pickInt(tb, 0, 1)]
	}
	c.set(0, c.dtype(0), out)
	if a != nil && b != nil {
		_, err := c.same("length of the sums", a[pickInt(ta, 0, 1)], b[pickInt(tb, 1, 0)])
		return err
	}
	return nil
}

func pickInt(yes bool, a, b int) int {
	if yes {
		return a
	}
	return b
}

func det(c *call) error {
	in := c.shape(0)
	c.set(0, c.dtype(0), nil)
	if len(in) >= 2 {
		c.set(0, c.dtype(0), in[:len(in)-2])
	}
	return nil
}

// einsum follows an equation such as "bij,bjk->bik", in which "..." stands for the dimensions not named.
func einsum(c *call) error {
	c.set(0, c.dtype(0), nil)
	equation := strings.ReplaceAll(c.text("equation", ""), " ", "")
	left, right, explicit := strings.Cut(equation, "->")
	parts := strings.Split(left, ",")
	if len(parts) != len(c.in) {
		return c.fail("equation %q for %d inputs", equation, len(c.in))
	}
	sizes := map[rune]Expr{}
	rest := []Expr{}
	for i, part := range parts {
		in := c.shape(i)
		if in == nil {
			return nil
		}
		var err error
		if rest, err = c.einsumPart(part, in, sizes, rest); err != nil {
			return err
		}
	}
	if !explicit {
		right = implicitOutput(left)
	}
	out := []Expr{}
	for r := range strings.SplitSeq(strings.ReplaceAll(right, "...", "."), "") {
		d, ok := sizes[[]rune(r)[0]]
		switch {
		case r == ".":
			out = append(out, rest...)
		case !ok:
			return c.fail("equation %q: %q stands at no input", equation, r)
		default:
			out = append(out, d)
		}
	}
	c.set(0, c.dtype(0), out)
	return nil
}

// einsumPart notes the sizes that one input gives to the letters, and to the dimensions not named.
func (c *call) einsumPart(part string, in []Expr, sizes map[rune]Expr, rest []Expr) ([]Expr, error) {
	letters := strings.ReplaceAll(part, "...", ".")
	free := len(in) - len(letters)
	dots := strings.Contains(letters, ".")
	if dots {
		free++
	}
	if free < 0 || free > 0 && !dots {
		return nil, c.fail("%q for rank %d", part, len(in))
	}
	var err error
	for _, r := range letters {
		if r == '.' {
			if rest, err = c.stretchShapes(rest, in[:free]); err != nil {
				return nil, err
			}
			in = in[free:]
			continue
		}
		if len(in) == 0 {
			return nil, c.fail("%q has a letter of more than one byte", part)
		}
		d := in[0]
		in = in[1:]
		if known, ok := sizes[r]; ok && !known.is(1) {
			if !d.is(1) {
				if d, err = c.same("size of "+string(r), known, d); err != nil {
					return nil, err
				}
			} else {
				d = known
			}
		}
		sizes[r] = d
	}
	return rest, nil
}

// implicitOutput are the letters that stand at the inputs once, in order, after the dimensions not named.
func implicitOutput(left string) string {
	seen := map[rune]int{}
	for _, r := range left {
		seen[r]++
	}
	var once []rune
	for r, n := range seen {
		if n == 1 && r != '.' && r != ',' {
			once = append(once, r)
		}
	}
	slices.Sort(once)
	if strings.Contains(left, "...") {
		return "..." + string(once)
	}
	return string(once)
}
