package http_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/ic/cdk/http"
	"assay/ic/certificate"
	"assay/ic/certificate/certtest"
	"assay/ic/certificate/gateway"
	"assay/ic/certificate/hashtree"
	"assay/ic/certificate/httpcert"
	"assay/internal/need"
)

// pair is a request with a response to it, and what must be said of them.
type pair struct {
	name     string
	request  http.Request
	response httpcert.Response
	want     error // nil: it holds
	// laxer says why gateways' own library takes what we refuse.
	laxer string
}

// header is the response with another value of a header, "" for without it.
func withHeader(r httpcert.Response, name, value string) httpcert.Response {
	r.Headers = slices.DeleteFunc(slices.Clone(r.Headers), func(h http.Header) bool { return strings.EqualFold(h.Name, name) })
	if value != "" {
		r.Headers = append(r.Headers, http.Header{Name: name, Value: value})
	}
	return r
}

func added(r httpcert.Response, name, value string) httpcert.Response {
	r.Headers = append(slices.Clone(r.Headers), http.Header{Name: name, Value: value})
	return r
}

// proofOf is the certificate's header, taken apart.
func (r *rig) proofOf(a httpcert.Response) httpcert.Proof {
	r.t.Helper()
	v, _ := httpcert.Find(a.Headers, httpcert.CertificateHeader)
	p, err := httpcert.ParseProof(v)
	r.must(err)
	return p
}

// witness is a response with another witness and path in its proof.
func (r *rig) proved(a httpcert.Response, path httpcert.Path, shown ...[][]byte) httpcert.Response {
	r.t.Helper()
	w, err := r.tree.Witness(shown...)
	r.must(err)
	p := r.proofOf(a)
	p.Tree, p.Path = w, path
	return withHeader(a, httpcert.CertificateHeader, p.Header())
}

