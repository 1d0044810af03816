package journal

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"testing"
	"time"
)

func open(t *testing.T, dir string) *Journal {
	t.Helper()
	j, err := Open(t.Context(), Config{Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	return j
}

func next(t *testing.T, j *Journal, q Queue) (Item, bool) {
	t.Helper()
	item, ok, err := j.Fetch(t.Context(), q, 300*time.Millisecond)
	if err != nil {
		t.Fatal(err)
	}
	return item, ok
}

func TestTicketsAreHandedOutUntilDone(t *testing.T) {
	j := open(t, t.TempDir())
	defer j.Close()
	for i, want := range []bool{true, false} {
		fresh, err := j.Put(t.Context(), Assigned, "7.1.commit", []byte("ticket"))
		if err != nil || fresh != want {
			t.Fatalf("Put #%d: fresh %v, %v; want %v", i, fresh, err, want)
		}
	}
	item, ok := next(t, j, Assigned)
	if !ok || string(item.Ticket) != "ticket" || item.Tries != 1 {
		t.Fatalf("Fetch = %+v, %v", item, ok)
	}
	if err := item.Again(0); err != nil {
		t.Fatal(err)
	}
	item, ok = next(t, j, Assigned)
	if !ok || item.Tries != 2 {
		t.Fatalf("after Again: %+v, %v; want a second try", item, ok)
	}
	if err := item.Done(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, ok := next(t, j, Assigned); ok {
		t.Error("a ticket was handed out after Done")
	}
	if n, err := j.Depth(t.Context(), Assigned); n != 0 || err != nil {
		t.Errorf("Depth = %d, %v; want 0", n, err)
	}
}

func TestResults(t *testing.T) {
	j := open(t, t.TempDir())
	defer j.Close()
	if _, ok, err := j.Load(t.Context(), "7.1"); ok || err != nil {
		t.Fatalf("Load of nothing: %v, %v", ok, err)
	}
	big := bytes.Repeat([]byte{1}, 3<<20)
	if err := j.Save(t.Context(), "7.1", big); err != nil {
		t.Fatal(err)
	}
	if got, ok, err := j.Load(t.Context(), "7.1"); !ok || err != nil || !bytes.Equal(got, big) {
		t.Fatalf("Load: %d bytes, %v, %v", len(got), ok, err)
	}
	if err := j.Forget(t.Context(), "7.1"); err != nil {
		t.Fatal(err)
	}
	if _, ok, _ := j.Load(t.Context(), "7.1"); ok {
		t.Error("a forgotten result came back")
	}
	if err := j.Save(t.Context(), "8.1", make([]byte, maxResultBytes+1)); err == nil {
		t.Error("an oversized result was accepted")
	}
}

// TestKill: a process that is killed with a ticket in its hands lost neither it nor a result,
// and the next one gets the ticket at once.
func TestKill(t *testing.T) {
	if dir := os.Getenv("JOURNAL_KILL_DIR"); dir != "" {
		j, err := Open(context.Background(), Config{Dir: dir})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := j.Put(context.Background(), Computed, "1.1.deliver", []byte("kept")); err != nil {
			t.Fatal(err)
		}
		if _, ok, err := j.Fetch(context.Background(), Computed, time.Second); !ok || err != nil {
			t.Fatal(ok, err)
		}
		if err := j.Save(context.Background(), "1.1", []byte("salt and output")); err != nil {
			t.Fatal(err)
		}
		p, _ := os.FindProcess(os.Getpid())
		_ = p.Kill()
		select {}
	}
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0], "-test.run=^TestKill$")
	cmd.Env = append(os.Environ(), "JOURNAL_KILL_DIR="+dir)
	out, err := cmd.CombinedOutput()
	if err == nil {
		t.Fatalf("the child was not killed:\n%s", out)
	}
	j := open(t, dir)
	defer j.Close()
	item, ok := next(t, j, Computed)
	if !ok || string(item.Ticket) != "kept" {
		t.Fatalf("after the kill: %+v, %v\n%s", item, ok, out)
	}
	if got, ok, err := j.Load(t.Context(), "1.1"); !ok || err != nil || string(got) != "salt and output" {
		t.Fatalf("result after the kill: %q, %v, %v", got, ok, err)
	}
}
