package meter

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/imports/wasi_snapshot_preview1"

	w "assay/ic/wasm/module"
)

// Limits on how much slower a metered program may be: the worst of all and the median.
const worstSlowdown, medianSlowdown = 1.4, 1.2

// BenchmarkSlowdown runs programs with and without metering, in turns, and reports how
// much longer the metered ones take. The ratio repeats, the seconds do not.
func BenchmarkSlowdown(b *testing.B) {
	programs := []struct {
		name string
		n    uint64 // for about a millisecond
	}{
		{"fib", 4}, {"sieve", 8}, {"sort", 4}, {"hash", 10}, {"maps", 4}, {"words", 10}, {"codec", 6}, {"garbage", 10}, {"matrix", 4}, {"bytescan", 60},
	}
	plain, metered := engines(b, compileGo(b))
	tight := one(w.FuncType{Params: []w.ValType{w.I32}}, new(w.Code).Block(w.OpLoop).
		Get(0).I32(1).Op(w.OpI32Sub).Index(w.OpLocalTee, 0).Index(w.OpBrIf, 0).Op(w.OpEnd).Body())
	plainTight, meteredTight := engines(b, tight.Encode())
	ratios := map[string]float64{}
	for b.Loop() {
		for _, p := range programs {
			ratios[p.name] = slowdown(b, plain.ExportedFunction(p.name), metered.ExportedFunction(p.name), p.n)
		}
		ratios["countdown"] = slowdown(b, plainTight.ExportedFunction("f"), meteredTight.ExportedFunction("f"), 1_000_000)
	}
	all := make([]float64, 0, len(ratios))
	for name, r := range ratios {
		b.ReportMetric(r, name+"-x")
		all = append(all, r)
	}
	slices.Sort(all)
	b.ReportMetric(all[len(all)/2]/medianSlowdown, "median/limit")
	b.ReportMetric(all[len(all)-1]/worstSlowdown, "worst/limit")
}

// slowdown is the ratio of the fastest of several runs in turns: what other work on the
// machine costs is in none of them.
func slowdown(b *testing.B, plain, metered api.Function, n uint64) float64 {
	b.Helper()
	const runs = 200
	best := [2]time.Duration{time.Hour, time.Hour}
	for range runs {
		for i, f := range []api.Function{plain, metered} {
			start := time.Now()
			if _, err := f.Call(b.Context(), n); err != nil {
				b.Fatal(err)
			}
			best[i] = min(best[i], time.Since(start))
		}
	}
	return float64(best[1]) / float64(best[0])
}

// engines instantiates a module as it is and metered.
func engines(b *testing.B, wasm []byte) (plain, metered api.Module) {
	b.Helper()
	m, err := w.Parse(wasm)
	if err != nil {
		b.Fatal(err)
	}
	res, err := Instrument(m, Config{})
	if err != nil {
		b.Fatal(err)
	}
	open := func(wasm []byte) api.Module {
		r := wazero.NewRuntime(b.Context())
		b.Cleanup(func() { r.Close(b.Context()) })
		wasi_snapshot_preview1.MustInstantiate(b.Context(), r)
		inst, err := r.InstantiateWithConfig(b.Context(), wasm, wazero.NewModuleConfig().WithStartFunctions())
		if err != nil {
			b.Fatal(err)
		}
		if counter := inst.ExportedGlobal(CounterExport); counter != nil {
			counter.(api.MutableGlobal).Set(1 << 62)
		}
		if start := inst.ExportedFunction("_initialize"); start != nil {
			if _, err := start.Call(b.Context()); err != nil {
				b.Fatal(err)
			}
		}
		return inst
	}
	return open(wasm), open(res.Wasm)
}

// compileGo builds the programs.
func compileGo(b *testing.B) []byte {
	b.Helper()
	out := filepath.Join(b.TempDir(), "programs.wasm")
	cmd := exec.CommandContext(b.Context(), "go", "build", "-buildmode=c-shared", "-trimpath", "-o", out, "./testdata/programs")
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOOS=wasip1", "GOARCH=wasm")
	if text, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("build programs: %v\n%s", err, text)
	}
	wasm, err := os.ReadFile(out)
	if err != nil {
		b.Fatal(err)
	}
	return wasm
}
