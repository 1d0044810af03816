package cli

import (
	"encoding/hex"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"assay/ic/agent"
	"assay/ic/replica/control"
)

func (a *app) networkStatus() *cobra.Command {
	var f controlFlags
	var hash bool
	c := &cobra.Command{
		Use:   "status",
		Short: "Show a network of this machine: its time, pace, canisters, schedule and root key",
		Long: `Show what a network on this machine says to its owner. It is the one that runs from --state
unless --network or --port-file name another. Of networks elsewhere see network ping.`,
		Args: exactArgs(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			owner, err := a.controlClient(f)
			if err != nil {
				return err
			}
			status, err := agent.FetchStatus(c.Context(), owner.URL)
			if err != nil {
				return err
			}
			state, err := owner.State(c.Context())
			if err != nil {
				return err
			}
			v := statusView{URL: owner.URL, Health: status.Health, RootKey: hex.EncodeToString(status.RootKey), State: state}
			if hash {
				whole, err := owner.Hash(c.Context())
				if err != nil {
					return err
				}
				v.StateHash = whole.Hash
			}
			return a.print(v, func(w io.Writer) { printStatus(w, v) })
		},
	}
	f.add(c)
	c.Flags().BoolVar(&hash, "hash", false, "also hash the whole state: two networks with the same hash are the same to the last bit")
	return a.jsonFlag(c)
}

type statusView struct {
	URL       string `json:"url"`
	Health    string `json:"health"`
	RootKey   string `json:"root_key"`
	StateHash string `json:"state_hash,omitempty"`
	control.State
}

func printStatus(w io.Writer, v statusView) {
	fmt.Fprintf(w, "network   %s, %s\n", v.URL, v.Health)
	fmt.Fprintf(w, "root key  %s\n", v.RootKey)
	fmt.Fprintf(w, "time      %s\n", v.Time.Format(time.RFC3339Nano))
	fmt.Fprintf(w, "pace      %s\n", v.Pace)
	fmt.Fprintf(w, "canisters %d\n", v.Canisters)
	fmt.Fprintf(w, "prices    of %d nodes; pages %s\n", v.SubnetSize, v.PageTouch)
	if v.StateHash != "" {
		fmt.Fprintf(w, "state     %s\n", v.StateHash)
	}
}
