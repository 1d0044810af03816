// Package worker holds a provider's lanes: the places where one ticket at a time runs. It
// keeps the lease of a running ticket alive and frees the lane afterwards. What to run is
// decided by schedule, what running means is given by the daemon.
package worker

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"assay/orchestrator/schedule"
)

// extendEvery renews a ticket's lease three times before it would end.
const extendEvery = 20 * time.Second

// Job is a ticket in a lane's hands.
type Job struct {
	ID     string
	Model  string
	Extend func() error // renews the lease
	Do     func(ctx context.Context)
}

// Pool is a fixed set of lanes.
type Pool struct {
	wg sync.WaitGroup
	mu struct {
		sync.Mutex
		lanes   []schedule.Lane
		running map[string]string // lane → ticket
		freed   chan struct{}     // closed when a lane gets free
	}
}

// New makes n lanes; n below one makes one.
func New(n int) *Pool {
	p := &Pool{}
	for i := range max(n, 1) {
		p.mu.lanes = append(p.mu.lanes, schedule.Lane{Name: fmt.Sprintf("lane %d", i+1), Free: true})
	}
	p.mu.running = map[string]string{}
	p.mu.freed = make(chan struct{})
	return p
}

// Lanes is a copy of the lanes as schedule wants them, and the channel that closes when
// one gets free.
func (p *Pool) Lanes() ([]schedule.Lane, <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.mu.lanes), p.mu.freed
}

// Start runs the job on the lane; it panics when the lane is not free, since only
// schedule's placements are started.
func (p *Pool) Start(ctx context.Context, lane string, job Job) {
	p.mu.Lock()
	defer p.mu.Unlock()
	i := p.indexLocked(lane)
	if !p.mu.lanes[i].Free {
		panic("worker: " + lane + " is busy")
	}
	p.mu.lanes[i].Free, p.mu.lanes[i].Model = false, job.Model
	p.mu.running[lane] = job.ID
	p.wg.Go(func() {
		defer p.free(lane)
		run(ctx, job)
	})
}

// run does the job while a second goroutine keeps its lease.
func run(ctx context.Context, job Job) {
	done := make(chan struct{})
	var lease sync.WaitGroup
	lease.Go(func() {
		tick := time.NewTicker(extendEvery)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				_ = job.Extend() // a lost lease means that the ticket runs twice, and stages are idempotent
			}
		}
	})
	job.Do(ctx)
	close(done)
	lease.Wait()
}

func (p *Pool) free(lane string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.mu.lanes[p.indexLocked(lane)].Free = true
	delete(p.mu.running, lane)
	close(p.mu.freed)
	p.mu.freed = make(chan struct{})
}

func (p *Pool) indexLocked(lane string) int {
	return slices.IndexFunc(p.mu.lanes, func(l schedule.Lane) bool { return l.Name == lane })
}

// Running is which ticket each busy lane has.
func (p *Pool) Running() map[string]string {
	p.mu.Lock()
	defer p.mu.Unlock()
	out := map[string]string{}
	for lane, ticket := range p.mu.running {
		out[lane] = ticket
	}
	return out
}

// Wait returns when no job runs.
func (p *Pool) Wait() { p.wg.Wait() }