// pairs are responses of a site that hold, and all that a liar could make of them.
func (r *rig) pairs() []pair {
	home, missing := checked(r.fetch(get("/"))), checked(r.fetch(get("/nothing")))
	style, app := checked(r.fetch(get("/style/main.css"))), checked(r.fetch(get("/app/x")))
	tag, _ := httpcert.Find(home.Headers, "etag")
	if2 := get("/", "If-None-Match", tag)
	unchanged := checked(r.fetch(if2))
	chunk := get("/film.mp4", "Range", "bytes=1900000-")
	second := checked(r.fetch(chunk))
	first := checked(r.fetch(get("/film.mp4")))
	out := []pair{
		{"home", get("/"), home, nil, ""},
		{"page below", get("/nothing/at/all"), checked(r.fetch(get("/nothing/at/all"))), nil, ""},
		{"query", get("/?x=1&y"), home, nil, ""},
		{"head", ask("HEAD", "/"), checked(r.fetch(ask("HEAD", "/"))), nil, ""},
		{"unchanged", if2, unchanged, nil, ""},
		{"chunk", chunk, second, nil, ""},
		{"first chunk", get("/film.mp4"), first, nil, ""},
		{"redirect", get("/old"), checked(r.fetch(get("/old"))), nil, ""},
		{"decoded path", get("/%C3%A4%20b.txt"), checked(r.fetch(get("/ä b.txt"))), nil, ""},
		{"app with slash", get("/app/"), checked(r.fetch(get("/app/"))), nil, ""},
		{"encoded", get("/app/data.json", "accept-encoding", "gzip"), checked(r.fetch(get("/app/data.json", "accept-encoding", "gzip"))), nil, ""},
		{"uncertified", get("/random"), checked(r.fetch(get("/random"))), nil, ""},

		{"body", get("/"), httpcert.Response{Status: 200, Headers: home.Headers, Body: []byte("<p>evil</p>")}, gateway.ErrResponse, ""},
		{"no body", get("/"), httpcert.Response{Status: 200, Headers: home.Headers}, gateway.ErrResponse, ""},
		{"status", get("/nothing"), httpcert.Response{Status: 200, Headers: missing.Headers, Body: missing.Body}, gateway.ErrResponse, ""},
		{"header changed", get("/"), withHeader(home, "Content-Security-Policy", "default-src *"), gateway.ErrResponse, ""},
		{"header gone", get("/"), withHeader(home, "Content-Security-Policy", ""), gateway.ErrResponse, ""},
		{"header added", get("/"), added(home, "Set-Cookie", "a=b"), gateway.ErrResponse, ""},
		{"another's method", ask("POST", "/"), home, gateway.ErrResponse, ""},
		{"a body in the request", http.Request{Method: "GET", URL: "/", Body: []byte("x")}, home, gateway.ErrResponse, ""},
		{"304 unasked", get("/"), unchanged, gateway.ErrResponse, ""},
		{"304 for another tag", get("/", "if-none-match", `"x"`), unchanged, gateway.ErrResponse, ""},
		{"another chunk", get("/film.mp4", "range", "bytes=0-"), second, gateway.ErrResponse, ""},
		{"a chunk for the whole", get("/film.mp4"), second, gateway.ErrResponse, ""},
		{"another asset", get("/"), style, gateway.ErrPath, ""},
		{"another path", get("/style/other.css"), style, gateway.ErrPath, ""},
		{"page below for a page", get("/"), missing, gateway.ErrSpecific, ""},
		{"page below for a chosen path", get("/style/main.css"), missing, gateway.ErrSpecific, ""},
		{"page above for the app", get("/app/x"), missing, gateway.ErrSpecific, ""},
		{"the app elsewhere", get("/nothing"), app, gateway.ErrPath, ""},
		{"page below for an upgrade", get("/api/x"), missing, gateway.ErrSpecific, ""},
		{"page below for a slash", get("/app/"), missing, gateway.ErrSpecific, ""},
		{"no proof", get("/"), withHeader(home, httpcert.CertificateHeader, ""), gateway.ErrHeaders, ""},
		{"no expression", get("/"), withHeader(home, httpcert.ExpressionHeader, ""), gateway.ErrHeaders, ""},
		{"two expressions", get("/random"), added(checked(r.fetch(get("/random"))), httpcert.ExpressionHeader, httpcert.Expression{Skip: true}.String()), gateway.ErrHeaders, "the last one counts there"},
		{"another expression", get("/"), withHeader(home, httpcert.ExpressionHeader, httpcert.Expression{Exclude: true}.String()), gateway.ErrExpression, ""},
		{"no certification", get("/"), withHeader(home, httpcert.ExpressionHeader, httpcert.Expression{Skip: true}.String()), gateway.ErrExpression, ""},
		{"no certification elsewhere", get("/"), checked(r.fetch(get("/random"))), gateway.ErrPath, ""},
		{"no expression at all", get("/"), withHeader(home, httpcert.ExpressionHeader, "trust_me()"), httpcert.ErrMalformed, ""},
		{"garbled proof", get("/"), withHeader(home, httpcert.CertificateHeader, "certificate=:AAAA:, tree=:AAAA:, expr_path=:AAAA:, version=2"), httpcert.ErrMalformed, ""},
		{"version 1", get("/"), withHeader(home, httpcert.CertificateHeader, strings.Replace(find(home, httpcert.CertificateHeader), "version=2", "version=1", 1)), httpcert.ErrMalformed, ""},
	}
	return append(append(out, r.proofs(home, missing)...), r.foreign()...)
}

