// Package counterapi is the example's interface in Go, generated from counter.did: types,
// encoders and decoders, a client for callers on and off chain, the canister's method table.
package counterapi

//go:generate go run assay/ic/candid/candidgen -did ../counter.did -pkg counterapi -out api_gen.go
