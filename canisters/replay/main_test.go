package main

import (
	"bytes"
	"context"
	"os"
	"testing"

	"assay/canisters/replay/replayapi"
	"assay/examples/passages"
	"assay/inference/exact"
	"assay/inference/ir"
	"assay/inference/lower"
	"assay/inference/onnx"
	"assay/inference/tensor"
	"assay/inference/tiny"
	"assay/internal/subnet"
)

// replayed is the canister on an embedded network, with a model sealed in it.
type replayed struct {
	net    *subnet.Network
	client replayapi.Client[context.Context]
	native *exact.Program
}

func install(t *testing.T, model []byte) replayed {
	t.Helper()
	g, err := onnx.Parse(model, onnx.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	lowered, err := lower.Lower(g)
	if err != nil {
		t.Fatal(err)
	}
	return installGraph(t, lowered)
}

func installGraph(t *testing.T, lowered *ir.Graph) replayed {
	t.Helper()
	file, err := ir.Encode(lowered)
	if err != nil {
		t.Fatal(err)
	}
	native, err := exact.New(lowered, exact.Config{})
	if err != nil {
		t.Fatal(err)
	}
	n := subnet.Open(t)
	id := n.Install(n.Build(".").Gzip, nil)
	client := replayapi.NewClient[context.Context](n.As(subnet.Controller, id))
	const piece = 1 << 20
	for at := 0; at < len(file); at += piece {
		n.Must(client.Put(t.Context(), uint64(at), file[at:min(len(file), at+piece)]))
	}
	sealed, err := client.Seal(t.Context(), uint64(len(file)))
	n.Must(err)
	root, err := ir.Root(lowered)
	n.Must(err)
	if !bytes.Equal(sealed.Root, root[:]) {
		t.Fatalf("sealed as %x, the graph's root is %v", sealed.Root, root)
	}
	return replayed{n, client, native}
}

// run computes in the canister, so many instructions a message, and natively, and compares the outputs. It gives the
// messages that it took and the instructions of all.
func (r replayed) run(t *testing.T, in map[string]exact.Tensor, budget uint64) (messages int, instructions uint64) {
	t.Helper()
	var given []replayapi.Tensor
	for name, x := range in {
		shape := make([]uint64, len(x.Shape))
		for i, d := range x.Shape {
			shape[i] = uint64(d)
		}
		given = append(given, replayapi.Tensor{Name: name, Dtype: uint8(x.DType), Shape: shape, Data: x.Bytes()})
	}
	result, err := r.client.Run(t.Context(), given, budget)
	r.net.Must(err)
	want, err := r.native.Run(in, nil)
	r.net.Must(err)
	if len(result.Outputs) != len(want) {
		t.Fatalf("%d outputs, want %d", len(result.Outputs), len(want))
	}
	for _, got := range result.Outputs {
		x := want[got.Name]
		root, err := ir.TensorRoot(&x)
		r.net.Must(err)
		if !bytes.Equal(got.Root, root[:]) {
			t.Errorf("output %s: root %x, natively %v", got.Name, got.Root, root)
		}
	}
	return int(result.Messages), result.Instructions
}

func words(n int) map[string]exact.Tensor {
	ids, mask := make([]int64, n), make([]int64, n)
	for i := range ids {
		ids[i], mask[i] = int64(1+11*i)%40, 1
	}
	return map[string]exact.Tensor{
		"input_ids": tensor.FromInt64(ids, 1, n), "attention_mask": tensor.FromInt64(mask, 1, n),
	}
}

func TestTinyModel(t *testing.T) {
	t.Parallel()
	files, err := tiny.Make(passages.All())
	if err != nil {
		t.Fatal(err)
	}
	r := install(t, files.Model)
	whole, spent := r.run(t, words(12), 1<<40)
	pieces, _ := r.run(t, words(12), 1)
	if whole != 1 || pieces < 1 {
		t.Errorf("%d messages for the whole run, %d for one in pieces", whole, pieces)
	}
	t.Logf("12 tokens: %d instructions", spent)
}

// Nobody but a controller moves the canister, and it refuses what does not fit.
func TestRefuses(t *testing.T) {
	t.Parallel()
	n := subnet.Open(t)
	id := n.Install(n.Build(".").Gzip, nil)
	stranger := replayapi.NewClient[context.Context](n.As(subnet.User("stranger"), id))
	if err := stranger.Put(t.Context(), 0, []byte("x")); err == nil {
		t.Error("a stranger wrote")
	}
	client := replayapi.NewClient[context.Context](n.As(subnet.Controller, id))
	if _, err := client.Run(t.Context(), nil, 1); err == nil {
		t.Error("a run without a model")
	}
	if err := client.Turn(t.Context()); err == nil {
		t.Error("a turn that nobody inside asked for")
	}
	if err := client.Put(t.Context(), 1<<40, []byte("x")); err == nil {
		t.Error("a piece beyond all limits")
	}
	n.Must(client.Put(t.Context(), 0, []byte("no model at all, and long enough for a header")))
	if _, err := client.Seal(t.Context(), 45); err == nil {
		t.Error("sealed what is no model")
	}
	if _, err := client.Seal(t.Context(), 1<<30); err == nil {
		t.Error("sealed more than was written")
	}
	if _, err := client.Output(t.Context(), "x"); err == nil {
		t.Error("an output without a run")
	}
}

// TestModelFile runs a model from a file, for figures: ASSAY_REPLAY=FILE go test -run ModelFile -v
func TestModelFile(t *testing.T) {
	path := os.Getenv("ASSAY_REPLAY")
	if path == "" {
		t.Skip("ASSAY_REPLAY names no model")
	}
	model, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	r := install(t, model)
	for _, length := range []int{8, 32, 128} {
		in := words(length)
		in["token_type_ids"] = tensor.FromInt64(make([]int64, length), 1, length)
		messages, spent := r.run(t, in, 30_000_000_000)
		t.Logf("%d tokens: %d messages, %.2f G instructions", length, messages, float64(spent)/1e9)
	}
}
