// Package pageapi is what controllers of the comparison's page call, in Go, generated from
// own.did: types, encoders and decoders, a client, the canister's method table.
package pageapi

//go:generate go run assay/ic/candid/candidgen -did ../own.did -pkg pageapi -out api_gen.go
