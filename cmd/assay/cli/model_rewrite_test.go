package cli_test

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/cmd/assay/cli"
	"assay/inference/onnx"
)

// product writes a model y = x·w and gives its path.
func product(t *testing.T) string {
	t.Helper()
	var raw []byte
	for i := range 6 {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(float32(i)-2.5))
	}
	rows := onnx.Dim{Size: -1, Symbol: "rows"}
	path := filepath.Join(t.TempDir(), "model.onnx")
	err := os.WriteFile(path, onnx.Encode(&onnx.Graph{
		Name: "m", IRVersion: 8, Opset: 17, Opsets: map[string]int64{"": 17},
		Inputs:       []onnx.Value{{Name: "x", DType: onnx.Float32, Shape: []onnx.Dim{rows, {Size: 3}}}},
		Outputs:      []onnx.Value{{Name: "y", DType: onnx.Float32, Shape: []onnx.Dim{rows, {Size: 2}}}},
		Initializers: []onnx.Tensor{{Name: "w", DType: onnx.Float32, Shape: []int64{3, 2}, Raw: raw}},
		Nodes:        []onnx.Node{{Name: "n", Op: "MatMul", Inputs: []string{"x", "w"}, Outputs: []string{"y"}}},
	}), 0o644)
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func assay(t *testing.T, args ...string) (code int, stdout, stderr string) {
	t.Helper()
	var out, errs bytes.Buffer
	code = cli.Main(t.Context(), args, strings.NewReader(""), &out, &errs)
	return code, out.String(), errs.String()
}

func TestModelRewrite(t *testing.T) {
	t.Parallel()
	in := product(t)
	out := filepath.Join(t.TempDir(), "out.onnx")
	code, stdout, stderr := assay(t, "model", "rewrite", in, out, "--to", "weight-only")
	if code != 0 || !strings.Contains(stdout, "1 products to weight-only, 1 from fp32") || !strings.Contains(stdout, "loss      max-abs ") {
		t.Fatalf("exit %d\n%s%s", code, stdout, stderr)
	}
	data, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	g, err := onnx.Parse(data, onnx.Limits{})
	if err != nil || len(g.Nodes) != 3 {
		t.Fatalf("%d nodes, %v", len(g.Nodes), err)
	}
	code, stdout, _ = assay(t, "model", "rewrite", in, out, "--to", "weight-only", "--json")
	var view struct {
		BytesAfter int64
		Loss       struct{ MaxAbs, Cosine float64 }
		Report     struct{ Products []struct{ Was string } }
	}
	if err := json.Unmarshal([]byte(stdout), &view); err != nil || code != 0 {
		t.Fatalf("exit %d, %v\n%s", code, err, stdout)
	}
	if view.BytesAfter != int64(len(data)) || view.Loss.MaxAbs == 0 || view.Loss.MaxAbs > 0.1 || view.Loss.Cosine < 0.999 || view.Report.Products[0].Was != "fp32" {
		t.Errorf("%s", stdout)
	}
}

// Where answers are no numbers there is no loss to report, and JSON has no way to say NaN.
func TestModelRewriteUnmeasured(t *testing.T) {
	t.Parallel()
	in := product(t)
	data, err := os.ReadFile(in)
	if err != nil {
		t.Fatal(err)
	}
	g, err := onnx.Parse(data, onnx.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for i := range g.Initializers[0].Raw {
		g.Initializers[0].Raw[i] = 0xff
	}
	if err := os.WriteFile(in, onnx.Encode(g), 0o644); err != nil {
		t.Fatal(err)
	}
	code, stdout, stderr := assay(t, "model", "rewrite", in, filepath.Join(t.TempDir(), "out.onnx"), "--to", "weight-only", "--json")
	if code != 0 || !json.Valid([]byte(stdout)) || !strings.Contains(stdout, "holds NaN") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
}

func TestModelRewriteRefuses(t *testing.T) {
	t.Parallel()
	in := product(t)
	out := filepath.Join(t.TempDir(), "out.onnx")
	for _, c := range []struct {
		name string
		code int
		args []string
		want string
	}{
		{"no form", 2, []string{in, out}, "required flag"},
		{"an unknown form", 2, []string{in, out, "--to", "q3"}, "unknown form"},
		{"no file", 1, []string{out, out, "--to", "q4"}, "no such file"},
		{"no samples", 1, []string{in, out, "--to", "q4", "--inputs", in}, "read sample 0"},
	} {
		code, stdout, stderr := assay(t, append([]string{"model", "rewrite"}, c.args...)...)
		if code != c.code || !strings.Contains(stderr, c.want) {
			t.Errorf("%s: exit %d, want %d with %q\n%s%s", c.name, code, c.code, c.want, stdout, stderr)
		}
	}
	if _, err := os.Stat(out); !os.IsNotExist(err) {
		t.Errorf("a refused rewrite left a file: %v", err)
	}
}
