//go:build !wasip1

package stable_test

import (
	"strconv"
	"strings"
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

// costs are what operations take on Wasm, in instructions.
var costs = map[string]uint64{
	"read 8 bytes": 592, "read 4096 bytes": 4678, "write 8 bytes": 592, "write 4096 bytes": 4678,
	"map len": 913, "map get": 15518, "map has": 13040, "map replace": 16726, "map replace, other length": 18864,
	"map delete": 21254, "map insert": 25689, "map scan": 1098,
	"array append 388": 4168, "array get 388": 2186, "array set 388": 5706, "array scan 388": 673,
	"log append 100": 7941, "log get 100": 5353, "cell set 100": 7881, "cell get 100": 4521,
	"bitset set": 3487, "bitset test": 2692, "bitset count 100000": 279242,
	"mmr append": 68643, "mmr root": 95083, "mmr prove": 43216,
}

// TestCost holds the costs, which repeat exactly for one build, to the table above.
func TestCost(t *testing.T) {
	t.Parallel()
	seen := 0
	for line := range strings.Lines(string(runCost(t))) {
		at := strings.LastIndexByte(line, ' ')
		got, err := strconv.ParseUint(strings.TrimSpace(line[at+1:]), 10, 64)
		want, ok := costs[line[:at]]
		if seen++; !ok || err != nil {
			t.Errorf("no figure is kept for %q", line)
		}
		t.Logf("%-26s %7d instructions", line[:at], got)
		if got > want+want/20 {
			t.Errorf("%s takes %d instructions, %d were kept", line[:at], got, want)
		}
	}
	if seen != len(costs) {
		t.Errorf("%d figures were measured, %d are kept", seen, len(costs))
	}
}
