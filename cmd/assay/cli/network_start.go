package cli

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"assay/ic/localnet"
	"assay/ic/replica"
	price "assay/ic/replica/cycles"
	"assay/ic/replica/outcall"
)

const lastPortFile = "port" // of a state folder's last run, taken again while it is free

// startFlags are those of `assay network start`.
type startFlags struct {
	state, portFile, bind string
	port, nodes           int
	touch                 string
	seed                  string
	logLevel              string
	record                string
	hashEvery             uint64
	autoProgress          bool
	pace                  replica.Pace // what autoProgress says, and whether it says anything
	standins              bool
	outcalls              []string
	keySeed               string
}

func (a *app) networkStart() *cobra.Command {
	var f startFlags
	c := &cobra.Command{
		Use:   "start",
		Short: "Run the bare network, without Assay's canisters, until it is stopped",
		Long: `Run one subnet of the Internet Computer in this process until Ctrl-C or SIGTERM. Agents,
the icp client and dfx talk to its URL with all their checks on. With --state its keys,
canisters and open calls outlive a stop and a crash; without, it is in memory.

For development only: one process, no consensus, free cycles for anybody.`,
		Args: exactArgs(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			f.pace = paceOf(c.Flags().Changed("auto-progress"), f.autoProgress)
			config, err := f.config(a.stderr)
			if err != nil {
				return withCode(exitUsage, err)
			}
			a.warnOpen(f.bind)
			return a.runNetwork(c.Context(), f, config)
		},
	}
	c.Flags().StringVar(&f.state, "state", "", "folder for keys and state (empty: in memory)")
	c.Flags().StringVar(&f.portFile, "port-file", "", "file that gets the port number once the network answers, and is removed at the end")
	c.Flags().IntVar(&f.port, "port", 0, "port of the HTTP interface (0: any, the last one of --state again)")
	c.Flags().StringVar(&f.bind, "bind", "127.0.0.1", "IP address to listen on; another than loopback lets others in")
	c.Flags().IntVar(&f.nodes, "subnet-size", 0, "nodes that prices are for: 13 or 34 (0: 13, or as in --state)")
	c.Flags().StringVar(&f.touch, "page-touch", "", "instructions for pages of 4 KiB: dirty (1,000 for each that a message changes) or read-write (5,000 for each that it touches, 5,000 for each that it changes, counted slowly); empty: dirty, or as in --state")
	c.Flags().StringVar(&f.seed, "seed", "", "make raw_rand and the keys of a new network predictable, for tests (empty: the system's entropy)")
	c.Flags().StringVar(&f.logLevel, "log-level", "warn", "what to log to stderr: debug, info, warn or error")
	c.Flags().BoolVar(&f.autoProgress, "auto-progress", true, "rounds run and time goes by themselves for good; =false: by tick and set-time alone; not given: by themselves until the first tick or set-time")
	c.Flags().BoolVar(&f.standins, "standins", false, "put development stand-ins of the ICP ledger, the cycles ledger and the cycles minting canister on their real ids")
	c.Flags().StringVar(&f.record, "record", "", "file that gets a recording of all that happens, for network replay")
	c.Flags().Uint64Var(&f.hashEvery, "hash-every", 0, "rounds between hashes of the state in --record (0: at the end only)")
	c.Flags().StringSliceVar(&f.outcalls, "outcalls", nil, "hosts that canisters may reach by http_request, such as example.org, *.example.org, localhost:8080 or * (empty: none)")
	c.Flags().StringVar(&f.keySeed, "key-seed", "", "seed of the development-only keys behind ECDSA, Schnorr and vetKD (empty: one that all networks share)")
	complete(c, map[string][]string{
		"subnet-size": {"13", "34"}, "page-touch": {"dirty", "read-write"}, "auto-progress": {"true", "false"},
		"log-level": {"debug", "info", "warn", "error"}, "bind": {"127.0.0.1", "::1", "0.0.0.0"},
	})
	return a.jsonFlag(c)
}

