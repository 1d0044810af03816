package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	nethttp "net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"assay/examples/page/pageapi"
	"assay/ic/agent"
	"assay/ic/candid"
	"assay/ic/canistertest"
	"assay/ic/cdk/http"
	"assay/ic/cdk/http/httpapi"
	"assay/ic/certificate/gateway"
	"assay/ic/certificate/httpcert"
	"assay/ic/identity"
	"assay/ic/management/managementapi"
	"assay/ic/principal"
	"assay/ic/replica"
	"assay/ic/replica/certify"
	"assay/ic/replica/door"
	site "assay/ic/replica/gateway"
	"assay/ic/wasm/build"
	"assay/internal/cache"
)

// browser is a gateway: it asks the canister over the network's door and passes on what
// it has checked.
type browser struct {
	t       *testing.T
	url     string
	engine  *liar
	rootKey []byte
	id      principal.Principal
	page    pageapi.Client[context.Context]
	http    httpapi.Client[context.Context]
	owner   *agent.Agent
	mu      sync.Mutex
	cost    map[string]uint64 // instructions of the last message, by method
}

func newBrowser(t *testing.T) *browser {
	t.Helper()
	b := &browser{t: t, cost: map[string]uint64{}}
	keys, err := certify.Open("", nil)
	b.must(err)
	code, err := cache.Dir("code")
	b.must(err)
	n, err := replica.Open(replica.Config{
		CompilationCacheDir: code, Certifier: keys, RootKey: keys.RootKey(), SubnetID: keys.Subnet(), Observe: b.observe,
	})
	b.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- n.Run(ctx) }()
	b.engine = &liar{Network: n}
	server := httptest.NewServer(site.New(site.Config{Engine: b.engine, RootKey: keys.RootKey(), API: door.New(door.Config{Engine: n, Certifier: keys})}))
	t.Cleanup(func() {
		server.Close()
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	b.url, b.rootKey = server.URL, keys.RootKey()
	key, err := identity.NewEd25519()
	b.must(err)
	b.owner, err = agent.New(agent.Config{URL: server.URL, RootKey: b.rootKey, Identity: key})
	b.must(err)
	anyone, err := agent.New(agent.Config{URL: server.URL, RootKey: b.rootKey})
	b.must(err)
	created, err := managementapi.NewClient[context.Context](b.owner.Management(principal.Canister(0))).
		ProvisionalCreateCanisterWithCycles(t.Context(), managementapi.ProvisionalCreateCanisterWithCyclesArg{})
	b.must(err)
	b.id = created.CanisterId
	b.install(managementapi.InstallMode{Install: true})
	b.page = pageapi.NewClient[context.Context](b.owner.Canister(b.id))
	b.http = httpapi.NewClient[context.Context](anyone.Canister(b.id))
	return b
}

func (b *browser) install(mode managementapi.InstallMode) {
	b.t.Helper()
	c, err := build.Find(".")
	b.must(err)
	c.CacheDir, err = cache.Dir("canisters")
	b.must(err)
	m, err := build.Canister(b.t.Context(), c)
	b.must(err)
	b.must(managementapi.NewClient[context.Context](b.owner.Management(b.id)).InstallCode(b.t.Context(), managementapi.InstallCode{
		Mode: mode, CanisterId: b.id, WasmModule: m.Gzip,
	}))
}

func (b *browser) observe(s replica.MessageStats) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cost[s.Method] = s.Instructions
}

func (b *browser) must(err error) {
	b.t.Helper()
	if err != nil {
		b.t.Fatal(err)
	}
}

func fields(headers []http.Header) []httpapi.HeaderField {
	out := []httpapi.HeaderField{}
	for _, h := range headers {
		out = append(out, httpapi.HeaderField{F0: h.Name, F1: h.Value})
	}
	return out
}

