package module

import (
	"bytes"
	"encoding/binary"
	"math"
)

// Section ids, and the order in which sections appear (data count before code).
const (
	secCustom    = 0
	secType      = 1
	secImport    = 2
	secFunc      = 3
	secTable     = 4
	secMemory    = 5
	secGlobal    = 6
	secExport    = 7
	secStart     = 8
	secElem      = 9
	secCode      = 10
	secData      = 11
	secDataCount = 12
)

var sectionOrder = [...]int{secType: 1, secImport: 2, secFunc: 3, secTable: 4, secMemory: 5, secGlobal: 6, secExport: 7, secStart: 8, secElem: 9, secDataCount: 10, secCode: 11, secData: 12}

var header = []byte("\x00asm\x01\x00\x00\x00")

// Parse reads a module. The error is a [*SyntaxError]. Bodies and data share memory
// with b, which must not change afterwards.
func Parse(b []byte) (*Module, error) {
	if len(b) > MaxModule {
		return nil, &SyntaxError{0, "module larger than 100 MiB"}
	}
	if !bytes.HasPrefix(b, header) {
		return nil, &SyntaxError{0, "not a WebAssembly core module of version 1"}
	}
	p := &parser{m: &Module{}}
	r := &reader{b: b, i: len(header)}
	last := 0
	for r.left() > 0 && r.err == nil {
		start := r.i
		id := r.u8()
		n := r.u32()
		s := &reader{base: r.i}
		if s.b = r.take(int(n)); r.err != nil {
			break
		}
		if id != secCustom {
			if int(id) >= len(sectionOrder) {
				return nil, &SyntaxError{start, "unknown section"}
			}
			if sectionOrder[id] <= last {
				return nil, &SyntaxError{start, "section twice or out of order"}
			}
			last = sectionOrder[id]
		}
		p.section(id, s)
		if s.err == nil && s.left() > 0 {
			s.fail(s.i, "%d bytes left in section %d", s.left(), id)
		}
		if s.err != nil {
			return nil, s.err
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	if len(p.m.Code) != len(p.m.Funcs) {
		return nil, &SyntaxError{len(b), "as many bodies as functions are needed"}
	}
	if c := p.m.DataCount; c != nil && uint64(*c) != uint64(len(p.m.Datas)) {
		return nil, &SyntaxError{len(b), "data count does not match the data section"}
	}
	return p.m, nil
}

type parser struct {
	m     *Module
	items int // of all element segments so far
}

func (p *parser) section(id byte, r *reader) {
	m := p.m
	switch id {
	case secCustom:
		if len(m.Customs) >= maxCustoms {
			r.fail(0, "more than %d custom sections", maxCustoms)
			return
		}
		m.Customs = append(m.Customs, Custom{Name: r.name(), Bytes: r.take(r.left())})
	case secType:
		m.Types = vector(r, "types", maxTypes, 3, funcType)
	case secImport:
		m.Imports = vector(r, "imports", maxImports, 4, importEntry)
	case secFunc:
		m.Funcs = vector(r, "functions", maxFuncs, 1, (*reader).u32)
	case secTable:
		m.Tables = vector(r, "tables", maxTables, 3, table)
	case secMemory:
		m.Memories = vector(r, "memories", maxMemories, 2, memory)
	case secGlobal:
		m.Globals = vector(r, "globals", maxGlobals, 4, global)
	case secExport:
		m.Exports = vector(r, "exports", maxExports, 3, export)
	case secStart:
		f := r.u32()
		m.Start = &f
	case secElem:
		m.Elems = vector(r, "element segments", maxElems, 2, p.elem)
	case secDataCount:
		n := r.u32()
		m.DataCount = &n
	case secCode:
		m.Code = vector(r, "bodies", maxFuncs, 3, body)
	case secData:
		m.Datas = vector(r, "data segments", maxDatas, 2, data)
	}
}

// vector reads a length and that many items, each of at least least bytes.
func vector[T any](r *reader, what string, limit, least int, item func(*reader) T) []T {
	n := r.count(what, limit, least)
	if n == 0 || r.err != nil {
		return nil
	}
	out := make([]T, n)
	for i := range out {
		if out[i] = item(r); r.err != nil {
			return nil
		}
	}
	return out
}

func funcType(r *reader) FuncType {
	if c := r.u8(); c != 0x60 {
		r.fail(r.i-1, "type form %#x is not a function", c)
	}
	return FuncType{
		Params:  vector(r, "parameters", maxParams, 1, (*reader).valType),
		Results: vector(r, "results", maxParams, 1, (*reader).valType),
	}
}

func importEntry(r *reader) Import {
	im := Import{Module: r.name(), Name: r.name(), Kind: Kind(r.u8())}
	switch im.Kind {
	case KindFunc:
		im.Func = r.u32()
	case KindTable:
		im.Table = table(r)
	case KindMemory:
		im.Memory = memory(r)
	case KindGlobal:
		im.Global = globalType(r)
	default:
		r.fail(r.i-1, "import of kind %d", im.Kind)
	}
	return im
}

func limits(r *reader) Limits {
	f := r.u8()
	l := Limits{HasMax: f&1 != 0, Is64: f&4 != 0}
	if f&^5 != 0 {
		r.fail(r.i-1, "limits of form %#x", f)
	}
	bits := uint(32)
	if l.Is64 {
		bits = 64
	}
	l.Min = r.uleb(bits)
	if l.HasMax {
		if l.Max = r.uleb(bits); l.Max < l.Min {
			r.fail(r.i-1, "maximum %d below minimum %d", l.Max, l.Min)
		}
	}
	return l
}

func table(r *reader) Table { return Table{Type: r.refType(), Limits: limits(r)} }

func memory(r *reader) Limits {
	l := limits(r)
	most := uint64(1) << 16
	if l.Is64 {
		most = 1 << 48
	}
	if l.Min > most || l.Max > most {
		r.fail(r.i-1, "memory of more than %d pages", most)
	}
	return l
}

func globalType(r *reader) GlobalType {
	return GlobalType{Type: r.valType(), Mutable: r.flag("mutability")}
}

func global(r *reader) Global { return Global{GlobalType: globalType(r), Init: constExpr(r)} }

func export(r *reader) Export {
	e := Export{Name: r.name(), Kind: Kind(r.u8()), Index: r.u32()}
	if e.Kind > KindGlobal {
		r.fail(r.i-1, "export of kind %d", e.Kind)
	}
	return e
}

// constExpr reads one constant instruction and its end.
func constExpr(r *reader) ConstExpr {
	start := r.i
	x := ConstExpr{Op: Opcode(r.u8())}
	switch x.Op {
	case OpI32Const:
		x.Imm = uint64(r.sleb(32))
	case OpI64Const:
		x.Imm = uint64(r.sleb(64))
	case OpF32Const:
		if b := r.take(4); b != nil {
			x.Imm = uint64(binary.LittleEndian.Uint32(b))
		}
	case OpF64Const:
		if b := r.take(8); b != nil {
			x.Imm = binary.LittleEndian.Uint64(b)
		}
	case OpRefNull:
		x.Imm = uint64(r.refType())
	case OpGlobalGet, OpRefFunc:
		x.Imm = uint64(r.u32())
	case 0xfd:
		if r.u32() != uint32(OpV128Const&0xff) {
			r.fail(start, "constant expression expected")
		}
		x.Op = OpV128Const
		if b := r.take(16); b != nil {
			x.Imm, x.Hi = binary.LittleEndian.Uint64(b), binary.LittleEndian.Uint64(b[8:])
		}
	default:
		r.fail(start, "opcode %#x in a constant expression", uint16(x.Op))
	}
	if c := r.u8(); r.err == nil && Opcode(c) != OpEnd {
		r.fail(r.i-1, "constant expression of more than one instruction")
	}
	return x
}

// elem reads an element segment in any of its eight forms: bit 0 of the form is not
// active, bit 1 explicit table or declarative, bit 2 expressions.
func (p *parser) elem(r *reader) Elem {
	start := r.i
	form := r.u32()
	if form > 7 {
		r.fail(start, "element segment of form %d", form)
	}
	e := Elem{Type: FuncRef}
	switch {
	case form&1 == 0:
		if form&2 != 0 {
			e.Table = r.u32()
		}
		e.Offset = constExpr(r)
	case form&2 != 0:
		e.Mode = Declarative
	default:
		e.Mode = Passive
	}
	if form&3 != 0 {
		if form&4 != 0 {
			e.Type = r.refType()
		} else if c := r.u8(); c != 0 {
			r.fail(r.i-1, "element kind %d", c)
		}
	}
	if form&4 != 0 {
		e.Exprs = vector(r, "elements", maxItems-p.items, 2, constExpr)
		if e.Exprs == nil {
			e.Exprs = []ConstExpr{}
		}
	} else {
		e.Funcs = vector(r, "elements", maxItems-p.items, 1, (*reader).u32)
	}
	p.items += len(e.Exprs) + len(e.Funcs)
	return e
}

func body(r *reader) Body {
	n := r.count("bytes of a body", maxBody, 1)
	s := &reader{base: r.base + r.i}
	s.b = r.take(n)
	var total uint64
	b := Body{Locals: vector(s, "runs of locals", maxLocals, 2, func(s *reader) Locals {
		l := Locals{N: s.u32(), Type: s.valType()}
		if total += uint64(l.N); total > maxLocals {
			s.fail(s.i, "more than %d locals", maxLocals)
		}
		return l
	})}
	b.Code = s.take(s.left())
	if s.err == nil && (len(b.Code) == 0 || Opcode(b.Code[len(b.Code)-1]) != OpEnd) {
		s.fail(len(s.b), "function body without an end")
	}
	if s.err != nil && r.err == nil {
		r.err, r.i = s.err, len(r.b)
	}
	return b
}

func data(r *reader) Data {
	start := r.i
	var d Data
	switch form := r.u32(); form {
	case 0:
		d.Offset = constExpr(r)
	case 1:
		d.Mode = Passive
	case 2:
		if r.u32() != 0 {
			r.fail(start, "data for a memory other than 0")
		}
		d.Offset = constExpr(r)
	default:
		r.fail(start, "data segment of form %d", form)
	}
	d.Bytes = r.take(r.count("bytes of data", math.MaxInt32, 1))
	return d
}
