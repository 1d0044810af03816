// Package sidebyside compares canisters in Go with the same ones in Rust (ic-cdk) and
// Motoko: same interface, same scenario, same network.
//
// The Go sources are examples/counter, pubsub and awaitloop and the ledger and page here;
// the others are in rust and motoko. The test builds and plays them; what it finds is in
// docs/side-by-side.md. By itself it plays the counter alone; with ASSAY_SIDEBYSIDE=1
// (make prove PART=sidebyside) all of them, since a first build in Rust takes minutes.
package sidebyside
