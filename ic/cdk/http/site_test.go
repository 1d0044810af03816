package http_test

import (
	"bytes"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"assay/ic/cdk/certified"
	"assay/ic/cdk/http"
	"assay/ic/cdk/stable"
	"assay/ic/certificate"
	"assay/ic/certificate/certtest"
	"assay/ic/certificate/gateway"
	"assay/ic/certificate/hashtree"
	"assay/ic/certificate/httpcert"
	"assay/ic/principal"
)

var (
	canister = principal.Canister(7)
	now      = time.Unix(1_790_000_000, 0)
)

// rig is a site with a network that certifies its tree.
type rig struct {
	t       *testing.T
	site    *http.Site
	tree    *certified.Tree
	store   *stable.Heap
	network *certtest.Network
}

func newRig(t *testing.T) *rig {
	t.Helper()
	return newRigOn(t, certtest.Sharded)
}

func newRigOn(t *testing.T, layout certtest.Layout) *rig {
	t.Helper()
	r := &rig{t: t, store: &stable.Heap{}, tree: certified.New(&stable.Heap{})}
	r.site = http.Open(stable.NewMap(r.store), r.tree)
	r.network = certtest.NewAt(t, layout, now, certificate.Range{From: principal.Canister(0), To: principal.Canister(100)})
	return r
}

func (r *rig) must(err error) {
	r.t.Helper()
	if err != nil {
		r.t.Fatal(err)
	}
}

// certificate is the system's for the tree as it is, at a time.
func (r *rig) certificate(at time.Time) []byte {
	r.t.Helper()
	root := r.tree.Root()
	return r.network.Certify(r.t, hashtree.NewBuilder().
		Set(certificate.AppendNat(nil, uint64(at.UnixNano())), []byte("time")).
		Set(root[:], []byte("canister"), canister.Bytes(), []byte("certified_data")))
}

func get(url string, headers ...string) http.Request { return ask("GET", url, headers...) }

func ask(method, url string, headers ...string) http.Request {
	q := http.Request{Method: method, URL: url}
	for i := 0; i < len(headers); i += 2 {
		q.Headers = append(q.Headers, http.Header{Name: headers[i], Value: headers[i+1]})
	}
	return q
}

func (r *rig) answer(q http.Request) http.Response {
	r.t.Helper()
	return r.site.Answer(q, r.certificate(now), func(http.Request) http.Response {
		return http.Response{Status: 200, Body: []byte("anything")}
	})
}

func checked(a http.Response) httpcert.Response {
	return httpcert.Response{Status: a.Status, Headers: a.Headers, Body: a.Body}
}

func (r *rig) verify(q http.Request, a httpcert.Response) (gateway.Answer, error) {
	return gateway.Verify(q, a, r.network.RootKey, canister, now.Add(time.Minute))
}

// fetch asks and wants an answer that holds.
func (r *rig) fetch(q http.Request) http.Response {
	r.t.Helper()
	a := r.answer(q)
	if a.Upgrade {
		r.t.Fatalf("%s %s is upgraded", q.Method, q.URL)
	}
	if _, err := r.verify(q, r.collect(a)); err != nil {
		r.t.Fatal(err)
	}
	return a
}

// collect joins a streamed body, as gateways do.
func (r *rig) collect(a http.Response) httpcert.Response {
	r.t.Helper()
	out := checked(a)
	for next := a.Next; next != nil; {
		body, after, ok := r.site.Stream(*next)
		if !ok {
			r.t.Fatal("the stream ends")
		}
		out.Body, next = append(bytes.Clone(out.Body), body...), after
	}
	return out
}

func value(a http.Response, name string) string {
	v, _ := httpcert.Find(a.Headers, name)
	return v
}

func want[T comparable](t *testing.T, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Errorf("%s is %v, want %v", what, got, want)
	}
}

var policy = []http.Header{{Name: "Content-Security-Policy", Value: "default-src 'self'"}, {Name: "Cache-Control", Value: "max-age=60"}}

