package ir

import (
	"bytes"
	"encoding/binary"
	"math"

	"assay/inference/tensor"
)

// The file form of a graph, little-endian:
//
//	"assay-ir" · u16 version · u16 0 · u32 0 · u64 n · u64 d
//	n bytes    the graph: inputs, constants without their elements, nodes with their bodies, outputs
//	zeros up to a multiple of Page
//	d bytes    the elements of the constants, each beginning at a multiple of align
//
// Numbers in the graph are unsigned varints in their shortest form (signed ones zigzag), texts and lists are preceded
// by their length. A body's constants are in the same file. One graph has one form.
const (
	magic  = "assay-ir"
	header = 32
	// Page is what the elements begin at a multiple of, so that they can be mapped or read by pages.
	Page  = 4096
	align = 64
)

// Encode gives the file form of a graph, which must pass Check.
func Encode(g *Graph) ([]byte, error) {
	if err := g.Check(); err != nil {
		return nil, err
	}
	e := encoder{}
	e.graph(g)
	out := make([]byte, 0, header+len(e.b)+Page+int(e.size))
	out = append(out, magic...)
	out = binary.LittleEndian.AppendUint16(out, Version)
	out = append(out, make([]byte, 6)...)
	out = binary.LittleEndian.AppendUint64(out, uint64(len(e.b)))
	out = binary.LittleEndian.AppendUint64(out, e.size)
	out = append(out, e.b...)
	out = append(out, make([]byte, (Page-len(out)%Page)%Page)...)
	start := len(out)
	for _, t := range e.data {
		out = append(out, make([]byte, (align-(len(out)-start)%align)%align)...)
		out = append(out, t...)
	}
	return out, nil
}

// encoder writes the graph and collects the elements of constants.
type encoder struct {
	b    []byte
	data [][]byte
	size uint64
}

func (e *encoder) uint(v uint64) { e.b = binary.AppendUvarint(e.b, v) }
func (e *encoder) int(v int64)   { e.b = binary.AppendVarint(e.b, v) }
func (e *encoder) text(s string) { e.uint(uint64(len(s))); e.b = append(e.b, s...) }
func (e *encoder) float(f float32) {
	e.b = binary.LittleEndian.AppendUint32(e.b, math.Float32bits(f))
}

func (e *encoder) graph(g *Graph) {
	e.uint(uint64(len(g.Inputs)))
	for i := range g.Inputs {
		e.value(&g.Inputs[i])
	}
	e.uint(uint64(len(g.Constants)))
	for i := range g.Constants {
		e.constant(&g.Constants[i])
	}
	e.uint(uint64(len(g.Nodes)))
	for i := range g.Nodes {
		n := &g.Nodes[i]
		e.text(n.Name)
		e.node(n)
		e.uint(uint64(len(n.Bodies)))
		for _, b := range n.Bodies {
			e.graph(b)
		}
	}
	e.uint(uint64(len(g.Outputs)))
	for _, o := range g.Outputs {
		e.output(o)
	}
}

func (e *encoder) output(o Output) {
	e.text(o.Name)
	e.uint(uint64(o.Value))
	e.uint(uint64(o.DType))
}

func (e *encoder) value(v *Value) {
	e.text(v.Name)
	e.uint(uint64(v.DType))
	if v.Unranked {
		e.uint(0)
		return
	}
	e.uint(uint64(len(v.Shape)) + 1)
	for _, d := range v.Shape {
		e.int(d.Size)
		e.text(d.Symbol)
	}
}

// node writes all of a node but its label and bodies.
func (e *encoder) node(n *Node) {
	e.text(n.Op)
	for _, list := range [][]ID{n.In, n.Out} {
		e.uint(uint64(len(list)))
		for _, id := range list {
			e.uint(uint64(id + 1))
		}
	}
	e.uint(uint64(len(n.Attrs)))
	for i := range n.Attrs {
		e.attr(&n.Attrs[i])
	}
}

func (e *encoder) attr(a *Attr) {
	e.text(a.Name)
	e.uint(uint64(a.Kind))
	switch a.Kind {
	case KindInt:
		e.int(a.Int)
	case KindFloat:
		e.float(a.Float)
	case KindText:
		e.text(a.Text)
	case KindInts:
		e.uint(uint64(len(a.Ints)))
		for _, v := range a.Ints {
			e.int(v)
		}
	case KindFloats:
		e.floats(a.Floats)
	case KindTexts:
		e.uint(uint64(len(a.Texts)))
		for _, v := range a.Texts {
			e.text(v)
		}
	}
}

func (e *encoder) floats(list []float32) {
	e.uint(uint64(len(list)))
	for _, v := range list {
		e.float(v)
	}
}

func (e *encoder) constant(c *Constant) {
	e.text(c.Name)
	q := c.Quant
	if q == nil {
		e.uint(0)
		e.elements(&c.Data)
		return
	}
	e.uint(1)
	e.quant(q)
	e.elements(&q.Q)
}

// quant writes what a quantised constant has besides its whole numbers.
func (e *encoder) quant(q *Quant) {
	e.uint(uint64(q.Axis))
	e.floats(q.Scale)
	e.uint(uint64(len(q.Zero)))
	for _, z := range q.Zero {
		e.int(int64(z))
	}
}

// elements writes type and shape, and notes the elements for the end of the file.
func (e *encoder) elements(t *tensor.Tensor) {
	e.uint(uint64(t.DType))
	e.uint(uint64(len(t.Shape)))
	for _, d := range t.Shape {
		e.uint(uint64(d))
	}
	e.size = (e.size + align - 1) / align * align
	e.size += uint64(len(t.Bytes()))
	e.data = append(e.data, t.Bytes())
}

// Equal reports whether two graphs have the same file form.
func Equal(a, b *Graph) bool {
	x, errX := Encode(a)
	y, errY := Encode(b)
	return errX == nil && errY == nil && bytes.Equal(x, y)
}
