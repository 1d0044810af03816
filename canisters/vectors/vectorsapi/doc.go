// Package vectorsapi is the vector store's interface in Go, generated from vectors.did: types,
// encoders and decoders, a client for callers on and off chain, the canister's method table.
package vectorsapi

//go:generate go run assay/ic/candid/candidgen -did ../vectors.did -pkg vectorsapi -out api_gen.go
