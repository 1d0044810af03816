package exam

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"sync"
	"sync/atomic"

	"assay/inference/onnx"
)

// RandomGraph is a graph that scripts/reference/randomgraphs.py made, with an expected value of every output.
type RandomGraph struct {
	Index     int
	Operators []string
	Depth     int
	Nodes     int
	Batched   bool
	model     []byte
	inputs    []graphValue
	outputs   []graphValue
}

// graphValue is an input, or an output as expected: in float64 where the graph's own is float32.
type graphValue struct {
	Value
	batched bool
	wide    []float64
	error   float64 // the largest difference of ONNX Runtime's result from wide
}

// ReadGraph reads a file that the script wrote.
func ReadGraph(file string) (*RandomGraph, error) {
	data, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	if len(data) < 4 || int(binary.LittleEndian.Uint32(data)) > len(data)-4 {
		return nil, fmt.Errorf("%s is cut short", file)
	}
	type entry struct {
		Name    string
		DType   int32
		Shape   []int64
		Data    [2]int
		Batched bool
		Error   float64
	}
	var header struct {
		RandomGraph
		Model           [2]int
		Inputs, Outputs []entry
	}
	n := int(binary.LittleEndian.Uint32(data))
	if err := json.Unmarshal(data[4:4+n], &header); err != nil {
		return nil, fmt.Errorf("%s: %w", file, err)
	}
	blobs := data[4+n:]
	part := func(at [2]int) []byte { return blobs[at[0] : at[0]+at[1]] }
	read := func(list []entry) (out []graphValue) {
		for _, e := range list {
			v := graphValue{batched: e.Batched, error: e.Error}
			v.Value = Value{Name: e.Name, DType: onnx.DType(e.DType), Shape: e.Shape, Raw: part(e.Data)}
			out = append(out, v)
		}
		return out
	}
	g := header.RandomGraph
	g.model, g.inputs, g.outputs = part(header.Model), read(header.Inputs), read(header.Outputs)
	for i := range g.outputs {
		if v := &g.outputs[i]; v.DType == floatType {
			asWide := Value{DType: doubleType, Shape: v.Shape, Raw: v.Raw}
			v.wide, _ = asWide.Floats()
		}
	}
	return &g, nil
}

// Largest is the number of elements of the largest input or output.
func (g *RandomGraph) Largest() int {
	n := 0
	for _, list := range [][]graphValue{g.inputs, g.outputs} {
		for i := range list {
			n = max(n, list[i].Elements())
		}
	}
	return n
}

// Outcome is what [RandomGraph.Check] measured.
type Outcome struct {
	Worst   float64 // the largest error of an output as a fraction of what it may be
	Dynamic bool    // shapes depend on the data, so no bound holds for every run
}

// Check runs the graph in every way that must not matter, and compares the result with the expected one: a float may
// be off by four times what ONNX Runtime is off by, plus four units in the last place of the output's largest
// magnitude; anything else must be equal.
func (g *RandomGraph) Check() (outcome Outcome, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
	}()
	inputs := map[string]Value{}
	for _, v := range g.inputs {
		inputs[v.Name] = v.Value
	}
	got, err := Evaluate(g.model, inputs, Options{})
	if err != nil {
		return outcome, err
	}
	for i := range g.outputs {
		share, err := g.outputs[i].compare(&got[i])
		if err != nil {
			return outcome, fmt.Errorf("output %s: %w", g.outputs[i].Name, err)
		}
		outcome.Worst = max(outcome.Worst, share)
	}
	if outcome.Dynamic, err = sameAnywhere(g.model, inputs, got); err != nil {
		return outcome, err
	}
	if g.Batched {
		for _, rows := range [][]int{{3, 1}, {4}, {0, 1, 2, 3, 4, 2, 0}} {
			if err := g.sameRows(inputs, got, rows); err != nil {
				return outcome, fmt.Errorf("rows %v alone: %w", rows, err)
			}
		}
	}
	return outcome, nil
}

