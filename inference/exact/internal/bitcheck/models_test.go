package main

import (
	"encoding/json"
	"flag"
	"fmt"
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

// realModel is a model with its inputs.
type realModel struct {
	name string
	load func(t *testing.T) *packed
}

// realModels are the repository's tiny model and the published ones.
func realModels() []realModel {
	list := []realModel{{"tiny", tinyModel}}
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
	if testing.Short() && m.name != "tiny" {
		t.Skip("fetches a model")
	}
	if want[m.name] == nil && !*update {
		t.Skip("not in the list of hashes")
	}
	p := m.load(t)
	p.inputs = p.inputs[:min(len(p.inputs), target.inputs)]
	got := map[string][]string{} // by kernel
	for _, line := range strings.Split(strings.TrimSpace(run(t, p.pack(nil), "models")), "\n") {
		var kernel, hash string
		var model, input int
		if _, err := fmt.Sscan(line, &kernel, &model, &input, &hash); err != nil {
			t.Fatalf("line %q: %v", line, err)
		}
		got[kernel] = append(got[kernel], hash)
	}
	if len(got) == 0 {
		t.Fatal("no hashes")
	}
	if *update && target.name == "this process" {
		m.record(t, got["go"])
		want[m.name] = got["go"]
	}
	for kernel, hashes := range got {
		if len(hashes) != len(p.inputs) {
			t.Errorf("kernel %s: %d hashes for %d inputs", kernel, len(hashes), len(p.inputs))
		}
		for i, h := range hashes {
			if i >= len(want[m.name]) || h != want[m.name][i] {
				t.Errorf("kernel %s, input %d: hash %s, want that of %s", kernel, i, h, hashFile)
			}
		}
	}
}

// record puts the hashes of the plain Go kernels into the file.
func (m *realModel) record(t *testing.T, hashes []string) {
	t.Helper()
	all := readHashes(t)
	all[m.name] = hashes
	data, err := json.MarshalIndent(all, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(hashFile, append(data, '\n'), 0o644); err != nil {
		t.Fatal(err)
	}
}
