package main

import (
	"encoding/json"
	"flag"
	"os"
	"strings"
	"testing"

	"assay/examples/passages"
	"assay/inference/exact"
	"assay/inference/internal/realmodel"
	"assay/inference/tensor"
	"assay/inference/tiny"
)

var update = flag.Bool("update", false, "rewrite the hashes of the models; only together with the version of the arithmetic")

// hashFile holds, by model, the hash of all outputs for each input.
const hashFile = "testdata/hashes.json"

// sampleName is the sample model, which the program itself holds, as it does every function and reduction alone.
const sampleName = "sample"

// realModel is a model with its inputs.
type realModel struct {
	name string
	load func(t *testing.T) *packed // nil for what the program itself holds
}

// large are models of which emulated targets run some inputs only.
var large = map[string]bool{
	"MiniLM int8 weights": true, "MiniLM fp32": true, "paraphrase MiniLM-L3": true, "Magika": true, "bge-small dynamic int8": true,
}

// realModels are what the program holds, the repository's tiny model and the published ones.
func realModels() []realModel {
	list := []realModel{{sampleName, nil}, {"functions", nil}, {"doubles", nil}, {"decoder", nil}, {"tiny", tinyModel}}
	for _, m := range realmodel.All() {
		list = append(list, realModel{m.Name, func(t *testing.T) *packed {
			t.Helper()
			return &packed{model: m.Bytes(t), inputs: m.Inputs(t)}
		}})
	}
	return list
}

// tinyModel is the repository's own model with token ids of a few lengths.
func tinyModel(t *testing.T) *packed {
	t.Helper()
	files, err := tiny.Make(passages.All())
	if err != nil {
		t.Fatal(err)
	}
	m := &packed{model: files.Model}
	for _, length := range []int{1, 5, 18} {
		ids, mask := make([]int64, length), make([]int64, length)
		for i := range ids {
			ids[i], mask[i] = int64(1+11*i)%40, 1
		}
		m.inputs = append(m.inputs, map[string]exact.Tensor{
			"input_ids": tensor.FromInt64(ids, 1, length), "attention_mask": tensor.FromInt64(mask, 1, length),
		})
	}
	return m
}

func readHashes(t *testing.T) map[string][]string {
	t.Helper()
	want := map[string][]string{}
	data, err := os.ReadFile(hashFile)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(data, &want); err != nil {
		t.Fatal(err)
	}
	return want
}

// compare runs a model on a target and holds every hash to the recorded one.
func (m *realModel) compare(t *testing.T, run bitcheck, target target, want map[string][]string) {
	t.Helper()
	if testing.Short() && m.name != "tiny" && m.load != nil {
		t.Skip("fetches a model")
	}
	if want[m.name] == nil && !*update {
		t.Skip("not in the list of hashes")
	}
	inputs := 1
	var got map[string][]string // hashes by kernel
	if m.load == nil {
		got = hashesOf(t, run(t, nil, m.name))
	} else {
		p := m.load(t)
		if inputs = len(p.inputs); large[m.name] {
			inputs = min(inputs, target.inputs)
		}
		p.inputs = p.inputs[:inputs]
		got = hashesOf(t, run(t, p.pack(nil), "models"))
	}
	if *update && target.name == "this process" {
		m.record(t, got["go"])
		want[m.name] = got["go"]
	}
	for kernel, hashes := range got {
		if len(hashes) != inputs {
			t.Errorf("kernel %s: %d hashes for %d inputs", kernel, len(hashes), inputs)
		}
		for i, h := range hashes {
			if i >= len(want[m.name]) || h != want[m.name][i] {
				t.Errorf("kernel %s, input %d: hash %s, want that of %s", kernel, i, h, hashFile)
			}
		}
	}
}

// hashesOf reads lines of a kernel's name, perhaps numbers, and a hash.
func hashesOf(t *testing.T, lines string) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	for _, line := range strings.Split(strings.TrimSpace(lines), "\n") {
		words := strings.Fields(line)
		if len(words) < 2 {
			t.Fatalf("line %q", line)
		}
		out[words[0]] = append(out[words[0]], words[len(words)-1])
	}
	return out
}

// record puts the hashes of the plain Go kernels into the list and the table.
func (m *realModel) record(t *testing.T, hashes []string) {
	t.Helper()
	all := readHashes(t)
	all[m.name] = hashes
	data, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	for file, text := range map[string][]byte{hashFile: append(data, '\n'), tableFile: []byte(table(all))} {
		if err := os.WriteFile(file, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
}
