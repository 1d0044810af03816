package main

import (
	"assay/canisters/standins/cycles/cyclesapi"
	"assay/canisters/standins/minter/minterapi"
	"assay/ic/candid"
	"assay/ic/cdk"
	"assay/ic/management/managementapi"
	"assay/ic/principal"
)

// edge serves minter.did.
type edge struct{}

var _ minterapi.Service[*cdk.Message] = edge{}

func (edge) GetDefaultSubnets(*cdk.Message) ([]principal.Principal, error) {
	s, err := started()
	return []principal.Principal{s.Subnet}, err
}

func (edge) GetSubnetTypesToSubnets(*cdk.Message) (r minterapi.GetSubnetTypesToSubnetsResult, err error) {
	return r, nil
}

func (edge) GetPrincipalsAuthorizedToCreateCanistersToSubnets(*cdk.Message) (r minterapi.GetPrincipalsAuthorizedToCreateCanistersToSubnetsResult, err error) {
	return r, nil
}

func (edge) TotalCyclesMinted(*cdk.Message) (uint64, error) { return minted(), nil }

func (edge) GetIcpXdrConversionRate(m *cdk.Message) (r minterapi.CertifiedRate, err error) {
	path := [][]byte{[]byte(labelRate)}
	rate, _ := cdk.Certified(m).Get(path)
	if r.Data, err = minterapi.DecodeRate(rate); err != nil {
		return r, err
	}
	r.Certificate, _ = m.DataCertificate() // absent in a replicated query
	r.HashTree, err = cdk.Certified(m).Witness(path)
	return r, err
}

// NotifyTopUp gives a canister the cycles of a payment.
func (edge) NotifyTopUp(m *cdk.Message, arg minterapi.NotifyTopUpArg) (minterapi.NotifyTopUpResult, error) {
	n := notification{block: arg.BlockIndex, memo: memoTopUp, customer: arg.CanisterId}
	return process(m, n, codec[minterapi.NotifyTopUpResult]{minterapi.EncodeNotifyTopUpResults, minterapi.DecodeNotifyTopUpResults},
		func(e *minterapi.NotifyError) minterapi.NotifyTopUpResult { return minterapi.NotifyTopUpResult{Err: e} },
		func(cycles candid.Nat) (minterapi.NotifyTopUpResult, error) {
			return minterapi.NotifyTopUpResult{Ok: &cycles}, deposit(m, arg.CanisterId, cycles)
		})
}

// NotifyCreateCanister makes a canister with the cycles of a payment of the caller's.
func (edge) NotifyCreateCanister(m *cdk.Message, arg minterapi.NotifyCreateCanisterArg) (minterapi.NotifyCreateCanisterResult, error) {
	failed := func(e *minterapi.NotifyError) minterapi.NotifyCreateCanisterResult {
		return minterapi.NotifyCreateCanisterResult{Err: e}
	}
	if arg.Controller != m.Caller() {
		return failed(invalid("the controller %s is not the caller", arg.Controller)), nil
	}
	n := notification{block: arg.BlockIndex, memo: memoCreate, customer: arg.Controller}
	return process(m, n, codec[minterapi.NotifyCreateCanisterResult]{minterapi.EncodeNotifyCreateCanisterResults, minterapi.DecodeNotifyCreateCanisterResults},
		failed,
		func(cycles candid.Nat) (minterapi.NotifyCreateCanisterResult, error) {
			id, err := create(m, cycles, arg.Settings)
			return minterapi.NotifyCreateCanisterResult{Ok: &id}, err
		})
}

// NotifyMintCycles gives the caller the cycles of a payment on the cycles ledger.
func (edge) NotifyMintCycles(m *cdk.Message, arg minterapi.NotifyMintCyclesArg) (minterapi.NotifyMintCyclesResult, error) {
	n := notification{block: arg.BlockIndex, memo: memoMint, customer: m.Caller()}
	return process(m, n, codec[minterapi.NotifyMintCyclesResult]{minterapi.EncodeNotifyMintCyclesResults, minterapi.DecodeNotifyMintCyclesResults},
		func(e *minterapi.NotifyError) minterapi.NotifyMintCyclesResult {
			return minterapi.NotifyMintCyclesResult{Err: e}
		},
		func(cycles candid.Nat) (r minterapi.NotifyMintCyclesResult, err error) {
			ledger := cyclesapi.NewClient[*cdk.Message](cdk.Canister{ID: cyclesLedger, Cycles: cycles})
			done, err := ledger.Deposit(m, cyclesapi.Deposit{To: cyclesapi.Holder{Owner: m.Caller(), Subaccount: arg.ToSubaccount}, Memo: arg.DepositMemo})
			r.Ok = &minterapi.Minted{Balance: done.Balance, BlockIndex: done.BlockIndex, Minted: cycles}
			return r, err
		})
}

// CreateCanister makes a canister with the attached cycles.
func (edge) CreateCanister(m *cdk.Message, arg minterapi.CreateCanisterArg) (r minterapi.CreateCanisterResult, err error) {
	cycles, err := m.Accept(m.CyclesAvailable())
	if err != nil {
		return r, err
	}
	id, err := create(m, cycles, arg.Settings)
	if err == nil {
		r.Ok = &id
		return r, nil
	}
	refunded := cycles
	if back := deposit(m, m.Caller(), cycles); back != nil {
		refunded = candid.Nat{}
	}
	r.Err = &minterapi.CreateError{Refunded: &minterapi.CreateErrorRefunded{RefundAmount: refunded, CreateError: err.Error()}}
	return r, nil
}

func deposit(m *cdk.Message, to principal.Principal, cycles candid.Nat) error {
	management := managementapi.NewClient[*cdk.Message](cdk.Canister{ID: principal.Management, Cycles: cycles})
	return management.DepositCycles(m, managementapi.Canister{CanisterId: to})
}

// create makes a canister, which the caller controls unless the settings say otherwise.
func create(m *cdk.Message, cycles candid.Nat, settings *minterapi.Settings) (id principal.Principal, err error) {
	own := minterapi.Settings{}
	if settings != nil {
		own = *settings
	}
	if own.Controllers == nil {
		own.Controllers = &[]principal.Principal{m.Caller()}
	}
	arg, err := minterapi.EncodeNewCanister(minterapi.NewCanister{Settings: &own})
	if err != nil {
		return id, err
	}
	reply, err := m.Call(cdk.Call{To: principal.Management, Method: "create_canister", Arg: arg, Cycles: cycles})
	if err != nil {
		return id, err
	}
	created, err := minterapi.DecodeCreatedCanister(reply)
	return created.CanisterId, err
}
