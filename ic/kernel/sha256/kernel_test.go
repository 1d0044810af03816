//go:build !wasip1

package sha256_test

import (
	standard "crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/tetratelabs/wazero"

	"assay/ic/principal"
	"assay/ic/replica/cycles"
	"assay/ic/replica/host"
	"assay/ic/wasm/build"
	"assay/ic/wasm/link"
	"assay/ic/wasm/module"
	"assay/ic/wasm/wat"
	"assay/internal/cache"
)

// canister runs the canister in testdata/hash: the digest and what hashing cost.
type canister func(method string, arg []byte) (sum [32]byte, instructions uint64)

func install(t *testing.T) canister {
	t.Helper()
	dir := func(name string) string {
		d, err := cache.Dir("test", name)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	built, err := build.Canister(t.Context(), build.Config{
		Package: "./testdata/hash", CacheDir: dir("canisters"), Methods: []link.Method{{Name: "kernel"}, {Name: "standard"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	engine, err := host.NewEngine(t.Context(), dir("code"))
	if err != nil {
		t.Fatal(err)
	}
	compiled, err := engine.Compile(t.Context(), built.Wasm)
	if err != nil {
		t.Fatal(err)
	}
	instance, err := compiled.Instantiate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stable := host.NewStable(1)
	run := func(where host.Context, entry string, arg []byte) []byte {
		x := host.NewExecution(&host.Input{
			Self: principal.Canister(1), Caller: principal.Anonymous, Arg: arg, Time: 1_800_000_000_000_000_000, Status: 1,
			Balance: cycles.New(1e15), Prices: cycles.Prices{Nodes: 13}, Instructions: 40e9,
		})
		if trap := x.Run(t.Context(), instance, stable, where, entry); trap != nil {
			t.Fatalf("%s: %s", entry, trap.Message)
		}
		instance.Commit()
		if x.Answer == nil {
			return nil
		}
		return x.Answer.Data
	}
	run(host.Init, "canister_init", nil)
	return func(method string, arg []byte) ([32]byte, uint64) {
		reply := run(host.Update, "canister_update "+method, arg)
		return [32]byte(reply), binary.LittleEndian.Uint64(reply[32:])
	}
}

func random(r *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

// TestCanister compares the bits with the twin's, and holds the cost, which is counted by
// the network's weights and repeats exactly, to what was measured and a little.
func TestCanister(t *testing.T) {
	t.Parallel()
	sum := install(t)
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 201 {
		b := random(r, n)
		if got, _ := sum("kernel", b); got != standard.Sum256(b) {
			t.Fatalf("%d bytes: the kernel says %x, the twin %x", n, got, standard.Sum256(b))
		}
	}
	for range 20 {
		b := random(r, r.IntN(20_000))
		if got, _ := sum("kernel", b); got != standard.Sum256(b) {
			t.Fatalf("%d bytes: the kernel says %x, the twin %x", len(b), got, standard.Sum256(b))
		}
	}
	for _, c := range []struct {
		bytes int
		most  uint64 // instructions
	}{
		{0, 5_100}, {32, 5_250}, {64, 9_400}, {1024, 73_400}, {1 << 20, 67 << 20},
	} {
		b := random(r, c.bytes)
		got, used := sum("kernel", b)
		if got != standard.Sum256(b) {
			t.Errorf("%d bytes: the kernel says %x, the twin %x", c.bytes, got, standard.Sum256(b))
		}
		if again, _ := sum("standard", b); again != got {
			t.Errorf("%d bytes: the standard library in the canister says %x", c.bytes, again)
		}
		_, other := sum("standard", b)
		t.Logf("%d bytes: %d instructions, %.1f a byte; the standard library %d", c.bytes, used, float64(used)/float64(max(c.bytes, 1)), other)
		if used > c.most {
			t.Errorf("%d bytes cost %d instructions, more than %d", c.bytes, used, c.most)
		}
	}
}

// FuzzKernel runs the kernel alone, without Go around it.
func FuzzKernel(f *testing.F) {
	source, err := os.ReadFile("block_gen.wat")
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
	owner := &module.Module{Memories: []module.Limits{{Min: 2}}, Exports: []module.Export{{Name: wat.MemoryName, Kind: module.KindMemory}}}
	o, err := r.InstantiateWithConfig(ctx, owner.Encode(), wazero.NewModuleConfig().WithName(wat.MemoryModule))
	if err != nil {
		f.Fatal(err)
	}
	inst, err := r.Instantiate(ctx, m.Encode())
	if err != nil {
		f.Fatal(err)
	}
	for _, seed := range []string{"", "abc", "a message that needs a second block, because its length has no room"} {
		f.Add([]byte(seed), byte(3))
	}
	f.Fuzz(func(t *testing.T, b []byte, shift byte) {
		if len(b) > 60_000 {
			return
		}
		const sum, tail = 8, 40
		at := 1024 + uint32(shift) // no alignment is needed
		o.Memory().Write(at, b)
		if _, err := inst.ExportedFunction("sha256_sum").Call(t.Context(), sum, uint64(at), uint64(len(b)), tail); err != nil {
			t.Fatal(err)
		}
		if got, _ := o.Memory().Read(sum, 32); [32]byte(got) != standard.Sum256(b) {
			t.Fatalf("the digest of %x is %x, want %x", b, got, standard.Sum256(b))
		}
	})
}
