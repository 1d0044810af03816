package module

import "encoding/binary"

// Encode writes the module with every number in its shortest form, except inside
// bodies, which are copied. Custom sections come last. Encoding what [Parse] read
// gives a module that parses to the same value.
func (m *Module) Encode() []byte {
	out := append(make([]byte, 0, m.size()), header...)
	out = section(out, secType, m.Types, appendFuncType)
	out = section(out, secImport, m.Imports, appendImport)
	out = section(out, secFunc, m.Funcs, appendU32)
	out = section(out, secTable, m.Tables, appendTable)
	out = section(out, secMemory, m.Memories, appendLimits)
	out = section(out, secGlobal, m.Globals, appendGlobal)
	out = section(out, secExport, m.Exports, appendExport)
	if m.Start != nil {
		out = wrap(out, secStart, appendU32(nil, *m.Start))
	}
	out = section(out, secElem, m.Elems, appendElem)
	if m.DataCount != nil {
		out = wrap(out, secDataCount, appendU32(nil, uint32(len(m.Datas))))
	}
	out = section(out, secCode, m.Code, appendBody)
	out = section(out, secData, m.Datas, appendData)
	for _, c := range m.Customs {
		out = wrap(out, secCustom, append(appendName(nil, c.Name), c.Bytes...))
	}
	return out
}

// size guesses the encoded size, so that Encode seldom grows its buffer.
func (m *Module) size() int {
	n := 1 << 12
	for i := range m.Code {
		n += len(m.Code[i].Code) + 16
	}
	for i := range m.Datas {
		n += len(m.Datas[i].Bytes) + 16
	}
	for i := range m.Customs {
		n += len(m.Customs[i].Bytes) + 64
	}
	return n + n/8
}

func wrap(out []byte, id byte, body []byte) []byte {
	return append(AppendUint(append(out, id), uint64(len(body))), body...)
}

func section[T any](out []byte, id byte, items []T, item func([]byte, T) []byte) []byte {
	if len(items) == 0 {
		return out
	}
	b := AppendUint(nil, uint64(len(items)))
	for _, x := range items {
		b = item(b, x)
	}
	return wrap(out, id, b)
}

func appendU32(b []byte, v uint32) []byte { return AppendUint(b, uint64(v)) }

func appendName(b []byte, s string) []byte { return append(AppendUint(b, uint64(len(s))), s...) }

func appendFuncType(b []byte, t FuncType) []byte {
	b = append(AppendUint(append(b, 0x60), uint64(len(t.Params))), asBytes(t.Params)...)
	return append(AppendUint(b, uint64(len(t.Results))), asBytes(t.Results)...)
}

func appendLimits(b []byte, l Limits) []byte {
	var f byte
	if l.HasMax {
		f |= 1
	}
	if l.Is64 {
		f |= 4
	}
	b = AppendUint(append(b, f), l.Min)
	if l.HasMax {
		b = AppendUint(b, l.Max)
	}
	return b
}

func appendTable(b []byte, t Table) []byte { return appendLimits(append(b, byte(t.Type)), t.Limits) }

func appendGlobalType(b []byte, g GlobalType) []byte {
	var mutable byte
	if g.Mutable {
		mutable = 1
	}
	return append(b, byte(g.Type), mutable)
}

func appendImport(b []byte, im Import) []byte {
	b = append(appendName(appendName(b, im.Module), im.Name), byte(im.Kind))
	switch im.Kind {
	case KindTable:
		return appendTable(b, im.Table)
	case KindMemory:
		return appendLimits(b, im.Memory)
	case KindGlobal:
		return appendGlobalType(b, im.Global)
	}
	return appendU32(b, im.Func)
}

func appendConst(b []byte, x ConstExpr) []byte {
	b = appendOp(b, x.Op)
	switch x.Op {
	case OpI32Const, OpI64Const:
		b = AppendInt(b, int64(x.Imm))
	case OpF32Const:
		b = binary.LittleEndian.AppendUint32(b, uint32(x.Imm))
	case OpF64Const:
		b = binary.LittleEndian.AppendUint64(b, x.Imm)
	case OpV128Const:
		b = binary.LittleEndian.AppendUint64(binary.LittleEndian.AppendUint64(b, x.Imm), x.Hi)
	case OpRefNull:
		b = append(b, byte(x.Imm))
	default: // global.get, ref.func
		b = AppendUint(b, x.Imm)
	}
	return append(b, byte(OpEnd))
}

func appendGlobal(b []byte, g Global) []byte {
	return appendConst(appendGlobalType(b, g.GlobalType), g.Init)
}

func appendExport(b []byte, e Export) []byte {
	return appendU32(append(appendName(b, e.Name), byte(e.Kind)), e.Index)
}

func appendElem(b []byte, e Elem) []byte {
	var form byte
	switch {
	case e.Mode == Declarative:
		form = 3
	case e.Mode == Passive:
		form = 1
	case e.Table != 0 || e.Type != FuncRef:
		form = 2
	}
	if e.Exprs != nil {
		form |= 4
	}
	b = append(b, form)
	if e.Mode == Active {
		if form&2 != 0 {
			b = appendU32(b, e.Table)
		}
		b = appendConst(b, e.Offset)
	}
	if e.Exprs != nil {
		if form&3 != 0 {
			b = append(b, byte(e.Type))
		}
		b = AppendUint(b, uint64(len(e.Exprs)))
		for _, x := range e.Exprs {
			b = appendConst(b, x)
		}
		return b
	}
	if form&3 != 0 {
		b = append(b, 0) // element kind: functions
	}
	b = AppendUint(b, uint64(len(e.Funcs)))
	for _, f := range e.Funcs {
		b = appendU32(b, f)
	}
	return b
}

func appendBody(b []byte, f Body) []byte {
	h := AppendUint(nil, uint64(len(f.Locals)))
	for _, l := range f.Locals {
		h = append(appendU32(h, l.N), byte(l.Type))
	}
	b = append(AppendUint(b, uint64(len(h)+len(f.Code))), h...)
	return append(b, f.Code...)
}

func appendData(b []byte, d Data) []byte {
	b = append(b, byte(d.Mode))
	if d.Mode == Active {
		b = appendConst(b, d.Offset)
	}
	return append(AppendUint(b, uint64(len(d.Bytes))), d.Bytes...)
}
