// Package daemon wires a provider's stages and runs their loops. The command line starts
// one per process; everything that it needs is in [Config]. It owns no decision: see the
// stages.
package daemon

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"assay/canisters/market/marketapi"
	"assay/commitment"
	"assay/ic/agent"
	"assay/orchestrator/dashboard"
	"assay/orchestrator/journal"
	"assay/orchestrator/poll"
	"assay/orchestrator/run"
	"assay/orchestrator/stream"
	"assay/orchestrator/worker"
	"assay/orchestrator/writeback"
)

// AddressFile is the file in the daemon's folder that says where its dashboard listens.
const AddressFile = "daemon.json"

// Address is the content of [AddressFile].
type Address struct {
	URL string `json:"url"`
	PID int    `json:"pid"`
}

// Daemon is one provider's process.
type Daemon struct {
	cfg     Config
	log     *slog.Logger
	market  marketapi.Client[context.Context]
	journal *journal.Journal
	poller  *poll.Poller
	pool    *worker.Pool
	runner  run.Runner
	writer  writeback.Writer
	hub     *stream.Hub
	counts  counts
	loops   loops
}

// counts are the daemon's metrics.
type counts struct {
	tickets, computed, items, written, refused, declined, retried atomic.Int64
}

// loops say in words what they wait for.
type loops struct {
	mu sync.Mutex
	m  map[string]string
}

func (l *loops) say(name, what string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.m == nil {
		l.m = map[string]string{}
	}
	l.m[name] = what
}

// New connects the stages; it starts no loop. The journal is opened, so only one daemon
// can use the folder.
func New(ctx context.Context, cfg Config) (*Daemon, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	d := &Daemon{cfg: cfg, log: cfg.Logger, hub: stream.NewHub(), pool: worker.New(cfg.Lanes)}
	if d.log == nil {
		d.log = slog.New(slog.DiscardHandler)
	}
	a, err := agent.New(agent.Config{URL: cfg.Network, Identity: cfg.Worker, RootKey: cfg.RootKey, HTTP: cfg.HTTP})
	if err != nil {
		return nil, fmt.Errorf("connect to the network at %s: %w", cfg.Network, err)
	}
	provider := poll.Provider{
		Operator: cfg.Operator, Worker: cfg.Worker.Sender(), Market: cfg.Market, Network: commitment.NetworkID(cfg.RootKey),
	}
	d.market = marketapi.NewClient[context.Context](a.Canister(cfg.Market))
	d.runner = run.Runner{Market: d.market, Models: cfg.Models}
	d.writer = writeback.Writer{Market: d.market, Provider: provider}
	d.poller = &poll.Poller{
		Provider: provider, Market: d.market, RootKey: cfg.RootKey, Interval: cfg.Interval,
		Logger: d.log, Now: time.Now, Take: d.take,
	}
	d.journal, err = journal.Open(ctx, journal.Config{Dir: cfg.Dir, URL: cfg.NATS, Name: journalName(cfg), Logger: d.log})
	return d, err
}

// journalName keeps providers apart that share a cluster: one must not take another's
// tickets. An embedded journal is its daemon's alone.
func journalName(cfg Config) string {
	if cfg.NATS == "" {
		return ""
	}
	return "assay-" + cfg.Worker.Sender().String()
}

