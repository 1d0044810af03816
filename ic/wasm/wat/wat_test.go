package wat

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"assay/ic/wasm/module"
)

// instance runs an assembled file over a page of memory.
func instance(t *testing.T, source string) (api.Module, api.Memory) {
	t.Helper()
	m, err := Assemble([]byte(source))
	if err != nil {
		t.Fatal(err)
	}
	r := wazero.NewRuntime(t.Context())
	t.Cleanup(func() { r.Close(t.Context()) })
	owner := &module.Module{Memories: []module.Limits{{Min: 1}}, Exports: []module.Export{{Name: MemoryName, Kind: module.KindMemory}}}
	o, err := r.InstantiateWithConfig(t.Context(), owner.Encode(), wazero.NewModuleConfig().WithName(MemoryModule))
	if err != nil {
		t.Fatal(err)
	}
	inst, err := r.Instantiate(t.Context(), m.Encode())
	if err != nil {
		t.Fatalf("the engine refuses what was assembled: %v", err)
	}
	return inst, o.Memory()
}

func TestRuns(t *testing.T) {
	t.Parallel()
	inst, mem := instance(t, readFile(t, "testdata/sample.wat"))
	mem.Write(100, []byte{1, 2, 3, 4, 250})
	for _, c := range []struct {
		name string
		args []uint64
		want uint64
	}{
		{"sum", []uint64{100, 5}, 260},
		{"sum", []uint64{100, 0}, 0},
		{"factorial", []uint64{10}, 3628800},
		{"switch", []uint64{0}, 10},
		{"switch", []uint64{1}, 20},
		{"switch", []uint64{7}, 30},
		{"larger", []uint64{7, 9}, 9},
		{"larger", []uint64{9, 7}, 9},
		{"classify", []uint64{0}, 0xffffffff},
		{"classify", []uint64{3}, 1},
		{"lanes", nil, 0x04030201},
		{"bits", nil, 0xc0490fdb},
		{"pages", nil, 1},
		{"constants", nil, 0x8000_0000_0000_0000},
	} {
		got, err := inst.ExportedFunction(c.name).Call(t.Context(), c.args...)
		if err != nil || len(got) != 1 || got[0] != c.want {
			t.Errorf("%s%d = %#x, error %v, want %#x", c.name, c.args, got, err, c.want)
		}
	}
	if _, err := inst.ExportedFunction("move").Call(t.Context(), 200, 100, 5); err != nil {
		t.Error(err)
	}
	if got, _ := mem.Read(200, 6); !bytes.Equal(got, []byte{1, 2, 3, 4, 250, 7}) {
		t.Errorf("moved bytes are %d", got)
	}
}

func readFile(t testing.TB, name string) string {
	t.Helper()
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// everyInstruction uses each instruction of the table once, flat, in the table's order.
func everyInstruction() string {
	var s strings.Builder
	fmt.Fprintf(&s, "(module (import %q %q (memory 1))\n", MemoryModule, MemoryName)
	for line := range strings.Lines(strings.TrimSpace(tableText)) {
		for _, name := range strings.Fields(line)[3:] {
			o := operations[name]
			s.WriteString("(func")
			for _, p := range o.params {
				fmt.Fprintf(&s, " (param %s)", p)
			}
			for _, r := range o.results {
				fmt.Fprintf(&s, " (result %s)", r)
			}
			for i := range o.params {
				fmt.Fprintf(&s, " local.get %d", i)
			}
			s.WriteString(" " + name)
			if o.form == memory || o.form == memoryLane {
				fmt.Fprintf(&s, " offset=%d", o.op)
			}
			if o.form == memory && o.arg > 0 {
				fmt.Fprintf(&s, " align=%d", 1<<(o.arg-1))
			}
			if o.lanes > 0 {
				fmt.Fprintf(&s, " %d", o.lanes-1)
			}
			s.WriteString(")\n")
		}
	}
	s.WriteString(")\n")
	return s.String()
}

// TestSameBytesAsWabt holds the bytes to those of another assembler: the hashes are of
// what wat2wasm of wabt 1.0.39 writes for the same texts. A change of the texts needs new
// hashes from there, not from here.
func TestSameBytesAsWabt(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, source, want string }{
		{"every instruction", everyInstruction(), "a8a6e402503d213b"},
		{"sample", readFile(t, "testdata/sample.wat"), "17d24bbb9c4683a7"},
	} {
		m, err := Assemble([]byte(c.source))
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		sum := sha256.Sum256(m.Encode())
		if got := hex.EncodeToString(sum[:8]); got != c.want {
			t.Errorf("%s has hash %s, want %s", c.name, got, c.want)
		}
	}
}

