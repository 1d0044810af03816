package stack

import (
	"bytes"
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"assay/cmd/assay/destination"
	"assay/ic/localnet"
	"assay/ic/principal"
)

// network is what a stack stands on.
type network interface {
	Failed() <-chan error
	Close() error
}

// remote is a network that others run, or that was started for this stack alone. It does
// not say when it fails: calls do.
type remote struct{ *destination.Network }

func (remote) Failed() <-chan error { return nil }

// ErrMainnet says that a stack is not put on the Internet Computer itself.
var ErrMainnet = errors.New("on the Internet Computer canisters cost cycles: deploy them with `icp deploy`, then use the verbs with --network ic and --market")

// startNetwork opens the embedded network, or finds another by its name.
func (s *Stack) startNetwork(ctx context.Context) error {
	name := cmp.Or(s.cfg.Network, s.State.Network, destination.Local)
	if name == destination.Local {
		return s.startEmbedded()
	}
	n, err := destination.Open(ctx, name, os.Stderr)
	if err != nil {
		return err
	}
	if n.Mainnet {
		return errors.Join(ErrMainnet, n.Close())
	}
	s.cfg.Say(n.Note)
	s.network, s.subnet = remote{n}, n.Subnet
	s.take(name, n.URL, n.RootKey)
	return nil
}

// startEmbedded opens the embedded network on loopback, at the port of the last run if it
// can, so that addresses stay valid.
func (s *Stack) startEmbedded() error {
	n, err := localnet.Open(localnet.Config{
		Dir: filepath.Join(s.cfg.Dir, "network"), Port: s.cfg.Port, Prefer: portOf(s.State.URL), Logger: s.cfg.Logger,
	})
	if err != nil {
		return err
	}
	s.network, s.subnet = n, principal.Canister(0)
	s.take("", n.URL, n.RootKey)
	return nil
}

// take keeps where the network is. Under another root key it is another network, which has
// none of the folder's canisters even if it has their ids.
func (s *Stack) take(name, address string, rootKey []byte) {
	before, _ := hex.DecodeString(s.State.RootKey)
	s.moved = s.State.Deployed && !bytes.Equal(before, rootKey)
	s.State.Network, s.State.URL, s.State.RootKey = name, address, hex.EncodeToString(rootKey)
}

// portOf is the port in a URL, 0 if there is none.
func portOf(address string) int {
	u, err := url.Parse(address)
	if err != nil {
		return 0
	}
	port, err := strconv.Atoi(u.Port())
	if err != nil {
		return 0
	}
	return port
}
