package stack

import (
	"context"
	"fmt"

	"assay/canisters/dao/daoapi"
	"assay/canisters/market/marketapi"
	"assay/ic/candid"
)

// Ballot is a proposal with the votes that the stack's members cast, in Members' order;
// voting stops when it is decided.
type Ballot struct {
	Summary string
	Action  daoapi.Action
	Votes   []bool
}

// Decide proposes as the first member and votes. It returns the proposal as it ended.
func (s *Stack) Decide(ctx context.Context, b Ballot) (daoapi.Proposal, error) {
	first, err := s.dao(Members[0].Role)
	if err != nil {
		return daoapi.Proposal{}, err
	}
	proposed, err := first.Propose(ctx, daoapi.ProposeArg{Summary: b.Summary, Action: b.Action})
	if err != nil {
		return daoapi.Proposal{}, fmt.Errorf("propose %q: %w", b.Summary, err)
	}
	if proposed.Err != nil {
		return daoapi.Proposal{}, fmt.Errorf("propose %q: %s", b.Summary, proposed.Err.Message)
	}
	var p daoapi.Proposal
	for i, accept := range b.Votes {
		dao, err := s.dao(Members[i].Role)
		if err != nil {
			return p, err
		}
		voted, err := dao.Vote(ctx, daoapi.VoteArg{Proposal: *proposed.Ok, Accept: accept})
		if err != nil {
			return p, fmt.Errorf("vote on %q: %w", b.Summary, err)
		}
		if voted.Err != nil {
			return p, fmt.Errorf("vote on %q: %s", b.Summary, voted.Err.Message)
		}
		if p = *voted.Ok; p.State == nil || !p.State.Open {
			break
		}
	}
	return p, nil
}

// MustExecute is Decide for a proposal that has to be adopted and executed.
func (s *Stack) MustExecute(ctx context.Context, b Ballot) (daoapi.Proposal, error) {
	p, err := s.Decide(ctx, b)
	if err == nil && (p.State == nil || !p.State.Executed) {
		err = fmt.Errorf("proposal %q ended as %s: %s", b.Summary, p.State.Tag(), p.Outcome)
	}
	return p, err
}

func (s *Stack) dao(role string) (daoapi.Client[context.Context], error) {
	a, err := s.Agent(role)
	if err != nil {
		return daoapi.Client[context.Context]{}, err
	}
	return daoapi.NewClient[context.Context](a.Canister(s.State.Canisters["dao"])), nil
}

// Market is the market as one of the stack's roles.
func (s *Stack) Market(role string) (marketapi.Client[context.Context], error) {
	a, err := s.Agent(role)
	if err != nil {
		return marketapi.Client[context.Context]{}, err
	}
	return marketapi.NewClient[context.Context](a.Canister(s.State.Canisters["market"])), nil
}

func marketAction(method string, arg []byte, err error) (daoapi.Action, error) {
	return daoapi.Action{Market: &daoapi.ActionMarket{Method: method, Arg: arg}}, err
}

// AdmitProvider is the action that admits a provider.
func AdmitProvider(p ProviderState) (daoapi.Action, error) {
	arg, err := marketapi.EncodeAdmitProviderArgs(marketapi.ProviderEntry{Operator: p.Operator, Worker: p.Worker, Name: p.Name})
	return marketAction("admit_provider", arg, err)
}

// AdmitModel is the action that admits the stack's model, published by one of its roles.
func (s *Stack) AdmitModel(publisher string) (daoapi.Action, error) {
	id, err := s.Principal(publisher)
	if err != nil {
		return daoapi.Action{}, err
	}
	root := s.Model.Root
	arg, err := marketapi.EncodeAdmitArgs(marketapi.Entry{Model: &marketapi.ModelEntry{
		Root: root[:], Name: s.Model.Manifest.Name, Manifest: s.Model.Encoded, Publisher: id, Classes: []marketapi.Class{{Exact: true}},
		PricePerItem: candid.NewNat(200_000_000), RoyaltyPermille: 100, Dimension: uint32(s.Model.Dimension), MaxItems: 64, MaxItemBytes: 8192,
	}})
	return marketAction("admit", arg, err)
}

// SetParameters is the action that changes the market's parameters.
func SetParameters(p marketapi.Parameters) (daoapi.Action, error) {
	arg, err := marketapi.EncodeSetParametersArgs(p)
	return marketAction("set_parameters", arg, err)
}
