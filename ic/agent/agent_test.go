package agent_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"assay/ic/agent"
	"assay/ic/agent/agenttest"
	"assay/ic/candid"
	"assay/ic/certificate"
	"assay/ic/certificate/bls"
	"assay/ic/certificate/certtest"
	"assay/ic/certificate/hashtree"
	"assay/ic/identity"
	"assay/ic/principal"
)

var (
	canister = principal.Canister(7)
	hosted   = certificate.Range{From: principal.Canister(0), To: principal.Canister(100)}
)

func setUp(t *testing.T, change func(*agent.Config)) (*agenttest.Network, *agent.Agent) {
	t.Helper()
	n := agenttest.New(t, certtest.Sharded, hosted)
	id, err := identity.NewEd25519()
	if err != nil {
		t.Fatal(err)
	}
	cfg := agent.Config{URL: n.URL, RootKey: n.RootKey, Identity: id, Poll: time.Millisecond, HTTP: &http.Client{Timeout: 10 * time.Second}}
	if change != nil {
		change(&cfg)
	}
	a, err := agent.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return n, a
}

// fails checks what an error says of itself.
func fails(t *testing.T, err error, happened agent.Happened, retry bool) *agent.Error {
	t.Helper()
	var e *agent.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v (%T), want an *agent.Error", err, err)
	}
	if e.Happened() != happened || e.Retry() != retry {
		t.Errorf("%v: happened %v, retry %v; want %v, %v", err, e.Happened(), e.Retry(), happened, retry)
	}
	return e
}

func refused(t *testing.T, err error) {
	t.Helper()
	var answer *agent.AnswerError
	if !errors.As(err, &answer) {
		t.Errorf("got %v, want an answer refused", err)
	}
}

func TestUpdateAndQuery(t *testing.T) {
	t.Parallel()
	for _, id := range []string{"ed25519", "anonymous"} {
		n, a := setUp(t, func(c *agent.Config) {
			if id == "anonymous" {
				c.Identity = nil
			}
		})
		n.Handle = func(c agenttest.Call) agenttest.Answer {
			if c.Sender != a.Sender() || c.Canister != canister {
				return agenttest.Answer{Reject: 3, Message: "wrong address"}
			}
			return agenttest.Answer{Reply: append([]byte(c.Method+":"), c.Arg...)}
		}
		reply, err := a.Update(t.Context(), canister, "set", []byte("x"))
		if err != nil || string(reply) != "set:x" {
			t.Errorf("%s update: %q %v", id, reply, err)
		}
		for range 3 {
			reply, err := a.Query(t.Context(), canister, "get", []byte("y"))
			if err != nil || string(reply) != "get:y" {
				t.Errorf("%s query: %q %v", id, reply, err)
			}
		}
		if reads := n.Seen("read_state"); reads != 1 {
			t.Errorf("node keys were read %d times for 3 queries, want once", reads)
		}
	}
}

func TestCanisterIsACaller(t *testing.T) {
	t.Parallel()
	n, a := setUp(t, nil)
	n.Handle = func(c agenttest.Call) agenttest.Answer {
		if c.Query {
			return agenttest.Answer{Reply: []byte("query")}
		}
		return agenttest.Answer{Reply: []byte("update of " + c.Canister.String())}
	}
	for kind, want := range map[candid.Kind]string{
		candid.Update: "update of " + canister.String(), candid.Query: "query", candid.CompositeQuery: "query",
	} {
		if got, err := a.Canister(canister).Call(t.Context(), "m", kind, nil); err != nil || string(got) != want {
			t.Errorf("%v: got %q %v, want %q", kind, got, err, want)
		}
	}
	got, err := a.Management(canister).Call(t.Context(), "m", candid.Update, nil)
	if err != nil || string(got) != "update of aaaaa-aa" {
		t.Errorf("management: got %q %v", got, err)
	}
}

