package cli

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"assay/cmd/assay/standins"
	"assay/ic/localnet"
	"assay/ic/principal"
	"assay/ic/replica"
)

// launcherFlags are what the icp client starts its network launcher with.
type launcherFlags struct {
	version, state, bind, status string
	port                         int
	delay                        uint64
	verbose, ii, nns             bool
	subnets, domains             []string
	bitcoind, dogecoind          []string
}

// launcherVersion is the interface between client and launcher that is served here.
const launcherVersion = "1."

func (a *app) networkLauncher() *cobra.Command {
	var f launcherFlags
	c := &cobra.Command{
		Use:   "launcher",
		Short: "Serve as the icp client's network launcher",
		Long: `Run a network for the icp client, which starts this by itself:

  ICP_CLI_NETWORK_LAUNCHER_PATH=$(command -v assay) icp network start

icp runs that program with the flags below, without a verb; assay knows them by the first,
--interface-version. The network has development stand-ins of the ICP ledger, the cycles ledger and the
cycles minting canister on their real ids; the first start builds them, which takes a minute.

For development only: one process, no consensus. Refused: --ii, --nns and --bitcoind-addr or
--dogecoind-addr, whose canisters and subnets are not there. One subnet serves every --subnet.`,
		Args: exactArgs(0, "no arguments"),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := f.validate(); err != nil {
				return withCode(exitUsage, err)
			}
			return a.launch(c.Context(), f)
		},
	}
	c.Flags().StringVar(&f.version, "interface-version", "", "interface that the client speaks: 1.x is served")
	c.Flags().StringVar(&f.state, "state-dir", "", "folder for keys and state")
	c.Flags().StringVar(&f.status, "status-dir", "", "folder that gets status.json once the network answers")
	c.Flags().StringVar(&f.bind, "bind", "127.0.0.1", "IP address to listen on")
	c.Flags().IntVar(&f.port, "gateway-port", 0, "port to listen on (0: any)")
	c.Flags().BoolVar(&f.verbose, "verbose", false, "log more to stderr")
	c.Flags().StringArrayVar(&f.subnets, "subnet", nil, "kind of subnet that is wanted; one serves all")
	c.Flags().StringArrayVar(&f.domains, "domain", nil, "domain of the gateway; Assay's answers under every Host")
	c.Flags().Uint64Var(&f.delay, "artificial-delay-ms", 0, "taken and not applied: rounds run as soon as there is work")
	c.Flags().BoolVar(&f.ii, "ii", false, "refused: Internet Identity is not there")
	c.Flags().BoolVar(&f.nns, "nns", false, "refused: the NNS is not there")
	c.Flags().StringArrayVar(&f.bitcoind, "bitcoind-addr", nil, "refused: Bitcoin is not there")
	c.Flags().StringArrayVar(&f.dogecoind, "dogecoind-addr", nil, "refused: Dogecoin is not there")
	return c
}

// isLauncherCall recognises the arguments with which the icp client starts its launcher.
func isLauncherCall(args []string) bool {
	return len(args) > 0 && (args[0] == "--interface-version" || strings.HasPrefix(args[0], "--interface-version="))
}

// validate says all that is wrong at once.
func (f launcherFlags) validate() error {
	err := errors.Join(
		unless(strings.HasPrefix(f.version, launcherVersion), "--interface-version %q: %sx is served", f.version, launcherVersion),
		unless(f.state != "", "--state-dir: name a folder"),
		unless(f.status != "", "--status-dir: name a folder"),
		unless(net.ParseIP(f.bind) != nil, "--bind %s: take an IP address, such as 127.0.0.1", f.bind),
		unless(f.port >= 0 && f.port < 1<<16, "--gateway-port %d: take 0 to 65535", f.port),
		unless(!f.ii, "--ii: Internet Identity is not there; set ii: false in the network's configuration"),
		unless(!f.nns, "--nns: the NNS is not there; set nns: false in the network's configuration"),
		unless(len(f.bitcoind) == 0, "--bitcoind-addr: Bitcoin is not there"),
		unless(len(f.dogecoind) == 0, "--dogecoind-addr: Dogecoin is not there"),
	)
	if err == nil {
		return nil
	}
	return errors.New(strings.ReplaceAll(err.Error(), "\n", "; "))
}

// launch serves until ctx ends.
func (a *app) launch(ctx context.Context, f launcherFlags) (err error) {
	level := slog.LevelWarn
	if f.verbose {
		level = slog.LevelInfo
	}
	a.warnOpen(f.bind)
	n, err := localnet.Open(localnet.Config{
		Dir: f.state, Bind: f.bind, Port: f.port, Logger: slog.New(slog.NewTextHandler(a.stderr, &slog.HandlerOptions{Level: level})),
		Replica: replica.Config{Pace: replica.Live},
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, n.Close()) }()
	if f.delay > 0 {
		fmt.Fprintln(a.stderr, "note: --artificial-delay-ms is not applied: rounds run as soon as there is work")
	}
	if err := a.installStandins(ctx, n); err != nil {
		return err
	}
	file := filepath.Join(f.status, "status.json")
	if err := writeLauncherStatus(file, n); err != nil {
		return err
	}
	defer os.Remove(file)
	fmt.Fprintf(a.stdout, "Assay serves the icp client at %s (%s)\n", n.URL, networkKind)
	select {
	case <-ctx.Done():
		return nil
	case err := <-n.Failed():
		return err
	}
}

func (a *app) installStandins(ctx context.Context, n *localnet.Network) error {
	return standins.Install(ctx, standins.Network{URL: n.URL, RootKey: n.RootKey, Subnet: n.Subnet}, func(text string) { fmt.Fprintln(a.stderr, text) })
}

// launcherStatus is what the client waits for, one line.
type launcherStatus struct {
	Version  string              `json:"v"`
	Port     int                 `json:"gateway_port"`
	RootKey  string              `json:"root_key"`
	Default  principal.Principal `json:"default_effective_canister_id"`
	Features []string            `json:"supported_features"`
}

func writeLauncherStatus(file string, n *localnet.Network) error {
	b, err := json.Marshal(launcherStatus{"1", n.Port, hex.EncodeToString(n.RootKey), principal.Canister(0), []string{}})
	if err != nil {
		return err
	}
	if err := localnet.WriteWhole(file, append(b, '\n')); err != nil {
		return fmt.Errorf("say that the network %s is ready: %w", strconv.Itoa(n.Port), err)
	}
	return nil
}
