package door

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestBodies: what is too long, too deep or no envelope gets a 4xx and nothing else.
func TestBodies(t *testing.T) {
	t.Parallel()
	n := start(t)
	good := must(modesEncode(seal(content("call", alice, nil), alice, alice)))
	anonymousWith := func(more fieldsOf) []byte {
		return must(modesEncode(seal(content("call", anonymous, more), anonymous, anonymous)))
	}
	for _, c := range []struct {
		name string
		body []byte
		want int
	}{
		{"as it is", good, 200},
		{"with the tag", append([]byte(selfDescribe), good...), 200},
		{"with the tag twice", append([]byte(selfDescribe+selfDescribe), good...), 400},
		{"with another tag", append([]byte{0xc2}, good...), 400},
		{"of indefinite length", append(append([]byte{0xbf}, good[1:]...), 0xff), 200},
		{"a field more, which nobody signed", append(append([]byte{good[0] + 1}, good[1:]...), 0x61, 'x', 1), 200},
		{"a field twice", append(append([]byte{good[0] + 1}, good[1:]...), append([]byte{0x67}, append([]byte("content"), 0xa0)...)...), 400},
		{"cut off", good[:len(good)-1], 400},
		{"with more behind", append(bytes.Clone(good), 0), 400},
		{"no map", []byte{0x80}, 400},
		{"no content", []byte{0xa0}, 400},
		{"content that is none", []byte("\xa1\x67content\x01"), 400},
		{"content of nothing", []byte("\xa1\x67content\xa0"), 400},
		{"deep", append([]byte("\xa1\x67content"), append(bytes.Repeat([]byte{0x81}, 100_000), 0)...), 400},
		{"deep maps", append([]byte("\xa1\x67content"), append(bytes.Repeat([]byte{0xa1, 0x61, 'a'}, 100_000), 0)...), 400},
		{"a length beyond the body", []byte("\xa1\x67content\x5b\x7f\xff\xff\xff\xff\xff\xff\xff"), 400},
		{"a list beyond the body", []byte("\xa1\x67content\x9b\x7f\xff\xff\xff\xff\xff\xff\xff"), 400},
		{"a float", anonymousWith(fieldsOf{"nonce": 1.5}), 400},
		{"an expiry that is a float", anonymousWith(fieldsOf{"ingress_expiry": float64(noon.UnixNano())}), 400},
		{"an expiry below nothing", anonymousWith(fieldsOf{"ingress_expiry": -1}), 400},
		{"an expiry beyond 64 bits", append([]byte("\xa1\x67content\xa1\x6eingress_expiry\xc2\x49\x01"), make([]byte, 8)...), 400},
		{"a sender of 30 bytes", anonymousWith(fieldsOf{"sender": make([]byte, 30)}), 400},
		{"a method that is a blob", anonymousWith(fieldsOf{"method_name": []byte("echo")}), 400},
		{"a name that is no text", anonymousWith(fieldsOf{"method_name": "echo", "\xff": 1}), 400},
		{"an argument of 2 MiB", anonymousWith(fieldsOf{"arg": make([]byte, maxArg)}), 200},
		{"an argument over 2 MiB", anonymousWith(fieldsOf{"arg": make([]byte, maxArg+1)}), 413},
		{"over the limit", make([]byte, maxCall+1), 413},
		{"far over the limit", make([]byte, 20<<20), 413},
		{"nothing", nil, 400},
	} {
		if code, body := n.postRaw(at("/api/v4/canister/ID/call"), "application/cbor", c.body); code != c.want {
			t.Errorf("%s: %d %.200q, want %d", c.name, code, body, c.want)
		}
	}
	chunked, err := http.NewRequestWithContext(t.Context(), http.MethodPost, n.server.URL+at("/api/v3/canister/ID/query"), io.LimitReader(zeros{}, maxRead+1))
	if err != nil {
		t.Fatal(err)
	}
	chunked.Header.Set("Content-Type", "application/cbor")
	res, err := http.DefaultClient.Do(chunked)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != 413 {
		t.Errorf("too long without a length: %d", res.StatusCode)
	}
}

