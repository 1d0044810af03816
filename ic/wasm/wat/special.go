package wat

import "assay/ic/wasm/module"

// special reads the immediates of an instruction that the table cannot describe. It
// returns how to write it, once its operands are, and the nodes that it did not use.
type special func(b *body, n node, args []node) (write func(), rest []node)

var specials map[string]special

func init() {
	specials = map[string]special{
		"unreachable": func(b *body, _ node, args []node) (func(), []node) {
			return func() { b.code.Op(module.OpUnreachable); b.die() }, args
		},
		"nop": func(b *body, _ node, args []node) (func(), []node) {
			return func() { b.code.Op(module.OpNop) }, args
		},
		"drop": func(b *body, n node, args []node) (func(), []node) {
			return func() { b.popAny(n.at, n.text, "a value"); b.code.Op(module.OpDrop) }, args
		},
		"select": selectOne,
		"return": func(b *body, n node, args []node) (func(), []node) {
			return func() { b.pop(n.at, n.text, b.results...); b.code.Op(module.OpReturn); b.die() }, args
		},
		"call": call, "br": branch, "br_if": branch, "br_table": branchTable,
		"local.get": localGet, "local.set": localSet, "local.tee": localSet,
		"i32.const":  constant(module.OpI32Const, module.I32, 32, integer),
		"i64.const":  constant(module.OpI64Const, module.I64, 64, integer),
		"f32.const":  constant(module.OpF32Const, module.F32, 32, float),
		"f64.const":  constant(module.OpF64Const, module.F64, 64, float),
		"v128.const": vectorConstant, "i8x16.shuffle": shuffle,
		"memory.size": bulk(module.OpMemorySize, 1, nil, []module.ValType{module.I32}),
		"memory.copy": bulk(module.OpMemoryCopy, 2, []module.ValType{module.I32, module.I32, module.I32}, nil),
		"memory.fill": bulk(module.OpMemoryFill, 1, []module.ValType{module.I32, module.I32, module.I32}, nil),
	}
}

func selectOne(b *body, n node, args []node) (func(), []node) {
	return func() {
		b.pop(n.at, n.text, module.I32)
		x, y := b.popAny(n.at, n.text, "a value"), b.popAny(n.at, n.text, "a value")
		if x != y && x != unknown && y != unknown {
			fail(n.at, "select chooses between values of one type, not %s and %s", y, x)
		}
		if x == unknown {
			x = y
		}
		b.code.Op(module.OpSelect)
		b.stack = append(b.stack, x)
	}, args
}

func call(b *body, n node, args []node) (func(), []node) {
	if len(args) == 0 {
		fail(n.at, "call needs a function")
	}
	f := b.a.funcIndex(args[0])
	t := b.a.types[f]
	return func() {
		b.pop(n.at, "the function", t.Params...)
		b.code.Call(f)
		b.stack = append(b.stack, t.Results...)
	}, args[1:]
}

func branch(b *body, n node, args []node) (func(), []node) {
	if len(args) == 0 {
		fail(n.at, "%s needs a label", n.text)
	}
	k, to := b.label(args[0])
	types := to.labels()
	return func() {
		if n.text == "br_if" {
			b.pop(n.at, n.text, module.I32)
			b.pop(n.at, n.text, types...)
			b.code.Index(module.OpBrIf, k)
			b.stack = append(b.stack, types...)
			return
		}
		b.pop(n.at, n.text, types...)
		b.code.Index(module.OpBr, k)
		b.die()
	}, args[1:]
}

func branchTable(b *body, n node, args []node) (func(), []node) {
	var targets []uint32
	var types []module.ValType
	for len(args) > 0 && args[0].isAtom() && (args[0].isID() || args[0].text[0] >= '0' && args[0].text[0] <= '9') {
		k, to := b.label(args[0])
		if t := to.labels(); len(targets) > 0 && !(module.FuncType{Params: t}).Equal(module.FuncType{Params: types}) {
			fail(args[0].at, "the targets of br_table take different values")
		}
		if types = to.labels(); len(targets) > maxTargets {
			fail(args[0].at, "more than %d targets", maxTargets)
		}
		targets, args = append(targets, k), args[1:]
	}
	if len(targets) == 0 {
		fail(n.at, "br_table needs a label")
	}
	return func() {
		b.pop(n.at, n.text, module.I32)
		b.pop(n.at, n.text, types...)
		b.code.Index(module.OpBrTable, uint32(len(targets)-1))
		for _, k := range targets {
			b.code.B = module.AppendUint(b.code.B, uint64(k))
		}
		b.die()
	}, args
}

func localGet(b *body, n node, args []node) (func(), []node) {
	i, t, args := b.local(n, args)
	return func() {
		b.code.Get(i)
		b.stack = append(b.stack, t)
	}, args
}

// localSet is local.set and local.tee.
func localSet(b *body, n node, args []node) (func(), []node) {
	i, t, args := b.local(n, args)
	return func() {
		b.pop(n.at, n.text, t)
		if n.text == "local.set" {
			b.code.Set(i)
			return
		}
		b.code.Index(module.OpLocalTee, i)
		b.stack = append(b.stack, t)
	}, args
}

func constant(op module.Opcode, t module.ValType, bits int, read func(node, int) uint64) special {
	return func(b *body, n node, args []node) (func(), []node) {
		if len(args) == 0 {
			fail(n.at, "%s needs a number", n.text)
		}
		v := read(args[0], bits)
		return func() {
			switch op {
			case module.OpI32Const:
				b.code.I32(int32(v))
			case module.OpI64Const:
				b.code.I64(int64(v))
			default:
				b.code.Op(op)
				b.code.B = appendFixed(b.code.B, v, bits)
			}
			b.stack = append(b.stack, t)
		}, args[1:]
	}
}

func vectorConstant(b *body, n node, args []node) (func(), []node) {
	imm, rest := appendVector(nil, n.at, args)
	return func() {
		b.code.Op(module.OpV128Const)
		b.code.B = append(b.code.B, imm...)
		b.stack = append(b.stack, module.V128)
	}, rest
}

func shuffle(b *body, n node, args []node) (func(), []node) {
	if len(args) < 16 {
		fail(n.at, "i8x16.shuffle needs 16 lanes")
	}
	var lanes []byte
	for _, x := range args[:16] {
		k := unsigned(x, 8)
		if k >= 32 {
			fail(x.at, "lane %d of 32", k)
		}
		lanes = append(lanes, byte(k))
	}
	return func() {
		b.pop(n.at, n.text, module.V128, module.V128)
		b.code.Op(module.OpI8x16Shuffle)
		b.code.B = append(b.code.B, lanes...)
		b.stack = append(b.stack, module.V128)
	}, args[16:]
}

// bulk is an instruction followed by zeros, each the number of the one memory.
func bulk(op module.Opcode, zeros int, params, results []module.ValType) special {
	return func(b *body, n node, args []node) (func(), []node) {
		b.needsMemory(n)
		return func() {
			b.pop(n.at, n.text, params...)
			b.code.Op(op)
			b.code.B = append(b.code.B, make([]byte, zeros)...)
			b.stack = append(b.stack, results...)
		}, args
	}
}
