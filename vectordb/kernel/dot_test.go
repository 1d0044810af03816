//go:build !wasip1

package kernel

import (
	"os"
	"testing"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"

	"assay/ic/wasm/module"
	"assay/ic/wasm/wat"
)

// FuzzDot compares dot.wat, as a canister runs it, with its twin. The vectors lie at the
// end of memory, so that a read beyond them traps.
func FuzzDot(f *testing.F) {
	source, err := os.ReadFile("dot.wat")
	if err != nil {
		f.Fatal(err)
	}
	m, err := wat.Assemble(source)
	if err != nil {
		f.Fatal(err)
	}
	ctx := f.Context()
	r := wazero.NewRuntime(ctx)
	f.Cleanup(func() { r.Close(ctx) })
	const pages = 3
	owner := &module.Module{Memories: []module.Limits{{Min: pages}}, Exports: []module.Export{{Name: wat.MemoryName, Kind: module.KindMemory}}}
	o, err := r.InstantiateWithConfig(ctx, owner.Encode(), wazero.NewModuleConfig().WithName(wat.MemoryModule))
	if err != nil {
		f.Fatal(err)
	}
	inst, err := r.Instantiate(ctx, m.Encode())
	if err != nil {
		f.Fatal(err)
	}
	check := func(t testing.TB, a, b Code) {
		t.Helper()
		end := uint32(pages << 16)
		atB := end - uint32(len(b))
		atA := atB - uint32(len(a))
		o.Memory().Write(atA, a)
		o.Memory().Write(atB, b)
		for _, at := range [2][2]uint32{{atA, atB}, {atB, atA}} {
			got, err := inst.ExportedFunction("int8_dot").Call(t.Context(), uint64(at[0]), uint64(at[1]), uint64(len(a)))
			if err != nil {
				t.Fatal(err)
			}
			if want := Dot(a, b); int64(api.DecodeI32(got[0])) != want {
				t.Fatalf("%d components: the kernel says %d, its twin %d", len(a), api.DecodeI32(got[0]), want)
			}
		}
	}
	// The largest sums of either sign: the kernel's 32 bits must hold them.
	for _, n := range []int{65536, 65535, 65529} {
		a, b := make(Code, n), make(Code, n)
		for i := range a {
			a[i], b[i] = 0x80, 0x80
		}
		check(f, a, b)
		for i := range b {
			b[i] = 0x7f
		}
		check(f, a, b)
	}
	for n := range 200 {
		v := make([]byte, 2*n)
		for i := range v {
			v[i] = byte(i*i*7 + n*13)
		}
		f.Add(v)
	}
	f.Fuzz(func(t *testing.T, v []byte) {
		if n := len(v) / 2; n <= 65536 {
			check(t, v[:n], v[n:2*n])
		}
	})
}
