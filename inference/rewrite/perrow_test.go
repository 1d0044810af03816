package rewrite_test

import (
	"math"
	"testing"

	"assay/inference/internal/realmodel"
	"assay/inference/onnx"
	"assay/inference/rewrite"
	"assay/inference/tensor"
)

// perRowByHand is the definition of the per-row product, one rounding after another.
func perRowByHand(a []float32, q []int8, scale []float32) []float32 {
	k, n := len(q)/len(scale), len(scale)
	var out []float32
	for row := 0; row < len(a); row += k {
		most := float32(0)
		for _, v := range a[row : row+k] {
			most = max(most, float32(math.Abs(float64(v))))
		}
		step := most / 127
		if step == 0 {
			step = 1
		}
		for c := range n {
			sum := int32(0)
			for i, v := range a[row : row+k] {
				whole := math.RoundToEven(float64(v / step))
				sum += int32(min(max(whole, -127), 127)) * int32(q[i*n+c])
			}
			out = append(out, float32(float32(float32(sum)*step)*scale[c]))
		}
	}
	return out
}

// TestPerRowBits runs the function that a rewritten model carries in ONNX Runtime and by the exact executor: every bit
// is the definition's, also for rows of zeros, of halves, of subnormals and of the largest numbers.
func TestPerRowBits(t *testing.T) {
	if testing.Short() {
		t.Skip("runs ONNX Runtime")
	}
	t.Parallel()
	tiny := math.Float32frombits(40)
	rows := []float32{
		0, 0, 0,
		127, 63.5, -0.5,
		254, 1, 3,
		1e-3, -7e-4, 3.3e-4,
		tiny, -tiny, 0,
		math.Float32frombits(9000), math.Float32frombits(3), 0,
		math.MaxFloat32, -math.MaxFloat32, 1e38,
		-1, 0.3333333, 0.99999994,
	}
	for _, opset := range []int64{11, 13, 17, 18, 21} {
		g := float()
		g.Opset, g.Opsets = opset, map[string]int64{"": opset}
		out, _, err := rewrite.Rewrite(g, rewrite.PerRow)
		if err != nil {
			t.Fatal(err)
		}
		in := realmodel.Inputs{"x": tensor.FromFloat32(rows, len(rows)/3, 3)}
		answer := realmodel.Reference(t, realmodel.Kept(t, onnx.Encode(out)), []realmodel.Inputs{in})[0]["y"]
		run, err := rewrite.Exact(parse(t, onnx.Encode(out)))
		if err != nil {
			t.Fatal(err)
		}
		ours, err := run(in)
		if err != nil {
			t.Fatal(err)
		}
		exact := ours["y"]
		var q []int8
		for _, b := range out.Initializers[0].Raw {
			q = append(q, int8(b))
		}
		scale, err := tensor.Over(tensor.Float32, out.Initializers[1].Raw, 2)
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range perRowByHand(rows, q, scale.Float32s()) {
			for by, got := range map[string]float32{"ONNX Runtime": answer.Float32s()[i], "exact": exact.Float32s()[i]} {
				if math.Float32bits(got) != math.Float32bits(want) {
					t.Errorf("operator set %d, row %d, column %d by %s: %v, want %v", opset, i/2, i%2, by, got, want)
				}
			}
		}
	}
}
