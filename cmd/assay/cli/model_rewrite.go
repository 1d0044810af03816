package cli

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"assay/inference/modelfile"
	"assay/inference/onnx"
	"assay/inference/rewrite"
)

func (a *app) modelRewrite() *cobra.Command {
	var to, inputs string
	c := &cobra.Command{
		Use:   "rewrite IN OUT",
		Short: "Give a model's weights another form and report what that costs",
		Long: `Writes the ONNX model IN to OUT with its products by constant weights in another form, and reports how far
the answers move: the largest difference and the smallest cosine, over inputs made up or given with --inputs.

  weight-only  int8 weights in the file, fp32 arithmetic
  per-row      int8 arithmetic, activations scaled row by row: answers do not depend on padding or batch mates
  q8, q4       8 or 4 bits, a scale per block of 32 (com.microsoft MatMulNBits)

Dynamically quantised models, which take one scale from a whole tensor, become weight-only or per-row ones that
others can check.`,
		Example: "  assay model rewrite model.onnx model.per-row.onnx --to per-row",
		Args:    exactArgs(2, "the model and the file to write"),
		RunE: func(_ *cobra.Command, args []string) error {
			view, err := rewriteModel(args[0], args[1], rewrite.Form(to), inputs)
			if err != nil {
				return err
			}
			return a.print(view, view.text)
		},
	}
	c.Flags().StringVar(&to, "to", "", "the form: weight-only, per-row, q8 or q4")
	c.Flags().StringVar(&inputs, "inputs", "", "JSON lines with inputs to measure the loss on, instead of made ones")
	if err := c.MarkFlagRequired("to"); err != nil {
		panic(err) // the flag was just made
	}
	var forms []string
	for _, f := range rewrite.Forms() {
		forms = append(forms, string(f))
	}
	complete(c, map[string][]string{"to": forms})
	return a.jsonFlag(c)
}

// rewritten is what the verb prints. Loss is missing, and Unmeasured says why, when a model cannot be run here.
type rewritten struct {
	Report     rewrite.Report `json:"report"`
	Before     int64          `json:"bytesBefore"`
	After      int64          `json:"bytesAfter"`
	Loss       *rewrite.Loss  `json:"loss,omitempty"`
	Unmeasured string         `json:"unmeasured,omitempty"`
}

func rewriteModel(in, out string, form rewrite.Form, inputs string) (*rewritten, error) {
	file, err := modelfile.Open(in, onnx.Limits{})
	if err != nil {
		return nil, err
	}
	defer file.Close()
	graph, report, err := rewrite.Rewrite(file.Graph, form)
	if errors.Is(err, rewrite.ErrForm) {
		return nil, withCode(exitUsage, err)
	}
	if err != nil {
		return nil, fmt.Errorf("rewrite %s: %w", in, err)
	}
	samples, err := samplesFor(file.Graph, inputs)
	if err != nil {
		return nil, err
	}
	view := &rewritten{Report: report, Before: file.Size()}
	if view.After, err = writeModel(out, graph); err != nil {
		return nil, err
	}
	loss, err := measure(file.Graph, graph, samples)
	if err != nil {
		view.Unmeasured = err.Error()
		return view, nil
	}
	view.Loss = &loss
	return view, nil
}

func samplesFor(g *onnx.Graph, inputs string) ([]rewrite.Values, error) {
	if inputs == "" {
		return rewrite.Samples(g)
	}
	f, err := os.Open(inputs)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return rewrite.ReadSamples(bufio.NewReader(f))
}

func measure(before, after *onnx.Graph, samples []rewrite.Values) (rewrite.Loss, error) {
	original, err := rewrite.Exact(before)
	if err != nil {
		return rewrite.Loss{}, fmt.Errorf("the original: %w", err)
	}
	changed, err := rewrite.Exact(after)
	if err != nil {
		return rewrite.Loss{}, fmt.Errorf("the rewritten model: %w", err)
	}
	loss, err := rewrite.Compare(samples, original, changed)
	if all := loss.MaxAbs + loss.Largest + loss.Cosine; err == nil && all-all != 0 {
		err = fmt.Errorf("output %q of sample %d holds NaN or an infinity", loss.Output, loss.Sample)
	}
	return loss, err
}

// writeModel lets the file appear whole or not at all.
func writeModel(path string, g *onnx.Graph) (size int64, err error) {
	f, err := os.CreateTemp(filepath.Dir(path), ".rewrite-*")
	if err != nil {
		return 0, err
	}
	defer os.Remove(f.Name())
	buffered := bufio.NewWriterSize(f, 1<<20)
	err = errors.Join(onnx.Write(buffered, g), buffered.Flush(), f.Chmod(0o644))
	info, statErr := f.Stat()
	if err := errors.Join(err, statErr, f.Close()); err != nil {
		return 0, fmt.Errorf("write %s: %w", path, err)
	}
	return info.Size(), os.Rename(f.Name(), path)
}

func (r *rewritten) text(w io.Writer) {
	was, exact := map[string]int{}, 0
	for _, p := range r.Report.Products {
		was[p.Was]++
		if p.Exact {
			exact++
		}
	}
	fmt.Fprintf(w, "%d products to %s", len(r.Report.Products), r.Report.Form)
	for _, kind := range []string{"fp32", "int8 weights", "dynamic int8"} {
		if was[kind] > 0 {
			fmt.Fprintf(w, ", %d from %s", was[kind], kind)
		}
	}
	fmt.Fprintf(w, "; weights of %d unchanged\n", exact)
	for _, t := range r.Report.Tables {
		fmt.Fprintf(w, "table of %d vectors of %d to int8 with a scale each; unchanged: %t\n", t.Rows, t.Columns, t.Exact)
	}
	printLeft(w, r.Report.Left)
	fmt.Fprintf(w, "size      %s, was %s\n", amount(r.After, "B"), amount(r.Before, "B"))
	if r.Loss == nil {
		fmt.Fprintf(w, "loss      not measured: %s\n", r.Unmeasured)
		return
	}
	fmt.Fprintf(w, "loss      max-abs %.3g among numbers up to %.3g, cosine at least %.7f, over %d samples\n",
		r.Loss.MaxAbs, r.Loss.Largest, r.Loss.Cosine, r.Loss.Samples)
}

// printLeft counts the products that stayed, by reason.
func printLeft(w io.Writer, left []rewrite.Left) {
	count, reasons := map[string]int{}, []string{}
	for _, l := range left {
		if count[l.Why]++; count[l.Why] == 1 {
			reasons = append(reasons, l.Why)
		}
	}
	for _, why := range reasons {
		fmt.Fprintf(w, "%d left as they are: %s\n", count[why], why)
	}
}
