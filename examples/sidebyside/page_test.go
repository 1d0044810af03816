package sidebyside

import (
	"context"
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/examples/sidebyside/page/pageapi"
	"assay/ic/cdk/http"
	"assay/ic/cdk/http/httpapi"
	"assay/ic/certificate/gateway"
	"assay/ic/certificate/httpcert"
	"assay/ic/principal"
	"assay/internal/subnet"
)

// web is a page as a gateway sees it, which passes on only what it has checked.
type web struct {
	*player
	id     principal.Principal
	client httpapi.Client[context.Context]
}

// ask is a request and its response, unchecked.
func (w web) ask(q http.Request) httpcert.Response {
	w.T.Helper()
	version := uint16(2)
	headers := []httpapi.HeaderField{}
	for _, h := range q.Headers {
		headers = append(headers, httpapi.HeaderField{F0: h.Name, F1: h.Value})
	}
	a, err := w.client.HttpRequest(w.ctx, httpapi.HttpRequest{Method: q.Method, Url: q.URL, Headers: headers, CertificateVersion: &version})
	w.Must(err)
	out := httpcert.Response{Status: a.StatusCode, Body: a.Body}
	for _, h := range a.Headers {
		out.Headers = append(out.Headers, http.Header{Name: h.F0, Value: h.F1})
	}
	return out
}

// want checks what a gateway passes on: that it is certified whole, and what it is. The
// entity tag is returned.
func (w web) want(q http.Request, status uint16, kind string, body []byte) (etag string) {
	w.T.Helper()
	a := w.ask(q)
	checked, err := gateway.Verify(q, a, w.rootKey, w.id, w.Now)
	if err != nil {
		w.T.Fatal(err)
	}
	if checked.Skipped || !checked.Expression.Exclude || len(checked.Expression.Headers) > 0 || checked.Expression.Request == nil {
		w.T.Errorf("%s %s: certified by %s", q.Method, q.URL, checked.Expression)
	}
	etag, _ = httpcert.Find(a.Headers, "etag")
	want := map[string]string{
		"content-security-policy": "default-src 'self'", "cache-control": "no-cache", "x-content-type-options": "nosniff",
		"etag": etag, "vary": "accept-encoding", "ic-certificateexpression": checked.Expression.String(),
	}
	shown := body
	if status != 304 {
		want["content-type"], want["content-length"] = kind, strconv.Itoa(len(body))
	}
	if q.Method == "HEAD" || status == 304 {
		shown = nil
	}
	got := map[string]string{}
	for _, h := range checked.Headers {
		got[strings.ToLower(h.Name)] = h.Value
	}
	if diff := cmp.Diff(want, got); diff != "" || len(got) != len(checked.Headers) || len(etag) != 34 {
		w.T.Errorf("%s %s: headers (-want +got):\n%s", q.Method, q.URL, diff)
	}
	if a.Status != status || string(a.Body) != string(shown) {
		w.T.Errorf("%s %s: %d %.100q, want %d %.100q", q.Method, q.URL, a.Status, a.Body, status, shown)
	}
	return etag
}

// page puts examples/page's files and asks for them; the last GET is that of "/".
func (p *player) page() {
	id := p.Install(p.module, noArg)
	w := web{p, id, httpapi.NewClient[context.Context](p.As(alice, id))}
	owner := pageapi.NewClient[context.Context](p.As(subnet.Controller, id))
	static := func(name string) []byte { return read(p.T.(*testing.T), filepath.Join("../page/static", name)) }
	const html, css, js = "text/html; charset=utf-8", "text/css; charset=utf-8", "text/javascript; charset=utf-8"
	index, style, script, missing := static("index.html"), static("style.css"), static("hello.js"), static("missing.html")
	for _, a := range []pageapi.Asset{
		{Path: "/", Below: true, ContentType: html, Status: 404, Body: missing},
		{Path: "/style.css", ContentType: css, Status: 200, Body: style},
		{Path: "/hello.js", ContentType: js, Status: 200, Body: script},
		{Path: "/", ContentType: html, Status: 200, Body: script},
		{Path: "/", ContentType: html, Status: 200, Body: index}, // in place of that before
	} {
		p.Must(owner.Put(p.ctx, a))
	}
	get := func(url string) http.Request { return http.Request{Method: "GET", URL: url} }
	w.want(get("/style.css"), 200, css, style)
	w.want(get("/hello.js?x=1"), 200, js, script)
	w.want(get("/no/such/page"), 404, html, missing)
	w.want(get("/style.css/"), 404, html, missing)
	w.want(http.Request{Method: "HEAD", URL: "/"}, 200, html, index)
	first := w.want(get("/"), 200, html, index)
	conditional := http.Request{Method: "GET", URL: "/", Headers: []http.Header{{Name: "If-None-Match", Value: first}}}
	same(p, "entity tag", w.want(conditional, 304, html, index), nil, first)
	w.lies(get("/"), get("/nowhere"))
	p.Upgrade(id, p.module, noArg)
	same(p, "entity tag after an upgrade", w.want(get("/"), 200, html, index), nil, first)
}

// lies are what a node could try.
func (w web) lies(there, nowhere http.Request) {
	w.T.Helper()
	changed, missing := w.ask(there), w.ask(nowhere)
	changed.Body = []byte("something else")
	if _, err := gateway.Verify(there, changed, w.rootKey, w.id, w.Now); !errors.Is(err, gateway.ErrResponse) {
		w.T.Errorf("another body: %v", err)
	}
	if _, err := gateway.Verify(there, missing, w.rootKey, w.id, w.Now); !errors.Is(err, gateway.ErrSpecific) {
		w.T.Errorf("it is not there: %v", err)
	}
}