// Run works until ctx ends, then stops polling and writing back, lets running tickets
// finish within the grace time and closes the journal, which keeps their results for the
// next start. It returns the first failure of a loop, nil after a clean stop.
func (d *Daemon) Run(ctx context.Context) error {
	defer d.journal.Close()
	listener, err := d.listen()
	if err != nil {
		return err
	}
	defer os.Remove(filepath.Join(d.cfg.Dir, AddressFile))

	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	draining, cancelDrain := context.WithCancel(context.WithoutCancel(ctx))
	defer cancelDrain()
	var wg sync.WaitGroup
	start := func(name string, ctx context.Context, loop func(context.Context) error) {
		wg.Go(func() {
			if err := loop(ctx); err != nil && ctx.Err() == nil {
				stop(fmt.Errorf("%s: %w", name, err))
			}
		})
	}
	start("poll", ctx, d.poller.Run)
	placed := make(chan struct{}) // closed when no further ticket is started
	start("run", ctx, func(ctx context.Context) error {
		defer close(placed)
		return d.runLoop(ctx, draining)
	})
	start("writeback", ctx, d.writeLoop)
	start("follow", ctx, d.followLoop)
	server := &http.Server{Handler: d.handler(), ReadHeaderTimeout: 10 * time.Second, BaseContext: func(net.Listener) context.Context { return ctx }}
	start("dashboard", ctx, func(context.Context) error {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			return err
		}
		return nil
	})
	d.log.Info("provider daemon runs", "provider", d.cfg.Name, "url", "http://"+listener.Addr().String(), "market", d.cfg.Market)

	<-ctx.Done()
	grace := d.cfg.Grace
	if grace == 0 {
		grace = 5 * time.Second
	}
	timer := time.AfterFunc(grace, cancelDrain)
	defer timer.Stop()
	<-placed
	d.pool.Wait()
	closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Second)
	defer cancel()
	if server.Shutdown(closing) != nil {
		server.Close()
	}
	wg.Wait()
	if cause := context.Cause(ctx); cause != nil && !errors.Is(cause, context.Canceled) {
		return cause
	}
	return nil
}

// listen opens the dashboard's port and writes down where it is.
func (d *Daemon) listen() (net.Listener, error) {
	l, err := d.port()
	if err != nil {
		return nil, err
	}
	b, err := json.Marshal(Address{URL: "http://" + l.Addr().String(), PID: os.Getpid()})
	if err != nil {
		return nil, err
	}
	file := filepath.Join(d.cfg.Dir, AddressFile)
	if err := os.WriteFile(file+".new", b, 0o644); err != nil {
		return nil, err
	}
	return l, os.Rename(file+".new", file)
}

// port opens the configured address or, where that is left to the system, the one that a
// killed daemon of this folder had, so that its watchers find the stream again.
func (d *Daemon) port() (net.Listener, error) {
	address := d.cfg.Listen
	if address == "" {
		if last, err := ReadAddress(d.cfg.Dir); err == nil {
			if l, err := net.Listen("tcp", strings.TrimPrefix(last.URL, "http://")); err == nil {
				return l, nil
			}
		}
		address = "127.0.0.1:0"
	}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("open the dashboard's port %s: %w", address, err)
	}
	return l, nil
}

// ReadAddress says where the daemon of a folder listens.
func ReadAddress(dir string) (a Address, err error) {
	b, err := os.ReadFile(filepath.Join(dir, AddressFile))
	if err != nil {
		return a, err
	}
	return a, json.Unmarshal(b, &a)
}

func (d *Daemon) handler() http.Handler {
	return dashboard.Handler(d.status, stream.Handler{Hub: d.hub, Source: source{d.market, d.hub}, Ended: ended, Limit: &stream.Limit{}})
}

func (d *Daemon) status() dashboard.Status {
	s := dashboard.Status{
		Provider: d.cfg.Name, Operator: d.cfg.Operator.String(), Worker: d.cfg.Worker.Sender().String(), Market: d.cfg.Market.String(),
		Development: d.cfg.Development, Loops: map[string]string{"poll": d.poller.Status()}, Lanes: d.pool.Running(), Ready: d.poller.Ready(),
		Counts: map[string]float64{
			"poll_tickets_total": float64(d.counts.tickets.Load()), "run_jobs_total": float64(d.counts.computed.Load()), "run_items_total": float64(d.counts.items.Load()),
			"writeback_written_total": float64(d.counts.written.Load()), "writeback_refused_total": float64(d.counts.refused.Load()),
			"writeback_declined_total": float64(d.counts.declined.Load()), "writeback_retries_total": float64(d.counts.retried.Load()),
		},
	}
	for root, m := range d.cfg.Models {
		s.Models = append(s.Models, m.Name+" "+root.String())
	}
	for _, q := range []journal.Queue{journal.Assigned, journal.Computed} {
		if n, err := d.journal.Depth(context.Background(), q); err == nil {
			s.Counts["journal_"+string(q)+"_items"] = float64(n)
		}
	}
	d.loops.mu.Lock()
	defer d.loops.mu.Unlock()
	for name, what := range d.loops.m {
		s.Loops[name] = what
	}
	return s
}
