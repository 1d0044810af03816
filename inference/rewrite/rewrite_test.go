package rewrite_test

import (
	"testing"

	"assay/inference/internal/realmodel"
	"assay/inference/onnx"
	"assay/inference/rewrite"
)

// bound is the loss that a form may cost on a real model, measured in ONNX Runtime.
type bound struct {
	maxAbs, cosine float64
}

// TestInONNXRuntime runs rewritten real models where the originals run, and holds their loss to stated limits.
func TestInONNXRuntime(t *testing.T) {
	if testing.Short() {
		t.Skip("runs real models in Python")
	}
	for _, c := range []struct {
		model  realmodel.Model
		kind   string // of ONNX Runtime's quantisation before, if any
		bounds map[rewrite.Form]bound
	}{
		{realmodel.MiniLM(), "", map[rewrite.Form]bound{
			rewrite.WeightOnly: {0, 1}, rewrite.PerRow: {0.4, 0.98}, rewrite.Q8: {0.2, 0.997}, rewrite.Q4: {1.1, 0.86},
		}},
		{realmodel.MiniLMFloat(), "", map[rewrite.Form]bound{
			rewrite.WeightOnly: {0.25, 0.996}, rewrite.PerRow: {0.4, 0.98}, rewrite.Q8: {0.2, 0.997}, rewrite.Q4: {1.1, 0.86},
		}},
		{realmodel.BGESmall(), "", map[rewrite.Form]bound{rewrite.WeightOnly: {0.5, 0.96}, rewrite.PerRow: {0.4, 0.98}}},
		{realmodel.MiniLM(), "dynamic", map[rewrite.Form]bound{rewrite.WeightOnly: {0.6, 0.96}, rewrite.PerRow: {0.7, 0.96}}},
	} {
		for form, most := range c.bounds {
			t.Run(c.model.Name+" "+c.kind+" to "+string(form), func(t *testing.T) {
				t.Parallel()
				path, cases := c.model.Path(t), c.model.Inputs(t)
				if c.kind != "" {
					path = realmodel.Quantized(t, path, c.kind, cases)
				}
				rewritten, report := rewritten(t, path, form)
				loss := compared(t, cases, path, realmodel.Kept(t, rewritten))
				t.Logf("%d products, %d tables, %d left; %.1f MB; max-abs %.3g of %.3g (case %d), cosine %.6f", len(report.Products), len(report.Tables), len(report.Left), float64(len(rewritten))/1e6, loss.MaxAbs, loss.Largest, loss.Sample, loss.Cosine)
				if loss.MaxAbs > most.maxAbs || loss.Cosine < most.cosine {
					t.Errorf("max-abs %.3g, cosine %.6f, at most %v", loss.MaxAbs, loss.Cosine, most)
				}
			})
		}
	}
}

func rewritten(t *testing.T, path string, form rewrite.Form) ([]byte, rewrite.Report) {
	t.Helper()
	graph := parsed(t, path)
	out, report, err := rewrite.Rewrite(graph, form)
	if err != nil {
		t.Fatal(err)
	}
	data := onnx.Encode(out)
	if _, err := onnx.Parse(data, onnx.Limits{}); err != nil {
		t.Fatalf("what came out is refused: %v", err)
	}
	return data, report
}

// compared takes the answers of both files from ONNX Runtime.
func compared(t *testing.T, cases []realmodel.Inputs, original, rewritten string) rewrite.Loss {
	t.Helper()
	loss, err := rewrite.Compare(cases, answers(t, original, cases), answers(t, rewritten, cases))
	if err != nil {
		t.Fatal(err)
	}
	return loss
}

// answers gives ONNX Runtime's, case after case.
func answers(t *testing.T, path string, cases []realmodel.Inputs) rewrite.Run {
	t.Helper()
	all := realmodel.Reference(t, path, cases)
	next := 0
	return func(rewrite.Values) (rewrite.Values, error) {
		next++
		return all[next-1], nil
	}
}

// TestByExact runs rewritten models by the exact executor and in ONNX Runtime: the same model, the same answers. Where
// activations are rounded to 8 bits, a difference in the last place of fp32 moves some of them by a whole step, later
// layers more, so that two runtimes differ as much as rounding costs (see [TestPerRowBits] for one product alone).
func TestByExact(t *testing.T) {
	if testing.Short() {
		t.Skip("runs real models in Python")
	}
	for _, c := range []struct {
		model  realmodel.Model
		form   rewrite.Form
		maxAbs float64
		cosine float64
	}{
		{realmodel.MiniLM(), rewrite.WeightOnly, 1e-5, 0.9999999},
		{realmodel.MiniLM(), rewrite.PerRow, 0.4, 0.985},
		{realmodel.MiniLM(), rewrite.Q8, 0.2, 0.995},
		{realmodel.MiniLM(), rewrite.Q4, 0.2, 0.995},
		{realmodel.BGESmall(), rewrite.WeightOnly, 1e-5, 0.9999999},
		{realmodel.BGESmall(), rewrite.PerRow, 0.4, 0.985},
	} {
		t.Run(c.model.Name+" "+string(c.form), func(t *testing.T) {
			t.Parallel()
			data, _ := rewritten(t, c.model.Path(t), c.form)
			cases := c.model.Inputs(t)
			ours, err := rewrite.Exact(parse(t, data))
			if err != nil {
				t.Fatal(err)
			}
			loss, err := rewrite.Compare(cases, answers(t, realmodel.Kept(t, data), cases), ours)
			if err != nil {
				t.Fatal(err)
			}
			t.Logf("max-abs %.3g of %.3g, cosine %.9f", loss.MaxAbs, loss.Largest, loss.Cosine)
			if loss.MaxAbs > c.maxAbs || loss.Cosine < c.cosine {
				t.Errorf("max-abs %.3g, cosine %.9f, at most %v and %v", loss.MaxAbs, loss.Cosine, c.maxAbs, c.cosine)
			}
		})
	}
}
