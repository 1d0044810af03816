package cli

import (
	"encoding/hex"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/spf13/cobra"

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

func (a *app) networkPing() *cobra.Command {
	var network string
	c := &cobra.Command{
		Use:   "ping",
		Short: "Ask a network how it is: version, health, root key",
		Long: `Ask a network for its status: the one that runs from --state, or the one at --network URL.
The answer is not signed by anybody.`,
		Args: exactArgs(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			if network == "" {
				var err error
				if network, err = runningURL(a.state); err != nil {
					return err
				}
			}
			start := time.Now()
			status, err := agent.FetchStatus(c.Context(), network)
			if err != nil {
				return err
			}
			v := pingView{network, status.Version, status.Health, hex.EncodeToString(status.RootKey), time.Since(start).Microseconds()}
			return a.print(v, func(w io.Writer) {
				fmt.Fprintf(w, "network   %s, %s, answered in %s\nversion   %s\nroot key  %s\n", v.URL, v.Health, time.Duration(v.Micros)*time.Microsecond, v.Version, v.RootKey)
			})
		},
	}
	c.Flags().StringVar(&network, "network", "", "URL of the network (empty: the one that runs from --state)")
	return a.jsonFlag(c)
}

type pingView struct {
	URL     string `json:"url"`
	Version string `json:"version"`
	Health  string `json:"health"`
	RootKey string `json:"root_key"`
	Micros  int64  `json:"answered_us"`
}