// foreign are pairs in the forms of other kits: parts of the request or nothing of it, a
// list of headers or all but some.
func (r *rig) foreign() (out []pair) {
	q := get("/foreign?a=1&B=2&c=%20&a", "X-User", "u", "x-user", "v", "Accept", "*/*")
	for i, e := range []httpcert.Expression{
		{Headers: []string{"content-type"}},
		{Exclude: true, Headers: []string{"Date"}},
		{Request: &httpcert.RequestPart{Headers: []string{"x-user"}}, Exclude: true},
		{Request: &httpcert.RequestPart{Parameters: []string{"a", "b"}}, Headers: []string{"Content-Type"}},
		{Request: &httpcert.RequestPart{Parameters: []string{"z"}}},
	} {
		p := httpcert.WildcardPath(fmt.Sprintf("/foreign%d", i))
		q.URL = strings.Replace(q.URL, "/foreign", fmt.Sprintf("/foreign%d", i), 1)
		a := httpcert.Response{Status: uint16(200 + i), Body: []byte("x"), Headers: []http.Header{
			{Name: "Content-Type", Value: "a/b"}, {Name: "DATE", Value: "today"}, {Name: httpcert.ExpressionHeader, Value: e.String()},
		}}
		expression, answer := httpcert.ExpressionHash(e.String()), httpcert.ResponseHash(a, e)
		var asked []byte
		if e.Request != nil {
			h, err := httpcert.RequestHash(q, *e.Request)
			r.must(err)
			asked = h[:]
		}
		leaf := p.Labels(expression[:], asked, answer[:])
		r.must(r.tree.Put(leaf, nil))
		w, err := r.tree.Witness(leaf, httpcert.ExactPath(fmt.Sprintf("/foreign%d", i)).Labels())
		r.must(err)
		a = withHeader(a, httpcert.CertificateHeader, httpcert.Proof{Certificate: r.certificate(now), Tree: w, Path: p}.Header())
		user, query := q, q
		user.Headers = slices.Clone(q.Headers)
		user.Headers[1].Value = "w"
		query.URL = strings.Replace(q.URL, "B=2", "B=3", 1)
		q.URL = strings.Replace(q.URL, fmt.Sprintf("/foreign%d", i), "/foreign", 1)
		out = append(out,
			pair{e.String(), query, a, when(i == 3), ""}, pair{"user: " + e.String(), user, a, when(i == 2), ""},
			pair{"date: " + e.String(), user, withHeader(a, "date", "tomorrow"), when(i == 2), ""},
			pair{"type: " + e.String(), query, withHeader(a, "content-type", "c/d"), when(i < 4), ""})
	}
	return out
}

// when is what is wanted of a pair that is refused or not.
func when(refused bool) error {
	if refused {
		return gateway.ErrResponse
	}
	return nil
}

// proofs are pairs whose witness, certificate or path is another than was served.
func (r *rig) proofs(home, missing httpcert.Response) []pair {
	p := r.proofOf(missing).Path
	leaf := p.Labels()
	other := newRig(r.t)
	other.pages()
	foreign := r.proofOf(home)
	foreign.Certificate = other.proofOf(checked(other.answer(get("/")))).Certificate
	late, early := r.proofOf(home), r.proofOf(home)
	late.Certificate, early.Certificate = r.certificate(now.Add(-10*time.Minute)), r.certificate(now.Add(10*time.Minute))
	changed := r.proofOf(home)
	tree, err := hashtree.Decode(changed.Tree)
	r.must(err)
	changed.Tree = hashtree.Fork(tree, hashtree.Empty()).Encode()
	with := func(p httpcert.Proof) httpcert.Response {
		return withHeader(home, httpcert.CertificateHeader, p.Header())
	}
	return []pair{
		{"absence not shown", get("/other"), r.proved(missing, p, leaf), gateway.ErrSpecific, ""},
		{"presence hidden", get("/style/main.css"), r.proved(missing, p, leaf), gateway.ErrSpecific, ""},
		{"the whole tree shown", get("/other"), r.proved(missing, p, nil), nil, ""},
		{"a path that is not there", get("/other"), r.proved(missing, httpcert.ExactPath("/other"), nil), gateway.ErrPath, ""},
		{"a path without end", get("/other"), r.proved(missing, httpcert.Path{httpcert.Root, "other"}, nil), gateway.ErrPath, ""},
		{"another root", get("/other"), r.proved(missing, httpcert.Path{"receipts", httpcert.Wildcard}, nil), gateway.ErrPath, ""},
		{"another network", get("/"), with(foreign), errors.ErrUnsupported, ""},
		{"too old", get("/"), with(late), certificate.ErrTime, ""},
		{"too new", get("/"), with(early), certificate.ErrTime, ""},
		{"another tree", get("/"), with(changed), certificate.ErrWitness, ""},
	}
}

