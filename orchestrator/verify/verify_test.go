package verify

import (
	"encoding/binary"
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/commitment"
	"assay/inference/pipeline"
	"assay/orchestrator/run"
)

func tensor(values ...float32) pipeline.Tensor {
	t := pipeline.Tensor{DType: commitment.Float32, Shape: []uint64{uint64(len(values))}}
	for _, v := range values {
		t.Data = binary.LittleEndian.AppendUint32(t.Data, math.Float32bits(v))
	}
	return t
}

func TestCheck(t *testing.T) {
	out := run.Output{Model: run.Model{Dimension: 2}, Tensors: []pipeline.Tensor{tensor(1, 2), tensor(3, 4)}}
	r, err := Check(out)
	if err != nil {
		t.Fatal(err)
	}
	var roots []commitment.Hash
	for _, x := range out.Tensors {
		root, err := commitment.TensorRoot(x.DType, x.Shape, x.Data)
		if err != nil {
			t.Fatal(err)
		}
		roots = append(roots, root)
	}
	if r.Root != commitment.OutputRoot(roots) {
		t.Errorf("root %s, want %s", r.Root, commitment.OutputRoot(roots))
	}
	b, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	back, err := Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(r, back); diff != "" {
		t.Errorf("a kept result came back changed (-want +got):\n%s", diff)
	}
	again, err := Check(out)
	if err != nil || cmp.Equal(again.Salt, r.Salt) {
		t.Errorf("two results share a salt (%v)", err)
	}
}

func TestCheckRefuses(t *testing.T) {
	short := tensor(1, 2)
	short.Data = short.Data[:7]
	for name, x := range map[string]pipeline.Tensor{
		"NaN": tensor(1, float32(math.NaN())), "infinity": tensor(float32(math.Inf(-1)), 0),
		"too many elements": tensor(1, 2, 3), "cut short": short, "another type": {DType: commitment.Int8, Shape: []uint64{2}, Data: []byte{1, 2}},
	} {
		var cannot *run.CannotError
		if _, err := Check(run.Output{Model: run.Model{Dimension: 2}, Tensors: []pipeline.Tensor{tensor(1, 2), x}}); !errors.As(err, &cannot) {
			t.Errorf("%s: %v, want a CannotError", name, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add([]byte(`{"items":["AAAAAA=="],"salt":"AA==","note":"x"}`))
	f.Add([]byte(`{"items":["AAA="]}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := Decode(b)
		if err != nil {
			return
		}
		if _, err := r.Encode(); err != nil {
			t.Errorf("decoded, but does not encode: %v", err)
		}
	})
}
