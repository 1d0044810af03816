// Package orchestrator is the map of the provider's daemon. It holds no code; each stage
// is a package, and daemon wires them:
//
//	poll ──► schedule ──► worker ──► run ──► verify ──► writeback
//	  │          ▲           │                             │
//	  └─ journal (queue "assigned") ─┘   journal (queue "computed", results) ─┘
//
// poll asks the market for this provider's assignments and passes on only those whose
// certificate and witness hold. The journal keeps them over a kill. schedule decides which
// ticket runs where (a pure function); worker holds the lanes and their leases; run fetches
// the input, compares it with the certified hash and computes; verify refuses an output that
// the market would refuse; writeback commits, reveals or delivers. stream and dashboard show
// what happens; they are never waited for.
//
// Who waits for whom: poll waits for nobody; run waits for a free lane; writeback waits for
// run; at a stop the order is poll, run, writeback, stream, journal. A daemon restarts from
// the market and its journal alone.
package orchestrator
