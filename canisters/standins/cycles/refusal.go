package main

import (
	"assay/canisters/ledger/icrc"
	"assay/canisters/ledger/tokens"
	"assay/canisters/standins/cycles/cyclesapi"
	"assay/ic/candid"
)

// The four error variants share most tags but are types of their own.

func withdrawError(err error) (*cyclesapi.WithdrawError, error) {
	r, err := icrc.Refusal(err)
	if r == nil {
		return nil, err
	}
	e := &cyclesapi.WithdrawError{}
	switch r.Kind {
	case tokens.InsufficientFunds:
		e.InsufficientFunds = &cyclesapi.WithdrawErrorInsufficientFunds{Balance: r.Amount}
	case tokens.CreatedInFuture:
		e.CreatedInFuture = &cyclesapi.WithdrawErrorCreatedInFuture{LedgerTime: r.Time}
	case tokens.Duplicate:
		e.Duplicate = &cyclesapi.WithdrawErrorDuplicate{DuplicateOf: candid.NewNat(r.Index)}
	case tokens.TooOld:
		e.TooOld = true
	case tokens.TemporarilyUnavailable:
		e.TemporarilyUnavailable = true
	default:
		e.GenericError = &cyclesapi.WithdrawErrorGenericError{ErrorCode: candid.NewNat(r.Code), Message: r.Error()}
	}
	return e, nil
}

func withdrawFromError(err error) (*cyclesapi.WithdrawFromError, error) {
	r, err := icrc.Refusal(err)
	if r == nil {
		return nil, err
	}
	e := &cyclesapi.WithdrawFromError{}
	switch r.Kind {
	case tokens.InsufficientFunds:
		e.InsufficientFunds = &cyclesapi.WithdrawFromErrorInsufficientFunds{Balance: r.Amount}
	case tokens.InsufficientAllowance:
		e.InsufficientAllowance = &cyclesapi.WithdrawFromErrorInsufficientAllowance{Allowance: r.Amount}
	case tokens.CreatedInFuture:
		e.CreatedInFuture = &cyclesapi.WithdrawFromErrorCreatedInFuture{LedgerTime: r.Time}
	case tokens.Duplicate:
		e.Duplicate = &cyclesapi.WithdrawFromErrorDuplicate{DuplicateOf: candid.NewNat(r.Index)}
	case tokens.TooOld:
		e.TooOld = true
	case tokens.TemporarilyUnavailable:
		e.TemporarilyUnavailable = true
	default:
		e.GenericError = &cyclesapi.WithdrawFromErrorGenericError{ErrorCode: candid.NewNat(r.Code), Message: r.Error()}
	}
	return e, nil
}

func createError(err error) (*cyclesapi.CreateCanisterError, error) {
	r, err := icrc.Refusal(err)
	if r == nil {
		return nil, err
	}
	e := &cyclesapi.CreateCanisterError{}
	switch r.Kind {
	case tokens.InsufficientFunds:
		e.InsufficientFunds = &cyclesapi.CreateCanisterErrorInsufficientFunds{Balance: r.Amount}
	case tokens.CreatedInFuture:
		e.CreatedInFuture = &cyclesapi.CreateCanisterErrorCreatedInFuture{LedgerTime: r.Time}
	case tokens.Duplicate:
		e.Duplicate = &cyclesapi.CreateCanisterErrorDuplicate{DuplicateOf: candid.NewNat(r.Index), CanisterId: created(r.Index)}
	case tokens.TooOld:
		e.TooOld = true
	case tokens.TemporarilyUnavailable:
		e.TemporarilyUnavailable = true
	default:
		e.GenericError = &cyclesapi.CreateCanisterErrorGenericError{ErrorCode: candid.NewNat(r.Code), Message: r.Error()}
	}
	return e, nil
}

func createFromError(err error) (*cyclesapi.CreateCanisterFromError, error) {
	r, err := icrc.Refusal(err)
	if r == nil {
		return nil, err
	}
	e := &cyclesapi.CreateCanisterFromError{}
	switch r.Kind {
	case tokens.InsufficientFunds:
		e.InsufficientFunds = &cyclesapi.CreateCanisterFromErrorInsufficientFunds{Balance: r.Amount}
	case tokens.InsufficientAllowance:
		e.InsufficientAllowance = &cyclesapi.CreateCanisterFromErrorInsufficientAllowance{Allowance: r.Amount}
	case tokens.CreatedInFuture:
		e.CreatedInFuture = &cyclesapi.CreateCanisterFromErrorCreatedInFuture{LedgerTime: r.Time}
	case tokens.Duplicate:
		e.Duplicate = &cyclesapi.CreateCanisterFromErrorDuplicate{DuplicateOf: candid.NewNat(r.Index), CanisterId: created(r.Index)}
	case tokens.TooOld:
		e.TooOld = true
	case tokens.TemporarilyUnavailable:
		e.TemporarilyUnavailable = true
	default:
		e.GenericError = &cyclesapi.CreateCanisterFromErrorGenericError{ErrorCode: candid.NewNat(r.Code), Message: r.Error()}
	}
	return e, nil
}
