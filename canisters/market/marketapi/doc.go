// Package marketapi is the market's interface in Go, generated from market.did: types,
// encoders and decoders, a client for callers on and off chain, the canister's method table.
package marketapi

//go:generate go run assay/ic/candid/candidgen -did ../market.did -pkg marketapi -out api_gen.go
