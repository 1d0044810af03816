package wat

import (
	"encoding/binary"
	"math/bits"
	"strings"

	"assay/ic/wasm/module"
)

// body writes one function's instructions and checks their types as it goes.
type body struct {
	a       *assembler
	f       function
	results []module.ValType
	code    module.Code
	stack   []module.ValType // types on the operand stack, unknown after a jump
	blocks  []block          // open blocks; the first is the function
}

// unknown is the type of what unreachable code takes from an empty stack.
const unknown module.ValType = 0

// block is one open block.
type block struct {
	op      module.Opcode // OpBlock, OpLoop, OpIf, OpElse, or OpEnd for the function
	label   string
	results []module.ValType
	height  int  // of the stack below it
	dead    bool // whether the rest of it is unreachable
	at      place
}

// labels are the types that a branch to the block takes.
func (b *block) labels() []module.ValType {
	if b.op == module.OpLoop {
		return nil
	}
	return b.results
}

func (a *assembler) body(f function, results []module.ValType) module.Body {
	b := &body{a: a, f: f, results: results}
	b.blocks = []block{{op: module.OpEnd, results: results, at: f.at}}
	b.sequence(f.body)
	b.close(f.at)
	var locals []module.Locals
	for _, t := range f.types[f.params:] {
		if n := len(locals); n > 0 && locals[n-1].Type == t {
			locals[n-1].N++
			continue
		}
		locals = append(locals, module.Locals{N: 1, Type: t})
	}
	b.code.Op(module.OpEnd)
	return module.Body{Locals: locals, Code: b.code.B}
}

// sequence assembles instructions, flat and folded. Blocks that it opens it closes.
func (b *body) sequence(items []node) {
	open := len(b.blocks)
	for len(items) > 0 {
		n := items[0]
		items = items[1:]
		switch {
		case n.kind == list:
			b.folded(n)
		case n.kind == quoted:
			fail(n.at, "a string is no instruction")
		case n.text == "block" || n.text == "loop" || n.text == "if":
			items = b.open(n, items)
		case n.text == "else":
			b.insideOf(n, open)
			b.otherwise(n.at)
			items = b.sameLabel(items, b.blocks[len(b.blocks)-1].label)
		case n.text == "end":
			b.insideOf(n, open)
			label := b.blocks[len(b.blocks)-1].label
			b.close(n.at)
			b.code.Op(module.OpEnd)
			items = b.sameLabel(items, label)
		default:
			items = b.instruction(n, items, nil)
		}
	}
	if len(b.blocks) > open {
		fail(b.blocks[len(b.blocks)-1].at, "block without its end")
	}
}

func (b *body) insideOf(n node, open int) {
	if len(b.blocks) <= open {
		fail(n.at, "%s without a block", n.text)
	}
}

// sameLabel skips the label that end and else may repeat.
func (b *body) sameLabel(items []node, label string) []node {
	if len(items) > 0 && items[0].isID() {
		if items[0].text != label {
			fail(items[0].at, "%s does not name the block that ends here", items[0].text)
		}
		return items[1:]
	}
	return items
}

// open starts a block and returns what follows its label and result.
func (b *body) open(n node, items []node) []node {
	op := map[string]module.Opcode{"block": module.OpBlock, "loop": module.OpLoop, "if": module.OpIf}[n.text]
	if len(b.blocks) > maxControl {
		fail(n.at, "more than %d blocks inside one another", maxControl)
	}
	nb := block{op: op, at: n.at}
	if len(items) > 0 && items[0].isID() {
		nb.label, items = items[0].text, items[1:]
	}
	if len(items) > 0 && items[0].head() == "result" {
		if len(items[0].items) != 2 {
			fail(items[0].at, "a block leaves at most one value")
		}
		nb.results = []module.ValType{valType(items[0].items[1])}
		items = items[1:]
	}
	if op != module.OpIf {
		b.enter(nb)
		return items
	}
	if len(items) > 0 && (items[0].head() == "param" || items[0].head() == "type") {
		fail(items[0].at, "blocks take nothing")
	}
	b.enter(nb)
	return items
}