// pages is a small site of every kind.
func (r *rig) pages() {
	r.t.Helper()
	for body, a := range map[string]http.Asset{
		"<p>home</p>":                           {Path: "/", Type: "text/html", Headers: policy},
		"body{}":                                {Path: "/style/main.css"},
		"ümlaut":                                {Path: "/ä b.txt"},
		"not here":                              {Path: "/", Below: true, Type: "text/plain", Status: 404},
		"the app":                               {Path: "/app", Below: true, Type: "text/html"},
		"squeezed much better":                  {Path: "/app/data.json", Encoding: "gzip"},
		"a longer text, as it is, not squeezed": {Path: "/app/data.json"},
	} {
		r.must(r.site.Put(a, []byte(body)))
	}
	r.must(r.site.Put(http.Asset{Path: "/old", Location: "/style/main.css"}, nil))
	r.must(r.site.PutUpgrade("/api", true))
	r.must(r.site.PutUncertified("/random", false))
}

func TestServes(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.pages()
	for _, c := range []struct {
		url, body string
		status    uint16
	}{
		{"/", "<p>home</p>", 200},
		{"/?q=1", "<p>home</p>", 200},
		{"//", "<p>home</p>", 200},
		{"/style/main.css", "body{}", 200},
		{"/style//main.css", "body{}", 200},
		{"/style%2Fmain.css", "body{}", 200},
		{"/%C3%A4%20b.txt", "ümlaut", 200},
		{"/ä b.txt", "ümlaut", 200},
		{"/nothing", "not here", 404},
		{"/style/", "not here", 404},
		{"/style", "not here", 404},
		{"/style/main.css/", "not here", 404},
		{"/" + strings.Repeat("long", 100), "not here", 404},
		{"/d" + strings.Repeat("/d", 40), "not here", 404},
		{"/<*>", "not here", 404},
		{"/app", "the app", 200},
		{"/app/", "the app", 200},
		{"/app/a/b/c", "the app", 200},
		{"/apple", "not here", 404},
		{"/old", "", 308},
		{"/random", "anything", 200},
		{"/random/more", "not here", 404},
	} {
		for _, method := range []string{"GET", "HEAD"} {
			a := r.fetch(ask(method, c.url))
			if method == "HEAD" && c.url != "/random" {
				c.body = ""
			}
			if a.Status != c.status || string(a.Body) != c.body {
				t.Errorf("%s %s: %d %q, want %d %q", method, c.url, a.Status, a.Body, c.status, c.body)
			}
		}
	}
	home := r.fetch(get("/"))
	want(t, "policy", value(home, "content-security-policy"), policy[0].Value)
	want(t, "type", value(r.fetch(get("/style/main.css")), "content-type"), "text/css; charset=utf-8")
	want(t, "length", value(r.fetch(ask("HEAD", "/")), "content-length"), "11")
	want(t, "location", value(r.fetch(get("/old")), "location"), "/style/main.css")
	if a, err := r.verify(get("/random"), checked(r.answer(get("/random")))); err != nil || !a.Skipped {
		t.Errorf("uncertified: %+v, %v", a, err)
	}
	for _, q := range []http.Request{get("/api"), get("/api/x"), ask("POST", "/"), ask("DELETE", "/nothing"), {Method: "GET", URL: "/", Body: []byte("x")}} {
		want(t, q.Method+" "+q.URL+" upgraded", r.answer(q).Upgrade, true)
	}
}

