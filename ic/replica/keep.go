package replica

import (
	"context"
	"errors"
	"fmt"
	"time"

	"assay/ic/replica/disk"
	"assay/ic/replica/state"
)

// When the log is long enough for a checkpoint: so that a start executes no more than some
// seconds of it again, and that no more than a part of the time goes into checkpoints of
// large heaps.
const (
	workPerByte        = 50 // instructions for each byte of the last checkpoint
	checkpointRetrying = 30 * time.Second
)

// Tests make more checkpoints.
var (
	checkpointBytes int64  = 16 << 20       // of the log
	checkpointWork  uint64 = 10_000_000_000 // instructions
)

// keeper is what a network with a folder has besides. The holder of [Network.drive] uses
// it.
type keeper struct {
	store   *disk.Store
	failing bool      // the last append did
	writing bool      // a checkpoint is being finished
	size    int64     // bytes written for the last one
	work    uint64    // the machine's, at the last one
	retry   time.Time // not before that after one that failed
}

// recover opens the folder and makes the machine that was there: the last checkpoint, and
// the log executed again.
func (n *Network) recover(ctx context.Context) error {
	if n.config.Dir == "" {
		n.machine = state.New(n.machineConfig())
		return nil
	}
	var err error
	if n.keep.store, err = disk.Open(n.config.Dir, n.config.Files); err != nil {
		return err
	}
	core, err := n.keep.store.Core()
	if err != nil {
		return err
	}
	if core == nil {
		n.machine = state.New(n.machineConfig())
	} else if n.machine, err = state.Restore(ctx, n.machineConfig(), core, n.keep.store.Content); err != nil {
		return fmt.Errorf("restore the state of %s: %w", n.config.Dir, err)
	}
	batches := 0
	n.recovering.Store(true)
	defer n.recovering.Store(false)
	err = n.keep.store.Records(func(_ uint64, record []byte) error {
		b, err := state.DecodeBatch(record)
		if err == nil {
			batches++
			_, err = n.machine.Apply(ctx, b)
		}
		return err
	})
	if err != nil {
		return errors.Join(err, n.machine.Close(ctx))
	}
	if batches > 0 {
		n.config.Logger.Info("executed the log again", "dir", n.config.Dir, "batches", batches, "instructions", n.machine.Work())
	}
	return nil
}

// advance makes a batch of what was submitted, with a round or without, keeps it and
// applies it. The caller holds drive.
func (n *Network) advance(ctx context.Context, round bool) (more bool, err error) {
	b := n.machine.Next(round)
	if b == nil {
		return false, nil
	}
	if round && n.clock.pace() == Manual {
		b.Round.Tick = true
	}
	raw, err := b.Encode()
	if err == nil {
		err = n.append(raw)
	}
	if err != nil {
		n.machine.Abandon(b, err)
		return false, err
	}
	if more, err = n.machine.Apply(ctx, b); err != nil {
		return false, err
	}
	n.recordBatch(b, raw)
	n.fetch()
	n.checkpointIfDue()
	return more, nil
}

// append writes a batch to the log and says it when that begins to fail or to work again.
func (n *Network) append(batch []byte) error {
	if n.keep.store == nil {
		return nil
	}
	err := n.keep.store.Append(batch)
	switch {
	case err != nil && !n.keep.failing:
		n.config.Logger.Error("the log cannot be written: nothing is executed and no message is taken until it can", "error", err)
	case err == nil && n.keep.failing:
		n.config.Logger.Warn("the log can be written again")
	}
	n.keep.failing = err != nil
	return err
}

func (n *Network) checkpointIfDue() {
	k := &n.keep
	if k.store == nil || k.writing || time.Now().Before(k.retry) {
		return
	}
	work := n.machine.Work() - k.work
	if work < max(checkpointWork, workPerByte*uint64(k.size)) && k.store.Logged() < max(checkpointBytes, k.size/2) {
		return
	}
	finish, err := n.beginCheckpoint()
	if err != nil {
		n.checkpointFailed(err)
		return
	}
	k.writing = true
	n.writing.Go(func() {
		done := finish()
		n.drive.Lock()
		defer n.drive.Unlock()
		k.writing = false
		done()
	})
}

// beginCheckpoint writes a checkpoint, which the network has to wait for. Finish syncs it,
// for which it need not, and returns what to do with drive held.
func (n *Network) beginCheckpoint() (finish func() (done func()), err error) {
	began := time.Now()
	cp, err := n.machine.Checkpoint()
	if err != nil {
		return nil, err
	}
	pending, err := n.keep.store.Checkpoint(cp.Core, diskContents(cp))
	if err != nil {
		return nil, err
	}
	n.keep.work = n.machine.Work()
	stall := time.Since(began)
	return func() func() {
		err := pending.Finish()
		return func() {
			if err != nil {
				pending.Abandon()
				n.checkpointFailed(err)
				return
			}
			pending.Done()
			cp.Kept()
			n.keep.size = pending.Bytes
			n.config.Logger.Info("checkpoint", "batch", cp.Number, "bytes", pending.Bytes, "stalled", stall, "took", time.Since(began))
		}
	}, nil
}

// checkpointFailed: the log holds everything, so nothing is lost but time at the next
// start.
func (n *Network) checkpointFailed(err error) {
	n.keep.retry = time.Now().Add(checkpointRetrying)
	n.config.Logger.Warn("no checkpoint: the log grows and the next start takes longer", "error", err)
}

// close runs once, also after an error of the first time.
func (n *Network) close() error {
	n.closing.Do(func() {
		ctx := context.Background()
		n.drive.Lock()
		if _, err := n.advance(ctx, false); err != nil {
			n.config.Logger.Error("what was submitted last is lost", "error", err)
		}
		n.keep.retry = time.Now().Add(time.Hour) // no more checkpoints in the background
		n.machine.Seal()
		n.closed = true
		n.endRecordings()
		n.endFetches()
		n.drive.Unlock()
		n.writing.Wait()
		n.drive.Lock()
		defer n.drive.Unlock()
		n.closeErr = errors.Join(n.lastCheckpoint(), n.machine.Close(ctx), n.engine.Close(ctx))
	})
	return n.closeErr
}

// lastCheckpoint makes the next start quick.
func (n *Network) lastCheckpoint() error {
	store := n.keep.store
	if store == nil {
		return nil
	}
	if store.Logged() > 0 {
		finish, err := n.beginCheckpoint()
		if err != nil {
			n.checkpointFailed(err)
		} else {
			finish()()
		}
	}
	return store.Close()
}

func (n *Network) stateHash() (sum [32]byte, err error) {
	n.drive.Lock()
	defer n.drive.Unlock()
	return n.machine.Hash()
}
