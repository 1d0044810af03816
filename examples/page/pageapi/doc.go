// Package pageapi is the page's interface for its authors in Go, generated from own.did.
package pageapi

//go:generate go run assay/ic/candid/candidgen -did ../own.did -pkg pageapi -out api_gen.go
