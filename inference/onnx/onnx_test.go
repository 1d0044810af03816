package onnx

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"runtime"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"google.golang.org/protobuf/encoding/protowire"
)

// The writer's pieces, as bytes.
func encodeGraph(g *Graph) []byte { var r rope; new(writer).graph(&r, g); return r.join() }

func encodeNode(n *Node) []byte     { var r rope; new(writer).nodes(&r, 1, []Node{*n}); return content(&r) }
func encodeTensor(t *Tensor) []byte { var r rope; new(writer).tensor(&r, t); return r.join() }

// content is a message that a rope holds as one field.
func content(r *rope) []byte {
	all := r.join()
	_, _, n := protowire.ConsumeTag(all)
	inner, _ := protowire.ConsumeBytes(all[n:])
	return inner
}

func appendString(out []byte, num protowire.Number, s string) []byte {
	return appendBytes(out, num, []byte(s))
}

func floats(v ...float32) []byte {
	var raw []byte
	for _, x := range v {
		raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(x))
	}
	return raw
}

// small is a graph with every kind of thing in it.
func small() *Graph {
	return &Graph{
		Name: "small", IRVersion: 8, Opset: 17, Opsets: map[string]int64{"": 17, "com.example": 1},
		Nodes: []Node{
			{Name: "first", Op: "MatMul", Inputs: []string{"x", "w"}, Outputs: []string{"y"}},
			{Name: "second", Op: "Odd", Domain: "com.example", Inputs: []string{"y", "", "b"}, Outputs: []string{"", "z"}, Attributes: []Attribute{
				{Name: "f", Kind: KindFloat, Float: 1.5},
				{Name: "i", Kind: KindInt, Int: -3},
				{Name: "s", Kind: KindString, String: "text"},
				{Name: "t", Kind: KindTensor, Tensor: &Tensor{DType: Int8, Shape: []int64{2}, Raw: []byte{1, 255}}},
				{Name: "fs", Kind: KindFloats, Floats: []float32{1, 2}},
				{Name: "is", Kind: KindInts, Ints: []int64{-1, 1 << 40}},
				{Name: "ss", Kind: KindStrings, Strings: []string{"a", ""}},
				{Name: "zero", Kind: KindInt},
				{Name: "none", Kind: KindInts},
			}},
		},
		Initializers: []Tensor{
			{Name: "w", DType: Float32, Shape: []int64{2, 1}, Raw: floats(1, -2)},
			{Name: "b", DType: Bool, Shape: []int64{}, Raw: []byte{1}},
			{Name: "empty", DType: Int64, Shape: []int64{0, 3}, Raw: []byte{}},
		},
		Inputs:  []Value{{Name: "x", DType: Float32, Shape: []Dim{{Size: -1, Symbol: "n"}, {Size: 2}, {Size: -1}}}, {Name: "u", DType: Int64}},
		Outputs: []Value{{Name: "z", DType: Float32, Shape: []Dim{}}},
	}
}

