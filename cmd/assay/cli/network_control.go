package cli

import (
	"fmt"
	"io"
	"net"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"assay/ic/replica/control"
)

// controlFlags say which network is meant.
type controlFlags struct{ network, portFile string }

func (f *controlFlags) add(c *cobra.Command) {
	c.Flags().StringVar(&f.network, "network", "", "URL of the network, on this machine (empty: the one that runs from --state)")
	c.Flags().StringVar(&f.portFile, "port-file", "", "file that network start --port-file wrote")
}

// client reaches the network that the flags name.
func (a *app) controlClient(f controlFlags) (control.Client, error) {
	switch {
	case f.network != "" && f.portFile != "":
		return control.Client{}, withCode(exitUsage, fmt.Errorf("--network and --port-file: take one of them"))
	case f.network != "":
		return control.Client{URL: f.network}, nil
	case f.portFile == "":
		url, err := runningURL(a.state)
		return control.Client{URL: url}, err
	}
	b, err := os.ReadFile(f.portFile)
	if err != nil {
		return control.Client{}, withCode(exitUnknown, fmt.Errorf("%w: no network runs with this port file", err))
	}
	port, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 16)
	if err != nil {
		return control.Client{}, fmt.Errorf("port file %s: %w", f.portFile, err)
	}
	return control.Client{URL: "http://" + net.JoinHostPort("127.0.0.1", strconv.FormatUint(port, 10))}, nil
}

func printClock(w io.Writer, s control.State) {
	fmt.Fprintf(w, "time  %s\npace  %s\n", s.Time.Format(time.RFC3339Nano), s.Pace)
}
