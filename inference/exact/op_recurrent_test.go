package exact

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"assay/inference/ir"
	"assay/inference/tensor"
)

// recurrentCase is a random recurrent node with its operands.
type recurrentCase struct {
	op                                string
	attrs                             []ir.Attr
	dirs, steps, batch, depth, hidden int
	gates, outputs                    int
	reverse, linearFirst, coupled     bool
	clip                              float64
	in                                []*Tensor
}

func randomRecurrent(r *rand.Rand, op string) recurrentCase {
	c := recurrentCase{op: op, dirs: 1, steps: 1 + r.IntN(5), batch: 1 + r.IntN(4), depth: 1 + r.IntN(20), hidden: 1 + r.IntN(20)}
	c.gates = map[string]int{"RNN": 1, "GRU": 3, "LSTM": 4}[op]
	c.outputs = map[string]int{"RNN": 2, "GRU": 2, "LSTM": 3}[op]
	switch r.IntN(3) {
	case 0:
		c.dirs, c.attrs = 2, append(c.attrs, aText("direction", "bidirectional"))
	case 1:
		c.reverse, c.attrs = true, append(c.attrs, aText("direction", "reverse"))
	}
	if op == "GRU" && r.IntN(2) == 0 {
		c.linearFirst, c.attrs = true, append(c.attrs, aInt("linear_before_reset", 1))
	}
	if op == "LSTM" && r.IntN(3) == 0 {
		c.coupled, c.attrs = true, append(c.attrs, aInt("input_forget", 1))
	}
	if r.IntN(3) == 0 {
		c.clip, c.attrs = 0.5, append(c.attrs, aFloat("clip", 0.5))
	}
	n := c.gates * c.hidden
	maybe := func(x *Tensor) *Tensor {
		if r.IntN(3) == 0 {
			return nil
		}
		return x
	}
	lengths := tensor.New(tensor.Int32, c.batch)
	for i := range lengths.Int32s() {
		lengths.Int32s()[i] = int32(r.IntN(c.steps + 1))
	}
	c.in = []*Tensor{
		noiseTensor(r, c.steps, c.batch, c.depth), noiseTensor(r, c.dirs, n, c.depth), noiseTensor(r, c.dirs, n, c.hidden),
		maybe(noiseTensor(r, c.dirs, 2*n)), maybe(&lengths), maybe(noiseTensor(r, c.dirs, c.batch, c.hidden)),
	}
	if op == "LSTM" {
		c.in = append(c.in, maybe(noiseTensor(r, c.dirs, c.batch, c.hidden)), maybe(noiseTensor(r, c.dirs, 3*c.hidden)))
	}
	return c
}

// value reads an operand that may be left out, as 0.
func (c *recurrentCase) value(i, at int) float64 {
	if i >= len(c.in) || c.in[i] == nil {
		return 0
	}
	return float64(c.in[i].Float32s()[at])
}

