package onnx_test

import (
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/inference/internal/realmodel"
)

// The table of operators is what the script makes of the pinned package.
func TestOperatorsAreCurrent(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Python")
	}
	have, err := os.ReadFile("operators_gen.go")
	if err != nil {
		t.Fatal(err)
	}
	want := realmodel.Script(t, "operator_versions.py", nil, nil, "")
	if diff := cmp.Diff(string(want), string(have)); diff != "" {
		t.Errorf("made again it differs (-new +old)\n%s", diff)
	}
}
