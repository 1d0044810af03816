package replica_test

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"assay/ic/principal"
	"assay/ic/replica"
	"assay/ic/replica/disk"
	"assay/ic/replica/disk/disktest"
)

// full is how many cases a test has where ASSAY_FAULTS asks for the full count, else a
// sample.
func full(t testing.TB, sample, all int) int {
	if os.Getenv("ASSAY_FAULTS") == "" {
		return sample
	}
	t.Logf("%d cases", all)
	return all
}

// teller counts in a canister on a failing disk, and remembers what it was told.
type teller struct {
	t       testing.TB
	config  replica.Config
	n       *replica.Network
	actor   principal.Principal
	sent    []replica.RequestID
	kept    map[replica.RequestID]bool // acknowledged
	refused map[replica.RequestID]bool // said not to be taken
}

// newTeller has a network with one canister, made while the disk works.
func newTeller(t testing.TB, fs *disktest.FS, cache string) *teller {
	t.Helper()
	return openTeller(t, replica.Config{Dir: "state", Files: fs, CompilationCacheDir: cache})
}

func openTeller(t testing.TB, config replica.Config) *teller {
	t.Helper()
	config.Pace, config.Seed, config.Clock = replica.Manual, []byte("seed"), func() time.Time { return time.Unix(1_800_000_000, 0) }
	n, err := replica.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	s := &stepping{client{t: t, n: n}}
	return &teller{t: t, config: config, n: n, actor: s.actor(), kept: map[replica.RequestID]bool{}, refused: map[replica.RequestID]bool{}}
}

func (w *teller) add(i int) { w.send(i, nil) }

// big is add with a message that fills the log.
func (w *teller) big(i int) { w.send(i, make([]byte, 20_000)) }

func (w *teller) send(i int, filling []byte) {
	w.t.Helper()
	in := replica.Ingress{
		ID: sha256.Sum256(fmt.Appendf(nil, "request %d", i)), Sender: user, Canister: w.actor, Method: "run",
		Arg: program{}.Append(filling).Add(0, 1).StableGrow(1).StableWrite(0, []byte("x")).Reply(nil), Expiry: w.n.Time().Add(time.Minute),
	}
	if rej := w.n.Submit(w.t.Context(), in); rej != nil {
		w.t.Fatal(rej)
	}
	w.sent = append(w.sent, in.ID)
	kept := make(chan error, 1)
	// The waiter is there before the batch is made, as the HTTP door is.
	ready := make(chan bool)
	go func() {
		close(ready)
		kept <- w.n.Kept(w.t.Context(), in.ID)
	}()
	<-ready
	w.n.Step(w.t.Context())
	err := <-kept
	switch {
	case err == nil:
		w.kept[in.ID] = true
	case errors.Is(err, replica.ErrNotKept) || errors.Is(err, replica.ErrUnknownRequest): // the batch was abandoned, before or after the waiter came
		w.refused[in.ID] = true
	default:
		w.t.Fatal(err)
	}
}

// story counts to 12 with two checkpoints between.
func (w *teller) story() {
	for i := range 12 {
		w.add(i)
		if i%5 == 4 {
			w.n.CheckpointNow()
		}
	}
}

// recovered opens what a crash left and holds it against what was told.
func (w *teller) recovered(fs *disktest.FS, hash *[32]byte) {
	w.t.Helper()
	config := w.config
	config.Files = fs
	w.recoveredFrom(config, hash)
}