// plain computes one element of the batch in float64, as ONNX writes it down: the states after every time, in the
// direction given, and the last states.
func (c *recurrentCase) plain(d, b int) (all [][]float64, h, cell []float64) {
	n, rows := c.hidden, c.gates*c.hidden
	h, cell = make([]float64, n), make([]float64, n)
	for i := range n {
		h[i], cell[i] = c.value(5, (d*c.batch+b)*n+i), c.value(6, (d*c.batch+b)*n+i)
	}
	length := c.steps
	if c.in[4] != nil {
		length = int(c.in[4].Int32s()[b])
	}
	all = make([][]float64, c.steps)
	for s := range length {
		t := s
		if c.reverse || d == 1 {
			t = length - 1 - s
		}
		x := func(g, i int) (sum float64) {
			for k := range c.depth {
				sum += c.value(0, (t*c.batch+b)*c.depth+k) * c.value(1, (d*rows+g*n+i)*c.depth+k)
			}
			return sum + c.value(3, d*2*rows+g*n+i)
		}
		state := func(g, i int, scale func(int) float64) (sum float64) {
			for k := range n {
				sum += h[k] * scale(k) * c.value(2, (d*rows+g*n+i)*n+k)
			}
			return sum + c.value(3, d*2*rows+rows+g*n+i)
		}
		same := func(int) float64 { return 1 }
		clip := func(v float64) float64 {
			if c.clip > 0 {
				return min(max(v, -c.clip), c.clip)
			}
			return v
		}
		sigmoid := func(v float64) float64 { return 1 / (1 + math.Exp(-clip(v))) }
		tanh := func(v float64) float64 { return math.Tanh(clip(v)) }
		nextH, nextC := make([]float64, n), make([]float64, n)
		reset := make([]float64, n)
		if c.op == "GRU" {
			for i := range n {
				reset[i] = sigmoid(x(1, i) + state(1, i, same))
			}
		}
		for i := range n {
			switch c.op {
			case "RNN":
				nextH[i] = tanh(x(0, i) + state(0, i, same))
			case "GRU":
				z := sigmoid(x(0, i) + state(0, i, same))
				fresh := x(2, i)
				if c.linearFirst {
					fresh += reset[i] * state(2, i, same)
				} else {
					fresh += state(2, i, func(k int) float64 { return reset[k] })
				}
				nextH[i] = (1-z)*tanh(fresh) + z*h[i]
			case "LSTM":
				peep := func(g int, v float64) float64 { return c.value(7, d*3*n+g*n+i) * v }
				in := sigmoid(x(0, i) + state(0, i, same) + peep(0, cell[i]))
				forget := 1 - in
				if !c.coupled {
					forget = sigmoid(x(2, i) + state(2, i, same) + peep(2, cell[i]))
				}
				nextC[i] = forget*cell[i] + in*tanh(x(3, i)+state(3, i, same))
				nextH[i] = sigmoid(x(1, i)+state(1, i, same)+peep(1, nextC[i])) * tanh(nextC[i])
			}
		}
		h, cell = nextH, nextC
		all[t] = h
	}
	return all, h, cell
}

func TestRecurrentMatchesDefinition(t *testing.T) {
	t.Parallel()
	for _, op := range []string{"RNN", "GRU", "LSTM"} {
		t.Run(op, func(t *testing.T) {
			t.Parallel()
			r := rand.New(rand.NewPCG(13, uint64(len(op))))
			for range 60 {
				c := randomRecurrent(r, op)
				got, err := runNode(t, op, slices.Clone(c.attrs), c.outputs, c.in...)
				if err != nil {
					t.Fatal(err)
				}
				close := func(what string, g float32, want float64) {
					if math.Abs(float64(g)-want) > 2e-5 {
						t.Fatalf("%+v: %s is %v, want %v", c, what, g, want)
					}
				}
				for d := range c.dirs {
					for b := range c.batch {
						all, h, cell := c.plain(d, b)
						for i := range c.hidden {
							for step, states := range all {
								want := 0.0
								if states != nil {
									want = states[i]
								}
								close(fmt.Sprint("state ", i, " after ", step), got[0].Float32s()[((step*c.dirs+d)*c.batch+b)*c.hidden+i], want)
							}
							close("last state", got[1].Float32s()[(d*c.batch+b)*c.hidden+i], h[i])
							if op == "LSTM" {
								close("last cell", got[2].Float32s()[(d*c.batch+b)*c.hidden+i], cell[i])
							}
						}
					}
				}
			}
		})
	}
}

// exchanged gives a tensor with its dimensions in another order.
func exchanged(t *testing.T, x *Tensor, perm ...int64) *Tensor {
	t.Helper()
	if x == nil {
		return nil
	}
	y, err := runNode(t, "Transpose", []ir.Attr{aInts("perm", perm...)}, 1, x)
	if err != nil {
		t.Fatal(err)
	}
	return &y[0]
}

