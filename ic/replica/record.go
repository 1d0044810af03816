package replica

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"slices"
	"time"

	"assay/ic/replica/disk"
	"assay/ic/replica/host"
	"assay/ic/replica/state"
)

// RecordOptions say how much to record. The zero value is everything until the end.
type RecordOptions struct {
	Rounds    uint64 // end after so many; 0: none
	HashEvery uint64 // rounds between hashes of the whole state, by which a replay that differs finds the place; 0: at the end only
}

// recording is one under way. The holder of [Network.drive] uses it.
type recording struct {
	RecordOptions
	out    *disk.Recorder
	rounds uint64
	done   chan error // gets one value when it is over
}

func (n *Network) record(ctx context.Context, w io.Writer, o RecordOptions) error {
	r, err := n.beginRecording(w, o)
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	select {
	case err = <-r.done:
	case <-ctx.Done():
		n.drive.Lock()
		n.endRecording(r)
		n.drive.Unlock()
		err = <-r.done
	}
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	return nil
}

// recordAll begins the recording that the network was opened with, which ends with it.
func (n *Network) recordAll() error {
	if n.config.Record == nil {
		return nil
	}
	r, err := n.beginRecording(n.config.Record, n.config.RecordOptions)
	if err != nil {
		return fmt.Errorf("record: %w", err)
	}
	n.writing.Go(func() {
		if err := <-r.done; err != nil {
			n.config.Logger.Error("the recording ended early", "error", err)
		}
	})
	return nil
}

func (n *Network) beginRecording(w io.Writer, o RecordOptions) (*recording, error) {
	n.drive.Lock()
	defer n.drive.Unlock()
	if n.closed {
		return nil, ErrEnded
	}
	cp, err := n.machine.Checkpoint()
	if err != nil {
		return nil, err
	}
	r := &recording{RecordOptions: o, done: make(chan error, 1)}
	if r.out, err = disk.NewRecorder(w, cp.Core, diskContents(cp)); err != nil {
		return nil, err
	}
	n.records = append(n.records, r)
	return r, nil
}

func diskContents(cp *state.Checkpoint) []disk.Content {
	contents := make([]disk.Content, 0, len(cp.Contents))
	for _, c := range cp.Contents {
		contents = append(contents, disk.Content(c))
	}
	return contents
}

// recordBatch adds a batch that was applied to all recordings.
func (n *Network) recordBatch(b *state.Batch, raw []byte) {
	for _, r := range slices.Clone(n.records) {
		if err := n.recordOne(r, b, raw); err != nil {
			n.dropRecording(r, err)
			continue
		}
		if r.Rounds > 0 && r.rounds >= r.Rounds {
			n.endRecording(r)
		}
	}
}

func (n *Network) recordOne(r *recording, b *state.Batch, raw []byte) error {
	if err := r.out.Batch(raw); err != nil {
		return err
	}
	if b.Round == nil {
		return nil
	}
	r.rounds++
	if r.HashEvery == 0 || r.rounds%r.HashEvery != 0 {
		return nil
	}
	hash, err := n.machine.Hash()
	if err != nil {
		return err
	}
	return r.out.Hash(b.Number, hash)
}

// endRecording writes the end, unless the recording is over.
func (n *Network) endRecording(r *recording) {
	if !slices.Contains(n.records, r) {
		return
	}
	hash, err := n.machine.Hash()
	if err == nil {
		err = r.out.End(n.machine.Number(), hash)
	}
	n.dropRecording(r, err)
}

func (n *Network) endRecordings() {
	for _, r := range slices.Clone(n.records) {
		n.endRecording(r)
	}
}

func (n *Network) dropRecording(r *recording, err error) {
	n.records = slices.DeleteFunc(n.records, func(o *recording) bool { return o == r })
	r.done <- err
}

// ReplayConfig is how a recording is executed again. The zero value works.
type ReplayConfig struct {
	CompilationCacheDir string       // compiled modules; empty: compiled anew
	Interpret           bool         // run code without compiling it: slow, and the same
	Logger              *slog.Logger // nil: silent
}

// Replayed says what came of a replay.
type Replayed struct {
	Batches, Rounds uint64
	Last            uint64   // number of the last batch
	Want, Got       [32]byte // hash of the state at the end, recorded and replayed
	// Differs is the number of the first batch after which a hash differs, 0 if none does.
	// The difference arose since Agrees, the last batch after which a hash agreed.
	Differs, Agrees uint64
}

// Same reports whether the replay ended in the recorded state.
func (r Replayed) Same() bool { return r.Differs == 0 && r.Want == r.Got }

// Replay executes a recording in a network of its own. name is for errors, which say that
// the recording cannot be executed; that it ends in another state is in the result.
func Replay(ctx context.Context, in io.Reader, name string, config ReplayConfig) (r Replayed, err error) {
	recording, err := disk.OpenRecording(in, name)
	if err != nil {
		return r, fmt.Errorf("replay: %w", err)
	}
	if config.Logger == nil {
		config.Logger = slog.New(slog.DiscardHandler)
	}
	engine, err := host.OpenEngine(ctx, host.EngineConfig{CacheDir: config.CompilationCacheDir, Interpret: config.Interpret})
	if err != nil {
		return r, fmt.Errorf("replay: %w", err)
	}
	defer func() { err = errors.Join(err, engine.Close(ctx)) }()
	m, err := state.Restore(ctx, state.Config{
		Engine: engine, Logger: config.Logger, Clock: func() time.Time { return time.Unix(0, 0) }, Random: func([]byte) {},
	}, recording.Core(), recording.Content)
	if err != nil {
		return r, fmt.Errorf("replay %s: %w", name, err)
	}
	defer func() { err = errors.Join(err, m.Close(ctx)) }()
	r.Agrees = m.Number()
	if err := r.run(ctx, m, recording); err != nil {
		return r, fmt.Errorf("replay %s: %w", name, err)
	}
	return r, nil
}

func (r *Replayed) run(ctx context.Context, m *state.Machine, recording *disk.Recording) error {
	for {
		if err := ctx.Err(); err != nil {
			return err
		}
		step, err := recording.Next()
		if err != nil {
			return err
		}
		if step.Batch != nil {
			err = r.apply(ctx, m, step.Batch)
		} else {
			err = r.compare(m, step)
		}
		if err != nil || step.End {
			return err
		}
	}
}

func (r *Replayed) apply(ctx context.Context, m *state.Machine, raw []byte) error {
	b, err := state.DecodeBatch(raw)
	if err != nil {
		return err
	}
	if _, err := m.Apply(ctx, b); err != nil {
		return err
	}
	r.Batches++
	r.Last = b.Number
	if b.Round != nil {
		r.Rounds++
	}
	return nil
}

func (r *Replayed) compare(m *state.Machine, step disk.Step) error {
	if step.Number != m.Number() {
		return fmt.Errorf("%w: the hash after batch %d stands after batch %d", state.ErrBadBatch, step.Number, m.Number())
	}
	got, err := m.Hash()
	if err != nil {
		return err
	}
	switch {
	case got == step.Hash && r.Differs == 0:
		r.Agrees = step.Number
	case got != step.Hash && r.Differs == 0:
		r.Differs = step.Number
	}
	if step.End {
		r.Want, r.Got = step.Hash, got
	}
	return nil
}
