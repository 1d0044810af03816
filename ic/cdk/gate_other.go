//go:build !wasip1

package cdk

import (
	"bytes"
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// settleTimeout is how long a handler may take off chain before it counts as stuck.
const settleTimeout = 20 * time.Second

// gate tells when a message may end. Off chain goroutines are parallel and cannot be
// counted, so it knows each handler's one goroutine alone.
type gate struct {
	mu struct {
		sync.Mutex
		running int
	}
	idle chan struct{} // holds a token when running has come to zero
}

func (g *gate) begin() {
	g.idle = make(chan struct{}, 1)
	g.add(0)
}

func (g *gate) add(n int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.mu.running += n
	select {
	case <-g.idle:
	default:
	}
	if g.mu.running == 0 {
		g.idle <- struct{}{}
	}
}

func (g *gate) start(m *Message, f func()) {
	g.add(1)
	go func() {
		defer g.add(-1)
		m.owner.id = goroutine()
		f()
	}()
}

func (g *gate) park()   { g.add(-1) }
func (g *gate) unpark() { g.add(1) }

func (g *gate) settle(*string) bool {
	select {
	case <-g.idle:
		return true
	case <-time.After(settleTimeout):
		g.mu.Lock()
		g.mu.running = 0
		g.mu.Unlock()
		return false
	}
}

// owner is the number of the handler's goroutine.
type owner struct{ id string }

func (o owner) mayCall() bool { return o.id == goroutine() }

// goroutine is the number that a stack trace begins with: "goroutine 7 [running]:".
func goroutine() string {
	b := make([]byte, 40)
	b = bytes.TrimPrefix(b[:runtime.Stack(b, false)], []byte("goroutine "))
	n, _, _ := bytes.Cut(b, []byte(" "))
	return string(n)
}

// current is the message that the host executes.
type current struct{ m atomic.Pointer[Message] }

func (c *current) is(m *Message) bool { return c.m.Load() == m }

// executing lets one message run at a time in the process, so that [Region] and [Map]
// know whose stable memory is meant, as they do on chain.
var executing struct {
	sync.Mutex
	in atomic.Pointer[Instance]
}

func enter(in *Instance, m *Message) {
	executing.Lock()
	executing.in.Store(in)
	in.cur.m.Store(m)
}

func leave(in *Instance) {
	in.cur.m.Store(nil)
	executing.in.Store(nil)
	executing.Unlock()
}

func active() *Instance {
	in := executing.in.Load()
	if in == nil || in.manager == nil {
		panic("cdk: stable memory is there while a message runs")
	}
	return in
}

var served atomic.Pointer[Program]

// Serve makes p the program of this process, for tests to find by [Served].
func Serve(p Program) {
	if !served.CompareAndSwap(nil, &p) {
		panic("cdk: Serve was called twice")
	}
}

// Served is the program that a main's init function gave to [Serve]. It exists off chain.
func Served() Program { return *served.Load() }

// RolledBack tells the instance that its stable memory was restored, which off chain does
// not restore the Go heap.
func (in *Instance) RolledBack() error {
	if in.manager == nil || in.sys.StableSize() == 0 {
		in.manager = nil
		return nil
	}
	return in.manager.Reload()
}

// collector leaves the collector of a test's process alone.
func collector() {}

// PreUpgrade is what canister_pre_upgrade calls; off chain there is none.
func PreUpgrade() { panic("cdk: PreUpgrade runs on chain") }

// Inspect is what canister_inspect_message calls; off chain there is none.
func Inspect() { panic("cdk: Inspect runs on chain") }

// Heartbeat is what canister_heartbeat calls; off chain there is none.
func Heartbeat() { panic("cdk: Heartbeat runs on chain") }
