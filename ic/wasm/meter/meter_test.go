package meter

import (
	"errors"
	"strings"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	w "assay/ic/wasm/module"
)

// one makes a module of one exported function f, with a page of memory.
func one(t w.FuncType, b w.Body) *w.Module {
	m := &w.Module{Memories: []w.Limits{{Min: 1}}}
	f := m.AddFunc(t, b)
	m.Exports = []w.Export{{Name: "f", Kind: w.KindFunc, Index: f}}
	return m
}

// run calls f of the metered module with a budget and returns what is left of it.
func run(t *testing.T, m *w.Module, budget int64, params ...uint64) (results []uint64, left int64, err error) {
	t.Helper()
	res, err := Instrument(m, Config{})
	if err != nil {
		t.Fatal(err)
	}
	r := wazero.NewRuntime(t.Context())
	defer r.Close(t.Context())
	inst, err := r.Instantiate(t.Context(), res.Wasm)
	if err != nil {
		t.Fatal(err)
	}
	counter := inst.ExportedGlobal(CounterExport).(api.MutableGlobal)
	counter.Set(uint64(budget))
	results, err = inst.ExportedFunction("f").Call(t.Context(), params...)
	return results, int64(counter.Get()), err
}

var intToInt = w.FuncType{Params: []w.ValType{w.I32}, Results: []w.ValType{w.I32}}

// sum adds n + … + 1. Each line's comment is what it costs when it runs.
func sum() w.Body {
	c := new(w.Code)
	c.Block(w.OpBlock).Block(w.OpLoop)             // 0
	c.Get(0).Op(w.OpI32Eqz).Index(w.OpBrIf, 1)     // 1+1+2
	c.Get(1).Get(0).Op(w.OpI32Add).Set(1)          // 4
	c.Get(0).I32(1).Op(w.OpI32Sub).Set(0)          // 4
	c.Index(w.OpBr, 0).Op(w.OpEnd, w.OpEnd).Get(1) // 2, then 0 and 1
	return c.Body(w.Locals{N: 1, Type: w.I32})     // a call 1
}

// nested counts down n times, and twice in each round.
func nested() w.Body {
	down := func(c *w.Code, local uint32) { // 1+1+1+1+2
		c.Get(local).I32(1).Op(w.OpI32Sub).Index(w.OpLocalTee, local).Index(w.OpBrIf, 0).Op(w.OpEnd)
	}
	c := new(w.Code).Block(w.OpLoop).I32(2).Set(1).Block(w.OpLoop) // 1+1
	down(c, 1)
	down(c, 0)
	return c.I32(0).Body(w.Locals{N: 1, Type: w.I32}) // 1, a call 1
}

// TestCountAtATrap: a loop that traps in its second round has paid for two.
func TestCountAtATrap(t *testing.T) {
	t.Parallel()
	const half = 1 << 15
	c := new(w.Code).Block(w.OpLoop).Get(0).I32(half).Op(w.OpI32Add).Index(w.OpLocalTee, 0) // 4
	c.Memory(w.OpI32Load8U, 0).Op(w.OpDrop).Index(w.OpBr, 0)                                // 1+1+2
	_, left, err := run(t, one(intToInt, c.Op(w.OpEnd, w.OpUnreachable).Body()), 1000, 0)
	if err == nil || left != 1000-1-2*8 {
		t.Errorf("%d left after %v", left, err)
	}
}

func TestHandCounted(t *testing.T) {
	t.Parallel()
	choose := new(w.Code).Get(0).Block(w.OpIf). // 1+2
							Get(0).Op(w.OpF32ConvertI32U, w.OpDrop).                       // 1+16+1
							Op(w.OpElse).I32(7).I32(9).Op(w.OpI32DivU, w.OpDrop, w.OpEnd). // 1+1+10+1
							Get(0).Body()                                                  // 1, a call 1
	bulk := new(w.Code).I32(0).I32(1).Get(0)
	bulk.B = append(bulk.B, 0xfc, 0x0b, 0) // memory.fill: 3 + 100 + a byte 1
	bulk.I32(8).I32(0).I32(10).Copy()      // 3 + 100 + 10
	grow := new(w.Code).Get(0)
	grow.B = append(grow.B, byte(w.OpMemoryGrow), 0) // 1 + 300, a call 1
	vector := new(w.Code)
	for _, op := range []w.Opcode{0xfde7, 0xfd6b} { // f32x4.div 10, i8x16.shl 3, constants 1
		for range 2 {
			vector.B = append(append(vector.B, 0xfd, 0x0c), make([]byte, 16)...)
		}
		if op == 0xfd6b {
			vector.Op(w.OpDrop).I32(1) // 1 + 1
		}
		vector.Op(op).Op(w.OpDrop) // drop 1
	}
	for _, c := range []struct {
		name string
		body w.Body
		n    uint64
		cost int64
		want uint64
	}{
		{"loop not entered", sum(), 0, 1 + 4 + 1, 0},
		{"loop within a loop", nested(), 3, 1 + 3*(2+2*6+6) + 1, 0},
		{"loop of ten", sum(), 10, 1 + 10*14 + 4 + 1, 55},
		{"then", choose, 5, 1 + 3 + 18 + 1, 5},
		{"else", choose, 0, 1 + 3 + 13 + 1, 0},
		{"bulk", bulk.Get(0).Body(), 1000, 1 + 3 + 100 + 1000 + 3 + 100 + 10 + 1, 1000},
		{"grow", grow.Body(), 2, 1 + 1 + 300, 1},
		{"vector", vector.Get(0).Body(), 3, 1 + 2 + 10 + 1 + 2 + 2 + 3 + 1 + 1, 3},
	} {
		const budget = 1 << 40
		got, left, err := run(t, one(intToInt, c.body), budget, c.n)
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
			continue
		}
		if uint32(got[0]) != uint32(c.want) || budget-left != c.cost {
			t.Errorf("%s: returned %d and cost %d, want %d and %d", c.name, got[0], budget-left, c.want, c.cost)
		}
	}
}