func (w *teller) recoveredFrom(config replica.Config, hash *[32]byte) {
	w.t.Helper()
	n, err := replica.Open(config)
	if err != nil {
		w.t.Fatal(err)
	}
	defer n.Close()
	if hash != nil && hashOf(w.t, n) != *hash {
		w.t.Error("the recovered state is not that before the crash")
	}
	counted, executed := uint64(0), uint64(0)
	c := &stepping{client{t: w.t, n: n}}
	for n.Step(w.t.Context()) {
		continue
	}
	for _, id := range w.sent {
		s, known := n.Status(id)
		if w.kept[id] && (!known || s.Phase != replica.Replied) {
			w.t.Errorf("request %x was acknowledged and is %v", id[:4], s.Phase)
		}
		if known && s.Phase == replica.Replied {
			executed++
		}
	}
	counted = count(&c.client, w.actor)
	if counted != executed || executed < uint64(len(w.kept)) || executed > uint64(len(w.kept))+1 {
		w.t.Errorf("the canister counted %d, %d requests were executed, %d acknowledged", counted, executed, len(w.kept))
	}
	if b := n.Books(); b.Held.Add(b.Spent) != b.Minted {
		w.t.Errorf("books do not add up: %+v", b)
	}
}

func TestNoFailingOperationLosesWhatWasAcknowledged(t *testing.T) {
	t.Parallel()
	cache := t.TempDir()
	dry := disktest.New()
	w := newTeller(t, dry, cache)
	before := dry.Count()
	w.story()
	operations := dry.Count() - before
	if len(w.kept) != 12 || operations < 50 {
		t.Fatalf("%d of 12 kept in %d operations", len(w.kept), operations)
	}
	rng := rand.New(rand.NewPCG(5, 5))
	for _, n := range rng.Perm(operations)[:full(t, 12, operations)] {
		for _, row := range []int{1, 2, 7} {
			t.Run(fmt.Sprintf("operation %d and %d more", n+1, row-1), func(t *testing.T) {
				fs := disktest.New()
				w := newTeller(t, fs, cache)
				from := fs.Count() + 1 + n
				fs.Half = rng.IntN(2) == 0
				fs.Fail = func(at int, _, _ string) error {
					if at >= from && at < from+row {
						return syscall.EIO
					}
					return nil
				}
				w.story()
				w.recovered(fs.Crash(nil), nil)
				w.recovered(fs.Crash(rng), nil)
				fs.Fail = nil
				w.add(100)
				if id := w.sent[len(w.sent)-1]; !w.kept[id] {
					t.Error("the disk works again, the network does not")
				}
				hash := hashOf(t, w.n)
				w.recovered(fs.Crash(nil), &hash)
				w.recovered(fs.Crash(rng), &hash)
				if err := w.n.Close(); err != nil {
					t.Error(err)
				}
				w.recovered(fs.Crash(rng), nil)
			})
		}
	}
}

func TestFullDiskStopsAcknowledging(t *testing.T) {
	t.Parallel()
	fs := disktest.New()
	w := newTeller(t, fs, "")
	w.add(0)
	hash := hashOf(t, w.n)
	fs.Half = true
	fs.Fail = func(_ int, op, _ string) error {
		if op == "create" || op == "write" {
			return syscall.ENOSPC
		}
		return nil
	}
	for i := range 5 {
		w.add(1 + i)
		w.n.CheckpointNow()
	}
	if len(w.kept) != 1 || len(w.refused) != 5 {
		t.Errorf("%d kept, %d refused; want 1 and 5", len(w.kept), len(w.refused))
	}
	if got := hashOf(t, w.n); got != hash {
		t.Error("something was executed that is not in the log")
	}
	in := replica.Ingress{ID: replica.RequestID{9}, Sender: user, Canister: w.actor, Method: "run", Arg: program{}.Reply(nil), Expiry: w.n.Time().Add(time.Minute)}
	if rej := w.n.Submit(t.Context(), in); rej != nil {
		t.Fatal(rej)
	}
	if err := w.n.Tick(t.Context(), 1); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("a tick on a full disk: %v", err)
	}
	before := w.n.Time()
	if err := w.n.SetTime(t.Context(), before.Add(time.Hour)); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("set-time on a full disk: %v", err)
	}
	w.recovered(fs.Crash(nil), nil)
	fs.Fail = nil
	w.add(50)
	if now := w.n.Time(); now.Sub(before) > time.Minute {
		t.Errorf("the time that could not be set is set all the same: %v later", now.Sub(before))
	}
	if len(w.kept) != 2 {
		t.Error("there is room again, and nothing is acknowledged")
	}
	hash = hashOf(t, w.n)
	w.recovered(fs.Crash(nil), &hash)
	if err := w.n.Close(); err != nil {
		t.Error(err)
	}
}

