// Package dappapi is the example dApp's interface in Go, generated from dapp.did: types,
// encoders and decoders, a client for callers on and off chain, the canister's method table.
package dappapi

//go:generate go run assay/ic/candid/candidgen -did ../dapp.did -pkg dappapi -out api_gen.go
