// Package cdk is the canister development kit: what a canister written in ordinary Go
// stands on.
//
// A canister's main hands a [Program] to [Serve] in an init function and has an empty
// main function. Its handlers come from a .did file through generated code. A handler
// gets a [Message], the only way to the system, and calls other canisters by
// [Message.Call], [All] or a generated client over a [Canister]; such a call parks the
// handler's goroutine until the answer is there, so code that awaits reads like any Go:
//
//	func (e *edge) Ask(m *cdk.Message, arg api.AskArg) (api.AskResult, error) {
//		quote, err := e.market.Quote(m, arg.Items) // other messages run meanwhile
//		...
//	}
//
// The rules of awaiting, each held by the kit:
//
//   - A Message is valid in its own execution and its own callbacks. Used from any other
//     message its methods return [ErrForeign], or a zero value where they return no
//     error, and change nothing.
//   - A message ends when every goroutine of its handler has finished or is parked in a
//     call. One that waits elsewhere (a lock that another message holds over its call, a
//     channel, time.Sleep) or that runs for ever traps the message with a text that says
//     so. Parallel calls are made by [All].
//   - A deferred function that runs because of a panic cannot call: [ErrPanicking].
//   - When a callback traps, its goroutine is ended: deferred functions run, and in them
//     calls and answers return [ErrCleanup].
//   - Before a call leaves, an [Intent] is stored in stable memory; it is removed when
//     the outcome is there. After an upgrade with calls open the parked goroutines are
//     gone: their outcomes go to [Program.Orphan], and their callers get a reject that
//     [CallError.Retry] knows. The callbacks carry the generation of the module that
//     called, so nothing is mistaken for a call of the new one.
//   - What a handler learned before a call may have changed after it.
//
// An error that a handler returns rejects its caller with the error's text and keeps what
// was changed; a panic traps and undoes the message since its last call.
//
// Tasks are named: [Message.After], [Message.Every] and [Message.Calendar] queue them in
// stable memory, each runs as a message of its own, so one that traps harms no other, and
// it is tried again, after an upgrade too. A task that fails or returns an error is tried
// again after 1 s, then 2 s and so on up to 64 s, or at its own next time if that is earlier.
//
// Calls cost while they are open: about 42 billion cycles each, most of which come back.
// [Program.Reserve] keeps a balance that calls leave alone, and the 501st open call to a
// canister is refused here and not by the system's queue, both with an error that may be
// retried.
//
// Guards decide by method who may call it: [OnlyControllers], [NotAnonymous], an
// [AllowList], a [Rate]. They run in calls and queries, and in canister_inspect_message
// where a main exports it. [Message.Log] writes to a log that survives upgrades, [Metrics]
// and [Prometheus] tell what each method uses.
//
// Entry points that not every canister has are exported by its main, because an export
// that is there costs in every round or message: see the package's example.
//
// time.Sleep and what else waits for the clock is refused when a canister is built
// (ic/wasm/build), since time stands still inside a message.
//
// The garbage collector runs at Go's default of 100 % under a soft limit of 1 GiB of
// memory. Data lives in stable memory, so live heaps are small: messages that allocate
// 1 MB each stay within 8 MiB of Wasm memory at about 2.5 M instructions, and the memory
// after 10,000 of them is that after 1,000. A smaller percentage costs twice that for 3 MiB
// less, and a heap that only a limit bounds costs half but makes the memory, which hosts
// must copy or compare, more than twice as large.
//
// A collection walks the stack of every parked handler, at 0.1 M instructions each: with
// 1,300 parked the message that meets one takes 130 M. So the kit makes collections rarer
// while handlers are parked: 200 % from 64 on, 400 % from 256, 800 % from 1,024. Messages of
// 1 MB then take on average
//
//	parked   instructions   memory     at 100 %
//	   100          3.3 M   13 MiB      6.0 M, 9 MiB
//	   500          5.2 M   23 MiB     21.3 M, 12 MiB
//	  1300          4.5 M   46 MiB     33.4 M, 17 MiB
//
// Outside Wasm the same code runs on a double of the system (package cdktest). There
// goroutines are truly parallel, so the kit cannot count them: a handler there has one
// goroutine, a call from another returns [ErrGoroutine], and a handler that waits
// elsewhere is found by a timeout.
//
// Sub-packages: system (raw calls), stable (structures in stable memory), certified
// (the certified tree), http (certified responses), calendar (planned times), cdktest
// (tests). Building and linking is ic/wasm's.
package cdk
