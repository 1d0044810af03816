package main

import (
	"encoding/binary"
	"errors"
	"fmt"

	"assay/canisters/dao/daoapi"
	"assay/canisters/dao/vote"
	"assay/ic/cdk"
)

// Limits of proposals.
const (
	maxSummary   = 1000      // bytes
	maxArgument  = 256 << 10 // bytes
	maxOpen      = 100       // proposals being voted on
	maxProposals = 100       // in one answer
)

// edge serves dao.did.
type edge struct{}

var _ daoapi.Service[*cdk.Message] = edge{}

func failure(err error) *daoapi.Failure {
	return &daoapi.Failure{Message: err.Error(), Retry: errors.Is(err, vote.ErrRunning)}
}

func refuse(format string, args ...any) *daoapi.Failure {
	return &daoapi.Failure{Message: fmt.Sprintf(format, args...)}
}

func (edge) Propose(m *cdk.Message, a daoapi.ProposeArg) (r daoapi.ProposeResult, err error) {
	_, c := council()
	ballot, err := c.Propose(m.Time(), principalIn(m.Caller()))
	if err != nil {
		r.Err = failure(err)
		return r, nil
	}
	if r.Err = checkProposal(m, a); r.Err != nil {
		return r, nil
	}
	rendered, err := render(a.Action)
	if err != nil {
		r.Err = failure(err)
		return r, nil
	}
	e := &entry{daoapi.Proposal{Id: lastID() + 1, Proposer: m.Caller(), Summary: a.Summary, Action: &a.Action, Rendered: rendered}, ballot}
	e.save()
	r.Ok = &e.Id
	return r, nil
}

func checkProposal(m *cdk.Message, a daoapi.ProposeArg) *daoapi.Failure {
	if a.Summary == "" || len(a.Summary) > maxSummary {
		return refuse("the summary has %d bytes, 1 to %d are allowed", len(a.Summary), maxSummary)
	}
	open := 0
	each(1, func(e *entry) bool {
		if e.ballot.At(m.Time()) == vote.Open {
			open++
		}
		return true
	})
	if open >= maxOpen {
		return refuse("%d proposals are being voted on, the most there may be", open)
	}
	return nil
}

// each visits the proposals from an id on.
func each(from uint64, visit func(*entry) bool) {
	cdk.Map(regionState).Scan(proposalKey(from), func(key, value []byte) bool {
		return key[0] == 'p' && visit(decodeEntry(value))
	})
}

func lastID() uint64 {
	key, _, ok := cdk.Map(regionState).Last()
	if !ok || key[0] != 'p' {
		return 0
	}
	return binary.BigEndian.Uint64(key[1:])
}

func (edge) Vote(m *cdk.Message, a daoapi.VoteArg) (r daoapi.VoteResult, err error) {
	_, c := council()
	e, ok := load(a.Proposal)
	if !ok {
		r.Err = refuse("there is no proposal %d", a.Proposal)
		return r, nil
	}
	if err := c.Vote(e.ballot, m.Time(), principalIn(m.Caller()), a.Accept); err != nil {
		r.Err = failure(err)
		return r, nil
	}
	e.save()
	if e.ballot.State == vote.Adopted {
		e = execute(m, e)
	}
	r.Ok = new(e.at(m.Time()))
	return r, nil
}

// Execute begins an adopted proposal's execution again after one that was lost.
func (edge) Execute(m *cdk.Message, id uint64) (r daoapi.ExecuteResult, err error) {
	_, c := council()
	if c.Weight(principalIn(m.Caller())) == 0 {
		r.Err = failure(vote.ErrNotMember)
		return r, nil
	}
	e, ok := load(id)
	if !ok {
		r.Err = refuse("there is no proposal %d", id)
		return r, nil
	}
	if err := new(*e.ballot).Begin(); err != nil {
		r.Err = failure(err)
		return r, nil
	}
	r.Ok = new(execute(m, e).at(m.Time()))
	return r, nil
}

func (edge) Proposal(m *cdk.Message, id uint64) (*daoapi.Proposal, error) {
	e, ok := load(id)
	if !ok {
		return nil, nil
	}
	return new(e.at(m.Time())), nil
}

func (edge) Proposals(m *cdk.Message, a daoapi.ProposalsArg) ([]daoapi.Proposal, error) {
	limit := int(min(a.Limit, maxProposals))
	var out []daoapi.Proposal
	each(a.From, func(e *entry) bool {
		if len(out) >= limit {
			return false
		}
		out = append(out, e.at(m.Time()))
		return true
	})
	return out, nil
}

func (edge) Members(*cdk.Message) ([]daoapi.Member, error) {
	a, _ := council()
	return a.Members, nil
}