func TestConditional(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.pages()
	tag := value(r.fetch(get("/")), "etag")
	a := r.fetch(get("/", "If-None-Match", tag))
	if a.Status != 304 || len(a.Body) > 0 || value(a, "etag") != tag || value(a, "cache-control") != "max-age=60" {
		t.Errorf("%d %q %v", a.Status, a.Body, a.Headers)
	}
	for _, other := range []string{`"x"`, "*", "W/" + tag, tag + ", " + tag, ""} {
		want(t, "status for "+other, r.fetch(get("/", "If-None-Match", other)).Status, 200)
	}
	want(t, "status for a tag twice", r.fetch(get("/", "If-None-Match", tag, "if-none-match", tag)).Status, 200)
	r.must(r.site.Put(http.Asset{Path: "/", Type: "text/html"}, []byte("<p>new</p>")))
	want(t, "status after a change", r.fetch(get("/", "if-none-match", tag)).Status, 200)
}

func TestEncodings(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.pages()
	for accept, encoding := range map[string]string{
		"": "", "gzip": "gzip", "GZIP;q=0.5": "gzip", "gzip, identity": "gzip", "identity, gzip;q=0.9": "", "br": "", "*": "gzip", "gzip;q=0": "",
		"identity;q=0, gzip;q=0.001": "gzip", "*;q=0": "", "gzip;q=x": "", "gzip;q=1.5": "", "gzip;q=1.000, *;q=0": "gzip", ";;,": "",
	} {
		q := get("/app/data.json")
		if accept != "" {
			q = get("/app/data.json", "Accept-Encoding", accept)
		}
		a := r.fetch(q)
		want(t, "encoding for "+accept, value(a, "content-encoding"), encoding)
		want(t, "vary", value(a, "vary"), "accept-encoding")
	}
}

// large is a body of two chunks and a bit.
func large() []byte {
	b := make([]byte, 2*http.ChunkBytes+1000)
	for i := range b {
		b[i] = byte(i * i >> 7)
	}
	return b
}

// upload puts a body in parts of odd sizes.
func (r *rig) upload(a http.Asset, body []byte) {
	r.t.Helper()
	id, err := r.site.Begin(a)
	r.must(err)
	for at := 0; at < len(body); {
		n := min(len(body)-at, 700_001)
		r.must(r.site.Write(id, body[at:at+n]))
		at += n
	}
	r.must(r.site.Finish(id))
}

func TestRanges(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	body := large()
	r.upload(http.Asset{Path: "/film.mp4"}, body)
	want(t, "head", value(r.fetch(ask("HEAD", "/film.mp4")), "content-length"), fmt.Sprint(len(body)))

	first := r.fetch(get("/film.mp4"))
	want(t, "status", first.Status, 206)
	got := first.Body
	for len(got) < len(body) {
		a := r.fetch(get("/film.mp4", "Range", fmt.Sprintf("bytes=%d-", len(got))))
		want(t, "status", a.Status, 206)
		want(t, "range", value(a, "content-range"), fmt.Sprintf("bytes %d-%d/%d", len(got), len(got)+len(a.Body)-1, len(body)))
		got = append(got, a.Body...)
	}
	if !bytes.Equal(got, body) {
		t.Error("the chunks are not the body")
	}
	tag := value(first, "etag")
	for spec, span := range map[string][2]int{
		"bytes=0-1": {0, 2}, "bytes=5-": {5, 5 + http.ChunkBytes}, "bytes=-10": {len(body) - 10, len(body)},
		"bytes=1899990-1900009": {1899990, 1900010}, "bytes=3800000-9999999": {3800000, len(body)},
	} {
		q := get("/film.mp4", "range", spec, "if-range", tag)
		want(t, spec+" upgraded", r.answer(q).Upgrade, true)
		a := r.site.AnswerUpdate(q, nil)
		if a.Status != 206 || !bytes.Equal(a.Body, body[span[0]:span[1]]) {
			t.Errorf("%s: %d, %d bytes, %s", spec, a.Status, len(a.Body), value(a, "content-range"))
		}
	}
	want(t, "beyond", r.site.AnswerUpdate(get("/film.mp4", "range", "bytes=3801000-"), nil).Status, 416)
	for _, ignored := range []string{"bytes=9-5", "bytes=0-1,4-5", "lines=0-1", "bytes=x-", "bytes=--1", "bytes=1"} {
		want(t, ignored, string(r.fetch(get("/film.mp4", "range", ignored)).Body[:9]), string(body[:9]))
	}
	want(t, "another version", len(r.fetch(get("/film.mp4", "range", "bytes=0-1", "if-range", `"old"`)).Body), http.ChunkBytes)
}

