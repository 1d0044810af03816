// Package tallyapi is the interface of the test canister tally, generated from tally.did.
package tallyapi

//go:generate go run assay/ic/candid/candidgen -did ../tally.did -pkg tallyapi -out api_gen.go
