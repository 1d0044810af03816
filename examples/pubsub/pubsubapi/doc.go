// Package pubsubapi is the example's interface in Go, generated from pubsub.did: types,
// encoders and decoders, a client for callers on and off chain, the canister's method table.
package pubsubapi

//go:generate go run assay/ic/candid/candidgen -did ../pubsub.did -pkg pubsubapi -out api_gen.go
