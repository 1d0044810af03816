package ir

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"assay/inference/tensor"
)

// DecodeError says where a file is wrong.
type DecodeError struct {
	Offset int
	Reason string
}

func (e *DecodeError) Error() string {
	return fmt.Sprintf("ir file at byte %d: %s", e.Offset, e.Reason)
}

// Decode reads what [Encode] writes and nothing else. The constants share the bytes of the file where these begin at a
// multiple of 8. Errors are [*DecodeError], or [*Error] when the graph does not fit together.
func Decode(b []byte) (*Graph, error) {
	n, size, err := sections(b, int64(len(b)))
	if err != nil {
		return nil, err
	}
	start := elementsAt(n)
	if err := zeros(b[header+n:start], header+n); err != nil {
		return nil, err
	}
	return (&decoder{b: b[:header+n], at: header, data: b[start:], size: int(size)}).whole(start)
}

// Open is Decode for a file that is read where it lies: the graph now, each constant when it is needed. Padding is not
// looked at.
func Open(r io.ReaderAt, size int64) (*Graph, error) {
	head := make([]byte, max(0, min(size, header)))
	if n, err := r.ReadAt(head, 0); n < len(head) {
		return nil, fmt.Errorf("read ir file: %w", err)
	}
	n, elements, err := sections(head, size)
	if err != nil {
		return nil, err
	}
	if n > maxGraphBytes {
		return nil, &DecodeError{16, fmt.Sprintf("a graph of %d bytes, limit %d", n, maxGraphBytes)}
	}
	b := make([]byte, header+n)
	if got, err := r.ReadAt(b, 0); got < len(b) {
		return nil, fmt.Errorf("read ir file: %w", err)
	}
	start := elementsAt(n)
	return (&decoder{b: b, at: header, stored: r, start: int64(start), size: int(elements)}).whole(start)
}

// maxGraphBytes is the longest graph that Open reads into memory.
const maxGraphBytes = 64 << 20

// elementsAt is where the elements begin after a graph of n bytes.
func elementsAt(n int) int { return (header + n + Page - 1) / Page * Page }

// sections reads the header of a file of the given size: the lengths of graph and elements.
func sections(b []byte, size int64) (n int, elements int64, err error) {
	if len(b) < header || string(b[:len(magic)]) != magic {
		return 0, 0, &DecodeError{0, "does not begin with " + magic}
	}
	if v := binary.LittleEndian.Uint16(b[8:]); v != Version {
		return 0, 0, &DecodeError{8, fmt.Sprintf("version %d, this program reads version %d", v, Version)}
	}
	if binary.LittleEndian.Uint16(b[10:]) != 0 || binary.LittleEndian.Uint32(b[12:]) != 0 {
		return 0, 0, &DecodeError{10, "reserved bytes are not zero"}
	}
	graph, data := binary.LittleEndian.Uint64(b[16:]), binary.LittleEndian.Uint64(b[24:])
	if graph > uint64(size-header) || graph > math.MaxInt32-2*Page {
		return 0, 0, &DecodeError{16, fmt.Sprintf("a graph of %d bytes in a file of %d", graph, size)}
	}
	start := int64(elementsAt(int(graph)))
	if start > size || data != uint64(size-start) || data > math.MaxInt32 && math.MaxInt == math.MaxInt32 {
		return 0, 0, &DecodeError{24, fmt.Sprintf("%d bytes of elements in a file of %d", data, size)}
	}
	return int(graph), int64(data), nil
}

func zeros(b []byte, at int) error {
	for i, c := range b {
		if c != 0 {
			return &DecodeError{at + i, "padding is not zero"}
		}
	}
	return nil
}

