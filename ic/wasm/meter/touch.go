package meter

import "assay/ic/wasm/module"

// Names of what a module gets besides, where touched pages are counted.
const (
	// TouchModule and TouchImport name the host function that is told of touched pages:
	// (first, last i64), the numbers of 4 KiB pages that an instruction reads or writes. It
	// is called at least when another page is touched than by the access before.
	TouchModule = "assay"
	TouchImport = "touch"
	// LastPageExport names the i64 global that holds the page touched last. The host sets
	// it to NoPage before each message, so that the first access of a message is told.
	LastPageExport = reserved + "page"
	// NoPage is no page's number.
	NoPage = ^uint64(0)

	pageBits = 12 // of a 4 KiB page
)

// access is what an instruction does with memory.
type access struct {
	size  int32          // bytes
	value module.ValType // above the address on the stack; 0: nothing
}

// accessOf tells the loads and stores, false for anything else.
func accessOf(op module.Opcode) (access, bool) {
	a, ok := accesses[op]
	return a, ok
}

var accesses = map[module.Opcode]access{}

func init() {
	loads := func(from module.Opcode, sizes ...int32) {
		for i, size := range sizes {
			accesses[from+module.Opcode(i)] = access{size: size}
		}
	}
	stores := func(from module.Opcode, value module.ValType, sizes ...int32) {
		for i, size := range sizes {
			accesses[from+module.Opcode(i)] = access{size: size, value: value}
		}
	}
	loads(module.OpI32Load, 4, 8, 4, 8, 1, 1, 2, 2, 1, 1, 2, 2, 4, 4)
	stores(module.OpI32Store, module.I32, 4)
	stores(module.OpI64Store, module.I64, 8)
	stores(module.OpI64Store+1, module.F32, 4)
	stores(module.OpI64Store+2, module.F64, 8)
	stores(module.OpI32Store8, module.I32, 1, 2)
	stores(module.OpI64Store8, module.I64, 1, 2, 4)
	loads(0xfd00, 16, 8, 8, 8, 8, 8, 8, 1, 2, 4, 8) // v128.load, the extending and the splatting ones
	stores(0xfd0b, module.V128, 16)
	stores(0xfd54, module.V128, 1, 2, 4, 8) // v128.loadN_lane, which take the vector to change
	stores(0xfd58, module.V128, 1, 2, 4, 8) // v128.storeN_lane
	loads(0xfd5c, 4, 8)                     // v128.loadN_zero
}

// toucher writes the calls that tell of touched pages. Functions are numbered as if the
// import were not there; its own number is importSlot until [toucher.link].
type toucher struct {
	helper uint32 // function
	last   uint32 // global
	base   uint32 // the first scratch local, of the body being written
}

const importSlot = ^uint32(0)

// scratch are the locals that each body gets, by the type they hold: two more of i32 for
// the operands of bulk instructions.
var scratch = []module.Locals{{N: 3, Type: module.I32}, {N: 1, Type: module.I64}, {N: 1, Type: module.F32}, {N: 1, Type: module.F64}, {N: 1, Type: module.V128}}

func scratchOf(t module.ValType) uint32 {
	return map[module.ValType]uint32{module.I32: 0, module.I64: 3, module.F32: 4, module.F64: 5, module.V128: 6}[t]
}

// tell is what goes before an instruction that touches memory.
func (t *toucher) tell(it *module.Iter) []byte {
	var c module.Code
	if a, ok := accessOf(it.Op); ok {
		hold := t.base + scratchOf(a.value)
		if a.value != 0 {
			c.Set(hold)
		}
		c.I64(int64(it.Imm)).I32(a.size).Call(t.helper)
		if a.value != 0 {
			c.Get(hold)
		}
		return c.B
	}
	dst, src, size := t.base, t.base+1, t.base+2
	c.Set(size).Set(src).Set(dst)
	if it.Op == module.OpMemoryCopy {
		c.Get(src).I64(0).Get(size).Call(t.helper).Op(module.OpDrop)
	}
	c.Get(dst).I64(0).Get(size).Call(t.helper).Op(module.OpDrop)
	return c.Get(dst).Get(src).Get(size).B
}

// touches reports whether an instruction reads or writes memory.
func touches(op module.Opcode) bool {
	_, ok := accessOf(op)
	return ok || op == module.OpMemoryInit || op == module.OpMemoryCopy || op == module.OpMemoryFill
}

var helperType = module.FuncType{Params: []module.ValType{module.I32, module.I64, module.I32}, Results: []module.ValType{module.I32}}

// add gives the module the global and the helper, whose numbers t knows already.
func (t *toucher) add(out *module.Module) {
	index := out.AddGlobal(module.Global{GlobalType: module.GlobalType{Type: module.I64, Mutable: true}, Init: module.I64Const(-1)})
	out.Exports = append(out.Exports, module.Export{Name: LastPageExport, Kind: module.KindGlobal, Index: index})
	out.AddFunc(helperType, t.body())
}

// body takes address, offset and size, tells the host unless all bytes lie in the page
// touched last, and returns the address.
func (t *toucher) body() module.Body {
	const address, offset, size, first, end = 0, 1, 2, 3, 4
	var c module.Code
	page := func(local uint32) { c.I64(pageBits).Op(module.OpI64ShrU).Set(local) }
	c.Get(size).Op(module.OpI32Eqz).Block(module.OpIf).Get(address).Op(module.OpReturn, module.OpEnd)
	c.Get(address).Op(module.OpI64ExtendI32U).Get(offset).Op(module.OpI64Add)
	page(first)
	c.Get(address).Op(module.OpI64ExtendI32U).Get(offset).Op(module.OpI64Add).Get(size).Op(module.OpI64ExtendI32U, module.OpI64Add).I64(1).Op(module.OpI64Sub)
	page(end)
	c.Get(first).Index(module.OpGlobalGet, t.last).Op(module.OpI64Ne).Get(end).Index(module.OpGlobalGet, t.last).Op(module.OpI64Ne, module.OpI32Or)
	c.Block(module.OpIf).Get(first).Get(end).Call(importSlot).Get(end).Index(module.OpGlobalSet, t.last).Op(module.OpEnd)
	return c.Get(address).Body(module.Locals{N: 2, Type: module.I64})
}

// link adds the import to a finished module. It works on a copy, made by writing and
// reading it, since function numbers change all over.
func (t *toucher) link(wasm []byte) ([]byte, error) {
	m, err := module.Parse(wasm)
	if err != nil {
		return nil, err
	}
	at := m.Imported(module.KindFunc)
	m.Imports = append(m.Imports, module.Import{
		Module: TouchModule, Name: TouchImport, Kind: module.KindFunc,
		Func: m.TypeIndex(module.FuncType{Params: []module.ValType{module.I64, module.I64}}),
	})
	err = m.MapFuncs(func(f uint32) uint32 {
		switch {
		case f == importSlot:
			return at
		case f >= at:
			return f + 1
		}
		return f
	})
	if err != nil {
		return nil, err
	}
	return m.Encode(), nil
}
