// Package sample is generated from sample.did, which has every form of type that the
// generator knows. Only the tests here use it.
package sample

//go:generate go run assay/ic/candid/candidgen -did sample.did -pkg sample -out api_gen.go
