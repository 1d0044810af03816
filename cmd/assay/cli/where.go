package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"assay/cmd/assay/destination"
	"assay/cmd/assay/stack"
	"assay/ic/principal"
)

// checkNetwork refuses what is no network's name; empty is nobody's.
func checkNetwork(name string) error {
	if name == "" {
		return nil
	}
	if err := destination.Check(name); err != nil {
		return withCode(exitUsage, fmt.Errorf("--network %w", err))
	}
	return nil
}

// elsewhere gives a verb, or a group of them, the flags that lead to another network.
func (a *app) elsewhere(c *cobra.Command) *cobra.Command {
	c.PersistentFlags().StringVar(&a.networkName, "network", "", "network to talk to: ic, or a URL whose root key is fetched (empty: the stack's)")
	c.PersistentFlags().StringVar(&a.market, "market", "", "id of the market canister (empty: the stack's)")
	return c
}

// where is the stack that a verb talks to: that of the state folder, with what --network and
// --market say instead.
func (a *app) where(ctx context.Context) (stack.State, error) {
	if err := errors.Join(checkNetwork(a.networkName), checkMarket(a.market)); err != nil {
		return stack.State{}, withCode(exitUsage, err)
	}
	state, err := stack.ReadState(a.state)
	if err != nil && (a.market == "" || !errors.Is(err, stack.ErrNoStack)) {
		return state, withCode(exitUnknown, err)
	}
	if a.market != "" {
		if a.networkName == "" && state.URL == "" {
			return state, withCode(exitUsage, errors.New("--market without a stack: say with --network where it is"))
		}
		state.Canisters = map[string]principal.Principal{"market": principal.MustParse(a.market)} // checked above
	}
	return state, a.redirect(ctx, &state)
}

// redirect puts another network in the place of the stack's.
func (a *app) redirect(ctx context.Context, state *stack.State) error {
	switch a.networkName {
	case "", destination.Local:
		return nil
	case destination.PocketIC:
		return withCode(exitUsage, errors.New("--network pocketic starts a server for one command: run `assay up --network pocketic`, and this verb beside it without --network"))
	}
	n, err := destination.Open(ctx, a.networkName, a.stderr)
	if err != nil {
		return err
	}
	if n.Note != "" {
		fmt.Fprintln(a.stderr, "note:", n.Note)
	}
	state.Network, state.URL, state.RootKey = a.networkName, n.URL, hex.EncodeToString(n.RootKey)
	return nil
}

func checkMarket(id string) error {
	if id == "" {
		return nil
	}
	if _, err := principal.Parse(id); err != nil {
		return fmt.Errorf("--market: %w", err)
	}
	return nil
}
