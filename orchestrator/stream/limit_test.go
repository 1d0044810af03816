package stream

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// TestTooManyWatchers: one more than allowed is sent away with a hint, and served once
// another has left.
func TestTooManyWatchers(t *testing.T) {
	t.Parallel()
	src, hub := &source{}, NewHub()
	src.add(hub, 7, "submitted")
	h := Handler{Hub: hub, Source: src, Ended: func(kind string) bool { return kind == "final" }, Limit: &Limit{Max: 2}}
	left := make(chan struct{}, 8)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.ServeHTTP(w, r)
		left <- struct{}{}
	}))
	t.Cleanup(srv.Close)
	first, second := dial(t, srv.URL, "job=7"), dial(t, srv.URL, "job=7")
	read(t, first, "snapshot")
	read(t, second, "snapshot")
	resp, err := http.Get(srv.URL + "?job=7")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusServiceUnavailable || resp.Header.Get("Retry-After") == "" || !strings.Contains(string(body), "another provider") {
		t.Errorf("%s %q, %v", resp.Status, body, err)
	}
	<-left // the one that was sent away
	first.Close()
	<-left
	read(t, dial(t, srv.URL, "job=7"), "snapshot")
	if limit := (&Limit{}); !limit.enter() || limit.now.Load() != 1 || MaxWatchers != 1000 {
		t.Error("the zero limit serves nobody")
	}
}

// TestHubStartsNearTheEnd: what is older than the hub's start is fetched, nothing is
// missed between.
func TestHubStartsNearTheEnd(t *testing.T) {
	t.Parallel()
	h := NewHub()
	h.StartAt(901)
	if h.Next() != 901 {
		t.Errorf("next is %d", h.Next())
	}
	if events, _, gap := h.Since(5); len(events) != 0 || !gap {
		t.Errorf("%d events, gap %v: events before the start are elsewhere", len(events), gap)
	}
	h.Append(Event{Seq: 900}, Event{Seq: 901}, Event{Seq: 902})
	if events, _, gap := h.Since(902); len(events) != 1 || gap {
		t.Errorf("%d events, gap %v", len(events), gap)
	}
	h.StartAt(5000)
	if h.Next() != 903 {
		t.Errorf("a hub that holds events jumped to %d", h.Next())
	}
}
