package main

import (
	"fmt"

	"assay/canisters/ledger/icrc"
	"assay/canisters/ledger/tokens"
	"assay/canisters/standins/icp/icpapi"
	"assay/canisters/standins/identifier"
	"assay/ic/candid"
	"assay/ic/cdk"
)

// edge serves own.did.
type edge struct{}

var _ icpapi.Service[*cdk.Message] = edge{}

func (edge) Name(*cdk.Message) (icpapi.NameResult, error) { return icpapi.NameResult{Name: name}, nil }

func (edge) Symbol(*cdk.Message) (icpapi.SymbolResult, error) {
	return icpapi.SymbolResult{Symbol: symbol}, nil
}

func (edge) Decimals(*cdk.Message) (icpapi.DecimalsResult, error) {
	return icpapi.DecimalsResult{Decimals: decimals}, nil
}

func (edge) TransferFee(*cdk.Message, icpapi.TransferFeeArg) (icpapi.TransferFeeResult, error) {
	return icpapi.TransferFeeResult{TransferFee: icpapi.Tokens{E8s: fee}}, nil
}

func (edge) Archives(*cdk.Message) (icpapi.ArchivesResult, error) {
	return icpapi.ArchivesResult{}, nil
}

func (edge) AccountIdentifier(_ *cdk.Message, arg icpapi.AccountIdentifierArg) (icpapi.Identifier, error) {
	sub, err := icrc.Subaccount(arg.Subaccount)
	id := identifier.Of(arg.Owner, sub)
	return id[:], err
}

func (edge) AccountBalance(m *cdk.Message, arg icpapi.AccountBalanceArg) (icpapi.Tokens, error) {
	id, err := identifier.Parse(arg.Account)
	if err != nil {
		return icpapi.Tokens{}, err
	}
	return e8s(open(m).Balance(at(id)))
}

// e8s is an amount as the older methods have it. A supply above 2^64 e8s is not made here.
func e8s(n candid.Nat) (icpapi.Tokens, error) {
	small, ok := n.Uint64()
	if !ok {
		return icpapi.Tokens{}, fmt.Errorf("%s e8s do not fit 64 bits: ask icrc1_balance_of", n)
	}
	return icpapi.Tokens{E8s: small}, nil
}

// Transfer moves ICP between account identifiers. The fee is checked like that of ICRC-1: it is
// none where the minting account pays or is paid.
func (edge) Transfer(m *cdk.Message, arg icpapi.SendArgs) (r icpapi.TransferResult, err error) {
	to, err := identifier.Parse(arg.To)
	if err != nil {
		return r, err
	}
	sub, err := icrc.Subaccount(arg.FromSubaccount)
	if err != nil {
		return r, err
	}
	asked := candid.NewNat(arg.Fee.E8s)
	t := tokens.Transfer{To: at(to), Amount: candid.NewNat(arg.Amount.E8s), Common: tokens.Common{Fee: &asked}}
	if arg.CreatedAtTime != nil {
		t.Created = &arg.CreatedAtTime.TimestampNanos
	}
	var c tokens.Caller
	c, t.FromSub = standards.Caller(m, sub)
	index, err := openFor(&arg.Memo).Transfer(c, t)
	if err != nil {
		r.Err, err = sendError(err)
		return r, err
	}
	r.Ok = &index
	return r, nil
}

// sendError is a refusal as the older method has it; what has no variant there rejects.
func sendError(err error) (*icpapi.SendError, error) {
	refused, err := icrc.Refusal(err)
	if refused == nil {
		return nil, err
	}
	e := &icpapi.SendError{}
	switch refused.Kind {
	case tokens.BadFee:
		expected, err := e8s(refused.Amount)
		e.BadFee = &icpapi.SendErrorBadFee{ExpectedFee: expected}
		return e, err
	case tokens.InsufficientFunds:
		balance, err := e8s(refused.Amount)
		e.InsufficientFunds = &icpapi.SendErrorInsufficientFunds{Balance: balance}
		return e, err
	case tokens.TooOld:
		e.TxTooOld = &icpapi.SendErrorTxTooOld{AllowedWindowNanos: window}
	case tokens.CreatedInFuture:
		e.TxCreatedInFuture = true
	case tokens.Duplicate:
		e.TxDuplicate = &icpapi.SendErrorTxDuplicate{DuplicateOf: refused.Index}
	default:
		return nil, refused
	}
	return e, nil
}
