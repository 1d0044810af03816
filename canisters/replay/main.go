// Command replay is a canister that computes models with the executor that providers use, to the same bits. A compiled
// model (the file form of package ir) lies in stable memory and is read constant by constant, so that weights never fill
// the heap; a run goes on over as many messages as it takes. A run, unlike the model, does not outlive an upgrade.
//
// It is the engine of a referee and judges nothing itself. replay.did is its interface.
package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"

	"assay/canisters/replay/replayapi"
	"assay/ic/cdk"
	"assay/ic/cdk/stable"
	"assay/inference/exact"
	"assay/inference/ir"
	"assay/inference/tensor"
)

// The regions of stable memory: the length of the sealed file, and the file.
const (
	regionLength = cdk.FirstRegion
	regionModel  = cdk.FirstRegion + 1
)

const maxModelBytes = 4 << 30

var lengthKey = []byte("length")

func program() cdk.Program {
	return cdk.Program{
		Methods: replayapi.Methods[*cdk.Message](edge{}),
		Guards: map[string][]cdk.Guard{
			"put": {cdk.OnlyControllers}, "seal": {cdk.OnlyControllers}, "run": {cdk.OnlyControllers}, "turn": {cdk.OnlySelf},
		},
	}
}

func init() { cdk.Serve(program()) }

func main() {}

// What the heap holds: the model made ready, whether it is being run, and the outputs of the last run.
var (
	ready   *exact.Program
	running bool
	outputs map[string]exact.Tensor
)

// file reads the model where it lies.
type file struct {
	stable.Memory
	length int64
}

func (f file) ReadAt(p []byte, off int64) (int, error) {
	if off < 0 || off > f.length {
		return 0, io.EOF
	}
	n := min(int64(len(p)), f.length-off)
	f.Memory.ReadAt(p[:n], uint64(off))
	if n < int64(len(p)) {
		return int(n), io.EOF
	}
	return int(n), nil
}

// edge serves replay.did.
type edge struct{}

func (edge) Put(_ *cdk.Message, offset uint64, piece []byte) error {
	end := offset + uint64(len(piece))
	if end < offset || end > maxModelBytes {
		return fmt.Errorf("a piece that ends at byte %d, at most %d are kept", end, int64(maxModelBytes))
	}
	if _, sealed := cdk.Map(regionLength).Get(lengthKey); sealed { // another model: the old one is no longer whole
		cdk.Map(regionLength).Delete(lengthKey)
		ready, outputs = nil, nil
	}
	if running {
		return errBusy
	}
	memory := cdk.Region(regionModel)
	pages := (end + stable.PageBytes - 1) / stable.PageBytes
	if pages > memory.Size() {
		if err := memory.Grow(pages - memory.Size()); err != nil {
			return err
		}
	}
	memory.WriteAt(piece, offset)
	return nil
}

func (edge) Seal(_ *cdk.Message, length uint64) (replayapi.Model, error) {
	if running {
		return replayapi.Model{}, errBusy
	}
	if length > cdk.Region(regionModel).Size()*stable.PageBytes {
		return replayapi.Model{}, fmt.Errorf("a model of %d bytes, fewer were written", length)
	}
	g, err := open(length)
	if err != nil {
		return replayapi.Model{}, err
	}
	root, err := ir.Root(g)
	if err != nil {
		return replayapi.Model{}, err
	}
	if err := cdk.Map(regionLength).Put(lengthKey, binary.BigEndian.AppendUint64(nil, length)); err != nil {
		return replayapi.Model{}, err
	}
	ready, outputs = nil, nil
	return replayapi.Model{Root: root[:], Nodes: uint64(len(g.Nodes)), Bytes: length}, nil
}

func open(length uint64) (*ir.Graph, error) {
	return ir.Open(file{cdk.Region(regionModel), int64(length)}, int64(length))
}

// loaded is the sealed model, made ready once in the life of an instance.
func loaded() (*exact.Program, error) {
	if ready != nil {
		return ready, nil
	}
	v, ok := cdk.Map(regionLength).Get(lengthKey)
	if !ok {
		return nil, errors.New("no model is sealed: put its pieces, then seal it")
	}
	g, err := open(binary.BigEndian.Uint64(v))
	if err != nil {
		return nil, err
	}
	ready, err = exact.New(g, exact.Config{})
	return ready, err
}

func (edge) Run(m *cdk.Message, in []replayapi.Tensor, budget uint64) (replayapi.Result, error) {
	if running {
		return replayapi.Result{}, errBusy
	}
	p, err := loaded()
	if err != nil {
		return replayapi.Result{}, err
	}
	given := make(map[string]exact.Tensor, len(in))
	for _, t := range in {
		if given[t.Name], err = tensorOf(t); err != nil {
			return replayapi.Result{}, fmt.Errorf("input %q: %w", t.Name, err)
		}
	}
	running, outputs = true, nil
	defer func() { running = false }()
	r := run{message: m, budget: max(budget, leastBudget), messages: 1}
	made, err := p.Run(given, r.pieces)
	if err != nil {
		return replayapi.Result{}, err
	}
	outputs = made
	return r.result(p)
}

var errBusy = errors.New("a run is under way: call again when it is done")

// leastBudget keeps a run from calling itself for next to nothing.
const leastBudget = 100_000_000

// run counts what one run takes.
type run struct {
	message      *cdk.Message
	budget       uint64
	messages     uint64
	instructions uint64 // of messages before this one
}

// pieces runs pieces one after the other and goes on in another message when this one's share is spent.
func (r *run) pieces(n int, f func(i int)) {
	for i := range n {
		f(i)
		if r.message.Instructions() < r.budget {
			continue
		}
		r.instructions += r.message.Instructions()
		r.messages++
		_, err := r.message.Call(cdk.Call{To: r.message.Self(), Method: "turn", Arg: []byte("DIDL\x00\x00")})
		if err != nil {
			panic(fmt.Errorf("go on in another message: %w", err)) // the run ends, and nothing of it is kept
		}
	}
}

func (r *run) result(p *exact.Program) (replayapi.Result, error) {
	out := replayapi.Result{Messages: r.messages}
	for _, o := range p.Outputs() {
		t := outputs[o.Name]
		root, err := ir.TensorRoot(&t)
		if err != nil {
			return out, err
		}
		shape := make([]uint64, len(t.Shape))
		for i, d := range t.Shape {
			shape[i] = uint64(d)
		}
		out.Outputs = append(out.Outputs, replayapi.Output{Name: o.Name, Dtype: uint8(t.DType), Shape: shape, Root: root[:]})
	}
	out.Instructions = r.instructions + r.message.Instructions()
	return out, nil
}

func (edge) Turn(*cdk.Message) error { return nil }

func tensorOf(t replayapi.Tensor) (exact.Tensor, error) {
	shape := make([]int, len(t.Shape))
	for i, d := range t.Shape {
		if d > math.MaxInt32 {
			return exact.Tensor{}, fmt.Errorf("dimension %d is %d", i, d)
		}
		shape[i] = int(d)
	}
	return tensor.Over(tensor.DType(t.Dtype), t.Data, shape...)
}

func (edge) Output(_ *cdk.Message, name string) ([]byte, error) {
	t, ok := outputs[name]
	if !ok {
		return nil, fmt.Errorf("no output %q of a run that is done", name)
	}
	return t.Bytes(), nil
}
