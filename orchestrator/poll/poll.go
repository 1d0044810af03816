// Package poll asks the market which work this provider was given, and passes on only
// assignments that the network certified: the certificate's chain to the root key, its
// age, the witness, and every assignment's hash. What a gateway adds, drops or changes is
// noticed. It keeps nothing; the daemon puts the tickets into the journal.
package poll

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"sync"
	"time"

	"assay/canisters/market/marketapi"
	"assay/commitment"
	"assay/ic/certificate"
	"assay/ic/certificate/hashtree"
)

// maxAge bounds how old a certificate of assignments may be, so that a gateway cannot keep
// a provider busy with yesterday's work.
const maxAge = 2 * time.Minute

// ErrForged marks an answer that the network did not certify. It may be tried again, with
// another gateway at best.
var ErrForged = errors.New("assignments do not match their certificate")

// Check returns the tickets of an answer that is certified in every part.
func Check(a marketapi.Assignments, p Provider, rootKey []byte, now time.Time) ([]Ticket, error) {
	cert, err := certificate.Decode(a.Certificate)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForged, err)
	}
	if err := cert.Verify(rootKey, p.Market, now, maxAge); err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForged, err)
	}
	tree, err := cert.VerifyWitness(p.Market, a.Witness)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrForged, err)
	}
	leaves, result := tree.List([]byte("assignments"), p.Operator.Bytes())
	if result == hashtree.Absent {
		leaves = nil
	} else if result != hashtree.Found {
		return nil, fmt.Errorf("%w: the witness does not show all assignments (%s)", ErrForged, result)
	}
	if len(leaves) != len(a.Assignments) {
		return nil, fmt.Errorf("%w: %d assignments came with %d certified", ErrForged, len(a.Assignments), len(leaves))
	}
	tickets := make([]Ticket, 0, len(leaves))
	for i, leaf := range leaves {
		t, err := p.ticket(a.Assignments[i], leaf)
		if err != nil {
			return nil, fmt.Errorf("%w: assignment %d: %w", ErrForged, i, err)
		}
		tickets = append(tickets, t)
	}
	return tickets, nil
}

// ticket compares an assignment with its certified hash. Both lists are in the order of
// job numbers.
func (p Provider) ticket(a marketapi.Assignment, leaf hashtree.Pair) (t Ticket, err error) {
	if a.Operator != p.Operator || a.Worker != p.Worker {
		return t, fmt.Errorf("is for operator %s and worker %s", a.Operator, a.Worker)
	}
	if a.Phase == nil {
		return t, errors.New("is in a phase that this version does not know: update the daemon")
	}
	t = Ticket{Job: a.Job.Seq, Attempt: a.Attempt, Phase: a.Phase.Tag(), Deadline: a.Deadline}
	var parameters commitment.Hash
	for what, h := range map[string]struct {
		from []byte
		to   *commitment.Hash
	}{"model": {a.Model, &t.Model}, "input": {a.InputHash, &t.Input}, "parameters": {a.ParametersHash, &parameters}} {
		if len(h.from) != len(h.to) {
			return t, fmt.Errorf("has a %s hash of %d bytes, not %d", what, len(h.from), len(h.to))
		}
		copy(h.to[:], h.from)
	}
	want := commitment.Assignment{
		Work: p.Work(t), Operator: p.Operator.Bytes(), Parameters: parameters, Phase: t.Phase, Deadline: t.Deadline,
	}.Sum()
	value, result := leaf.Tree.Lookup()
	if !bytes.Equal(leaf.Label, commitment.SeqLabel(t.Job)) || result != hashtree.Found || !bytes.Equal(value, want[:]) {
		return t, errors.New("has another hash than the certified one")
	}
	return t, nil
}

// Poller asks in a loop.
type Poller struct {
	Provider Provider
	Market   marketapi.Client[context.Context]
	RootKey  []byte
	Interval time.Duration // between polls; 0 is one second
	Logger   *slog.Logger
	Now      func() time.Time
	// Take gets each ticket, again at every poll until the market takes it off the list.
	Take func(context.Context, Ticket) error

	mu struct {
		sync.Mutex
		status string
		heard  time.Time // when a poll last succeeded
	}
}

// deafAfter is how long polls may fail before the provider counts as not ready.
const deafAfter = 30 * time.Second

// Ready reports whether a poll has succeeded, lately enough.
func (p *Poller) Ready() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.mu.heard.IsZero() && p.Now().Sub(p.mu.heard) <= deafAfter+2*p.Interval
}

// Run polls until ctx ends and returns nil then. After errors it waits longer.
func (p *Poller) Run(ctx context.Context) error {
	interval := p.Interval
	if interval == 0 {
		interval = time.Second
	}
	failures := 0
	for {
		if err := p.once(ctx); err != nil && ctx.Err() == nil {
			failures++
			p.say("waiting after an error: " + err.Error())
			p.Logger.Warn("poll", "error", err, "failures", failures)
		} else {
			failures = 0
		}
		// Jitter keeps many providers from polling in step.
		wait := interval<<min(failures, 5) + rand.N(interval/4+1)
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
	}
}

func (p *Poller) once(ctx context.Context) error {
	answer, err := p.Market.Assignments(ctx, p.Provider.Operator)
	if err != nil {
		return fmt.Errorf("ask the market for assignments: %w", err)
	}
	tickets, err := Check(answer, p.Provider, p.RootKey, p.Now())
	if err != nil {
		return err
	}
	p.say(fmt.Sprintf("waiting for the next poll; %d assignments are open", len(tickets)))
	for _, t := range tickets {
		if err := p.Take(ctx, t); err != nil {
			return fmt.Errorf("keep ticket %s: %w", t.ID(), err)
		}
	}
	p.mu.Lock()
	p.mu.heard = p.Now()
	p.mu.Unlock()
	return nil
}

func (p *Poller) say(status string) {
	p.mu.Lock()
	p.mu.status = status
	p.mu.Unlock()
}

// Status is what the loop waits for, in words.
func (p *Poller) Status() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.mu.status
}
