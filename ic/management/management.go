// Package management holds the interface of the management canister, aaaaa-aa, which
// creates canisters, installs code and gives randomness: management.did and, generated
// from it, managementapi.
//
// The embedded network answers these calls, the cdk and the root canister make them on
// chain, the installer off chain.
package management
