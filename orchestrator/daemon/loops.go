package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"assay/orchestrator/journal"
	"assay/orchestrator/poll"
	"assay/orchestrator/run"
	"assay/orchestrator/schedule"
	"assay/orchestrator/verify"
	"assay/orchestrator/worker"
	"assay/orchestrator/writeback"
)

const (
	fetchWait  = time.Second            // how long a loop waits for a ticket before it looks around again
	windowSize = 8                      // tickets per lane that schedule may choose from
	maxRetry   = 10 * time.Second       // between tries of one ticket
	extendWait = 20 * time.Second       // leases of waiting tickets are renewed this often
	followWait = 250 * time.Millisecond // between looks at the market's event log
)

// take puts a polled ticket into the journal; one that is there already is passed over.
func (d *Daemon) take(ctx context.Context, t poll.Ticket) error {
	fresh, err := d.journal.Put(ctx, journal.Assigned, t.ID(), t.Encode())
	if fresh {
		d.counts.tickets.Add(1)
		d.log.Info("ticket taken", "job", t.Job, "attempt", t.Attempt, "phase", t.Phase)
	}
	return err
}

// waiting is a fetched ticket that has no lane yet.
type waiting struct {
	ticket   poll.Ticket
	item     journal.Item
	extended time.Time
}

// runLoop fetches tickets and places them on lanes. Jobs run under draining, which
// outlives ctx by the grace time.
func (d *Daemon) runLoop(ctx, draining context.Context) error {
	window := map[string]waiting{}
	for ctx.Err() == nil {
		lanes, freed := d.pool.Lanes()
		if len(window) < windowSize*len(lanes) {
			if err := d.fetch(ctx, window); err != nil {
				return err
			}
		} else {
			select {
			case <-freed:
			case <-ctx.Done():
			case <-time.After(fetchWait):
			}
		}
		d.place(draining, window)
		d.loops.say("run", fmt.Sprintf("waiting for tickets or a free lane; %d tickets wait", len(window)))
	}
	for _, w := range window {
		_ = w.item.Again(0)
	}
	return nil
}

func (d *Daemon) fetch(ctx context.Context, window map[string]waiting) error {
	wait := fetchWait
	if len(window) > 0 {
		wait = 50 * time.Millisecond // something can be placed already: only look whether more is there
	}
	item, ok, err := d.journal.Fetch(ctx, journal.Assigned, wait)
	if err != nil || !ok {
		return err
	}
	t, err := poll.Decode(item.Ticket)
	if err != nil {
		d.log.Error("ticket dropped", "error", err)
		return item.Done(ctx)
	}
	window[t.ID()] = waiting{t, item, time.Now()}
	return nil
}

// place starts what schedule chooses and drops what is too late.
func (d *Daemon) place(draining context.Context, window map[string]waiting) {
	var tickets []schedule.Ticket
	for id, w := range window {
		if time.Since(w.extended) > extendWait {
			w.extended = time.Now()
			window[id] = w
			_ = w.item.Working()
		}
		tickets = append(tickets, schedule.Ticket{ID: id, Model: w.ticket.Model.String(), Deadline: w.ticket.Deadline, Cheap: w.ticket.Phase == poll.Reveal})
	}
	lanes, _ := d.pool.Lanes()
	decision := schedule.Next(uint64(time.Now().UnixNano()), lanes, tickets)
	for _, id := range decision.Expired {
		d.log.Warn("ticket dropped: its deadline has passed", "ticket", id)
		if err := window[id].item.Done(draining); err != nil {
			d.log.Error("drop ticket", "ticket", id, "error", err)
		}
		delete(window, id)
	}
	for _, p := range decision.Place {
		w := window[p.Ticket]
		delete(window, p.Ticket)
		d.pool.Start(draining, p.Lane, worker.Job{
			ID: p.Ticket, Model: w.ticket.Model.String(), Extend: w.item.Working,
			Do: func(ctx context.Context) { d.do(ctx, w.ticket, w.item) },
		})
	}
}

