package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

// frameVersion is the version of stream frames that is understood.
const frameVersion = 1

// Frame is one message of a provider's event stream. Frames carry no evidence: they
// tell when to look, not what is true.
type Frame struct {
	V      int    `json:"v"`
	Type   string `json:"type"` // "snapshot", "event", "end"
	Seq    uint64 `json:"seq"`  // the market's event number; of snapshot and end: the next one
	At     uint64 `json:"at,omitempty"`
	Job    uint64 `json:"job"`
	Kind   string `json:"kind,omitempty"`
	Detail string `json:"detail,omitempty"`
	State  string `json:"state,omitempty"`
}

// The frame types.
const (
	FrameSnapshot = "snapshot"
	FrameEvent    = "event"
	FrameEnd      = "end"
)

// FrameError says which rule of the stream a daemon broke.
type FrameError struct{ Reason string }

// Error gives the reason.
func (e *FrameError) Error() string { return "event stream: " + e.Reason }

const (
	maxFrame     = 64 << 10         // bytes
	maxSilence   = 60 * time.Second // daemons ping every 20
	maxReconnect = 8                // failures in a row, with no frame between them
	firstPause   = 100 * time.Millisecond
)

// Watch follows a job's events on a daemon's stream (http, https, ws or wss, the base
// address of the daemon) from an event number on, and gives each frame to show, in
// order and once, until the job has ended, show fails or ctx ends. A lost connection is
// resumed where it broke, with any of the daemons in turn. It returns the number to
// resume from, and nil only after the end frame.
func Watch(ctx context.Context, daemons []string, job, from uint64, show func(Frame) error) (next uint64, err error) {
	if len(daemons) == 0 {
		return from, errors.New("watch: no daemon to ask")
	}
	w := watcher{job: job, next: from, show: show}
	for failures := 0; ; failures++ {
		shown := w.frames
		err := w.connect(ctx, daemons[failures%len(daemons)])
		var broken *FrameError
		var stop *showError
		switch {
		case err == nil:
			return w.next, nil
		case ctx.Err() != nil:
			return w.next, ctx.Err()
		case errors.As(err, &stop):
			return w.next, stop.err
		case errors.As(err, &broken), failures >= maxReconnect:
			return w.next, fmt.Errorf("watch job %d: %w", job, err)
		}
		if w.frames > shown {
			failures = 0
		}
		select {
		case <-ctx.Done():
			return w.next, ctx.Err()
		case <-time.After(firstPause << min(failures, 5)):
		}
	}
}

type showError struct{ err error }

func (e *showError) Error() string { return e.err.Error() }

type watcher struct {
	job      uint64
	next     uint64 // number of the next event to show
	show     func(Frame) error
	frames   int
	snapshot bool // has been shown
}

// streamURL is the address of a job's stream at a daemon.
func streamURL(daemon string, job, from uint64) (string, error) {
	u, err := url.Parse(daemon)
	if err != nil {
		return "", &FrameError{fmt.Sprintf("address %q: %v", daemon, err)}
	}
	switch u.Scheme {
	case "http":
		u.Scheme = "ws"
	case "https":
		u.Scheme = "wss"
	case "ws", "wss":
	default:
		return "", &FrameError{fmt.Sprintf("address %q: want http, https, ws or wss", daemon)}
	}
	if !strings.HasSuffix(u.Path, "/v1/events") {
		u = u.JoinPath("v1", "events")
	}
	q := url.Values{"job": {strconv.FormatUint(job, 10)}, "from": {strconv.FormatUint(from, 10)}}
	u.RawQuery = q.Encode()
	return u.String(), nil
}

// connect shows frames of one connection. Nil means that the end frame came.
func (w *watcher) connect(ctx context.Context, daemon string) error {
	address, err := streamURL(daemon, w.job, w.next)
	if err != nil {
		return err
	}
	dialer := websocket.Dialer{HandshakeTimeout: 10 * time.Second, Proxy: http.ProxyFromEnvironment}
	conn, resp, err := dialer.DialContext(ctx, address, nil)
	if err != nil {
		if resp != nil && resp.StatusCode >= 400 && resp.StatusCode < 500 {
			return &FrameError{fmt.Sprintf("the daemon at %s answers %s", daemon, resp.Status)}
		}
		return err
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	conn.SetReadLimit(maxFrame)
	alive := func() error { return conn.SetReadDeadline(time.Now().Add(maxSilence)) }
	conn.SetPingHandler(func(data string) error {
		_ = conn.WriteControl(websocket.PongMessage, []byte(data), time.Now().Add(time.Second))
		return alive()
	})
	for {
		if err := alive(); err != nil {
			return err
		}
		kind, data, err := conn.ReadMessage()
		if err != nil {
			return err
		}
		if kind != websocket.TextMessage {
			return &FrameError{"a binary message"}
		}
		done, err := w.take(data)
		if err != nil || done {
			return err
		}
	}
}

// take checks a frame and shows it, unless it was shown before. Done is true at the end.
func (w *watcher) take(data []byte) (done bool, err error) {
	var f Frame
	if err := json.Unmarshal(data, &f); err != nil {
		return false, &FrameError{fmt.Sprintf("not a frame: %v", err)}
	}
	switch {
	case f.V != frameVersion:
		return false, &FrameError{fmt.Sprintf("frames of version %d, this program reads %d", f.V, frameVersion)}
	case f.Seq == math.MaxUint64:
		return false, &FrameError{"an event number without a next one"}
	case f.Job != w.job:
		return false, &FrameError{fmt.Sprintf("a frame of job %d", f.Job)}
	}
	w.frames++
	switch f.Type {
	case FrameSnapshot:
		if w.snapshot {
			return false, nil // of a resumed connection
		}
		w.snapshot = true
	case FrameEvent:
		if f.Seq < w.next {
			return false, nil // shown before
		}
		w.next = f.Seq + 1
	case FrameEnd:
		done = true
	default:
		return false, &FrameError{fmt.Sprintf("a frame of type %.32q", f.Type)}
	}
	if err := w.show(f); err != nil {
		return false, &showError{err}
	}
	return done, nil
}
