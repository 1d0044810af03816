package cli

import (
	"context"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"assay/ic/replica/control"
)

func (a *app) networkSetTime() *cobra.Command {
	var f controlFlags
	c := &cobra.Command{
		Use:   "set-time TIME",
		Short: "Move the time of a running network forward",
		Long: `Set the network's time: as in RFC 3339, such as 2026-01-02T15:04:05.6Z, in nanoseconds since
1970, or ahead of its time now, such as +90m. Time never goes back. Unless the network was
started with --auto-progress, it stands still from then on but for ticks and set-time; with
--auto-progress it goes on from there.

The network takes messages by its own time: clients whose clock is far behind are refused.`,
		Args: exactArgs(1, "one time"),
		RunE: func(c *cobra.Command, args []string) error {
			client, err := a.controlClient(f)
			if err != nil {
				return err
			}
			t, err := timeFor(c.Context(), client, args[0])
			if err != nil {
				return err
			}
			s, err := client.SetTime(c.Context(), t)
			if err != nil {
				return err
			}
			return a.print(s, func(w io.Writer) { printClock(w, s) })
		},
	}
	f.add(c)
	return a.jsonFlag(c)
}

// timeFor reads a time, which may be given from the network's.
func timeFor(ctx context.Context, client control.Client, text string) (time.Time, error) {
	if ahead, ok := strings.CutPrefix(text, "+"); ok {
		d, err := time.ParseDuration(ahead)
		if err != nil {
			return time.Time{}, badTime(text)
		}
		s, err := client.State(ctx)
		return s.Time.Add(d), err
	}
	if ns, err := strconv.ParseInt(text, 10, 64); err == nil && ns > 0 {
		return time.Unix(0, ns), nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return t, badTime(text)
	}
	return t, nil
}

func badTime(text string) error {
	return withCode(exitUsage, fmt.Errorf("time %q: take one such as 2026-01-02T15:04:05Z, nanoseconds since 1970, or +90m", text))
}
