package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/inference/onnx"
)

// What a model says of itself cannot pass for a line of the report, nor be obeyed by a terminal.
func TestInspectSpellsOutNames(t *testing.T) {
	const evil = "x\x1b[2J\nclass       exact      no\u202e"
	shape := []onnx.Dim{{Size: -1, Symbol: evil}, {Size: 2}}
	g := &onnx.Graph{
		Name: evil, IRVersion: 8, Opset: 17, Opsets: map[string]int64{"": 17, evil: 1},
		Inputs:  []onnx.Value{{Name: evil, DType: onnx.Float32, Shape: shape}},
		Outputs: []onnx.Value{{Name: "y", DType: onnx.Float32}},
		Nodes:   []onnx.Node{{Name: evil, Op: "Relu", Inputs: []string{evil}, Outputs: []string{"y"}}},
	}
	file := filepath.Join(t.TempDir(), "model.onnx")
	if err := os.WriteFile(file, onnx.Encode(g), 0o644); err != nil {
		t.Fatal(err)
	}
	inspect := func() (string, string) {
		var out, problems bytes.Buffer
		Main(t.Context(), []string{"model", "inspect", file}, nil, &out, &problems)
		return out.String(), problems.String()
	}
	out, _ := inspect()
	if strings.ContainsAny(out, "\x1b\u202e") || strings.Count(out, "\nclass       exact") != 1 {
		t.Errorf("report\n%q", out)
	}
	g.Nodes[0].Inputs[0] = "nobody"
	if err := os.WriteFile(file, onnx.Encode(g), 0o644); err != nil {
		t.Fatal(err)
	}
	if out, problems := inspect(); out != "" || strings.ContainsAny(problems, "\x1b\u202e") || strings.Count(problems, "\n") != 1 {
		t.Errorf("report %q, error %q", out, problems)
	}
}

func TestAmount(t *testing.T) {
	for n, want := range map[int64]string{
		0: "0 B", 999: "999 B", 1000: "1.00 kB", 1234: "1.23 kB", 22_900_000: "22.9 MB", 999_499: "999 kB",
		999_600: "1.00 MB", 1 << 62: "4.61 EB",
	} {
		if got := amount(n, "B"); got != want {
			t.Errorf("%d is %q, want %q", n, got, want)
		}
	}
	if got, want := amount(42_600_000, "multiply-adds"), "42.6 M multiply-adds"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
}
