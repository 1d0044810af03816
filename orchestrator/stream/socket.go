package stream

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"

	"github.com/gorilla/websocket"
)

const (
	writeTimeout = 10 * time.Second // a watcher that takes no frame in this time is cut off
	pingEvery    = 20 * time.Second
	maxRequest   = 512 // bytes a watcher may send: nothing but control frames is expected
)

// Frame is one message to a watcher.
type Frame struct {
	V      int    `json:"v"`
	Type   string `json:"type"`
	Seq    uint64 `json:"seq"`
	At     uint64 `json:"at,omitempty"`
	Job    uint64 `json:"job"`
	Kind   string `json:"kind,omitempty"`
	Detail string `json:"detail,omitempty"`
	State  string `json:"state,omitempty"`
}

// Source answers what the hub does not hold.
type Source interface {
	// Snapshot is a job's state and the number of the first event after it; found is false
	// when the market does not know the job. Ended says that the state will not change again.
	Snapshot(ctx context.Context, job uint64) (state string, next uint64, ended, found bool, err error)
	// Events are the market's events of one job from a number on, oldest first.
	Events(ctx context.Context, job, from uint64) ([]Event, error)
}

// Handler serves GET ?job=N[&from=SEQ] as a websocket.
type Handler struct {
	Hub    *Hub
	Source Source
	// Ended tells from an event's kind that a job will not change again.
	Ended func(kind string) bool
	// Limit bounds the watchers served at a time; nil is none.
	Limit *Limit
}

// MaxWatchers is how many watchers a daemon serves at a time.
const MaxWatchers = 1000

// Limit counts watchers. The zero value allows [MaxWatchers].
type Limit struct {
	Max int64 // zero is MaxWatchers
	now atomic.Int64
}

// enter reports whether one more may be served; who may leaves later.
func (l *Limit) enter() bool {
	if l == nil {
		return true
	}
	most := l.Max
	if most == 0 {
		most = MaxWatchers
	}
	if l.now.Add(1) > most {
		l.now.Add(-1)
		return false
	}
	return true
}

func (l *Limit) leave() {
	if l != nil {
		l.now.Add(-1)
	}
}

var upgrader = websocket.Upgrader{
	ReadBufferSize: 1 << 10, WriteBufferSize: 4 << 10,
	CheckOrigin: func(*http.Request) bool { return true }, // what is shown is public on the network anyway
}

// ServeHTTP checks the request, then streams until the job has ended or the watcher leaves.
func (h Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	job, err := strconv.ParseUint(r.URL.Query().Get("job"), 10, 64)
	if err != nil {
		http.Error(w, "name a job: ?job=NUMBER", http.StatusBadRequest)
		return
	}
	var from uint64
	if s := r.URL.Query().Get("from"); s != "" {
		if from, err = strconv.ParseUint(s, 10, 64); err != nil {
			http.Error(w, "from must be an event number", http.StatusBadRequest)
			return
		}
	}
	if !h.Limit.enter() {
		w.Header().Set("Retry-After", "5")
		http.Error(w, "this daemon serves as many watchers as it can: watch at another provider's, or try again later", http.StatusServiceUnavailable)
		return
	}
	defer h.Limit.leave()
	state, next, ended, found, err := h.Source.Snapshot(r.Context(), job)
	switch {
	case err != nil:
		http.Error(w, "the market cannot be asked right now, try again", http.StatusBadGateway)
		return
	case !found:
		http.Error(w, "the market knows no job "+strconv.FormatUint(job, 10), http.StatusNotFound)
		return
	}
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return // the upgrader has answered
	}
	defer conn.Close()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	go drain(conn, cancel)
	s := session{Handler: h, conn: conn, job: job, next: from}
	if s.send(Frame{Type: "snapshot", Seq: next, State: state}) != nil {
		return
	}
	over := ""
	if ended {
		over = state
	}
	s.run(ctx, over, next)
}

// drain reads control frames so that pongs and closes are seen.
func drain(conn *websocket.Conn, cancel context.CancelFunc) {
	defer cancel()
	conn.SetReadLimit(maxRequest)
	for {
		if _, _, err := conn.ReadMessage(); err != nil {
			return
		}
	}
}

type session struct {
	Handler
	conn  *websocket.Conn
	job   uint64
	next  uint64 // the number of the next event to send
	state string
}

// run streams until the job has ended; over is its state if it had when the snapshot was made.
func (s *session) run(ctx context.Context, over string, snapshotNext uint64) {
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	if past, err := s.Source.Events(ctx, s.job, s.next); err != nil || !s.forward(past) || s.state != "" {
		return
	}
	s.next = max(s.next, snapshotNext)
	if over != "" {
		_ = s.send(Frame{Type: "end", Seq: s.next, State: over})
		return
	}
	for {
		events, more, gap := s.Hub.Since(s.next)
		if gap {
			missed, err := s.Source.Events(ctx, s.job, s.next)
			if err != nil {
				return
			}
			events = append(missed, events...)
		}
		if !s.forward(events) || s.state != "" {
			return
		}
		select {
		case <-more:
		case <-ping.C:
			if s.conn.WriteControl(websocket.PingMessage, nil, time.Now().Add(writeTimeout)) != nil {
				return
			}
		case <-ctx.Done():
			_ = s.conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(websocket.CloseGoingAway, "the daemon stops; resume with from"), time.Now().Add(time.Second))
			return
		}
	}
}

// forward sends the job's events and passes over what was sent before; false ends the session.
func (s *session) forward(events []Event) bool {
	for _, e := range events {
		if e.Seq < s.next {
			continue
		}
		s.next = e.Seq + 1
		if e.Job != s.job {
			continue
		}
		if s.send(Frame{Type: "event", Seq: e.Seq, At: e.At, Kind: e.Kind, Detail: e.Detail}) != nil {
			return false
		}
		if s.Ended(e.Kind) {
			s.state = e.Kind
			_ = s.send(Frame{Type: "end", Seq: s.next, State: e.Kind})
			return false
		}
	}
	return true
}

func (s *session) send(f Frame) error {
	f.V, f.Job = Version, s.job
	b, err := json.Marshal(f)
	if err != nil {
		return err
	}
	if err := s.conn.SetWriteDeadline(time.Now().Add(writeTimeout)); err != nil {
		return err
	}
	return s.conn.WriteMessage(websocket.TextMessage, b)
}
