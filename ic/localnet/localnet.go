// Package localnet is a local network that listens: the keys, the embedded network, its
// HTTP interface and gateway and a port, put together and taken apart in the right order.
//
// `assay network start`, `assay up`, the demo and tests open one with [Open] and end it
// with [Network.Close]. What a network does is in ic/replica and below; who uses it and
// for what, this package does not know. It is for development: one process, no consensus.
//
//	n, err := localnet.Open(localnet.Config{Dir: dir})
//	…
//	defer n.Close()
//	a, err := agent.New(agent.Config{URL: n.URL, RootKey: n.RootKey})
package localnet

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"

	"assay/ic/principal"
	"assay/ic/replica"
	"assay/ic/replica/certify"
	"assay/ic/replica/control"
	"assay/ic/replica/door"
	"assay/ic/replica/gateway"
	"assay/internal/cache"
)

const drainTimeout = 2 * time.Second // for answers under way when the network closes

// Config says what to open. The zero value is a network in memory on a free port of
// loopback.
type Config struct {
	Dir  string // where keys and state are kept; empty: nowhere
	Bind string // address to listen on; empty: 127.0.0.1
	Port int    // 0: Prefer if it is free, else any
	// Prefer is a port to take while nobody else has it, such as the last run's, so that
	// addresses stay valid.
	Prefer int
	Logger *slog.Logger // nil: silent
	// Replica holds what else the network is opened with. Dir, Logger, the certifier and
	// its ids are filled in here; compiled modules are kept in the cache folder unless it
	// names another.
	Replica replica.Config
}

// Network runs until Close.
type Network struct {
	URL     string // such as http://127.0.0.1:4943
	Port    int
	RootKey []byte // DER
	Subnet  principal.Principal
	Replica *replica.Network

	stop    context.CancelFunc
	server  *http.Server
	unlock  func()
	running sync.WaitGroup
	failure chan error

	closing  sync.Once
	closeErr error
}

// Open opens the network in Dir, or a new one, and starts to serve it. A folder serves
// one process at a time.
func Open(c Config) (_ *Network, err error) {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	listener, err := listen(c)
	if err != nil {
		return nil, err
	}
	n := &Network{unlock: func() {}, failure: make(chan error, 1)}
	defer func() {
		if err != nil {
			listener.Close()
			n.unlock()
		}
	}()
	if c.Dir != "" {
		unlock, err := lockFolder(c.Dir)
		if err != nil {
			return nil, err
		}
		n.unlock = unlock
	}
	keys, err := n.open(c)
	if err != nil {
		return nil, err
	}
	n.Port = listener.Addr().(*net.TCPAddr).Port
	n.URL = "http://" + net.JoinHostPort(reachable(listener), strconv.Itoa(n.Port))
	if c.Dir != "" {
		if err := n.mark(c.Dir); err != nil {
			return nil, errors.Join(err, n.Replica.Close())
		}
		unlock := n.unlock
		n.unlock = func() { unmark(c.Dir); unlock() }
	}
	api := door.New(door.Config{Engine: n.Replica, Certifier: keys, Logger: c.Logger})
	site := gateway.New(gateway.Config{Engine: n.Replica, RootKey: n.RootKey, API: api, Logger: c.Logger})
	n.serve(listener, besides(control.New(n.Replica), site))
	return n, nil
}

// besides serves the owner's part of the interface at the network's own address. Below the
// names of canisters all paths are theirs.
func besides(owner, others http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, control.Prefix) && control.IsLoopback(r.Host) {
			owner.ServeHTTP(w, r)
			return
		}
		others.ServeHTTP(w, r)
	})
}

// listen opens the port first: where it is taken, no state is touched.
func listen(c Config) (net.Listener, error) {
	bind := c.Bind
	if bind == "" {
		bind = "127.0.0.1"
	}
	if c.Port == 0 && c.Prefer != 0 {
		if l, err := net.Listen("tcp", net.JoinHostPort(bind, strconv.Itoa(c.Prefer))); err == nil {
			return l, nil
		}
	}
	l, err := net.Listen("tcp", net.JoinHostPort(bind, strconv.Itoa(c.Port)))
	if err != nil {
		return nil, fmt.Errorf("open the network's port: %w; choose another with --port", err)
	}
	return l, nil
}

// reachable is an address under which this machine reaches the listener.
func reachable(l net.Listener) string {
	ip := l.Addr().(*net.TCPAddr).IP
	switch {
	case !ip.IsUnspecified():
		return ip.String()
	case ip.To4() == nil:
		return "::1"
	}
	return "127.0.0.1"
}

// openKeys takes keys of the seed where there is one, so that with it everything repeats.
func openKeys(dir string, config replica.Config) (*certify.Certifier, error) {
	if config.Seed != nil {
		return certify.OpenSeeded(dir, config.Clock, config.Seed)
	}
	return certify.Open(dir, config.Clock)
}

// open opens keys and network.
func (n *Network) open(c Config) (*certify.Certifier, error) {
	config := c.Replica
	config.Dir = c.Dir
	if config.Logger == nil {
		config.Logger = c.Logger
	}
	if config.CompilationCacheDir == "" {
		compiled, err := cache.Dir("compiled")
		if err != nil {
			return nil, err
		}
		config.CompilationCacheDir = compiled
	}
	keys, err := openKeys(c.Dir, config)
	if err != nil {
		return nil, err
	}
	n.RootKey, n.Subnet = keys.RootKey(), keys.Subnet()
	config.Certifier, config.RootKey, config.SubnetID = keys, n.RootKey, n.Subnet
	if n.Replica, err = replica.Open(config); err != nil {
		return nil, fmt.Errorf("start the network: %w", err)
	}
	return keys, nil
}

// serve runs the network and its server until Close, or until the network fails.
func (n *Network) serve(listener net.Listener, handler http.Handler) {
	var ctx context.Context
	ctx, n.stop = context.WithCancel(context.Background())
	n.server = door.NewServer(handler)
	n.running.Go(func() {
		if err := n.Replica.Run(ctx); err != nil {
			n.closeErr = fmt.Errorf("the network stopped: %w", err)
			n.failure <- n.closeErr
		}
	})
	n.running.Go(func() { _ = n.server.Serve(door.Limit(listener)) })
}

// Failed gets an error when the network ends by itself.
func (n *Network) Failed() <-chan error { return n.failure }

// Close ends the server, then the network, which keeps its state. The error says that it
// did not.
func (n *Network) Close() error {
	n.closing.Do(func() {
		ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
		defer cancel()
		n.stop()
		if errors.Is(n.server.Shutdown(ctx), context.DeadlineExceeded) {
			n.server.Close()
		}
		n.running.Wait()
		n.unlock()
	})
	return n.closeErr
}

// ErrInUse says that another process serves a folder.
var ErrInUse = errors.New("another process runs a network there: stop it, or take another folder")

// lockFolder keeps two processes from serving one folder.
func lockFolder(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("create the network's folder: %w", err)
	}
	f, err := lockFile(dir)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", dir, err)
	}
	return func() { f.Close() }, nil
}
