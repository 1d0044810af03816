package control_test

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"assay/ic/replica"
	"assay/ic/replica/control"
)

// start is a network in manual pace with its control.
func start(t *testing.T) (*replica.Network, control.Client) {
	t.Helper()
	n, err := replica.Open(replica.Config{Pace: replica.Manual})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(control.New(n))
	t.Cleanup(func() {
		server.CloseClientConnections()
		server.Close()
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n, control.Client{URL: server.URL}
}

func TestTickAndSetTime(t *testing.T) {
	t.Parallel()
	n, c := start(t)
	before := n.Time()
	s, err := c.Tick(t.Context(), 3)
	if err != nil || !s.Time.Equal(before.Add(3)) || s.Pace != "manual" {
		t.Errorf("%+v, %v", s, err)
	}
	later := before.Add(time.Hour + time.Nanosecond)
	if s, err = c.SetTime(t.Context(), later); err != nil || !s.Time.Equal(later) {
		t.Errorf("%+v, %v", s, err)
	}
	_, err = c.SetTime(t.Context(), before)
	var refused *control.Error
	if !errors.As(err, &refused) || refused.Status != http.StatusConflict {
		t.Errorf("back in time: %v", err)
	}
	for _, rounds := range []int{-1, 1 << 30} {
		if _, err = c.Tick(t.Context(), rounds); !errors.As(err, &refused) || refused.Status != http.StatusBadRequest {
			t.Errorf("%d rounds: %v", rounds, err)
		}
	}
	if s, err = c.State(t.Context()); err != nil || !s.Time.Equal(later) {
		t.Errorf("%+v, %v", s, err)
	}
}

func TestRecordUntilToldToStop(t *testing.T) {
	t.Parallel()
	_, c := start(t)
	ctx, stop := context.WithCancel(t.Context())
	var out bytes.Buffer
	done, began := make(chan error), make(chan bool)
	go func() { done <- c.Record(ctx, t.Context(), &announcing{&out, began}, replica.RecordOptions{}) }()
	<-began
	if _, err := c.Tick(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	want, err := c.Hash(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	stop()
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	r, err := replica.Replay(t.Context(), &out, "recording", replica.ReplayConfig{})
	if err != nil || !r.Same() || r.Rounds != 7 {
		t.Errorf("%+v, %v", r, err)
	}
	if len(want.Hash) != 64 {
		t.Errorf("hash %q", want.Hash)
	}
}

// announcing tells of the first write.
type announcing struct {
	buf   *bytes.Buffer
	began chan bool
}

func (a *announcing) Write(b []byte) (int, error) {
	if a.began != nil {
		close(a.began)
		a.began = nil
	}
	return a.buf.Write(b)
}

func TestOnlyTheOwnerIsLetIn(t *testing.T) {
	t.Parallel()
	n, err := replica.Open(replica.Config{Pace: replica.Manual})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	handler := control.New(n)
	before := n.Time()
	for name, change := range map[string]func(*http.Request){
		"no header":         func(r *http.Request) { r.Header.Del(control.Header) },
		"a foreign host":    func(r *http.Request) { r.Host = "attacker.example:4943" },
		"a canister's host": func(r *http.Request) { r.Host = "aaaaa-aa.localhost:4943" },
		"no host":           func(r *http.Request) { r.Host = "" },
		"a web page":        func(r *http.Request) { r.Header.Set("Origin", "http://localhost:4943") },
		"another machine":   func(r *http.Request) { r.RemoteAddr = "192.0.2.7:1234" },
	} {
		r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/_/tick", strings.NewReader("{}"))
		r.Host, r.RemoteAddr = "127.0.0.1:4943", "127.0.0.1:5555"
		r.Header.Set(control.Header, "1")
		change(r)
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != http.StatusForbidden || w.Header().Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: status %d, headers %v", name, w.Code, w.Header())
		}
	}
	preflight := httptest.NewRequestWithContext(t.Context(), http.MethodOptions, "/_/tick", nil)
	preflight.Host, preflight.RemoteAddr = "127.0.0.1:4943", "127.0.0.1:5555"
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, preflight)
	if w.Code == http.StatusOK || w.Header().Get("Access-Control-Allow-Headers") != "" {
		t.Errorf("a browser that asks first is told %d %v", w.Code, w.Header())
	}
	if !n.Time().Equal(before) {
		t.Error("somebody ticked")
	}
}

func TestLoopbackHosts(t *testing.T) {
	t.Parallel()
	for host, want := range map[string]bool{
		"localhost": true, "localhost:1": true, "127.0.0.1": true, "127.1.2.3:80": true, "[::1]:80": true, "[::1]": true,
		"localhost.example": false, "x.localhost:80": false, "10.0.0.1:80": false, "": false, "127.0.0.1.example": false,
	} {
		if got := control.IsLoopback(host); got != want {
			t.Errorf("%q: %v", host, got)
		}
	}
}

func TestNotANetwork(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.NotFoundHandler())
	defer server.Close()
	if _, err := (control.Client{URL: server.URL}).State(t.Context()); err == nil || !strings.Contains(err.Error(), "not a network") {
		t.Errorf("got %v", err)
	}
}
