package replica_test

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/ic/principal"
	"assay/ic/replica"
	"assay/ic/replica/disk"
	"assay/ic/replica/host"
	"assay/ic/replica/replicatest"
	"assay/ic/replica/state"
)

// The test binary is also the process that is killed: with crashDir set it runs a network
// under load in that folder and prints what it acknowledges, until it dies.
const (
	crashDir     = "ASSAY_CRASH_DIR"
	crashFrom    = "ASSAY_CRASH_FROM" // number of the first request
	crashWorkers = 6
	crashEach    = 100_000 // requests of a worker before it would run out of numbers
)

func TestMain(m *testing.M) {
	if os.Getenv(crashDir) != "" {
		if err := runVictim(); err != nil {
			fmt.Println("failed", err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

// victimConfig is how the network that is killed is opened, every time.
func victimConfig(dir string) replica.Config {
	return replica.Config{Dir: filepath.Join(dir, "state"), CompilationCacheDir: filepath.Join(dir, "code")}
}

// victimRequest is a request of that number. Each adds 1 to one canister's cell and calls
// the other, which adds 1 to its own.
func victimRequest(number int, a, b principal.Principal, now time.Time) replica.Ingress {
	return replica.Ingress{
		ID: victimID(number), Sender: user, Canister: a, Method: "run", Expiry: now.Add(4 * time.Minute),
		Arg: program{}.Add(0, 1).StableGrow(1).StableWrite(uint32(number%60_000), []byte{byte(number)}).
			Call(replicatest.Call{To: b, Cycles: 10, Arg: program{}.Add(0, 1).Accept(3).Reply(nil), OnReply: program{}.Reply([]byte("done"))}),
	}
}

func victimID(number int) replica.RequestID {
	return sha256.Sum256(fmt.Appendf(nil, "victim %d", number))
}

func runVictim() error {
	dir := os.Getenv(crashDir)
	from, err := strconv.Atoi(os.Getenv(crashFrom))
	if err != nil {
		return err
	}
	recording, err := os.Create(filepath.Join(dir, "recording"))
	if err != nil {
		return err
	}
	replica.CheckpointOften(30_000)
	config := victimConfig(dir)
	config.Record = recording
	n, err := replica.Open(config)
	if err != nil {
		return err
	}
	ids := n.Canisters()
	if len(ids) != 2 {
		return fmt.Errorf("%d canisters", len(ids))
	}
	var running sync.WaitGroup
	running.Go(func() { _ = n.Run(context.Background()) })
	var out sync.Mutex
	for worker := range crashWorkers {
		running.Go(func() {
			for i := from + worker*crashEach; ; i++ {
				in := victimRequest(i, ids[0], ids[1], n.Time())
				if rej := n.Submit(context.Background(), in); rej != nil {
					panic(rej)
				}
				if err := n.Kept(context.Background(), in.ID); err != nil {
					panic(err)
				}
				out.Lock()
				fmt.Println("kept", i)
				out.Unlock()
				if _, err := n.Await(context.Background(), in.ID); err != nil {
					panic(err)
				}
			}
		})
	}
	running.Wait()
	return nil
}

// kill runs the victim until it has acknowledged so many requests and kills it. It
// returns the numbers that were acknowledged.
func kill(t *testing.T, dir string, from, after int) (kept []int) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), crashDir+"="+dir, crashFrom+"="+strconv.Itoa(from))
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	cmd.Stderr = os.Stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		number, ok := strings.CutPrefix(lines.Text(), "kept ")
		i, err := strconv.Atoi(number)
		if !ok || err != nil {
			t.Errorf("the victim says %q", lines.Text())
			continue
		}
		if kept = append(kept, i); len(kept) == after {
			if err := cmd.Process.Kill(); err != nil {
				t.Fatal(err)
			}
		}
	}
	_ = cmd.Wait() // it was killed
	if len(kept) < after {
		t.Fatalf("the victim ended by itself after %d requests", len(kept))
	}
	return kept
}