type zeros struct{}

func (zeros) Read(b []byte) (int, error) { clear(b); return len(b), nil }

// TestRequiredFields: a request without one of them is refused.
func TestRequiredFields(t *testing.T) {
	t.Parallel()
	n := start(t)
	for kind, names := range map[string][]string{
		"call":       {"request_type", "sender", "ingress_expiry", "canister_id", "method_name", "arg"},
		"query":      {"request_type", "sender", "ingress_expiry", "canister_id", "method_name", "arg"},
		"read_state": {"request_type", "sender", "ingress_expiry", "paths"},
	} {
		for _, name := range names {
			c := content(kind, alice, fieldsOf{"paths": []any{}})
			if kind != "read_state" {
				delete(c, "paths")
			}
			delete(c, name)
			if code, body := n.post(at("/api/v3/canister/ID/"+kind), seal(c, alice, alice)); code != 400 {
				t.Errorf("%s without %s: %d %s", kind, name, code, body)
			}
		}
	}
}

// TestMethods is what paths and methods of HTTP are answered.
func TestMethods(t *testing.T) {
	t.Parallel()
	n := start(t)
	for _, c := range []struct {
		method, path string
		want         int
	}{
		{"GET", "/api/v2/status", 200},
		{"HEAD", "/api/v2/status", 200},
		{"POST", "/api/v2/status", 405},
		{"GET", at("/api/v4/canister/ID/call"), 405},
		{"PUT", at("/api/v3/canister/ID/query"), 405},
		{"DELETE", at("/api/v3/canister/ID/read_state"), 405},
		{"OPTIONS", at("/api/v3/canister/ID/read_state"), 204},
		{"OPTIONS", "/api/v2/status", 204},
		{"POST", at("/api/v4/canister/ID/query"), 404},
		{"POST", at("/api/v1/canister/ID/call"), 404},
		{"POST", "/api/v4/canister//call", 404},
		{"POST", "/api/v3/subnet/" + n.keys.Subnet().String() + "/call", 404},
		{"POST", "/api/v2/subnet/" + n.keys.Subnet().String() + "/query", 404},
		{"GET", "/", 404},
		{"GET", "/api", 404},
	} {
		q, err := http.NewRequestWithContext(t.Context(), c.method, n.server.URL+c.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		res, err := client.Do(q)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
		if res.StatusCode != c.want || res.Header.Get("Access-Control-Allow-Origin") != "*" {
			t.Errorf("%s %s: %d %v, want %d", c.method, c.path, res.StatusCode, res.Header, c.want)
		}
	}
}

// TestOverload: requests beyond what is held at once are told to come later.
func TestOverload(t *testing.T) {
	t.Parallel()
	n := start(t)
	b := &bounded{next: n.server.Config.Handler}
	e := must(modesEncode(seal(content("call", alice, nil), alice, alice)))
	post := func() *httptest.ResponseRecorder {
		q := httptest.NewRequest(http.MethodPost, at("/api/v4/canister/ID/call"), bytes.NewReader(e))
		q.Header.Set("Content-Type", "application/cbor")
		w := httptest.NewRecorder()
		b.ServeHTTP(w, q)
		return w
	}
	leave, ok := b.enter(maxBodies - 100)
	if w := post(); !ok || w.Code != 429 || !strings.Contains(w.Body.String(), "overloaded") {
		t.Errorf("full of bodies: %v, %d %s", ok, w.Code, w.Body)
	}
	leave()
	if w := post(); w.Code != 200 {
		t.Errorf("not full any more: %d %s", w.Code, w.Body)
	}
	b.requests.Store(maxInFlight)
	if w := post(); w.Code != 429 {
		t.Errorf("full of requests: %d %s", w.Code, w.Body)
	}
	full := seal(content("call", alice, fieldsOf{"method_name": "full"}), alice, alice)
	if code, body := n.post(at("/api/v4/canister/ID/call"), full); code != 429 {
		t.Errorf("a full engine: %d %s", code, body)
	}
}

// serveOn serves the network on a listener of its own, with the limits of a real one.
func (n *network) serveOn(most int64) (addr string) {
	n.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		n.t.Fatal(err)
	}
	server := NewServer(n.server.Config.Handler)
	var running sync.WaitGroup
	running.Go(func() { _ = server.Serve(&limited{Listener: listener, most: most}) })
	n.t.Cleanup(func() {
		server.Close()
		running.Wait()
	})
	return listener.Addr().String()
}

