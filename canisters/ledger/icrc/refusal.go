package icrc

import (
	"errors"

	"assay/canisters/ledger/ledgerapi"
	"assay/canisters/ledger/tokens"
	"assay/ic/candid"
)

// Refusal is what a core refused, nil for no error; other errors reject the message.
func Refusal(err error) (*tokens.Refusal, error) {
	if errors.Is(err, errSubaccount) {
		return &tokens.Refusal{Kind: tokens.GenericError, Code: tokens.CodeAccount, Message: err.Error()}, nil
	}
	r, ok := errors.AsType[*tokens.Refusal](err)
	if !ok {
		return nil, err
	}
	return r, nil
}

// The three error variants of the standards share most tags but are types of their own.

func transferFromError(err error) (*ledgerapi.TransferFromError, error) {
	r, err := Refusal(err)
	if r == nil {
		return nil, err
	}
	e := &ledgerapi.TransferFromError{}
	switch r.Kind {
	case tokens.BadFee:
		e.BadFee = &ledgerapi.TransferFromErrorBadFee{ExpectedFee: r.Amount}
	case tokens.BadBurn:
		e.BadBurn = &ledgerapi.TransferFromErrorBadBurn{MinBurnAmount: r.Amount}
	case tokens.InsufficientFunds:
		e.InsufficientFunds = &ledgerapi.TransferFromErrorInsufficientFunds{Balance: r.Amount}
	case tokens.InsufficientAllowance:
		e.InsufficientAllowance = &ledgerapi.TransferFromErrorInsufficientAllowance{Allowance: r.Amount}
	case tokens.CreatedInFuture:
		e.CreatedInFuture = &ledgerapi.TransferFromErrorCreatedInFuture{LedgerTime: r.Time}
	case tokens.Duplicate:
		e.Duplicate = &ledgerapi.TransferFromErrorDuplicate{DuplicateOf: candid.NewNat(r.Index)}
	case tokens.TooOld:
		e.TooOld = true
	case tokens.TemporarilyUnavailable:
		e.TemporarilyUnavailable = true
	default:
		e.GenericError = &ledgerapi.TransferFromErrorGenericError{ErrorCode: candid.NewNat(r.Code), Message: r.Message}
	}
	return e, nil
}

func transferError(err error) (*ledgerapi.TransferError, error) {
	r, err := Refusal(err)
	if r == nil {
		return nil, err
	}
	e := &ledgerapi.TransferError{}
	switch r.Kind {
	case tokens.BadFee:
		e.BadFee = &ledgerapi.TransferErrorBadFee{ExpectedFee: r.Amount}
	case tokens.BadBurn:
		e.BadBurn = &ledgerapi.TransferErrorBadBurn{MinBurnAmount: r.Amount}
	case tokens.InsufficientFunds:
		e.InsufficientFunds = &ledgerapi.TransferErrorInsufficientFunds{Balance: r.Amount}
	case tokens.CreatedInFuture:
		e.CreatedInFuture = &ledgerapi.TransferErrorCreatedInFuture{LedgerTime: r.Time}
	case tokens.Duplicate:
		e.Duplicate = &ledgerapi.TransferErrorDuplicate{DuplicateOf: candid.NewNat(r.Index)}
	case tokens.TooOld:
		e.TooOld = true
	case tokens.TemporarilyUnavailable:
		e.TemporarilyUnavailable = true
	default:
		e.GenericError = &ledgerapi.TransferErrorGenericError{ErrorCode: candid.NewNat(r.Code), Message: r.Message}
	}
	return e, nil
}

func approveError(err error) (*ledgerapi.ApproveError, error) {
	r, err := Refusal(err)
	if r == nil {
		return nil, err
	}
	e := &ledgerapi.ApproveError{}
	switch r.Kind {
	case tokens.BadFee:
		e.BadFee = &ledgerapi.ApproveErrorBadFee{ExpectedFee: r.Amount}
	case tokens.InsufficientFunds:
		e.InsufficientFunds = &ledgerapi.ApproveErrorInsufficientFunds{Balance: r.Amount}
	case tokens.AllowanceChanged:
		e.AllowanceChanged = &ledgerapi.ApproveErrorAllowanceChanged{CurrentAllowance: r.Amount}
	case tokens.Expired:
		e.Expired = &ledgerapi.ApproveErrorExpired{LedgerTime: r.Time}
	case tokens.CreatedInFuture:
		e.CreatedInFuture = &ledgerapi.ApproveErrorCreatedInFuture{LedgerTime: r.Time}
	case tokens.Duplicate:
		e.Duplicate = &ledgerapi.ApproveErrorDuplicate{DuplicateOf: candid.NewNat(r.Index)}
	case tokens.TooOld:
		e.TooOld = true
	case tokens.TemporarilyUnavailable:
		e.TemporarilyUnavailable = true
	default:
		e.GenericError = &ledgerapi.ApproveErrorGenericError{ErrorCode: candid.NewNat(r.Code), Message: r.Message}
	}
	return e, nil
}
