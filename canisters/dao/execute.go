package main

import (
	"encoding/binary"
	"errors"
	"fmt"

	"assay/canisters/dao/daoapi"
	"assay/canisters/dao/vote"
	"assay/canisters/market/marketapi"
	"assay/canisters/root/rootapi"
	"assay/ic/cdk"
)

// action is one kind of call that a proposal can ask for: how its argument reads to
// voters, and what its reply means.
type action struct {
	render  func(arg []byte) (string, error)
	outcome func(reply []byte) (refusal *marketapi.Failure, err error)
}

var marketActions = map[string]action{
	"admit_provider": {renderAdmitProvider, func(reply []byte) (*marketapi.Failure, error) {
		r, err := marketapi.DecodeAdmitProviderResults(reply)
		return r.Err, err
	}},
	"remove_provider": {renderRemoveProvider, func(reply []byte) (*marketapi.Failure, error) {
		r, err := marketapi.DecodeRemoveProviderResults(reply)
		return r.Err, err
	}},
	"admit": {renderAdmit, func(reply []byte) (*marketapi.Failure, error) {
		r, err := marketapi.DecodeAdmitResults(reply)
		return r.Err, err
	}},
	"set_parameters": {renderSetParameters, func(reply []byte) (*marketapi.Failure, error) {
		r, err := marketapi.DecodeSetParametersResults(reply)
		return r.Err, err
	}},
}

// target is the call that a proposal asks for.
func target(a daoapi.Init, e *entry) (cdk.Call, error) {
	note := binary.BigEndian.AppendUint64(nil, e.Id)
	if up := e.Action.Upgrade; up != nil {
		arg, err := rootapi.EncodeUpgradeArgs(rootapi.UpgradeArg{Canister: up.Canister, ModuleHash: up.ModuleHash, Arg: up.Arg})
		return cdk.Call{To: a.Root, Method: "upgrade", Arg: arg, Note: note}, err
	}
	return cdk.Call{To: a.Market, Method: e.Action.Market.Method, Arg: e.Action.Market.Arg, Note: note}, nil
}

// execute makes an adopted proposal's call and notes its outcome. The entry is stored as
// running before the call leaves.
func execute(m *cdk.Message, e *entry) *entry {
	a, _ := council()
	call, err := target(a, e)
	if err != nil {
		panic(err) // it was decoded when it was proposed
	}
	if err := e.ballot.Begin(); err != nil {
		panic(err) // the caller looked
	}
	e.save()
	return conclude(e.Id, cdk.All(m, call)[0])
}

// conclude notes how an execution ended. The entry is read again: it may have changed
// while the call was open.
func conclude(id uint64, o cdk.Outcome) *entry {
	e, ok := load(id)
	if !ok {
		panic(fmt.Sprintf("proposal %d is gone", id))
	}
	e.ballot.End(judge(e, o))
	e.save()
	return e
}

// judge reads an outcome. A reject of which it is certain that nothing happened, and a
// refusal that names itself retryable, can be executed again.
func judge(e *entry, o cdk.Outcome) (vote.Result, string) {
	if o.Lost {
		return vote.Lost, "the answer was lost; execute it again"
	}
	if o.Err != nil {
		if ce, ok := errors.AsType[*cdk.CallError](o.Err); ok && ce.Sent && ce.Code == cdk.CanisterReject && !ce.Retry() {
			return vote.Refused, ce.Message
		}
		return vote.Lost, o.Err.Error() + "; execute it again"
	}
	refusal, err := outcomeOf(e.Action, o.Reply)
	switch {
	case err != nil:
		return vote.Lost, "the answer cannot be read: " + err.Error()
	case refusal == nil:
		return vote.Done, "done"
	case refusal.Retry:
		return vote.Lost, refusal.Message + "; execute it again"
	}
	return vote.Refused, refusal.Message
}

func outcomeOf(a *daoapi.Action, reply []byte) (*marketapi.Failure, error) {
	if a.Upgrade == nil {
		return marketActions[a.Market.Method].outcome(reply)
	}
	r, err := rootapi.DecodeUpgradeResults(reply)
	if err != nil || r.Err == nil {
		return nil, err
	}
	return &marketapi.Failure{Message: r.Err.Message, Retry: r.Err.Retry}, nil
}

// orphan takes the outcome of an execution whose handler is gone with an upgrade or trap.
func orphan(_ *cdk.Message, i cdk.Intent, o cdk.Outcome) {
	if len(i.Note) == 8 {
		conclude(binary.BigEndian.Uint64(i.Note), o)
	}
}
