// Package clients holds tests that drive the embedded network with agents that are not
// ours: JavaScript (@icp-sdk/core), Python (icp-py-core), Rust (ic-agent) and the icp
// command line, with all their checks on.
//
// The tests start a network with a test canister on it and beside it listeners that
// tamper with its answers. The programs in javascript, python and rust know none of this
// package: they read one JSON file that says where everything is, make one check after
// another and print a line of JSON for each. Each check becomes a Go subtest, and the
// names that must appear are listed in Go, so a program that ends early fails. What the
// agents need comes through their own package clients, see internal/need.
package clients
