package link

import (
	"fmt"
	"strings"

	"assay/ic/wasm/module"
)

// Limits of the Internet Computer on what may be installed.
const (
	maxCode        = 10 << 20 // bytes of all bodies together
	maxFuncs       = 50_000
	maxGlobals     = 1_000
	maxBodyWeight  = 1_000_000 // instructions of one function, and its complexity
	maxMethods     = 1_000
	maxMethodNames = 20_000 // bytes of all method names
	maxSections    = 16     // icp: custom sections
	maxSectionSize = 1 << 20
	maxSegments    = 100_000
	maxTable       = 10_000_000
)

// Rule names one acceptance rule.
type Rule string

// The acceptance rules.
const (
	RuleImport   Rule = "import"
	RuleExport   Rule = "export"
	RuleMethod   Rule = "method"
	RuleCode     Rule = "code"
	RuleFunction Rule = "function"
	RuleGlobal   Rule = "global"
	RuleMemory   Rule = "memory"
	RuleTable    Rule = "table"
	RuleData     Rule = "data"
	RuleSection  Rule = "section"
	RuleOpcode   Rule = "opcode"
	RuleIndex    Rule = "index"
)

// AcceptError says which rule a module breaks.
type AcceptError struct {
	Rule Rule
	What string
}

func (e *AcceptError) Error() string { return "module refused (" + string(e.Rule) + "): " + e.What }

func refuse(r Rule, format string, args ...any) error {
	return &AcceptError{r, fmt.Sprintf(format, args...)}
}

// Accept checks a module against every rule that the Internet Computer has for
// installing it, and against what the local network cannot run: memory addressed by 64
// bits, imported memories and tables. The error is an [*AcceptError], or a
// [*module.SyntaxError] for a body that does not parse. It does not type-check bodies.
func Accept(m *module.Module) error {
	for _, check := range []func(*module.Module) error{
		acceptImports, acceptSpaces, acceptExports, acceptSections, acceptDatas, acceptCode,
	} {
		if err := check(m); err != nil {
			return err
		}
	}
	if err := m.CheckIndices(); err != nil {
		return &AcceptError{RuleIndex, err.Error()}
	}
	return nil
}

func acceptImports(m *module.Module) error {
	for _, im := range m.Imports {
		name := im.Module + "." + im.Name
		if im.Kind != module.KindFunc {
			return refuse(RuleImport, "%s is not a function; imported memories, tables and globals are not supported", name)
		}
		if im.Module != "ic0" {
			return refuse(RuleImport, "%s: only functions of module ic0 can be imported", name)
		}
		want, ok := systemTypes[im.Name]
		if !ok {
			return refuse(RuleImport, "%s is not a system call", name)
		}
		if uint64(im.Func) >= uint64(len(m.Types)) {
			return refuse(RuleImport, "%s has no type", name)
		}
		if got := m.Types[im.Func]; !got.Equal(want) {
			return refuse(RuleImport, "%s has type %s, want %s", name, got, want)
		}
	}
	return nil
}

func acceptSpaces(m *module.Module) error {
	if n := len(m.Funcs); n > maxFuncs {
		return refuse(RuleFunction, "%d functions, more than %d", n, maxFuncs)
	}
	if n := len(m.Globals); n > maxGlobals {
		return refuse(RuleGlobal, "%d globals, more than %d", n, maxGlobals)
	}
	for i, g := range m.Globals {
		if g.Type.IsRef() {
			return refuse(RuleGlobal, "global %d holds a reference", i)
		}
	}
	for _, l := range m.Memories {
		if l.Is64 {
			return refuse(RuleMemory, "memory addressed by 64 bits is not supported by this network")
		}
	}
	for i, t := range m.Tables {
		if t.Limits.Is64 || t.Limits.Min > maxTable {
			return refuse(RuleTable, "table %d of %d entries, more than %d or addressed by 64 bits", i, t.Limits.Min, maxTable)
		}
	}
	return nil
}

// methodKinds are the export prefixes that a method name follows after one space.
var methodKinds = []string{"canister_update ", "canister_query ", "canister_composite_query "}

// entryPoints are the exports that the system calls by a fixed name.
var entryPoints = map[string]bool{
	"canister_init": true, "canister_pre_upgrade": true, "canister_post_upgrade": true,
	"canister_inspect_message": true, "canister_heartbeat": true, "canister_global_timer": true,
	"canister_on_low_wasm_memory": true,
}

var reservedExports = map[string]bool{
	"canister_start": true, "canister counter_instructions": true, "canister counter_dirty_pages": true,
	"canister counter_accessed_pages": true, "stable_memory": true, "stable_memory_bytemap": true,
}

