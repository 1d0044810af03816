package link

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"

	w "assay/ic/wasm/module"
	"assay/ic/wasm/wat"
)

const kernelText = `(module (import "canister" "memory" (memory 1))
  (func $unused (export "unused") (result i32) (i32.const 1))
  (func (export "sum") (param $p i32) (param $n i32) (result i32)
    (call $add (i32.load (local.get $p)) (call $twice (local.get $n))))
  (func $twice (param i32) (result i32) (call $add (local.get 0) (local.get 0)))
  (func $add (param i32 i32) (result i32) (i32.add (local.get 0) (local.get 1))))`

func assemble(t *testing.T, text string) *w.Module {
	t.Helper()
	m, err := wat.Assemble([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return m
}

var twoToOne = w.FuncType{Params: []w.ValType{w.I32, w.I32}, Results: []w.ValType{w.I32}}

// withKernel imports a kernel, twice, and puts sum(16000, 5), which reads "near", to 64.
func withKernel(name string) *w.Module {
	m := goLike()
	t := m.TypeIndex(twoToOne)
	// Two imports at the end of the list move the functions that m defines by two.
	_ = m.MapFuncs(func(f uint32) uint32 {
		if f >= 3 {
			return f + 2
		}
		return f
	})
	for range 2 {
		m.Imports = append(m.Imports, w.Import{Module: KernelModule, Name: name, Kind: w.KindFunc, Func: t})
	}
	for i, e := range m.Exports {
		if e.Name == "canister_heartbeat" {
			c := new(w.Code).I32(64).I32(16_000).I32(5).Call(3).I32(16_000).I32(0).Call(4).Op(w.OpI32Sub).Memory(w.OpI32Store, 0)
			m.Code[m.Exports[i].Index-5] = c.Body()
		}
	}
	return m
}

func TestKernel(t *testing.T) {
	t.Parallel()
	files := []Kernels{
		{"first.wat", assemble(t, `(module (func (export "other") (result i32) (i32.const 3)))`)},
		{"second.wat", assemble(t, kernelText)},
	}
	opt := twoMethods
	opt.Kernels = files
	before := files[1].Module.Encode()
	out, err := Link(withKernel("sum").Encode(), opt)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(files[1].Module.Encode(), before) {
		t.Error("the kernel's module was changed")
	}
	m, err := w.Parse(out)
	if err != nil {
		t.Fatal(err)
	}
	plain, err := Link(goLike().Encode(), twoMethods)
	if err != nil {
		t.Fatal(err)
	}
	without, _ := w.Parse(plain)
	if got := len(m.Funcs) - len(without.Funcs); got != 3 {
		t.Errorf("%d functions were merged, want sum, twice and add", got)
	}
	r := wazero.NewRuntime(t.Context())
	defer r.Close(t.Context())
	b := r.NewHostModuleBuilder("ic0")
	b.NewFunctionBuilder().WithFunc(func() uint64 { return 1 }).Export("time")
	b.NewFunctionBuilder().WithFunc(func(_, _ uint32) {}).Export("trap")
	b.NewFunctionBuilder().WithFunc(func(_, _ uint32) {}).Export("debug_print")
	b.NewFunctionBuilder().WithFunc(func() {}).Export("msg_reply")
	if _, err := b.Instantiate(t.Context()); err != nil {
		t.Fatal(err)
	}
	inst, err := r.Instantiate(t.Context(), out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := inst.ExportedFunction("canister_heartbeat").Call(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got, _ := inst.Memory().ReadUint32Le(64); got != 10 {
		t.Errorf("the kernels computed %d, want 10", got)
	}
}

// A canister that imports no kernel is the same whether kernels are at hand or not.
func TestUnusedKernelsAreLeftOut(t *testing.T) {
	t.Parallel()
	opt := twoMethods
	opt.Kernels = []Kernels{{"k.wat", assemble(t, kernelText)}}
	with, err := Link(goLike().Encode(), opt)
	if err != nil {
		t.Fatal(err)
	}
	without, err := Link(goLike().Encode(), twoMethods)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(with, without) {
		t.Error("kernels that nobody imports change the canister")
	}
}

func TestKernelRefused(t *testing.T) {
	t.Parallel()
	one := func(b w.Body) *w.Module {
		m := &w.Module{}
		m.Exports = []w.Export{{Name: "sum", Kind: w.KindFunc, Index: m.AddFunc(twoToOne, b)}}
		return m
	}
	good := func() *w.Module { return one(new(w.Code).Get(0).Body()) }
	change := func(f func(m *w.Module)) *w.Module { m := good(); f(m); return m }
	for _, c := range []struct {
		name  string
		files []Kernels
		want  string
	}{
		{"none", nil, "kernel sum: imported, but there is no .wat file"},
		{"missing", []Kernels{{"k.wat", assemble(t, "(module)")}, {"other.wat", assemble(t, `(module (func (export "x")))`)}}, "kernel sum: imported, but no .wat file"},
		{"type", []Kernels{{"k.wat", assemble(t, `(module (func (export "sum") (param i64)))`)}}, "k.wat has it with type (i64)->(), and Go imports it with (i32 i32)->(i32)"},
		{"twice", []Kernels{{"k.wat", good()}, {"l.wat", good()}}, "kernel sum: in k.wat and in l.wat"},
		{"table", []Kernels{{"k.wat", change(func(m *w.Module) { m.Tables = []w.Table{{Type: w.FuncRef}} })}}, "more than functions"},
		{"start", []Kernels{{"k.wat", change(func(m *w.Module) { m.Start = new(uint32) })}}, "more than functions"},
		{"import", []Kernels{{"k.wat", change(func(m *w.Module) { m.Imports = []w.Import{{Module: "ic0", Name: "time"}} })}}, "imports ic0.time"},
		{"export", []Kernels{{"k.wat", change(func(m *w.Module) {
			m.Imports = []w.Import{{Kind: w.KindMemory}}
			m.Exports[0].Kind = w.KindMemory
		})}}, "exports sum, which is no function"},
		{"global", []Kernels{{"k.wat", one(new(w.Code).Index(w.OpGlobalGet, 0).Body())}}, "opcode 0x23 has no place"},
		{"growth", []Kernels{{"k.wat", one(w.Body{Code: []byte{0x41, 1, 0x40, 0, 0x0b}})}}, "opcode 0x40 has no place"},
		{"call", []Kernels{{"k.wat", one(new(w.Code).Call(7).Body())}}, "calls function 7 of 1"},
		{"block type", []Kernels{{"k.wat", one(w.Body{Code: []byte{0x02, 0, 0x0b, 0x0b}})}}, "a type by number"},
		{"broken", []Kernels{{"k.wat", one(w.Body{Code: []byte{0x06, 0x0b}})}}, "unknown opcode"},
	} {
		opt := twoMethods
		opt.Kernels = c.files
		_, err := Link(withKernel("sum").Encode(), opt)
		var e *KernelError
		if !errors.As(err, &e) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
}
