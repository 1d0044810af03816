package link

import (
	"fmt"
	"strings"
	"testing"

	w "assay/ic/wasm/module"
)

var intResult = w.FuncType{Results: []w.ValType{w.I32}}

func canister() *w.Module {
	m := &w.Module{Memories: []w.Limits{{Min: 1}}, Tables: []w.Table{{Type: w.FuncRef, Limits: w.Limits{Min: 1}}}}
	m.Imports = []w.Import{{Module: "ic0", Name: "msg_reply", Func: m.TypeIndex(w.FuncType{})}}
	f := m.AddFunc(w.FuncType{}, new(w.Code).Call(0).Body())
	m.Exports = []w.Export{
		{Name: "canister_update a", Index: f}, {Name: "canister_init", Index: f}, {Name: "mem", Kind: w.KindMemory},
	}
	m.Datas = []w.Data{{Offset: w.I32Const(0), Bytes: []byte("x")}}
	m.Customs = []w.Custom{{Name: "icp:private x"}, {Name: "name", Bytes: make([]byte, 2<<20)}}
	return m
}

func TestAccept(t *testing.T) {
	t.Parallel()
	if err := Accept(canister()); err != nil {
		t.Fatalf("a good module: %v", err)
	}
	with := func(f func(m *w.Module)) *w.Module { m := canister(); f(m); return m }
	code := func(ops ...byte) *w.Module {
		return with(func(m *w.Module) { m.Code[0].Code = append(ops, byte(w.OpEnd)) })
	}
	index := func(op w.Opcode) []byte { return append(new(w.Code).Index(op, 0).B, 0) }
	for _, c := range []struct {
		name string
		m    *w.Module
		want Rule
	}{
		{"other module", with(func(m *w.Module) { m.Imports[0].Module = "env" }), RuleImport},
		{"unknown call", with(func(m *w.Module) { m.Imports[0].Name = "msg_answer" }), RuleImport},
		{"wrong type", with(func(m *w.Module) { m.Imports[0].Name = "msg_arg_data_size" }), RuleImport},
		{"imported global", with(func(m *w.Module) { m.Imports[0].Kind = w.KindGlobal }), RuleImport},
		{"imported memory", with(func(m *w.Module) { m.Imports[0].Kind = w.KindMemory }), RuleImport},
		{"many functions", with(func(m *w.Module) { m.Funcs = make([]uint32, maxFuncs+1) }), RuleFunction},
		{"many globals", with(func(m *w.Module) {
			for range maxGlobals + 1 {
				m.AddGlobal(w.Global{GlobalType: w.GlobalType{Type: w.I32}, Init: w.I32Const(0)})
			}
		}), RuleGlobal},
		{"reference global", with(func(m *w.Module) { m.AddGlobal(w.Global{GlobalType: w.GlobalType{Type: w.FuncRef}}) }), RuleGlobal},
		{"64-bit memory", with(func(m *w.Module) { m.Memories[0].Is64 = true }), RuleMemory},
		{"large table", with(func(m *w.Module) { m.Tables[0].Limits.Min = maxTable + 1 }), RuleTable},
		{"export twice", with(func(m *w.Module) { m.Exports[2].Name = "canister_init" }), RuleExport},
		{"reserved export", with(func(m *w.Module) { m.Exports[2].Name = "canister counter_instructions" }), RuleExport},
		{"unknown canister export", with(func(m *w.Module) { m.Exports[1].Name = "canister_inti" }), RuleExport},
		{"entry that is no function", with(func(m *w.Module) { m.Exports[2].Name = "canister_heartbeat" }), RuleExport},
		{"entry with a result", with(func(m *w.Module) { m.Funcs[0] = m.TypeIndex(intResult) }), RuleExport},
		{"method of two kinds", with(func(m *w.Module) { m.Exports[1].Name = "canister_query a" }), RuleMethod},
		{"many methods", with(func(m *w.Module) {
			for i := range maxMethods {
				m.Exports = append(m.Exports, w.Export{Name: fmt.Sprint("canister_query ", i), Index: 1})
			}
		}), RuleMethod},
		{"long method names", with(func(m *w.Module) { m.Exports[0].Name += strings.Repeat("a", maxMethodNames) }), RuleMethod},
		{"icp section of no kind", with(func(m *w.Module) { m.Customs[0].Name = "icp:secret x" }), RuleSection},
		{"icp section twice", with(func(m *w.Module) { m.Customs[1].Name = "icp:public x" }), RuleSection},
		{"large icp section", with(func(m *w.Module) { m.Customs[1].Name = "icp:public y" }), RuleSection},
		{"segments", with(func(m *w.Module) { m.Datas = make([]w.Data, maxSegments+1) }), RuleData},
		{"computed offset", with(func(m *w.Module) { m.Datas[0].Offset = w.ConstExpr{Op: w.OpGlobalGet} }), RuleData},
		{"table.set", code(index(w.OpTableSet)[:2]...), RuleOpcode},
		{"table.grow", code(index(w.OpTableGrow)[:3]...), RuleOpcode},
		{"table.fill", code(index(w.OpTableFill)[:3]...), RuleOpcode},
		{"table.copy", code(index(w.OpTableCopy)...), RuleOpcode},
		{"table.init", code(index(w.OpTableInit)...), RuleOpcode},
		{"large code", code(make([]byte, maxCode)...), RuleCode},
		{"many instructions", code([]byte(strings.Repeat("\x01", maxBodyWeight))...), RuleFunction},
		{"complex function", code([]byte(strings.Repeat("\x10\x00", maxBodyWeight/50+1))...), RuleFunction},
		{"bad index", with(func(m *w.Module) { m.Exports[2].Index = 1 }), RuleIndex},
	} {
		if err := Accept(c.m); ruleOf(err) != c.want {
			t.Errorf("%s: error %v, want rule %s", c.name, err, c.want)
		}
	}
	if err := Accept(code(0x06)); err == nil || ruleOf(err) != "" {
		t.Errorf("broken code: %v", err)
	}
}
