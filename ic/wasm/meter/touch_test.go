package meter

import (
	"context"
	"fmt"
	"slices"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	w "assay/ic/wasm/module"
)

// told runs f of a module that tells of touched pages and lists what it tells.
func told(t *testing.T, m *w.Module, params ...uint64) (calls []string, left int64) {
	t.Helper()
	res, err := Instrument(m, Config{TouchedPages: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx := t.Context()
	r := wazero.NewRuntime(ctx)
	defer r.Close(ctx)
	i64 := api.ValueTypeI64
	touch := api.GoFunc(func(_ context.Context, s []uint64) {
		calls = append(calls, fmt.Sprintf("%d-%d", s[0], s[1]))
	})
	if _, err := r.NewHostModuleBuilder(TouchModule).NewFunctionBuilder().WithGoFunction(touch, []api.ValueType{i64, i64}, nil).Export(TouchImport).Instantiate(ctx); err != nil {
		t.Fatal(err)
	}
	inst, err := r.Instantiate(ctx, res.Wasm)
	if err != nil {
		t.Fatal(err)
	}
	counter := inst.ExportedGlobal(CounterExport).(api.MutableGlobal)
	counter.Set(1 << 40)
	if _, err := inst.ExportedFunction("f").Call(ctx, params...); err != nil {
		t.Fatal(err)
	}
	return calls, 1<<40 - int64(counter.Get())
}

// value puts something of a type on the stack.
func value(c *w.Code, v w.ValType) {
	switch v {
	case w.I32:
		c.I32(1)
	case w.I64:
		c.I64(1)
	case w.F32:
		c.B = append(c.B, byte(w.OpF32Const), 0, 0, 0, 0)
	case w.F64:
		c.B = append(c.B, byte(w.OpF64Const), 0, 0, 0, 0, 0, 0, 0, 0)
	case w.V128:
		c.B = append(append(c.B, 0xfd, 0x0c), make([]byte, 16)...)
	}
}

func stores(op w.Opcode) bool {
	return op >= w.OpI32Store && op <= w.OpI64Store32 || op == 0xfd0b || op >= 0xfd58 && op <= 0xfd5b
}

// TestEachAccess does every load and store once within a page and once across two, and
// holds that the same instructions are counted with and without telling.
func TestEachAccess(t *testing.T) {
	t.Parallel()
	if len(accesses) != 14+9+11+1+8+2 {
		t.Fatalf("%d loads and stores are known", len(accesses))
	}
	for op, a := range accesses {
		c := new(w.Code).Get(0)
		value(c, a.value)
		c.Memory(op, 100)
		if op >= 0xfd54 && op <= 0xfd5b {
			c.B = append(c.B, 0) // lane
		}
		if !stores(op) {
			c.Op(w.OpDrop)
		}
		m := one(intToInt, c.Get(0).Body())
		for _, at := range []uint64{4096, 4096 - uint64(a.size) + 1, 8192 - uint64(a.size)} {
			want := []string{fmt.Sprintf("%d-%d", at/4096, (at+uint64(a.size)-1)/4096)}
			got, cost := told(t, m, at-100)
			if !slices.Equal(got, want) {
				t.Errorf("%#x at %d: told %q, want %q", uint16(op), at, got, want)
			}
			if _, left, err := run(t, m, 1<<40, at-100); err != nil || 1<<40-left != cost {
				t.Errorf("%#x: counted %d with telling, %d without (%v)", uint16(op), cost, 1<<40-left, err)
			}
		}
	}
}

func TestTouchedInBulk(t *testing.T) {
	t.Parallel()
	bulk := func(size int32) *w.Module {
		c := new(w.Code).I32(4000).I32(7).I32(size)
		c.B = append(c.B, 0xfc, 0x0b, 0)       // fill
		c.I32(20000).I32(4090).I32(size)       // copy from there
		c.Copy().Get(0).Memory(w.OpI32Load, 0) // and a read of the page that the copy read last
		return one(intToInt, c.Body())
	}
	for _, c := range []struct {
		size int32
		want []string
	}{
		{0, []string{"1-1"}},
		{1, []string{"0-0", "4-4", "1-1"}},
		{200, []string{"0-1", "0-1", "4-4", "1-1"}},
		{9000, []string{"0-3", "0-3", "4-7", "1-1"}},
	} {
		if got, _ := told(t, bulk(c.size), 4096); !slices.Equal(got, c.want) {
			t.Errorf("%d bytes: told %q, want %q", c.size, got, c.want)
		}
	}
}

// TestTouchedThroughCalls: functions, tables and the start function keep their meaning
// though the import moves all numbers.
func TestTouchedThroughCalls(t *testing.T) {
	t.Parallel()
	m := one(intToInt, w.Body{})
	leaf := m.AddFunc(intToInt, new(w.Code).Get(0).Memory(w.OpI32Load, 0).Body())
	table := uint32(0)
	m.Tables = []w.Table{{Type: w.FuncRef, Limits: w.Limits{Min: 1}}}
	m.Elems = []w.Elem{{Offset: w.I32Const(0), Type: w.FuncRef, Funcs: []uint32{leaf}}}
	c := new(w.Code).I32(8192).Call(leaf).Op(w.OpDrop).Get(0).I32(0)
	c.B = append(w.AppendUint(append(c.B, byte(w.OpCallIndirect)), uint64(m.TypeIndex(intToInt))), byte(table))
	m.Code[0] = c.Body()
	if got, _ := told(t, m, 100); !slices.Equal(got, []string{"2-2", "0-0"}) {
		t.Errorf("told %q", got)
	}
}

// FuzzTouched: what is metered parses with telling too.
func FuzzTouched(f *testing.F) {
	f.Add(one(intToInt, sum()).Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := w.Parse(b)
		if err != nil {
			return
		}
		if res, err := Instrument(m, Config{TouchedPages: true}); err == nil {
			if _, err := w.Parse(res.Wasm); err != nil {
				t.Fatalf("parse of a metered module: %v", err)
			}
		}
	})
}
