// Package httpapi is what HTTP gateways call of a canister, in Go, generated from
// http.did. Package ic/cdk/http serves it.
package httpapi

//go:generate go run assay/ic/candid/candidgen -did ../http.did -pkg httpapi -out api_gen.go
