package replica_test

import (
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"assay/ic/principal"
	"assay/ic/replica"
	"assay/ic/replica/disk"
)

// copyFolder is a folder as a crash would leave it now.
func copyFolder(t testing.TB, from string) string {
	t.Helper()
	to := t.TempDir()
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		t.Fatal(err)
	}
	return to
}

func hashOf(t testing.TB, n *replica.Network) [32]byte {
	t.Helper()
	h, err := n.StateHash()
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func count(c *client, id principal.Principal) uint64 {
	c.t.Helper()
	return binary.LittleEndian.Uint64(c.read(id, program{}.AppendCell(0).Send()))
}

func TestACrashLosesNothing(t *testing.T) {
	t.Parallel()
	config := replica.Config{Dir: t.TempDir(), Pace: replica.Manual, CompilationCacheDir: t.TempDir()}
	n, err := replica.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	// Nobody runs it: what is on disk is what a crash leaves.
	c := &stepping{client{t: t, n: n}}
	a := c.actor()
	for range 5 {
		c.update(a, program{}.Add(0, 1).StableGrow(1).StableWrite(0, []byte("stable")).Reply(nil))
	}
	want := hashOf(t, n)
	config.Dir = copyFolder(t, config.Dir)
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	again, _ := running(t, config)
	if got := count(again, a); got != 5 {
		t.Errorf("counted %d, want 5", got)
	}
	if got := hashOf(t, again.n); got != want {
		t.Errorf("the state has hash %x, had %x", got, want)
	}
}

// stepping executes what it submits by itself.
type stepping struct{ client }

func (s *stepping) submit(in replica.Ingress) replica.Status {
	s.t.Helper()
	in.ID = replica.RequestID{}
	binary.BigEndian.PutUint64(in.ID[:], nonces.Add(1))
	in.Sender, in.Expiry = user, s.n.Time().Add(4*time.Minute)
	if rej := s.n.Submit(s.t.Context(), in); rej != nil {
		s.t.Fatal(rej)
	}
	for range 10 {
		if s.n.Step(s.t.Context()); s.n.Books().Held.Add(s.n.Books().Spent) != s.n.Books().Minted {
			s.t.Fatal("books do not add up")
		}
		if st, _ := s.n.Status(in.ID); st.Phase.Final() {
			return st
		}
	}
	s.t.Fatal("no answer")
	return replica.Status{}
}

func (s *stepping) actor() principal.Principal { return actor(s.t, s.submit) }

func (s *stepping) update(to principal.Principal, p program) []byte {
	s.t.Helper()
	st := s.submit(replica.Ingress{Canister: to, Method: "run", Arg: p})
	if st.Reject != nil {
		s.t.Fatal(st.Reject)
	}
	return st.Reply
}

func TestOpenRefusesWhatIsNotItsOwn(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	old := filepath.Join(dir, "network.state")
	if err := os.WriteFile(old, []byte("ASSAYNET\x01\x00\x00\x00"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := replica.Open(replica.Config{Dir: dir})
	var corrupt *disk.CorruptError
	if !errors.As(err, &corrupt) || !strings.Contains(err.Error(), old) {
		t.Errorf("a state of version 1: %v", err)
	}
}
