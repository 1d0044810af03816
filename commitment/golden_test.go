package commitment

import (
	"flag"
	"fmt"
	"os"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "rewrite the golden file")

func filled(b byte) (h Hash) {
	for i := range h {
		h[i] = b
	}
	return h
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// TestGolden holds every hash that was ever released: a change here is a new protocol.
func TestGolden(t *testing.T) {
	job := JobID{Market: "\x00\x00\x00\x00\x00\x00\x00\x02\x01\x01", Seq: 7}
	work := Work{Network: filled(1), Job: job, Attempt: 3, Executor: []byte("worker"), Model: filled(2), Input: filled(3)}
	rows := []struct {
		name string
		hash Hash
	}{
		{"merkle of nothing", MerkleRoot(nil)},
		{"merkle of three", MerkleRoot([][]byte{{1}, {2}, {3}})},
		{"tensor f32[2]", must(TensorRoot(Float32, []uint64{2}, make([]byte, 8)))},
		{"tensor f32[3,4096], three tiles", must(TensorRoot(Float32, []uint64{3, 4096}, make([]byte, 3*4096*4)))},
		{"tensor f32[0], no tiles", must(TensorRoot(Float32, []uint64{0}, nil))},
		{"output", OutputRoot([]Hash{filled(4), filled(5)})},
		{"text item", TextItem([]byte("héllo"))},
		{"tokens item", TokensItem([]uint32{101, 7592, 102})},
		{"input", InputHash([]Hash{filled(6)})},
		{"model root", ModelRoot([]byte("manifest"))},
		{"module root", ModuleRoot(filled(7))},
		{"network id", NetworkID([]byte("key"))},
		{"parameters", Parameters{Class: "exact", Redundancy: 2}.Sum()},
		{"commit", Commit(work, filled(8), []byte("salt"))},
		{"assignment", Assignment{Work: work, Operator: []byte("operator"), Parameters: filled(9), Phase: "commit", Deadline: 10}.Sum()},
		{"draw", Draw(make([]byte, 32), job, 0, 3, "provider", []byte("candidate"))},
		{"receipt", Receipt{
			Network: filled(1), Job: job, Requester: []byte("user"), Model: filled(2), Input: filled(3), Parameters: filled(4), Output: filled(5),
			State: "final", Executors: [][]byte{[]byte("a"), []byte("b")}, Evidence: []Claim{{Signed, "2 workers"}, {Agreed, "2 commits of 2 operators"}},
			Price: "1000", Shares: []Share{{"provider", []byte("a"), "450"}}, Submitted: 1, Settled: 2, Window: 3,
		}.Sum()},
		{"rules", MarketRules{1, 2, 3, 4, 5, 6, 7}.Sum()},
	}
	var got strings.Builder
	for _, r := range rows {
		fmt.Fprintf(&got, "%s  %s\n", r.hash, r.name)
	}
	const file = "testdata/golden.txt"
	if *update {
		if err := os.WriteFile(file, []byte(got.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("hashes changed\ngot:\n%s\nwant:\n%s", got.String(), want)
	}
}

func TestTensorRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		dtype DType
		shape []uint64
		bytes int
	}{
		"unknown type": {9, []uint64{1}, 4}, "short": {Float32, []uint64{2}, 4}, "long": {Float32, []uint64{1}, 8},
		"overflow": {Float32, []uint64{1 << 40, 1 << 40}, 0}, "too many dimensions": {Float32, make([]uint64, 9), 0},
	} {
		if h, err := TensorRoot(c.dtype, c.shape, make([]byte, c.bytes)); err == nil {
			t.Errorf("%s: got %s, want an error", name, h)
		}
	}
}

// TestFieldsDoNotRunTogether: moving a byte across a field boundary changes the hash.
func TestFieldsDoNotRunTogether(t *testing.T) {
	a := NewPreimage("t/1").Text("ab").Text("c").Sum()
	b := NewPreimage("t/1").Text("a").Text("bc").Sum()
	if a == b {
		t.Error("field boundaries are not part of the hash")
	}
}