func TestPolling(t *testing.T) {
	t.Parallel()
	n, a := setUp(t, nil)
	n.Handle = func(c agenttest.Call) agenttest.Answer {
		switch c.Method {
		case "slow":
			return agenttest.Answer{Reply: []byte("at last"), Statuses: []string{"received", "processing", "processing"}}
		case "slow reject":
			return agenttest.Answer{Reject: 4, Message: "no", ErrorCode: "IC0406", Statuses: []string{"received"}}
		}
		return agenttest.Answer{Statuses: []string{"received", "done"}}
	}
	if reply, err := a.Update(t.Context(), canister, "slow", nil); err != nil || string(reply) != "at last" {
		t.Errorf("slow: %q %v", reply, err)
	}
	_, err := a.Update(t.Context(), canister, "slow reject", nil)
	var reject *agent.RejectError
	if fails(t, err, agent.Yes, false); !errors.As(err, &reject) || reject.Code != agent.CanisterReject || reject.ErrorCode != "IC0406" {
		t.Errorf("slow reject: %v", err)
	}
	_, err = a.Update(t.Context(), canister, "done", nil)
	if fails(t, err, agent.Yes, false); !errors.Is(err, agent.ErrReplyLost) {
		t.Errorf("done: %v", err)
	}
}

func TestForgottenCallExpires(t *testing.T) {
	t.Parallel()
	n, a := setUp(t, func(c *agent.Config) { c.IngressExpiry = 30 * time.Millisecond })
	n.Handle = func(agenttest.Call) agenttest.Answer { return agenttest.Answer{Forget: true} }
	n.Now = func() time.Time { return time.Now().Add(-time.Millisecond) }
	_, err := a.Update(t.Context(), canister, "m", nil)
	// The door refuses looks with an expiry in the past only if the machine stalls.
	var e *agent.Error
	if !errors.As(err, &e) || e.Happened() != agent.No || !errors.Is(err, agent.ErrExpired) {
		t.Errorf("got %v, want ErrExpired", err)
	}
}

func TestCancelledWhilePolling(t *testing.T) {
	t.Parallel()
	n, a := setUp(t, nil)
	ctx, cancel := context.WithCancel(t.Context())
	n.Handle = func(agenttest.Call) agenttest.Answer {
		cancel()
		return agenttest.Answer{Forget: true}
	}
	_, err := a.Update(ctx, canister, "m", nil)
	fails(t, err, agent.Unknown, false)
}

func TestRejects(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		name     string
		answer   agenttest.Answer
		happened agent.Happened
		retry    bool
	}{
		{"before consensus", agenttest.Answer{Early: true, Reject: 4, Message: "inspect said no", ErrorCode: "IC0406"}, agent.Unknown, false},
		{"before consensus, busy", agenttest.Answer{Early: true, Reject: 2, Message: "queue full"}, agent.Unknown, true},
		{"before consensus, no such canister", agenttest.Answer{Early: true, Reject: 3, Message: "not here", ErrorCode: "IC0301"}, agent.Unknown, false},
		{"before consensus, stopped", agenttest.Answer{Early: true, Reject: 5, Message: "stopped", ErrorCode: "IC0508"}, agent.Unknown, true},
		{"no such canister", agenttest.Answer{Reject: 3, Message: "not here", ErrorCode: "IC0301"}, agent.No, false},
		{"canister says no", agenttest.Answer{Reject: 4, Message: "no"}, agent.Yes, false},
		{"trap", agenttest.Answer{Reject: 5, Message: "trapped", ErrorCode: "IC0503"}, agent.Unknown, false},
		{"stopped", agenttest.Answer{Reject: 5, Message: "canister is stopped", ErrorCode: "IC0508"}, agent.No, true},
		{"no method", agenttest.Answer{Reject: 5, Message: "no method", ErrorCode: "IC0536"}, agent.No, false},
		{"transient", agenttest.Answer{Reject: 2, Message: "later"}, agent.No, true},
		{"unknown", agenttest.Answer{Reject: 6, Message: "lost"}, agent.Unknown, true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			n, a := setUp(t, nil)
			n.Handle = func(agenttest.Call) agenttest.Answer { return tc.answer }
			_, err := a.Update(t.Context(), canister, "m", nil)
			fails(t, err, tc.happened, tc.retry)
			var reject *agent.RejectError
			if !errors.As(err, &reject) || uint64(reject.Code) != tc.answer.Reject || reject.Message != tc.answer.Message || reject.ErrorCode != tc.answer.ErrorCode {
				t.Errorf("update: got %+v", reject)
			}
			if tc.answer.Early {
				return
			}
			_, err = a.Query(t.Context(), canister, "m", nil)
			fails(t, err, agent.No, tc.retry)
			if !errors.As(err, &reject) || uint64(reject.Code) != tc.answer.Reject {
				t.Errorf("query: got %v", err)
			}
		})
	}
}