func paceOf(given, live bool) replica.Pace {
	switch {
	case !given:
		return replica.UntilTick
	case live:
		return replica.Live
	}
	return replica.Manual
}

// config checks the flags, all at once.
func (f startFlags) config(stderr io.Writer) (c localnet.Config, err error) {
	var level slog.Level
	levelErr := level.UnmarshalText([]byte(f.logLevel))
	ip := net.ParseIP(f.bind)
	touch, knownTouch := price.TouchByName(f.touch)
	outcalls, hostsErr := outcall.New(f.outcalls, outcall.Transport())
	err = errors.Join(
		unless(levelErr == nil, "--log-level %s: take debug, info, warn or error", f.logLevel),
		unless(hostsErr == nil, "--outcalls: %v", hostsErr),
		unless(ip != nil, "--bind %s: take an IP address, such as 127.0.0.1", f.bind),
		unless(f.port >= 0 && f.port < 1<<16, "--port %d: take 0 to 65535", f.port),
		unless(!f.standins || f.pace != replica.Manual, "--standins: they are installed by calls, for which rounds must run: not with --auto-progress=false"),
		unless(f.touch == "" || knownTouch, "--page-touch %s: take dirty or read-write", f.touch),
		unless(slices.Contains([]int{0, 13, 34}, f.nodes), "--subnet-size %d: take 13 or 34, for which prices are published", f.nodes),
	)
	if err != nil {
		return c, errors.New(strings.ReplaceAll(err.Error(), "\n", "; "))
	}
	c = localnet.Config{
		Dir: f.state, Bind: f.bind, Port: f.port, Prefer: f.lastPort(),
		Logger:  slog.New(slog.NewTextHandler(stderr, &slog.HandlerOptions{Level: level})),
		Replica: replica.Config{SubnetSize: f.nodes, Pace: f.pace, Touch: touch},
	}
	if len(f.outcalls) > 0 {
		c.Replica.Outcalls = outcalls
	}
	if f.keySeed != "" {
		c.Replica.KeySeed = []byte(f.keySeed)
	}
	if f.seed != "" {
		c.Replica.Seed = []byte(f.seed)
	}
	return c, nil
}

// warnOpen says so where others can reach the network.
func (a *app) warnOpen(bind string) {
	if !net.ParseIP(bind).IsLoopback() {
		fmt.Fprintf(a.stderr, "warning: %s is not loopback: whoever reaches this machine can use the network, and it mints cycles for anybody\n", bind)
	}
}

func unless(ok bool, format string, args ...any) error {
	if ok {
		return nil
	}
	return fmt.Errorf(format, args...)
}

// lastPort is the port of the state folder's last run, 0 if there was none.
func (f startFlags) lastPort() int {
	if f.state == "" {
		return 0
	}
	b, err := os.ReadFile(filepath.Join(f.state, lastPortFile))
	if err != nil {
		return 0
	}
	port, err := strconv.ParseUint(strings.TrimSpace(string(b)), 10, 16)
	if err != nil {
		return 0
	}
	return int(port)
}

// runNetwork serves until ctx ends.
func (a *app) runNetwork(ctx context.Context, f startFlags, config localnet.Config) (err error) {
	if f.record != "" {
		file, err := createRecording(f.record)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, file.keep()) }()
		config.Replica.Record, config.Replica.RecordOptions = file, replica.RecordOptions{HashEvery: f.hashEvery}
	}
	n, err := localnet.Open(config)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	if f.standins {
		if err := a.installStandins(ctx, n); err != nil {
			return err
		}
	}
	undo, err := f.writePort(n)
	defer undo()
	if err != nil {
		return err
	}
	if err := a.print(f.view(n), func(w io.Writer) { printNetwork(w, f.view(n)) }); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
		fmt.Fprintln(a.stderr, f.farewell())
		return nil
	case err := <-n.Failed():
		return err
	}
}

