package stack

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"assay/commitment"
	"assay/ic/identity"
	"assay/ic/principal"
	"assay/inference/pipeline"
	"assay/orchestrator/daemon"
)

// ProviderFile is the configuration of a provider's daemon, as `assay provider run` reads it.
type ProviderFile struct {
	Name     string              `json:"name"`
	Dir      string              `json:"dir"`      // the daemon's own folder
	Listen   string              `json:"listen"`   // host:port of dashboard and stream, 127.0.0.1:0 by default
	Network  string              `json:"network"`  // URL
	RootKey  string              `json:"root_key"` // hex of the DER
	Market   principal.Principal `json:"market"`
	Operator principal.Principal `json:"operator"`
	Worker   string              `json:"worker"` // path of the worker's key, PEM
	Model    string              `json:"model"`  // minilm or tiny
	Lanes    int                 `json:"lanes"`
	NATS     string              `json:"nats,omitempty"` // external cluster
}

// ReadProviderFile reads and checks a daemon's configuration.
func ReadProviderFile(path string) (f ProviderFile, err error) {
	b, err := os.ReadFile(path)
	if err != nil {
		return f, fmt.Errorf("read provider configuration: %w", err)
	}
	if err := json.Unmarshal(b, &f); err != nil {
		return f, fmt.Errorf("read provider configuration %s: %w", path, err)
	}
	return f, nil
}

// Wrap stands around a backend; the development cheat is one.
type Wrap func(pipeline.Backend) pipeline.Backend

// RunProvider runs a provider's daemon in this process until ctx ends.
func RunProvider(ctx context.Context, f ProviderFile, development string, wrap Wrap, log *slog.Logger) error {
	worker, err := identity.Load(f.Worker)
	if err != nil {
		return err
	}
	rootKey, err := State{RootKey: f.RootKey}.RootKeyDER()
	if err != nil {
		return err
	}
	model, err := PrepareModel(ctx, f.Model, func(text string) { log.Info(text) })
	if err != nil {
		return err
	}
	loaded, err := model.Load(max(f.Lanes, 1))
	if err != nil {
		return err
	}
	var backend pipeline.Backend = loaded
	if wrap != nil {
		backend = wrap(backend)
	}
	d, err := daemon.New(ctx, daemon.Config{
		Name: f.Name, Dir: f.Dir, Listen: f.Listen, Network: f.Network, RootKey: rootKey, Market: f.Market, Operator: f.Operator,
		Worker: worker, Models: daemon.Models{model.Root: {Name: model.Manifest.Name, Dimension: model.Dimension, Backend: backend}},
		Lanes: f.Lanes, Interval: pollInterval, NATS: f.NATS, Development: development, Logger: log,
	})
	if err != nil {
		return err
	}
	return d.Run(ctx)
}

// pollInterval suits a local network; on the real one a query a second is plenty.
const pollInterval = 300 * time.Millisecond

// ProviderDir is the folder of one of a stack's daemons.
func ProviderDir(dir, name string) string { return filepath.Join(dir, "providers", name) }

// providerFile writes the configuration of one of the stack's daemons.
func (s *Stack) providerFile(p ProviderState) (string, error) {
	dir := ProviderDir(s.cfg.Dir, p.Name)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return "", err
	}
	model := ModelMiniLM
	if s.Model.Tiny {
		model = ModelTiny
	}
	if _, err := Key(s.cfg.Dir, "worker-"+p.Name); err != nil {
		return "", err
	}
	f := ProviderFile{
		Name: p.Name, Dir: dir, Network: s.State.URL, RootKey: s.State.RootKey, Market: s.State.Canisters["market"], Operator: p.Operator,
		Worker: filepath.Join(s.cfg.Dir, "keys", "worker-"+p.Name+".pem"), Model: model, Lanes: 1,
	}
	b, err := json.MarshalIndent(f, "", "  ")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "provider.json")
	return path, os.WriteFile(path, append(b, '\n'), 0o600)
}

// NewProvider names a provider of the stack and makes its keys. It runs nothing.
func (s *Stack) NewProvider(name string) (ProviderState, error) {
	operator, err := s.Principal("operator-" + name)
	if err != nil {
		return ProviderState{}, err
	}
	worker, err := s.Principal("worker-" + name)
	return ProviderState{Name: name, Operator: operator, Worker: worker}, err
}

// StartProvider runs a provider's daemon as a child process. A cheat above zero makes it
// falsify that many outputs, for development only.
func (s *Stack) StartProvider(ctx context.Context, p ProviderState, cheat int) error {
	file, err := s.providerFile(p)
	if err != nil {
		return err
	}
	args := []string{"provider", "run", "--config", file}
	if cheat > 0 {
		args = append(args, "--development-cheat", strconv.Itoa(cheat))
	}
	process, err := startProcess(ctx, p.Name, filepath.Dir(file), s.cfg.Say, args...)
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.processes[p.Name] = process
	return nil
}

// Provider is a running daemon by its name, nil when there is none.
func (s *Stack) Provider(name string) *Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.processes[name]
}

// StopProvider stops a provider's daemon and waits for it.
func (s *Stack) StopProvider(name string) {
	s.mu.Lock()
	process := s.processes[name]
	delete(s.processes, name)
	s.mu.Unlock()
	if process != nil {
		process.Stop()
	}
}

// ModelRoot is the root of the stack's model.
func (s *Stack) ModelRoot() commitment.Hash { return s.Model.Root }
