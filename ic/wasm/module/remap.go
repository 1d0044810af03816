package module

import "fmt"

// MapFuncs replaces every function index: in bodies, elements, exports, constants and
// the start function. The error is a body's [*SyntaxError].
func (m *Module) MapFuncs(f func(uint32) uint32) error {
	for i := range m.Code {
		code, err := mapCode(m.Code[i].Code, f)
		if err != nil {
			return fmt.Errorf("function %d: %w", i, err)
		}
		m.Code[i].Code = code
	}
	constant := func(x *ConstExpr) {
		if x.Op == OpRefFunc {
			x.Imm = uint64(f(uint32(x.Imm)))
		}
	}
	for i := range m.Globals {
		constant(&m.Globals[i].Init)
	}
	for i := range m.Elems {
		for j := range m.Elems[i].Funcs {
			m.Elems[i].Funcs[j] = f(m.Elems[i].Funcs[j])
		}
		for j := range m.Elems[i].Exprs {
			constant(&m.Elems[i].Exprs[j])
		}
	}
	for i := range m.Exports {
		if m.Exports[i].Kind == KindFunc {
			m.Exports[i].Index = f(m.Exports[i].Index)
		}
	}
	if m.Start != nil {
		s := f(*m.Start)
		m.Start = &s
	}
	return nil
}

// mapCode returns code itself where no index changes.
func mapCode(code []byte, f func(uint32) uint32) ([]byte, error) {
	var out []byte
	from := 0
	it := NewIter(code)
	for it.Next() {
		if it.Op != OpCall && it.Op != OpReturnCall && it.Op != OpRefFunc {
			continue
		}
		n := f(uint32(it.Imm))
		if uint64(n) == it.Imm {
			continue
		}
		if out == nil {
			out = make([]byte, 0, len(code)+16)
		}
		out = append(out, code[from:it.Args]...)
		out = AppendUint(out, uint64(n))
		from = it.End
	}
	if err := it.Err(); err != nil {
		return nil, err
	}
	if out == nil {
		return code, nil
	}
	return append(out, code[from:]...), nil
}
