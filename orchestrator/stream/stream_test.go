package stream

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/gorilla/websocket"
)

// source is a small real event log.
type source struct {
	mu    sync.Mutex
	log   []Event
	state string
}

func (s *source) Snapshot(_ context.Context, job uint64) (string, uint64, bool, bool, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.state, uint64(len(s.log)), s.state == "final", job == 7, nil
}

func (s *source) Events(_ context.Context, job, from uint64) (out []Event, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range s.log {
		if e.Job == job && e.Seq >= from {
			out = append(out, e)
		}
	}
	return out, nil
}

func (s *source) add(h *Hub, job uint64, kind string) {
	s.mu.Lock()
	e := Event{Seq: uint64(len(s.log)), At: 1, Job: job, Kind: kind}
	s.log = append(s.log, e)
	if job == 7 {
		s.state = kind
	}
	s.mu.Unlock()
	h.Append(e)
}

func serve(t *testing.T) (*source, *Hub, string) {
	t.Helper()
	src, hub := &source{}, NewHub()
	srv := httptest.NewServer(Handler{Hub: hub, Source: src, Ended: func(kind string) bool { return kind == "final" }})
	t.Cleanup(srv.Close)
	return src, hub, srv.URL
}

func dial(t *testing.T, url, query string) *websocket.Conn {
	t.Helper()
	c, _, err := websocket.DefaultDialer.Dial("ws"+strings.TrimPrefix(url, "http")+"?"+query, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// read takes frames until one of the type was read.
func read(t *testing.T, c *websocket.Conn, until string) (got []string) {
	t.Helper()
	for {
		_, b, err := c.ReadMessage()
		if err != nil {
			t.Fatalf("after %v: %v", got, err)
		}
		var f Frame
		if err := json.Unmarshal(b, &f); err != nil || f.V != Version || f.Job != 7 {
			t.Fatalf("frame %s: %v", b, err)
		}
		got = append(got, fmt.Sprintf("%s %d %s%s", f.Type, f.Seq, f.Kind, f.State))
		if f.Type == until || f.Kind == until {
			return got
		}
	}
}

func TestWatchFromSubmittedToFinal(t *testing.T) {
	t.Parallel()
	src, hub, url := serve(t)
	src.add(hub, 7, "submitted")
	src.add(hub, 8, "submitted")
	c := dial(t, url, "job=7")
	got := read(t, c, "submitted")
	src.add(hub, 7, "assigned")
	src.add(hub, 8, "final")
	src.add(hub, 7, "final")
	got = append(got, read(t, c, "end")...)
	want := []string{"snapshot 2 submitted", "event 0 submitted", "event 2 assigned", "event 4 final", "end 5 final"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("frames (-want +got):\n%s", diff)
	}
}

func TestResumeAndEnded(t *testing.T) {
	t.Parallel()
	src, hub, url := serve(t)
	for _, k := range []string{"submitted", "assigned", "final"} {
		src.add(hub, 7, k)
	}
	for query, want := range map[string][]string{
		"job=7&from=2": {"snapshot 3 final", "event 2 final", "end 3 final"},
		"job=7&from=3": {"snapshot 3 final", "end 3 final"},
	} {
		if diff := cmp.Diff(want, read(t, dial(t, url, query), "end")); diff != "" {
			t.Errorf("%s (-want +got):\n%s", query, diff)
		}
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	_, _, url := serve(t)
	for query, status := range map[string]int{"": 400, "job=x": 400, "job=7&from=-1": 400, "job=9": 404} {
		resp, err := http.Get(url + "?" + query)
		if err != nil {
			t.Fatal(err)
		}
		resp.Body.Close()
		if resp.StatusCode != status {
			t.Errorf("GET ?%s: %d, want %d", query, resp.StatusCode, status)
		}
	}
}

func TestHubFoldsRepeatsAndNamesGaps(t *testing.T) {
	t.Parallel()
	h := NewHub()
	h.Append(Event{Seq: 5}, Event{Seq: 6})
	h.Append(Event{Seq: 6}, Event{Seq: 7})
	events, _, gap := h.Since(0)
	if len(events) != 3 || !gap || h.Next() != 8 {
		t.Errorf("Since(0) = %v, gap %v, next %d; want 3 events, a gap, 8", events, gap, h.Next())
	}
	if events, _, gap := h.Since(8); len(events) != 0 || gap {
		t.Errorf("Since(8) = %v, gap %v; want nothing", events, gap)
	}
	for i := range uint64(2 * keep) {
		h.Append(Event{Seq: 8 + i})
	}
	if events, _, _ := h.Since(0); len(events) != keep {
		t.Errorf("hub holds %d events, want %d", len(events), keep)
	}
}