// TestEngineAgrees compiles each instruction alone, so that a signature that the table
// has wrong is named.
func TestEngineAgrees(t *testing.T) {
	t.Parallel()
	r := wazero.NewRuntimeWithConfig(t.Context(), wazero.NewRuntimeConfigInterpreter())
	defer r.Close(t.Context())
	lines := strings.Split(strings.TrimSpace(everyInstruction()), "\n")
	if len(lines) < 380 {
		t.Fatalf("%d lines: the table is not read", len(lines))
	}
	owner := fmt.Sprintf("(module (import %q %q (memory 1))", MemoryModule, MemoryName)
	for _, l := range lines[1 : len(lines)-1] {
		m, err := Assemble([]byte(owner + l + ")"))
		if err != nil {
			t.Errorf("%s: %v", l, err)
			continue
		}
		if _, err := r.CompileModule(t.Context(), m.Encode()); err != nil {
			t.Errorf("%s: %v", l, err)
		}
	}
}

// within wraps instructions into a file whose second line starts with them.
func within(code string) string {
	return "(module (import \"canister\" \"memory\" (memory 1)) (func $f (param $x i32) (result i32) (local $v v128) (local i64)\n" + code + "))"
}

func TestErrors(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ name, source, want string }{
		{"empty", "", "1:1: a file starts with (module"},
		{"no list", "module", "1:1: a file starts with (module"},
		{"other list", "(modul)", "1:1: a file starts with (module"},
		{"two modules", "(module)\n (module)", "2:2: text after the module"},
		{"open", "(module\n(func", "2:1: parenthesis without its end"},
		{"closed", "(module))", "1:9: text after"},
		{"open comment", "(module (; (; ;)", "1:9: comment without its end"},
		{"open string", "(module (export \"a", "1:17: string without its end"},
		{"escape", `(module (export "\61" (func 0)))`, "1:18: strings hold printable ASCII"},
		{"words that touch", `(module (export"a"))`, "1:16: a blank is missing"},
		{"bad byte", "(module [)", "1:9: unexpected '['"},
		{"deep", "(module" + strings.Repeat("(", 300), "1:207: more than 200 parentheses"},
		{"long", strings.Repeat(" ", MaxSource+1), "1:1: file of 1048577 bytes"},
		{"memory of its own", "(module (memory 1))", "1:9: a kernel file holds"},
		{"table", "(module (table 1 funcref))", "1:9: a kernel file holds"},
		{"global", "(module (global i32 (i32.const 1)))", "1:9: a kernel file holds"},
		{"data", `(module (data "x"))`, "1:9: a kernel file holds"},
		{"imported function", `(module (import "ic0" "trap" (func (param i32 i32))))`, `1:9: the one import is (import "canister" "memory" (memory 1))`},
		{"memory twice", `(module (import "canister" "memory" (memory 1)) (import "canister" "memory" (memory 1)))`, "1:49: a second import"},
		{"memory of two numbers", `(module (import "canister" "memory" (memory 1 2)))`, "1:37: a memory has one number"},
		{"import after function", `(module (func) (import "canister" "memory" (memory 1)))`, "1:16: the import stands before"},
		{"function twice", "(module (func $f) (func $f))", "1:25: function $f twice"},
		{"export twice", `(module (func (export "a")) (func (export "a")))`, `1:43: "a" is exported twice`},
		{"export of nothing", `(module (export "a" (func $f)))`, "1:27: unknown function $f"},
		{"export by number", `(module (export "a" (func 0)))`, "1:27: function 0 of 0"},
		{"order", "(module (func (local i32) (param i32)))", "1:27: (param comes too late"},
		{"two results", "(module (func (result i32 i32)))", "1:9: a function has at most"},
		{"type", "(module (func (param funcref)))", "1:22: a type is i32"},
		{"local twice", "(module (func (param $x i32) (local $x i32)))", "1:37: local $x twice"},
		{"locals", "(module (func (local" + strings.Repeat(" i32", maxLocals+1) + ")))", "1:40022: more than 10000 locals"},

		{"instruction", within("i32.addd"), "2:1: unknown instruction i32.addd"},
		{"growing memory", within("(memory.grow (local.get $x))"), "2:2: unknown instruction memory.grow"},
		{"global instruction", within("global.get 0"), "2:1: unknown instruction global.get"},
		{"indirect call", within("call_indirect"), "2:1: unknown instruction"},
		{"string", within(`"x"`), "2:1: a string is no instruction"},
		{"empty list", within("()"), "2:1: an instruction is missing"},
		{"nothing left", within("local.get $x drop"), "1:49: the end of the block takes i32, the stack is empty"},
		{"too much left", within("local.get $x local.get $x"), "1:49: 1 values too many"},
		{"wrong result", within("local.get 2"), "1:49: the end of the block takes i32, the stack holds i64"},
		{"operand missing", within("local.get $x i32.add"), "2:14: i32.add takes i32, the stack is empty"},
		{"wrong operand", within("(i32.add (local.get $x)\n  (local.get 2))"), "2:2: i32.add takes i32, the stack holds i64"},
		{"operand too many", within("(i32.eqz (local.get $x) 5)"), "2:25: i32.eqz takes no such operand"},
		{"unknown local", within("local.get $y"), "2:11: unknown local $y"},
		{"local by number", within("local.get 3"), "2:11: local 3 of 3"},
		{"unknown label", within("br $y"), "2:4: unknown label $y"},
		{"label by number", within("br 1"), "2:4: label 1 of 1"},
		{"branch without value", within("br 0"), "2:1: br takes i32, the stack is empty"},
		{"targets that differ", within("block i32.const 1 i32.const 0 br_table 0 1 end unreachable"), "2:42: the targets of br_table"},
		{"unknown function", within("call $g"), "2:6: unknown function $g"},
		{"arguments", within("call $f"), "2:1: the function takes i32"},
		{"block left open", within("block"), "2:1: block without its end"},
		{"end too many", within("end"), "2:1: end without a block"},
		{"else too many", within("else"), "2:1: else without a block"},
		{"else of a block", within("block else end"), "2:7: else without if"},
		{"end of another", within("block $a end $b"), "2:14: $b does not name the block"},
		{"end through a list", within("block (block end) end"), "2:14: end without a block"},
		{"value across a block", within("local.get $x block drop end"), "2:20: drop takes a value, the stack is empty"},
		{"if without else", within("local.get $x if (result i32) i32.const 1 end"), "2:14: an if that leaves a value"},
		{"if without then", within("(if (local.get $x))"), "2:1: an if in parentheses needs (then"},
		{"after else", within("(if (local.get $x) (then) (else) (then))"), "2:34: after (then and (else nothing follows"},
		{"parameters of a block", within("block (param i32) end"), "2:8: unknown instruction param"},
		{"results of a block", within("block (result i32 i32) end"), "2:7: a block leaves at most one value"},
		{"select of two types", within("local.get 0 local.get 2 local.get 0 select"), "2:37: select chooses between values of one type"},
		{"number", within("i32.const 1x"), `2:11: "1x" is not an integer of 32 bits`},
		{"number too large", within("i32.const 4294967296"), "2:11:"},
		{"number too small", within("i32.const -2147483649"), "2:11:"},
		{"underscore", within("i32.const 1__0"), "2:11: 1__0 is not a number"},
		{"number missing", within("i32.const"), "2:1: i32.const needs a number"},
		{"word for a float", within("f32.const infinity"), `2:11: "infinity" is not a float`},
		{"float too large", within("f32.const 1e39"), "2:11:"},
		{"offset", within("local.get $x i32.load offset=4294967296"), "2:23:"},
		{"alignment above natural", within("local.get $x i32.load align=8"), "2:23: alignment 8"},
		{"alignment of three", within("local.get $x i32.load align=3"), "2:23: alignment 3"},
		{"lane", within("local.get $v i32x4.extract_lane 4"), "2:33: lane 4 of 4"},
		{"lane missing", within("local.get $v i32x4.extract_lane"), "2:14: i32x4.extract_lane needs a lane"},
		{"shuffle", within("i8x16.shuffle 0 1"), "2:1: i8x16.shuffle needs 16 lanes"},
		{"shuffled lane", within("i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 32"), "2:50: lane 32 of 32"},
		{"shape", within("v128.const i31x4 0 0 0 0"), "2:12: unknown vector shape"},
		{"lanes of a constant", within("v128.const i64x2 0"), "2:1: 2 lanes are needed"},
		{"load without memory", "(module (func (drop (i32.load (i32.const 0)))))", `1:22: i32.load needs (import "canister" "memory"`},
		{"copy without memory", "(module (func (memory.copy (i32.const 0) (i32.const 0) (i32.const 0))))", "1:16: memory.copy needs"},
		{"blocks", within(strings.Repeat("block ", maxControl+2)), "more than 1000 blocks"},
	} {
		m, err := Assemble([]byte(c.source))
		var e *Error
		if !errors.As(err, &e) || m != nil {
			t.Errorf("%s: error %v, want an Error", c.name, err)
			continue
		}
		if !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %q, want %q", c.name, err, c.want)
		}
	}
}

