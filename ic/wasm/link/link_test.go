package link

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	w "assay/ic/wasm/module"
)

// goLike is a small module of the shape that Go's linker writes.
func goLike() *w.Module {
	m := &w.Module{
		Tables:   []w.Table{{Type: w.FuncRef, Limits: w.Limits{Min: 4100}}},
		Memories: []w.Limits{{Min: 2}},
		Globals:  []w.Global{{GlobalType: w.GlobalType{Type: w.I32, Mutable: true}, Init: w.I32Const(0)}},
		Datas: []w.Data{
			{Offset: w.I32Const(20_000), Bytes: []byte("far")},
			{Offset: w.I32Const(16_000), Bytes: []byte("near")},
			{Offset: w.I32Const(16_010), Bytes: []byte("by")},
		},
		Customs: []w.Custom{{Name: "go:buildid", Bytes: []byte("x")}},
	}
	write := w.FuncType{Params: []w.ValType{w.I32, w.I32, w.I32, w.I32}, Results: []w.ValType{w.I32}}
	m.Imports = []w.Import{
		{Module: "wasi_snapshot_preview1", Name: "fd_write", Func: m.TypeIndex(write)},
		{Module: "ic0", Name: "msg_reply", Func: m.TypeIndex(w.FuncType{})},
		{Module: "wasi_snapshot_preview1", Name: "fd_write", Func: m.TypeIndex(write)},
	}
	export := func(name string, t w.FuncType, b w.Body) {
		m.Exports = append(m.Exports, w.Export{Name: name, Kind: w.KindFunc, Index: m.AddFunc(t, b)})
	}
	export("_initialize", w.FuncType{}, new(w.Code).I32(1).I32(2).I32(3).I32(4).Call(2).Op(w.OpDrop).Body())
	export("cdk_update", oneInt, new(w.Code).Call(1).Body())
	export("cdk_query", oneInt, new(w.Code).Call(1).Body())
	for _, name := range callbacks {
		export(name, oneInt, new(w.Code).Body())
	}
	export("canister_heartbeat", w.FuncType{}, new(w.Code).Body())
	export("helper", w.FuncType{}, new(w.Code).Body())
	m.Exports = append(m.Exports, w.Export{Name: "memory", Kind: w.KindMemory})
	m.Elems = []w.Elem{{Type: w.FuncRef, Offset: w.I32Const(4096), Funcs: []uint32{3, 0}}}
	return m
}

var twoMethods = Options{
	Methods: []Method{{"get", Query}, {"add", Update}},
	Candid:  "service : { add : () -> (); get : () -> () query }",
}