func find(a httpcert.Response, name string) string {
	v, _ := httpcert.Find(a.Headers, name)
	return v
}

func tampered(t *testing.T, layout certtest.Layout) (*rig, []pair) {
	t.Helper()
	r := newRigOn(t, layout)
	r.pages()
	r.must(r.site.Put(http.Asset{Path: "/film.mp4"}, large()))
	return r, r.pairs()
}

func TestTampering(t *testing.T) {
	t.Parallel()
	r, pairs := tampered(t, certtest.Sharded)
	for _, p := range pairs {
		_, err := r.verify(p.request, p.response)
		switch {
		case p.want == nil && err != nil:
			t.Errorf("%s: %v", p.name, err)
		case p.want == errors.ErrUnsupported && err == nil, p.want != nil && err == nil, p.want != errors.ErrUnsupported && !errors.Is(err, p.want):
			t.Errorf("%s: %v, want %v", p.name, err, p.want)
		}
	}
	home := checked(r.fetch(get("/")))
	if _, err := gateway.Verify(get("/"), home, r.network.RootKey, r.network.Subnet, now); err == nil {
		t.Error("holds for another canister")
	}
	if _, err := gateway.Verify(get("/"), home, certtest.New(t, certtest.Root).RootKey, canister, now); err == nil {
		t.Error("holds under another root key")
	}
}

// The library that gateways use gives the same verdict on every pair. Its last version for
// JavaScript knows canister ranges in the flat layout alone.
func TestAgainstGatewayLibrary(t *testing.T) {
	t.Parallel()
	node, dir := need.Node(t, "../../../scripts/response-check")
	r, pairs := tampered(t, certtest.Flat)
	var in bytes.Buffer
	out := json.NewEncoder(&in)
	for _, p := range pairs {
		r.must(out.Encode(map[string]any{
			"rootKey": r.network.RootKey, "canister": canister.Bytes(), "now": now.Add(time.Minute).UnixNano(),
			"request":  map[string]any{"method": p.request.Method, "url": p.request.URL, "headers": table(p.request.Headers), "body": p.request.Body},
			"response": map[string]any{"status": p.response.Status, "headers": table(p.response.Headers), "body": p.response.Body},
		}))
	}
	cmd := exec.CommandContext(t.Context(), node, "check.mjs")
	cmd.Dir, cmd.Stdin = dir, &in
	got, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, got)
	}
	lines := strings.Split(strings.TrimSpace(string(got)), "\n")
	if len(lines) != len(pairs) {
		t.Fatalf("%d verdicts on %d pairs:\n%s", len(lines), len(pairs), got)
	}
	for i, p := range pairs {
		a, err := r.verify(p.request, p.response)
		ours := "refused"
		switch {
		case err == nil && a.Skipped:
			ours = "skipped"
		case err == nil:
			ours = "ok"
		}
		if theirs, _, _ := strings.Cut(lines[i], " "); ours != theirs && p.laxer == "" || ours == theirs && p.laxer != "" {
			t.Errorf("%s: we say %s (%v), the gateways' library %s", p.name, ours, err, lines[i])
		}
	}
}

func table(headers []http.Header) [][2]string {
	out := [][2]string{}
	for _, h := range headers {
		out = append(out, [2]string{h.Name, h.Value})
	}
	return out
}
