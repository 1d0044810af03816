package onnx_test

import (
	"bytes"
	"encoding/json"
	"testing"

	"assay/inference/internal/realmodel"
	"assay/inference/onnx"
)

type named struct {
	Name  string `json:"name"`
	Model []byte `json:"model,omitempty"`
	Error string `json:"error,omitempty"`
}

// Operators that ONNX defines by others, called as functions through another function: inlined, they give in ONNX's
// reference evaluator what the cases of the operators want.
func TestInlinedFunctionsRun(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Python")
	}
	var inlined bytes.Buffer
	encoder := json.NewEncoder(&inlined)
	models := decode(t, realmodel.Script(t, "functions.py", nil, []string{"make"}, "make"))
	for _, m := range models {
		g, err := onnx.Parse(m.Model, onnx.Limits{})
		if err != nil {
			t.Fatalf("%s: %v", m.Name, err)
		}
		if len(g.Functions) != 2 {
			t.Fatalf("%s has %d functions", m.Name, len(g.Functions))
		}
		flat, err := onnx.Inline(g, onnx.Limits{})
		if err != nil {
			t.Fatalf("%s: %v", m.Name, err)
		}
		if err := encoder.Encode(named{Name: m.Name, Model: onnx.Encode(flat)}); err != nil {
			t.Fatal(err)
		}
	}
	verdicts := decode(t, realmodel.Script(t, "functions.py", inlined.Bytes(), []string{"check"}, "check"))
	if len(verdicts) != len(models) || len(models) < 100 {
		t.Errorf("%d verdicts of %d models", len(verdicts), len(models))
	}
	for _, v := range verdicts {
		if v.Error != "" {
			t.Errorf("%s: %s", v.Name, v.Error)
		}
	}
}

func decode(t *testing.T, lines []byte) (list []named) {
	t.Helper()
	for decoder := json.NewDecoder(bytes.NewReader(lines)); decoder.More(); {
		var v named
		if err := decoder.Decode(&v); err != nil {
			t.Fatal(err)
		}
		list = append(list, v)
	}
	return list
}
