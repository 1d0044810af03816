// Package stack puts Assay together on one machine: the embedded network, the canisters,
// a dao of three members, providers as child processes. The demo tells its story on a
// stack that is thrown away; `assay up` keeps one in a folder. Tests drive both.
package stack

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"time"

	"assay/ic/agent"
	"assay/ic/localnet"
	"assay/ic/principal"
	"assay/ic/wasm/build"
)

// Config says what to start. Dir, Source and Say are required.
type Config struct {
	Dir    string       // the stack's folder; everything that it must remember is there
	Source string       // the repository, from which canisters are built
	Model  string       // ModelAuto, ModelMiniLM or ModelTiny
	Port   int          // of the network's HTTP interface; 0 lets the system choose
	Say    func(string) // progress in words
	Logger *slog.Logger // nil is silent
}

// Stack is running until Close.
type Stack struct {
	State State
	Model Model

	cfg     Config
	modules map[string]build.Module
	network *localnet.Network
	broken  bool // what the folder holds does not fit the network, so the next start has to look again

	mu        sync.Mutex
	processes map[string]*Process
}

// Open builds the canisters, prepares the model, starts the network and, in a new folder
// or one whose network was lost, deploys. Providers are not started. Whatever was started is stopped again on an error.
func Open(ctx context.Context, cfg Config) (_ *Stack, err error) {
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Stack{cfg: cfg, processes: map[string]*Process{}}
	if err := os.MkdirAll(cfg.Dir, 0o700); err != nil {
		return nil, fmt.Errorf("create the stack's folder: %w", err)
	}
	s.State, err = ReadState(cfg.Dir)
	if errors.Is(err, ErrNoStack) {
		s.State, err = State{Version: stateVersion}, nil
	}
	if err != nil {
		return nil, err
	}
	if s.Model, err = s.prepareModel(ctx); err != nil {
		return nil, err
	}
	if !s.State.Deployed {
		if err := s.build(ctx); err != nil {
			return nil, err
		}
	}
	unclean, err := markRunning(cfg.Dir)
	if err != nil {
		return nil, err
	}
	if err := s.startNetwork(); err != nil {
		if !unclean {
			_ = os.Remove(filepath.Join(cfg.Dir, runningMarker)) // nothing ran
		}
		return nil, err
	}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if s.State.Deployed && len(s.network.Replica.Canisters()) == 0 {
		if err := s.startAnew(ctx); err != nil {
			return nil, err
		}
	} else if s.State.Deployed && unclean {
		if err := s.setAside(); err != nil {
			s.broken = true
			return nil, err
		}
	}
	if s.State.Deployed {
		return s, s.State.write(cfg.Dir)
	}
	return s, s.deploy(ctx)
}

// startAnew forgets what belonged to a network that was killed before it had saved
// anything: journals and receipts speak of jobs that no longer exist. Keys stay.
func (s *Stack) startAnew(ctx context.Context) error {
	s.cfg.Say("the last run was killed before its first clean stop, so nothing of its network was kept: deploying anew")
	for _, name := range []string{"providers", "receipts"} {
		if err := os.RemoveAll(filepath.Join(s.cfg.Dir, name)); err != nil {
			return fmt.Errorf("clear the stack's folder: %w", err)
		}
	}
	s.State.Deployed, s.State.Admitted, s.State.Providers = false, false, nil
	return s.build(ctx)
}

// runningMarker is a file that stands in the folder while a stack is open.
const runningMarker = "running"

// markRunning sets the marker and reports whether the last run left it behind, which
// means that it was killed.
func markRunning(dir string) (unclean bool, err error) {
	file := filepath.Join(dir, runningMarker)
	_, err = os.Stat(file)
	if err == nil {
		return true, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return false, err
	}
	return false, os.WriteFile(file, nil, 0o600)
}

