package shape

import (
	"slices"

	"assay/inference/onnx"
)

// scan has carried values, then sequences that the body gets one element of at a time.
func scan(c *call) error {
	g, err := c.graph("body")
	if err != nil {
		return err
	}
	sequences := int(c.int("num_scan_inputs", 0))
	first := 0 // version 8 has the sequence lengths first and a batch dimension
	batched := c.since < 9
	if batched {
		first = 1
	}
	states := len(c.in) - first - sequences
	if sequences < 1 || states < 0 || len(g.Outputs) < states || len(c.out) > len(g.Outputs) {
		return c.fail("%d sequences, %d inputs, body of %d outputs", sequences, len(c.in), len(g.Outputs))
	}
	if batched {
		return c.batchedScan(g, states, sequences)
	}
	carried := make([]*Info, states)
	for i := range carried {
		carried[i] = c.input(i)
	}
	rows, length, err := c.scanRows(states, sequences)
	if err != nil {
		return err
	}
	state, made, err := c.settle(carried, func(state []*Info) ([]*Info, []*Info, error) {
		out, err := c.body(g, slices.Concat(state, rows))
		if err != nil {
			return nil, nil, err
		}
		return out[:states], out[states:], nil
	})
	if err != nil {
		return err
	}
	return c.scanOut(state, made, length)
}

// scanRows are the sequences without the dimension that the scan goes over, and its length.
func (c *call) scanRows(states, sequences int) (rows []*Info, length Expr, err error) {
	axes, _ := c.ints("scan_input_axes")
	known := false
	for i := range sequences {
		in := c.input(states + i)
		row := &Info{Kind: onnx.TypeTensor, DType: in.DType}
		if in.Shape != nil {
			at := int64(0)
			if i < len(axes) {
				at = axes[i]
			}
			axis, err := c.axis(at, len(in.Shape))
			if err != nil {
				return nil, Expr{}, err
			}
			row.Shape = slices.Delete(slices.Clone(in.Shape), axis, axis+1)
			if !known {
				length, known = in.Shape[axis], true
			} else if length, err = c.same("length of the sequences", length, in.Shape[axis]); err != nil {
				return nil, Expr{}, err
			}
		}
		rows = append(rows, row)
	}
	if !known {
		length = c.fresh(0, 0)
	}
	return rows, length, nil
}

func (c *call) scanOut(state, made []*Info, length Expr) error {
	axes, _ := c.ints("scan_output_axes")
	for i := range c.out {
		if i < len(state) {
			*c.out[i] = *state[i]
			continue
		}
		j := i - len(state)
		row := made[j]
		c.set(i, row.DType, nil)
		if row.Shape == nil {
			continue
		}
		at := int64(0)
		if j < len(axes) {
			at = axes[j]
		}
		axis, err := c.axis(at, len(row.Shape)+1)
		if err != nil {
			return err
		}
		c.set(i, row.DType, slices.Insert(slices.Clone(row.Shape), axis, length))
	}
	return nil
}

// batchedScan is version 8: every value has the batch in front, and sequences their length after it.
func (c *call) batchedScan(g *onnx.Graph, states, sequences int) error {
	drop := func(in *Info, n int) *Info {
		out := &Info{Kind: onnx.TypeTensor, DType: in.DType}
		if len(in.Shape) >= n {
			out.Shape = in.Shape[n:]
		}
		return out
	}
	batch, length := c.fresh(0, 0), c.fresh(0, 1)
	carried, rows := []*Info{}, []*Info{}
	for i := 1; i < len(c.in); i++ {
		in := c.input(i)
		if i <= states {
			carried = append(carried, drop(in, 1))
		} else {
			rows = append(rows, drop(in, 2))
			if len(in.Shape) >= 2 {
				length = in.Shape[1]
			}
		}
		if len(in.Shape) >= 1 {
			batch = in.Shape[0]
		}
	}
	state, made, err := c.settle(carried, func(state []*Info) ([]*Info, []*Info, error) {
		out, err := c.body(g, slices.Concat(state, rows))
		if err != nil {
			return nil, nil, err
		}
		return out[:states], out[states:], nil
	})
	if err != nil {
		return err
	}
	for i := range c.out {
		front, row := []Expr{batch}, &Info{}
		if i < states {
			row = state[i]
		} else {
			front, row = []Expr{batch, length}, made[i-states]
		}
		c.set(i, row.DType, nil)
		if row.Shape != nil {
			c.set(i, row.DType, append(front, row.Shape...))
		}
	}
	return nil
}

// sequenceMap gives its body one element of each sequence; tensors among the inputs stay whole.
func sequenceMap(c *call) error {
	g, err := c.graph("body")
	if err != nil {
		return err
	}
	in := make([]*Info, len(c.in))
	for i := range in {
		in[i] = c.input(i)
		if in[i].Kind == onnx.TypeSequence {
			in[i] = in[i].Element
		}
	}
	out, err := c.body(g, in)
	if err != nil {
		return err
	}
	for i := range c.out {
		if i < len(out) {
			*c.out[i] = Info{Kind: onnx.TypeSequence, Element: bare(out[i])}
		}
	}
	return nil
}