// TestForgedReply serves what agent-go's own call path takes for success: a reply in a
// certificate that nobody, or somebody else, signed.
func TestForgedReply(t *testing.T) {
	t.Parallel()
	other := certtest.NewAt(t, certtest.Sharded, time.Now(), hosted)
	withReply := func(good []byte) *certificate.Certificate {
		c, err := certificate.Decode(good)
		if err != nil {
			t.Error(err)
		}
		return c
	}
	for name, forge := range map[string]func(good []byte) []byte{
		"no signature": func(good []byte) []byte {
			c := withReply(good)
			c.Signature, c.Delegation = nil, nil
			return c.Encode()
		},
		"zero signature": func(good []byte) []byte {
			c := withReply(good)
			c.Signature = make([]byte, bls.SignatureLen)
			return c.Encode()
		},
		"no delegation": func(good []byte) []byte {
			c := withReply(good)
			c.Delegation = nil
			return c.Encode()
		},
		"other network": func(good []byte) []byte {
			raw, err := other.Sign(rebuild(t, good))
			if err != nil {
				t.Error(err)
			}
			return raw
		},
		"flipped bit": func(good []byte) []byte {
			bad := bytes.Clone(good)
			bad[bytes.Index(bad, []byte("time"))+8] ^= 1 // in the time's value
			return bad
		},
		"garbage": func([]byte) []byte { return []byte("certificate") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, a := setUp(t, nil)
			n.Handle = func(agenttest.Call) agenttest.Answer { return agenttest.Answer{Reply: []byte("truth")} }
			n.ForgeCertificate = func(_ string, good []byte) []byte { return forge(good) }
			reply, err := a.Update(t.Context(), canister, "m", nil)
			if err == nil {
				t.Fatalf("forged reply %q taken", reply)
			}
			fails(t, err, agent.Unknown, false)
			refused(t, err)
			if _, _, err := a.ReadState(t.Context(), canister, [][]byte{[]byte("subnet")}); err == nil {
				t.Error("forged state taken")
			}
		})
	}
}

// rebuild copies the certificate's tree into a builder.
func rebuild(t *testing.T, good []byte) *hashtree.Builder {
	c, err := certificate.Decode(good)
	if err != nil {
		t.Error(err)
	}
	return hashtree.NewBuilder().Graft(c.Tree)
}

func TestWrongRange(t *testing.T) {
	t.Parallel()
	_, a := setUp(t, nil)
	_, err := a.Update(t.Context(), principal.Canister(101), "m", nil)
	if refused(t, err); !errors.Is(err, certificate.ErrRange) {
		t.Errorf("got %v, want ErrRange", err)
	}
	_, err = a.Query(t.Context(), principal.Canister(101), "m", nil)
	if refused(t, err); !errors.Is(err, certificate.ErrRange) {
		t.Errorf("got %v, want ErrRange", err)
	}
}

func TestStaleTime(t *testing.T) {
	t.Parallel()
	n, a := setUp(t, func(c *agent.Config) {
		c.Now = func() time.Time { return time.Now().Add(3 * time.Minute) }
		c.MaxAge = time.Minute
		c.IngressExpiry = time.Minute
	})
	n.Now = time.Now
	_, err := a.Update(t.Context(), canister, "m", nil)
	// Our clock runs ahead: the door still takes the request, its answer is too old.
	var status *agent.HTTPError
	if errors.As(err, &status) {
		t.Fatalf("the door refused: %v", err)
	}
	if refused(t, err); !errors.Is(err, certificate.ErrTime) {
		t.Errorf("got %v, want ErrTime", err)
	}
}

