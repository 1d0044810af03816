// Package icpapi is the interface of the stand-in icp in Go, generated from own.did.
package icpapi

//go:generate go run assay/ic/candid/candidgen -did ../own.did -pkg icpapi -out api_gen.go
