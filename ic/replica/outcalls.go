package replica

import (
	"context"
	"sync"

	"assay/ic/replica/state"
)

// maxFetches is how many outcalls are made at a time. Others wait.
const maxFetches = 64

// fetches are the outcalls under way. The holder of [Network.drive] uses it.
type fetches struct {
	begun  map[uint64]bool
	slots  chan struct{}
	cancel context.CancelFunc
	ctx    context.Context
	group  sync.WaitGroup
}

// fetch has the outcalls made that the last round left. Each result is an input of a
// later batch.
func (n *Network) fetch() {
	if n.config.Outcalls == nil {
		return
	}
	f := &n.fetches
	if f.begun == nil {
		f.begun, f.slots = map[uint64]bool{}, make(chan struct{}, maxFetches)
		f.ctx, f.cancel = context.WithCancel(context.Background())
	}
	open := n.machine.Outcalls()
	still := make(map[uint64]bool, len(open))
	for _, o := range open {
		still[o.ID] = true
		if f.begun[o.ID] {
			continue
		}
		f.begun[o.ID] = true
		f.group.Go(func() { n.fetchOne(o) })
	}
	for id := range f.begun {
		if !still[id] {
			delete(f.begun, id)
		}
	}
}

func (n *Network) fetchOne(o state.Outcall) {
	f := &n.fetches
	select {
	case f.slots <- struct{}{}:
	case <-f.ctx.Done():
		return
	}
	defer func() { <-f.slots }()
	result := n.config.Outcalls.Fetch(f.ctx, o)
	if f.ctx.Err() == nil { // else it is made again after the next start
		n.machine.Feed(state.Input{Outcall: &result})
	}
}

// endFetches stops what is under way and waits for it.
func (n *Network) endFetches() {
	if n.fetches.cancel != nil {
		n.fetches.cancel()
		n.fetches.group.Wait()
	}
}
