package replica_test

import (
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"assay/ic/replica"
)

var update = flag.Bool("update", false, "write the golden files")

// TestGoldenState opens the folder that a network left at a crash: a checkpoint with a heap,
// stable memory and a certified value, and messages in the log after it.
func TestGoldenState(t *testing.T) {
	t.Parallel()
	dir := filepath.Join("testdata", "state-v2")
	config := replica.Config{Pace: replica.Manual, Seed: []byte("golden"), Clock: func() time.Time { return time.Unix(1_800_000_000, 0) }}
	if *update {
		writeGolden(t, config, dir)
	}
	config.Dir = copyFolder(t, dir)
	n, err := replica.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	defer n.Close()
	if len(n.Canisters()) != 2 {
		t.Fatalf("%d canisters", len(n.Canisters()))
	}
	a, c := n.Canisters()[0], &client{t: t, n: n}
	if got := count(c, a); got != 5 {
		t.Errorf("counted %d, want 5", got)
	}
	if got := string(c.read(a, program{}.AppendStable(70_000, 6).Send())); got != "stable" {
		t.Errorf("stable memory holds %q", got)
	}
	s := &stepping{*c}
	nonces.Add(1 << 40)                         // the folder knows requests of its own process
	s.update(a, program{}.Add(0, 1).Reply(nil)) // its code runs
	if got := count(c, a); got != 6 {
		t.Errorf("counted %d, want 6", got)
	}
	if b := n.Books(); b.Held.Add(b.Spent) != b.Minted {
		t.Errorf("books do not add up: %+v", b)
	}
}

func writeGolden(t *testing.T, config replica.Config, dir string) {
	t.Helper()
	config.Dir = t.TempDir()
	n, err := replica.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	s := &stepping{client{t: t, n: n}}
	a := s.actor()
	actor(t, func(in replica.Ingress) replica.Status { // and one that stays empty
		if in.Method == "install_code" {
			return replica.Status{}
		}
		return s.submit(in)
	})
	s.update(a, program{}.Add(0, 3).Certify([]byte("certified")).StableGrow(2).StableWrite(70_000, []byte("stable")).Reply(nil))
	n.CheckpointNow()
	s.update(a, program{}.Add(0, 1).Reply(nil))
	s.update(a, program{}.Add(0, 1).Reply(nil))
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(dir, os.DirFS(config.Dir)); err != nil {
		t.Fatal(err)
	}
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
}