// A flipped byte is found, in whatever file, or it is one that does not count.
func TestFlippedBytesAreNeverServed(t *testing.T) {
	t.Parallel()
	cache := t.TempDir()
	fs := disktest.New()
	w := newTeller(t, fs, cache)
	w.story()
	hash := hashOf(t, w.n)
	left := fs.Crash(nil)
	if err := w.n.Close(); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(6, 6))
	for _, name := range left.Names() {
		whole := left.Bytes(name)
		if strings.HasSuffix(name, ".new") {
			continue
		}
		for range full(t, 6, 600) {
			at := rng.IntN(len(whole))
			bad := append([]byte{}, whole...)
			bad[at] ^= byte(1 + rng.IntN(255))
			damaged := left.Crash(nil)
			damaged.Set(name, bad)
			config := w.config
			config.Files = damaged
			n, err := replica.Open(config)
			var corrupt *disk.CorruptError
			if errors.As(err, &corrupt) && strings.HasSuffix(corrupt.Path, name) {
				continue
			}
			if err != nil {
				t.Fatalf("%s, byte %d: %v", name, at, err)
			}
			if hashOf(t, n) != hash {
				t.Errorf("%s, byte %d: the network opened with another state", name, at)
			}
			t.Errorf("%s, byte %d: the network opened", name, at)
			_ = n.Close()
		}
	}
}

// fullDir is set for the process in which [TestFullFolder] has a small file system.
const fullDir = "ASSAY_FULL_DIR"

// TestFullFolder is [TestFullDiskStopsAcknowledging] on a real file system of 1 MiB, which
// Linux lets a process mount for itself.
func TestFullFolder(t *testing.T) {
	dir := os.Getenv(fullDir)
	if dir == "" {
		t.Parallel()
		dir := t.TempDir()
		mount := exec.CommandContext(t.Context(), "unshare", "--map-root-user", "--mount", "mount", "-t", "tmpfs", "-o", "size=1m", "none", dir)
		if out, err := mount.CombinedOutput(); err != nil {
			t.Skipf("not run: this system does not let a test mount a small file system: %v %s", err, out)
		}
		inside := exec.CommandContext(t.Context(), "unshare", "--map-root-user", "--mount", "sh", "-c",
			`mount -t tmpfs -o size=1m none "$1" && exec "$2" -test.run '^TestFullFolder$' -test.v`, "sh", dir, os.Args[0])
		inside.Env = append(os.Environ(), fullDir+"="+dir)
		out, err := inside.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "--- PASS: TestFullFolder") {
			t.Errorf("%v\n%s", err, out)
		}
		return
	}
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 300_000), 0o600); err != nil {
		t.Fatal(err)
	}
	w := openTeller(t, replica.Config{Dir: filepath.Join(dir, "state")})
	sent := 0
	for ; len(w.refused) < 20; sent++ {
		w.big(sent)
		w.n.CheckpointNow() // some of which find no room either
	}
	if len(w.kept) < 3 {
		t.Fatalf("only %d requests were kept before the folder was full", len(w.kept))
	}
	config := w.config
	config.Dir = copyFolder(t, w.config.Dir)
	w.recoveredFrom(config, nil)
	if err := os.Remove(ballast); err != nil {
		t.Fatal(err)
	}
	before := len(w.kept)
	w.add(sent)
	if len(w.kept) != before+1 {
		t.Error("there is room again, and nothing is acknowledged")
	}
	hash := hashOf(t, w.n)
	config.Dir = copyFolder(t, w.config.Dir)
	w.recoveredFrom(config, &hash)
	if err := w.n.Close(); err != nil {
		t.Error(err)
	}
}