// do computes one ticket, unless its result is kept already, and hands it to writeback.
func (d *Daemon) do(ctx context.Context, t poll.Ticket, item journal.Item) {
	log := d.log.With("job", t.Job, "attempt", t.Attempt, "phase", t.Phase)
	err := d.compute(ctx, t)
	var cannot *run.CannotError
	switch {
	case errors.As(err, &cannot):
		log.Warn("ticket declined", "reason", cannot.Reason)
		if outcome, err := d.writer.Decline(ctx, t, cannot); outcome == writeback.Later {
			log.Warn("decline", "error", err)
			_ = item.Again(retryAfter(item.Tries))
			return
		}
		d.counts.declined.Add(1)
	case err != nil:
		log.Warn("ticket put back", "error", err, "tries", item.Tries)
		d.counts.retried.Add(1)
		_ = item.Again(retryAfter(item.Tries))
		return
	default:
		if _, err := d.journal.Put(ctx, journal.Computed, t.ID(), t.Encode()); err != nil {
			log.Error("hand to writeback", "error", err)
			_ = item.Again(retryAfter(item.Tries))
			return
		}
	}
	if err := item.Done(ctx); err != nil {
		log.Warn("acknowledge", "error", err) // the ticket comes again and finds its result kept
	}
}

func (d *Daemon) compute(ctx context.Context, t poll.Ticket) error {
	_, kept, err := d.journal.Load(ctx, t.Key())
	if err != nil || kept {
		return err
	}
	if t.Phase == poll.Reveal {
		return &run.CannotError{Reason: "the result that was committed to is no longer kept here"}
	}
	out, err := d.runner.Run(ctx, t)
	if err != nil {
		return err
	}
	result, err := verify.Check(out)
	if err != nil {
		return err
	}
	b, err := result.Encode()
	if err != nil {
		return err
	}
	if err := d.journal.Save(ctx, t.Key(), b); err != nil {
		return err
	}
	d.counts.computed.Add(1)
	d.counts.items.Add(int64(len(out.Tensors)))
	d.log.Info("computed", "job", t.Job, "attempt", t.Attempt, "model", out.Model.Name, "what", result.Note)
	return nil
}

// writeLoop brings computed results to the market, one at a time.
func (d *Daemon) writeLoop(ctx context.Context) error {
	for ctx.Err() == nil {
		d.loops.say("writeback", "waiting for computed results")
		item, ok, err := d.journal.Fetch(ctx, journal.Computed, fetchWait)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		t, err := poll.Decode(item.Ticket)
		if err != nil {
			d.log.Error("computed ticket dropped", "error", err)
			_ = item.Done(ctx)
			continue
		}
		d.loops.say("writeback", "waiting for the market's answer to job "+t.Key())
		d.write(ctx, t, item)
	}
	return nil
}

func (d *Daemon) write(ctx context.Context, t poll.Ticket, item journal.Item) {
	log := d.log.With("job", t.Job, "attempt", t.Attempt, "phase", t.Phase)
	b, kept, err := d.journal.Load(ctx, t.Key())
	if err != nil {
		_ = item.Again(retryAfter(item.Tries))
		return
	}
	outcome := writeback.Refused
	if !kept {
		err = errors.New("its result is not kept")
	} else if result, derr := verify.Decode(b); derr != nil {
		err = derr
	} else {
		outcome, err = d.writer.Write(ctx, t, result)
	}
	late := uint64(time.Now().UnixNano()) > t.Deadline
	switch {
	case outcome == writeback.Later && !late:
		log.Warn("write back later", "error", err, "tries", item.Tries)
		d.counts.retried.Add(1)
		_ = item.Again(retryAfter(item.Tries))
		return
	case outcome == writeback.Written:
		d.counts.written.Add(1)
		log.Info("written back")
	default:
		d.counts.refused.Add(1)
		log.Warn("result dropped", "error", err, "late", late)
	}
	if outcome != writeback.Written || t.Phase != poll.Commit {
		if err := d.journal.Forget(ctx, t.Key()); err != nil {
			log.Warn("forget result", "error", err)
		}
	}
	if err := item.Done(ctx); err != nil {
		log.Warn("acknowledge", "error", err)
	}
}

func retryAfter(tries uint64) time.Duration {
	return min(250*time.Millisecond<<min(tries, 8), maxRetry)
}
