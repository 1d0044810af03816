// Package module reads and writes WebAssembly core modules.
//
// It is the one reader of the project: the linker, the instruction counter and the
// local network's acceptance checks all work on its [Module]. Index spaces stay flat
// numbers and function bodies stay bytes; [Iter] walks a body instruction by
// instruction with exact immediates, and [Code] writes new ones.
//
// Covered are the MVP and sign extension, saturating truncation, bulk memory,
// reference types, multiple values, tail calls and fixed-width SIMD. Shared and
// multiple memories, relaxed SIMD, extended constants, exceptions and garbage
// collection are refused. [Parse] checks structure and limits before it allocates; it
// does not type-check bodies, which the engine that compiles them does.
package module

// ValType is the type of a value: a number, a vector or a reference.
type ValType byte

// The value types, by their encoding.
const (
	I32       ValType = 0x7f
	I64       ValType = 0x7e
	F32       ValType = 0x7d
	F64       ValType = 0x7c
	V128      ValType = 0x7b
	FuncRef   ValType = 0x70
	ExternRef ValType = 0x6f
)

func (t ValType) valid() bool { return t >= V128 && t <= I32 || t.IsRef() }

// IsRef reports whether t is a reference type.
func (t ValType) IsRef() bool { return t == FuncRef || t == ExternRef }

// String is the name in the text format.
func (t ValType) String() string {
	switch t {
	case I32:
		return "i32"
	case I64:
		return "i64"
	case F32:
		return "f32"
	case F64:
		return "f64"
	case V128:
		return "v128"
	case FuncRef:
		return "funcref"
	case ExternRef:
		return "externref"
	}
	return "unknown type"
}

// Kind says which index space an import or export belongs to.
type Kind byte

// The kinds, by their encoding.
const (
	KindFunc   Kind = 0
	KindTable  Kind = 1
	KindMemory Kind = 2
	KindGlobal Kind = 3
)

// FuncType is a function's parameters and results.
type FuncType struct{ Params, Results []ValType }

// Equal reports whether both have the same parameters and results.
func (t FuncType) Equal(u FuncType) bool {
	return string(asBytes(t.Params)) == string(asBytes(u.Params)) &&
		string(asBytes(t.Results)) == string(asBytes(u.Results))
}

// String is the type as (i32 i64)->(i32).
func (t FuncType) String() string { return list(t.Params) + "->" + list(t.Results) }

func list(ts []ValType) string {
	s := "("
	for i, t := range ts {
		if i > 0 {
			s += " "
		}
		s += t.String()
	}
	return s + ")"
}

func asBytes(ts []ValType) []byte {
	b := make([]byte, len(ts))
	for i, t := range ts {
		b[i] = byte(t)
	}
	return b
}

// Limits bound a table (in entries) or a memory (in pages of 64 KiB).
type Limits struct {
	Min, Max uint64
	HasMax   bool
	Is64     bool // addressed by i64
}

// Table is a table's element type and size.
type Table struct {
	Type   ValType
	Limits Limits
}

// GlobalType is a global's type.
type GlobalType struct {
	Type    ValType
	Mutable bool
}

// Import is one import; the field that Kind names is set.
type Import struct {
	Module, Name string
	Kind         Kind
	Func         uint32 // index into Types
	Table        Table
	Memory       Limits
	Global       GlobalType
}

// ConstExpr is a constant expression: exactly one instruction. Imm holds the bits of a
// number or an index, Hi the upper half of a v128, and for ref.null the type.
type ConstExpr struct {
	Op      Opcode
	Imm, Hi uint64
}

// I32Const is the expression i32.const v.
func I32Const(v int32) ConstExpr { return ConstExpr{Op: OpI32Const, Imm: uint64(int64(v))} }

// I64Const is the expression i64.const v.
func I64Const(v int64) ConstExpr { return ConstExpr{Op: OpI64Const, Imm: uint64(v)} }

// Global is a global variable that the module defines.
type Global struct {
	GlobalType
	Init ConstExpr
}

// Export is one export.
type Export struct {
	Name  string
	Kind  Kind
	Index uint32
}

// SegmentMode says when a segment is applied.
type SegmentMode byte

// The segment modes.
const (
	Active SegmentMode = iota
	Passive
	Declarative // element segments only
)

// Elem is an element segment. Its items are function indices, or expressions where
// Exprs is not nil.
type Elem struct {
	Mode   SegmentMode
	Table  uint32
	Offset ConstExpr
	Type   ValType
	Funcs  []uint32
	Exprs  []ConstExpr
}

// Locals is a run of local variables of one type.
type Locals struct {
	N    uint32
	Type ValType
}

// Body is one function's locals and its instructions, the final end included. Code
// read by [Parse] shares memory with the parsed bytes.
type Body struct {
	Locals []Locals
	Code   []byte
}

// Data is a data segment for memory 0. Bytes read by [Parse] share memory with the
// parsed bytes.
type Data struct {
	Mode   SegmentMode
	Offset ConstExpr
	Bytes  []byte
}

// Custom is a custom section. [Module.Encode] writes them after everything else.
type Custom struct {
	Name  string
	Bytes []byte
}

// Module is a whole module. Funcs holds the type index of each function that the
// module defines, Code the body of the same function.
type Module struct {
	Types     []FuncType
	Imports   []Import
	Funcs     []uint32
	Tables    []Table
	Memories  []Limits
	Globals   []Global
	Exports   []Export
	Start     *uint32
	Elems     []Elem
	DataCount *uint32
	Code      []Body
	Datas     []Data
	Customs   []Custom
}

// Imported is the number of imports of one kind, which come first in its index space.
func (m *Module) Imported(k Kind) uint32 {
	var n uint32
	for i := range m.Imports {
		if m.Imports[i].Kind == k {
			n++
		}
	}
	return n
}

// TypeOf is the type of function f, false where there is no such function or type.
func (m *Module) TypeOf(f uint32) (FuncType, bool) {
	t, ok := m.typeIndexOf(f)
	if !ok || uint64(t) >= uint64(len(m.Types)) {
		return FuncType{}, false
	}
	return m.Types[t], true
}

func (m *Module) typeIndexOf(f uint32) (uint32, bool) {
	n := uint32(0)
	for i := range m.Imports {
		if m.Imports[i].Kind != KindFunc {
			continue
		}
		if n == f {
			return m.Imports[i].Func, true
		}
		n++
	}
	if i := uint64(f) - uint64(n); f >= n && i < uint64(len(m.Funcs)) {
		return m.Funcs[i], true
	}
	return 0, false
}

// TypeIndex finds a function type, or adds it.
func (m *Module) TypeIndex(t FuncType) uint32 {
	for i := range m.Types {
		if m.Types[i].Equal(t) {
			return uint32(i)
		}
	}
	m.Types = append(m.Types, t)
	return uint32(len(m.Types) - 1)
}

// AddFunc appends a function and returns its index in the function space.
func (m *Module) AddFunc(t FuncType, b Body) uint32 {
	m.Funcs = append(m.Funcs, m.TypeIndex(t))
	m.Code = append(m.Code, b)
	return m.Imported(KindFunc) + uint32(len(m.Funcs)-1)
}

// AddGlobal appends a global and returns its index in the global space.
func (m *Module) AddGlobal(g Global) uint32 {
	m.Globals = append(m.Globals, g)
	return m.Imported(KindGlobal) + uint32(len(m.Globals)-1)
}

// Export returns the export of that name.
func (m *Module) Export(name string) (Export, bool) {
	for _, e := range m.Exports {
		if e.Name == name {
			return e, true
		}
	}
	return Export{}, false
}
