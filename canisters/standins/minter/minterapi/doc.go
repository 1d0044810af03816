// Package minterapi is the interface of the stand-in minter in Go, generated from minter.did.
package minterapi

//go:generate go run assay/ic/candid/candidgen -did ../minter.did -pkg minterapi -out api_gen.go
