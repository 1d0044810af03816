// Command icp is a DEVELOPMENT STAND-IN of the ICP ledger for local networks: our ICRC-1
// and ICRC-2 ledger of package tokens, with the transfers between account identifiers and
// the blocks that clients of the ICP ledger know. Its ICP are worth nothing.
//
// An account's tokens lie under its identifier, so both kinds of transfer see one balance.
// Blocks are chained by the SHA-256 of their Candid form, where the real ledger hashes
// another; nothing is archived.
package main

import (
	"fmt"

	"assay/canisters/ledger/icrc"
	"assay/canisters/ledger/ledgerapi"
	"assay/canisters/ledger/tokens"
	"assay/canisters/standins/icp/icpapi"
	"assay/canisters/standins/identifier"
	"assay/ic/candid"
	"assay/ic/cdk"
	"assay/ic/principal"
)

const (
	regionLedger = cdk.FirstRegion
	regionBlocks = cdk.FirstRegion + 1 // and the one after it
)

const (
	name     = "Internet Computer (development stand-in)"
	symbol   = "ICP"
	decimals = 8
	fee      = 10_000                    // e8s
	window   = 24 * 3600 * 1_000_000_000 // ns in which repeats are recognised
	drift    = 60 * 1_000_000_000        // ns that callers' clocks may be ahead
	maxRange = 2_000                     // blocks in an answer
)

// ledgerID is where clients look for the ledger. Tokens are minted and burnt by its own
// account, which nobody can use; on the real network that is governance's.
var ledgerID = principal.MustParse("ryjl3-tyaaa-aaaaa-aaaba-cai")

var standards = icrc.Edge{
	Open:    open,
	Place:   place,
	Minting: &ledgerapi.Account{Owner: ledgerID},
}

func program() cdk.Program {
	return cdk.Program{
		Methods:     append(ledgerapi.Methods[*cdk.Message](standards), icpapi.Methods[*cdk.Message](edge{})...),
		Init:        initialise,
		PostUpgrade: func(*cdk.Message, []byte) error { _, err := tokens.Open(store()); return err },
	}
}

func init() { cdk.Serve(program()) }

func main() {}

func initialise(m *cdk.Message, arg []byte) error {
	start, err := icpapi.DecodeStart(arg)
	if err != nil {
		return fmt.Errorf("decode the init argument: %w", err)
	}
	holdings := make([]tokens.Holding, len(start.Holdings))
	for i, h := range start.Holdings {
		holdings[i] = tokens.Holding{Account: at(identifier.Of(h.Owner, [32]byte{})), Amount: candid.NewNat(h.Amount.E8s)}
	}
	config := tokens.Config{
		Name: name, Symbol: symbol, Decimals: decimals, Fee: candid.NewNat(fee), Window: window, Drift: drift,
		Minting: at(identifier.Of(ledgerID, [32]byte{})),
	}
	_, err = tokens.CreateObserved(store(), config, holdings, m.Time(), keep(nil))
	return err
}

func store() icrc.Store { return icrc.Store{Map: cdk.Map(regionLedger)} }

// open is the ledger of one message, which keeps its block.
func open(*cdk.Message) *tokens.Ledger { return openFor(nil) }

// openFor is open for a transfer with the memo of the older method.
func openFor(memo *uint64) *tokens.Ledger {
	l, err := tokens.Open(store())
	if err != nil {
		panic(err) // init and post_upgrade would have refused it
	}
	l.Observe(keep(memo))
	return l
}

// place is where an account's tokens lie.
func place(a tokens.Account) tokens.Account {
	owner, err := principal.FromBytes([]byte(a.Owner))
	if err != nil {
		return a // too long for an owner: the core refuses it
	}
	return at(identifier.Of(owner, a.Sub))
}

// at names an identifier as an account of the core: its owner is the first 29 bytes, so that
// different accounts have different owners.
func at(id identifier.ID) tokens.Account {
	a := tokens.Account{Owner: string(id[:tokens.MaxPrincipal])}
	copy(a.Sub[:], id[tokens.MaxPrincipal:])
	return a
}

// identifierOf is the way back from at.
func identifierOf(a tokens.Account) []byte {
	return append([]byte(a.Owner), a.Sub[:identifier.Len-tokens.MaxPrincipal]...)
}