// TestRecurrentBits: neither batch mates, nor steps after a sequence's end, nor the layout, nor whether the weights are
// constants changes a bit.
func TestRecurrentBits(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(14, 15))
	for i := range 60 {
		c := randomRecurrent(r, []string{"RNN", "GRU", "LSTM"}[i%3])
		whole, err := runNode(t, c.op, slices.Clone(c.attrs), c.outputs, c.in...)
		if err != nil {
			t.Fatal(err)
		}
		constant := runConstantWeights(t, &c)
		for o := range whole {
			if !same(&whole[o], &constant[o]) {
				t.Fatalf("%s %v: output %d differs with constant weights", c.op, c.attrs, o)
			}
		}
		turned := slices.Clone(c.in)
		for _, at := range []int{0, 5, 6} {
			if at < len(turned) {
				turned[at] = exchanged(t, turned[at], 1, 0, 2)
			}
		}
		layout, err := runNode(t, c.op, append(slices.Clone(c.attrs), aInt("layout", 1)), c.outputs, turned...)
		if err != nil {
			t.Fatal(err)
		}
		if y := exchanged(t, &layout[0], 1, 2, 0, 3); !same(y, &whole[0]) {
			t.Fatalf("%s %v: another layout has other bits", c.op, c.attrs)
		}
		if y := exchanged(t, &layout[1], 1, 0, 2); !same(y, &whole[1]) {
			t.Fatalf("%s %v: another layout has other last states", c.op, c.attrs)
		}
		for b := range c.batch {
			alone := slices.Clone(c.in)
			length := c.steps
			if c.in[4] != nil {
				length = int(c.in[4].Int32s()[b])
				alone[4] = nil
			}
			for _, at := range []int{0, 5, 6} {
				if at < len(alone) {
					alone[at] = picked(t, alone[at], 1, b, b+1)
				}
			}
			alone[0] = picked(t, alone[0], 0, 0, length)
			got, err := runNode(t, c.op, slices.Clone(c.attrs), c.outputs, alone...)
			if err != nil {
				t.Fatal(err)
			}
			want := picked(t, picked(t, &whole[0], 2, b, b+1), 0, 0, length)
			if !same(&got[0], want) {
				t.Fatalf("%s %v: element %d alone has other bits", c.op, c.attrs, b)
			}
			if want := picked(t, &whole[1], 1, b, b+1); !same(&got[1], want) {
				t.Fatalf("%s %v: element %d alone has another last state", c.op, c.attrs, b)
			}
		}
	}
}

func picked(t *testing.T, x *Tensor, axis, from, to int) *Tensor {
	t.Helper()
	if x == nil {
		return nil
	}
	y, err := runNode(t, "Slice", nil, 1, x, i64s([]int64{int64(from)}), i64s([]int64{int64(to)}), i64s([]int64{int64(axis)}))
	if err != nil {
		t.Fatal(err)
	}
	return &y[0]
}

// runConstantWeights runs the node with its matrices as constants of the graph.
func runConstantWeights(t *testing.T, c *recurrentCase) []Tensor {
	t.Helper()
	g := &ir.Graph{Constants: []ir.Constant{{Data: *c.in[1]}, {Data: *c.in[2]}}}
	given := map[string]Tensor{}
	n := ir.Node{Op: c.op, Attrs: slices.Clone(c.attrs)}
	for i, x := range c.in {
		if x != nil && i != 1 && i != 2 {
			name := fmt.Sprint(i)
			g.Inputs = append(g.Inputs, ir.Value{Name: name, DType: x.DType, Unranked: true})
			given[name] = *x
		}
	}
	next := ir.ID(0)
	for i, x := range c.in {
		switch {
		case x == nil:
			n.In = append(n.In, ir.None)
		case i == 1 || i == 2:
			n.In = append(n.In, ir.ID(len(g.Inputs)+i-1))
		default:
			n.In = append(n.In, next)
			next++
		}
	}
	slices.SortFunc(n.Attrs, func(a, b ir.Attr) int {
		if a.Name < b.Name {
			return -1
		}
		return 1
	})
	for i := range c.outputs {
		id := g.First() + ir.ID(i)
		n.Out = append(n.Out, id)
		g.Outputs = append(g.Outputs, ir.Output{Name: fmt.Sprint(i), Value: id})
	}
	g.Nodes = []ir.Node{n}
	p, err := New(g, Config{})
	if err != nil {
		t.Fatal(err)
	}
	results, err := p.Run(given, nil)
	if err != nil {
		t.Fatal(err)
	}
	out := make([]Tensor, c.outputs)
	for i := range out {
		out[i] = results[fmt.Sprint(i)]
	}
	return out
}
