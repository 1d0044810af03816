// Package stream shows a job's way to whoever watches: the market's numbered events over a
// websocket, with a snapshot first. The daemon's follower appends, the dashboard's HTTP
// server hands connections in. Watching is a convenience: a watcher checks what matters
// against certificates itself, and a slow one is cut off and resumes by number.
//
// A frame is one JSON object in one text message:
//
//	{"v":1,"type":"snapshot","seq":N,"job":J,"state":"…"}   first; events up to N are history
//	{"v":1,"type":"event","seq":N,"at":ns,"job":J,"kind":"…","detail":"…"}
//	{"v":1,"type":"end","seq":N,"job":J,"state":"…"}        the job will not change again
//
// seq is the market's own event number, so a watcher may resume at another provider's
// daemon with from = last seq + 1. Numbers rise; for one job they have gaps.
package stream

import (
	"sync"
)

// Version is the frame format. Another one is refused by watchers.
const Version = 1

// Event is one entry of the market's event log.
type Event struct {
	Seq    uint64 `json:"seq"`
	At     uint64 `json:"at"` // ns since 1970
	Job    uint64 `json:"job"`
	Kind   string `json:"kind"`
	Detail string `json:"detail,omitempty"`
}

// keep is how many events the hub holds for late watchers; older ones are fetched from the market.
const keep = 10_000

// Hub holds the newest events and wakes those who wait for more.
type Hub struct {
	mu struct {
		sync.Mutex
		events  []Event // consecutive in Seq order
		next    uint64  // the number that Append expects
		changed chan struct{}
	}
}

// NewHub starts empty: the first appended event may have any number.
func NewHub() *Hub {
	h := &Hub{}
	h.mu.changed = make(chan struct{})
	return h
}

// StartAt says which event an empty hub expects first; older ones are the market's to tell.
func (h *Hub) StartAt(next uint64) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.mu.events) == 0 {
		h.mu.next = max(h.mu.next, next)
	}
}

// Next is the number of the event that has not been seen yet.
func (h *Hub) Next() uint64 {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.mu.next
}

// Append adds events in order; those already known are passed over.
func (h *Hub) Append(events ...Event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	added := false
	for _, e := range events {
		if e.Seq < h.mu.next {
			continue
		}
		h.mu.events = append(h.mu.events, e)
		h.mu.next = e.Seq + 1
		added = true
	}
	if over := len(h.mu.events) - keep; over > 0 {
		h.mu.events = h.mu.events[over:] // append moves the rest, now and then, and lets go of these
	}
	if added {
		close(h.mu.changed)
		h.mu.changed = make(chan struct{})
	}
}

// Since returns the kept events from number `from` on, the channel that closes when more
// come, and whether older ones than were returned may exist outside the hub.
func (h *Hub) Since(from uint64) (events []Event, more <-chan struct{}, gap bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for i, e := range h.mu.events {
		if e.Seq >= from {
			events = append(events, h.mu.events[i:]...)
			break
		}
	}
	gap = from < h.mu.next && (len(h.mu.events) == 0 || h.mu.events[0].Seq > from)
	return events, h.mu.changed, gap
}
