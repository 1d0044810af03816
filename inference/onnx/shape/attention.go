package shape

// heads4 gives batch, heads, length and head size of a query, key or value of rank 3 or 4.
func (c *call) heads4(i int, heads int64) []Expr {
	in := c.shape(i)
	switch len(in) {
	case 4:
		return in
	case 3:
		if heads <= 0 {
			return nil
		}
		return []Expr{in[0], Const(heads), in[1], c.size(0, 2)(floorDiv(in[2], Const(heads)))}
	}
	return nil
}

// attention is the default domain's operator: output, present key, present value, scores.
func attention(c *call) error {
	qHeads, kvHeads := c.int("q_num_heads", 0), c.int("kv_num_heads", 0)
	q, k, v := c.heads4(0, qHeads), c.heads4(1, kvHeads), c.heads4(2, kvHeads)
	for i := range c.out {
		c.set(i, c.dtype(0), nil)
	}
	c.set(2, c.dtype(2), nil)
	if q == nil || k == nil || v == nil {
		return nil
	}
	total, ok := k[2], true
	if past := c.shape(4); c.given(4) {
		if len(past) != 4 {
			return nil
		}
		total, ok = add(past[2], k[2])
	}
	total = c.size(1, 2)(total, ok)
	if len(c.shape(0)) == 4 {
		c.set(0, c.dtype(0), []Expr{q[0], q[1], q[2], v[3]})
	} else {
		c.set(0, c.dtype(0), []Expr{q[0], q[2], c.size(0, 2)(mul(q[1], v[3]))})
	}
	c.set(1, c.dtype(1), []Expr{k[0], k[1], total, k[3]})
	c.set(2, c.dtype(2), []Expr{v[0], v[1], total, v[3]})
	c.set(3, c.dtype(0), []Expr{q[0], q[1], q[2], total})
	return nil
}

func linearAttention(c *call) error {
	kvHeads := c.int("kv_num_heads", 0)
	q, k, v := c.heads4(0, c.int("q_num_heads", 0)), c.heads4(1, kvHeads), c.heads4(2, kvHeads)
	state := c.dtype(3)
	if state == 0 {
		state = c.dtype(0)
	}
	c.set(0, c.dtype(0), nil)
	c.set(1, state, c.shape(3))
	if q == nil || k == nil || v == nil {
		return nil
	}
	c.set(0, c.dtype(0), []Expr{q[0], q[2], c.size(0, 2)(mul(q[1], v[3]))})
	c.set(1, state, []Expr{k[0], k[1], k[3], v[3]})
	return nil
}

func flexAttention(c *call) error {
	q, v := c.shape(0), c.shape(2)
	c.set(0, c.dtype(0), nil)
	if len(q) == 4 && len(v) == 4 {
		c.set(0, c.dtype(0), []Expr{q[0], q[1], q[2], v[3]})
	}
	return nil
}

// multiHead is com.microsoft's MultiHeadAttention: output and the cache.
func multiHead(c *call) error {
	q, k, v := c.shape(0), c.shape(1), c.shape(2)
	heads := c.int("num_heads", 0)
	for i := range c.out {
		c.set(i, c.dtype(0), nil)
	}
	if len(q) != 3 || heads <= 0 { // packed forms
		return nil
	}
	hidden := q[2]
	if len(v) == 3 {
		hidden = v[2]
	} else if len(v) == 4 {
		hidden = c.size(0, 2)(mul(v[1], v[3]))
	}
	c.set(0, c.dtype(0), []Expr{q[0], q[1], hidden})
	if len(k) != 3 || len(v) != 3 {
		return nil
	}
	total, ok := k[1], true
	if c.given(6) {
		past := c.shape(6)
		if len(past) != 4 {
			return nil
		}
		total, ok = add(past[2], k[1])
	}
	total = c.size(1, 2)(total, ok)
	for i, s := range []Expr{k[2], v[2]} {
		c.set(1+i, c.dtype(0), []Expr{q[0], Const(heads), total, c.size(1+i, 3)(floorDiv(s, Const(heads)))})
	}
	return nil
}

// groupQuery is com.microsoft's GroupQueryAttention: output and the cache, which may be longer than the sequence.
func groupQuery(c *call) error {
	q := c.shape(0)
	for i := range c.out {
		c.set(i, c.dtype(0), nil)
	}
	if len(q) != 3 {
		return nil
	}
	heads, kv := c.int("num_heads", 0), c.int("kv_num_heads", 0)
	hidden := q[2]
	if !c.given(1) && heads > 0 { // query, key and value in one
		each := c.size(0, 2)(floorDiv(q[2], Const(heads+2*kv)))
		hidden = c.size(0, 2)(mul(each, Const(heads)))
	}
	c.set(0, c.dtype(0), []Expr{q[0], q[1], hidden})
	if past := c.shape(3); len(past) == 4 {
		for i := 1; i < 3; i++ {
			c.set(i, c.dtype(3), []Expr{past[0], past[1], c.fresh(i, 2), past[3]})
		}
	}
	return nil
}

// encoderAttention is com.microsoft's Attention: its weight holds query, key and value side by side.
func encoderAttention(c *call) error {
	in, w := c.shape(0), c.shape(1)
	for i := range c.out {
		c.set(i, c.dtype(0), nil)
	}
	if len(in) != 3 || len(w) != 2 {
		return nil
	}
	hidden := c.size(0, 2)(floorDiv(w[1], Const(3)))
	if sizes, ok := c.ints("qkv_hidden_sizes"); ok && len(sizes) == 3 {
		hidden = Const(sizes[2])
	}
	c.set(0, c.dtype(0), []Expr{in[0], in[1], hidden})
	if c.given(4) {
		c.set(1, c.dtype(4), nil)
	}
	return nil
}
