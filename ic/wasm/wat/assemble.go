package wat

import "assay/ic/wasm/module"

// assembler makes the module: the functions' names and types first, then their bodies.
type assembler struct {
	m       *module.Module
	funcs   map[string]uint32 // by $name
	exports []export
	types   []module.FuncType // of all functions
	memory  bool
}

// export is a name and what it stands for: a function that declares it, or one that a
// field names.
type export struct {
	name   node
	index  uint32
	target *node
}

// function is a function whose body is still text.
type function struct {
	locals map[string]uint32
	types  []module.ValType // parameters first
	params int
	body   []node
	at     place
}

func (a *assembler) module(n node) {
	if n.head() != "module" {
		fail(n.at, "a file starts with (module")
	}
	fields := n.items[1:]
	if len(fields) > 0 && fields[0].isID() {
		fields = fields[1:]
	}
	var funcs []function
	for _, f := range fields {
		switch f.head() {
		case "import":
			if len(funcs) > 0 {
				fail(f.at, "the import stands before the functions")
			}
			a.importMemory(f)
		case "func":
			if len(funcs) == maxFuncs {
				fail(f.at, "more than %d functions", maxFuncs)
			}
			funcs = append(funcs, a.declare(f))
		case "export":
			a.exports = append(a.exports, exportField(f))
		default:
			fail(f.at, "a kernel file holds (import, (func and (export, and nothing else")
		}
	}
	a.export()
	for i, f := range funcs {
		a.m.Code = append(a.m.Code, a.body(f, a.types[i].Results))
	}
}

// importMemory reads (import "canister" "memory" (memory $id? min)).
func (a *assembler) importMemory(n node) {
	if a.memory {
		fail(n.at, "a second import: there is one memory")
	}
	if len(n.items) != 4 || n.items[1].kind != quoted || n.items[2].kind != quoted || n.items[3].head() != "memory" ||
		n.items[1].text != MemoryModule || n.items[2].text != MemoryName {
		fail(n.at, "the one import is (import %q %q (memory 1))", MemoryModule, MemoryName)
	}
	limits := n.items[3].items[1:]
	if len(limits) > 0 && limits[0].isID() {
		limits = limits[1:]
	}
	if len(limits) != 1 {
		fail(n.items[3].at, "a memory has one number, the pages that it has at least")
	}
	pages := unsigned(limits[0], 16)
	a.memory = true
	a.m.Imports = []module.Import{{Module: MemoryModule, Name: MemoryName, Kind: module.KindMemory, Memory: module.Limits{Min: pages}}}
}

// declare reads a function up to its first instruction.
func (a *assembler) declare(n node) function {
	f := function{locals: map[string]uint32{}, at: n.at}
	var t module.FuncType
	items := n.items[1:]
	index := uint32(len(a.types))
	if len(items) > 0 && items[0].isID() {
		if _, twice := a.funcs[items[0].text]; twice {
			fail(items[0].at, "function %s twice", items[0].text)
		}
		a.funcs[items[0].text] = index
		items = items[1:]
	}
	// The order is fixed: exports, parameters, results, locals.
	stage := 0
	order := map[string]int{"export": 1, "param": 2, "result": 3, "local": 4}
	for ; len(items) > 0; items = items[1:] {
		part := items[0]
		s, ok := order[part.head()]
		if !ok {
			break
		}
		if s < stage {
			fail(part.at, "(%s comes too late: a function has exports, parameters, results, locals, in this order", part.head())
		}
		stage = s
		switch part.head() {
		case "export":
			if len(part.items) != 2 {
				fail(part.at, "an export has one name")
			}
			a.exports = append(a.exports, export{name: part.items[1], index: index})
		case "result":
			for _, x := range part.items[1:] {
				t.Results = append(t.Results, valType(x))
			}
		default:
			f.declare(part)
			if part.head() == "param" {
				f.params = len(f.types)
			}
		}
	}
	if len(t.Results) > 1 || f.params > maxParams {
		fail(n.at, "a function has at most %d parameters and one result", maxParams)
	}
	t.Params = f.types[:f.params:f.params]
	f.body = items
	a.types = append(a.types, t)
	a.m.Funcs = append(a.m.Funcs, a.m.TypeIndex(t))
	return f
}

// declare reads (param $x i32), (param i32 i32) and the same with local.
func (f *function) declare(n node) {
	items := n.items[1:]
	if len(items) > 0 && items[0].isID() {
		if _, twice := f.locals[items[0].text]; twice {
			fail(items[0].at, "local %s twice", items[0].text)
		}
		if len(items) != 2 {
			fail(n.at, "a named local has one type")
		}
		f.locals[items[0].text] = uint32(len(f.types))
		items = items[1:]
	}
	for _, x := range items {
		if len(f.types) == maxLocals {
			fail(x.at, "more than %d locals", maxLocals)
		}
		f.types = append(f.types, valType(x))
	}
}

func valType(n node) module.ValType {
	if n.isAtom() {
		for _, t := range []module.ValType{module.I32, module.I64, module.F32, module.F64, module.V128} {
			if n.text == t.String() {
				return t
			}
		}
	}
	fail(n.at, "a type is i32, i64, f32, f64 or v128")
	return 0
}

// exportField reads (export "name" (func $f)).
func exportField(n node) export {
	if len(n.items) != 3 || n.items[2].head() != "func" || len(n.items[2].items) != 2 {
		fail(n.at, `an export is (export "name" (func $f))`)
	}
	return export{name: n.items[1], target: &n.items[2].items[1]}
}

// export writes the exports in the order of the text, once all functions are known.
func (a *assembler) export() {
	seen := map[string]bool{}
	for _, e := range a.exports {
		if e.name.kind != quoted {
			fail(e.name.at, "the name of an export stands in quotes")
		}
		if seen[e.name.text] {
			fail(e.name.at, "%q is exported twice", e.name.text)
		}
		seen[e.name.text] = true
		if e.target != nil {
			e.index = a.funcIndex(*e.target)
		}
		a.m.Exports = append(a.m.Exports, module.Export{Name: e.name.text, Kind: module.KindFunc, Index: e.index})
	}
}

// funcIndex resolves a function by name or number.
func (a *assembler) funcIndex(n node) uint32 {
	if n.isID() {
		if f, ok := a.funcs[n.text]; ok {
			return f
		}
		fail(n.at, "unknown function %s", n.text)
	}
	f := unsigned(n, 32)
	if f >= uint64(len(a.types)) {
		fail(n.at, "function %d of %d", f, len(a.types))
	}
	return uint32(f)
}
