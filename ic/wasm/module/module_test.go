package module

import (
	"errors"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// everything is a module with each kind of section and each form of segment.
func everything() *Module {
	start, count := uint32(1), uint32(3)
	body := new(Code).I32(-1).Op(OpDrop).I64(math.MinInt64).Op(OpDrop).Get(0).Op(OpDrop)
	return &Module{
		Types: []FuncType{{}, {Params: []ValType{I32, I64, F32, F64, V128}, Results: []ValType{FuncRef, ExternRef}}},
		Imports: []Import{
			{Module: "m", Name: "f", Kind: KindFunc, Func: 1},
			{Module: "m", Name: "t", Kind: KindTable, Table: Table{FuncRef, Limits{Min: 1, Max: 2, HasMax: true}}},
			{Module: "m", Name: "g", Kind: KindGlobal, Global: GlobalType{I32, false}},
			{Module: "m", Name: "μ", Kind: KindMemory, Memory: Limits{Min: 1}},
		},
		Funcs:    []uint32{0, 0},
		Tables:   []Table{{ExternRef, Limits{Min: 3}}},
		Memories: []Limits{{Min: 1, Max: 1 << 20, HasMax: true, Is64: true}},
		Globals: []Global{
			{GlobalType{I32, true}, I32Const(-5)},
			{GlobalType{I64, false}, I64Const(math.MinInt64)},
			{GlobalType{F32, false}, ConstExpr{Op: OpF32Const, Imm: 0x7fc00001}},
			{GlobalType{F64, false}, ConstExpr{Op: OpF64Const, Imm: math.MaxUint64}},
			{GlobalType{V128, false}, ConstExpr{Op: OpV128Const, Imm: 1, Hi: 2}},
			{GlobalType{FuncRef, false}, ConstExpr{Op: OpRefNull, Imm: uint64(FuncRef)}},
			{GlobalType{I32, false}, ConstExpr{Op: OpGlobalGet, Imm: 0}},
		},
		Exports: []Export{{"", KindFunc, 0}, {"t", KindTable, 1}, {"m", KindMemory, 0}, {"g", KindGlobal, 300}},
		Start:   &start,
		Elems: []Elem{
			{Type: FuncRef, Offset: I32Const(1), Funcs: []uint32{0, 1, 200}},
			{Type: FuncRef, Mode: Passive, Funcs: []uint32{1}},
			{Type: FuncRef, Mode: Declarative, Funcs: []uint32{2}},
			{Type: FuncRef, Table: 1, Offset: I32Const(2), Funcs: []uint32{2}},
			{Type: FuncRef, Offset: I32Const(0), Exprs: []ConstExpr{{Op: OpRefFunc, Imm: 1}}},
			{Type: ExternRef, Table: 1, Offset: I32Const(0), Exprs: []ConstExpr{{Op: OpRefNull, Imm: uint64(ExternRef)}}},
			{Type: ExternRef, Mode: Passive, Exprs: []ConstExpr{}},
			{Type: FuncRef, Mode: Declarative, Exprs: []ConstExpr{{Op: OpRefFunc, Imm: 2}}},
		},
		DataCount: &count,
		Code: []Body{
			body.Body(Locals{2, I32}, Locals{1, V128}),
			new(Code).Block(OpBlock).Op(OpEnd).Body(),
		},
		Datas: []Data{
			{Offset: I32Const(8), Bytes: []byte("abc")},
			{Mode: Passive, Bytes: []byte("d")},
			{Offset: ConstExpr{Op: OpGlobalGet}, Bytes: []byte{0}},
		},
		Customs: []Custom{{"name", []byte{1, 4, 1, 1, 1, 'f'}}, {"icp:public x", nil}},
	}
}

func TestRoundTrip(t *testing.T) {
	t.Parallel()
	want := everything()
	want.Customs[1].Bytes = []byte{}
	b := want.Encode()
	got, err := Parse(b)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("parse of encode (-want +got):\n%s", diff)
	}
	if f, ok := got.FuncNamed("f"); !ok || f != 1 {
		t.Errorf("FuncNamed = %d, %v", f, ok)
	}
	if _, ok := got.FuncNamed("absent"); ok {
		t.Error("FuncNamed finds an absent name")
	}
}

