// Package spectest holds the embedded network to the Internet Computer's interface
// specification: a table of behaviours, each with the document and section that asks
// for it, driven over the HTTP interface with canisters that do what their messages
// say (ic/replica/replicatest).
//
// The table is in the package's tests; it is written from the specification and not
// from the network, and uses its own encoding of requests, its own request ids and its
// own description of the management canister. It leaves to ic/replica/state and
// ic/replica/door what the specification does not say. To run a part of it:
//
//	go test ./ic/replica/spectest -run 'TestBehaviours/cycles'
package spectest
