// Package awaitloopapi is the example's interface in Go, generated from awaitloop.did: types,
// encoders and decoders, a client for callers on and off chain, the canister's method table.
package awaitloopapi

//go:generate go run assay/ic/candid/candidgen -did ../awaitloop.did -pkg awaitloopapi -out api_gen.go