// setAside puts away what speaks of the time after the network's last clean stop, which
// was lost: the job numbers of that time are given out again, so receipts and journals
// under them would be taken for those of other jobs.
func (s *Stack) setAside() error {
	suffix := ".before-" + time.Now().UTC().Format("20060102T150405.000")
	var moved []string
	for _, name := range []string{"providers", "receipts"} {
		from := filepath.Join(s.cfg.Dir, name)
		err := os.Rename(from, from+suffix)
		switch {
		case err == nil:
			moved = append(moved, name+suffix)
		case !errors.Is(err, fs.ErrNotExist):
			return fmt.Errorf("put %s aside: %w", name, err)
		}
	}
	s.cfg.Say("the last run was killed: the network is as its last clean stop left it, what happened since is lost and its job numbers are used again")
	if len(moved) > 0 {
		s.cfg.Say("kept receipts and the providers' journals are put aside as " + strings.Join(moved, " and "))
	}
	return nil
}

// prepareModel takes the model that the folder was made with, or the configured one.
func (s *Stack) prepareModel(ctx context.Context) (Model, error) {
	name := s.cfg.Model
	if s.State.Deployed {
		name = ModelMiniLM
		if s.State.Model.Tiny {
			name = ModelTiny
		}
	}
	m, err := PrepareModel(ctx, name, s.cfg.Say)
	if err != nil {
		return Model{}, err
	}
	if s.State.Deployed && m.Root.String() != s.State.Model.Root {
		return Model{}, fmt.Errorf("this stack was made with model %s, this program has %s: use a new folder", s.State.Model.Root, m.Root)
	}
	s.State.Model = ModelState{Name: m.Manifest.Name, Root: m.Root.String(), Dimension: m.Dimension, Tiny: m.Tiny}
	return m, nil
}

// startNetwork opens the embedded network on loopback, at the port of the last run if it
// can, so that addresses stay valid.
func (s *Stack) startNetwork() (err error) {
	s.network, err = localnet.Open(localnet.Config{
		Dir: filepath.Join(s.cfg.Dir, "network"), Port: s.cfg.Port, Prefer: portOf(s.State.URL), Logger: s.cfg.Logger,
	})
	if err != nil {
		return err
	}
	s.State.URL, s.State.RootKey = s.network.URL, hex.EncodeToString(s.network.RootKey)
	return nil
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

// Failed gets an error when the network ends by itself.
func (s *Stack) Failed() <-chan error { return s.network.Failed() }

// Close stops providers and network and keeps the state.
func (s *Stack) Close() {
	s.mu.Lock()
	processes := s.processes
	s.processes = map[string]*Process{}
	s.mu.Unlock()
	var wg sync.WaitGroup
	for _, p := range processes {
		wg.Go(p.Stop)
	}
	wg.Wait()
	if s.network == nil {
		return
	}
	err := s.network.Close()
	if err != nil {
		s.cfg.Say(err.Error())
	}
	if err == nil && !s.broken {
		_ = os.Remove(filepath.Join(s.cfg.Dir, runningMarker)) // left behind it costs receipts, not truth
	}
}

// Principal is who a role of the stack is.
func (s *Stack) Principal(role string) (principal.Principal, error) {
	key, err := Key(s.cfg.Dir, role)
	if err != nil {
		return principal.Principal{}, err
	}
	return key.Sender(), nil
}

// Agent talks to the stack's network as one of its roles.
func (s *Stack) Agent(role string) (*agent.Agent, error) { return Connect(s.cfg.Dir, s.State, role) }

// Connect is Agent for a stack that runs in another process.
func Connect(dir string, state State, role string) (*agent.Agent, error) {
	key, err := Key(dir, role)
	if err != nil {
		return nil, err
	}
	rootKey, err := state.RootKeyDER()
	if err != nil {
		return nil, err
	}
	return agent.New(agent.Config{URL: state.URL, Identity: key, RootKey: rootKey, Poll: 20 * time.Millisecond})
}
