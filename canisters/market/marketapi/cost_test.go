//go:build !wasip1

package marketapi

import (
	"encoding/binary"
	"slices"
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
// write, and holds both to what they cost when this was written, and a twentieth.
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
	foreign := foreignHeader(t, submit)
	run := installCost(t)
	for _, c := range []struct {
		name, method   string
		arg            []byte
		decode, encode uint64
	}{
		{"submit", "submit", submit, 44_800, 12_400},
		{"submit from another encoder", "submit", foreign, 84_700, 12_400},
		{"job", "job", job, 104_300, 37_800},
	} {
		least := []uint64{1 << 40, 1 << 40, 1 << 40} // of a few runs: collections come at their own time
		for range 5 {
			reply := run("canister_update "+c.method, c.arg)
			for i := range least {
				least[i] = min(least[i], binary.LittleEndian.Uint64(reply[8*i:]))
			}
		}
		t.Logf("%s, %d bytes: %d instructions to decode (%d first in a message), %d to encode", c.name, len(c.arg), least[1], least[0], least[2])
		if least[1] > c.decode*21/20 || least[2] > c.encode*21/20 {
			t.Errorf("%s: %d instructions to decode and %d to encode, were %d and %d", c.name, least[1], least[2], c.decode, c.encode)
		}
	}
}

// foreignHeader is a message of the same values behind a type table with one more entry,
// as another encoder might write it.
func foreignHeader(t *testing.T, msg []byte) []byte {
	t.Helper()
	const types = 14 // in the table of a submit message
	if msg[4] != types {
		t.Fatalf("the table has %d entries", msg[4])
	}
	head := headerSubmitArgs.Text
	args := len(head) - 2 // one argument, type 0
	return slices.Concat(msg[:4], []byte{types + 1}, msg[5:args], []byte("\x6e\x7d"), msg[args:])
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
