package main

import (
	"encoding/binary"
	"fmt"

	"assay/canisters/standins/cycles/cyclesapi"
	"assay/ic/candid"
	"assay/ic/cdk"
	"assay/ic/principal"
)

// purposeCreate is no receiver of a withdrawal.
var purposeCreate = []byte("a new canister, which is longer than a principal")

// create makes a canister that gets the cycles, less what creation costs.
func create(m *cdk.Message, n candid.Nat, args *cyclesapi.CreationArgs) (principal.Principal, error) {
	settings := cyclesapi.Settings{}
	if args != nil && args.Settings != nil {
		settings = *args.Settings
	}
	if settings.Controllers == nil {
		settings.Controllers = &[]principal.Principal{m.Caller()}
	}
	arg, err := cyclesapi.EncodeNewCanister(cyclesapi.NewCanister{Settings: &settings})
	if err != nil {
		return principal.Principal{}, err
	}
	reply, err := m.Call(cdk.Call{To: principal.Management, Method: "create_canister", Arg: arg, Cycles: n})
	if err != nil {
		return principal.Principal{}, err
	}
	created, err := cyclesapi.DecodeCreatedCanister(reply)
	if err != nil {
		return principal.Principal{}, fmt.Errorf("decode the answer to create_canister: %w", err)
	}
	return created.CanisterId, nil
}

// remember keeps which canister a block paid for, for callers that repeat themselves.
func remember(index uint64, id principal.Principal) {
	if err := cdk.Map(regionCreated).Put(binary.BigEndian.AppendUint64(nil, index), id.Bytes()); err != nil {
		panic(err)
	}
}

// created is the canister that a block paid for, nil while it is not there.
func created(index uint64) *principal.Principal {
	b, ok := cdk.Map(regionCreated).Get(binary.BigEndian.AppendUint64(nil, index))
	if !ok {
		return nil
	}
	id, err := principal.FromBytes(b)
	if err != nil {
		panic(err) // remember wrote it
	}
	return &id
}

// CreateCanister makes a canister with the caller's cycles.
func (edge) CreateCanister(m *cdk.Message, arg cyclesapi.Creation) (r cyclesapi.CreateCanisterResult, err error) {
	p, err := own(m, arg.FromSubaccount, arg.Amount, arg.CreatedAtTime, purposeCreate)
	var index uint64
	if err == nil {
		index, err = p.take(m)
	}
	if err != nil {
		r.Err, err = createError(err)
		return r, err
	}
	id, err := create(m, arg.Amount, arg.CreationArgs)
	if err != nil {
		r.Err = &cyclesapi.CreateCanisterError{FailedToCreate: &cyclesapi.CreateCanisterErrorFailedToCreate{
			FeeBlock: new(candid.NewNat(index)), RefundBlock: p.back(m), Error: err.Error(),
		}}
		return r, nil
	}
	remember(index, id)
	r.Ok = &cyclesapi.Success{BlockId: candid.NewNat(index), CanisterId: id}
	return r, nil
}

// CreateCanisterFrom is CreateCanister by an allowance.
func (edge) CreateCanisterFrom(m *cdk.Message, arg cyclesapi.CreationFrom) (r cyclesapi.CreateCanisterFromResult, err error) {
	p, err := allowed(m, arg.From, arg.SpenderSubaccount, arg.Amount, arg.CreatedAtTime, purposeCreate)
	var index uint64
	if err == nil {
		index, err = p.take(m)
	}
	if err != nil {
		r.Err, err = createFromError(err)
		return r, err
	}
	id, err := create(m, arg.Amount, arg.CreationArgs)
	if err != nil {
		r.Err = &cyclesapi.CreateCanisterFromError{FailedToCreateFrom: &cyclesapi.CreateCanisterFromErrorFailedToCreateFrom{
			CreateFromBlock: new(candid.NewNat(index)), RefundBlock: p.back(m), RejectionCode: rejection(err), RejectionReason: err.Error(),
		}}
		return r, nil
	}
	remember(index, id)
	r.Ok = &cyclesapi.Success{BlockId: candid.NewNat(index), CanisterId: id}
	return r, nil
}