const ask = "GET /api/v2/status HTTP/1.1\r\nHost: localhost\r\n\r\n"

func answered(c net.Conn) (status int, err error) {
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	_, err = io.Copy(io.Discard, res.Body)
	return res.StatusCode, err
}

// TestManyConnections: with 5,000 connections open, each is served; half of them send only
// a part of a request.
func TestManyConnections(t *testing.T) {
	n := start(t)
	addr := n.serveOn(maxConnections)
	const connections = 5000
	open := make([]net.Conn, connections)
	for i := range open {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatalf("connection %d: %v (the limit of open files must allow two for each)", i, err)
		}
		defer c.Close()
		open[i] = c
		if i%2 == 0 {
			if _, err := io.WriteString(c, ask[:20]); err != nil {
				t.Fatal(err)
			}
		}
	}
	for i, c := range open {
		rest := ask
		if i%2 == 0 {
			rest = ask[20:]
		}
		if _, err := io.WriteString(c, rest); err != nil {
			t.Fatal(err)
		}
		if status, err := answered(c); status != 200 || err != nil {
			t.Fatalf("connection %d: %d %v", i, status, err)
		}
	}
}

// TestTurnedAway: connections beyond the limit get an answer, and room again when others
// close.
func TestTurnedAway(t *testing.T) {
	t.Parallel()
	n := start(t)
	addr := n.serveOn(2)
	dial := func() net.Conn {
		t.Helper()
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		return c
	}
	first, second := dial(), dial()
	defer second.Close()
	for _, c := range []net.Conn{first, second} {
		fmt.Fprint(c, ask)
		if status, err := answered(c); status != 200 || err != nil {
			t.Fatalf("%d %v", status, err)
		}
	}
	third := dial()
	defer third.Close()
	if status, _ := answered(third); status != 503 {
		t.Errorf("one too many: %d", status)
	}
	first.Close()
	for status := 0; status != 200; { // the server notices the end in its own time
		c := dial()
		fmt.Fprint(c, ask)
		status, _ = answered(c)
		c.Close()
		if t.Context().Err() != nil {
			t.Fatal("no room after another closed")
		}
	}
}

// TestSlowClients: the server waits for no client longer than its limits, and reads no
// header without end.
func TestSlowClients(t *testing.T) {
	t.Parallel()
	s := NewServer(nil)
	for name, limit := range map[string]time.Duration{
		"header": s.ReadHeaderTimeout, "request": s.ReadTimeout, "answer": s.WriteTimeout, "next request": s.IdleTimeout,
	} {
		if limit <= 0 || limit > 5*time.Minute {
			t.Errorf("a client may take %v for its %s", limit, name)
		}
	}
	if s.WriteTimeout < 2*defaultWait {
		t.Errorf("answers that wait %v are cut off after %v", defaultWait, s.WriteTimeout)
	}
	n := start(t)
	c, err := net.Dial("tcp", n.serveOn(1))
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	fmt.Fprintf(c, "GET /api/v2/status HTTP/1.1\r\nHost: localhost\r\nX: %s", strings.Repeat("x", 2*maxHeader))
	if status, err := answered(c); status != http.StatusRequestHeaderFieldsTooLarge {
		t.Errorf("a header without end: %d %v", status, err)
	}
}
