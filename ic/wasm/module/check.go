package module

import "fmt"

// CheckIndices checks that every index outside function bodies names something: types
// of functions, exports, the start function, element segments and constants.
func (m *Module) CheckIndices() error {
	c := checker{
		types: uint64(len(m.Types)),
		size: [4]uint64{
			KindFunc:   uint64(m.Imported(KindFunc)) + uint64(len(m.Funcs)),
			KindTable:  uint64(m.Imported(KindTable)) + uint64(len(m.Tables)),
			KindMemory: uint64(m.Imported(KindMemory)) + uint64(len(m.Memories)),
			KindGlobal: uint64(m.Imported(KindGlobal)) + uint64(len(m.Globals)),
		},
	}
	for _, im := range m.Imports {
		if im.Kind == KindFunc {
			c.typeIndex(im.Func)
		}
	}
	for _, t := range m.Funcs {
		c.typeIndex(t)
	}
	for _, g := range m.Globals {
		c.constant(g.Init)
	}
	for _, e := range m.Exports {
		c.index(e.Kind, e.Index)
	}
	if m.Start != nil {
		c.index(KindFunc, *m.Start)
	}
	for _, e := range m.Elems {
		c.elem(e)
	}
	for _, d := range m.Datas {
		if d.Mode == Active {
			c.index(KindMemory, 0)
			c.constant(d.Offset)
		}
	}
	return c.err
}

type checker struct {
	types uint64
	size  [4]uint64 // of each index space, by [Kind]
	err   error
}

func (c *checker) typeIndex(t uint32) {
	if uint64(t) >= c.types && c.err == nil {
		c.err = fmt.Errorf("type %d of %d", t, c.types)
	}
}

func (c *checker) index(k Kind, i uint32) {
	if uint64(i) >= c.size[k] && c.err == nil {
		c.err = fmt.Errorf("%s %d of %d", [...]string{"function", "table", "memory", "global"}[k], i, c.size[k])
	}
}

func (c *checker) constant(x ConstExpr) {
	switch x.Op {
	case OpGlobalGet:
		c.index(KindGlobal, uint32(x.Imm))
	case OpRefFunc:
		c.index(KindFunc, uint32(x.Imm))
	}
}

func (c *checker) elem(e Elem) {
	if e.Mode == Active {
		c.index(KindTable, e.Table)
		c.constant(e.Offset)
	}
	for _, f := range e.Funcs {
		c.index(KindFunc, f)
	}
	for _, x := range e.Exprs {
		c.constant(x)
	}
}
