package main

import (
	"errors"
	"fmt"

	"assay/canisters/ledger/icrc"
	"assay/canisters/ledger/ledgerapi"
	"assay/canisters/ledger/tokens"
	"assay/canisters/standins/cycles/cyclesapi"
	"assay/ic/candid"
	"assay/ic/cdk"
	"assay/ic/management/managementapi"
	"assay/ic/principal"
)

// edge serves own.did.
type edge struct{}

var _ cyclesapi.Service[*cdk.Message] = edge{}

func account(h cyclesapi.Holder) (tokens.Account, error) {
	return icrc.Account(ledgerapi.Account{Owner: h.Owner, Subaccount: h.Subaccount})
}

// Deposit credits the attached cycles, less the fee.
func (edge) Deposit(m *cdk.Message, arg cyclesapi.Deposit) (r cyclesapi.Deposited, err error) {
	to, err := account(arg.To)
	if err != nil {
		return r, err
	}
	attached := m.CyclesAvailable()
	credit, ok := attached.Sub(candid.NewNat(fee))
	if !ok || credit.IsZero() {
		return r, fmt.Errorf("a deposit of %s cycles does not cover the fee of %d", attached, fee)
	}
	if _, err := m.Accept(attached); err != nil {
		return r, err
	}
	index, err := mint(m, to, credit, arg.Memo)
	if err != nil {
		panic(err) // undoes the acceptance
	}
	return cyclesapi.Deposited{Balance: open(m).Balance(to), BlockIndex: candid.NewNat(index)}, nil
}

func mint(m *cdk.Message, to tokens.Account, n candid.Nat, memo *[]byte) (uint64, error) {
	return open(m).Transfer(tokens.Caller{Owner: minting(m).Owner, Now: m.Time()}, tokens.Transfer{To: to, Amount: n, Common: tokens.Common{Memo: memo}})
}

// payment takes cycles out of the ledger.
type payment struct {
	from    tokens.Account
	spender *tokens.Account // spends an allowance; nil: the owner pays
	amount  candid.Nat
	created *uint64
	purpose []byte // tells payments apart that are otherwise the same
}

// take burns the amount and the fee, and returns the block's index.
func (p payment) take(m *cdk.Message) (uint64, error) {
	total, ok := p.amount.Add(candid.NewNat(fee))
	if !ok {
		return 0, &tokens.Refusal{Kind: tokens.InsufficientFunds, Amount: open(m).Balance(p.from)}
	}
	l := openFor(m, func(t *tokens.Transaction) { t.Amount, t.Fee, t.Memo = p.amount, candid.NewNat(fee), nil })
	common := tokens.Common{Created: p.created, Memo: &p.purpose}
	if p.spender == nil {
		return l.Transfer(tokens.Caller{Owner: p.from.Owner, Now: m.Time()}, tokens.Transfer{FromSub: p.from.Sub, To: minting(m), Amount: total, Common: common})
	}
	return l.TransferFrom(tokens.Caller{Owner: p.spender.Owner, Now: m.Time()}, tokens.TransferFrom{
		SpenderSub: p.spender.Sub, From: p.from, To: minting(m), Amount: total, Common: common,
	})
}

// back mints the amount again, and returns the block's index.
func (p payment) back(m *cdk.Message) *candid.Nat {
	index, err := mint(m, p.from, p.amount, nil)
	if err != nil {
		m.Print(fmt.Sprintf("%s cycles of a failed call were not given back: %v", p.amount, err))
		return nil
	}
	return new(candid.NewNat(index))
}

// own is a payment of the caller's.
func own(m *cdk.Message, sub *[]byte, amount candid.Nat, created *uint64, purpose []byte) (p payment, err error) {
	p = payment{from: tokens.Account{Owner: string(m.Caller().Bytes())}, amount: amount, created: created, purpose: purpose}
	p.from.Sub, err = icrc.Subaccount(sub)
	return p, err
}

