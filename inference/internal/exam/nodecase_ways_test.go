package exam

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"assay/inference/onnx"
)

// A case gives the same bits when its graph is stored and read back, when the run pauses between its pieces of work and
// gets no more memory and work than its shapes bound, and when it does without one of several outputs.
func TestNodeCasesOtherWays(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Python")
	}
	folder := made(t, "nodecases.py", nil)
	cases, err := NodeCases(folder)
	if err != nil {
		t.Fatal(err)
	}
	bounded, without := 0, 0
	for i := range cases {
		c := &cases[i]
		graph, given, want := c.firstSet(t, folder)
		if want == nil {
			continue
		}
		got, err := evaluate(graph, given, Options{Stored: true, Pieces: true, Bounded: true})
		switch {
		case err == nil:
			bounded++
			same(t, c.Name, got, want)
		case !errors.Is(err, ErrDynamic):
			t.Errorf("%s: within its bound: %v", c.Name, err)
		}
		if len(graph.Nodes) > 1 || len(graph.Outputs) < 2 {
			continue
		}
		for at, out := range graph.Outputs {
			less := *graph
			less.Nodes = slices.Clone(graph.Nodes)
			less.Nodes[0].Outputs = slices.Clone(graph.Nodes[0].Outputs)
			less.Nodes[0].Outputs[slices.Index(less.Nodes[0].Outputs, out.Name)] = ""
			less.Outputs = slices.Delete(slices.Clone(graph.Outputs), at, at+1)
			what := fmt.Sprintf("%s without output %d", c.Name, at)
			got, err := evaluate(&less, given, Options{})
			if err != nil {
				t.Errorf("%s: %v", what, err)
				continue
			}
			without++
			same(t, what, got, slices.Delete(slices.Clone(want), at, at+1))
		}
	}
	t.Logf("%d cases within their bounds, %d without an output", bounded, without)
	if bounded < 1400 || without < 100 {
		t.Error("fewer than expected")
	}
}

// firstSet evaluates a case on its first inputs as it comes; want is nil when it is refused.
func (c *NodeCase) firstSet(t *testing.T, folder string) (graph *onnx.Graph, given map[string]Value, want []Value) {
	t.Helper()
	model, err := os.ReadFile(filepath.Join(folder, c.Name, "model.onnx"))
	if err != nil {
		t.Fatal(err)
	}
	if Supported(model) != nil {
		return nil, nil, nil
	}
	if graph, err = onnx.Parse(model, onnx.Limits{}); err != nil {
		return nil, nil, nil
	}
	given = map[string]Value{}
	for i, in := range graph.Inputs {
		v, err := readValue(filepath.Join(folder, c.Name, "test_data_set_0", fmt.Sprintf("input_%d.pb", i)))
		if err != nil {
			t.Fatal(err)
		}
		given[in.Name] = *v
	}
	if want, err = evaluate(graph, given, Options{}); err != nil {
		return nil, nil, nil
	}
	return graph, given, want
}

func same(t *testing.T, what string, got, want []Value) {
	t.Helper()
	for i := range want {
		if err := errors.Join(sameShape(&got[i], &want[i]), compareBytes(&got[i], &want[i])); err != nil {
			t.Errorf("%s: %q: %v", what, want[i].Name, err)
		}
	}
}
