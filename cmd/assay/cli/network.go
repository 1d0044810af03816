package cli

import "github.com/spf13/cobra"

// network holds the verbs of the bare network, without Assay's canisters.
func (a *app) network() *cobra.Command {
	return group("network", "Run a local Internet Computer and look at it: start, ping, launcher", a.networkStart(), a.networkPing(), a.networkLauncher())
}