func TestKilledAtAnyPoint(t *testing.T) {
	t.Parallel()
	seed := uint64(20261128)
	rng := rand.New(rand.NewPCG(seed, 7))
	dir := t.TempDir()
	n, err := replica.Open(victimConfig(dir))
	if err != nil {
		t.Fatal(err)
	}
	s := &stepping{client{t: t, n: n}}
	a, b := s.actor(), s.actor()
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	all, counted, next := 0, uint64(0), 1
	for range full(t, 4, 200) {
		from := next
		kept := kill(t, dir, from, 1+rng.IntN(400))
		for _, i := range kept {
			next = max(next, i%crashEach+2)
		}
		all += len(kept)
		counted += afterKill(t, dir, from, next, kept, counted, a, b)
	}
	t.Logf("seed %d: %d requests acknowledged, %d executed", seed, all, counted)
}

// afterKill holds what the dead process left against what it acknowledged, and says how
// many of its requests, numbered from and up to next in each worker, were executed.
func afterKill(t *testing.T, dir string, from, next int, kept []int, before uint64, a, b principal.Principal) (executed uint64) {
	t.Helper()
	config := victimConfig(dir)
	left := copyFolder(t, config.Dir)
	want := replayed(t, dir, left)
	config.Pace = replica.Manual
	n, err := replica.Open(config)
	if err != nil {
		t.Fatal(err)
	}
	c := &client{t: t, n: n}
	defer func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	}()
	if got := hashOf(t, n); got != want {
		t.Errorf("the recovered state has hash %x, an undisturbed execution %x", got, want)
	}
	for n.Step(t.Context()) {
		continue
	}
	for _, i := range kept { // nothing is executed twice
		if rej := n.Submit(t.Context(), victimRequest(i, a, b, n.Time())); rej != nil {
			t.Fatal(rej)
		}
	}
	for n.Step(t.Context()) {
		continue
	}
	for worker := range crashWorkers {
		for i := from; i < next+2; i++ {
			if s, known := n.Status(victimID(worker*crashEach + i)); known && s.Phase == replica.Replied {
				executed++
			}
		}
	}
	for _, i := range kept {
		if s, _ := n.Status(victimID(i)); s.Phase != replica.Replied || string(s.Reply) != "done" {
			t.Errorf("request %d was acknowledged and is %v %v", i, s.Phase, s.Reject)
		}
	}
	if got, other := count(c, a)-before, count(c, b)-before; got != executed || other != executed || executed < uint64(len(kept)) {
		t.Errorf("the canisters counted %d and %d more, %d requests were executed, %d acknowledged", got, other, executed, len(kept))
	}
	if books := n.Books(); books.Held.Add(books.Spent) != books.Minted {
		t.Errorf("books do not add up: %+v", books)
	}
	return executed
}

// replayed is the hash of the state that the recording of the dead process leads to, with
// the batches of the log that it did not come to record.
func replayed(t *testing.T, dir, left string) [32]byte {
	t.Helper()
	raw, err := os.ReadFile(filepath.Join(dir, "recording"))
	if err != nil {
		t.Fatal(err)
	}
	recording, err := disk.OpenRecording(bytes.NewReader(raw), "recording")
	if err != nil {
		t.Fatal(err)
	}
	engine, err := host.NewEngine(t.Context(), filepath.Join(dir, "code"))
	if err != nil {
		t.Fatal(err)
	}
	defer engine.Close(context.Background())
	m, err := state.Restore(t.Context(), stateConfig(engine), recording.Core(), recording.Content)
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close(context.Background())
	apply := func(raw []byte) error {
		b, err := state.DecodeBatch(raw)
		if err == nil && b.Number > m.Number() {
			_, err = m.Apply(t.Context(), b)
		}
		return err
	}
	for {
		step, err := recording.Next()
		if errors.Is(err, disk.ErrCutOff) || err == io.EOF {
			break
		}
		if err == nil && step.Batch != nil {
			err = apply(step.Batch)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	store, err := disk.Open(left, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	if err := store.Records(func(_ uint64, record []byte) error { return apply(record) }); err != nil {
		t.Fatal(err)
	}
	hash, err := m.Hash()
	if err != nil {
		t.Fatal(err)
	}
	return hash
}

func stateConfig(engine *host.Engine) state.Config {
	return state.Config{Engine: engine, Logger: slog.New(slog.DiscardHandler), Clock: func() time.Time { return time.Unix(0, 0) }, Random: func([]byte) {}}
}
