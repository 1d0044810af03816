// Package foreign holds tests of canisters that are not made with our kit on the embedded
// network: actors that the Motoko compiler made, and Rust canisters on ic-cdk.
//
// A test installs modules on a network in the process, whose clock it moves, and talks to
// them in Candid text. What a canister can do is in its source, in motoko and rust; what
// must come of it is here: answers, traps and what they leave, upgrades, calls between
// canisters, timers, cycles. Compilers come through their own package clients, see
// internal/need.
package foreign
