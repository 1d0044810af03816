package cli

import (
	"encoding/hex"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"assay/ic/replica"
	"assay/internal/cache"
)

func (a *app) networkReplay() *cobra.Command {
	var interpret bool
	c := &cobra.Command{
		Use:   "replay FILE",
		Short: "Execute a recording again and compare the state",
		Long: `Execute a recording in a network of its own, in this process and without a port, and compare the
hash of the whole state at the end, and those on the way if the recording has them. Exit code 5
says that they differ, and the output where.`,
		Args: exactArgs(1, "one file"),
		RunE: func(c *cobra.Command, args []string) error {
			file, err := os.Open(args[0])
			if err != nil {
				return withCode(exitUnknown, err)
			}
			defer file.Close()
			compiled, err := cache.Dir("compiled")
			if err != nil {
				return err
			}
			r, err := replica.Replay(c.Context(), file, args[0], replica.ReplayConfig{CompilationCacheDir: compiled, Interpret: interpret})
			if err != nil {
				return err
			}
			v := networkReplayView{
				Same: r.Same(), Batches: r.Batches, Rounds: r.Rounds, Recorded: hex.EncodeToString(r.Want[:]), Replayed: hex.EncodeToString(r.Got[:]),
				Agrees: r.Agrees, Differs: r.Differs,
			}
			if err := a.print(v, func(w io.Writer) { printNetworkReplay(w, v) }); err != nil {
				return err
			}
			if !v.Same {
				return withCode(exitDoubt, fmt.Errorf("the replay of %s ended in another state", args[0]))
			}
			return nil
		},
	}
	c.Flags().BoolVar(&interpret, "interpret", false, "run code without compiling it: slow, and the same")
	return a.jsonFlag(c)
}

type networkReplayView struct {
	Same     bool   `json:"same"`
	Batches  uint64 `json:"batches"`
	Rounds   uint64 `json:"rounds"`
	Recorded string `json:"recorded_hash"`
	Replayed string `json:"replayed_hash"`
	Agrees   uint64 `json:"agrees_until"`           // the last batch after which a hash agreed
	Differs  uint64 `json:"differs_from,omitempty"` // the first after which one differed
}

func printNetworkReplay(w io.Writer, v networkReplayView) {
	fmt.Fprintf(w, "replayed  %d rounds in %d batches\nstate     %s\n", v.Rounds, v.Batches, v.Replayed)
	if v.Same {
		fmt.Fprintln(w, "the same as recorded")
		return
	}
	fmt.Fprintf(w, "recorded  %s\nthe states part between batch %d and batch %d\n", v.Recorded, v.Agrees, v.Differs)
}
