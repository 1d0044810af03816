package host_test

import (
	"context"
	"testing"

	"assay/ic/replica/cycles"
	"assay/ic/replica/host"
	"assay/ic/wasm/module"
)

// toucher reads pages 3, 4 and 3 again, writes page 5 and fills from there into page 7.
func toucher() []byte {
	m := &module.Module{Memories: []module.Limits{{Min: 1}}}
	var c module.Code
	for _, page := range []int32{3, 4, 3} {
		c.I32(page*host.OSPage).Memory(module.OpI32Load, 8).Op(module.OpDrop)
	}
	c.I32(5*host.OSPage).I32(1).Memory(module.OpI32Store, 0)
	c.I32(5*host.OSPage + 100).I32(1).I32(2 * host.OSPage)
	c.B = append(c.B, 0xfc, 0x0b, 0)
	f := m.AddFunc(module.FuncType{}, c.Body())
	m.Exports = []module.Export{{Name: "canister_update f", Kind: module.KindFunc, Index: f}}
	return m.Encode()
}

// used is what one message of toucher costs.
func used(t *testing.T, e *host.Engine, touch cycles.Touch) (first, again uint64) {
	t.Helper()
	m, err := e.Compile(t.Context(), toucher())
	if err != nil {
		t.Fatal(err)
	}
	i, err := m.Instantiate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	costs := [2]uint64{}
	for n := range costs {
		in := input(nil)
		in.Touch = touch
		x := host.NewExecution(in)
		if trap := x.Run(t.Context(), i, host.NewStable(0), host.Update, "canister_update f"); trap != nil {
			t.Fatal(trap)
		}
		x.ChargePages(i.Commit())
		costs[n] = x.Used
	}
	return costs[0], costs[1]
}

func TestTouchedPages(t *testing.T) {
	t.Parallel()
	dir := t.TempDir() // shared, as two networks with different schedules may
	engine := func(touched bool) *host.Engine {
		e, err := host.OpenEngine(t.Context(), host.EngineConfig{CacheDir: dir})
		if err != nil {
			t.Fatal(err)
		}
		e.CountTouched(touched)
		t.Cleanup(func() {
			if err := e.Close(context.Background()); err != nil {
				t.Error(err)
			}
		})
		return e
	}
	plain, telling := engine(false), engine(true)
	free := cycles.Touch{Read: 0, Dirty: 0}
	bare, _ := used(t, plain, free)
	for _, c := range []struct {
		name         string
		engine       *host.Engine
		touch        cycles.Touch
		first, again uint64
	}{
		{"changed pages", plain, cycles.TouchDirty, 3 * 1000, 0}, // again writes what is there
		{"pages touched and changed", telling, cycles.TouchBoth, 5*5000 + 3*5000, 5 * 5000},
		{"telling costs nothing by itself", telling, free, 0, 0},
	} {
		first, again := used(t, c.engine, c.touch)
		if first != bare+c.first || again != bare+c.again {
			t.Errorf("%s: %d and %d over %d, want %d and %d", c.name, first-bare, again-bare, bare, c.first, c.again)
		}
	}
}