func TestExhaustionStops(t *testing.T) {
	t.Parallel()
	forever := new(w.Code).Block(w.OpLoop).Index(w.OpBr, 0).Op(w.OpEnd, w.OpUnreachable).Body()
	_, left, err := run(t, one(intToInt, forever), 1000, 0)
	if err == nil || !strings.Contains(err.Error(), "unreachable") || left >= 0 || left < -2 {
		t.Errorf("an endless loop: %v with %d left", err, left)
	}
	recurse := new(w.Code).Get(0).Call(0).Body()
	if _, left, err := run(t, one(intToInt, recurse), 1000, 0); err == nil || left >= 0 || left < -7 {
		t.Errorf("an endless recursion: %v with %d left", err, left)
	}
	fill := new(w.Code).I32(0).I32(1).Get(0)
	fill.B = append(fill.B, 0xfc, 0x0b, 0)
	if _, left, err := run(t, one(intToInt, fill.Get(0).Body()), 1000, 60_000); err == nil || left >= 0 {
		t.Errorf("a large fill: %v with %d left", err, left)
	}
	if got, left, err := run(t, one(intToInt, sum()), 146, 10); err != nil || left != 0 || got[0] != 55 {
		t.Errorf("an exact budget: %v, %v with %d left", got, err, left)
	}
}

func TestStateAndStart(t *testing.T) {
	t.Parallel()
	m := one(w.FuncType{}, new(w.Code).Body())
	m.Globals = []w.Global{
		{GlobalType: w.GlobalType{Type: w.I32, Mutable: true}, Init: w.I32Const(1)},
		{GlobalType: w.GlobalType{Type: w.I32}, Init: w.I32Const(2)},
		{GlobalType: w.GlobalType{Type: w.F64, Mutable: true}, Init: w.ConstExpr{Op: w.OpF64Const}},
	}
	start := uint32(0)
	m.Start = &start
	before := string(m.Encode())
	res, err := Instrument(m, Config{})
	if err != nil {
		t.Fatal(err)
	}
	if string(m.Encode()) != before {
		t.Error("the module given was changed")
	}
	if got := strings.Join(res.Globals, " "); got != "assay:g0 assay:g2" || !res.HasStart || res.Instructions != 7 {
		t.Errorf("globals %q, start %v, %d instructions", got, res.HasStart, res.Instructions)
	}
	out, err := w.Parse(res.Wasm)
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := out.Export(StartExport); !ok || out.Start != nil {
		t.Error("the start function was not moved to an export")
	}
}

func TestCounterOutOfReach(t *testing.T) {
	t.Parallel()
	unit := w.FuncType{}
	for name, m := range map[string]*w.Module{
		"global":        one(unit, new(w.Code).I64(1).Index(w.OpGlobalSet, 0).Body()),
		"helper called": one(unit, new(w.Code).Call(1).Body()),
		"helper export": {Exports: []w.Export{{Name: "x", Kind: w.KindFunc, Index: 0}}},
		"reserved name": func() *w.Module { m := one(unit, new(w.Code).Body()); m.Exports[0].Name = "assay:g7"; return m }(),
		"counter name":  func() *w.Module { m := one(unit, new(w.Code).Body()); m.Exports[0].Name = CounterExport; return m }(),
		"64-bit memory": {Memories: []w.Limits{{Is64: true}}},
		"broken code":   one(unit, w.Body{Code: []byte{0x06, 0x0b}}),
	} {
		var e *Error
		if _, err := Instrument(m, Config{}); !errors.As(err, &e) {
			t.Errorf("%s: error %v, want an Error", name, err)
		}
	}
}

// FuzzInstrument: whatever parses is metered or refused, and the result parses.
func FuzzInstrument(f *testing.F) {
	f.Add(one(intToInt, sum()).Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := w.Parse(b)
		if err != nil {
			return
		}
		res, err := Instrument(m, Config{})
		if err != nil {
			return
		}
		if _, err := w.Parse(res.Wasm); err != nil {
			t.Fatalf("parse of a metered module: %v", err)
		}
	})
}