// enter writes the start of a block; an if takes its condition.
func (b *body) enter(nb block) {
	if nb.op == module.OpIf {
		b.pop(nb.at, "if", module.I32)
	}
	nb.height = len(b.stack)
	b.blocks = append(b.blocks, nb)
	b.code.Op(nb.op)
	if nb.results == nil {
		b.code.B = append(b.code.B, 0x40)
	} else {
		b.code.B = append(b.code.B, byte(nb.results[0]))
	}
}

// otherwise turns an open if into its else.
func (b *body) otherwise(at place) {
	top := &b.blocks[len(b.blocks)-1]
	if top.op != module.OpIf {
		fail(at, "else without if")
	}
	b.leaves(at, top)
	top.op, top.dead = module.OpElse, false
	b.code.Op(module.OpElse)
}

// close ends the innermost block and leaves its results on the stack.
func (b *body) close(at place) {
	top := b.blocks[len(b.blocks)-1]
	b.leaves(at, &top)
	if top.op == module.OpIf && len(top.results) > 0 {
		fail(top.at, "an if that leaves a value needs an else")
	}
	b.blocks = b.blocks[:len(b.blocks)-1]
	b.stack = append(b.stack, top.results...)
}

// leaves takes the results of a block and checks that nothing else is left in it.
func (b *body) leaves(at place, top *block) {
	b.pop(at, "the end of the block", top.results...)
	if extra := len(b.stack) - top.height; extra > 0 {
		fail(at, "%d values too many at the end of the block", extra)
	}
}

// pop takes values of these types off the stack, the last one first.
func (b *body) pop(at place, who string, types ...module.ValType) {
	for i := len(types) - 1; i >= 0; i-- {
		if got := b.popAny(at, who, types[i].String()); got != types[i] && got != unknown {
			fail(at, "%s takes %s, the stack holds %s", who, types[i], got)
		}
	}
}

func (b *body) popAny(at place, who, want string) module.ValType {
	top := &b.blocks[len(b.blocks)-1]
	if len(b.stack) == top.height {
		if !top.dead {
			fail(at, "%s takes %s, the stack is empty", who, want)
		}
		return unknown
	}
	t := b.stack[len(b.stack)-1]
	b.stack = b.stack[:len(b.stack)-1]
	return t
}

// die marks the rest of the innermost block unreachable.
func (b *body) die() {
	top := &b.blocks[len(b.blocks)-1]
	b.stack = b.stack[:top.height]
	top.dead = true
}

// folded assembles a list: operands first, then the instruction.
func (b *body) folded(n node) {
	if n.head() == "" {
		fail(n.at, "an instruction is missing")
	}
	name, items := n.items[0], n.items[1:]
	switch name.text {
	case "block", "loop":
		items = b.open(name, items)
		b.sequence(items)
		b.close(n.at)
		b.code.Op(module.OpEnd)
	case "if":
		b.foldedIf(n)
	case "else", "end", "then":
		fail(n.at, "%s in parentheses has no place here", name.text)
	default:
		if rest := b.instruction(name, items, b.operands); len(rest) > 0 {
			fail(rest[0].at, "%s takes no such operand", name.text)
		}
	}
}

// operands assembles the folded operands at the front and returns what follows.
func (b *body) operands(items []node) []node {
	for len(items) > 0 && items[0].kind == list {
		b.folded(items[0])
		items = items[1:]
	}
	return items
}

// foldedIf is (if $label? (result t)? condition* (then …) (else …)?).
func (b *body) foldedIf(n node) {
	items := n.items[1:]
	head := 0
	for head < len(items) && (items[head].isID() || items[head].head() == "result") {
		head++
	}
	rest := items[head:]
	for len(rest) > 0 && rest[0].kind == list && rest[0].head() != "then" {
		b.folded(rest[0])
		rest = rest[1:]
	}
	if len(rest) == 0 || rest[0].head() != "then" {
		fail(n.at, "an if in parentheses needs (then")
	}
	if left := b.open(n.items[0], items[:head]); len(left) > 0 {
		fail(left[0].at, "an if has a label, then a result")
	}
	b.sequence(rest[0].items[1:])
	if rest = rest[1:]; len(rest) > 0 && rest[0].head() == "else" {
		b.otherwise(rest[0].at)
		b.sequence(rest[0].items[1:])
		rest = rest[1:]
	}
	if len(rest) > 0 {
		fail(rest[0].at, "after (then and (else nothing follows")
	}
	b.close(n.at)
	b.code.Op(module.OpEnd)
}

