package rewrite

import (
	"math"

	"assay/inference/onnx"
)

// minTable is the number of elements from which a table of vectors is worth the three nodes more.
const minTable = 1 << 16

// table is a constant matrix in which ids look up rows, such as the embeddings of words.
type table struct {
	constant      string
	rows, columns int
	integers      []byte // the file's own int8, with a scale per row; nil when they must be made
	scale         []float32
}

// findTables gives the tables by the index of the node that looks rows up.
func findTables(g *onnx.Graph, c *constants) map[int]table {
	found := map[int]table{}
	for i := range g.Nodes {
		if t, ok := c.table(&g.Nodes[i]); ok {
			found[i] = t
		}
	}
	return found
}

// table recognises a node that looks up rows of an fp32 matrix.
func (c *constants) table(n *onnx.Node) (table, bool) {
	if n.Op != "Gather" || n.Domain != "" || len(n.Inputs) != 2 || n.Outputs[0] == "" {
		return table{}, false
	}
	if axis := n.Attribute("axis"); axis != nil && axis.Int != 0 {
		return table{}, false
	}
	values := c.value(n.Inputs[0], maxSteps)
	if values == nil || values.rank != 2 || values.dtype != onnx.Float32 || len(values.data) < minTable {
		return table{}, false
	}
	t := table{constant: n.Inputs[0], rows: values.rows, columns: values.columns}
	if _, stored := c.stored[t.constant]; stored {
		return t, true
	}
	t.integers, t.scale = c.rowIntegers(t)
	return t, t.integers != nil
}

// rowIntegers recognises Mul(Cast(int8), scale per row).
func (c *constants) rowIntegers(t table) ([]byte, []float32) {
	mul := c.makers[t.constant]
	if mul == nil || mul.Op != "Mul" || len(mul.Inputs) != 2 {
		return nil, nil
	}
	for i, in := range mul.Inputs {
		cast := c.makers[in]
		if cast == nil || cast.Op != "Cast" || len(cast.Inputs) != 1 {
			continue
		}
		stored, scale := c.stored[cast.Inputs[0]], c.value(mul.Inputs[1-i], maxSteps)
		whole := stored != nil && stored.DType == onnx.Int8 && len(stored.Raw) == t.rows*t.columns && len(stored.Shape) == 2
		if whole && scale != nil && scale.columns == 1 && (scale.rows == t.rows || scale.rows == 1) {
			return stored.Raw, spread(scale.data, t.rows)
		}
	}
	return nil, nil
}

// lookUp keeps a table as int8 with a scale per row, and multiplies out only the rows that are looked up:
//
//	Mul(Cast(Gather(integers, ids)), Gather(scale, ids))
func (r *rewriter) lookUp(n *onnx.Node, t table) []onnx.Node {
	constants := r.once("table\x00"+t.constant, func() []string {
		integers, scale := t.integers, t.scale
		if integers == nil {
			integers, scale = perTableRow(r.weights.value(t.constant, maxSteps))
		}
		return []string{
			r.constant(onnx.Tensor{Name: t.constant + ".int8", DType: onnx.Int8, Shape: sizes([]int{t.rows, t.columns}), Raw: integers}),
			r.constant(floatTensor(t.constant+".scale", scale, t.rows, 1)),
		}
	})
	r.report.Tables = append(r.report.Tables, Table{Node: n.Name, Rows: t.rows, Columns: t.columns, Exact: t.integers != nil})
	name := func(suffix string) string { return r.fresh(n.Outputs[0] + suffix) }
	whole, cast, scale := name(".int8"), name(".cast"), name(".scale")
	return []onnx.Node{
		{Name: whole, Op: "Gather", Inputs: []string{constants[0], n.Inputs[1]}, Outputs: []string{whole}},
		{Name: scale, Op: "Gather", Inputs: []string{constants[1], n.Inputs[1]}, Outputs: []string{scale}},
		{Name: cast, Op: "Cast", Inputs: []string{whole}, Outputs: []string{cast}, Attributes: []onnx.Attribute{toFloat}},
		{Name: n.Name, Op: "Mul", Inputs: []string{cast, scale}, Outputs: []string{n.Outputs[0]}},
	}
}

var toFloat = onnx.Attribute{Name: "to", Kind: onnx.KindInt, Int: int64(onnx.Float32)}

// perTableRow rounds every row to int8 by a scale of its own.
func perTableRow(m *array) (integers []byte, scale []float32) {
	for begin := 0; begin < len(m.data); begin += m.columns {
		row := m.data[begin : begin+m.columns]
		most := float32(0)
		for _, v := range row {
			most = max(most, float32(math.Abs(float64(v))))
		}
		step := most / 127
		if step == 0 {
			step = 1
		}
		scale = append(scale, step)
		for _, v := range row {
			q := math.RoundToEven(float64(v / step))
			integers = append(integers, byte(int8(min(max(q, -127), 127))))
		}
	}
	return integers, scale
}