// ask is one query and what came of it.
func (b *browser) ask(q http.Request) httpapi.HttpResponse {
	b.t.Helper()
	version := uint16(2)
	a, err := b.http.HttpRequest(b.t.Context(), httpapi.HttpRequest{
		Method: q.Method, Url: q.URL, Headers: fields(q.Headers), Body: q.Body, CertificateVersion: &version,
	})
	b.must(err)
	return a
}

func received(a httpapi.HttpResponse) httpcert.Response {
	out := httpcert.Response{Status: a.StatusCode, Body: a.Body}
	for _, h := range a.Headers {
		out.Headers = append(out.Headers, http.Header{Name: h.F0, Value: h.F1})
	}
	return out
}

// fetch does what a gateway does: upgrade, stream, join ranges, and check each part.
func (b *browser) fetch(q http.Request) httpcert.Response {
	b.t.Helper()
	a := b.ask(q)
	if a.Upgrade != nil && *a.Upgrade {
		a, err := b.http.HttpRequestUpdate(b.t.Context(), httpapi.HttpUpdateRequest{Method: q.Method, Url: q.URL, Headers: fields(q.Headers), Body: q.Body})
		b.must(err)
		return received(a)
	}
	out := b.checked(q, b.stream(a))
	for size := total(out); out.Status == 206 && len(out.Body) < size; {
		next := q
		next.Headers = append(next.Headers, http.Header{Name: "Range", Value: fmt.Sprintf("bytes=%d-", len(out.Body))})
		part := b.checked(next, received(b.ask(next)))
		out.Body = append(out.Body, part.Body...)
	}
	return out
}

func (b *browser) checked(q http.Request, a httpcert.Response) httpcert.Response {
	b.t.Helper()
	if _, err := gateway.Verify(q, a, b.rootKey, b.id, time.Now()); err != nil {
		b.t.Fatal(err)
	}
	return a
}

func (b *browser) stream(a httpapi.HttpResponse) httpcert.Response {
	b.t.Helper()
	out := received(a)
	if a.StreamingStrategy == nil {
		return out
	}
	s := a.StreamingStrategy.Callback
	if s.Callback != (candid.Func{Service: b.id, Method: "http_request_streaming_callback"}) {
		b.t.Fatalf("the body goes on at %v", s.Callback)
	}
	for token := &s.Token; token != nil; {
		part, err := b.http.HttpRequestStreamingCallback(b.t.Context(), *token)
		b.must(err)
		out.Body = append(out.Body, part.Body...)
		token = part.Token
	}
	return out
}

// total is the size that Content-Range tells, else 0.
func total(a httpcert.Response) (size int) {
	v, _ := httpcert.Find(a.Headers, "content-range")
	_, after, _ := strings.Cut(v, "/")
	_, _ = fmt.Sscan(after, &size)
	return size
}

func (b *browser) get(url string) httpcert.Response {
	b.t.Helper()
	return b.fetch(http.Request{Method: "GET", URL: url})
}

func (b *browser) want(url string, status uint16, body []byte) {
	b.t.Helper()
	if a := b.get(url); a.Status != status || !bytes.Equal(a.Body, body) {
		b.t.Errorf("%s: %d %.100q, want %d %.100q", url, a.Status, a.Body, status, body)
	}
}

func done(t *testing.T, d pageapi.Done, err error) {
	t.Helper()
	if err != nil || !d.Ok {
		t.Fatalf("%+v %v", d, err)
	}
}

func large() []byte {
	b := make([]byte, 2*http.ChunkBytes+77)
	for i := range b {
		b[i] = byte(i >> 8 * i)
	}
	return b
}

