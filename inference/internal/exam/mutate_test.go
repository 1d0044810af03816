package exam

import (
	"math/rand/v2"
	"testing"
	"time"

	"assay/inference/onnx"
)

const (
	mutationSeed   = 1
	mutationSample = 3000
	// mutationTime is long: machines are slow, and what has no end has none in an hour.
	mutationTime = 2 * time.Minute
)

// Models changed at random are refused with a typed error, or run: with the same bits by every set of kernels and within
// their bound. ASSAY_MUTATIONS=1000000 is that of `make prove PART=mutations`, with ASSAY_SEED.
func TestMutatedCases(t *testing.T) {
	if testing.Short() {
		t.Skip("needs Python")
	}
	count, seed := number(t, "ASSAY_MUTATIONS", mutationSample), number(t, "ASSAY_SEED", mutationSeed)
	folder := made(t, "nodecases.py", nil)
	cases, err := NodeCases(folder)
	if err != nil {
		t.Fatal(err)
	}
	type base struct {
		name  string
		model []byte
		given map[string]Value
	}
	var bases []base
	var ops []onnx.Node
	for i := range cases {
		graph, given, want := cases[i].firstSet(t, folder)
		if want != nil {
			bases = append(bases, base{cases[i].Name, onnx.Encode(graph), given})
			ops = append(ops, graph.Nodes...)
		}
	}
	draw := rand.New(rand.NewPCG(uint64(seed), 0))
	outcomes := map[Mutation]int{}
	for range count {
		b, seed := &bases[draw.IntN(len(bases))], draw.Uint64()
		outcome, err := Mutate(b.model, b.given, ops, seed, mutationTime)
		if err != nil {
			t.Errorf("%s, changed by seed %d: %v", b.name, seed, err)
		}
		outcomes[outcome]++
	}
	t.Logf("%d changed models of %d cases: %d refused, %d ran, %d of them within a bound",
		count, len(bases), outcomes[Refused], outcomes[Ran]+outcomes[Bounded], outcomes[Bounded])
	if outcomes[Bounded] < count/10 {
		t.Errorf("%d of %d changed models ran within a bound", outcomes[Bounded], count)
	}
}