func TestRoundTrip(t *testing.T) {
	want := small()
	got, err := Parse(Encode(want), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
}

// Numbers may stand in typed fields, packed or one by one, instead of raw bytes.
func TestTypedData(t *testing.T) {
	packed := func(v ...uint64) (out []byte) {
		for _, x := range v {
			out = protowire.AppendVarint(out, x)
		}
		return out
	}
	negative := func(v int64) uint64 { return uint64(v) }
	cases := []struct {
		name  string
		dtype DType
		num   protowire.Number
		data  []byte
		want  []byte
	}{
		{"float32", Float32, 4, floats(1, 2), floats(1, 2)},
		{"int8", Int8, 5, packed(negative(-1), 127), []byte{255, 127}},
		{"int32", Int32, 5, packed(negative(-2), 3), []byte{254, 255, 255, 255, 3, 0, 0, 0}},
		{"bool", Bool, 5, packed(1, 0), []byte{1, 0}},
		{"float16", Float16, 5, packed(0x3c00, 0), []byte{0, 0x3c, 0, 0}},
		{"int64", Int64, 7, packed(negative(-1), 2), []byte{255, 255, 255, 255, 255, 255, 255, 255, 2, 0, 0, 0, 0, 0, 0, 0}},
		{"uint32", Uint32, 11, packed(math.MaxUint32, 1), []byte{255, 255, 255, 255, 1, 0, 0, 0}},
		{"float64", Float64, 10, make([]byte, 16), make([]byte, 16)},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			message := appendInt(appendInt(nil, 1, 2), 2, int64(c.dtype))
			message = appendString(appendBytes(message, c.num, c.data), 8, "b")
			g, err := Parse(fileWith(message), Limits{})
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, g.Initializers[0].Raw); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
	one := appendInt(appendInt(appendInt(nil, 1, 2), 2, int64(Int64)), 7, 5)
	g, err := Parse(fileWith(appendString(appendInt(one, 7, 6), 8, "b")), Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if got := g.Initializers[0].Raw; got[0] != 5 || got[8] != 6 {
		t.Errorf("unpacked numbers became %v", got)
	}
}

// fileWith is a valid file whose only constant is the given message.
func fileWith(tensor []byte) []byte {
	g := small()
	g.Initializers = nil
	g.Nodes = []Node{{Name: "n", Op: "Neg", Inputs: []string{"x"}, Outputs: []string{"z"}}}
	return fileOf(appendBytes(encodeGraph(g), 5, tensor))
}

func fileOf(graph []byte) []byte {
	out := appendInt(nil, 1, 8)
	out = appendBytes(out, 8, appendInt(nil, 2, 17))
	out = appendBytes(out, 8, appendInt(appendString(nil, 1, "com.example"), 2, 1))
	return appendBytes(out, 7, graph)
}

func TestRefusesGraphs(t *testing.T) {
	cases := []struct {
		name   string
		change func(g *Graph)
		kind   error
		node   string
		part   string
	}{
		{"unknown name", func(g *Graph) { g.Nodes[0].Inputs[1] = "nobody" }, ErrDangling, "first", `"nobody"`},
		{"output of nothing", func(g *Graph) { g.Outputs[0].Name = "nobody" }, ErrDangling, "", `"nobody"`},
		{"own output", func(g *Graph) { g.Nodes[0].Inputs[0] = "y" }, ErrCycle, "first", `"y"`},
		{"circle of two", func(g *Graph) { g.Nodes[0].Inputs[0] = "z" }, ErrCycle, "first", `"z"`},
		{"later node first", func(g *Graph) { g.Nodes[0], g.Nodes[1] = g.Nodes[1], g.Nodes[0] }, ErrOrder, "second", `"first"`},
		{"value twice", func(g *Graph) { g.Nodes[1].Outputs[1] = "y" }, ErrDuplicate, "second", `"y"`},
		{"node overwrites an input", func(g *Graph) { g.Nodes[1].Outputs[1] = "x" }, ErrDuplicate, "second", `"x"`},
		{"node name twice", func(g *Graph) { g.Nodes[1].Name = "first" }, ErrDuplicate, "first", "two nodes"},
		{"constant twice", func(g *Graph) { g.Initializers[1].Name = "w" }, ErrDuplicate, "", `"w"`},
		{"input twice", func(g *Graph) { g.Inputs[1].Name = "x" }, ErrDuplicate, "", `"x"`},
		{"output twice", func(g *Graph) { g.Outputs = append(g.Outputs, g.Outputs[0]) }, ErrDuplicate, "", `"z"`},
		{"no outputs", func(g *Graph) { g.Outputs = nil }, ErrMalformed, "", "without outputs"},
		{"node without outputs", func(g *Graph) { g.Nodes[1].Outputs = []string{""} }, ErrMalformed, "second", "no outputs"},
		{"node without operator", func(g *Graph) { g.Nodes[1].Op = "" }, ErrMalformed, "second", "operator"},
		{"domain not imported", func(g *Graph) { g.Nodes[1].Domain = "elsewhere" }, ErrMalformed, "second", `"elsewhere"`},
		{"constant without a name", func(g *Graph) { g.Initializers[0].Name = "" }, ErrMalformed, "", "without a name"},
		{"too little data", func(g *Graph) { g.Initializers[0].Raw = floats(1) }, ErrMalformed, "", "want 8"},
		{"absurd shape", func(g *Graph) { g.Initializers[0].Shape = []int64{1 << 40} }, ErrLimit, "", "dimension"},
		{"overflowing shape", func(g *Graph) { g.Initializers[0].Shape = []int64{1 << 28, 1 << 28, 1 << 28} }, ErrLimit, "", "elements"},
		{"negative dimension", func(g *Graph) { g.Initializers[0].Shape = []int64{-2, -1} }, ErrLimit, "", "dimension"},
		{"nine dimensions", func(g *Graph) { g.Initializers[0].Shape = make([]int64, 9) }, ErrLimit, "", "elements"},
		{"unknown element type", func(g *Graph) { g.Initializers[0].DType = 14 }, ErrUnsupported, "", "element type 14"},
		{"a bool of 2", func(g *Graph) { g.Initializers[1].Raw = []byte{2} }, ErrMalformed, "", "bool"},
		{"format of the future", func(g *Graph) { g.IRVersion = 99 }, ErrUnsupported, "", "99"},
		{"no default operator set", func(g *Graph) { delete(g.Opsets, "") }, ErrMalformed, "", "default operator set"},
		{"attribute without a name", func(g *Graph) { g.Nodes[1].Attributes[0].Name = "" }, ErrMalformed, "second", "without a name"},
		{"attribute twice", func(g *Graph) { g.Nodes[1].Attributes[1].Name = "f" }, ErrDuplicate, "second", `"f"`},
		{"attribute of an unknown kind", func(g *Graph) { g.Nodes[1].Attributes[7].Kind = 15 }, ErrUnsupported, "second", "kind 15"},
		{"operator set of the future", func(g *Graph) { g.Opsets[""] = 29 }, ErrUnsupported, "", "29"},
		{"operator set of the past", func(g *Graph) { g.Opsets[""] = 6; g.Nodes[0].Op = "Add" }, ErrUnsupported, "first", "version 6"},
		{"operator that changed without changing form", func(g *Graph) { g.Opsets[""] = 6; g.Nodes[0].Op = "PRelu" }, ErrUnsupported, "first", "version 6"},
		{"operator of control characters", func(g *Graph) { g.Nodes[1].Op = "a\x1b[2J" }, ErrMalformed, "second", `\x1b`},
		{"name too long", func(g *Graph) { g.Nodes[0].Name = strings.Repeat("n", 2000) }, ErrLimit, "", "2000 bytes"},
		{"name is not text", func(g *Graph) { g.Nodes[0].Op = "\xff" }, ErrMalformed, "", "UTF-8"},
		{"input declared unlike its constant", func(g *Graph) { g.Inputs[1].Name = "w" }, ErrMalformed, "", "another type"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			g := small()
			c.change(g)
			expect(t, Encode(g), Limits{}, c.kind, c.node, c.part)
		})
	}
}

func expect(t *testing.T, file []byte, limits Limits, kind error, node, part string) {
	t.Helper()
	_, err := Parse(file, limits)
	var typed *Error
	if !errors.As(err, &typed) || !errors.Is(err, kind) || !strings.Contains(err.Error(), part) {
		t.Fatalf("error %v, want %q with %q", err, kind, part)
	}
	if node != "" && typed.Node != node {
		t.Errorf("error names node %q, want %q", typed.Node, node)
	}
	if typed.Node != "" && typed.Offset < 0 {
		t.Errorf("error in node %q says no offset", typed.Node)
	}
}

func TestRefusesBytes(t *testing.T) {
	graph := encodeGraph(small())
	tensor := encodeTensor(&small().Initializers[0])
	tensor = tensor[:len(tensor):len(tensor)] // every append below copies
	graph = graph[:len(graph):len(graph)]
	external := appendInt(tensor, 14, 1)
	location := appendBytes(tensor, 13, appendString(appendString(nil, 1, "location"), 2, "weights.bin"))
	node := encodeNode(&small().Nodes[0])
	cases := []struct {
		name string
		file []byte
		kind error
		part string
	}{
		{"nothing", nil, ErrMalformed, "no graph"},
		{"not protobuf", []byte("<html>not found</html>"), ErrMalformed, ""},
		{"data in another file", fileWith(external), ErrMalformed, "in none"},
		{"location of another file", fileWith(location), ErrMalformed, "two places"},
		{"two graphs", append(fileOf(graph), appendBytes(nil, 7, graph)...), ErrDuplicate, "field 7"},
		{"field of the future", append(fileOf(graph), appendInt(nil, 99, 1)...), ErrUnsupported, "field 99"},
		{"function without a name", append(fileOf(graph), appendBytes(nil, 25, nil)...), ErrMalformed, "function"},
		{"training", append(fileOf(graph), appendBytes(nil, 20, nil)...), ErrUnsupported, "training"},
		{"empty sparse constant", fileOf(appendBytes(graph, 15, nil)), ErrMalformed, "sparse"},
		{"an operator set in two versions", append(fileOf(graph), appendBytes(nil, 8, appendInt(appendString(nil, 1, "ai.onnx"), 2, 18))...), ErrDuplicate, "17 and 18"},
		{"raw and typed data", fileWith(appendBytes(tensor, 4, floats(1, 2))), ErrMalformed, "raw data and"},
		{"data field of another type", fileWith(appendBytes(appendString(appendInt(appendInt(nil, 1, 1), 2, int64(Float32)), 8, "b"), 7, []byte{1})), ErrMalformed, "field 7"},
		{"number out of range", fileWith(appendBytes(appendString(appendInt(appendInt(nil, 1, 1), 2, int64(Int8)), 8, "b"), 5, []byte{0x80, 0x01})), ErrMalformed, "range"},
		{"more numbers than the shape wants", fileWith(appendBytes(appendString(appendInt(appendInt(nil, 1, 1), 2, int64(Int64)), 8, "b"), 7, []byte{1, 2})), ErrLimit, "more than 1"},
		{"name given twice", fileOf(appendBytes(graph, 1, appendString(node, 3, "again"))), ErrDuplicate, "given twice"},
		{"graph is a number", append(appendInt(nil, 1, 8), appendInt(nil, 7, 1)...), ErrMalformed, "wire type"},
		{"group", append(fileOf(graph), protowire.AppendTag(nil, 2, protowire.StartGroupType)...), ErrMalformed, ""},
		{"opaque input", fileOf(appendBytes(graph, 11, appendBytes(appendString(nil, 1, "q"), 2, appendBytes(nil, 7, nil)))), ErrUnsupported, "opaque"},
		{"input without a type", fileOf(appendBytes(graph, 11, appendString(nil, 1, "q"))), ErrMalformed, "type"},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { expect(t, c.file, Limits{}, c.kind, "", c.part) })
	}
}

