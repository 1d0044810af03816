package realmodel

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"os"
	"testing"

	"assay/inference/tensor"
)

// wire is a tensor as scripts/reference/run_model.py reads and prints it; JSON writes the bytes in base64.
type wire struct {
	Type  string `json:"type"`
	Shape []int  `json:"shape"`
	Data  []byte `json:"data"`
}

var types = map[string]tensor.DType{}

func init() {
	for _, d := range []tensor.DType{
		tensor.Float32, tensor.Float64, tensor.Float16, tensor.Bool, tensor.Int8, tensor.Int16, tensor.Int32,
		tensor.Int64, tensor.Uint8, tensor.Uint16, tensor.Uint32, tensor.Uint64,
	} {
		types[d.String()] = d
	}
}

// Reference runs the model file at path in ONNX Runtime, on one thread at its default optimisation, once per
// inputs, and gives its outputs. What came out is kept in the cache folder, so Python runs once.
func Reference(t testing.TB, path string, cases []Inputs) []Inputs {
	t.Helper()
	out := Script(t, "run_model.py", lines(t, cases), []string{path}, fileHash(t, path))
	var list []Inputs
	for decoder := json.NewDecoder(bytes.NewReader(out)); decoder.More(); {
		var line map[string]wire
		if err := decoder.Decode(&line); err != nil {
			t.Fatal(err)
		}
		list = append(list, values(t, line))
	}
	if len(list) != len(cases) {
		t.Fatalf("ONNX Runtime answered %d of %d cases", len(list), len(cases))
	}
	return list
}

func lines(t testing.TB, cases []Inputs) []byte {
	t.Helper()
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	for _, c := range cases {
		line := map[string]wire{}
		for name, v := range c {
			line[name] = wire{v.DType.String(), append([]int{}, v.Shape...), v.Bytes()}
		}
		if err := encoder.Encode(line); err != nil {
			t.Fatal(err)
		}
	}
	return out.Bytes()
}

func fileHash(t testing.TB, path string) [32]byte {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return sha256.Sum256(data)
}

func values(t testing.TB, line map[string]wire) Inputs {
	t.Helper()
	out := Inputs{}
	for name, w := range line {
		v, err := tensor.Over(types[w.Type], w.Data, w.Shape...)
		if err != nil {
			t.Fatalf("ONNX Runtime's %q: %v", name, err)
		}
		out[name] = v
	}
	return out
}
