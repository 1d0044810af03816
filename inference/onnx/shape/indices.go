package shape

// plain gives the dimensions when all are numbers that make up a content of n elements.
func plain(shape []Expr, n int) ([]int, bool) {
	out := make([]int, len(shape))
	total := 1
	for i, d := range shape {
		v, ok := d.Const()
		if !ok || v < 0 || v > followed {
			return nil, false
		}
		out[i] = int(v)
		if total *= out[i]; total > followed {
			return nil, false
		}
	}
	return out, shape != nil && total == n
}

// rearrange builds the content of output 0, of the given shape, by taking for each of its positions the element at another
// position of input 0.
func (c *call) rearrange(shape []Expr, source func(at, from []int)) {
	content := c.input(0).content
	from, ok := plain(c.shape(0), len(content))
	n, isConst := count(shape)
	if content == nil || !ok || !isConst || n > followed {
		return
	}
	to, ok := plain(shape, int(n))
	if !ok {
		return
	}
	out := make([]elem, n)
	at, position := make([]int, len(to)), make([]int, len(from))
	for i := range out {
		source(at, position)
		index := 0
		for axis, p := range position {
			if p < 0 || p >= from[axis] {
				return
			}
			index = index*from[axis] + p
		}
		out[i] = content[index]
		for axis := len(at) - 1; axis >= 0; axis-- {
			if at[axis]++; at[axis] < to[axis] {
				break
			}
			at[axis] = 0
		}
	}
	c.content(0, out)
}
