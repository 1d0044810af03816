package host

import (
	"bytes"
	"errors"
	"math/rand/v2"
	"testing"
)

// Stable memory does what two slices do, one committed and one not.
func TestStableConforms(t *testing.T) {
	t.Parallel()
	for seed := range uint64(8) {
		rng := rand.New(rand.NewPCG(seed, 2))
		s := NewStable(12)
		var committed, now []byte
		for step := range 500 {
			switch n := rng.IntN(20); {
			case n < 9 && len(now) > 0:
				b := make([]byte, 1+rng.IntN([]int{10, 3 * OSPage, 2 * WasmPage}[rng.IntN(3)]))
				for i := range b {
					b[i] = byte(rng.Uint32())
				}
				at := rng.IntN(len(now))
				_, err := s.Write(b, uint64(at))
				if (at+len(b) > len(now)) != errors.Is(err, ErrStableBounds) {
					t.Fatalf("seed %d step %d: write %d at %d of %d: %v", seed, step, len(b), at, len(now), err)
				}
				if err == nil {
					copy(now[at:], b)
				}
			case n < 11:
				more := rng.IntN(5)
				old, ok := s.Grow(uint64(more))
				if fits := len(now)/WasmPage+more <= 12; fits != ok || ok && old != uint64(len(now)/WasmPage) {
					t.Fatalf("seed %d step %d: grow by %d from %d: %d, %v", seed, step, more, len(now)/WasmPage, old, ok)
				}
				if ok {
					now = append(now, make([]byte, more*WasmPage)...)
				}
			case n < 14:
				s.Commit()
				committed = bytes.Clone(now)
			case n < 17:
				s.Rollback()
				now = bytes.Clone(committed)
			case n < 18:
				checkStable(t, s.View(), committed)
			default:
				s.Commit()
				committed = bytes.Clone(now)
				s = checkCopy(t, s, committed)
			}
			checkStable(t, s, now)
		}
	}
}

func checkStable(t *testing.T, s *Stable, want []byte) {
	t.Helper()
	got := make([]byte, s.Pages()*WasmPage)
	if err := s.Read(got, 0); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("stable memory is wrong: %d bytes, want %d (%v)", len(got), len(want), err)
	}
}

// checkCopy changes a copy, or the original, looks that the other one stays, and returns
// the one that was not changed.
func checkCopy(t *testing.T, s *Stable, want []byte) *Stable {
	t.Helper()
	c := s.Copy()
	if len(want) > 0 {
		if _, err := c.Write([]byte("other"), uint64(len(want)-5)); err != nil {
			t.Fatal(err)
		}
		c.Commit()
	}
	checkStable(t, s, want)
	got := make([]byte, len(want))
	if err := s.EachPage(func(at uint64, page []byte) error { copy(got[at:], page); return nil }); err != nil || !bytes.Equal(got, want) {
		t.Fatalf("the committed pages are wrong (%v)", err)
	}
	return s
}

func TestStableCountsWrites(t *testing.T) {
	t.Parallel()
	s := NewStable(3)
	s.Grow(3)
	for _, row := range []struct {
		at, size int
		want     int
	}{
		{0, 1, 1}, {1, OSPage - 1, 0}, {OSPage - 1, 2, 1}, {5 * OSPage, 3 * OSPage, 3}, {WasmPage - 1, 2, 2}, {0, 0, 0},
	} {
		got, err := s.Write(make([]byte, row.size), uint64(row.at)) // zeros over zeros count too
		if err != nil || got != row.want {
			t.Errorf("write %d bytes at %d: %d pages (%v), want %d", row.size, row.at, got, err, row.want)
		}
	}
	if got := s.Commit(); got != 7 {
		t.Errorf("%d pages committed, want 7", got)
	}
	if got, err := s.Write([]byte{1}, 0); got != 1 || err != nil {
		t.Errorf("first write after a commit: %d pages (%v), want 1", got, err)
	}
}

// A page at the far end costs no more than the way to it.
func TestLargestStableMemory(t *testing.T) {
	t.Parallel()
	s := NewStable(MaxStablePages)
	if _, ok := s.Grow(MaxStablePages + 1); ok {
		t.Error("it grew over 500 GiB")
	}
	if _, ok := s.Grow(MaxStablePages); !ok {
		t.Fatal("it did not grow to 500 GiB")
	}
	end := uint64(MaxStablePages)*WasmPage - 3
	if _, err := s.Write([]byte("end"), end); err != nil {
		t.Fatal(err)
	}
	s.Commit()
	got := make([]byte, 3)
	if err := s.Read(got, end); err != nil || string(got) != "end" {
		t.Errorf("read %q %v", got, err)
	}
	if err := s.Read(got, end+1); err == nil {
		t.Error("it was read over its end")
	}
}

func TestStableBudget(t *testing.T) {
	t.Parallel()
	s := NewStable(1000)
	s.Grow(1000)
	asked := 0
	s.room = func() bool { asked++; return asked < 3 }
	chunk := make([]byte, 16*OSPage)
	written := 0
	var err error
	for ; written < 1000*WasmPage && err == nil; written += len(chunk) {
		_, err = s.Write(chunk, uint64(written))
	}
	if !errors.Is(err, ErrMemoryBudget) || written != 3*roomEvery*OSPage {
		t.Errorf("wrote %d bytes: %v, want an error at %d", written, err, 3*roomEvery*OSPage)
	}
	s.Rollback()
	if s.Pages() != 0 {
		t.Errorf("%d pages after a rollback", s.Pages())
	}
	if !heapHasRoom() {
		t.Error("this machine has no room for a test")
	}
}