// sameAnywhere runs with every kernel, with three threads, in pieces, from the stored form, and within the bound that
// the shapes give, unless they depend on the data.
func sameAnywhere(model []byte, inputs map[string]Value, want []Value) (dynamic bool, err error) {
	ways := map[string]Options{"in pieces": {Pieces: true}, "stored": {Stored: true}, "within its bound": {Bounded: true}}
	for _, kernel := range Kernels() {
		ways["kernel "+kernel] = Options{Kernel: kernel}
		ways["three threads, kernel "+kernel] = Options{Kernel: kernel, Parallel: Threads(3)}
	}
	for way, options := range ways {
		got, err := Evaluate(model, inputs, options)
		if options.Bounded && errors.Is(err, ErrDynamic) {
			dynamic = true
			continue
		}
		if err != nil {
			return dynamic, fmt.Errorf("%s: %w", way, err)
		}
		for i := range want {
			if !bytes.Equal(got[i].Raw, want[i].Raw) {
				return dynamic, fmt.Errorf("%s: output %s has other bits", way, want[i].Name)
			}
		}
	}
	return dynamic, nil
}

// sameRows runs with some rows of the batch, in another order and some of them twice.
func (g *RandomGraph) sameRows(inputs map[string]Value, whole []Value, rows []int) error {
	some := map[string]Value{}
	for _, v := range g.inputs {
		some[v.Name] = inputs[v.Name]
		if v.batched {
			some[v.Name] = v.Value.rows(rows)
		}
	}
	got, err := Evaluate(g.model, some, Options{})
	if err != nil {
		return err
	}
	for i := range whole {
		want := whole[i]
		if g.outputs[i].batched {
			want = want.rows(rows)
		}
		if !bytes.Equal(got[i].Raw, want.Raw) {
			return fmt.Errorf("output %s has other bits", whole[i].Name)
		}
	}
	return nil
}

// rows picks rows of the first dimension.
func (v *Value) rows(rows []int) Value {
	size := len(v.Raw) / int(v.Shape[0])
	out := Value{Name: v.Name, DType: v.DType, Shape: append([]int64{int64(len(rows))}, v.Shape[1:]...)}
	for _, r := range rows {
		out.Raw = append(out.Raw, v.Raw[r*size:(r+1)*size]...)
	}
	return out
}

// compare gives the error as a share of what is allowed.
func (v *graphValue) compare(got *Value) (float64, error) {
	if v.wide == nil {
		return 0, Compare(got, &v.Value, Tolerance{})
	}
	if err := sameShape(got, &v.Value); err != nil {
		return 0, err
	}
	found, _ := got.Floats()
	top, worst, at := 0.0, 0.0, 0
	for i, w := range v.wide {
		top = max(top, math.Abs(w))
		if d := math.Abs(found[i] - w); !(d <= worst) {
			worst, at = d, i
		}
	}
	if len(found) == 0 {
		return 0, nil
	}
	unit := float64(math.Nextafter32(float32(top), math.MaxFloat32) - float32(top))
	allowed := 4*v.error + 4*unit
	if !(worst <= allowed) {
		return 0, fmt.Errorf("element %d of %v is %v, want %v: off by %.3g units of the largest magnitude, ONNX Runtime by %.3g",
			at, v.Shape, found[at], v.wide[at], worst/unit, v.error/unit)
	}
	return worst / allowed, nil
}

// Threads gives a parallel function of n threads, which take their tasks from the end.
func Threads(n int) func(tasks int, f func(i int)) {
	return func(tasks int, f func(i int)) {
		left := atomic.Int64{}
		left.Store(int64(tasks))
		var wait sync.WaitGroup
		for range n {
			wait.Go(func() {
				for i := left.Add(-1); i >= 0; i = left.Add(-1) {
					f(int(i))
				}
			})
		}
		wait.Wait()
	}
}
