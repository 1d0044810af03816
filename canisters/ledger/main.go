// Command ledger is a fungible token on the Internet Computer: ICRC-1, ICRC-2 and ICRC-10
// with the standards' own signatures, so wallets and exchanges know it.
//
// Package [tokens] decides everything, [icrc] is the edge around it; this package keeps the
// data in one map in stable memory.
// ledger.did is its interface. Numbers above 2^128 are refused as malformed; a supply
// that large cannot exist. Its controllers can replace the code: who runs a token for
// others hands them to a DAO.
package main

import (
	"cmp"
	"fmt"

	"assay/canisters/ledger/icrc"
	"assay/canisters/ledger/ledgerapi"
	"assay/canisters/ledger/tokens"
	"assay/ic/candid"
	"assay/ic/cdk"
)

// regionLedger is the part of stable memory that holds everything.
const regionLedger = cdk.FirstRegion

// What an installation gets that names no times, in ns.
const (
	dayNs        = 24 * 3600 * 1_000_000_000
	twoMinutesNs = 120 * 1_000_000_000
)

func program() cdk.Program {
	return cdk.Program{
		Methods:     ledgerapi.Methods[*cdk.Message](icrc.Edge{Open: open}),
		Init:        initialise,
		PostUpgrade: func(*cdk.Message, []byte) error { _, err := tokens.Open(store()); return err },
	}
}

func init() { cdk.Serve(program()) }

func main() {}

func initialise(m *cdk.Message, arg []byte) error {
	a, err := argument(m, arg)
	if err != nil {
		return err
	}
	c := tokens.Config{Name: a.Name, Symbol: a.Symbol, Decimals: a.Decimals, Fee: a.Fee, Window: dayNs, Drift: twoMinutesNs}
	c.Window = *cmp.Or(a.TransactionWindow, &c.Window)
	c.Drift = *cmp.Or(a.PermittedDrift, &c.Drift)
	if c.Minting, err = icrc.Account(a.MintingAccount); err != nil {
		return err
	}
	holdings := make([]tokens.Holding, len(a.InitialBalances))
	for i, b := range a.InitialBalances {
		holdings[i].Amount = b.Amount
		if holdings[i].Account, err = icrc.Account(b.Account); err != nil {
			return err
		}
	}
	_, err = tokens.Create(store(), c, holdings)
	return err
}

// argument is what the installation says, or without an argument a token to try things
// with, which the installer mints.
func argument(m *cdk.Message, arg []byte) (a ledgerapi.Init, err error) {
	if cdk.NoArgument(arg) {
		return ledgerapi.Init{
			Name: "Test token", Symbol: "TEST", Decimals: 8, Fee: candid.NewNat(10_000), MintingAccount: ledgerapi.Account{Owner: m.Caller()},
		}, nil
	}
	if a, err = ledgerapi.DecodeInitArgs(arg); err != nil {
		return a, fmt.Errorf("decode the init argument: %w", err)
	}
	return a, nil
}

func store() icrc.Store { return icrc.Store{Map: cdk.Map(regionLedger)} }

func open(*cdk.Message) *tokens.Ledger {
	l, err := tokens.Open(store())
	if err != nil {
		panic(err) // init and post_upgrade would have refused it
	}
	return l
}
