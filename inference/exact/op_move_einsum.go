package exact

import (
	"slices"
	"strings"

	"assay/inference/tensor"
)

// einsum is the equation of an Einsum: the labels of every operand and of the result. A letter is itself; the
// dimensions under an ellipsis are numbered from the last one, as -1, -2 and so on.
type einsum struct {
	terms    []term
	explicit bool
	result   term
}

// term is the labels of one operand; ellipsis is where its dots stand, -1 without.
type term struct {
	letters  []int
	ellipsis int
}

func parseTerm(text string) (term, error) {
	t := term{ellipsis: -1}
	for len(text) > 0 {
		switch ch := text[0]; {
		case strings.HasPrefix(text, "...") && t.ellipsis < 0:
			t.ellipsis, text = len(t.letters), text[3:]
			continue
		case ch >= 'a' && ch <= 'z' || ch >= 'A' && ch <= 'Z':
			t.letters = append(t.letters, int(ch))
		default:
			return t, fail(ErrShape, "%q in an equation", text)
		}
		text = text[1:]
	}
	if len(t.letters) > tensor.MaxRank {
		return t, fail(ErrShape, "%d labels of one operand", len(t.letters))
	}
	return t, nil
}

func parseEinsum(equation string) (*einsum, error) {
	left, right, explicit := strings.Cut(strings.ReplaceAll(equation, " ", ""), "->")
	e := &einsum{explicit: explicit}
	for _, text := range strings.Split(left, ",") {
		t, err := parseTerm(text)
		if err != nil {
			return nil, err
		}
		e.terms = append(e.terms, t)
	}
	var err error
	if e.result, err = parseTerm(right); err != nil {
		return nil, err
	}
	for i, l := range e.result.letters {
		if slices.Contains(e.result.letters[:i], l) {
			return nil, fail(ErrShape, "label %q twice in the result", rune(l))
		}
	}
	return e, nil
}

// labels spells a term out for a number of dimensions under the ellipsis.
func (t term) labels(hidden int) []int {
	if t.ellipsis < 0 {
		return t.letters
	}
	var dots []int
	for i := hidden; i > 0; i-- {
		dots = append(dots, -i)
	}
	return slices.Concat(t.letters[:t.ellipsis], dots, t.letters[t.ellipsis:])
}

// contraction is an Einsum of known shapes.
type contraction struct {
	labels [][]int
	size   map[int]int
	result []int
}

func (e *einsum) over(in []Spec) (*contraction, error) {
	if len(in) != len(e.terms) {
		return nil, fail(ErrShape, "%d operands, the equation has %d", len(in), len(e.terms))
	}
	c := &contraction{size: map[int]int{}}
	most := 0
	for i, t := range e.terms {
		hidden := len(in[i].Shape) - len(t.letters)
		if hidden < 0 || hidden > 0 && t.ellipsis < 0 || in[i].DType != in[0].DType {
			return nil, fail(ErrShape, "operand %d is %v of shape %v", i, in[i].DType, in[i].Shape)
		}
		most = max(most, hidden)
		labels := t.labels(hidden)
		c.labels = append(c.labels, labels)
		for d, l := range labels {
			old, ok := c.size[l]
			size := in[i].Shape[d]
			switch {
			case !ok || old == 1:
				c.size[l] = size
			case size != 1 && size != old:
				return nil, fail(ErrShape, "sizes %d and %d under one label", old, size)
			}
		}
	}
	c.result = e.result.labels(most)
	if !e.explicit {
		c.result = e.implied(most)
	}
	for _, l := range c.result {
		if _, ok := c.size[l]; !ok {
			return nil, fail(ErrShape, "a label of the result that no operand has")
		}
	}
	if len(c.size) > 2*tensor.MaxRank {
		return nil, fail(ErrUnsupported, "%d labels", len(c.size))
	}
	return c, nil
}

// implied is the result of an equation without one: what the dots hide, then the letters that occur once, by name.
func (e *einsum) implied(hidden int) []int {
	seen := map[int]int{}
	for _, t := range e.terms {
		for _, l := range t.letters {
			seen[l]++
		}
	}
	out := term{ellipsis: 0}.labels(hidden)
	for l := int('A'); l <= 'z'; l++ {
		if seen[l] == 1 {
			out = append(out, l)
		}
	}
	return out
}

func (c *contraction) shape(labels []int) []int {
	out := make([]int, len(labels))
	for i, l := range labels {
		out[i] = c.size[l]
	}
	return out
}

// pair is one step: what was computed so far times the next operand.
type pair struct{ batch, left, right, summed []int }

// pairUp sorts the labels of two operands; later says which are still needed.
func pairUp(a, b []int, later func(l int) bool) (p pair) {
	for i, l := range a {
		switch {
		case slices.Contains(a[:i], l):
		case !later(l):
			p.summed = append(p.summed, l)
		case slices.Contains(b, l):
			p.batch = append(p.batch, l)
		default:
			p.left = append(p.left, l)
		}
	}
	for i, l := range b {
		switch {
		case slices.Contains(b[:i], l) || slices.Contains(a, l):
		case !later(l):
			p.summed = append(p.summed, l)
		default:
			p.right = append(p.right, l)
		}
	}
	return p
}

// steps calls f for every pair, from left to right. A single operand is paired with nothing.
func (c *contraction) steps(f func(i int, p pair) error) error {
	so := c.labels[0]
	for i := 1; i < max(2, len(c.labels)); i++ {
		var next []int
		if i < len(c.labels) {
			next = c.labels[i]
		}
		p := pairUp(so, next, func(l int) bool {
			return slices.Contains(c.result, l) ||
				i+1 < len(c.labels) && slices.ContainsFunc(c.labels[i+1:], func(other []int) bool { return slices.Contains(other, l) })
		})
		if err := f(i, p); err != nil {
			return err
		}
		so = slices.Concat(p.batch, p.left, p.right)
	}
	return nil
}

