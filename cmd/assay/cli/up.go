package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"assay/canisters/dapp/dappapi"
	"assay/cmd/assay/stack"
	"assay/examples/passages"
	"assay/ic/candid"
)

// userStart is what `assay up` deposits for its user, so that `assay submit` works at once.
const userStart = 200_000_000_000

func (a *app) up() *cobra.Command {
	var model string
	var port int
	var window time.Duration
	var verbose bool
	var network string
	c := &cobra.Command{
		Use:   "up",
		Short: "Run the whole stack until it is stopped, keeping its state in a folder",
		Long: `Run the embedded network, the canisters and two providers until Ctrl-C, with the state in
--state. The first start deploys, votes and indexes the example passages; later starts go
on where the last one ended, also after a crash. Use submit, job, search and balance against it from
another terminal. For development only: the network is one process without consensus.

With --network the stack is put on another network: pocketic starts a PocketIC server from
the binary in POCKET_IC_BIN, anew each time; a URL names a network for development that gives
cycles to anybody, and whose root key is fetched from it. The folder remembers which.`,
		Args: exactArgs(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := checkNetwork(network); err != nil {
				return err
			}
			return a.runUp(c.Context(), stack.Config{Model: model, Network: network, Port: port, Logger: a.logger(verbose)}, window)
		},
	}
	c.Flags().StringVar(&model, "model", stack.ModelAuto, "auto, minilm or tiny (of a new folder)")
	c.Flags().IntVar(&port, "port", 0, "port of the network's HTTP interface (0: any, the last one again)")
	c.Flags().StringVar(&network, "network", "", "local, pocketic or a URL (empty: as before, local for a new folder)")
	c.Flags().DurationVar(&window, "window", 10*time.Second, "time between provisional and final (of a new folder)")
	c.Flags().BoolVar(&verbose, "verbose", false, "log what the network does to stderr")
	complete(c, map[string][]string{"network": {"local", "pocketic"}, "model": {stack.ModelAuto, stack.ModelMiniLM, stack.ModelTiny}})
	return c
}

func (a *app) logger(verbose bool) *slog.Logger {
	level := slog.LevelWarn
	if verbose {
		level = slog.LevelInfo
	}
	return slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: level}))
}

// maxWindow is the longest that the market allows.
const maxWindow = 30 * 24 * time.Hour

func (a *app) runUp(ctx context.Context, cfg stack.Config, window time.Duration) (err error) {
	if window < 0 || window > maxWindow {
		return withCode(exitUsage, fmt.Errorf("--window %s: take 0s to %s", window, maxWindow))
	}
	unlock, err := lockStack(a.state)
	if err != nil {
		return err
	}
	defer unlock()
	if cfg.Source, err = stack.FindSource(); err != nil {
		return err
	}
	cfg.Dir, cfg.Say = a.state, func(text string) { fmt.Fprintln(a.stderr, text) }
	s, err := stack.Open(ctx, cfg)
	if err != nil {
		return err
	}
	defer s.Close()
	if err := a.firstTime(ctx, s, window); err != nil {
		return err
	}
	for _, p := range s.State.Providers {
		if err := s.StartProvider(ctx, p, 0); err != nil {
			return err
		}
	}
	if err := a.index(ctx, s); err != nil {
		return err
	}
	a.printStack(s)
	select {
	case <-ctx.Done():
		fmt.Fprintln(a.stderr, "stopping; the state is kept in", a.state)
		return nil
	case err := <-s.Failed():
		return err
	}
}

// firstTime lets the members vote, once in a folder's life.
func (a *app) firstTime(ctx context.Context, s *stack.Stack, window time.Duration) error {
	if s.State.Admitted {
		return nil
	}
	var providers []stack.ProviderState
	for _, name := range []string{"alpha", "beta"} {
		p, err := s.NewProvider(name)
		if err != nil {
			return err
		}
		providers = append(providers, p)
	}
	parameters := stack.DefaultParameters()
	parameters.Window = uint64(window)
	return s.Admit(ctx, providers, parameters, func(text string) { fmt.Fprintln(a.stderr, text) })
}

// index gives the dApp its passages and the user a balance, unless they are there.
func (a *app) index(ctx context.Context, s *stack.Stack) error {
	developer, err := s.Agent("developer")
	if err != nil {
		return err
	}
	dapp := dappapi.NewClient[context.Context](developer.Canister(s.State.Canisters["dapp"]))
	status, err := dapp.Status(ctx)
	if err != nil || status.Passages > 0 {
		return err
	}
	if err := s.Sponsor(ctx, "user", candid.NewNat(userStart)); err != nil {
		return err
	}
	all := passages.All()
	for at := 0; at < len(all); at += batchSize {
		answer, err := dapp.Index(ctx, dappapi.IndexArg{Passages: all[at:min(at+batchSize, len(all))], Redundancy: 1})
		if err != nil {
			return err
		}
		if answer.Err != nil {
			return fmt.Errorf("index passages: %s", answer.Err.Message)
		}
	}
	return nil
}

func (a *app) printStack(s *stack.Stack) {
	w := a.stdout
	fmt.Fprintf(w, "network   %s\n", s.State.URL)
	for _, name := range stack.Canisters {
		fmt.Fprintf(w, "%-9s %s\n", name, s.State.Canisters[name])
	}
	for _, p := range s.State.Providers {
		if url, err := s.Provider(p.Name).URL(); err == nil {
			fmt.Fprintf(w, "provider  %s %s (status page; events at /v1/events?job=N)\n", p.Name, url)
		}
	}
	fmt.Fprintf(w, "model     %s %s\n", s.State.Model.Name, s.State.Model.Root)
	fmt.Fprintf(w, "state     %s\n", a.state)
	fmt.Fprintf(w, "ready; stop with Ctrl-C (%s)\n", kindOf(s.State.Network))
}

// kindOf says what a network is that a stack stands on.
func kindOf(name string) string {
	if name == "" {
		return networkKind
	}
	return "network " + name + ", for development"
}

// lockStack keeps two stacks from using one folder.
func lockStack(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	f, err := os.OpenFile(filepath.Join(dir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := lock(f); err != nil {
		f.Close()
		return nil, fmt.Errorf("another `assay up` uses %s: stop it or take another --state", dir)
	}
	return func() { f.Close() }, nil
}