func TestStreams(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	body := large()
	r.upload(http.Asset{Path: "/film.mp4", Stream: true}, body)
	a := r.fetch(get("/film.mp4"))
	all := r.collect(a)
	if a.Status != 200 || !bytes.Equal(all.Body, body) {
		t.Errorf("%d, %d bytes", a.Status, len(all.Body))
	}
	all.Body = all.Body[:len(all.Body)-1]
	if _, err := r.verify(get("/film.mp4"), all); !errors.Is(err, gateway.ErrResponse) {
		t.Errorf("cut off: %v", err)
	}
	want(t, "a chunk", len(r.fetch(get("/film.mp4", "range", "bytes=3800000-")).Body), 1000)
	next := *a.Next
	r.site.Delete("/film.mp4", false)
	if _, _, ok := r.site.Stream(next); ok {
		t.Error("a deleted body is streamed")
	}
}

func TestUpdates(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.pages()
	own := func(q http.Request) http.Response {
		return http.Response{Status: 201, Body: append([]byte(q.Method+" "), q.Body...)}
	}
	post := ask("POST", "/api/x")
	post.Body = []byte("hello")
	want(t, "own", string(r.site.AnswerUpdate(post, own).Body), "POST hello")
	want(t, "post to an asset", r.site.AnswerUpdate(ask("POST", "/"), own).Status, 201)
	want(t, "nobody's", r.site.AnswerUpdate(post, nil).Status, 404)
	refused := r.site.AnswerUpdate(ask("POST", "/"), nil)
	want(t, "not allowed", refused.Status, 405)
	want(t, "allow", value(refused, "allow"), "GET, HEAD")
	a := r.site.AnswerUpdate(get("/"), own)
	want(t, "an asset", string(a.Body), "<p>home</p>")
	want(t, "expression", value(a, httpcert.ExpressionHeader), "")
}

func TestLimits(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for name, a := range map[string]http.Asset{
		"no path": {Type: "a/b"}, "relative": {Path: "a", Type: "a/b"}, "no type": {Path: "/a"}, "control": {Path: "/a\n", Type: "a/b"},
		"long path": {Path: "/" + strings.Repeat("a/", 250), Type: "a/b"}, "deep": {Path: strings.Repeat("/a", 12), Type: "a/b"},
		"long segment": {Path: "/" + strings.Repeat("a", 81), Type: "a/b"}, "exact mark": {Path: "/<$>/x", Type: "a/b"}, "wildcard mark": {Path: "/<*>", Type: "a/b"},
		"odd header":   {Path: "/a", Type: "a/b", Headers: []http.Header{{Name: "a b", Value: "x"}}},
		"line break":   {Path: "/a", Type: "a/b", Headers: []http.Header{{Name: "a", Value: "x\r\nb: c"}}},
		"kit header":   {Path: "/a", Type: "a/b", Headers: []http.Header{{Name: "Content-Length", Value: "1"}}},
		"many headers": {Path: "/a", Type: "a/b", Headers: make([]http.Header, 33)}, "status": {Path: "/a", Type: "a/b", Status: 206},
		"large headers":   {Path: "/a", Type: "a/b", Headers: []http.Header{{Name: "a", Value: strings.Repeat("v", 9000)}}},
		"redirect status": {Path: "/a", Location: "/b", Status: 200}, "redirect type": {Path: "/a", Location: "/b", Type: "a/b"},
		"encoding": {Path: "/a", Type: "a/b", Encoding: "g zip"}, "bad type": {Path: "/a", Type: "a\nb"},
	} {
		if err := r.site.Put(a, nil); !errors.Is(err, http.ErrAsset) {
			t.Errorf("%s: %v", name, err)
		}
		if _, err := r.site.Begin(a); !errors.Is(err, http.ErrAsset) {
			t.Errorf("begin %s: %v", name, err)
		}
	}
	r.must(r.site.Put(http.Asset{Path: strings.Repeat("/a", 11), Type: "a/b"}, []byte("deep")))
	want(t, "deepest", string(r.fetch(get(strings.Repeat("/a", 11))).Body), "deep")
	if err := r.site.Put(http.Asset{Path: "/", Below: true, Type: "a/b"}, make([]byte, http.ChunkBytes+1)); !errors.Is(err, http.ErrSize) {
		t.Errorf("a large page below: %v", err)
	}
	for name, c := range map[string]struct {
		q      http.Request
		status uint16
	}{
		"url": {get("/" + strings.Repeat("a", 9000)), 414}, "header": {get("/", "a", strings.Repeat("v", 40000)), 431},
		"headers": {http.Request{Method: "GET", URL: "/", Headers: make([]http.Header, 101)}, 431}, "body": {http.Request{Method: "PUT", URL: "/", Body: make([]byte, 3<<20)}, 413},
		"no path": {get("x"), 400}, "no UTF-8": {get("/%ff"), 400}, "deep": {get(strings.Repeat("/a", 61)), 400}, "nothing": {get("/nothing"), 404},
	} {
		want(t, name, r.answer(c.q).Status, c.status)
		want(t, name+" by update", r.site.AnswerUpdate(c.q, nil).Status, c.status)
	}
}

