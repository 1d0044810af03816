// Package rootapi is the root canister's interface in Go, generated from root.did: types,
// encoders and decoders, a client for callers on and off chain, the canister's method table.
package rootapi

//go:generate go run assay/ic/candid/candidgen -did ../root.did -pkg rootapi -out api_gen.go
