package cli

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"
)

func (a *app) networkTick() *cobra.Command {
	var f controlFlags
	var rounds int
	c := &cobra.Command{
		Use:   "tick",
		Short: "Run a round of a running network, or several",
		Long: `Run rounds. Unless the network was started with --auto-progress, the first tick ends that
rounds run by themselves; from then on a round moves the time by a nanosecond, and
set-time moves it further.`,
		Args: exactArgs(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			if rounds < 1 {
				return withCode(exitUsage, fmt.Errorf("--rounds %d: take at least 1", rounds))
			}
			client, err := a.controlClient(f)
			if err != nil {
				return err
			}
			s, err := client.Tick(c.Context(), rounds)
			if err != nil {
				return err
			}
			return a.print(s, func(w io.Writer) { printClock(w, s) })
		},
	}
	f.add(c)
	c.Flags().IntVar(&rounds, "rounds", 1, "how many")
	return a.jsonFlag(c)
}
