// Package replayapi is the interface of the replay canister, generated from replay.did.
package replayapi

//go:generate go run assay/ic/candid/candidgen -did ../replay.did -pkg replayapi -out api_gen.go
