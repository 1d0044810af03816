// Package cyclesapi is the interface of the stand-in cycles in Go, generated from own.did.
package cyclesapi

//go:generate go run assay/ic/candid/candidgen -did ../own.did -pkg cyclesapi -out api_gen.go
