// Package ledgerapi is the interface of the comparison's ledger in Go, generated from
// ledger.did: types, encoders and decoders, a client, the canister's method table.
package ledgerapi

//go:generate go run assay/ic/candid/candidgen -did ../ledger.did -pkg ledgerapi -out api_gen.go