// whole reads the graph and sees that nothing is left over.
func (d *decoder) whole(start int) (*Graph, error) {
	g := d.graph(0)
	switch {
	case d.err != nil:
		return nil, d.err
	case d.at != len(d.b):
		return nil, &DecodeError{d.at, fmt.Sprintf("%d bytes follow the graph", len(d.b)-d.at)}
	case d.used != d.size:
		return nil, &DecodeError{start + d.used, "elements that belong to no constant"}
	}
	return g, g.Check()
}

// decoder reads fields until the first error; after it every field is zero.
type decoder struct {
	b    []byte
	at   int
	data []byte // of all constants; or they are stored, from start on
	used int
	size int
	err  error

	stored io.ReaderAt
	start  int64
	place  *Stored // of the elements read last
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = &DecodeError{d.at, fmt.Sprintf(format, args...)}
	}
}

func (d *decoder) uint() uint64 {
	if d.err != nil {
		return 0
	}
	v, n := binary.Uvarint(d.b[d.at:])
	if n <= 0 || n > 1 && d.b[d.at+n-1] == 0 {
		d.fail("a number that is cut off, too large or not in its shortest form")
		return 0
	}
	d.at += n
	return v
}

func (d *decoder) int() int64 {
	v := d.uint()
	return int64(v>>1) ^ -int64(v&1)
}

// count reads how many of something of at least the given size follow.
func (d *decoder) count(limit, bytes int, what string) int {
	v := d.uint()
	if v > uint64(limit) || v*uint64(bytes) > uint64(len(d.b)-d.at) {
		d.fail("%d %s", v, what)
		return 0
	}
	return int(v)
}

func (d *decoder) text() string {
	n := d.count(MaxNameBytes, 1, "bytes of text")
	d.at += n
	return string(d.b[d.at-n : d.at])
}

func (d *decoder) float() float32 {
	if d.err != nil || len(d.b)-d.at < 4 {
		d.fail("a number is cut off")
		return 0
	}
	d.at += 4
	return math.Float32frombits(binary.LittleEndian.Uint32(d.b[d.at-4:]))
}

func (d *decoder) dtype(zero bool) tensor.DType {
	v := d.uint()
	if v == 0 && zero {
		return 0
	}
	if v > math.MaxInt32 || tensor.DType(v).Size() == 0 {
		d.fail("element type %d", v)
		return 0
	}
	return tensor.DType(v)
}

func (d *decoder) graph(depth int) *Graph {
	g := &Graph{}
	if depth > MaxDepth {
		d.fail("bodies nested deeper than %d", MaxDepth)
		return g
	}
	for range d.count(MaxOperands, 3, "inputs") {
		g.Inputs = append(g.Inputs, d.value())
	}
	for range d.count(MaxValues, 4, "constants") {
		if d.err != nil {
			return g
		}
		g.Constants = append(g.Constants, d.constant())
	}
	for range d.count(MaxNodes, 6, "nodes") {
		if d.err != nil {
			return g
		}
		n := Node{Name: d.text()}
		d.node(&n)
		for range d.count(2, 4, "bodies") {
			n.Bodies = append(n.Bodies, d.graph(depth+1))
		}
		g.Nodes = append(g.Nodes, n)
	}
	for range d.count(MaxOperands, 3, "outputs") {
		g.Outputs = append(g.Outputs, d.output())
	}
	return g
}

func (d *decoder) output() Output {
	name := d.text()
	v := d.uint()
	if v > MaxValues {
		d.fail("value %d", v)
	}
	return Output{Name: name, Value: ID(v & 0x7fffffff), DType: d.dtype(true)}
}

func (d *decoder) value() Value {
	v := Value{Name: d.text(), DType: d.dtype(true)}
	rank := d.count(tensor.MaxRank+1, 1, "dimensions")
	if rank == 0 {
		v.Unranked = true
		return v
	}
	for range rank - 1 {
		dim := Dim{Size: d.int(), Symbol: d.text()}
		if dim.Size < -1 || dim.Size > math.MaxInt32 || dim.Size >= 0 && dim.Symbol != "" {
			d.fail("dimension %d %q", dim.Size, dim.Symbol)
		}
		v.Shape = append(v.Shape, dim)
	}
	return v
}