// FuzzAssemble: no panic, a typed error, and what is accepted parses again, and is what
// the engine's own type check accepts.
func FuzzAssemble(f *testing.F) {
	f.Add(readFile(f, "testdata/sample.wat"))
	f.Add(everyInstruction()[:3000])
	f.Add(within("block (result i32) unreachable select local.get 0 br_if 0 br 1 end"))
	f.Add(within("(if (result i32) (local.get 0) (then i32.const 1) (else f32.const -0x1.8p3 i32.reinterpret_f32))"))
	config := wazero.NewRuntimeConfigInterpreter()
	f.Fuzz(func(t *testing.T, source string) {
		m, err := Assemble([]byte(source))
		if err != nil {
			var e *Error
			if !errors.As(err, &e) || e.Line < 1 || e.Column < 1 {
				t.Fatalf("error %v of type %T", err, err)
			}
			return
		}
		b := m.Encode()
		again, err := module.Parse(b)
		if err != nil {
			t.Fatal(err)
		}
		if err := again.CheckIndices(); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(again.Encode(), b) {
			t.Fatal("the module changes when it is read and written")
		}
		r := wazero.NewRuntimeWithConfig(t.Context(), config)
		defer r.Close(t.Context())
		if _, err := r.CompileModule(t.Context(), b); err != nil {
			t.Fatalf("the engine refuses what was assembled: %v", err)
		}
	})
}
