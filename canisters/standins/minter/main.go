// Command minter is a DEVELOPMENT STAND-IN of the cycles minting canister for local networks.
//
// Who pays ICP into an account of this canister and notifies it gets cycles: for a canister,
// for a new canister, or on the cycles ledger's stand-in. It mints none: it gives out what it was
// created with, at a fixed rate. The ICP is burnt; where cycles cannot be given, it goes back
// less a fee. A payment is processed once; one whose processing an upgrade interrupted stays
// open.
package main

import (
	"encoding/binary"
	"fmt"

	"assay/canisters/standins/minter/minterapi"
	"assay/ic/cdk"
	"assay/ic/principal"
)

const (
	regionState    = cdk.FirstRegion     // one entry: how it was started
	regionPayments = cdk.FirstRegion + 1 // results by block index
)

var keyStart, keyMinted = []byte("start"), []byte("minted")

// The ledgers' fixed ids.
var (
	icpLedger    = principal.MustParse("ryjl3-tyaaa-aaaaa-aaaba-cai")
	cyclesLedger = principal.MustParse("um5iw-rqaaa-aaaaq-qaaba-cai")
)

func program() cdk.Program {
	return cdk.Program{
		Methods:     minterapi.Methods[*cdk.Message](edge{}),
		Init:        initialise,
		PostUpgrade: func(*cdk.Message, []byte) error { _, err := started(); return err },
	}
}

func init() { cdk.Serve(program()) }

func main() {}

func initialise(m *cdk.Message, arg []byte) error {
	s, err := minterapi.DecodeStart(arg)
	if err != nil {
		return fmt.Errorf("decode the init argument: %w", err)
	}
	if s.XdrPermyriadPerIcp == 0 {
		return fmt.Errorf("a rate of zero buys nothing")
	}
	if err := cdk.Map(regionState).Put(keyStart, arg); err != nil {
		return err
	}
	rate, err := minterapi.EncodeRate(minterapi.Rate{TimestampSeconds: m.Time() / 1e9, XdrPermyriadPerIcp: s.XdrPermyriadPerIcp})
	if err != nil {
		return err
	}
	return cdk.Certified(m).Put([][]byte{[]byte(labelRate)}, rate)
}

// labelRate is where the certified tree has the rate.
const labelRate = "ICP_XDR_CONVERSION_RATE"

func started() (minterapi.Start, error) {
	arg, ok := cdk.Map(regionState).Get(keyStart)
	if !ok {
		return minterapi.Start{}, fmt.Errorf("this canister was never installed")
	}
	return minterapi.DecodeStart(arg)
}

// minted is the sum of cycles given out for ICP.
func minted() uint64 {
	b, ok := cdk.Map(regionState).Get(keyMinted)
	if !ok {
		return 0
	}
	return binary.BigEndian.Uint64(b)
}