func TestUploads(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.must(r.site.Put(http.Asset{Path: "/a.txt"}, []byte("old")))
	id, err := r.site.Begin(http.Asset{Path: "/a.txt"})
	r.must(err)
	r.must(r.site.Write(id, []byte("ne")))
	r.site = http.Open(stable.NewMap(r.store), r.tree) // as after an upgrade
	r.must(r.site.Write(id, []byte("w")))
	want(t, "before", string(r.fetch(get("/a.txt")).Body), "old")
	r.must(r.site.Finish(id))
	want(t, "after", string(r.fetch(get("/a.txt")).Body), "new")
	for name, err := range map[string]error{"finish twice": r.site.Finish(id), "write": r.site.Write(id, nil), "abort": r.site.Abort(99)} {
		if !errors.Is(err, http.ErrUpload) {
			t.Errorf("%s: %v", name, err)
		}
	}
	for range http.MaxUploads {
		if id, err = r.site.Begin(http.Asset{Path: "/b.txt"}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.site.Begin(http.Asset{Path: "/b.txt"}); !errors.Is(err, http.ErrAsset) {
		t.Errorf("one upload too many: %v", err)
	}
	r.must(r.site.Abort(id))
	want(t, "open uploads", len(r.site.Uploads()), http.MaxUploads-1)
}

// What is replaced or deleted leaves nothing behind, neither in the tree nor in the map.
func TestLeavesNothing(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	for range 2 {
		r.pages()
		r.must(r.site.PutUpgrade("/app/data.json", false)) // both variants go
		r.must(r.site.Put(http.Asset{Path: "/app/data.json"}, []byte("{}")))
		r.must(r.site.PutUncertified("/style/main.css", false))
	}
	r.upload(http.Asset{Path: "/film.mp4", Stream: true}, large())
	var items []http.Item
	r.site.List(func(i http.Item) bool { items = append(items, i); return true })
	want(t, "items", len(items), 10)
	for _, i := range items {
		if !r.site.Delete(i.Path, i.Below) {
			t.Errorf("%s is not there", i.Path)
		}
	}
	want(t, "leaves", r.tree.Len(), 0)
	want(t, "records", stable.NewMap(r.store).Len(), 1) // the last number
	want(t, "nothing", r.answer(get("/")).Status, 404)
}