// instruction reads the immediates of an instruction, lets operands assemble what stands
// folded behind them, and writes it. It returns the nodes that it did not use.
func (b *body) instruction(n node, args []node, operands func([]node) []node) []node {
	if operands == nil {
		operands = func(rest []node) []node { return rest }
	}
	if o, ok := operations[n.text]; ok {
		return b.operation(n, o, args, operands)
	}
	if s, ok := specials[n.text]; ok {
		write, rest := s(b, n, args)
		rest = operands(rest)
		write()
		return rest
	}
	fail(n.at, "unknown instruction %s", n.text)
	return nil
}

func (b *body) operation(n node, o operation, args []node, operands func([]node) []node) []node {
	var imm []byte
	if o.form == memory || o.form == memoryLane {
		b.needsMemory(n)
		imm, args = memoryArgument(o, args)
	}
	if o.form == lane || o.form == memoryLane {
		if len(args) == 0 {
			fail(n.at, "%s needs a lane", n.text)
		}
		k := unsigned(args[0], 8)
		if k >= uint64(o.lanes) {
			fail(args[0].at, "lane %d of %d", k, o.lanes)
		}
		imm, args = append(imm, byte(k)), args[1:]
	}
	args = operands(args)
	b.pop(n.at, n.text, o.params...)
	b.code.Op(o.op)
	b.code.B = append(b.code.B, imm...)
	b.stack = append(b.stack, o.results...)
	return args
}

func (b *body) needsMemory(n node) {
	if !b.a.memory {
		fail(n.at, "%s needs (import %q %q (memory 1))", n.text, MemoryModule, MemoryName)
	}
}

// memoryArgument reads offset= and align=, in this order.
func memoryArgument(o operation, args []node) ([]byte, []node) {
	offset, align := uint64(0), uint64(o.arg)
	if v, ok := keyed(args, "offset="); ok {
		offset, args = unsigned(v, 32), args[1:]
	}
	if v, ok := keyed(args, "align="); ok {
		a := unsigned(v, 32)
		if bits.OnesCount64(a) != 1 || a > 1<<o.arg {
			fail(v.at, "alignment %d is not a power of two up to %d", a, 1<<o.arg)
		}
		align, args = uint64(bits.TrailingZeros64(a)), args[1:]
	}
	return module.AppendUint(module.AppendUint(nil, align), offset), args
}

func keyed(args []node, key string) (node, bool) {
	if len(args) == 0 || !args[0].isAtom() {
		return node{}, false
	}
	v, ok := strings.CutPrefix(args[0].text, key)
	return node{at: args[0].at, text: v}, ok
}

// local resolves a local variable by name or number.
func (b *body) local(n node, args []node) (uint32, module.ValType, []node) {
	if len(args) == 0 {
		fail(n.at, "%s needs a local", n.text)
	}
	x := args[0]
	if x.isID() {
		i, ok := b.f.locals[x.text]
		if !ok {
			fail(x.at, "unknown local %s", x.text)
		}
		return i, b.f.types[i], args[1:]
	}
	i := unsigned(x, 32)
	if i >= uint64(len(b.f.types)) {
		fail(x.at, "local %d of %d", i, len(b.f.types))
	}
	return uint32(i), b.f.types[i], args[1:]
}

// label resolves a block by name or by how many blocks lie between.
func (b *body) label(x node) (uint32, *block) {
	if x.isID() {
		for i := len(b.blocks) - 1; i >= 0; i-- {
			if b.blocks[i].label == x.text {
				return uint32(len(b.blocks) - 1 - i), &b.blocks[i]
			}
		}
		fail(x.at, "unknown label %s", x.text)
	}
	k := unsigned(x, 32)
	if k >= uint64(len(b.blocks)) {
		fail(x.at, "label %d of %d", k, len(b.blocks))
	}
	return uint32(k), &b.blocks[len(b.blocks)-1-int(k)]
}

func appendFixed(b []byte, v uint64, bits int) []byte {
	if bits == 32 {
		return binary.LittleEndian.AppendUint32(b, uint32(v))
	}
	return binary.LittleEndian.AppendUint64(b, v)
}
