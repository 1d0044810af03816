package replica_test

import (
	"bytes"
	"context"
	"errors"
	"testing"

	"assay/ic/principal"
	"assay/ic/replica"
	"assay/ic/replica/disk"
	"assay/ic/replica/replicatest"
)

// recorded runs a story on a network that has a past already, and records it.
func recorded(t testing.TB, o replica.RecordOptions) ([]byte, [32]byte) {
	t.Helper()
	n, err := replica.Open(replica.Config{Pace: replica.Manual, Seed: []byte("seed")})
	if err != nil {
		t.Fatal(err)
	}
	s := &stepping{client{t: t, n: n}}
	a, b := s.actor(), s.actor()
	s.update(a, program{}.StableGrow(2).StableWrite(70_000, []byte("before")).Add(0, 3).Reply(nil))
	ctx, stop := context.WithCancel(t.Context())
	var out bytes.Buffer
	done, began := make(chan error), make(chan bool)
	go func() { done <- n.Record(ctx, &announcing{Buffer: &out, began: began}, o) }()
	<-began
	for range 10 {
		s.update(a, program{}.Call(replicatest.Call{To: b, Arg: program{}.Add(1, 1).Reply(nil), OnReply: program{}.Add(0, 1).Reply(nil)}))
		call := replicatest.Call{To: principal.Management, Method: "raw_rand", Arg: []byte("DIDL\x00\x00"), OnReply: program{}.AppendArg().Send()}
		s.update(b, program{}.Call(call))
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	hash := hashOf(t, n)
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	return out.Bytes(), hash
}

// announcing tells of the first write, after which nothing of the state is left out.
type announcing struct {
	*bytes.Buffer
	began chan bool
}

func (a *announcing) Write(b []byte) (int, error) {
	if a.began != nil {
		close(a.began)
		a.began = nil
	}
	return a.Buffer.Write(b)
}

func TestReplayIsTheSame(t *testing.T) {
	t.Parallel()
	raw, hash := recorded(t, replica.RecordOptions{HashEvery: 3})
	for name, config := range map[string]replica.ReplayConfig{
		"compiled": {}, "once more": {CompilationCacheDir: t.TempDir()}, "interpreted": {Interpret: true},
	} {
		r, err := replica.Replay(t.Context(), bytes.NewReader(raw), "recording", config)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if !r.Same() || r.Got != hash || r.Rounds < 20 || r.Agrees != r.Last {
			t.Errorf("%s: %+v, want hash %x", name, r, hash)
		}
	}
}

func TestRecordingEndsAfterItsRounds(t *testing.T) {
	t.Parallel()
	raw, hash := recorded(t, replica.RecordOptions{Rounds: 5})
	r, err := replica.Replay(t.Context(), bytes.NewReader(raw), "recording", replica.ReplayConfig{})
	if err != nil || r.Rounds != 5 || !r.Same() || r.Got == hash {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestReplayFindsTheFirstDifference(t *testing.T) {
	t.Parallel()
	raw, _ := recorded(t, replica.RecordOptions{HashEvery: 1})
	forged, at := forge(t, raw)
	r, err := replica.Replay(t.Context(), bytes.NewReader(forged), "recording", replica.ReplayConfig{})
	if err != nil || r.Same() || r.Differs != at || r.Agrees != at-1 {
		t.Errorf("%+v, %v: forged at batch %d", r, err, at)
	}
}

// forge writes the recording again with another hash after the sixth batch.
func forge(t testing.TB, raw []byte) (forged []byte, at uint64) {
	t.Helper()
	in, err := disk.OpenRecording(bytes.NewReader(raw), "recording")
	if err != nil {
		t.Fatal(err)
	}
	names := map[string][][]byte{}
	var contents []disk.Content
	for _, name := range in.Contents() {
		if err := in.Content(name, func(r []byte) error { names[name] = append(names[name], r); return nil }); err != nil {
			t.Fatal(err)
		}
		contents = append(contents, disk.Content{Name: name, Write: func(record func([]byte) error) error {
			for _, r := range names[name] {
				if err := record(r); err != nil {
					return err
				}
			}
			return nil
		}})
	}
	var out bytes.Buffer
	w, err := disk.NewRecorder(&out, in.Core(), contents)
	if err != nil {
		t.Fatal(err)
	}
	for hashes := 0; ; {
		step, err := in.Next()
		if err != nil {
			t.Fatal(err)
		}
		switch {
		case step.Batch != nil:
			err = w.Batch(step.Batch)
		case step.End:
			err = w.End(step.Number, step.Hash)
		default:
			if hashes++; hashes == 6 {
				at = step.Number
				step.Hash[3] ^= 1
			}
			err = w.Hash(step.Number, step.Hash)
		}
		if err != nil {
			t.Fatal(err)
		}
		if step.End {
			return out.Bytes(), at
		}
	}
}

func TestDamagedRecordingIsRefused(t *testing.T) {
	t.Parallel()
	raw, _ := recorded(t, replica.RecordOptions{})
	for name, at := range map[string]int{"header": 3, "state": len(raw) / 3, "batches": len(raw) - 300, "end": len(raw) - 2} {
		bad := bytes.Clone(raw)
		bad[at] ^= 4
		_, err := replica.Replay(t.Context(), bytes.NewReader(bad), "the name", replica.ReplayConfig{})
		var corrupt *disk.CorruptError
		if !errors.As(err, &corrupt) || corrupt.Path != "the name" {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := replica.Replay(t.Context(), bytes.NewReader(raw[:len(raw)-9]), "", replica.ReplayConfig{}); !errors.Is(err, disk.ErrCutOff) {
		t.Errorf("cut off: %v", err)
	}
}

func TestRecordingThatCannotBeWrittenEnds(t *testing.T) {
	t.Parallel()
	c, _ := running(t, replica.Config{})
	a := c.actor()
	failed := errors.New("no space")
	w := &failingAfter{left: 100_000, err: failed}
	done := make(chan error)
	go func() { done <- c.n.Record(t.Context(), w, replica.RecordOptions{}) }()
	for {
		select {
		case err := <-done:
			if !errors.Is(err, failed) {
				t.Errorf("got %v", err)
			}
			c.update(a, program{}.Reply(nil)) // the network goes on
			return
		default:
			c.update(a, program{}.Append(make([]byte, 1000)).Reply(nil))
		}
	}
}

type failingAfter struct {
	left int
	err  error
}

func (f *failingAfter) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, f.err
	}
	return len(b), nil
}

func FuzzRecording(f *testing.F) {
	var out bytes.Buffer
	w, err := disk.NewRecorder(&out, []byte("core"), nil)
	if err != nil {
		f.Fatal(err)
	}
	if err := errors.Join(w.Batch([]byte("batch")), w.Hash(1, [32]byte{1}), w.End(1, [32]byte{2})); err != nil {
		f.Fatal(err)
	}
	f.Add(out.Bytes())
	f.Fuzz(func(t *testing.T, raw []byte) {
		r, err := disk.OpenRecording(bytes.NewReader(raw), "fuzz")
		for err == nil {
			var step disk.Step
			if step, err = r.Next(); step.End {
				return
			}
		}
		var corrupt *disk.CorruptError
		if !errors.As(err, &corrupt) && !errors.Is(err, disk.ErrCutOff) {
			t.Errorf("error of another kind: %v", err)
		}
	})
}