// What exporters write needlessly means what it means without: an operator set said again (skl2onnx), and open
// dimensions of the size -1 or all called "?" (Paddle).
func TestExportersWays(t *testing.T) {
	want := small()
	want.Inputs[0].Shape[0].Symbol = ""
	written := small()
	written.Inputs[0].Shape[0] = Dim{Size: -1, Symbol: "?"}
	file := Encode(written)
	file = append(file, appendBytes(nil, 8, appendInt(appendString(nil, 1, "ai.onnx"), 2, 17))...)
	got, err := Parse(file, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if d, err := new(parser).dim(field{bytes: appendInt(nil, 1, -1)}); err != nil || d.Size != -1 {
		t.Errorf("a dimension of -1 is %+v, %v", d, err)
	}
	if _, err := new(parser).dim(field{bytes: appendInt(nil, 1, -2)}); !errors.Is(err, ErrLimit) {
		t.Errorf("a dimension of -2: %v", err)
	}
}

func TestLimits(t *testing.T) {
	file := Encode(small())
	cases := []struct {
		name   string
		limits Limits
	}{
		{"bytes", Limits{Bytes: len(file) - 1}},
		{"nodes", Limits{Nodes: 1}},
		{"constants", Limits{Initializers: 2}},
		{"attributes", Limits{Attributes: 8}},
		{"names", Limits{Names: 2}},
		{"name bytes", Limits{NameBytes: 4}},
		{"rank", Limits{Rank: 2}},
		{"elements", Limits{Elements: 1}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) { expect(t, file, c.limits, ErrLimit, "", "") })
	}
}