// The page on the embedded network, as a browser sees it.
func TestPage(t *testing.T) {
	if testing.Short() {
		t.Skip("-short leaves out the embedded network")
	}
	t.Parallel()
	b := newBrowser(t)
	b.want("/", 200, index)
	t.Logf("GET /: %d instructions", b.cost["http_request"])
	b.want("/?q", 200, index)
	b.want("/style.css", 200, style)
	b.want("/index.html", 308, nil)
	b.want("/other/page", 404, missing)
	t.Logf("GET /other/page: %d instructions", b.cost["http_request"])
	if a := b.get("/weather"); a.Status != 200 || len(a.Body) == 0 {
		t.Errorf("weather: %d %q", a.Status, a.Body)
	}
	for n := range 2 {
		a := b.fetch(http.Request{Method: "POST", URL: "/hello"})
		if want := fmt.Sprintf("Hello! You are number %d.", n+1); a.Status != 200 || string(a.Body) != want {
			t.Errorf("hello: %d %q, want %q", a.Status, a.Body, want)
		}
	}
	d, err := b.page.Put(t.Context(), pageapi.Asset{Path: "/news/first.txt"}, []byte("something new"))
	done(t, d, err)
	t.Logf("put of %d bytes: %d instructions", len("something new"), b.cost["put"])
	b.want("/news/first.txt", 200, []byte("something new"))
	b.uploads()
	b.install(managementapi.InstallMode{Upgrade: new(*managementapi.UpgradeFlags)})
	b.want("/news/first.txt", 200, []byte("something new"))
	b.want("/", 200, index)
	b.lies()
	b.visits()
	if deleted, err := b.page.Delete(t.Context(), "/news/first.txt"); err != nil || !deleted {
		t.Errorf("delete: %v %v", deleted, err)
	}
	b.want("/news/first.txt", 404, missing)
}

// uploads puts a body of three chunks, once to be fetched by ranges and once streamed.
func (b *browser) uploads() {
	b.t.Helper()
	body := large()
	for _, stream := range []bool{false, true} {
		id, err := b.page.Begin(b.t.Context(), pageapi.Asset{Path: "/film.mp4", Stream: stream})
		b.must(err)
		for rest := body; len(rest) > 0; {
			n := min(len(rest), 1_500_000)
			d, err := b.page.Write(b.t.Context(), *id.Ok, rest[:n])
			done(b.t, d, err)
			rest = rest[n:]
		}
		d, err := b.page.Finish(b.t.Context(), *id.Ok)
		done(b.t, d, err)
		b.want("/film.mp4", map[bool]uint16{false: 206, true: 200}[stream], body)
		b.t.Logf("%d bytes, streamed %v: last write %d, finish %d, last read %d instructions", len(body), stream, b.cost["write"], b.cost["finish"],
			b.cost[map[bool]string{false: "http_request", true: "http_request_streaming_callback"}[stream]])
		part := b.fetch(http.Request{Method: "GET", URL: "/film.mp4", Headers: []http.Header{{Name: "Range", Value: "bytes=1899999-1900000"}}})
		if part.Status != 206 || !bytes.Equal(part.Body, body[1899999:1900001]) {
			b.t.Errorf("range: %d %x", part.Status, part.Body)
		}
	}
}

