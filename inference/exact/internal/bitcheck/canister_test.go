package main

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"assay/canisters/replay/replayapi"
	"assay/inference/exact"
	"assay/inference/ir"
	"assay/inference/lower"
	"assay/inference/onnx"
	"assay/inference/tensor"
	"assay/internal/subnet"
)

// inCanister computes models in the replay canister on the embedded network.
func inCanister(t *testing.T) bitcheck {
	t.Helper()
	return func(t *testing.T, stdin []byte, _ ...string) string {
		t.Helper()
		m, err := unpack(bytes.NewReader(stdin))
		if err != nil {
			t.Fatal(err)
		}
		n := subnet.Open(t)
		id := n.Install(n.Build("../../../../canisters/replay").Gzip, nil)
		client := replayapi.NewClient[context.Context](n.As(subnet.Controller, id))
		upload(n, client, m.model)
		var out strings.Builder
		for i, inputs := range m.inputs {
			fmt.Fprintf(&out, "simd 0 %d %x\n", i, replay(n, client, inputs))
		}
		return out.String()
	}
}

func upload(n *subnet.Network, client replayapi.Client[context.Context], model []byte) {
	n.T.Helper()
	g, err := onnx.Parse(model, onnx.Limits{})
	n.Must(err)
	lowered, err := lower.Lower(g)
	n.Must(err)
	file, err := ir.Encode(lowered)
	n.Must(err)
	const piece = 1 << 20
	for at := 0; at < len(file); at += piece {
		n.Must(client.Put(n.T.Context(), uint64(at), file[at:min(len(file), at+piece)]))
	}
	_, err = client.Seal(n.T.Context(), uint64(len(file)))
	n.Must(err)
}

// replay hashes the outputs of one run as the program does.
func replay(n *subnet.Network, client replayapi.Client[context.Context], inputs map[string]exact.Tensor) []byte {
	n.T.Helper()
	var in []replayapi.Tensor
	for _, name := range slices.Sorted(maps.Keys(inputs)) {
		x := inputs[name]
		shape := make([]uint64, len(x.Shape))
		for i, d := range x.Shape {
			shape[i] = uint64(d)
		}
		in = append(in, replayapi.Tensor{Name: name, Dtype: uint8(x.DType), Shape: shape, Data: x.Bytes()})
	}
	const instructions = 30_000_000_000 // of the 40 billion that a message may spend
	result, err := client.Run(n.T.Context(), in, instructions)
	n.Must(err)
	h := sha256.New()
	for _, o := range result.Outputs {
		data, err := client.Output(n.T.Context(), o.Name)
		n.Must(err)
		shape := make([]int, len(o.Shape))
		for i, d := range o.Shape {
			shape[i] = int(d)
		}
		x, err := tensor.Over(tensor.DType(o.Dtype), data, shape...)
		n.Must(err)
		write(h, o.Name, x)
	}
	return h.Sum(nil)
}
