package realmodel

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"assay/inference/tensor"
	"assay/internal/cache"
	"assay/internal/need"
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
	var stdin bytes.Buffer
	encoder := json.NewEncoder(&stdin)
	for _, c := range cases {
		line := map[string]wire{}
		for name, v := range c {
			line[name] = wire{v.DType.String(), append([]int{}, v.Shape...), v.Bytes()}
		}
		if err := encoder.Encode(line); err != nil {
			t.Fatal(err)
		}
	}
	model, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	out := Script(t, "run_model.py", stdin.Bytes(), []string{path}, sha256.Sum256(model))
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

// Scripts is the folder of reference scripts.
func Scripts(t testing.TB) string {
	t.Helper()
	dir, err := os.Getwd()
	for err == nil {
		if found := filepath.Join(dir, "scripts", "reference"); exists(filepath.Join(found, "requirements.txt")) {
			return found
		}
		if parent := filepath.Dir(dir); parent != dir {
			dir = parent
			continue
		}
		err = os.ErrNotExist
	}
	t.Fatalf("find scripts/reference above the test: %v", err)
	return ""
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// Python is an interpreter with ONNX Runtime.
func Python(t testing.TB) string {
	t.Helper()
	return need.Python(t, filepath.Join(Scripts(t), "requirements.txt"))
}

// Script runs a reference script and gives what it prints, kept in the cache folder under the hash of script,
// requirements, input and whatever else key names.
func Script(t testing.TB, script string, stdin []byte, args []string, key any) []byte {
	t.Helper()
	dir := Scripts(t)
	hash := sha256.New()
	for _, file := range []string{script, "requirements.txt"} {
		data, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(hash, "%d %s", len(data), data)
	}
	fmt.Fprintf(hash, "%v %s", key, stdin)
	folder, err := cache.Dir("test", "reference")
	if err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(folder, fmt.Sprintf("%x.jsonl", hash.Sum(nil)))
	if out, err := os.ReadFile(kept); err == nil {
		return out
	}
	cmd := exec.CommandContext(t.Context(), Python(t), append([]string{filepath.Join(dir, script)}, args...)...)
	var stderr bytes.Buffer
	cmd.Stdin, cmd.Stderr = bytes.NewReader(stdin), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", script, err, stderr.Bytes())
	}
	write(t, kept, out)
	return out
}
