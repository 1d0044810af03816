package daemon

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"assay/ic/identity"
	"assay/ic/principal"
	"assay/orchestrator/run"
)

// Model and Models are run's, for who starts a daemon.
type (
	Model  = run.Model
	Models = run.Models
)

// Config is what a daemon is started with. It is not changed afterwards.
type Config struct {
	Name        string              // how people call this provider
	Dir         string              // the daemon's own folder: journal, address file
	Listen      string              // host:port of the dashboard and stream; "127.0.0.1:0" if empty
	Network     string              // URL of the Internet Computer interface
	RootKey     []byte              // DER; the network's key that every certificate is held against
	Market      principal.Principal // the market canister
	Operator    principal.Principal // who the dao admitted
	Worker      identity.Identity   // the registered worker key
	Models      Models              // what this provider can run
	Lanes       int                 // tickets that run at the same time; 0 is one
	Interval    time.Duration       // between polls; 0 is one second
	Grace       time.Duration       // how long running tickets may finish at a stop; 0 is five seconds
	NATS        string              // external cluster URL; empty embeds JetStream in Dir
	Development string              // what about this daemon is for development only, shown on its page
	HTTP        *http.Client        // nil is a client with sane timeouts
	Logger      *slog.Logger        // nil is silent
}

// Validate names every field that is missing or wrong.
func (c Config) Validate() error {
	var errs []error
	need := func(ok bool, what string) {
		if !ok {
			errs = append(errs, errors.New(what))
		}
	}
	need(c.Dir != "", "dir is missing: the daemon needs a folder of its own")
	need(c.Network != "", "network is missing: give the URL of the network")
	need(len(c.RootKey) > 0, "root key is missing: without it nothing can be checked")
	need(c.Market != principal.Management, "market is missing: give the market canister's id")
	need(c.Operator != principal.Management, "operator is missing: give the principal that the dao admitted")
	need(c.Worker != nil, "worker key is missing")
	need(len(c.Models) > 0, "models are missing: a provider without a model can do nothing")
	need(c.Lanes >= 0 && c.Lanes <= 1024, "lanes must be between 0 and 1024")
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("provider configuration: %w", err)
	}
	return nil
}