// TestSwappedRequest replays an earlier, properly signed certificate of another call.
func TestSwappedRequest(t *testing.T) {
	t.Parallel()
	n, a := setUp(t, nil)
	var first []byte
	n.ForgeCertificate = func(_ string, good []byte) []byte {
		if first == nil {
			first = good
		}
		return first
	}
	n.Handle = func(c agenttest.Call) agenttest.Answer { return agenttest.Answer{Reply: []byte(c.Method)} }
	if reply, err := a.Update(t.Context(), canister, "one", nil); err != nil || string(reply) != "one" {
		t.Fatalf("first: %q %v", reply, err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	reply, err := a.Update(ctx, canister, "two", nil)
	if err == nil {
		t.Fatalf("another call's reply %q taken", reply)
	}
	fails(t, err, agent.Unknown, true)
}

func TestForgedQuery(t *testing.T) {
	t.Parallel()
	sig := func(answer map[string]any) map[string]any { return answer["signatures"].([]any)[0].(map[string]any) }
	for name, forge := range map[string]func(map[string]any){
		"other reply":    func(m map[string]any) { m["reply"] = map[string]any{"arg": []byte("lie")} },
		"other status":   func(m map[string]any) { m["status"] = "rejected"; m["reject_code"] = 4 },
		"no status":      func(m map[string]any) { m["status"] = "perhaps" },
		"no signatures":  func(m map[string]any) { m["signatures"] = []any{} },
		"flipped bit":    func(m map[string]any) { sig(m)["signature"].([]byte)[9] ^= 1 },
		"short":          func(m map[string]any) { sig(m)["signature"] = []byte{1} },
		"other time":     func(m map[string]any) { sig(m)["timestamp"] = uint64(1) },
		"stranger":       func(m map[string]any) { sig(m)["identity"] = principal.Canister(3).Bytes() },
		"signed by many": func(m map[string]any) { s := m["signatures"].([]any); m["signatures"] = append(s, s[0]) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, a := setUp(t, nil)
			n.ForgeAnswer = forge
			reply, err := a.Query(t.Context(), canister, "m", []byte("truth"))
			if err == nil {
				t.Fatalf("forged answer %q taken", reply)
			}
			fails(t, err, agent.No, false)
			refused(t, err)
		})
	}
}

// TestNodeChanges: keys are read again when an unknown node signs.
func TestNodeChanges(t *testing.T) {
	t.Parallel()
	n, a := setUp(t, nil)
	for want := 1; want <= 2; want++ {
		if _, err := a.Query(t.Context(), canister, "m", nil); err != nil {
			t.Fatal(err)
		}
		if got := n.Seen("read_state"); got != want {
			t.Errorf("node keys were read %d times, want %d", got, want)
		}
		n.Change(n.NewNode)
	}
}

func TestStaleQuery(t *testing.T) {
	t.Parallel()
	n, a := setUp(t, func(c *agent.Config) { c.MaxAge = time.Minute })
	if _, err := a.Query(t.Context(), canister, "m", nil); err != nil {
		t.Fatal(err)
	}
	n.Change(func() { n.Now = func() time.Time { return time.Now().Add(-2 * time.Minute) } })
	_, err := a.Query(t.Context(), canister, "m", nil)
	refused(t, err)
}

func TestReadState(t *testing.T) {
	t.Parallel()
	n, a := setUp(t, nil)
	path := [][]byte{[]byte("canister"), canister.Bytes(), []byte("module_hash")}
	n.State = func(b *hashtree.Builder, p [][]byte) { b.Set([]byte("hash"), p...) }
	c, raw, err := a.ReadState(t.Context(), canister, path)
	if err != nil {
		t.Fatal(err)
	}
	if value, result := c.Tree.Lookup(path...); result != hashtree.Found || string(value) != "hash" {
		t.Errorf("module hash: %v %q", result, value)
	}
	if again, err := certificate.Decode(raw); err != nil || again.VerifySignature(n.RootKey, canister) != nil {
		t.Errorf("bytes of the certificate: %v", err)
	}
}

func TestHTTPFailures(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct {
		status   int
		happened agent.Happened
		retry    bool
	}{
		{400, agent.Unknown, false},
		{403, agent.Unknown, false},
		{404, agent.Unknown, false},
		{413, agent.Unknown, false},
		{429, agent.Unknown, true},
		{500, agent.Unknown, true},
		{502, agent.Unknown, true},
		{503, agent.Unknown, true},
		{301, agent.Unknown, false},
	} {
		n, a := setUp(t, nil)
		n.Status = tc.status
		_, err := a.Update(t.Context(), canister, "m", nil)
		fails(t, err, tc.happened, tc.retry)
		var status *agent.HTTPError
		if !errors.As(err, &status) || status.Status != tc.status {
			t.Errorf("status %d: got %v", tc.status, err)
		}
		_, err = a.Query(t.Context(), canister, "m", nil)
		fails(t, err, agent.No, tc.retry)
	}
}

// TestBrokenConnection: the same request is sent again, and runs once.
func TestBrokenConnection(t *testing.T) {
	t.Parallel()
	n, a := setUp(t, nil)
	n.Break = 2
	n.Handle = func(agenttest.Call) agenttest.Answer { return agenttest.Answer{Reply: []byte("once")} }
	if reply, err := a.Update(t.Context(), canister, "m", nil); err != nil || string(reply) != "once" {
		t.Errorf("got %q %v", reply, err)
	}
	if calls, ran := n.Seen("call"), n.Executed(); calls != 3 || ran != 1 {
		t.Errorf("%d calls were sent and %d ran, want 3 and 1", calls, ran)
	}
	n.Change(func() { n.Break = 6 })
	_, err := a.Update(t.Context(), canister, "m", nil)
	fails(t, err, agent.Unknown, true)
}

func TestNobodyListens(t *testing.T) {
	t.Parallel()
	_, a := setUp(t, func(c *agent.Config) { c.URL = "http://127.0.0.1:1" })
	_, err := a.Update(t.Context(), canister, "m", nil)
	fails(t, err, agent.No, true)
}

func TestSizes(t *testing.T) {
	t.Parallel()
	n, a := setUp(t, func(c *agent.Config) { c.MaxResponse = 4096 })
	_, err := a.Update(t.Context(), canister, "m", make([]byte, 3<<20))
	if fails(t, err, agent.No, false); !errors.Is(err, agent.ErrTooLarge) {
		t.Errorf("long argument: %v", err)
	}
	if n.Seen("call") != 0 {
		t.Error("the long argument was sent")
	}
	n.Change(func() {
		n.Handle = func(agenttest.Call) agenttest.Answer { return agenttest.Answer{Reply: make([]byte, 8192)} }
	})
	_, err = a.Update(t.Context(), canister, "m", nil)
	if fails(t, err, agent.Unknown, false); !errors.Is(err, agent.ErrTooLarge) {
		t.Errorf("long answer: %v", err)
	}
}

func TestGarbage(t *testing.T) {
	t.Parallel()
	n, a := setUp(t, nil)
	for _, body := range []string{"", "hello", "\xa0", "\xa1\x66status\x67replied", "\xa1\x66status\x65maybe", "\xbf\xff", "\xa2\x66status\x67replied\x66Status\x60"} {
		n.Change(func() { n.Body = []byte(body) })
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if reply, err := a.Update(ctx, canister, "m", nil); err == nil {
			t.Errorf("%q: update took %q", body, reply)
		}
		if reply, err := a.Query(ctx, canister, "m", nil); err == nil {
			t.Errorf("%q: query took %q", body, reply)
		}
		if _, err := agent.FetchRootKey(ctx, n.URL); err == nil {
			t.Errorf("%q: taken for a status", body)
		}
		cancel()
	}
}

func TestFetchRootKey(t *testing.T) {
	t.Parallel()
	n, _ := setUp(t, nil)
	key, err := agent.FetchRootKey(t.Context(), n.URL)
	if err != nil || !bytes.Equal(key, n.RootKey) {
		t.Errorf("got %x %v", key, err)
	}
}

func TestConfigNamesEveryFault(t *testing.T) {
	t.Parallel()
	_, err := agent.New(agent.Config{URL: "ftp://x", IngressExpiry: time.Hour, MaxAge: -1})
	if err == nil {
		t.Fatal("taken")
	}
	for _, want := range []string{"URL", "RootKey", "IngressExpiry", "MaxAge"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q does not name %s", err, want)
		}
	}
}

