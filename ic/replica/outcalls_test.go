package replica_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"assay/ic/candid"
	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/replica"
	"assay/ic/replica/outcall"
	"assay/ic/replica/replicatest"
)

// outcaller makes a client that reaches one server.
func outcaller(t *testing.T, s *httptest.Server) replica.Outcaller {
	t.Helper()
	c, err := outcall.New([]string{strings.TrimPrefix(s.URL, "http://")}, outcall.Transport())
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// fetching asks a URL and replies what comes.
func fetching(t *testing.T, url string) program {
	t.Helper()
	arg, err := managementapi.EncodeHttpRequestArgs(managementapi.HttpRequest{Url: url, Method: managementapi.HttpMethod{Get: true}, MaxResponseBytes: new(uint64(1000))})
	if err != nil {
		t.Fatal(err)
	}
	return program{}.Call(replicatest.Call{
		To: principal.Management, Method: "http_request", Arg: arg, Cycles: 1e11,
		OnReply: program{}.AppendArg().Send(), OnReject: program{}.AppendRejectCode().Send(),
	})
}

func TestOutcall(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusAccepted)
		_, _ = w.Write([]byte("for " + r.URL.Path))
	}))
	defer server.Close()
	c, stop := running(t, replica.Config{Outcalls: outcaller(t, server)})
	a := c.actor()
	got, err := managementapi.DecodeHttpRequestResults(c.update(a, fetching(t, server.URL+"/path")))
	if err != nil {
		t.Fatal(err)
	}
	if got.Status != candid.NewNat(http.StatusAccepted) || string(got.Body) != "for /path" {
		t.Errorf("got %+v", got)
	}
	if code := c.update(a, fetching(t, "https://example.org")); string(code) != "\x01\x00\x00\x00" {
		t.Errorf("a host that is not allowed: reject code %x, want 1", code)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// An outcall that a stop cuts off is made again after the next start.
func TestOutcallOutlivesStop(t *testing.T) {
	t.Parallel()
	asked, stopping := make(chan struct{}, 2), make(chan struct{})
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		select {
		case <-stopping:
			_, _ = w.Write([]byte("second"))
		case <-r.Context().Done():
		}
	}))
	defer server.Close()
	config := replica.Config{Dir: t.TempDir(), Outcalls: outcaller(t, server)}
	c, stop := running(t, config)
	a := c.actor()
	id := replica.RequestID{1}
	in := replica.Ingress{ID: id, Sender: user, Canister: a, Method: "run", Arg: fetching(t, server.URL), Expiry: time.Now().Add(4 * time.Minute)}
	if rej := c.n.Submit(t.Context(), in); rej != nil {
		t.Fatal(rej)
	}
	<-asked
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	close(stopping)
	c, stop = running(t, config)
	s, err := c.n.Await(t.Context(), id)
	if err != nil || s.Reject != nil {
		t.Fatal(err, s.Reject)
	}
	if got, err := managementapi.DecodeHttpRequestResults(s.Reply); err != nil || string(got.Body) != "second" {
		t.Errorf("got %+v, %v", got, err)
	}
	if b := c.n.Books(); b.Held.Add(b.Spent) != b.Minted {
		t.Errorf("books: %+v", b)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}