func TestLink(t *testing.T) {
	t.Parallel()
	out, err := Link(goLike().Encode(), twoMethods)
	if err != nil {
		t.Fatal(err)
	}
	m, err := w.Parse(out)
	if err != nil {
		t.Fatal(err)
	}
	var imports, exports []string
	for _, im := range m.Imports {
		imports = append(imports, im.Module+"."+im.Name)
	}
	for _, e := range m.Exports {
		exports = append(exports, e.Name)
	}
	if diff := cmp.Diff([]string{"ic0.msg_reply", "ic0.time", "ic0.trap", "ic0.debug_print"}, imports); diff != "" {
		t.Errorf("imports (-want +got):\n%s", diff)
	}
	want := []string{"memory", "canister_heartbeat", "canister_init", "canister_post_upgrade", "canister_update __assay_task", "canister_update add", "canister_query get"}
	if diff := cmp.Diff(want, exports); diff != "" {
		t.Errorf("exports (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]Method{{TaskMethod, Update}, {"add", Update}, {"get", Query}}, Methods(m)); diff != "" {
		t.Errorf("methods (-want +got):\n%s", diff)
	}
	slots := m.Elems[len(m.Elems)-1]
	if slots.Offset.Imm != ReplySlot || len(slots.Funcs) != 3 {
		t.Errorf("callback segment %+v", slots)
	}
	if len(m.Datas) != 3 || string(m.Datas[1].Bytes) != "near\x00\x00\x00\x00\x00\x00by" {
		t.Errorf("data segments %+v", m.Datas)
	}
	if len(m.Customs) != 1 || string(m.Customs[0].Bytes) != twoMethods.Candid {
		t.Errorf("custom sections %+v", m.Customs)
	}
}

// The build cache keys canisters by linkVersion of ic/wasm/build. When this hash
// changes because the linker writes something else, raise that number too.
func TestOutputIsStable(t *testing.T) {
	t.Parallel()
	out, err := Link(goLike().Encode(), twoMethods)
	if err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256(out)
	const want = "2784fb70ec314388"
	if got := hex.EncodeToString(sum[:8]); got != want {
		t.Errorf("linked output has hash %s, want %s: raise linkVersion in ic/wasm/build", got, want)
	}
}

func TestLinkRefuses(t *testing.T) {
	t.Parallel()
	start := uint32(3)
	for _, c := range []struct {
		name    string
		breakIt func(m *w.Module)
		want    string
	}{
		{"start function", func(m *w.Module) { m.Start = &start }, "start function"},
		{"other import", func(m *w.Module) { m.Imports[1].Module = "env" }, "neither a system call nor WASI"},
		{"unknown system call", func(m *w.Module) { m.Imports[1].Name = "msg_repl" }, "not a system call"},
		{"system call of wrong type", func(m *w.Module) { m.Imports[1].Func = 0 }, "ic0.msg_reply has type"},
		{"imported global", func(m *w.Module) { m.Imports[1] = w.Import{Kind: w.KindGlobal, Global: w.GlobalType{Type: w.I32}} }, "unknown function"},
		{"program", func(m *w.Module) { m.Exports[0].Name = "_start" }, "-buildmode=c-shared"},
		{"no entry for queries", func(m *w.Module) { m.Exports[2].Name = "x" }, "does not export cdk_query"},
		{"entry of wrong type", func(m *w.Module) { m.Exports[1].Index = 3 }, "cdk_update has type"},
		{"two of three callbacks", func(m *w.Module) { m.Exports[3].Name = "x" }, "does not export cdk_reply"},
		{"slot taken", func(m *w.Module) { m.Elems[0].Offset = w.I32Const(3) }, "where callbacks belong"},
		{"table too small", func(m *w.Module) { m.Tables[0].Limits.Min = 3 }, "function table"},
		{"data in the free pages", func(m *w.Module) { m.Datas[0].Offset = w.I32Const(5000) }, "which Go leaves free"},
		{"data by index", func(m *w.Module) {
			m.Code[0].Code = append(new(w.Code).I32(0).I32(0).I32(0).B, 0xfc, 0x08, 0, 0, 0x0b)
			n := uint32(len(m.Datas))
			m.DataCount = &n
		}, "by index"},
	} {
		m := goLike()
		c.breakIt(m)
		out, err := Link(m.Encode(), twoMethods)
		if c.name == "imported global" {
			if err == nil {
				t.Errorf("%s: linked to %d bytes", c.name, len(out))
			}
			continue
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want %q", c.name, err, c.want)
		}
	}
	if _, err := Link(goLike().Encode(), Options{Methods: []Method{{"a", Update}, {"a", Query}}}); err == nil {
		t.Error("one method of two kinds was linked")
	}
}

func TestMergeDatas(t *testing.T) {
	t.Parallel()
	seg := func(at int32, s string) w.Data { return w.Data{Offset: w.I32Const(at), Bytes: []byte(s)} }
	got, ok := mergeDatas([]w.Data{seg(100, "c"), seg(0, "a"), seg(3, "b")}, 2)
	want := []w.Data{seg(0, "a\x00\x00b"), seg(100, "c")}
	if diff := cmp.Diff(want, got); diff != "" || !ok {
		t.Errorf("merged (-want +got):\n%s", diff)
	}
	if _, ok := mergeDatas([]w.Data{seg(0, "abc"), seg(2, "x")}, 2); ok {
		t.Error("overlapping segments were merged")
	}
	// Bytes beside a segment in the parsed input must survive.
	backing := []byte("abcdef")
	if _, ok := mergeDatas([]w.Data{{Offset: w.I32Const(0), Bytes: backing[:2]}, seg(4, "z")}, 4); !ok || string(backing) != "abcdef" {
		t.Errorf("merging wrote into its input: %q", backing)
	}
}

func TestCandidHash(t *testing.T) {
	t.Parallel()
	for label, want := range map[string]uint32{"": 0, "id": 23515, "echo": 1124992741, "deadlock": 1679035535} {
		if got := CandidHash(label); got != want {
			t.Errorf("hash of %q = %d, want %d", label, got, want)
		}
	}
}

func TestSystemTypes(t *testing.T) {
	t.Parallel()
	if n := len(systemTypes); n < 75 {
		t.Errorf("%d system calls", n)
	}
	for name, want := range map[string]string{
		"msg_reply": "()->()", "msg_arg_data_size": "()->(i32)", "time": "()->(i64)", "trap": "(i32 i32)->()",
		"call_new": "(i32 i32 i32 i32 i32 i32 i32 i32)->()", "stable64_grow": "(i64)->(i64)",
		"msg_cycles_accept128": "(i64 i64 i32)->()", "is_controller": "(i32 i32)->(i32)", "msg_cycles_refunded128": "(i32)->()",
		"performance_counter": "(i32)->(i64)", "cost_sign_with_ecdsa": "(i32 i32 i32 i32)->(i32)", "accept_message": "()->()",
	} {
		if got, ok := SystemType(name); !ok || got.String() != want {
			t.Errorf("%s: %v, %v, want %s", name, got, ok, want)
		}
	}
}

// FuzzLink: whatever the bytes, a canister that may be installed or an error.
func FuzzLink(f *testing.F) {
	f.Add(goLike().Encode(), "add")
	f.Fuzz(func(t *testing.T, raw []byte, method string) {
		out, err := Link(raw, Options{Methods: []Method{{method, Update}}})
		if err != nil {
			return
		}
		m, err := w.Parse(out)
		if err != nil {
			t.Fatal(err)
		}
		if err := Accept(m); err != nil {
			t.Fatal(err)
		}
	})
}

func ruleOf(err error) Rule {
	var e *AcceptError
	errors.As(err, &e)
	if e == nil {
		return ""
	}
	return e.Rule
}
