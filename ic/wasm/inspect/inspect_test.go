package inspect_test

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/ic/wasm/inspect"
	"assay/ic/wasm/link"
	w "assay/ic/wasm/module"
)

// small is a canister of one method and one heavy function.
func small() *w.Module {
	m := &w.Module{
		Memories: []w.Limits{{Min: 2, Max: 10, HasMax: true}}, Tables: []w.Table{{Type: w.FuncRef, Limits: w.Limits{Min: 4}}},
		Globals: []w.Global{{GlobalType: w.GlobalType{Type: w.I32, Mutable: true}, Init: w.I32Const(0)}},
	}
	m.Imports = []w.Import{{Module: "ic0", Name: "msg_reply", Func: m.TypeIndex(w.FuncType{})}}
	f := m.AddFunc(w.FuncType{}, new(w.Code).Call(0).Body())
	m.AddFunc(w.FuncType{}, w.Body{Code: append(bytes.Repeat([]byte{0x01}, 99), byte(w.OpEnd))})
	m.Exports = []w.Export{{Name: "memory", Kind: w.KindMemory}, {Name: "canister_query a", Index: f}, {Name: "canister_init", Index: f}}
	m.Elems = []w.Elem{{Type: w.FuncRef, Offset: w.I32Const(1), Funcs: []uint32{f}}}
	m.Datas = []w.Data{{Offset: w.I32Const(0), Bytes: []byte("hello")}}
	m.Customs = []w.Custom{{Name: "icp:public candid:service", Bytes: []byte("service : {}")}, {Name: "icp:private x", Bytes: []byte{0}}, {Name: "name"}}
	return m
}

func report(t *testing.T, b []byte) inspect.Report {
	t.Helper()
	r, err := inspect.Module(b)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func pack(t *testing.T, b []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	if _, err := z.Write(b); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestReport(t *testing.T) {
	t.Parallel()
	b := small().Encode()
	r := report(t, b)
	total := 8
	for _, p := range r.Parts {
		total += p.Bytes
	}
	if total != len(b) || r.Part("code") == 0 || r.Part("start") != 0 {
		t.Errorf("parts %+v add up to %d of %d bytes", r.Parts, total, len(b))
	}
	if !r.Canister || r.Refused != "" || len(r.Warnings()) != 0 {
		t.Errorf("canister %v, refused %q, warnings %v", r.Canister, r.Refused, r.Warnings())
	}
	ten := uint64(10)
	for _, c := range []struct {
		name      string
		got, want any
	}{
		{"counts", r.Counts, inspect.Counts{Types: 1, Functions: 2, Instructions: 102, Globals: 1, DataSegments: 1, DataBytes: 5, Elements: 1}},
		{"install", r.Install, uint64(612_000)},
		{"largest", r.Largest, []inspect.Func{{Index: 2, Instructions: 100, Complexity: 100, Bytes: 100}, {Index: 1, Instructions: 2, Complexity: 51, Bytes: 3}}},
		{"memory", r.Memory, &inspect.Space{Min: 2, Max: &ten}},
		{"table", r.Table, &inspect.Space{Min: 4}},
		{"imports", r.Imports, []inspect.Item{{Name: "ic0.msg_reply", Kind: "function", Text: "()->()"}}},
		{"methods", r.Methods, []inspect.Item{{Name: "a", Kind: "query"}}},
		{"custom sections", r.Custom, []inspect.Item{
			{Name: "candid:service", Kind: "public", Bytes: 12, Text: "service : {}"}, {Name: "x", Kind: "private", Bytes: 1}, {Name: "name", Kind: "not kept"},
		}},
	} {
		if d := cmp.Diff(c.want, c.got); d != "" {
			t.Errorf("%s (-want +got):\n%s", c.name, d)
		}
	}
}

func TestGzip(t *testing.T) {
	t.Parallel()
	b := small().Encode()
	plain, packed := report(t, b), report(t, pack(t, b))
	if !packed.Compressed || packed.WasmBytes != len(b) || packed.Hash == plain.Hash {
		t.Errorf("compressed %v, %d bytes unpacked, hashes %s and %s", packed.Compressed, packed.WasmBytes, packed.Hash, plain.Hash)
	}
	if d := cmp.Diff(plain.Counts, packed.Counts); d != "" {
		t.Error(d)
	}
}

// Above 80 percent of a limit the report warns, and above 100 says what refuses the module.
func TestLimits(t *testing.T) {
	t.Parallel()
	globals := func(n int) inspect.Report {
		m := small()
		for len(m.Globals) < n {
			m.Globals = append(m.Globals, m.Globals[0])
		}
		return report(t, m.Encode())
	}
	if r := globals(800); len(r.Warnings()) != 0 {
		t.Errorf("at 80 percent: %+v", r.Warnings())
	}
	r := globals(801)
	if ws := r.Warnings(); len(ws) != 1 || ws[0].Limit != "globals" || ws[0].Used != 801 || ws[0].Max != 1000 || r.Refused != "" {
		t.Errorf("above 80 percent: %+v, refused %q", ws, r.Refused)
	}
	r = globals(1001)
	if r.Refused == "" || !strings.Contains(r.Refused, "globals") {
		t.Errorf("above 100 percent: refused %q", r.Refused)
	}
	var out strings.Builder
	r.Print(&out)
	for _, want := range []string{"REFUSED   module refused (global)", "WARNING   globals: 100.1 % of 1,000 used", "candid:service", "public  12 bytes  service : {}"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}

// Every limit that link.Accept checks by counting has a line, so none is reached unseen.
func TestEveryLimitIsListed(t *testing.T) {
	t.Parallel()
	var names []string
	for _, u := range report(t, small().Encode()).Limits {
		names = append(names, u.Limit)
		if u.Max == 0 || u.Percent < 0 || u.Percent > 100 {
			t.Errorf("%+v", u)
		}
	}
	const want = "module, bytes|code, bytes|functions|largest function, instructions|largest function, complexity|globals|methods|" +
		"method names, bytes|icp: custom sections|icp: custom sections, bytes|data segments|table entries|memory at start, pages|" +
		"installing, instructions|one install message, bytes compressed"
	if got := strings.Join(names, "|"); got != want {
		t.Errorf("limits\n%s\nwant\n%s", got, want)
	}
}

func TestRefusesOtherBytes(t *testing.T) {
	t.Parallel()
	var syntax *w.SyntaxError
	for _, b := range [][]byte{nil, []byte("\x00asm"), []byte("hello"), pack(t, []byte("hello")), small().Encode()[:60]} {
		if _, err := inspect.Module(b); !errors.As(err, &syntax) {
			t.Errorf("%.8q: %v", b, err)
		}
	}
	if _, err := inspect.Module([]byte("\x1f\x8b\x08cut short")); err == nil {
		t.Error("broken gzip is accepted")
	}
	if _, err := inspect.Unpack(pack(t, make([]byte, w.MaxModule+1))); !errors.Is(err, inspect.ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	m := small()
	m.Exports = nil
	if r := report(t, m.Encode()); r.Canister {
		t.Error("a module without entry points is called a canister")
	}
}

func FuzzModule(f *testing.F) {
	f.Add(small().Encode())
	f.Add([]byte("\x1f\x8b\x08"))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := inspect.Module(b)
		if err != nil {
			return
		}
		r.Print(io.Discard)
		if _, err := json.Marshal(r); err != nil {
			t.Error(err)
		}
		if r.Refused == "" && link.InstallWeight*uint64(r.Counts.Instructions) != r.Install {
			t.Errorf("%d instructions, install %d", r.Counts.Instructions, r.Install)
		}
	})
}
