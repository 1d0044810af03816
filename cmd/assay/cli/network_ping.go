package cli

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

	"assay/cmd/assay/destination"
	"assay/ic/agent"
	"assay/ic/localnet"
)

// runningURL is where a folder's network listens: that of `assay network start --state`, or
// the one inside the folder of `assay up`.
func runningURL(dir string) (string, error) {
	r, err := localnet.FindRunning(dir)
	if err != nil {
		if inside, again := localnet.FindRunning(filepath.Join(dir, "network")); again == nil {
			return inside.URL, nil
		}
		return "", withCode(exitUnknown, fmt.Errorf("%w: start one with `assay network start --state`, or name one with --network URL", err))
	}
	return r.URL, nil
}

// addressOf is where a network answers that runs already.
func (a *app) addressOf(network string) (string, error) {
	switch network {
	case "", destination.Local:
		return runningURL(a.state)
	case destination.IC:
		return destination.ICURL, nil
	case destination.PocketIC:
		return "", withCode(exitUsage, errors.New("--network pocketic starts a server: name a running instance by its URL, such as http://127.0.0.1:8000/instances/0"))
	}
	return network, checkNetwork(network)
}

func (a *app) networkPing() *cobra.Command {
	var network string
	c := &cobra.Command{
		Use:   "ping",
		Short: "Ask a network how it is: version, health, root key",
		Long: `Ask a network for its status: the one that runs from --state, or the one that --network names.
The answer is not signed by anybody.`,
		Args: exactArgs(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			address, err := a.addressOf(network)
			if err != nil {
				return err
			}
			start := time.Now()
			status, err := agent.FetchStatus(c.Context(), address)
			if err != nil {
				return err
			}
			v := pingView{address, status.Version, status.Health, hex.EncodeToString(status.RootKey), time.Since(start).Microseconds()}
			return a.print(v, func(w io.Writer) {
				fmt.Fprintf(w, "network   %s, %s, answered in %s\nversion   %s\nroot key  %s\n", v.URL, v.Health, time.Duration(v.Micros)*time.Microsecond, v.Version, v.RootKey)
			})
		},
	}
	c.Flags().StringVar(&network, "network", "", "ic, or a URL (empty: the one that runs from --state)")
	return a.jsonFlag(c)
}

type pingView struct {
	URL     string `json:"url"`
	Version string `json:"version"`
	Health  string `json:"health"`
	RootKey string `json:"root_key"`
	Micros  int64  `json:"answered_us"`
}
