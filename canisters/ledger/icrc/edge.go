// Package icrc answers the calls of ledger.did, ICRC-1, ICRC-2 and ICRC-10, from a ledger
// of package [tokens]: it decodes accounts, says who calls and when, and turns refusals into
// the standards' error variants. The canister ledger serves it as it is; canisters that
// are ledgers beside something else put it beside their own methods.
package icrc

import (
	"errors"
	"fmt"

	"assay/canisters/ledger/ledgerapi"
	"assay/canisters/ledger/tokens"
	"assay/ic/candid"
	"assay/ic/cdk"
	"assay/ic/principal"
)

// Edge serves ledger.did. Open is required.
type Edge struct {
	// Open is the ledger for one message.
	Open func(m *cdk.Message) *tokens.Ledger
	// Place is where the tokens of an account lie, for ledgers that name accounts in
	// another way; nil: under the account itself.
	Place func(tokens.Account) tokens.Account
	// Minting is the minting account as callers may see it; nil: the configured one.
	Minting *ledgerapi.Account
	// More are standards beyond the three.
	More []ledgerapi.Standard
}

var _ ledgerapi.Service[*cdk.Message] = Edge{}

// Caller is who calls, by where the tokens of that subaccount lie, and the subaccount there.
func (e Edge) Caller(m *cdk.Message, sub [32]byte) (tokens.Caller, [32]byte) {
	a := e.place(tokens.Account{Owner: string(m.Caller().Bytes()), Sub: sub})
	return tokens.Caller{Owner: a.Owner, Now: m.Time()}, a.Sub
}

func (e Edge) place(a tokens.Account) tokens.Account {
	if e.Place == nil {
		return a
	}
	return e.Place(a)
}

var errSubaccount = errors.New("a subaccount has 32 bytes")

// Subaccount is a subaccount as the core has it: all zeros where none is given.
func Subaccount(b *[]byte) (sub [32]byte, err error) {
	if b == nil {
		return sub, nil
	}
	if len(*b) != len(sub) {
		return sub, fmt.Errorf("%w, not %d", errSubaccount, len(*b))
	}
	return [32]byte(*b), nil
}

// Account is an account as the core has it.
func Account(a ledgerapi.Account) (tokens.Account, error) {
	sub, err := Subaccount(a.Subaccount)
	return tokens.Account{Owner: string(a.Owner.Bytes()), Sub: sub}, err
}

func (e Edge) account(a ledgerapi.Account) (tokens.Account, error) {
	out, err := Account(a)
	return e.place(out), err
}

func (e Edge) Icrc1Name(m *cdk.Message) (string, error)   { return e.Open(m).Config().Name, nil }
func (e Edge) Icrc1Symbol(m *cdk.Message) (string, error) { return e.Open(m).Config().Symbol, nil }

func (e Edge) Icrc1Decimals(m *cdk.Message) (uint8, error) { return e.Open(m).Config().Decimals, nil }

func (e Edge) Icrc1Fee(m *cdk.Message) (candid.Nat, error) { return e.Open(m).Config().Fee, nil }

func (e Edge) Icrc1TotalSupply(m *cdk.Message) (candid.Nat, error) { return e.Open(m).Supply(), nil }

func (e Edge) Icrc1Metadata(m *cdk.Message) ([]ledgerapi.Icrc1MetadataResult, error) {
	c := e.Open(m).Config()
	nat := func(n candid.Nat) ledgerapi.Value { return ledgerapi.Value{Nat: &n} }
	return []ledgerapi.Icrc1MetadataResult{
		{F0: "icrc1:name", F1: ledgerapi.Value{Text: &c.Name}},
		{F0: "icrc1:symbol", F1: ledgerapi.Value{Text: &c.Symbol}},
		{F0: "icrc1:decimals", F1: nat(candid.NewNat(uint64(c.Decimals)))},
		{F0: "icrc1:fee", F1: nat(c.Fee)},
		{F0: "icrc1:max_memo_length", F1: nat(candid.NewNat(tokens.MaxMemo))},
	}, nil
}

