package link

import (
	"errors"
	"testing"

	"github.com/tetratelabs/wazero"

	w "assay/ic/wasm/module"
)

// A merged program keeps its other imports, wherever those of kernels stand, and computes with the kernels.
func TestMerge(t *testing.T) {
	t.Parallel()
	kernels := []Kernels{{"k.wat", assemble(t, kernelText)}}
	for name, order := range map[string][5]uint32{"kernels last": {0, 1, 2, 3, 4}, "kernels first": {2, 3, 4, 0, 1}} {
		given := withKernel("sum")
		imports := make([]w.Import, len(order))
		for old, at := range order {
			imports[at] = given.Imports[old]
		}
		given.Imports = imports
		if err := given.MapFuncs(func(f uint32) uint32 {
			if int(f) < len(order) {
				return order[f]
			}
			return f
		}); err != nil {
			t.Fatal(err)
		}
		out, err := Merge(given.Encode(), kernels)
		if err != nil {
			t.Fatal(err)
		}
		m, err := w.Parse(out)
		if err != nil {
			t.Fatal(err)
		}
		if len(m.Imports) != 3 || len(m.Customs) != 1 {
			t.Errorf("%s: imports %v and %d custom sections, want the three of the host and one", name, m.Imports, len(m.Customs))
		}
		r := wazero.NewRuntime(t.Context())
		defer r.Close(t.Context())
		for _, host := range []string{"wasi_snapshot_preview1", "ic0"} {
			b := r.NewHostModuleBuilder(host)
			b.NewFunctionBuilder().WithFunc(func(_, _, _, _ uint32) uint32 { return 0 }).Export("fd_write")
			b.NewFunctionBuilder().WithFunc(func() {}).Export("msg_reply")
			if _, err := b.Instantiate(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		inst, err := r.Instantiate(t.Context(), out)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if _, err := inst.ExportedFunction("canister_heartbeat").Call(t.Context()); err != nil {
			t.Fatal(err)
		}
		if got, _ := inst.Memory().ReadUint32Le(64); got != 10 {
			t.Errorf("%s: the kernels computed %d, want 10", name, got)
		}
	}
	var missing *KernelError
	if _, err := Merge(withKernel("other").Encode(), kernels); !errors.As(err, &missing) {
		t.Errorf("a kernel that is nowhere: %v", err)
	}
	if _, err := Merge([]byte("no module"), nil); err == nil {
		t.Error("merged what is no module")
	}
}
