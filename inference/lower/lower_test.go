package lower_test

import (
	"os"
	"testing"

	"assay/inference/exact"
	"assay/inference/lower"
	"assay/inference/onnx"
)

func TestDump(t *testing.T) {
	data, err := os.ReadFile(os.Getenv("M"))
	if err != nil {
		t.Skip()
	}
	g, err := onnx.Parse(data, onnx.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	x, err := lower.Lower(g)
	if err != nil {
		t.Fatal(err)
	}
	for _, n := range x.Nodes {
		t.Log(n.Op, n.In, n.Out, n.Attrs)
	}
	if _, err := exact.New(x, exact.Config{}); err != nil {
		t.Fatal(err)
	}
}
