package main

import (
	"errors"
	"fmt"

	"assay/canisters/ledger/ledgerapi"
	"assay/canisters/ledger/tokens"
	"assay/ic/candid"
	"assay/ic/cdk"
	"assay/ic/principal"
)

// edge serves ledger.did.
type edge struct{}

var _ ledgerapi.Service[*cdk.Message] = edge{}

func caller(m *cdk.Message) tokens.Caller {
	return tokens.Caller{Owner: string(m.Caller().Bytes()), Now: m.Time()}
}

var errSubaccount = errors.New("a subaccount has 32 bytes")

func subaccountIn(b *[]byte) (sub [32]byte, err error) {
	if b == nil {
		return sub, nil
	}
	if len(*b) != len(sub) {
		return sub, fmt.Errorf("%w, not %d", errSubaccount, len(*b))
	}
	return [32]byte(*b), nil
}

func accountIn(a ledgerapi.Account) (tokens.Account, error) {
	sub, err := subaccountIn(a.Subaccount)
	return tokens.Account{Owner: string(a.Owner.Bytes()), Sub: sub}, err
}

func (edge) Icrc1Name(*cdk.Message) (string, error)   { return open().Config().Name, nil }
func (edge) Icrc1Symbol(*cdk.Message) (string, error) { return open().Config().Symbol, nil }

func (edge) Icrc1Decimals(*cdk.Message) (uint8, error)         { return open().Config().Decimals, nil }
func (edge) Icrc1Fee(*cdk.Message) (candid.Nat, error)         { return open().Config().Fee, nil }
func (edge) Icrc1TotalSupply(*cdk.Message) (candid.Nat, error) { return open().Supply(), nil }

func (edge) Icrc1Metadata(*cdk.Message) ([]ledgerapi.Icrc1MetadataResult, error) {
	c := open().Config()
	nat := func(n candid.Nat) ledgerapi.Value { return ledgerapi.Value{Nat: &n} }
	return []ledgerapi.Icrc1MetadataResult{
		{F0: "icrc1:name", F1: ledgerapi.Value{Text: &c.Name}},
		{F0: "icrc1:symbol", F1: ledgerapi.Value{Text: &c.Symbol}},
		{F0: "icrc1:decimals", F1: nat(candid.NewNat(uint64(c.Decimals)))},
		{F0: "icrc1:fee", F1: nat(c.Fee)},
		{F0: "icrc1:max_memo_length", F1: nat(candid.NewNat(tokens.MaxMemo))},
	}, nil
}

func (edge) Icrc1MintingAccount(*cdk.Message) (*ledgerapi.Account, error) {
	a := open().Config().Minting
	owner, err := principal.FromBytes([]byte(a.Owner))
	if err != nil {
		return nil, err
	}
	out := &ledgerapi.Account{Owner: owner}
	if a.Sub != [32]byte{} {
		out.Subaccount = new(a.Sub[:])
	}
	return out, nil
}

func (edge) Icrc1BalanceOf(_ *cdk.Message, arg ledgerapi.Account) (candid.Nat, error) {
	a, err := accountIn(arg)
	if err != nil {
		return candid.Nat{}, err
	}
	return open().Balance(a), nil
}

var standards = []ledgerapi.Standard{
	{Name: "ICRC-1", Url: "https://github.com/dfinity/ICRC-1/tree/main/standards/ICRC-1"},
	{Name: "ICRC-2", Url: "https://github.com/dfinity/ICRC-1/tree/main/standards/ICRC-2"},
	{Name: "ICRC-10", Url: "https://github.com/dfinity/ICRC/blob/main/ICRCs/ICRC-10/ICRC-10.md"},
}

func (edge) Icrc1SupportedStandards(*cdk.Message) ([]ledgerapi.Standard, error) {
	return standards, nil
}

func (edge) Icrc10SupportedStandards(*cdk.Message) ([]ledgerapi.Standard, error) {
	return standards, nil
}

func (edge) Icrc1Transfer(m *cdk.Message, arg ledgerapi.TransferArgs) (r ledgerapi.Icrc1TransferResult, err error) {
	t := tokens.Transfer{Amount: arg.Amount, Common: tokens.Common{Fee: arg.Fee, Memo: arg.Memo, Created: arg.CreatedAtTime}}
	if t.FromSub, err = subaccountIn(arg.FromSubaccount); err == nil {
		t.To, err = accountIn(arg.To)
	}
	var index uint64
	if err == nil {
		index, err = open().Transfer(caller(m), t)
	}
	if r.Err, err = transferError(err); r.Err == nil {
		r.Ok = new(candid.NewNat(index))
	}
	return r, err
}

func (edge) Icrc2Approve(m *cdk.Message, arg ledgerapi.ApproveArgs) (r ledgerapi.Icrc2ApproveResult, err error) {
	a := tokens.Approve{
		Amount: arg.Amount, Expected: arg.ExpectedAllowance, Expires: arg.ExpiresAt,
		Common: tokens.Common{Fee: arg.Fee, Memo: arg.Memo, Created: arg.CreatedAtTime},
	}
	if a.FromSub, err = subaccountIn(arg.FromSubaccount); err == nil {
		a.Spender, err = accountIn(arg.Spender)
	}
	var index uint64
	if err == nil {
		index, err = open().Approve(caller(m), a)
	}
	if r.Err, err = approveError(err); r.Err == nil {
		r.Ok = new(candid.NewNat(index))
	}
	return r, err
}

func (edge) Icrc2TransferFrom(m *cdk.Message, arg ledgerapi.TransferFromArgs) (r ledgerapi.Icrc2TransferFromResult, err error) {
	t := tokens.TransferFrom{Amount: arg.Amount, Common: tokens.Common{Fee: arg.Fee, Memo: arg.Memo, Created: arg.CreatedAtTime}}
	if t.SpenderSub, err = subaccountIn(arg.SpenderSubaccount); err == nil {
		t.From, err = accountIn(arg.From)
	}
	if err == nil {
		t.To, err = accountIn(arg.To)
	}
	var index uint64
	if err == nil {
		index, err = open().TransferFrom(caller(m), t)
	}
	if r.Err, err = transferFromError(err); r.Err == nil {
		r.Ok = new(candid.NewNat(index))
	}
	return r, err
}

func (edge) Icrc2Allowance(m *cdk.Message, arg ledgerapi.AllowanceArgs) (r ledgerapi.Allowance, err error) {
	account, err := accountIn(arg.Account)
	if err != nil {
		return r, err
	}
	spender, err := accountIn(arg.Spender)
	if err != nil {
		return r, err
	}
	a := open().Allowance(account, spender, m.Time())
	r.Allowance = a.Amount
	if a.Expires != 0 {
		r.ExpiresAt = &a.Expires
	}
	return r, nil
}