// allowed is a payment of somebody else's that the caller spends an allowance for.
func allowed(m *cdk.Message, from cyclesapi.Holder, sub *[]byte, amount candid.Nat, created *uint64, purpose []byte) (p payment, err error) {
	p = payment{spender: &tokens.Account{Owner: string(m.Caller().Bytes())}, amount: amount, created: created, purpose: purpose}
	if p.from, err = account(from); err != nil {
		return p, err
	}
	p.spender.Sub, err = icrc.Subaccount(sub)
	return p, err
}

// send gives cycles to a canister.
func send(m *cdk.Message, to principal.Principal, n candid.Nat) error {
	arg, err := managementapi.EncodeDepositCyclesArgs(managementapi.Canister{CanisterId: to})
	if err != nil {
		return err
	}
	_, err = m.Call(cdk.Call{To: principal.Management, Method: "deposit_cycles", Arg: arg, Cycles: n})
	return err
}

// receives reports whether a principal can hold cycles: only canisters do.
func receives(p principal.Principal) bool {
	_, ok := p.CanisterIndex()
	return ok
}

// Withdraw sends the caller's cycles to a canister.
func (edge) Withdraw(m *cdk.Message, arg cyclesapi.Withdrawal) (r cyclesapi.WithdrawResult, err error) {
	if !receives(arg.To) {
		r.Err = &cyclesapi.WithdrawError{InvalidReceiver: &cyclesapi.WithdrawErrorInvalidReceiver{Receiver: arg.To}}
		return r, nil
	}
	p, err := own(m, arg.FromSubaccount, arg.Amount, arg.CreatedAtTime, arg.To.Bytes())
	var index uint64
	if err == nil {
		index, err = p.take(m)
	}
	if err != nil {
		r.Err, err = withdrawError(err)
		return r, err
	}
	if err := send(m, arg.To, arg.Amount); err != nil {
		p.back(m)
		r.Err = &cyclesapi.WithdrawError{FailedToWithdraw: &cyclesapi.WithdrawErrorFailedToWithdraw{
			FeeBlock: new(candid.NewNat(index)), RejectionCode: rejection(err), RejectionReason: err.Error(),
		}}
		return r, nil
	}
	r.Ok = new(candid.NewNat(index))
	return r, nil
}

// WithdrawFrom is Withdraw by an allowance.
func (edge) WithdrawFrom(m *cdk.Message, arg cyclesapi.WithdrawalFrom) (r cyclesapi.WithdrawFromResult, err error) {
	if !receives(arg.To) {
		r.Err = &cyclesapi.WithdrawFromError{InvalidReceiver: &cyclesapi.WithdrawFromErrorInvalidReceiver{Receiver: arg.To}}
		return r, nil
	}
	p, err := allowed(m, arg.From, arg.SpenderSubaccount, arg.Amount, arg.CreatedAtTime, arg.To.Bytes())
	var index uint64
	if err == nil {
		index, err = p.take(m)
	}
	if err != nil {
		r.Err, err = withdrawFromError(err)
		return r, err
	}
	if err := send(m, arg.To, arg.Amount); err != nil {
		r.Err = &cyclesapi.WithdrawFromError{FailedToWithdrawFrom: &cyclesapi.WithdrawFromErrorFailedToWithdrawFrom{
			WithdrawFromBlock: new(candid.NewNat(index)), RefundBlock: p.back(m), RejectionCode: rejection(err), RejectionReason: err.Error(),
		}}
		return r, nil
	}
	r.Ok = new(candid.NewNat(index))
	return r, nil
}

// rejection is why a call failed, in the ledger's words.
func rejection(err error) (r cyclesapi.RejectionCode) {
	var failed *cdk.CallError
	if !errors.As(err, &failed) {
		r.Unknown = true
		return r
	}
	switch failed.Code {
	case cdk.SysFatal:
		r.SysFatal = true
	case cdk.SysTransient:
		r.SysTransient = true
	case cdk.DestinationInvalid:
		r.DestinationInvalid = true
	case cdk.CanisterReject:
		r.CanisterReject = true
	case cdk.CanisterError:
		r.CanisterError = true
	default:
		r.Unknown = true
	}
	return r
}
