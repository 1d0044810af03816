package daemon

import (
	"context"
	"time"

	"assay/canisters/market/marketapi"
	"assay/orchestrator/stream"
)

// eventsPerLook bounds one answer of the market.
const eventsPerLook = 500

// followLoop copies the market's newest events into the hub, from now on: watchers fetch
// what is older from the market.
func (d *Daemon) followLoop(ctx context.Context) error {
	failures := 0
	started := false
	for {
		events, err := d.look(ctx, &started)
		if err != nil && ctx.Err() == nil {
			failures++
			d.loops.say("follow", "waiting after an error: "+err.Error())
		} else {
			failures = 0
			d.hub.Append(convert(events)...)
			d.loops.say("follow", "waiting for new events of the market")
		}
		if len(events) == eventsPerLook {
			continue
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(followWait << min(failures, 6)):
		}
	}
}

// look asks for the newest events; the first look finds out where to begin.
func (d *Daemon) look(ctx context.Context, started *bool) ([]marketapi.Event, error) {
	if !*started {
		newest, err := d.market.EventCount(ctx)
		if err != nil {
			return nil, err
		}
		d.hub.StartAt(newest + 1)
		*started = true
	}
	return d.market.Events(ctx, marketapi.EventsArg{From: d.hub.Next(), Limit: eventsPerLook})
}

func convert(events []marketapi.Event) []stream.Event {
	out := make([]stream.Event, 0, len(events))
	for _, e := range events {
		s := stream.Event{Seq: e.Seq, At: e.At, Kind: e.Kind, Detail: e.Detail}
		if e.Job != nil {
			s.Job = *e.Job
		}
		out = append(out, s)
	}
	return out
}

// ended tells from an event's kind that its job will not change again.
func ended(kind string) bool {
	switch kind {
	case "final", "disputed", "failed":
		return true
	}
	return false
}

// source answers watchers what the hub does not hold.
type source struct {
	market marketapi.Client[context.Context]
	hub    *stream.Hub
}

func (s source) Snapshot(ctx context.Context, job uint64) (state string, next uint64, over, found bool, err error) {
	next = s.hub.Next()
	j, err := s.market.Job(ctx, job)
	if err != nil || j == nil {
		return "", 0, false, false, err
	}
	state = "unknown"
	if j.State != nil {
		state = j.State.Tag()
	}
	return state, next, ended(state), true, nil
}

func (s source) Events(ctx context.Context, job, from uint64) ([]stream.Event, error) {
	var all []stream.Event
	for {
		events, err := s.market.Events(ctx, marketapi.EventsArg{Job: &job, From: from, Limit: eventsPerLook})
		if err != nil {
			return nil, err
		}
		all = append(all, convert(events)...)
		if len(events) < eventsPerLook {
			return all, nil
		}
		from = events[len(events)-1].Seq + 1
	}
}
