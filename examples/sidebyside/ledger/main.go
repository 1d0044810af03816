// Command ledger is the part of an ICRC-1 token that the comparison with Rust and Motoko
// has in each language. For use, take canisters/ledger.
package main

import (
	"encoding/binary"
	"errors"
	"fmt"

	"assay/examples/sidebyside/ledger/ledgerapi"
	"assay/ic/candid"
	"assay/ic/cdk"
)

// A map: "c" to the configuration, Init as a Candid message without balances; "h" to 24
// bytes of supply and transactions; "b" and an account to 16 bytes of balance, big-endian.
const regionState = cdk.FirstRegion

var (
	keyConfig = []byte("c")
	keyHead   = []byte("h")
)

func program() cdk.Program {
	return cdk.Program{Methods: ledgerapi.Methods[*cdk.Message](edge{}), Init: initialise}
}

func init() { cdk.Serve(program()) }

func main() {}

func get(key []byte) []byte {
	v, _ := cdk.Map(regionState).Get(key)
	return v
}

func put(key, value []byte) {
	if err := cdk.Map(regionState).Put(key, value); err != nil {
		panic(err)
	}
}

func appendNat(b []byte, n candid.Nat) []byte {
	return binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(b, n.Hi), n.Lo)
}

func natAt(b []byte) candid.Nat {
	return candid.Nat{Hi: binary.BigEndian.Uint64(b), Lo: binary.BigEndian.Uint64(b[8:])}
}

// account is an account's key.
func account(a ledgerapi.Account) (string, error) {
	b := append([]byte{'b', byte(len(a.Owner.Bytes()))}, a.Owner.Bytes()...)
	switch {
	case a.Subaccount == nil:
		return string(append(b, make([]byte, 32)...)), nil
	case len(*a.Subaccount) == 32:
		return string(append(b, *a.Subaccount...)), nil
	}
	return "", errors.New("a subaccount has 32 bytes")
}

func balance(key string) candid.Nat {
	if v := get([]byte(key)); v != nil {
		return natAt(v)
	}
	return candid.Nat{}
}

func setBalance(key string, n candid.Nat) {
	if n.IsZero() {
		cdk.Map(regionState).Delete([]byte(key))
		return
	}
	put([]byte(key), appendNat(nil, n))
}

// head is what changes with every transfer.
type head struct {
	supply       candid.Nat
	transactions uint64
}

func loadHead() head {
	b := get(keyHead)
	return head{natAt(b), binary.BigEndian.Uint64(b[16:])}
}

func (h head) save() {
	put(keyHead, binary.BigEndian.AppendUint64(appendNat(nil, h.supply), h.transactions))
}

func config() ledgerapi.Init {
	c, err := ledgerapi.DecodeInit(get(keyConfig))
	if err != nil {
		panic(err)
	}
	return c
}

func initialise(_ *cdk.Message, arg []byte) error {
	a, err := ledgerapi.DecodeInitArgs(arg)
	if err != nil {
		return err
	}
	var h head
	for _, b := range a.InitialBalances {
		key, err := account(b.Account)
		if err != nil {
			return err
		}
		sum, ok := h.supply.Add(b.Amount)
		if !ok {
			return errors.New("the supply would exceed 128 bits")
		}
		held, _ := balance(key).Add(b.Amount)
		setBalance(key, held)
		h = head{sum, h.transactions + 1}
	}
	if _, err := account(a.MintingAccount); err != nil {
		return err
	}
	a.InitialBalances = nil
	record, err := ledgerapi.EncodeInit(a)
	if err != nil {
		return err
	}
	put(keyConfig, record)
	h.save()
	return nil
}

// edge serves ledger.did.
type edge struct{}

func (edge) Icrc1Fee(*cdk.Message) (candid.Nat, error) { return config().Fee, nil }

func (edge) Icrc1TotalSupply(*cdk.Message) (candid.Nat, error) { return loadHead().supply, nil }

func (edge) Icrc1BalanceOf(_ *cdk.Message, a ledgerapi.Account) (candid.Nat, error) {
	key, err := account(a)
	return balance(key), err
}

func (edge) Icrc1Transfer(m *cdk.Message, t ledgerapi.TransferArgs) (r ledgerapi.Icrc1TransferResult, err error) {
	c := config()
	from, err := account(ledgerapi.Account{Owner: m.Caller(), Subaccount: t.FromSubaccount})
	if err != nil {
		return r, err
	}
	to, err := account(t.To)
	if err != nil {
		return r, err
	}
	minting, err := account(c.MintingAccount)
	if err != nil {
		return r, err
	}
	if r.Err = transfer(c, from, to, minting, t); r.Err == nil {
		r.Ok = new(candid.NewNat(loadHead().transactions - 1))
	}
	return r, nil
}

func generic(format string, args ...any) *ledgerapi.TransferError {
	return &ledgerapi.TransferError{GenericError: &ledgerapi.TransferErrorGenericError{ErrorCode: candid.NewNat(1), Message: fmt.Sprintf(format, args...)}}
}

func transfer(c ledgerapi.Init, from, to, minting string, t ledgerapi.TransferArgs) *ledgerapi.TransferError {
	mints, burns, fee := from == minting, to == minting, c.Fee
	if mints && burns {
		return generic("the minting account cannot pay itself")
	}
	if mints || burns {
		fee = candid.Nat{}
	}
	if t.Fee != nil && *t.Fee != fee {
		return &ledgerapi.TransferError{BadFee: &ledgerapi.TransferErrorBadFee{ExpectedFee: fee}}
	}
	h := loadHead()
	if mints {
		sum, ok := h.supply.Add(t.Amount)
		if !ok {
			return generic("the supply would exceed 128 bits")
		}
		h.supply = sum
	} else {
		held := balance(from)
		cost, fits := t.Amount.Add(fee)
		rest, ok := held.Sub(cost)
		if !fits || !ok {
			return &ledgerapi.TransferError{InsufficientFunds: &ledgerapi.TransferErrorInsufficientFunds{Balance: held}}
		}
		setBalance(from, rest)
		h.supply, _ = h.supply.Sub(fee)
	}
	if burns {
		h.supply, _ = h.supply.Sub(t.Amount)
	} else {
		held, _ := balance(to).Add(t.Amount)
		setBalance(to, held)
	}
	h.transactions++
	h.save()
	return nil
}
