package host_test

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"testing"

	"assay/ic/replica/host"
	"assay/ic/wasm/meter"
	"assay/ic/wasm/module"
)

var unit = module.FuncType{}

// hostile is a module with one page of memory whose update f is body.
func hostile(body *module.Code, change ...func(*module.Module)) []byte {
	m := &module.Module{Memories: []module.Limits{{Min: 1}}}
	f := m.AddFunc(unit, body.Body(module.Locals{N: 2, Type: module.I32}))
	m.Exports = []module.Export{{Name: "canister_update f", Kind: module.KindFunc, Index: f}}
	for _, c := range change {
		c(m)
	}
	return m.Encode()
}

func openEngine(t *testing.T, c host.EngineConfig) *host.Engine {
	t.Helper()
	e, err := host.OpenEngine(t.Context(), c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return e
}

func instantiate(t *testing.T, e *host.Engine, wasm []byte) *host.Instance {
	t.Helper()
	m, err := e.Compile(t.Context(), wasm)
	if err != nil {
		t.Fatal(err)
	}
	i, err := m.Instantiate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// run runs f with so many instructions, keeps what it did if it ends, and returns what it
// used.
func runF(t *testing.T, i *host.Instance, where host.Context, entry string, instructions uint64) (uint64, *host.Trap) {
	t.Helper()
	in := input(nil)
	in.Instructions = instructions
	x := host.NewExecution(in)
	trap := x.Run(t.Context(), i, host.NewStable(0), where, entry)
	if trap == nil {
		i.Commit()
	} else if err := i.Rollback(t.Context()); err != nil {
		t.Fatal(err)
	}
	return x.Used, trap
}

const f = "canister_update f"

// grow is memory.grow by what is on the stack.
func grow(c *module.Code) *module.Code {
	c.B = append(c.B, byte(module.OpMemoryGrow), 0)
	return c
}

// What has no end is ended, at the same instruction each time, and the instance goes on.
func TestEndlessModules(t *testing.T) {
	t.Parallel()
	e := openEngine(t, host.EngineConfig{})
	for _, row := range []struct {
		name string
		wasm []byte
		code string
		text string
	}{
		{"loop", hostile(new(module.Code).Block(module.OpLoop).Index(module.OpBr, 0).Op(module.OpEnd)), host.CodeInstructionLimit, "limit of 200000000 instructions"},
		{"recursion", hostile(new(module.Code).Call(0)), host.CodeTrapped, "stack overflow"},
		{"mutual recursion", hostile(new(module.Code).Call(1), func(m *module.Module) {
			m.AddFunc(unit, new(module.Code).Call(0).Body(module.Locals{N: 500, Type: module.I64}))
		}), host.CodeTrapped, "stack overflow"},
		{"recursion through a table", hostile(func() *module.Code {
			c := new(module.Code).I32(0)
			c.B = append(c.B, byte(module.OpCallIndirect), 0, 0)
			return c
		}(), func(m *module.Module) {
			m.Tables = []module.Table{{Type: module.FuncRef, Limits: module.Limits{Min: 1}}}
			m.Elems = []module.Elem{{Offset: module.I32Const(0), Type: module.FuncRef, Funcs: []uint32{0}}}
		}), host.CodeTrapped, "stack overflow"},
	} {
		i := instantiate(t, e, row.wasm)
		var used [3]uint64
		for n := range used {
			var trap *host.Trap
			used[n], trap = runF(t, i, host.Update, f, 200_000_000)
			if trap == nil || trap.Code != row.code || !strings.Contains(trap.Message, row.text) {
				t.Errorf("%s: %+v, want %s with %q", row.name, trap, row.code, row.text)
			}
		}
		if used[0] == 0 || used[0] != used[1] || used[1] != used[2] {
			t.Errorf("%s: used %d instructions", row.name, used)
		}
	}
}

// A module that takes all memory it gets gets no more than the budget, as often as it
// tries.
func TestGrowToTheLimit(t *testing.T) { // alone: what other tests have counts too
	c := new(module.Code).Block(module.OpBlock).Block(module.OpLoop)
	grow(c.I32(16)).Index(module.OpLocalTee, 0).I32(-1).Op(module.OpI32Eq).Index(module.OpBrIf, 1)
	c.Get(0).I32(1<<16).Op(module.Opcode(0x6c)).I32(1).Memory(module.OpI32Store8, 0) // a byte of the new memory (0x6c: multiply)
	c.Index(module.OpBr, 0).Op(module.OpEnd, module.OpEnd)
	trapping := *c
	const budget = 256 << 20
	trapping.B = append(bytes.Clone(c.B), byte(module.OpUnreachable))
	for name, kind := range map[string]host.MemoryKind{"best": host.BestMemory, "copied": host.CopiedMemory} {
		e := openEngine(t, host.EngineConfig{Memory: kind, HeapBudget: budget})
		i := instantiate(t, e, hostile(&trapping))
		for round := range 3 {
			if _, trap := runF(t, i, host.Update, f, 1e9); trap == nil || trap.Message != "Canister trapped: unreachable" {
				t.Errorf("%s: round %d: %v", name, round, trap)
			}
			if i.Pages() != 1 {
				t.Fatalf("%s: %d pages after a rollback", name, i.Pages())
			}
		}
		kept := instantiate(t, e, hostile(c))
		if _, trap := runF(t, kept, host.Update, f, 1e9); trap != nil {
			t.Errorf("%s: %v", name, trap)
		}
		if got := kept.Pages(); got < 500 || got > budget/host.WasmPage {
			t.Errorf("%s: grew to %d pages with a budget of %d", name, got, budget/host.WasmPage)
		}
		for _, i := range []*host.Instance{i, kept} {
			if err := i.Close(t.Context()); err != nil {
				t.Error(err)
			}
		}
	}
}

// The largest memory works, from the first message on and after a message that grew to it
// and trapped.
func TestLargestMemory(t *testing.T) {
	t.Parallel()
	e, err := host.OpenEngine(t.Context(), host.EngineConfig{Memory: host.MappedMemory})
	if err != nil {
		t.Skipf("mapped memory: %v", err)
	}
	t.Cleanup(func() {
		if err := e.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	const most = 65535
	last := func(c *module.Code) *module.Code {
		return c.I32(most*host.WasmPage-1-1<<32).I32(7).Memory(module.OpI32Store8, 0)
	}
	pages := func(n uint64) func(*module.Module) {
		return func(m *module.Module) { m.Memories[0].Min = n }
	}
	full := grow(new(module.Code).I32(1)).I32(-1).Op(module.OpI32Ne).Block(module.OpIf).Op(module.OpUnreachable, module.OpEnd)
	whole := instantiate(t, e, hostile(last(full), pages(most)))
	if _, trap := runF(t, whole, host.Update, f, 1e9); trap != nil || whole.Pages() != most {
		t.Errorf("memory of %d pages: %v, %d pages", most, trap, whole.Pages())
	}
	count := 0
	if err := whole.EachPage(func(at uint64, page []byte) error {
		if count++; at != most*host.WasmPage-host.OSPage || page[host.OSPage-1] != 7 {
			t.Errorf("page at %d ends with %d", at, page[host.OSPage-1])
		}
		return nil
	}); err != nil || count != 1 {
		t.Errorf("%d pages are not zero (%v), want 1", count, err)
	}
	grown := instantiate(t, e, hostile(last(grow(new(module.Code).I32(1)).Op(module.OpDrop)).Op(module.OpUnreachable), pages(most-1)))
	for range 2 {
		if _, trap := runF(t, grown, host.Update, f, 1e9); trap == nil || trap.Message != "Canister trapped: unreachable" || grown.Pages() != most-1 {
			t.Errorf("grown to %d pages: %v, %d pages after the trap", most, trap, grown.Pages())
		}
	}
	_, err = e.Compile(t.Context(), hostile(new(module.Code), pages(most+1)))
	var wrong *host.ModuleError
	if !errors.As(err, &wrong) {
		t.Errorf("memory of %d pages: %v, want a ModuleError", most+1, err)
	}
}

func TestLargeTables(t *testing.T) {
	t.Parallel()
	e := openEngine(t, host.EngineConfig{})
	tables := func(sizes ...uint64) []byte {
		return hostile(new(module.Code), func(m *module.Module) {
			for _, n := range sizes {
				m.Tables = append(m.Tables, module.Table{Type: module.FuncRef, Limits: module.Limits{Min: n}})
			}
		})
	}
	for range 6 { // of 80 MB each: only some stay live
		i := instantiate(t, e, tables(10_000_000))
		if _, trap := runF(t, i, host.Update, f, 1e9); trap != nil {
			t.Error(trap)
		}
	}
	for _, sizes := range [][]uint64{{10_000_001}, {6_000_000, 6_000_000}, {1 << 32}, {1<<64 - 1, 2}} {
		_, err := e.Compile(t.Context(), tables(sizes...))
		var wrong *host.ModuleError
		if !errors.As(err, &wrong) {
			t.Errorf("tables of %d: %v, want a ModuleError", sizes, err)
		}
	}
}

func TestHostileData(t *testing.T) {
	t.Parallel()
	e := openEngine(t, host.EngineConfig{})
	data := func(pages uint64, datas ...module.Data) []byte {
		return hostile(new(module.Code), func(m *module.Module) { m.Memories[0].Min, m.Datas = pages, datas })
	}
	big := bytes.Repeat([]byte{1}, 20<<20)
	i := instantiate(t, e, data(320, module.Data{Offset: module.I32Const(0), Bytes: big}))
	if _, trap := runF(t, i, host.Update, f, 1e9); trap != nil {
		t.Error(trap)
	}
	for name, wasm := range map[string][]byte{
		"beyond the end": data(319, module.Data{Offset: module.I32Const(0), Bytes: big}),
		"no memory":      data(0, module.Data{Offset: module.I32Const(0), Bytes: []byte{1}}),
		"negative":       data(1, module.Data{Offset: module.I32Const(-1), Bytes: []byte{1, 2}}),
		"by a global":    data(1, module.Data{Offset: module.ConstExpr{Op: module.OpGlobalGet}, Bytes: []byte{1, 2}}),
	} {
		_, err := e.Compile(t.Context(), wasm)
		var wrong *host.ModuleError
		if !errors.As(err, &wrong) {
			t.Errorf("data %s: %v, want a ModuleError", name, err)
		}
	}
}

func TestStartTraps(t *testing.T) {
	t.Parallel()
	e := openEngine(t, host.EngineConfig{})
	start := func(c *module.Code) []byte {
		return hostile(new(module.Code), func(m *module.Module) {
			s := m.AddFunc(unit, c.Body())
			m.Start = &s
		})
	}
	for name, row := range map[string]struct {
		wasm []byte
		code string
	}{
		"unreachable": {start(new(module.Code).Op(module.OpUnreachable)), host.CodeTrapped},
		"endless":     {start(new(module.Code).Block(module.OpLoop).Index(module.OpBr, 0).Op(module.OpEnd)), host.CodeInstructionLimit},
	} {
		i := instantiate(t, e, row.wasm)
		if _, trap := runF(t, i, host.Start, meter.StartExport, 1e6); trap == nil || trap.Code != row.code {
			t.Errorf("%s: %+v, want %s", name, trap, row.code)
		}
		if err := i.Close(t.Context()); err != nil {
			t.Error(err)
		}
	}
}

// Data that a message drops is there again for the next one, as on the Internet Computer.
func TestDroppedDataComesBack(t *testing.T) {
	t.Parallel()
	e := openEngine(t, host.EngineConfig{})
	c := new(module.Code).I32(0).I32(0).I32(4)
	c.B = append(c.B, 0xfc, 8, 0, 0) // memory.init 0
	c.B = append(c.B, 0xfc, 9, 0)    // data.drop 0
	i := instantiate(t, e, hostile(c, func(m *module.Module) {
		one := uint32(1)
		m.DataCount, m.Datas = &one, []module.Data{{Mode: module.Passive, Bytes: []byte("data")}}
	}))
	for n := range 3 {
		if _, trap := runF(t, i, host.Update, f, 1e6); trap != nil {
			t.Errorf("message %d: %v", n, trap)
		}
	}
}

// Live code that idles is ended, and nobody notices.
func TestIdleInstancesAreEnded(t *testing.T) {
	t.Parallel()
	e := openEngine(t, host.EngineConfig{MaxLive: 3})
	c := new(module.Code).I32(8).I32(8).Memory(module.OpI32Load, 0).I32(1).Op(module.OpI32Add).Memory(module.OpI32Store, 0)
	var all []*host.Instance
	for range 10 {
		all = append(all, instantiate(t, e, hostile(c, func(m *module.Module) {
			m.Datas = []module.Data{{Offset: module.I32Const(8), Bytes: []byte{5}}}
		})))
	}
	const rounds = 4
	for range rounds {
		for _, i := range all {
			if _, trap := runF(t, i, host.Update, f, 1e6); trap != nil {
				t.Fatal(trap)
			}
		}
	}
	for n, i := range all {
		image, err := i.Image()
		if err != nil || image.Heap[8] != 5+rounds {
			t.Errorf("instance %d counts %d (%v), want %d", n, image.Heap[8], err, 5+rounds)
		}
	}
	if live := e.Live(); live > 3 {
		t.Errorf("%d instances idle with live code, want 3 at most", live)
	}
}
