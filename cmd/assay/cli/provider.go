package cli

import (
	"fmt"
	"log/slog"

	"github.com/spf13/cobra"

	"assay/cmd/assay/stack"
	"assay/inference/pipeline"
)

func (a *app) provider() *cobra.Command {
	return group("provider", "Run a GPU operator's side", a.providerRun())
}

func (a *app) providerRun() *cobra.Command {
	var config string
	var cheat int
	c := &cobra.Command{
		Use:   "run --config FILE",
		Short: "Run the provider's daemon: poll, compute, write back",
		Long: `Run the provider's daemon until it is stopped. It polls the market for its certified
assignments, computes them and writes the results back. A killed daemon goes on where it
was: what it needs is in the market and in its journal.

The configuration is JSON: name, dir, network, root_key, market, operator, worker (path of
the key), model, lanes, listen, nats. The daemon writes where its dashboard and event
stream listen to daemon.json in its folder.`,
		Args: exactArgs(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			file, err := stack.ReadProviderFile(config)
			if err != nil {
				return withCode(exitUsage, err)
			}
			log := slog.New(slog.NewTextHandler(a.stderr, nil))
			var wrap stack.Wrap
			development := ""
			if cheat > 0 {
				development = fmt.Sprintf("started with --development-cheat: it falsifies %d outputs on purpose", cheat)
				log.Warn("DEVELOPMENT ONLY: " + development)
				wrap = func(b pipeline.Backend) pipeline.Backend { return newCheater(b, cheat, log) }
			}
			return stack.RunProvider(c.Context(), file, development, wrap, log)
		},
	}
	c.Flags().StringVar(&config, "config", "", "the daemon's configuration file")
	c.Flags().IntVar(&cheat, "development-cheat", 0, "development only: falsify this many outputs on purpose")
	_ = c.MarkFlagRequired("config")
	return c
}