func (e Edge) Icrc1MintingAccount(m *cdk.Message) (*ledgerapi.Account, error) {
	if e.Minting != nil {
		return e.Minting, nil
	}
	a := e.Open(m).Config().Minting
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

func (e Edge) Icrc1BalanceOf(m *cdk.Message, arg ledgerapi.Account) (candid.Nat, error) {
	a, err := e.account(arg)
	if err != nil {
		return candid.Nat{}, err
	}
	return e.Open(m).Balance(a), nil
}

var standards = []ledgerapi.Standard{
	{Name: "ICRC-1", Url: "https://github.com/dfinity/ICRC-1/tree/main/standards/ICRC-1"},
	{Name: "ICRC-2", Url: "https://github.com/dfinity/ICRC-1/tree/main/standards/ICRC-2"},
	{Name: "ICRC-10", Url: "https://github.com/dfinity/ICRC/blob/main/ICRCs/ICRC-10/ICRC-10.md"},
}

func (e Edge) Icrc1SupportedStandards(*cdk.Message) ([]ledgerapi.Standard, error) {
	return append(standards[:len(standards):len(standards)], e.More...), nil
}

func (e Edge) Icrc10SupportedStandards(m *cdk.Message) ([]ledgerapi.Standard, error) {
	return e.Icrc1SupportedStandards(m)
}

func (e Edge) Icrc1Transfer(m *cdk.Message, arg ledgerapi.TransferArgs) (r ledgerapi.Icrc1TransferResult, err error) {
	t := tokens.Transfer{Amount: arg.Amount, Common: tokens.Common{Fee: arg.Fee, Memo: arg.Memo, Created: arg.CreatedAtTime}}
	if t.FromSub, err = Subaccount(arg.FromSubaccount); err == nil {
		t.To, err = e.account(arg.To)
	}
	var index uint64
	if err == nil {
		var c tokens.Caller
		c, t.FromSub = e.Caller(m, t.FromSub)
		index, err = e.Open(m).Transfer(c, t)
	}
	if r.Err, err = transferError(err); r.Err == nil {
		r.Ok = new(candid.NewNat(index))
	}
	return r, err
}

func (e Edge) Icrc2Approve(m *cdk.Message, arg ledgerapi.ApproveArgs) (r ledgerapi.Icrc2ApproveResult, err error) {
	a := tokens.Approve{
		Amount: arg.Amount, Expected: arg.ExpectedAllowance, Expires: arg.ExpiresAt,
		Common: tokens.Common{Fee: arg.Fee, Memo: arg.Memo, Created: arg.CreatedAtTime},
	}
	if a.FromSub, err = Subaccount(arg.FromSubaccount); err == nil {
		a.Spender, err = e.account(arg.Spender)
	}
	var index uint64
	if err == nil {
		var c tokens.Caller
		c, a.FromSub = e.Caller(m, a.FromSub)
		index, err = e.Open(m).Approve(c, a)
	}
	if r.Err, err = approveError(err); r.Err == nil {
		r.Ok = new(candid.NewNat(index))
	}
	return r, err
}

func (e Edge) Icrc2TransferFrom(m *cdk.Message, arg ledgerapi.TransferFromArgs) (r ledgerapi.Icrc2TransferFromResult, err error) {
	t := tokens.TransferFrom{Amount: arg.Amount, Common: tokens.Common{Fee: arg.Fee, Memo: arg.Memo, Created: arg.CreatedAtTime}}
	if t.SpenderSub, err = Subaccount(arg.SpenderSubaccount); err == nil {
		t.From, err = e.account(arg.From)
	}
	if err == nil {
		t.To, err = e.account(arg.To)
	}
	var index uint64
	if err == nil {
		var c tokens.Caller
		c, t.SpenderSub = e.Caller(m, t.SpenderSub)
		index, err = e.Open(m).TransferFrom(c, t)
	}
	if r.Err, err = transferFromError(err); r.Err == nil {
		r.Ok = new(candid.NewNat(index))
	}
	return r, err
}

func (e Edge) Icrc2Allowance(m *cdk.Message, arg ledgerapi.AllowanceArgs) (r ledgerapi.Allowance, err error) {
	account, err := e.account(arg.Account)
	if err != nil {
		return r, err
	}
	spender, err := e.account(arg.Spender)
	if err != nil {
		return r, err
	}
	a := e.Open(m).Allowance(account, spender, m.Time())
	r.Allowance = a.Amount
	if a.Expires != 0 {
		r.ExpiresAt = &a.Expires
	}
	return r, nil
}
