package cli

import "github.com/spf13/cobra"

// network holds the verbs of the bare network, without Assay's canisters.
func (a *app) network() *cobra.Command {
	return group("network", "Run a local Internet Computer, look at it, and move it: start, status, ping, launcher, tick, set-time, record, replay",
		a.networkStart(), a.networkStatus(), a.networkPing(), a.networkLauncher(),
		a.networkTick(), a.networkSetTime(), a.networkRecord(), a.networkReplay())
}
