package disk_test

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strconv"
	"syscall"
	"testing"

	"assay/ic/replica/disk/disktest"
)

// story appends and makes checkpoints, and goes on after what fails. Whenever the process
// or the machine stops, all that succeeded must be found; of what failed since the last
// success, one may be.
type story struct {
	*world
	failed []string // records since the last success
	other  []expect // checkpoints that failed since the last success, and what came after
}

func tell(w *world, seed uint64) {
	w.t.Helper()
	s := &story{world: w}
	rng := rand.New(rand.NewPCG(seed, 1))
	for step := range 14 {
		if rng.IntN(3) > 0 {
			s.record(fmt.Sprintf("record %d of seed %d", step, seed))
		} else {
			at := w.s.Next()
			s.keep(fmt.Sprintf("core %d", step), map[string]string{fmt.Sprintf("canister-a-%d", at): fmt.Sprintf("content %d", at), "module-m": "module"})
		}
		s.look(w.fs.Crash(nil), step)
		s.look(w.fs.Crash(rng), step)
	}
}

func (s *story) record(record string) {
	if s.s.Append([]byte(record)) != nil {
		s.failed = append(s.failed, record)
		return
	}
	s.failed = nil
	s.records = append(s.records, record)
	for i := range s.other {
		s.other[i].records = append(s.other[i].records, record)
	}
}

func (s *story) keep(core string, files map[string]string) {
	if s.tryCheckpoint(core, files) != nil {
		s.other = append(s.other, expect{core: core, files: files})
		return
	}
	s.failed, s.other = nil, nil
}

// look checks what a crash leaves.
func (s *story) look(fs *disktest.FS, step int) {
	s.t.Helper()
	got, err := read(fs)
	if err != nil {
		s.t.Fatalf("step %d: %v", step, err)
	}
	for _, e := range append([]expect{s.expect}, s.other...) {
		if got.equal(e) {
			return
		}
		for _, more := range s.failed {
			with := e
			with.records = append(e.records[:len(e.records):len(e.records)], more)
			if got.equal(with) {
				return
			}
		}
	}
	s.t.Fatalf("step %d: got %+v, want %+v", step, got, s.expect)
}

// stories is how many there are: ASSAY_STORIES, or a sample.
func stories(t *testing.T) uint64 {
	n, err := strconv.ParseUint(os.Getenv("ASSAY_STORIES"), 10, 32)
	if err != nil {
		return 2
	}
	t.Logf("%d stories", n)
	return n
}

func TestEveryFailingOperation(t *testing.T) {
	t.Parallel()
	for seed := range stories(t) {
		dry := newWorld(t)
		tell(dry, seed)
		for n := 1; n <= dry.fs.Count(); n++ {
			for _, last := range []int{n, n + 1, n + 5} { // one failure, and some in a row
				for _, half := range []bool{false, true} {
					w := newWorld(t)
					w.fs.Half = half
					w.fs.Fail = func(at int, _, _ string) error {
						if n <= at && at <= last {
							return syscall.EIO
						}
						return nil
					}
					tell(w, seed)
					w.fs.Fail = nil
					w.checkpoint("the last", nil)
					w.append("after it")
					w.crash()
				}
			}
		}
	}
}

func TestFullDisk(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.append("before")
	w.fs.Half = true
	w.fs.Fail = func(_ int, op, _ string) error {
		if op == "create" || op == "write" {
			return syscall.ENOSPC
		}
		return nil
	}
	for range 3 {
		if err := w.s.Append([]byte("no room")); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("got %v", err)
		}
		if err := w.tryCheckpoint("no room", nil); !errors.Is(err, syscall.ENOSPC) {
			t.Fatalf("got %v", err)
		}
		w.crashCopy()
	}
	w.fs.Fail = nil
	w.append("there is room again")
	w.checkpoint("and for a checkpoint", nil)
	w.append("after it")
	w.crash()
	if names := w.fs.Names(); len(names) != 2 { // the manifest and the log
		t.Errorf("left behind: %q", names)
	}
}
