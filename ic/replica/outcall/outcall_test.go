package outcall_test

import (
	"bytes"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"assay/ic/replica/outcall"
	"assay/ic/replica/state"
)

// echo answers with what it was asked.
func echo(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	w.Header()["Date"] = nil
	w.Header().Set("Seen", r.Method+" "+r.Host+" "+r.UserAgent()+" "+strings.Join(r.Header.Values("Twice"), ","))
	switch r.URL.Path {
	case "/redirect":
		http.Redirect(w, r, "/elsewhere", http.StatusFound)
		return
	case "/headers":
		for range 65 {
			w.Header().Add("Many", "x")
		}
	case "/wide":
		w.Header().Set("Wide", strings.Repeat("x", 9<<10))
	case "/hang-up":
		panic(http.ErrAbortHandler)
	}
	w.WriteHeader(http.StatusTeapot)
	_, _ = w.Write(body)
}

func host(t *testing.T, s *httptest.Server) string {
	t.Helper()
	u, err := url.Parse(s.URL)
	if err != nil {
		t.Fatal(err)
	}
	return u.Host
}

func client(t *testing.T, transport http.RoundTripper, hosts ...string) *outcall.Client {
	t.Helper()
	c, err := outcall.New(hosts, transport)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func header(r state.OutcallResult, name string) string {
	for _, h := range r.Headers {
		if h.Name == name {
			return h.Value
		}
	}
	return ""
}

func TestFetch(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.HandlerFunc(echo))
	defer plain.Close()
	secure := httptest.NewTLSServer(http.HandlerFunc(echo))
	defer secure.Close()
	transport := outcall.Transport()
	transport.TLSClientConfig = &tls.Config{RootCAs: secure.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs}
	c := client(t, transport, host(t, plain), "*")
	for name, at := range map[string]string{"plain": plain.URL, "secure": secure.URL} {
		got := c.Fetch(t.Context(), state.Outcall{
			ID: 7, URL: at + "/a?b=c", Method: "POST", MaxResponse: 2_000_000, Body: []byte("body"),
			Headers: []state.Header{{Name: "twice", Value: "1"}, {Name: "Twice", Value: "2"}, {Name: "HOST", Value: "other"}},
		})
		if got.ID != 7 || got.Error != "" || got.Status != http.StatusTeapot || string(got.Body) != "body" || header(got, "seen") != "POST other ic/1.0 1,2" {
			t.Errorf("%s: %+v", name, got)
		}
	}
	got := c.Fetch(t.Context(), state.Outcall{URL: plain.URL, Method: "HEAD", MaxResponse: 1000, Headers: []state.Header{{Name: "User-Agent", Value: "mine"}}})
	if got.Error != "" || len(got.Body) != 0 || !strings.HasSuffix(strings.TrimSpace(header(got, "seen")), " mine") {
		t.Errorf("HEAD: %+v", got)
	}
	if got := c.Fetch(t.Context(), state.Outcall{URL: plain.URL + "/redirect", Method: "GET", MaxResponse: 1000}); got.Status != http.StatusFound || header(got, "location") != "/elsewhere" {
		t.Errorf("a redirect is followed: %+v", got)
	}
}

func TestErrors(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.HandlerFunc(echo))
	defer plain.Close()
	at := host(t, plain)
	closed := httptest.NewServer(http.HandlerFunc(echo))
	gone := closed.URL
	closed.Close()
	c := client(t, outcall.Transport(), at, "*.example.org", strings.TrimPrefix(gone, "http://"))
	for name, row := range map[string]struct {
		o     state.Outcall
		fatal bool
		text  string
	}{
		"not ASCII":             {state.Outcall{URL: "https://x.example.org/안녕"}, true, "invalid uri"},
		"no URL":                {state.Outcall{URL: "https://["}, true, "parse URL"},
		"another host":          {state.Outcall{URL: "https://example.com"}, true, "allowed hosts"},
		"the domain itself":     {state.Outcall{URL: "https://example.org"}, true, "allowed hosts"},
		"a name that ends so":   {state.Outcall{URL: "https://badexample.org"}, true, "allowed hosts"},
		"http by a star":        {state.Outcall{URL: "http://x.example.org"}, true, "https"},
		"another port":          {state.Outcall{URL: "https://127.0.0.1:1"}, true, "allowed hosts"},
		"another scheme":        {state.Outcall{URL: "ftp://" + at}, true, "https"},
		"nobody listens":        {state.Outcall{URL: gone}, false, "connecting"},
		"cut off":               {state.Outcall{URL: plain.URL + "/hang-up"}, false, "connecting"},
		"too many headers":      {state.Outcall{URL: plain.URL + "/headers", MaxResponse: 1e6}, true, "64"},
		"a long header":         {state.Outcall{URL: plain.URL + "/wide", MaxResponse: 1e6}, true, "8 KiB"},
		"headers over the size": {state.Outcall{URL: plain.URL, MaxResponse: 10}, true, "Header size"},
		"body over the size":    {state.Outcall{URL: plain.URL, Method: "POST", MaxResponse: 200, Body: bytes.Repeat([]byte("x"), 300)}, true, "body exceeds"},
		"a bad header":          {state.Outcall{URL: plain.URL, MaxResponse: 1000, Headers: []state.Header{{Name: "a b", Value: "c"}}}, false, "header"},
	} {
		got := c.Fetch(t.Context(), row.o)
		if got.Error == "" || got.Fatal != row.fatal || !strings.Contains(got.Error, row.text) {
			t.Errorf("%s: %+v, want an error with %q, fatal %v", name, got, row.text, row.fatal)
		}
	}
}

func TestSizeIsExact(t *testing.T) {
	t.Parallel()
	plain := httptest.NewServer(http.HandlerFunc(echo))
	defer plain.Close()
	c := client(t, outcall.Transport(), host(t, plain))
	o := state.Outcall{URL: plain.URL, Method: "POST", MaxResponse: 2_000_000, Body: []byte("0123456789")}
	got := c.Fetch(t.Context(), o)
	size := uint64(len(got.Body))
	for _, h := range got.Headers {
		size += uint64(len(h.Name) + len(h.Value))
	}
	o.MaxResponse = size
	if got := c.Fetch(t.Context(), o); got.Error != "" {
		t.Errorf("a response of %d bytes: %+v", size, got)
	}
	o.MaxResponse--
	if got := c.Fetch(t.Context(), o); !got.Fatal {
		t.Errorf("a byte too long: %+v", got)
	}
}

func TestBadHosts(t *testing.T) {
	t.Parallel()
	for _, h := range []string{"", "https://example.org", "a b", "x@y", "a.*.org", "**"} {
		if _, err := outcall.New([]string{h}, nil); err == nil {
			t.Errorf("%q is taken for a host", h)
		}
	}
}
