// Package ledgerapi is the ledger's interface in Go, generated from ledger.did: types,
// encoders and decoders, a client for callers on and off chain, the canister's method table.
package ledgerapi

//go:generate go run assay/ic/candid/candidgen -did ../ledger.did -pkg ledgerapi -out api_gen.go