// lies are what a node could try.
func (b *browser) lies() {
	b.t.Helper()
	q := http.Request{Method: "GET", URL: "/news/first.txt"}
	genuine, missing := received(b.ask(q)), received(b.ask(http.Request{Method: "GET", URL: "/nowhere"}))
	changed := genuine
	changed.Body = []byte("something old")
	for name, c := range map[string]struct {
		q    http.Request
		a    httpcert.Response
		want error
	}{
		"another body": {q, changed, gateway.ErrResponse}, "it is not there": {q, missing, gateway.ErrSpecific},
		"nobody says hello": {http.Request{Method: "GET", URL: "/hello"}, missing, gateway.ErrSpecific},
		"another page":      {http.Request{Method: "GET", URL: "/"}, genuine, gateway.ErrPath},
	} {
		if _, err := gateway.Verify(c.q, c.a, b.rootKey, b.id, time.Now()); !errors.Is(err, c.want) {
			b.t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

// liar is the network, whose queries can be made to answer something else.
type liar struct {
	*replica.Network
	lie func([]byte) []byte
}

func (l *liar) Query(ctx context.Context, q replica.Query) ([]byte, *replica.Reject) {
	b, reject := l.Network.Query(ctx, q)
	if l.lie != nil {
		b = l.lie(b)
	}
	return b, reject
}

// visits are those of a browser that comes through the network's own gateway.
func (b *browser) visits() {
	b.t.Helper()
	get := func(method, path string) (status int, body []byte) {
		b.t.Helper()
		q, err := nethttp.NewRequestWithContext(b.t.Context(), method, b.url+path, nil)
		b.must(err)
		q.Host = b.id.String() + ".localhost"
		a, err := nethttp.DefaultClient.Do(q)
		b.must(err)
		defer a.Body.Close()
		body, err = io.ReadAll(a.Body)
		b.must(err)
		return a.StatusCode, body
	}
	for path, want := range map[string]struct {
		status int
		body   []byte
	}{"/": {200, index}, "/style.css?v=1": {200, style}, "/nowhere": {404, missing}, "/film.mp4": {200, large()}, "/news/first.txt": {200, []byte("something new")}} {
		if status, body := get("GET", path); status != want.status || !bytes.Equal(body, want.body) {
			b.t.Errorf("%s through the gateway: %d %.100q", path, status, body)
		}
	}
	if status, body := get("POST", "/hello"); status != 200 || !bytes.HasPrefix(body, []byte("Hello!")) {
		b.t.Errorf("an update through the gateway: %d %.100q", status, body)
	}
	b.engine.lie = func(a []byte) []byte { return bytes.ReplaceAll(a, []byte("something new"), []byte("something old")) }
	defer func() { b.engine.lie = nil }()
	if status, body := get("GET", "/news/first.txt"); status != 503 || bytes.Contains(body, []byte("something old")) {
		b.t.Errorf("a lie through the gateway: %d %.100q", status, body)
	}
	if status, _ := get("GET", "/"); status != 200 {
		b.t.Errorf("another page beside the lie: %d", status)
	}
}

// Only controllers change the page, on the double and on the embedded network alike.
func TestAuthors(t *testing.T) {
	t.Parallel()
	canistertest.Each(t, func(t *testing.T, n canistertest.Network) {
		c := n.Install(canistertest.Source{Program: program}, nil)
		stranger := pageapi.NewClient[context.Context](c.As(canistertest.Caller("stranger")))
		if _, err := stranger.Put(t.Context(), pageapi.Asset{Path: "/a.txt"}, nil); err == nil || !strings.Contains(err.Error(), errController.Error()) {
			t.Errorf("a stranger puts: %v", err)
		}
		author := pageapi.NewClient[context.Context](c.As(canistertest.Controller))
		d, err := author.Put(t.Context(), pageapi.Asset{Path: "/a.txt", Encoding: "gzip"}, []byte("x"))
		done(t, d, err)
		if d, err := author.Put(t.Context(), pageapi.Asset{Path: "a.txt"}, nil); err != nil || d.Err == nil {
			t.Errorf("a bad path: %+v %v", d, err)
		}
		list, err := author.List(t.Context())
		if err != nil || len(list) != 8 {
			t.Errorf("list of %d: %v", len(list), err)
		}
	})
}

// The lines of Go that the documentation shows are lines of this canister.
func TestDocumentation(t *testing.T) {
	t.Parallel()
	doc, err := os.ReadFile("../../docs/http.md")
	if err != nil {
		t.Fatal(err)
	}
	source, err := os.ReadFile("main.go")
	if err != nil {
		t.Fatal(err)
	}
	blocks := strings.Split(string(doc), "```go\n")[1:]
	if len(blocks) == 0 {
		t.Fatal("the documentation shows no Go")
	}
	for _, b := range blocks {
		b, _, _ = strings.Cut(b, "```")
		for _, line := range strings.Split(strings.TrimSpace(b), "\n") {
			if !strings.Contains(string(source), "\t"+line+"\n") {
				t.Errorf("main.go has no line %q", line)
			}
		}
	}
}