func TestTruncatedIsAnError(t *testing.T) {
	t.Parallel()
	b := everything().Encode()
	for n := range b {
		m, err := Parse(b[:n])
		var syntax *SyntaxError
		// A cut between sections can leave a whole module, but never one with bodies.
		if err == nil && len(m.Funcs) > 0 && len(m.Code) != len(m.Funcs) || err != nil && !errors.As(err, &syntax) {
			t.Errorf("first %d of %d bytes: %v", n, len(b), err)
		}
	}
}

func TestSyntaxErrors(t *testing.T) {
	t.Parallel()
	head := "\x00asm\x01\x00\x00\x00"
	for name, in := range map[string]string{
		"empty":                   "",
		"component":               "\x00asm\x0d\x00\x01\x00",
		"unknown section":         head + "\x0d\x00",
		"section too long":        head + "\x01\x05\x00",
		"bytes left":              head + "\x01\x02\x00\x00",
		"section twice":           head + "\x01\x01\x00\x01\x01\x00",
		"out of order":            head + "\x02\x01\x00\x01\x01\x00",
		"count beyond bytes":      head + "\x01\x05\xff\xff\xff\xff\x0f",
		"number too long":         head + "\x01\x06\x80\x80\x80\x80\x80\x00",
		"number over 32 bits":     head + "\x01\x05\xff\xff\xff\xff\x1f",
		"type form":               head + "\x01\x04\x01\x5e\x00\x00",
		"value type":              head + "\x01\x05\x01\x60\x01\x41\x00",
		"name not UTF-8":          head + "\x02\x06\x01\x01\xff\x01a\x00\x00",
		"import kind":             head + "\x02\x06\x01\x01a\x01b\x04\x00",
		"shared memory":           head + "\x05\x04\x01\x03\x01\x01",
		"two memories":            head + "\x05\x05\x02\x00\x01\x00\x01",
		"maximum below minimum":   head + "\x05\x04\x01\x01\x02\x01",
		"memory too large":        head + "\x05\x05\x01\x00\x81\x80\x04",
		"global mutability":       head + "\x06\x06\x01\x7f\x02\x41\x00\x0b",
		"extended constant":       head + "\x06\x09\x01\x7f\x00\x41\x00\x41\x00\x6a\x0b",
		"export kind":             head + "\x07\x05\x01\x01a\x04\x00",
		"functions without code":  head + "\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00",
		"body without end":        head + "\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x0a\x04\x01\x02\x00\x01",
		"empty body":              head + "\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x0a\x03\x01\x01\x00",
		"too many locals":         head + "\x01\x04\x01\x60\x00\x00\x03\x02\x01\x00\x0a\x0a\x01\x08\x01\xff\xff\xff\xff\x0f\x7f\x0b",
		"element form":            head + "\x09\x03\x01\x08\x00",
		"data for memory 1":       head + "\x0b\x07\x01\x02\x01\x41\x00\x0b\x00",
		"data count differs":      head + "\x0c\x01\x02",
		"signed number too large": head + "\x06\x09\x01\x7f\x00\x41\xff\xff\xff\xff\x0f\x0b",
	} {
		_, err := Parse([]byte(in))
		var syntax *SyntaxError
		if !errors.As(err, &syntax) {
			t.Errorf("%s: error %v, want a SyntaxError", name, err)
		} else if syntax.Offset < 0 || syntax.Offset > len(in) {
			t.Errorf("%s: offset %d of %d bytes", name, syntax.Offset, len(in))
		}
	}
}

func TestNumbers(t *testing.T) {
	t.Parallel()
	for _, v := range []int64{0, 1, -1, 63, 64, -64, -65, math.MaxInt32, math.MinInt32, math.MaxInt64, math.MinInt64} {
		b := AppendInt(nil, v)
		if r := (&reader{b: b}); r.sleb(64) != v || r.err != nil || r.left() != 0 {
			t.Errorf("signed %d encodes as %x", v, b)
		}
		r := &reader{b: b}
		if got := r.sleb(32); (r.err == nil) != (int64(int32(v)) == v) || r.err == nil && got != v {
			t.Errorf("signed %d in 32 bits: %d, %v", v, got, r.err)
		}
	}
	// Linkers pad numbers that they fill in later.
	r := &reader{b: []byte{0x85, 0x80, 0x80, 0x80, 0x00}}
	if got := r.u32(); got != 5 || r.err != nil {
		t.Errorf("padded 5 = %d, %v", got, r.err)
	}
}

