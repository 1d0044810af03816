// Command dao is the dao canister: the edge around [vote], which decides. Members propose
// a call to the market or an upgrade by root; an adopted proposal is executed by the dao
// itself, once. dao.did is its interface; members' clients call it, the market and root
// obey it.
package main

import (
	"encoding/binary"
	"fmt"

	"assay/canisters/dao/daoapi"
	"assay/canisters/dao/vote"
	"assay/ic/cdk"
	"assay/ic/principal"
)

// regionState holds the dao's map; records start with a version byte:
//
//	c         1 · the council, as the Candid message of a daoapi.Init
//	p <id>    1 · 1 while its call is open, else 0 · the proposal, as a Candid message
const regionState = cdk.FirstRegion

const recordVersion = 1

var councilKey = []byte("c")

func program() cdk.Program {
	return cdk.Program{
		Methods:     daoapi.Methods[*cdk.Message](edge{}),
		Init:        initialise,
		PostUpgrade: func(*cdk.Message, []byte) error { _, _, err := loadCouncil(); return err },
		Orphan:      orphan,
	}
}

func init() { cdk.Serve(program()) }

func main() {}

func initialise(m *cdk.Message, arg []byte) error {
	a, err := argument(m, arg)
	if err != nil {
		return err
	}
	if err := councilIn(a).Check(); err != nil {
		return fmt.Errorf("council: %w", err)
	}
	record, err := daoapi.EncodeInit(a)
	if err != nil {
		return err
	}
	return cdk.Map(regionState).Put(councilKey, append([]byte{recordVersion}, record...))
}

// votingPeriod is how long a vote lasts where the installation does not say, in ns.
const votingPeriod = 3600 * 1_000_000_000

// argument is what the installation says, or without an argument what its environment
// does: the other canisters' ids, with the installer as the one member. Where that is
// anonymous nobody may vote, for which the root canister stands: it never does.
func argument(m *cdk.Message, arg []byte) (a daoapi.Init, err error) {
	if !cdk.NoArgument(arg) {
		if a, err = daoapi.DecodeInitArgs(arg); err != nil {
			return a, fmt.Errorf("decode the init argument: %w", err)
		}
		return a, nil
	}
	if a.Market, err = m.Peer("market"); err != nil {
		return a, err
	}
	if a.Root, err = m.Peer("root"); err != nil {
		return a, err
	}
	member := daoapi.Member{Id: m.Caller(), Name: "installer", Weight: 1}
	if m.Caller().IsAnonymous() {
		member = daoapi.Member{Id: a.Root, Name: "nobody", Weight: 1}
		m.Print("installed by the anonymous principal: nobody may vote; install it with an identity")
	}
	a.Members, a.VotingPeriod = []daoapi.Member{member}, votingPeriod
	return a, nil
}

func loadCouncil() (daoapi.Init, vote.Council, error) {
	v, ok := cdk.Map(regionState).Get(councilKey)
	if !ok || len(v) < 1 || v[0] != recordVersion {
		return daoapi.Init{}, vote.Council{}, fmt.Errorf("stored council: %d bytes of an unknown version", len(v))
	}
	a, err := daoapi.DecodeInit(v[1:])
	return a, councilIn(a), err
}

func council() (daoapi.Init, vote.Council) {
	a, c, err := loadCouncil()
	if err != nil {
		panic(err) // post_upgrade would have refused it
	}
	return a, c
}

func councilIn(a daoapi.Init) vote.Council {
	c := vote.Council{Period: a.VotingPeriod}
	for _, m := range a.Members {
		c.Members = append(c.Members, vote.Member{ID: principalIn(m.Id), Weight: m.Weight})
	}
	return c
}

func proposalKey(id uint64) []byte { return binary.BigEndian.AppendUint64([]byte("p"), id) }

// entry is a proposal as it is stored: what was asked for, and the ballot on it.
type entry struct {
	daoapi.Proposal
	ballot *vote.Ballot
}

func load(id uint64) (*entry, bool) {
	v, ok := cdk.Map(regionState).Get(proposalKey(id))
	if !ok {
		return nil, false
	}
	return decodeEntry(v), true
}

func decodeEntry(v []byte) *entry {
	if len(v) < 2 || v[0] != recordVersion {
		panic(fmt.Sprintf("stored proposal: %d bytes of an unknown version", len(v)))
	}
	p, err := daoapi.DecodeProposal(v[2:])
	if err != nil {
		panic(err)
	}
	return &entry{p, ballotIn(p, v[1] == 1)}
}

// save writes the entry with its ballot's state.
func (e *entry) save() {
	e.Proposal = e.at(0)
	record, err := daoapi.EncodeProposal(e.Proposal)
	if err != nil {
		panic(err)
	}
	running := byte(0)
	if e.ballot.Running {
		running = 1
	}
	if err := cdk.Map(regionState).Put(proposalKey(e.Id), append([]byte{recordVersion, running}, record...)); err != nil {
		panic(err)
	}
}

// at is the proposal as it stands at a time.
func (e *entry) at(now uint64) daoapi.Proposal {
	p, b := e.Proposal, e.ballot
	p.State, p.Votes = stateOut(b.At(now)), nil
	p.Yes, p.No, p.Total, p.Outcome, p.Created, p.Deadline = b.Yes, b.No, b.Total, b.Outcome, b.Created, b.Deadline
	for _, v := range b.Votes {
		p.Votes = append(p.Votes, daoapi.Vote{Member: principalOut(v.Member), Accept: v.Accept, Weight: v.Weight, At: v.At})
	}
	return p
}

func ballotIn(p daoapi.Proposal, running bool) *vote.Ballot {
	b := &vote.Ballot{
		State: stateIn(p.State), Running: running, Yes: p.Yes, No: p.No, Total: p.Total,
		Created: p.Created, Deadline: p.Deadline, Outcome: p.Outcome,
	}
	for _, v := range p.Votes {
		b.Votes = append(b.Votes, vote.Vote{Member: principalIn(v.Member), Accept: v.Accept, Weight: v.Weight, At: v.At})
	}
	return b
}

var states = [...]daoapi.ProposalState{{Open: true}, {Adopted: true}, {Rejected: true}, {Executed: true}, {Failed: true}}

func stateOut(s vote.State) *daoapi.ProposalState { return new(states[s]) }

func stateIn(s *daoapi.ProposalState) vote.State {
	for i := range states {
		if s != nil && *s == states[i] {
			return vote.State(i)
		}
	}
	panic("stored proposal: unknown state")
}

func principalIn(p principal.Principal) vote.Principal { return vote.Principal(p.Bytes()) }

func principalOut(p vote.Principal) principal.Principal {
	out, err := principal.FromBytes([]byte(p))
	if err != nil {
		panic(err) // it came from a principal
	}
	return out
}
