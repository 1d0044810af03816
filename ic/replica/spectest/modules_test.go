package spectest_test

import (
	"fmt"
	"strings"

	"assay/ic/wasm/module"
)

// withModule edits the test module.
func withModule(edit func(m *module.Module)) []byte { return assemble(options{Edit: edit}) }

// entry is a function () -> () of the test module.
func entry(m *module.Module) uint32 {
	for _, e := range m.Exports {
		if e.Name == "canister_init" {
			return e.Index
		}
	}
	panic("no canister_init") // the test module has one
}

func export(m *module.Module, name string, f uint32) {
	m.Exports = append(m.Exports, module.Export{Name: name, Kind: module.KindFunc, Index: f})
}

// typed adds an empty function of a type.
func typed(m *module.Module, t module.FuncType) uint32 {
	var c module.Code
	for _, r := range t.Results {
		if r == module.I64 {
			c.I64(0)
		} else {
			c.I32(0)
		}
	}
	return m.AddFunc(t, c.Body())
}

func without(m *module.Module, name string) {
	kept := m.Exports[:0]
	for _, e := range m.Exports {
		if e.Name != name {
			kept = append(kept, e)
		}
	}
	m.Exports = kept
}

func init() {
	i32, i64 := []module.ValType{module.I32}, []module.ValType{module.I64}
	good := func(section, name string, edit func(m *module.Module)) row {
		return row{section, name + " is accepted", func(w *world) {
			w.install("install", w.create(), withModule(edit), nil).replied()
		}}
	}
	bad := func(section, name string, edit func(m *module.Module)) row {
		return row{section, name + " is rejected", func(w *world) {
			c := w.create()
			w.install("install", c, withModule(edit), nil).fails(failed)
			w.read(owner, c, to("canister", c, "module_hash")).absent("canister", c, "module_hash")
		}}
	}
	const section = "WebAssembly module requirements"
	for _, name := range []string{
		"canister_init", "canister_inspect_message", "canister_pre_upgrade", "canister_post_upgrade", "canister_heartbeat",
		"canister_on_low_wasm_memory", "canister_global_timer", "canister_update x", "canister_query x", "canister_composite_query x",
	} {
		describe("modules", "canister interface",
			bad(section, name+" with a parameter", func(m *module.Module) {
				without(m, name)
				export(m, name, typed(m, module.FuncType{Params: i32}))
			}),
			bad(section, name+" with a result", func(m *module.Module) {
				without(m, name)
				export(m, name, typed(m, module.FuncType{Results: i32}))
			}),
		)
	}
	describe("modules", "canister interface",
		good(section, "a module as it is", func(*module.Module) {}),
		bad(section, "another export that begins with canister_", func(m *module.Module) { export(m, "canister_something", entry(m)) }),
		bad(section, "canister_update without a name", func(m *module.Module) { export(m, "canister_update", entry(m)) }),
		good(section, "canister_update with an empty name", func(m *module.Module) { export(m, "canister_update ", entry(m)) }),
		good(section, "an export of any other name", func(m *module.Module) { export(m, "something", entry(m)) }),
		bad(section, "a name that is update and query", func(m *module.Module) { export(m, "canister_query run", entry(m)) }),
		bad(section, "a name that is update and composite query", func(m *module.Module) { export(m, "canister_composite_query run", entry(m)) }),
		bad(section, "a name that is query and composite query", func(m *module.Module) { export(m, "canister_composite_query read", entry(m)) }),
		bad(section, "an export that occurs twice", func(m *module.Module) { export(m, "canister_update run", entry(m)) }),
		bad(section, "an import of another module than ic0", func(m *module.Module) { m.Imports[0].Module = "env" }),
		bad(section, "an import of a function that ic0 does not have", func(m *module.Module) { m.Imports[0].Name = "no_such_call" }),
		bad(section, "an import of a function of ic0 at another type", func(m *module.Module) {
			m.Imports[0].Func = m.TypeIndex(module.FuncType{Params: i64, Results: i64})
		}),
		bad(section, "two memories", func(m *module.Module) { m.Memories = append(m.Memories, module.Limits{Min: 1}) }),
		good(section, "1,000 globals", func(m *module.Module) {
			for len(m.Globals) < 1000 {
				m.AddGlobal(module.Global{GlobalType: module.GlobalType{Type: module.I32}, Init: module.I32Const(0)})
			}
		}),
		bad(section, "10,000 globals", func(m *module.Module) {
			for len(m.Globals) < 10_000 {
				m.AddGlobal(module.Global{GlobalType: module.GlobalType{Type: module.I32}, Init: module.I32Const(0)})
			}
		}),
		good(section, "10,000 functions", func(m *module.Module) {
			for range 10_000 {
				typed(m, module.FuncType{})
			}
		}),
		bad(section, "60,000 functions", func(m *module.Module) {
			for range 60_000 {
				typed(m, module.FuncType{})
			}
		}),
		good(section, "990 methods", func(m *module.Module) {
			for i := range 990 {
				export(m, fmt.Sprint("canister_update ", i), entry(m))
			}
		}),
		bad(section, "1,010 methods", func(m *module.Module) {
			for i := range 1010 {
				export(m, fmt.Sprint("canister_query ", i), entry(m))
			}
		}),
		good(section, "names of methods of 19,900 bytes in all", func(m *module.Module) {
			export(m, "canister_update "+strings.Repeat("x", 19_900), entry(m))
		}),
		bad(section, "names of methods of 20,001 bytes in all", func(m *module.Module) {
			export(m, "canister_update "+strings.Repeat("x", 20_001), entry(m))
		}),
		bad(section, "a public and a private section of one name", func(m *module.Module) {
			m.Customs = append(m.Customs, module.Custom{Name: "icp:public a"}, module.Custom{Name: "icp:private a"})
		}),
		bad(section, "a public section that occurs twice", func(m *module.Module) {
			m.Customs = append(m.Customs, module.Custom{Name: "icp:public a"}, module.Custom{Name: "icp:public a"})
		}),
		bad(section, "a private section that occurs twice", func(m *module.Module) {
			m.Customs = append(m.Customs, module.Custom{Name: "icp:private a"}, module.Custom{Name: "icp:private a"})
		}),
		bad(section, "another section that begins with icp:", func(m *module.Module) {
			m.Customs = append(m.Customs, module.Custom{Name: "icp:other a"})
		}),
		good(section, "a custom section of any other name", func(m *module.Module) {
			m.Customs = append(m.Customs, module.Custom{Name: "other", Bytes: []byte("x")})
		}),
		good(section, "16 sections of metadata", func(m *module.Module) {
			for i := range 16 {
				m.Customs = append(m.Customs, module.Custom{Name: fmt.Sprint("icp:public ", i)})
			}
		}),
		bad(section, "17 sections of metadata", func(m *module.Module) {
			for i := range 17 {
				m.Customs = append(m.Customs, module.Custom{Name: fmt.Sprint("icp:public ", i)})
			}
		}),
		good(section, "metadata of almost 1 MiB", func(m *module.Module) {
			m.Customs = append(m.Customs, module.Custom{Name: "icp:public a", Bytes: make([]byte, 1<<20-100)})
		}),
		bad(section, "metadata of more than 1 MiB", func(m *module.Module) {
			m.Customs = append(m.Customs, module.Custom{Name: "icp:public a", Bytes: make([]byte, 1<<20)})
		}),
		bad(section, "metadata whose name is not UTF-8", func(m *module.Module) {
			m.Customs = append(m.Customs, module.Custom{Name: "icp:public \xff\xfe"})
		}),
		bad("Canister module format", "a function that does not validate", func(m *module.Module) {
			var c module.Code
			m.AddFunc(module.FuncType{Results: i32}, c.Body())
		}),
		bad("Canister module format", "a start function with a parameter", func(m *module.Module) {
			f := typed(m, module.FuncType{Params: i32})
			m.Start = &f
		}),
		good("Canister module format", "a module without entry points", func(m *module.Module) { m.Exports = nil }),
	)
}
