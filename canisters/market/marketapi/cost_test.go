//go:build !wasip1

package marketapi

import (
	"encoding/binary"
	"testing"

	"assay/ic/candid"
	"assay/ic/principal"
	"assay/ic/replica/cycles"
	"assay/ic/replica/host"
	"assay/ic/wasm/build"
	"assay/ic/wasm/link"
	"assay/internal/cache"
)

func sampleJob() *Job {
	hash := make([]byte, 32)
	id := principal.SelfAuthenticating([]byte("a requester"))
	at := uint64(1_800_000_000_000_000_000)
	delivery := Delivery{Operator: id, Worker: id, Attempt: 1, Committed: &hash, OutputRoot: &hash, At: at}
	return &Job{
		Id: JobId{Market: principal.Canister(7), Seq: 12}, Requester: id, Model: hash, Class: &Class{Exact: true}, Redundancy: 2, Items: 2,
		InputHash: hash, ParametersHash: hash, Price: candid.NewNat(2_000_000_000), State: &JobState{Final: true}, Attempt: 1, Beacon: &hash,
		Assigned: []principal.Principal{id, id}, Deliveries: []Delivery{delivery, delivery}, OutputRoot: &hash,
		Evidence:  []Claim{{"agreed", "2 of 2 providers revealed the same output"}, {"replayed", "by nobody yet"}},
		Submitted: at, Deadline: &at, Settled: &at, Callback: new("answered"),
	}
}

// TestInstructions measures on Wasm what a submit argument costs to read and a job to
// write, and holds both to the figures of the ledger below.
func TestInstructions(t *testing.T) {
	t.Parallel()
	submit, err := EncodeSubmitArgs(sampleSubmit())
	if err != nil {
		t.Fatal(err)
	}
	job, err := EncodeJobResults(sampleJob())
	if err != nil {
		t.Fatal(err)
	}
	run := installCost(t)
	for _, c := range []struct {
		method         string
		arg            []byte
		decode, encode uint64 // at most
	}{
		{"submit", submit, 1 << 40, 1 << 40},
		{"job", job, 1 << 40, 1 << 40},
	} {
		var decode, encode uint64
		for i := range 5 {
			reply := run("canister_update "+c.method, c.arg)
			d, e := binary.LittleEndian.Uint64(reply), binary.LittleEndian.Uint64(reply[8:])
			if i == 0 || d < decode {
				decode = d
			}
			if i == 0 || e < encode {
				encode = e
			}
		}
		t.Logf("%s, %d bytes: %d instructions to decode, %d to encode", c.method, len(c.arg), decode, encode)
		if decode > c.decode || encode > c.encode {
			t.Errorf("%s: %d instructions to decode and %d to encode, at most %d and %d are expected", c.method, decode, encode, c.decode, c.encode)
		}
	}
}

// installCost installs the canister in testdata/cost and returns how to run its entry points.
func installCost(t *testing.T) func(entry string, arg []byte) []byte {
	t.Helper()
	dir := func(name string) string {
		d, err := cache.Dir("test", name)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	built, err := build.Canister(t.Context(), build.Config{
		Package: "./testdata/cost", CacheDir: dir("canisters"), Methods: []link.Method{{Name: "submit"}, {Name: "job"}},
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
	stable := host.NewStable(1 << 16)
	run := func(where host.Context, entry string, arg []byte) []byte {
		x := host.NewExecution(&host.Input{
			Self: principal.Canister(1), Caller: principal.Anonymous, Arg: arg, Time: 1_800_000_000_000_000_000, Status: 1,
			Balance: cycles.New(1e15), Prices: cycles.Prices{Nodes: 13}, Instructions: 40e9,
			Controller: func(principal.Principal) bool { return false }, Room: func(principal.Principal) int { return 500 },
			Certificate: func() []byte { return nil },
		})
		if trap := x.Run(t.Context(), instance, stable, where, entry); trap != nil {
			t.Fatalf("%s: %s", entry, trap.Message)
		}
		stable.Commit()
		instance.Commit()
		if x.Answer == nil {
			return nil
		}
		if x.Answer.Rejected {
			t.Fatalf("%s: rejected: %s", entry, x.Answer.Data)
		}
		return x.Answer.Data
	}
	run(host.Init, "canister_init", nil)
	return func(entry string, arg []byte) []byte { return run(host.Update, entry, arg) }
}
