package main

import (
	"bytes"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"assay/inference/internal/realmodel"
	"assay/inference/onnx"
	"assay/inference/rewrite"
)

// comparison is what all rows share.
func comparison(t testing.TB, label, model, theirs string) config {
	t.Helper()
	return config{
		label: label, model: model, theirs: theirs, runs: 21, memory: true, self: built(t),
		python: realmodel.Python(t), script: filepath.Join(realmodel.Scripts(t), "bench_ort.py"),
		shapes: []shape{{1, 32}, {8, 32}, {1, 128}, {8, 128}},
	}
}

// built is this program, for the process whose memory is measured.
func built(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "ortbench")
	if out, err := exec.Command("go", "build", "-trimpath", "-o", path, ".").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	return path
}

// rows are the comparisons of `make bench`: the default model, and its per-row int8 form beside ONNX Runtime's own
// quantisation of it, with every argument at its default and with the one that is faster without VNNI.
func rows(t testing.TB) []config {
	t.Helper()
	model := realmodel.MiniLM()
	path, inputs := model.Path(t), model.Inputs(t)
	graph, err := onnx.Parse(model.Bytes(t), onnx.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	graph, _, err = rewrite.Rewrite(graph, rewrite.PerRow)
	if err != nil {
		t.Fatal(err)
	}
	perRow := realmodel.Kept(t, onnx.Encode(graph))
	return append([]config{
		comparison(t, "default model", path, path),
		comparison(t, "default model per row int8, against quantize_static (QDQ),", perRow, realmodel.Quantized(t, path, "static", inputs)),
		comparison(t, "default model per row int8, against quantize_static (QDQ) with unsigned activations,", perRow, realmodel.Quantized(t, path, "static-uint8", inputs)),
	}, convolutions(t)...)
}

// convolutions are networks of convolutions on images, in float32 and in 8-bit integers.
func convolutions(t testing.TB) []config {
	t.Helper()
	var list []config
	for _, kind := range []string{"mobilenet", "resnet", "mobilenet-int8", "resnet-int8"} {
		path := realmodel.Convolutional(t, kind)
		c := comparison(t, kind+" of random weights,", path, path)
		c.shapes, c.memory = []shape{{1, 224}, {4, 96}}, kind == "resnet"
		list = append(list, c)
	}
	return list
}

// BenchmarkBesideONNXRuntime prints the table of `make bench`; a second of benchmark time changes nothing.
func BenchmarkBesideONNXRuntime(b *testing.B) {
	all := rows(b)
	for b.Loop() {
		table(b, all, os.Stdout)
	}
}

func table(t testing.TB, all []config, out io.Writer) {
	t.Helper()
	io.WriteString(out, "\nCPU: "+processor()+"\n")
	printLimit(out)
	for _, c := range all {
		if err := compare(c, out); err != nil {
			t.Fatal(err)
		}
	}
}

// TestTable holds that every row is there, on the smallest shapes.
func TestTable(t *testing.T) {
	if testing.Short() {
		t.Skip("runs the real model in Python")
	}
	all := rows(t)
	for i := range all {
		all[i].runs, all[i].shapes = 1, []shape{{1, 2}, {2, 3}}
	}
	var out bytes.Buffer
	table(t, all, &out)
	for _, want := range []string{
		"CPU: ", "limit of registers, ", "default model beside onnxruntime 1.30.0, one thread each",
		"default model per row int8, against quantize_static (QDQ), beside onnxruntime",
		"mobilenet of random weights, beside onnxruntime", "resnet-int8 of random weights, beside onnxruntime",
		"1x2    avx2 ", "1x2    avx512 ", "2x3    avx2 ", "memory at most, load and 2x3: ours ",
	} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

func TestRefusesShapes(t *testing.T) {
	t.Parallel()
	for _, list := range []string{"", "1", "1x", "x1", "0x4", "1x-4", "1000x1000"} {
		if shapes, err := parseShapes(list); err == nil {
			t.Errorf("%q is taken for %v", list, shapes)
		}
	}
}
