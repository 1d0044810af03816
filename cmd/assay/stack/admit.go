package stack

import (
	"context"
	"fmt"

	"assay/canisters/dapp/dappapi"
	"assay/canisters/market/marketapi"
	"assay/client"
	"assay/ic/candid"
)

// Admit lets the members vote on providers, the stack's model and the market's parameters,
// all of which they adopt, and remembers that they did.
func (s *Stack) Admit(ctx context.Context, providers []ProviderState, parameters marketapi.Parameters, say func(string)) error {
	var ballots []Ballot
	for i, p := range providers {
		action, err := AdmitProvider(p)
		if err != nil {
			return err
		}
		votes := []bool{true, true, true}
		votes[i%len(votes)] = false // members differ, and a majority is enough
		ballots = append(ballots, Ballot{Summary: "admit provider " + p.Name, Action: action, Votes: votes})
	}
	model, err := s.AdmitModel("developer")
	if err != nil {
		return err
	}
	change, err := SetParameters(parameters)
	if err != nil {
		return err
	}
	ballots = append(ballots,
		Ballot{Summary: "admit model " + s.Model.Manifest.Name, Action: model, Votes: []bool{true, true}},
		Ballot{Summary: "set the market's parameters", Action: change, Votes: []bool{true, true}})
	for _, b := range ballots {
		p, err := s.MustExecute(ctx, b)
		if err != nil {
			return err
		}
		say(fmt.Sprintf("proposal %d, %q: adopted %d to %d and executed by the dao", p.Id, p.Summary, p.Yes, p.No))
	}
	s.State.Providers, s.State.Admitted = providers, true
	return s.State.write(s.cfg.Dir)
}

// Client is the user's side for one of the stack's roles.
func (s *Stack) Client(role string) (*client.Client, error) {
	a, err := s.Agent(role)
	if err != nil {
		return nil, err
	}
	return client.New(a, s.State.Canisters["market"]), nil
}

// Sponsor lets the dApp deposit cycles for one of the stack's roles: users cannot attach any.
func (s *Stack) Sponsor(ctx context.Context, role string, amount candid.Nat) error {
	user, err := s.Principal(role)
	if err != nil {
		return err
	}
	developer, err := s.Agent("developer")
	if err != nil {
		return err
	}
	dapp := dappapi.NewClient[context.Context](developer.Canister(s.State.Canisters["dapp"]))
	answer, err := dapp.Sponsor(ctx, dappapi.SponsorArg{User: user, Cycles: amount})
	if err != nil {
		return fmt.Errorf("deposit for %s: %w", role, err)
	}
	if answer.Err != nil {
		return fmt.Errorf("deposit for %s: %s", role, answer.Err.Message)
	}
	return nil
}
