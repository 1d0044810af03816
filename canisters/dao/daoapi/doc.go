// Package daoapi is the dao's interface in Go, generated from dao.did: types,
// encoders and decoders, a client for callers on and off chain, the canister's method table.
package daoapi

//go:generate go run assay/ic/candid/candidgen -did ../dao.did -pkg daoapi -out api_gen.go
