// Package verify looks at an output before anybody is promised anything about it, and
// turns it into what is committed to and delivered. It refuses what the market would
// refuse: another shape than the model's, a number that is not finite.
package verify

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"math"

	"assay/canisters/market/marketapi"
	"assay/canisters/market/payload"
	"assay/commitment"
	"assay/inference/pipeline"
	"assay/orchestrator/run"
)

// saltBytes is the length of a commit's salt: too long to guess, for ever.
const saltBytes = 32

// Result is a checked output, ready to be written back. It is stored in the journal before
// its root or a commit to it leaves the daemon, so that a restart reveals the same.
type Result struct {
	Output marketapi.Output
	Root   commitment.Hash
	Salt   []byte
	Note   string // what the operator should read, such as the time it took
}

// Check makes a result of an output.
func Check(out run.Output) (Result, error) {
	r := Result{Salt: make([]byte, saltBytes), Note: fmt.Sprintf("%d items in %s", len(out.Tensors), out.Took.Round(1e6))}
	if _, err := rand.Read(r.Salt); err != nil {
		return Result{}, fmt.Errorf("draw a salt: %w", err)
	}
	for i, t := range out.Tensors {
		if err := check(t, out.Model.Dimension); err != nil {
			return Result{}, &run.CannotError{Reason: fmt.Sprintf("item %d: %v", i, err)}
		}
		r.Output = append(r.Output, marketapi.Tensor{Dtype: marketapi.DType{F32: true}, Shape: []uint64{uint64(out.Model.Dimension)}, Data: t.Data})
	}
	root, err := payload.OutputRoot(r.Output)
	r.Root = root
	return r, err
}

func check(t pipeline.Tensor, dimension int) error {
	if t.DType != commitment.Float32 || len(t.Shape) != 1 || t.Shape[0] != uint64(dimension) || len(t.Data) != 4*dimension {
		return fmt.Errorf("output has type %d, shape %v and %d bytes, the model promises float32[%d]", t.DType, t.Shape, len(t.Data), dimension)
	}
	for at := 0; at < len(t.Data); at += 4 {
		v := float64(math.Float32frombits(binary.LittleEndian.Uint32(t.Data[at:])))
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("element %d is %v", at/4, v)
		}
	}
	return nil
}

// stored is the journal's form of a result.
type stored struct {
	Items []string `json:"items"` // base64 of float32 vectors
	Salt  []byte   `json:"salt"`
	Note  string   `json:"note"`
}

// Encode is the result's form in the journal.
func (r Result) Encode() ([]byte, error) {
	s := stored{Salt: r.Salt, Note: r.Note}
	for _, t := range r.Output {
		s.Items = append(s.Items, base64.StdEncoding.EncodeToString(t.Data))
	}
	return json.Marshal(s)
}

// Decode reads what Encode wrote and computes the root anew.
func Decode(b []byte) (r Result, err error) {
	var s stored
	if err := json.Unmarshal(b, &s); err != nil {
		return r, fmt.Errorf("decode kept result: %w", err)
	}
	r = Result{Salt: s.Salt, Note: s.Note}
	for i, item := range s.Items {
		data, err := base64.StdEncoding.DecodeString(item)
		if err != nil || len(data)%4 != 0 {
			return r, fmt.Errorf("decode kept result: item %d is damaged", i)
		}
		r.Output = append(r.Output, marketapi.Tensor{Dtype: marketapi.DType{F32: true}, Shape: []uint64{uint64(len(data) / 4)}, Data: data})
	}
	r.Root, err = payload.OutputRoot(r.Output)
	return r, err
}