// TestLostAfterArrival: once a request may have arrived, a later failure to reach the
// network does not mean that nothing happened.
func TestLostAfterArrival(t *testing.T) {
	t.Parallel()
	refusedDial := &net.OpError{Op: "dial", Err: errors.New("connection refused")}
	unsigned := func(status int) *http.Response {
		return &http.Response{StatusCode: status, Header: http.Header{}, Body: io.NopCloser(strings.NewReader("gone")), ContentLength: 4}
	}
	lose := func(then func(*http.Request) (*http.Response, error)) func(*http.Request) (*http.Response, error) {
		arrived := false
		return func(r *http.Request) (*http.Response, error) {
			if arrived {
				return then(r)
			}
			arrived = true
			return nil, io.ErrUnexpectedEOF
		}
	}
	accept := func(then func(*http.Request) (*http.Response, error)) func(*http.Request) (*http.Response, error) {
		return func(r *http.Request) (*http.Response, error) {
			if strings.HasSuffix(r.URL.Path, "/call") {
				return unsigned(http.StatusAccepted), nil
			}
			return then(r)
		}
	}
	dial := func(*http.Request) (*http.Response, error) { return nil, refusedDial }
	bad := func(*http.Request) (*http.Response, error) { return unsigned(http.StatusBadRequest), nil }
	for name, c := range map[string]struct {
		transport func(*http.Request) (*http.Response, error)
		happened  agent.Happened
		retry     bool
	}{
		"never dialled":              {dial, agent.No, true},
		"lost, then no connection":   {lose(dial), agent.Unknown, true},
		"lost, then refused":         {lose(bad), agent.Unknown, false},
		"taken, then refused status": {accept(bad), agent.Unknown, false},
	} {
		_, a := setUp(t, func(cfg *agent.Config) { cfg.HTTP = &http.Client{Transport: transport(c.transport)} })
		_, err := a.Update(t.Context(), canister, "m", nil)
		t.Log(name)
		fails(t, err, c.happened, c.retry)
	}
}