func acceptExports(m *module.Module) error {
	seen, methods, bytes := map[string]bool{}, map[string]bool{}, 0
	for _, e := range m.Exports {
		if seen[e.Name] {
			return refuse(RuleExport, "%q is exported twice", e.Name)
		}
		seen[e.Name] = true
		method, isMethod := methodName(e.Name)
		switch {
		case reservedExports[e.Name]:
			return refuse(RuleExport, "the name %q is reserved", e.Name)
		case isMethod:
			if methods[method] {
				return refuse(RuleMethod, "method %q is exported as more than one kind", method)
			}
			methods[method] = true
			bytes += len(method)
		case entryPoints[e.Name]:
		case strings.HasPrefix(e.Name, "canister_"):
			return refuse(RuleExport, "%q is no entry point of a canister", e.Name)
		default:
			continue
		}
		if err := acceptEntry(m, e); err != nil {
			return err
		}
	}
	if len(methods) > maxMethods {
		return refuse(RuleMethod, "%d methods, more than %d", len(methods), maxMethods)
	}
	if bytes > maxMethodNames {
		return refuse(RuleMethod, "method names of %d bytes, more than %d", bytes, maxMethodNames)
	}
	return nil
}

func methodName(export string) (string, bool) {
	for _, prefix := range methodKinds {
		if name, ok := strings.CutPrefix(export, prefix); ok {
			return name, true
		}
	}
	return "", false
}

func acceptEntry(m *module.Module, e module.Export) error {
	if e.Kind != module.KindFunc {
		return refuse(RuleExport, "%q is not a function", e.Name)
	}
	if t, ok := m.TypeOf(e.Index); !ok || len(t.Params)+len(t.Results) > 0 {
		return refuse(RuleExport, "%q has type %s, want ()->()", e.Name, t)
	}
	return nil
}

func acceptSections(m *module.Module) error {
	seen, bytes := map[string]bool{}, 0
	for _, c := range m.Customs {
		if !strings.HasPrefix(c.Name, "icp:") {
			continue
		}
		name, public := strings.CutPrefix(c.Name, "icp:public ")
		if !public {
			var private bool
			if name, private = strings.CutPrefix(c.Name, "icp:private "); !private {
				return refuse(RuleSection, "custom section %q is neither icp:public nor icp:private", c.Name)
			}
		}
		if seen[name] {
			return refuse(RuleSection, "custom section %q twice", name)
		}
		seen[name] = true
		bytes += len(c.Name) + len(c.Bytes)
	}
	if len(seen) > maxSections || bytes > maxSectionSize {
		return refuse(RuleSection, "%d icp: custom sections of %d bytes, more than %d or %d", len(seen), bytes, maxSections, maxSectionSize)
	}
	return nil
}

func acceptDatas(m *module.Module) error {
	if n := len(m.Datas); n > maxSegments {
		return refuse(RuleData, "%d data segments, more than %d", n, maxSegments)
	}
	for i, d := range m.Datas {
		if d.Mode == module.Active && d.Offset.Op != module.OpI32Const {
			return refuse(RuleData, "offset of data segment %d is not one i32.const", i)
		}
	}
	return nil
}

func acceptCode(m *module.Module) error {
	total := 0
	for i := range m.Code {
		total += len(m.Code[i].Code)
	}
	if total > maxCode {
		return refuse(RuleCode, "code of %d bytes, more than %d", total, maxCode)
	}
	for i := range m.Code {
		if err := acceptBody(i, m.Code[i].Code); err != nil {
			return err
		}
	}
	return nil
}

func acceptBody(i int, code []byte) error {
	instructions, weight := 0, 0
	it := module.NewIter(code)
	for it.Next() {
		switch it.Op {
		case module.OpTableSet, module.OpTableGrow, module.OpTableFill, module.OpTableCopy, module.OpTableInit:
			return refuse(RuleOpcode, "function %d changes a table (opcode %#x)", i, uint16(it.Op))
		}
		instructions++
		weight += complexity(it.Op)
	}
	if err := it.Err(); err != nil {
		return fmt.Errorf("function %d: %w", i, err)
	}
	if instructions > maxBodyWeight || weight > maxBodyWeight {
		return refuse(RuleFunction, "function %d has %d instructions and complexity %d, more than %d", i, instructions, weight, maxBodyWeight)
	}
	return nil
}

// complexity weighs an instruction by what compiling it costs.
func complexity(o module.Opcode) int {
	switch o {
	case module.OpBlock, module.OpLoop, module.OpIf, module.OpBr, module.OpBrIf, module.OpBrTable,
		module.OpCall, module.OpCallIndirect, module.OpReturnCall, module.OpReturnCallIndirect, module.OpMemoryGrow:
		return 50
	case module.OpTableGet:
		return 14
	case module.OpRefFunc:
		return 8
	case module.OpRefIsNull:
		return 6
	case module.OpMemoryCopy:
		return 4
	case module.OpMemoryFill:
		return 3
	case module.OpGlobalGet, module.OpSelect, module.OpSelectTyped:
		return 2
	}
	switch {
	case o >= 0x36 && o <= 0x3e: // stores
		return 2
	case o >= 0x28 && o <= 0x35: // loads
		return 3
	case o >= 0x45 && o <= 0x66: // comparisons
		return 2
	case o >= 0x6d && o <= 0x70, o >= 0x7f && o <= 0x82, o == 0x95, o == 0xa3: // div, rem
		return 3
	case o == 0x8b, o == 0x8c, o == 0x99, o == 0x9a: // float abs, neg
		return 4
	case o >= 0xa8 && o <= 0xab, o >= 0xae && o <= 0xb5, o >= 0xb7 && o <= 0xba, o >= 0xfc00 && o <= 0xfc07:
		return 5 // between integers and floats
	}
	return 1
}
