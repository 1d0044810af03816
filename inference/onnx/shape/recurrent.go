package shape

// recurrent is RNN, GRU or LSTM: all steps, the last one, and for LSTM the last cell.
func recurrent(c *call) error {
	in, r := c.shape(0), c.shape(2)
	if err := c.ranked(0, 3); err != nil {
		return err
	}
	if err := c.ranked(2, 3); err != nil {
		return err
	}
	directions := int64(1)
	if c.text("direction", "forward") == "bidirectional" {
		directions = 2
	}
	hidden := c.fresh(0, 3)
	if v := c.int("hidden_size", 0); v > 0 {
		hidden = Const(v)
	} else if r != nil {
		hidden = r[2]
	}
	length, batch := c.fresh(0, 0), c.fresh(0, 2)
	batchFirst := c.int("layout", 0) != 0
	if in != nil {
		length, batch = in[0], in[1]
		if batchFirst {
			length, batch = batch, length
		}
	}
	d := Const(directions)
	all, last := []Expr{length, d, batch, hidden}, []Expr{d, batch, hidden}
	if batchFirst {
		all, last = []Expr{batch, length, d, hidden}, []Expr{batch, d, hidden}
	}
	c.set(0, c.dtype(0), all)
	c.set(1, c.dtype(0), last)
	c.set(2, c.dtype(0), last)
	return nil
}
