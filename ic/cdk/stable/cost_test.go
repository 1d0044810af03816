//go:build !wasip1

package stable_test

import (
	"bytes"
	"testing"

	"assay/ic/principal"
	"assay/ic/replica/cycles"
	"assay/ic/replica/host"
	"assay/ic/wasm/build"
	"assay/ic/wasm/link"
	"assay/internal/cache"
)

// runCost runs the measuring canister and returns its lines.
func runCost(t *testing.T) []byte {
	t.Helper()
	dir := func(name string) string {
		d, err := cache.Dir("test", name)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	built, err := build.Canister(t.Context(), build.Config{
		Package: "assay/ic/cdk/stable/internal/costcanister", CacheDir: dir("canisters"), Methods: []link.Method{{Name: "cost"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	engine, err := host.NewEngine(t.Context(), dir("code"))
	if err != nil {
		t.Fatal(err)
	}
	module, err := engine.Compile(t.Context(), built.Wasm)
	if err != nil {
		t.Fatal(err)
	}
	instance, err := module.Instantiate(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	memory := host.NewStable(1 << 16)
	run := func(where host.Context, entry string) *host.Execution {
		x := host.NewExecution(&host.Input{
			Self: principal.Canister(1), Caller: principal.Canister(2), Time: 1_800_000_000_000_000_000, Status: 1,
			Balance: cycles.New(1e15), Prices: cycles.Prices{Nodes: 13}, Instructions: 40e9,
			Controller: func(principal.Principal) bool { return false }, Room: func(principal.Principal) int { return 500 },
			Certificate: func() []byte { return nil },
		})
		if trap := x.Run(t.Context(), instance, memory, where, entry); trap != nil {
			t.Fatal(trap)
		}
		memory.Commit()
		instance.Commit()
		return x
	}
	run(host.Init, "canister_init")
	return run(host.Update, "canister_update cost").Answer.Data
}

// TestCost logs what operations take on Wasm.
func TestCost(t *testing.T) {
	t.Parallel()
	for line := range bytes.Lines(runCost(t)) {
		t.Logf("%s", line)
	}
}