func TestIterErrors(t *testing.T) {
	t.Parallel()
	for name, code := range map[string]string{
		"no end":             "\x01",
		"open block":         "\x02\x40\x0b",
		"code after the end": "\x0b\x01",
		"else without if":    "\x02\x40\x05\x0b\x0b",
		"two elses":          "\x04\x40\x05\x05\x0b\x0b",
		"unknown opcode":     "\x06\x0b",
		"unknown prefixed":   "\xfc\x12\x0b",
		"relaxed vector":     "\xfd\x80\x02\x0b",
		"cut immediate":      "\x41",
		"block type":         "\x02\x41\x0b\x0b",
		"second memory":      "\x3f\x01\x0b",
		"many branches":      "\x0e\xff\xff\xff\xff\x0f\x0b",
		"two select types":   "\x1c\x02\x7f\x7f\x0b",
	} {
		it := NewIter([]byte(code))
		for it.Next() {
		}
		var syntax *SyntaxError
		if !errors.As(it.Err(), &syntax) {
			t.Errorf("%s: error %v, want a SyntaxError", name, it.Err())
		}
	}
}

func TestMapFuncs(t *testing.T) {
	t.Parallel()
	m := &Module{
		Globals: []Global{{GlobalType{FuncRef, false}, ConstExpr{Op: OpRefFunc, Imm: 3}}},
		Exports: []Export{{"f", KindFunc, 2}, {"g", KindGlobal, 2}},
		Elems:   []Elem{{Funcs: []uint32{1, 2}}, {Exprs: []ConstExpr{{Op: OpRefFunc, Imm: 1}}}},
		Code:    []Body{new(Code).Call(1).I32(7).Index(OpRefFunc, 100).Index(OpReturnCall, 0).Body(), new(Code).I32(1).Body()},
	}
	same := m.Code[1].Code
	if err := m.MapFuncs(func(f uint32) uint32 { return f * 2 }); err != nil {
		t.Fatal(err)
	}
	want := new(Code).Call(2).I32(7).Index(OpRefFunc, 200).Index(OpReturnCall, 0).Body()
	if diff := cmp.Diff(want, m.Code[0]); diff != "" {
		t.Errorf("body (-want +got):\n%s", diff)
	}
	if &same[0] != &m.Code[1].Code[0] {
		t.Error("a body without calls was copied")
	}
	if m.Globals[0].Init.Imm != 6 || m.Exports[0].Index != 4 || m.Exports[1].Index != 2 ||
		m.Elems[0].Funcs[1] != 4 || m.Elems[1].Exprs[0].Imm != 2 {
		t.Errorf("indices outside bodies: %+v", m)
	}
}

func TestCheckIndices(t *testing.T) {
	t.Parallel()
	good := func() *Module {
		return &Module{
			Types: []FuncType{{}}, Funcs: []uint32{0}, Memories: []Limits{{Min: 1}}, Tables: []Table{{FuncRef, Limits{Min: 1}}},
			Datas: []Data{{Offset: I32Const(0)}}, Elems: []Elem{{Offset: I32Const(0), Funcs: []uint32{0}}},
		}
	}
	if err := good().CheckIndices(); err != nil {
		t.Fatal(err)
	}
	one := uint32(1)
	for name, breakIt := range map[string]func(m *Module){
		"type":     func(m *Module) { m.Funcs[0] = 1 },
		"import":   func(m *Module) { m.Imports = []Import{{Kind: KindFunc, Func: 1}} },
		"export":   func(m *Module) { m.Exports = []Export{{"e", KindGlobal, 0}} },
		"start":    func(m *Module) { m.Start = &one },
		"element":  func(m *Module) { m.Elems[0].Funcs[0] = 1 },
		"table":    func(m *Module) { m.Elems[0].Table = 1 },
		"memory":   func(m *Module) { m.Memories = nil },
		"constant": func(m *Module) { m.Datas[0].Offset = ConstExpr{Op: OpGlobalGet} },
	} {
		m := good()
		breakIt(m)
		if m.CheckIndices() == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