func bindEinsum(b *binder) (eval, error) {
	e, err := parseEinsum(b.text("equation", ""))
	return eval{
		infer: func(in []Spec) ([]Spec, error) {
			c, err := e.over(in)
			if err != nil {
				return nil, err
			}
			switch in[0].DType {
			case tensor.Float32, tensor.Float64, tensor.Float16, tensor.BFloat16, tensor.Int32, tensor.Int64, tensor.Uint32, tensor.Uint64:
			default:
				return nil, fail(ErrUnsupported, "element type %v", in[0].DType)
			}
			return one(in[0].DType, c.shape(c.result)), nil
		},
		compute: func(c *call, in, out []*Tensor) error {
			plan, err := e.over(specsFor(in))
			if err != nil {
				return err
			}
			return c.einsum(plan, out[0], in)
		},
		scratch: e.scratch,
		cost: func(in, _ []Spec) Cost {
			c, err := e.over(in)
			var total Cost
			if err != nil {
				return total
			}
			_ = c.steps(func(_ int, p pair) error {
				n := macs(c.shape(slices.Concat(p.batch, p.left, p.right, p.summed))...)
				if total.Multiplies > 1<<62-n {
					n = 0
					total.Multiplies = 1 << 62
				}
				total.Multiplies += n
				return nil
			})
			total.Instructions = 30 * min(total.Multiplies, 1<<50)
			return total
		},
	}, err
}

// scratch is both operands laid out and the product, of every step.
func (e *einsum) scratch(in, _ []Spec) int64 {
	c, err := e.over(in)
	if err != nil {
		return 0
	}
	total, size := int64(0), int64(in[0].DType.Size())
	_ = c.steps(func(_ int, p pair) error {
		for _, labels := range [][]int{
			slices.Concat(p.batch, p.left, p.summed), slices.Concat(p.batch, p.summed, p.right), slices.Concat(p.batch, p.left, p.right),
		} {
			total += handedOut(size * min(macs(c.shape(labels)...), 1<<40))
		}
		return nil
	})
	return total
}

// operand labelled for an Einsum.
type labelled struct {
	*Tensor
	labels []int
}

// einsum multiplies from left to right. Each step is a product of matrices: rows are labels of the left side alone,
// columns of the right side alone, both for each batch of labels that both have and that are needed later; labels that
// are not needed later are contracted, those of the left side first, in its order. A side that lacks a contracted
// label is repeated along it.
func (c *call) einsum(plan *contraction, out *Tensor, in []*Tensor) error {
	if out.Len() == 0 {
		return nil
	}
	var release []func()
	defer func() {
		for _, f := range release {
			f()
		}
	}()
	laid := func(x labelled, labels []int, shape ...int) (*Tensor, error) {
		t, done, err := c.temporary(out.DType, plan.shape(labels))
		if err != nil {
			return nil, err
		}
		release = append(release, done)
		c.window(t, x.Tensor, plan.window(x, labels))
		flat := t.WithShape(shape...)
		return &flat, nil
	}
	so := labelled{in[0], plan.labels[0]}
	err := plan.steps(func(i int, p pair) error {
		next := labelled{Tensor: oneOf(out.DType)}
		if i < len(in) {
			next = labelled{in[i], plan.labels[i]}
		}
		if i >= len(in) && len(p.summed) == 0 { // one operand, only turned
			return nil
		}
		size := func(labels []int) int { return tensor.Product(plan.shape(labels)) }
		batch, m, n, k := size(p.batch), size(p.left), size(p.right), size(p.summed)
		a, err := laid(so, slices.Concat(p.batch, p.left, p.summed), batch, m, k)
		if err != nil {
			return err
		}
		b, err := laid(next, slices.Concat(p.batch, p.summed, p.right), batch, k, n)
		if err != nil {
			return err
		}
		labels := slices.Concat(p.batch, p.left, p.right)
		y, done, err := c.temporary(out.DType, plan.shape(labels))
		if err != nil {
			return err
		}
		release = append(release, done)
		flat := y.WithShape(batch, m, n)
		so = labelled{y, labels}
		return c.matMul(&flat, a, b)
	})
	if err != nil {
		return err
	}
	c.window(out, so.Tensor, plan.window(so, plan.result))
	return nil
}

// window walks a tensor by other labels: one that it has twice moves along both, one that it lacks stands still.
func (c *contraction) window(x labelled, labels []int) view {
	v := view{shape: c.shape(labels), strides: make([]int, len(labels))}
	for d, step := range strides(x.Shape) {
		if i := slices.Index(labels, x.labels[d]); i >= 0 && x.Shape[d] != 1 {
			v.strides[i] += step
		}
	}
	return v
}

// oneOf is the number 1.
func oneOf(dtype tensor.DType) *Tensor {
	t := tensor.New(dtype)
	copy(t.Bytes(), oneBytes(dtype))
	return &t
}

// temporary makes a tensor for the time of an evaluation; its elements are arbitrary.
func (c *call) temporary(dtype tensor.DType, shape []int) (*Tensor, func(), error) {
	n, ok := tensor.Count(shape, c.limits.Elements)
	if !ok {
		return nil, nil, fail(ErrLimit, "an intermediate result of shape %v", shape)
	}
	size := n * dtype.Size()
	b, err := c.memory.get(size)
	if err != nil {
		return nil, nil, err
	}
	t, err := tensor.Over(dtype, b.data[:size:size], n)
	if err != nil {
		c.memory.release(b)
		return nil, nil, fail(ErrLimit, "%v", err)
	}
	t = t.WithShape(shape...)
	return &t, func() { c.memory.release(b) }, nil
}
