// Command cycles is a DEVELOPMENT STAND-IN of the cycles ledger for local networks: our ICRC-1 and
// ICRC-2 ledger of package tokens whose token is cycles. Deposits, withdrawals and new
// canisters move real cycles of the network; the balances that it starts with are covered
// by what it was created with. Nothing is archived.
//
// A withdrawal burns the amount and the fee, then sends the cycles; if they come back, the
// amount is minted again. An upgrade with such a call open loses the refund.
package main

import (
	"fmt"

	"assay/canisters/ledger/icrc"
	"assay/canisters/ledger/ledgerapi"
	"assay/canisters/ledger/tokens"
	"assay/canisters/standins/cycles/cyclesapi"
	"assay/ic/candid"
	"assay/ic/cdk"
)

const (
	regionLedger  = cdk.FirstRegion
	regionBlocks  = cdk.FirstRegion + 1 // and the one after it
	regionCreated = cdk.FirstRegion + 3 // canister ids by the block that paid for them
)

const (
	name     = "Cycles (development stand-in)"
	symbol   = "TCYCLES"
	decimals = 12
	fee      = 100_000_000
	window   = 24 * 3600 * 1_000_000_000 // ns in which repeats are recognised
	drift    = 120 * 1_000_000_000       // ns that callers' clocks may be ahead
)

var standards = icrc.Edge{
	Open: open,
	More: []ledgerapi.Standard{{Name: "ICRC-3", Url: "https://github.com/dfinity/ICRC-1/tree/main/standards/ICRC-3"}},
}

func program() cdk.Program {
	return cdk.Program{
		Methods:     append(ledgerapi.Methods[*cdk.Message](standards), cyclesapi.Methods[*cdk.Message](edge{})...),
		Init:        initialise,
		PostUpgrade: func(*cdk.Message, []byte) error { _, err := tokens.Open(store()); return err },
	}
}

func init() { cdk.Serve(program()) }

func main() {}

func initialise(m *cdk.Message, arg []byte) error {
	start, err := cyclesapi.DecodeStart(arg)
	if err != nil {
		return fmt.Errorf("decode the init argument: %w", err)
	}
	holdings, sum := make([]tokens.Holding, len(start.Holdings)), candid.Nat{}
	for i, h := range start.Holdings {
		holdings[i] = tokens.Holding{Account: tokens.Account{Owner: string(h.Owner.Bytes())}, Amount: h.Cycles}
		var ok bool
		if sum, ok = sum.Add(h.Cycles); !ok {
			return fmt.Errorf("the holdings exceed 128 bits")
		}
	}
	if held := m.LiquidBalance(); held.Cmp(sum) < 0 {
		return fmt.Errorf("holdings of %s cycles, but the canister has %s to spend", sum, held)
	}
	config := tokens.Config{
		Name: name, Symbol: symbol, Decimals: decimals, Fee: candid.NewNat(fee), Window: window, Drift: drift, Minting: minting(m),
	}
	_, err = tokens.CreateObserved(store(), config, holdings, m.Time(), keep(m, nil))
	return err
}

// minting is the account that deposits come from and withdrawals go to: the ledger's own.
func minting(m *cdk.Message) tokens.Account { return tokens.Account{Owner: string(m.Self().Bytes())} }

func store() icrc.Store { return icrc.Store{Map: cdk.Map(regionLedger)} }

// open is the ledger of one message, which keeps its block.
func open(m *cdk.Message) *tokens.Ledger { return openFor(m, nil) }

// openFor is open with a last change to the transaction that the block tells of.
func openFor(m *cdk.Message, change func(*tokens.Transaction)) *tokens.Ledger {
	l, err := tokens.Open(store())
	if err != nil {
		panic(err) // init and post_upgrade would have refused it
	}
	l.Observe(keep(m, change))
	return l
}
