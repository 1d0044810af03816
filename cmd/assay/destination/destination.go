// Package destination turns the name of a network, as `--network` takes it, into an address, a root
// key to trust and whatever must run for it: `ic` is the Internet Computer, whose root key is
// built in and never asked for; `pocketic` a server started from the binary in
// POCKET_IC_BIN; a URL any network that answers there. `local`, the embedded network, is
// package localnet's. The command line uses it for verbs and for deploying.
package destination

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"strings"
	"sync"

	"assay/ic/agent"
	"assay/ic/pocketic"
	"assay/ic/principal"
)

// Names of networks. Everything else must be a URL.
const (
	Local    = "local"
	PocketIC = "pocketic"
	IC       = "ic"
)

// ICURL is where the Internet Computer's boundary nodes answer.
const ICURL = "https://icp-api.io"

// mainnetHosts are names of the Internet Computer, with all below them.
var mainnetHosts = []string{"icp-api.io", "icp0.io", "ic0.app", "internetcomputer.org"}

// MainnetKey is the Internet Computer's root key, in DER.
var MainnetKey = sync.OnceValue(func() []byte {
	b, err := hex.DecodeString("308182301d060d2b0601040182dc7c0503010201060c2b0601040182dc7c05030201036100" +
		"814c0e6ec71fab583b08bd81373c255c3c371b2e84863c98a4f1e08b74235d14" +
		"fb5d9c0cd546d9685f913a0c0b2cc5341583bf4b4392e467db96d65b9bb4cb71" +
		"7112f8472e0d5a4d14505ffd7484b01291091c5f87b98883463f98091a0baaae")
	if err != nil {
		panic(err) // the text above
	}
	return b
})

// ErrName says that a name is no network's.
var ErrName = errors.New("not a network: take local, pocketic, ic, or a URL such as http://127.0.0.1:4943")

// Network is one that answers.
type Network struct {
	URL     string
	RootKey []byte // DER
	// Mainnet says that it is the Internet Computer itself, where cycles cost money.
	Mainnet bool
	// Note is what a user should know of how far it is to be trusted; empty if nothing.
	Note string
	// Subnet is an id that is hosted where new canisters are to be created.
	Subnet principal.Principal

	close func() error
}

// Close ends what was started for the network.
func (n *Network) Close() error {
	if n.close == nil {
		return nil
	}
	return n.close()
}

// Check reports what is wrong with a name, without asking anybody.
func Check(name string) error {
	switch name {
	case Local, PocketIC, IC:
		return nil
	}
	if _, err := parse(name); err != nil {
		return err
	}
	return nil
}

func parse(name string) (*url.URL, error) {
	u, err := url.Parse(name)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q: %w", name, ErrName)
	}
	return u, nil
}

// isMainnet reports whether a host is the Internet Computer's.
func isMainnet(host string) bool {
	host = strings.ToLower(strings.TrimSuffix(host, "."))
	for _, h := range mainnetHosts {
		if host == h || strings.HasSuffix(host, "."+h) {
			return true
		}
	}
	return false
}

// Open finds the network of a name other than [Local], and starts it if it is to be started.
// What a server prints goes to log.
func Open(ctx context.Context, name string, log io.Writer) (*Network, error) {
	switch name {
	case IC:
		return &Network{URL: ICURL, RootKey: MainnetKey(), Mainnet: true}, nil
	case PocketIC:
		return startPocketIC(ctx, log)
	}
	u, err := parse(name)
	if err != nil {
		return nil, err
	}
	if isMainnet(u.Hostname()) {
		return &Network{URL: name, RootKey: MainnetKey(), Mainnet: true}, nil
	}
	key, err := agent.FetchRootKey(ctx, name)
	if err != nil {
		return nil, err
	}
	note := fmt.Sprintf("the root key was fetched from %s: whoever answers there is believed", name)
	return &Network{URL: name, RootKey: key, Note: note, Subnet: principal.Canister(0)}, nil
}

// startPocketIC runs the server with one live instance, which lasts until Close.
func startPocketIC(ctx context.Context, log io.Writer) (_ *Network, err error) {
	server, err := pocketic.Start(ctx, pocketic.Config{Binary: os.Getenv(pocketic.Env), Log: log})
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, server.Close())
		}
	}()
	instance, err := server.Create(ctx)
	if err != nil {
		return nil, err
	}
	if err := instance.AutoProgress(ctx); err != nil {
		return nil, err
	}
	key, err := agent.FetchRootKey(ctx, instance.URL())
	if err != nil {
		return nil, err
	}
	return &Network{
		URL: instance.URL(), RootKey: key, Subnet: instance.Default, close: server.Close,
		Note: "a PocketIC server was started for this; what is on it ends with this command",
	}, nil
}
