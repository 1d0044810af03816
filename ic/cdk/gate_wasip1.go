//go:build wasip1

package cdk

import (
	"runtime"
	"runtime/debug"

	"assay/ic/cdk/system"
)

// yields is how often a message's end lets other goroutines run before it calls one of
// them stuck. What a goroutine is doing cannot be asked; one that only waits for the
// garbage collector is back after a few.
const yields = 400

// gate tells when a message may end. Wasm has one thread, and goroutines change only
// where they wait, so the count of goroutines is exact: those that were there before,
// less those woken, plus those parked.
type gate struct{ parked, others, percent int }

func (g *gate) begin() { g.others = runtime.NumGoroutine() - g.parked }

func (g *gate) start(_ *Message, f func()) { go f() }

func (g *gate) park() {
	g.parked++
	g.pace()
}

func (g *gate) unpark() {
	g.parked--
	g.pace()
}

// pace makes collections rarer while many goroutines are parked: each collection walks all
// their stacks, at about 0.1 M instructions a goroutine.
func (g *gate) pace() {
	percent := collectPercent
	switch {
	case g.parked >= 1024:
		percent *= 8
	case g.parked >= 256:
		percent *= 4
	case g.parked >= 64:
		percent *= 2
	}
	if percent != g.percent {
		g.percent = percent
		debug.SetGCPercent(percent)
	}
}

// collectPercent is the collector's setting while few goroutines are parked.
const collectPercent = 100

// settle lets goroutines run until all have finished or parked, or one has failed.
func (g *gate) settle(failure *string) bool {
	for range yields {
		if *failure != "" || runtime.NumGoroutine() == g.others+g.parked {
			return true
		}
		runtime.Gosched()
	}
	return false
}

// owner is of no use where goroutines can be counted.
type owner struct{}

func (owner) mayCall() bool { return true }

// current is the message that the host executes.
type current struct{ m *Message }

func (c *current) is(m *Message) bool { return c.m == m }

func enter(in *Instance, m *Message) { in.cur.m = m }
func leave(in *Instance)             { in.cur.m = nil }

var served *Instance

// Serve makes p the program of this module. Call it once, in an init function.
func Serve(p Program) {
	if served != nil {
		panic("cdk: Serve was called twice")
	}
	served = NewInstance(p, system.Canister{})
}

func active() *Instance {
	if served == nil || served.manager == nil {
		panic("cdk: stable memory is there once Init or PostUpgrade runs")
	}
	return served
}

// collector sets the policy of the package comment.
func collector() {
	debug.SetGCPercent(collectPercent)
	debug.SetMemoryLimit(1 << 30)
}

// PreUpgrade is what canister_pre_upgrade calls, in a main that exports it:
//
//	//go:wasmexport canister_pre_upgrade
//	func preUpgrade() { cdk.PreUpgrade() }
func PreUpgrade() { served.PreUpgrade() }

// Inspect is what canister_inspect_message calls, in a main that exports it:
//
//	//go:wasmexport canister_inspect_message
//	func inspect() { cdk.Inspect() }
func Inspect() { served.Inspect() }

// Heartbeat is what canister_heartbeat calls, in a main that exports it:
//
//	//go:wasmexport canister_heartbeat
//	func heartbeat() { cdk.Heartbeat() }
func Heartbeat() { served.Heartbeat() }

//go:wasmexport canister_init
func canisterInit() { served.Init() }

//go:wasmexport canister_post_upgrade
func canisterPostUpgrade() { served.PostUpgrade() }

//go:wasmexport canister_global_timer
func canisterGlobalTimer() { served.Timer() }

//go:wasmexport cdk_update
func cdkUpdate(hash uint32) { served.Update(hash) }

//go:wasmexport cdk_query
func cdkQuery(hash uint32) { served.Query(hash) }

//go:wasmexport cdk_composite_query
func cdkCompositeQuery(hash uint32) { served.CompositeQuery(hash) }

//go:wasmexport cdk_reply
func cdkReply(env uint32) { served.OnReply(env) }

//go:wasmexport cdk_reject
func cdkReject(env uint32) { served.OnReject(env) }

//go:wasmexport cdk_cleanup
func cdkCleanup(env uint32) { served.OnCleanup(env) }
