package onnx

import (
	"io"
	"maps"
	"math"
	"slices"

	"google.golang.org/protobuf/encoding/protowire"
)

// Encode writes a graph as a model file that [Parse] reads back to an equal graph. Operator sets are written in
// the order of their names, so equal graphs give equal bytes. It checks nothing: Parse does.
func Encode(g *Graph) []byte {
	var w writer
	r := w.model(g)
	return r.join()
}

// Write is [Encode] to a stream: large constants are not copied. A file of 2 GiB or more, which no reader of the
// format takes, is refused before the first byte; [WriteExternal] splits it.
func Write(out io.Writer, g *Graph) error {
	var w writer
	return w.emit(out, g)
}

// WriteExternal writes the constants of at least threshold bytes to data, one after another at multiples of 4096,
// and the model, which refers to them under location, to out. [ParseExternal] reads both back to an equal graph.
func WriteExternal(out, data io.Writer, g *Graph, location string, threshold int) error {
	if clean, ok := localPath(location); !ok || clean != location {
		return fault(ErrMalformed, "", "location %q is no path below the model", location)
	}
	w := writer{data: data, location: location, threshold: max(threshold, 1)}
	return w.emit(out, g)
}

// writer holds where large constants go; its zero value keeps them in the model.
type writer struct {
	data      io.Writer
	location  string
	threshold int
	at        int64
	err       error
}

func (w *writer) emit(out io.Writer, g *Graph) error {
	r := w.model(g)
	if w.err != nil {
		return w.err
	}
	if r.size > math.MaxInt32 {
		return fault(ErrLimit, "", "model of %d bytes, the format allows %d", r.size, math.MaxInt32)
	}
	for _, part := range r.parts {
		if _, err := out.Write(part); err != nil {
			return err
		}
	}
	return nil
}

func (w *writer) model(g *Graph) *rope {
	r := &rope{}
	r.int(1, g.IRVersion)
	opsets(r, 8, g.Opsets)
	r.message(7, func(r *rope) { w.graph(r, g) })
	for i := range g.Functions {
		r.message(25, func(r *rope) { w.function(r, &g.Functions[i]) })
	}
	return r
}

func opsets(r *rope, num protowire.Number, versions map[string]int64) {
	for _, domain := range slices.Sorted(maps.Keys(versions)) {
		r.message(num, func(r *rope) {
			r.text(1, domain)
			r.int(2, versions[domain])
		})
	}
}

func (w *writer) graph(r *rope, g *Graph) {
	w.nodes(r, 1, g.Nodes)
	r.text(2, g.Name)
	for i := range g.Initializers {
		r.message(5, func(r *rope) { w.tensor(r, &g.Initializers[i]) })
	}
	values(r, 11, g.Inputs)
	values(r, 12, g.Outputs)
	values(r, 13, g.Values)
	for i := range g.Sparse {
		r.message(15, func(r *rope) { w.sparse(r, &g.Sparse[i]) })
	}
}

func (w *writer) function(r *rope, fn *Function) {
	r.text(1, fn.Name)
	texts(r, 4, fn.Inputs)
	texts(r, 5, fn.Outputs)
	texts(r, 6, fn.Attributes)
	w.nodes(r, 7, fn.Nodes)
	opsets(r, 9, fn.Opsets)
	r.text(10, fn.Domain)
	w.attributes(r, 11, fn.Defaults)
	values(r, 12, fn.Values)
	r.text(13, fn.Overload)
}

func texts(r *rope, num protowire.Number, list []string) {
	for _, s := range list {
		r.bytes(num, []byte(s))
	}
}

func (w *writer) nodes(r *rope, num protowire.Number, nodes []Node) {
	for i := range nodes {
		n := &nodes[i]
		r.message(num, func(r *rope) {
			texts(r, 1, n.Inputs)
			texts(r, 2, n.Outputs)
			r.text(3, n.Name)
			r.text(4, n.Op)
			w.attributes(r, 5, n.Attributes)
			r.text(7, n.Domain)
			r.text(8, n.Overload)
		})
	}
}

func (w *writer) attributes(r *rope, num protowire.Number, list []Attribute) {
	for i := range list {
		a := &list[i]
		r.message(num, func(r *rope) {
			r.text(1, a.Name)
			if a.Ref == "" {
				w.attribute(r, a)
			}
			r.int(20, int64(a.Kind))
			r.text(21, a.Ref)
		})
	}
}

func (w *writer) attribute(r *rope, a *Attribute) {
	switch a.Kind {
	case KindFloat:
		fixed32(r, 2, a.Float)
	case KindInt:
		r.int(3, a.Int)
	case KindString:
		r.bytes(4, []byte(a.String))
	case KindTensor:
		r.message(5, func(r *rope) { w.tensor(r, a.Tensor) })
	case KindGraph:
		r.message(6, func(r *rope) { w.graph(r, a.Graph) })
	case KindFloats:
		for _, v := range a.Floats {
			fixed32(r, 7, v)
		}
	case KindInts:
		for _, v := range a.Ints {
			r.int(8, v)
		}
	case KindStrings:
		texts(r, 9, a.Strings)
	case KindTensors:
		for i := range a.Tensors {
			r.message(10, func(r *rope) { w.tensor(r, &a.Tensors[i]) })
		}
	case KindGraphs:
		for _, body := range a.Graphs {
			r.message(11, func(r *rope) { w.graph(r, body) })
		}
	case KindType:
		r.message(14, func(r *rope) { typeOf(r, a.Type) })
	case KindTypes:
		for i := range a.Types {
			r.message(15, func(r *rope) { typeOf(r, &a.Types[i]) })
		}
	case KindSparse:
		r.message(22, func(r *rope) { w.sparse(r, a.Sparse) })
	case KindSparses:
		for i := range a.Sparses {
			r.message(23, func(r *rope) { w.sparse(r, &a.Sparses[i]) })
		}
	}
}

func fixed32(r *rope, num protowire.Number, v float32) {
	r.write(protowire.AppendFixed32(protowire.AppendTag(nil, num, protowire.Fixed32Type), math.Float32bits(v)))
}