// A file that lost its end or a bit is refused with a typed error, or it is another whole model; it never panics.
func TestDamagedFiles(t *testing.T) {
	file := Encode(small())
	for n := range file {
		g, err := Parse(file[:n], Limits{})
		var typed *Error
		if g != nil || !errors.As(err, &typed) {
			t.Fatalf("cut to %d of %d bytes: graph %v, error %T %v", n, len(file), g, err, err)
		}
	}
	for i := range file {
		for bit := range 8 {
			broken := append([]byte(nil), file...)
			broken[i] ^= 1 << bit
			g, err := Parse(broken, Limits{})
			var typed *Error
			if (err == nil) == (g == nil) || err != nil && !errors.As(err, &typed) {
				t.Fatalf("byte %d bit %d: graph %v, error %T %v", i, bit, g, err, err)
			}
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add(Encode(small()))
	f.Add(fileWith(appendString(appendBytes(appendInt(appendInt(nil, 1, 2), 2, int64(Int64)), 7, []byte{1, 2}), 8, "b")))
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		g, err := Parse(data, Limits{})
		runtime.ReadMemStats(&after)
		// The costliest bytes are an empty message in a repeated field: two bytes for a struct of some hundred.
		if used, allowed := after.TotalAlloc-before.TotalAlloc, uint64(1<<20+1000*len(data)); used > allowed {
			t.Errorf("%d bytes of memory for a file of %d", used, len(data))
		}
		var typed *Error
		if err != nil {
			if !errors.As(err, &typed) || g != nil {
				t.Fatalf("graph %v with error %T %v", g, err, err)
			}
			return
		}
		file := Encode(g)
		again, err := Parse(file, Limits{})
		if err != nil {
			t.Fatalf("written again it is refused: %v", err)
		}
		if diff := cmp.Diff(g, again, cmpopts.EquateNaNs(), cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("written and read again it differs (-first +second)\n%s", diff)
		}
		if !bytes.Equal(file, Encode(again)) {
			t.Error("written a second time it has other bytes")
		}
	})
}