func (f startFlags) farewell() string {
	if f.state == "" {
		return "stopping; the network was in memory and is gone"
	}
	return "stopping; the state is kept in " + f.state
}

// writePort says in files which port it is: in the port file while the network runs, in
// the state folder for the next start.
func (f startFlags) writePort(n *localnet.Network) (undo func(), err error) {
	port := []byte(strconv.Itoa(n.Port) + "\n")
	if f.state != "" {
		if err := localnet.WriteWhole(filepath.Join(f.state, lastPortFile), port); err != nil {
			return func() {}, fmt.Errorf("keep the port: %w", err)
		}
	}
	if f.portFile == "" {
		return func() {}, nil
	}
	if err := localnet.WriteWhole(f.portFile, port); err != nil {
		return func() {}, fmt.Errorf("write the port file: %w", err)
	}
	return func() { _ = os.Remove(f.portFile) }, nil // who reads it later finds nobody there
}

// networkView is what a network says of itself when it starts.
type networkView struct {
	URL        string     `json:"url"`
	Port       int        `json:"port"`
	RootKey    string     `json:"root_key"`
	State      string     `json:"state,omitempty"`
	SubnetSize int        `json:"subnet_size"`
	Prices     pricesView `json:"prices"`
	PageTouch  string     `json:"page_touch"`
	Pace       string     `json:"pace"`
	Seeded     bool       `json:"seeded"`
	Standins   bool       `json:"standins"`
	Kind       string     `json:"kind"`
}

// pricesView are some prices in cycles, enough to recognise the schedule.
type pricesView struct {
	Creation     string `json:"create_canister"`
	Message      string `json:"update_message"`
	Instructions string `json:"billion_instructions"`
	GiBYear      string `json:"gib_year"`
}

const networkKind = "development network: one process, no consensus"

func (f startFlags) view(n *localnet.Network) networkView {
	p := n.Replica.Prices()
	return networkView{
		URL: n.URL, Port: n.Port, RootKey: hex.EncodeToString(n.RootKey), State: f.state, SubnetSize: int(p.Nodes), Pace: f.pace.String(), Seeded: f.seed != "", Standins: f.standins, Kind: networkKind, PageTouch: n.Replica.Touch().String(),
		Prices: pricesView{
			Creation: p.Creation().String(), Message: p.Execution(0).String(),
			Instructions: p.Execution(1e9).Sub(p.Execution(0)).String(), GiBYear: p.Storage(1<<30, 0, 365*24*60*60).String(),
		},
	}
}

// touchWords say what the schedules of page touches charge.
var touchWords = map[string]string{
	"dirty":      "1,000 instructions for each page of 4 KiB that a message changes",
	"read-write": "5,000 instructions for each page of 4 KiB that a message touches, 5,000 for each that it changes",
}

func printNetwork(w io.Writer, v networkView) {
	state := v.State
	if state == "" {
		state = "in memory"
	}
	fmt.Fprintf(w, "network   %s\n", v.URL)
	fmt.Fprintf(w, "root key  %s\n", v.RootKey)
	fmt.Fprintf(w, "prices    of %d nodes: a canister %s cycles, an update %s, 10⁹ instructions %s, a GiB for a year %s\n",
		v.SubnetSize, grouped(v.Prices.Creation), grouped(v.Prices.Message), grouped(v.Prices.Instructions), grouped(v.Prices.GiBYear))
	fmt.Fprintf(w, "pages     %s: %s\n", v.PageTouch, touchWords[v.PageTouch])
	fmt.Fprintf(w, "pace      %s\n", v.Pace)
	if v.Seeded {
		fmt.Fprintln(w, "random    from the seed, as the keys of a new network: predictable, for tests")
	}
	fmt.Fprintf(w, "state     %s\n", state)
	fmt.Fprintf(w, "ready; stop with Ctrl-C (%s)\n", v.Kind)
}
