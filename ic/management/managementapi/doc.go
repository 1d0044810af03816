// Package managementapi is the management canister's interface in Go, generated from management.did: types,
// encoders and decoders, a client for callers on and off chain, the canister's method table.
package managementapi

//go:generate go run assay/ic/candid/candidgen -did ../management.did -pkg managementapi -out api_gen.go