func (d *decoder) node(n *Node) {
	n.Op = d.text()
	for _, list := range []*[]ID{&n.In, &n.Out} {
		for range d.count(MaxOperands, 1, "operands") {
			v := d.uint()
			if v > MaxValues {
				d.fail("value %d", v)
				v = 0
			}
			*list = append(*list, ID(v)-1)
		}
	}
	for range d.count(MaxAttrs, 3, "attributes") {
		n.Attrs = append(n.Attrs, d.attr())
	}
}

func (d *decoder) attr() Attr {
	a := Attr{Name: d.text(), Kind: Kind(min(d.uint(), 255))}
	switch a.Kind {
	case KindInt:
		a.Int = d.int()
	case KindFloat:
		a.Float = d.float()
	case KindText:
		a.Text = d.text()
	case KindInts:
		for range d.count(len(d.b), 1, "integers") {
			a.Ints = append(a.Ints, d.int())
		}
	case KindFloats:
		a.Floats = d.floats()
	case KindTexts:
		for range d.count(len(d.b), 1, "texts") {
			a.Texts = append(a.Texts, d.text())
		}
	default:
		d.fail("attribute %q of kind %d", a.Name, a.Kind)
	}
	return a
}

func (d *decoder) floats() []float32 {
	n := d.count(len(d.b), 4, "numbers")
	if n == 0 {
		return nil
	}
	out := make([]float32, n)
	for i := range out {
		out[i] = d.float()
	}
	return out
}

func (d *decoder) constant() Constant {
	c := d.unplaced(d.text())
	if d.stored != nil {
		c.Stored = d.place
	}
	return c
}

// unplaced reads a constant after its name.
func (d *decoder) unplaced(name string) Constant {
	c := Constant{Name: name}
	switch kind := d.uint(); kind {
	case 0:
		c.Data = d.elements()
	case 1:
		q := &Quant{}
		if v := d.uint(); v < tensor.MaxRank {
			q.Axis = int(v)
		} else {
			d.fail("axis %d", v)
		}
		q.Scale = d.floats()
		for range d.count(len(d.b), 1, "zero points") {
			v := d.int()
			if v < math.MinInt32 || v > math.MaxInt32 {
				d.fail("zero point %d", v)
			}
			q.Zero = append(q.Zero, int32(v))
		}
		q.Q = d.elements()
		c.Quant = q
	default:
		d.fail("constant of kind %d", kind)
	}
	return c
}

func (d *decoder) elements() tensor.Tensor {
	dtype := d.dtype(false)
	shape := make([]int, d.count(tensor.MaxRank, 1, "dimensions"))
	for i := range shape {
		v := d.uint()
		if v > math.MaxInt32 {
			d.fail("dimension %d", v)
			v = 0
		}
		shape[i] = int(v)
	}
	if d.err != nil {
		return tensor.Tensor{}
	}
	n, ok := tensor.Count(shape, math.MaxInt32) // a dimension may be large where another is 0
	begin := (d.used + align - 1) / align * align
	if !ok || begin > d.size || int64(n)*int64(dtype.Size()) > int64(d.size-begin) {
		d.fail("elements of shape %v beyond the end of the file", shape)
		return tensor.Tensor{}
	}
	before := d.used
	d.used = begin + n*dtype.Size()
	if d.stored != nil {
		d.place = &Stored{From: d.stored, Offset: d.start + int64(begin)}
		return tensor.Tensor{DType: dtype, Shape: shape}
	}
	if zeros(d.data[before:begin], before) != nil {
		d.fail("padding before elements is not zero")
		return tensor.Tensor{}
	}
	t, err := tensor.Over(dtype, d.data[begin:d.used:d.used], shape...)
	if err != nil {
		d.fail("%v", err)
	}
	return t
}