// TestGatewayForwardsAndLies: an unsigned refusal of a call that was forwarded must not
// pass for "nothing happened".
func TestGatewayForwardsAndLies(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		status int
		body   map[string]any
	}{
		"HTTP 400":    {400, nil},
		"HTTP 503":    {503, nil},
		"a rejection": {200, map[string]any{"status": "non_replicated_rejection", "reject_code": uint64(2), "reject_message": "busy"}},
	} {
		n, a := setUp(t, func(cfg *agent.Config) {
			cfg.HTTP = &http.Client{Transport: transport(func(r *http.Request) (*http.Response, error) {
				resp, err := http.DefaultTransport.RoundTrip(r)
				if err != nil {
					return nil, err
				}
				resp.Body.Close()
				body, err := cbor.Marshal(c.body)
				return &http.Response{StatusCode: c.status, Header: http.Header{}, Body: io.NopCloser(bytes.NewReader(body)), ContentLength: int64(len(body))}, err
			})}
		})
		_, err := a.Update(t.Context(), canister, "m", nil)
		if n.Executed() != 1 {
			t.Fatalf("%s: %d calls were executed", name, n.Executed())
		}
		var e *agent.Error
		if !errors.As(err, &e) || e.Happened() != agent.Unknown {
			t.Errorf("%s: %v, happened %s", name, err, e.Happened())
		}
	}
}

type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }
