// Package stack puts Assay together on one machine: the embedded network, the canisters,
// a dao of three members, providers as child processes. The demo tells its story on a
// stack that is thrown away; `assay up` keeps one in a folder. Tests drive both.
package stack

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"time"

	"assay/ic/agent"
	"assay/ic/principal"
	"assay/ic/wasm/build"
)

// Config says what to start. Dir, Source and Say are required.
type Config struct {
	Dir    string // the stack's folder; everything that it must remember is there
	Source string // the repository, from which canisters are built
	Model  string // ModelAuto, ModelMiniLM or ModelTiny
	// Network is a name as package destination takes it; empty: the folder's last one, or the
	// embedded network.
	Network string
	Port    int          // of the embedded network's HTTP interface; 0 lets the system choose
	Say     func(string) // progress in words
	Logger  *slog.Logger // nil is silent
}

// Stack is running until Close.
type Stack struct {
	State State
	Model Model

	cfg     Config
	modules map[string]build.Module
	network network
	moved   bool                // to another network than the folder's canisters are on
	subnet  principal.Principal // an id that is hosted where canisters are created

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
	if err := s.startNetwork(ctx); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.Close()
		}
	}()
	if s.State.Deployed {
		there, err := s.stillThere(ctx)
		if err != nil {
			return nil, err
		}
		if !there {
			if err := s.startAnew(ctx); err != nil {
				return nil, err
			}
		}
	}
	if s.State.Deployed {
		return s, s.State.write(cfg.Dir)
	}
	return s, s.deploy(ctx)
}

// stillThere reports whether the network is the one that the canisters were deployed on.
func (s *Stack) stillThere(ctx context.Context) (bool, error) {
	if s.moved {
		return false, nil
	}
	a, err := s.Agent("installer")
	if err != nil {
		return false, err
	}
	return Installed(ctx, a, s.State.Canisters["market"])
}

// startAnew forgets what belonged to another network than the one that is there now, or to
// one whose deployment was cut short: journals and receipts speak of jobs that do not exist
// here. Keys stay.
func (s *Stack) startAnew(ctx context.Context) error {
	s.cfg.Say("the network does not have this folder's canisters: deploying anew")
	suffix := ".before-" + time.Now().UTC().Format("20060102T150405.000")
	for _, name := range []string{"providers", "receipts"} {
		from := filepath.Join(s.cfg.Dir, name)
		err := os.Rename(from, from+suffix)
		if err == nil {
			s.cfg.Say(name + " of before are put aside as " + name + suffix)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("put %s aside: %w", name, err)
		}
	}
	s.State.Deployed, s.State.Admitted, s.State.Providers = false, false, nil
	return s.build(ctx)
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

// Failed gets an error when the embedded network ends by itself.
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
	if err := s.network.Close(); err != nil {
		s.cfg.Say(err.Error())
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
