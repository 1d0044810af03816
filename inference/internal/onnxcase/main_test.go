package main

import (
	"bytes"
	"encoding/binary"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"assay/inference/internal/exam"
	"assay/inference/onnx"
)

func int64s(name string, v ...int64) *exam.Value {
	out := &exam.Value{Name: name, DType: onnx.Int64, Shape: []int64{int64(len(v))}}
	for _, x := range v {
		out.Raw = binary.LittleEndian.AppendUint64(out.Raw, uint64(x))
	}
	return out
}

// difference is a model of n inputs: the first less all others.
func difference(n int, op string) []byte {
	vector := []onnx.Dim{{Size: -1, Symbol: "n"}}
	g := &onnx.Graph{Name: "difference", IRVersion: 8, Opset: 17, Opsets: map[string]int64{"": 17}}
	last := ""
	for i := range n {
		name := string(rune('a' + i))
		g.Inputs = append(g.Inputs, onnx.Value{Name: name, DType: onnx.Int64, Shape: vector})
		if i > 0 {
			g.Nodes = append(g.Nodes, onnx.Node{Name: "n" + name, Op: op, Inputs: []string{last, name}, Outputs: []string{last + name}})
			name = last + name
		}
		last = name
	}
	g.Outputs = []onnx.Value{{Name: last, DType: onnx.Int64, Shape: vector}}
	return onnx.Encode(g)
}

func write(t *testing.T, folder, name string, data []byte) string {
	t.Helper()
	file := filepath.Join(folder, name)
	if err := os.WriteFile(file, data, 0o644); err != nil {
		t.Fatal(err)
	}
	return file
}

func TestRun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	model := write(t, dir, "model.onnx", difference(12, "Sub"))
	var files []string
	for _, i := range []string{"0", "1", "10", "11", "2", "3", "4", "5", "6", "7", "8", "9"} { // as a shell sorts them
		v := int64s("", 1, 2)
		if i == "0" {
			v = int64s("", 100, 200)
		}
		files = append(files, write(t, dir, "input_"+i+".pb", v.Encode()))
	}
	out := filepath.Join(dir, "new", "out")
	var stderr bytes.Buffer
	if code := run(append([]string{model, out}, files...), &stderr); code != ran {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	data, err := os.ReadFile(filepath.Join(out, "output_0.pb"))
	if err != nil {
		t.Fatal(err)
	}
	got, err := exam.DecodeValue(data)
	if err != nil {
		t.Fatal(err)
	}
	if want := int64s("", 89, 178); exam.Compare(&got, want, exam.Tolerance{}) != nil {
		t.Errorf("output %v, want %v", got, want)
	}
}

// Larger tensors may lie beside the model, and constants declared among the inputs are not given.
func TestConstants(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	g, err := onnx.Parse(difference(2, "Sub"), onnx.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	elements := int64s("", 100, 200)
	g.Initializers = []onnx.Tensor{{Name: "a", DType: onnx.Int64, Shape: elements.Shape, Raw: elements.Raw}}
	g.Inputs[0].Shape = []onnx.Dim{{Size: 2}}
	var model, weights bytes.Buffer
	if err := onnx.WriteExternal(&model, &weights, g, "weights.bin", 0); err != nil {
		t.Fatal(err)
	}
	write(t, dir, "weights.bin", weights.Bytes())
	for _, c := range []struct {
		name  string
		model []byte
	}{{"in the model", onnx.Encode(g)}, {"beside it", model.Bytes()}} {
		write(t, dir, "model.onnx", c.model)
		var stderr bytes.Buffer
		if code := run([]string{filepath.Join(dir, "model.onnx"), dir, write(t, dir, "input_0.pb", int64s("", 1, 2).Encode())}, &stderr); code != ran {
			t.Fatalf("%s: exit code %d: %s", c.name, code, stderr.String())
		}
		data, err := os.ReadFile(filepath.Join(dir, "output_0.pb"))
		if err != nil {
			t.Fatal(err)
		}
		got, err := exam.DecodeValue(data)
		if err != nil {
			t.Fatal(err)
		}
		if want := int64s("", 99, 198); exam.Compare(&got, want, exam.Tolerance{}) != nil {
			t.Errorf("%s: output %v, want %v", c.name, got, want)
		}
	}
}

func TestExitCodes(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	sub, unknown := write(t, dir, "sub.onnx", difference(2, "Sub")), write(t, dir, "unknown.onnx", difference(2, "NoSuchOperator"))
	a, b := write(t, dir, "input_0.pb", int64s("", 1).Encode()), write(t, dir, "input_1.pb", int64s("", 1).Encode())
	for _, c := range []struct {
		name string
		args []string
		code int
		says string
	}{
		{"no arguments", nil, usage, "usage"},
		{"no such model", []string{filepath.Join(dir, "none"), dir}, failed, "none"},
		{"not a model", []string{write(t, dir, "text", []byte("no model")), dir}, failed, "ModelProto"},
		{"not a tensor", []string{sub, dir, sub, b}, failed, "sub.onnx"},
		{"an input too few", []string{sub, dir, a}, failed, "missing"},
		{"an input twice", []string{sub, dir, a, a}, failed, "twice"},
		{"no file", []string{sub, dir, a, filepath.Join(dir, "input_2.pb")}, failed, "input_2.pb"},
		{"unknown operator", []string{unknown, dir, a, b}, unsupported, "unsupported: operator NoSuchOperator"},
	} {
		var stderr bytes.Buffer
		if code := run(c.args, &stderr); code != c.code || !strings.Contains(stderr.String(), c.says) {
			t.Errorf("%s: exit code %d and %q, want %d and something of %q", c.name, code, stderr.String(), c.code, c.says)
		}
	}
}
