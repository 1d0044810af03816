package door

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

// What one client may cost. A connection that is silent, or sends a request byte by byte,
// is cut off; a request whose header is long gets 431.
const (
	headerTimeout = 10 * time.Second // to send a header
	readTimeout   = time.Minute      // to send a whole request
	writeTimeout  = 5 * time.Minute  // from a request's header to the end of its answer
	idleTimeout   = 2 * time.Minute  // between requests
	maxHeader     = 64 << 10         // bytes
)

// What all clients together may cost.
const (
	maxConnections = 10_000
	maxInFlight    = 16_384    // requests; more get 429
	maxBodies      = 512 << 20 // bytes of their bodies; more get 429
)

// NewServer is a server for the port of a network, which bounds what clients can hold up.
// Listen with [Limit].
func NewServer(handler http.Handler) *http.Server {
	return &http.Server{
		Handler: &bounded{next: handler}, ReadHeaderTimeout: headerTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader,
		ErrorLog: log.New(io.Discard, "", 0), // of connections that clients break
	}
}

// Limit bounds the connections of a listener: those beyond are told to come later.
func Limit(l net.Listener) net.Listener { return &limited{Listener: l, most: maxConnections} }

type limited struct {
	net.Listener
	most int64
	open atomic.Int64
}

const later = "Service is overloaded, try again later."

// Accept returns the next connection that there is room for.
func (l *limited) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err != nil {
			return nil, err
		}
		if l.open.Add(1) <= l.most {
			return &counted{Conn: c, open: &l.open}, nil
		}
		l.open.Add(-1)
		turnAway(c)
	}
}

// turnAway does not wait for a client: the few bytes fit into any socket's buffer.
func turnAway(c net.Conn) {
	_ = c.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
	fmt.Fprintf(c, "HTTP/1.1 503 Service Unavailable\r\nContent-Type: text/plain\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: %d\r\n\r\n%s", len(later), later)
	c.Close()
}

type counted struct {
	net.Conn
	open *atomic.Int64
	once sync.Once
}

// Close makes room for another connection.
func (c *counted) Close() error {
	c.once.Do(func() { c.open.Add(-1) })
	return c.Conn.Close()
}

// bounded holds requests back while too many are in flight.
type bounded struct {
	next            http.Handler
	requests, bytes atomic.Int64
}

// ServeHTTP serves a request that there is room for.
func (b *bounded) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	size := r.ContentLength
	if size < 0 || size > maxRead {
		size = maxRead // no handler reads more
	}
	leave, ok := b.enter(size)
	if !ok {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Retry-After", "1")
		http.Error(w, later, http.StatusTooManyRequests)
		return
	}
	defer leave()
	b.next.ServeHTTP(w, r)
}

// enter takes room for a request with a body of so many bytes, if there is some.
func (b *bounded) enter(size int64) (leave func(), ok bool) {
	leave = func() {
		b.requests.Add(-1)
		b.bytes.Add(-size)
	}
	requests, bytes := b.requests.Add(1), b.bytes.Add(size)
	if requests > maxInFlight || bytes > maxBodies {
		leave()
		return nil, false
	}
	return leave, true
}
