package gateway_test

import (
	"io"
	"strings"
	"testing"

	"assay/ic/candid"
	"assay/ic/certificate/httpcert"
	"assay/ic/replica"
)

func hello(c *canister) httpcert.Response {
	return c.sealed(httpcert.ExactPath("/a"), httpcert.Response{Status: 201, Body: []byte("hello"), Headers: []httpcert.Header{
		{Name: "content-type", Value: "text/plain"}, {Name: "Set-Cookie", Value: "a=b"}, {Name: "set-cookie", Value: "c=d"}, {Name: "connection", Value: "close"},
	}})
}

func TestCertifiedResponse(t *testing.T) {
	t.Parallel()
	c := newCanister(t)
	c.serve(reply{Response: hello(c)})
	r := c.get(t, at("GET", "/a?q=1"))
	if body := text(t, r); r.StatusCode != 201 || body != "hello" || r.ContentLength != 5 {
		t.Errorf("%d %q, %d bytes", r.StatusCode, body, r.ContentLength)
	}
	if r.Header.Get("Content-Type") != "text/plain" || len(r.Header["Set-Cookie"]) != 2 || r.Header.Get("Connection") != "" ||
		r.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("headers %v", r.Header)
	}
	if r := c.get(t, at("HEAD", "/a")); r.StatusCode != 201 || text(t, r) != "" {
		t.Errorf("HEAD: %d", r.StatusCode)
	}
}

// TestWhatTheCanisterGets is the request as the canister sees it.
func TestWhatTheCanisterGets(t *testing.T) {
	t.Parallel()
	c := newCanister(t)
	var seen []byte
	c.query = func(method string, arg []byte) ([]byte, *replica.Reject) {
		if method != "http_request" {
			t.Errorf("method %s", method)
		}
		seen = arg
		return encodeReply(t, reply{Response: hello(c)}), nil
	}
	q := at("post", "/a%20b/?x=%20&y")
	q.Body = io.NopCloser(strings.NewReader("a body"))
	q.Header.Add("X-Two", "1")
	q.Header.Add("X-Two", "2")
	c.get(t, q)
	d := candid.NewDecoder(seen)
	r := d.Record(d.Arg())
	var url, method string
	var body []byte
	var headers []httpcert.Header
	var version *uint16
	candid.GetText(d, r.Field(5843823), &url)
	candid.GetText(d, r.Field(156956385), &method)
	candid.GetBlob(d, r.Field(1092319906), &body)
	candid.GetVec(d, r.Field(1661489734), &headers, func(d *candid.Decoder, t candid.Type, h *httpcert.Header) {
		r := d.Record(t)
		candid.GetText(d, r.Field(0), &h.Name)
		candid.GetText(d, r.Field(1), &h.Value)
		r.End()
	})
	candid.GetOpt(d, r.Field(1661892784), &version, candid.GetNat16)
	r.End()
	if err := d.Finish("HttpRequest"); err != nil {
		t.Fatal(err)
	}
	host, hosts := httpcert.Find(headers, "host")
	_, two := httpcert.Find(headers, "x-two")
	if url != "/a%20b/?x=%20&y" || method != "POST" || string(body) != "a body" || host != q.Host || hosts != 1 || two != 2 || version == nil || *version != 2 {
		t.Errorf("%s %s %q %v %v", method, url, body, headers, version)
	}
}

func TestResolve(t *testing.T) {
	t.Parallel()
	c := newCanister(t)
	c.serve(reply{Response: hello(c)})
	id := site.String()
	for _, tc := range []struct {
		host, path, referer string
		status              int
	}{
		{id + ".localhost", "/a", "", 201},
		{id + ".localhost:8000", "/a", "", 201},
		{strings.ToUpper(id) + ".LOCALHOST.", "/a", "", 201},
		{id + ".example.org", "/a", "", 201},
		{"localhost:8000", "/a?canisterId=" + id, "", 201},
		{"127.0.0.1:8000", "/a?canisterId=" + id, "", 201},
		{"localhost", "/a", "http://localhost/?canisterId=" + id, 201},
		{"localhost", "/a", "http://elsewhere/?canisterId=" + id, 400},
		{"localhost", "/a?canisterId=nobody", "", 400},
		{"localhost", "/", "", 400},
		{"[::1]:8000", "/", "", 400},
		{id, "/", "", 400},
		{id + ".raw.localhost", "/a", "", 403},
		{other.String() + ".localhost", "/a", "", 404},
		{"localhost", "/api/v2/status", "", 200},
		{id + ".localhost", "/api/v2/status", "", 200},
	} {
		q := at("GET", tc.path)
		q.Host = tc.host
		q.Header.Set("Referer", tc.referer)
		if r := c.get(t, q); r.StatusCode != tc.status {
			t.Errorf("%s%s: %d, want %d: %s", tc.host, tc.path, r.StatusCode, tc.status, text(t, r))
		}
	}
}

func TestNotCertified(t *testing.T) {
	t.Parallel()
	c := newCanister(t)
	good := hello(c)
	with := func(change func(*httpcert.Response)) httpcert.Response {
		a := good
		a.Headers = append([]httpcert.Header{}, good.Headers...)
		change(&a)
		return a
	}
	for name, a := range map[string]httpcert.Response{
		"another body":      with(func(a *httpcert.Response) { a.Body = []byte("lie") }),
		"another status":    with(func(a *httpcert.Response) { a.Status = 200 }),
		"another header":    with(func(a *httpcert.Response) { a.Headers[0].Value = "text/html" }),
		"one more header":   with(func(a *httpcert.Response) { a.Headers = append(a.Headers, httpcert.Header{Name: "x", Value: "y"}) }),
		"another path":      c.sealed(httpcert.ExactPath("/b"), httpcert.Response{Status: 200, Body: []byte("b")}),
		"another network":   newCanister(t).sealed(httpcert.ExactPath("/a"), httpcert.Response{Status: 200, Body: []byte("b")}),
		"no certificate":    {Status: 200, Body: []byte("plain")},
		"version 3":         with(func(a *httpcert.Response) { a.Headers[len(a.Headers)-1].Value += "3" }),
		"only the headline": {Status: 200, Headers: []httpcert.Header{{Name: "IC-Certificate", Value: "certificate=::, tree=::"}}},
	} {
		c.serve(reply{Response: a})
		q := at("GET", "/a")
		q.Header.Set("Accept", "text/html,*/*")
		r := c.get(t, q)
		if body := text(t, r); r.StatusCode != 503 || !strings.Contains(body, "not certified") || strings.Contains(body, "lie") || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") {
			t.Errorf("%s: %d %s", name, r.StatusCode, body)
		}
	}
}

func TestLegacy(t *testing.T) {
	t.Parallel()
	c := newCanister(t)
	good := reply{Response: c.legacy("/a", httpcert.Response{Status: 200, Body: []byte("old")})}
	bad := good
	bad.Body = []byte("new")
	for _, tc := range []struct {
		name     string
		reply    reply
		metadata map[string]replica.Metadata
		want     int
	}{
		{"certified", good, nil, 200},
		{"claims version 1", good, map[string]replica.Metadata{"supported_certificate_versions": {Public: true, Value: []byte("1")}}, 200},
		{"claims version 2", good, map[string]replica.Metadata{"supported_certificate_versions": {Public: true, Value: []byte("1, 2")}}, 503},
		{"claims in private", good, map[string]replica.Metadata{"supported_certificate_versions": {Value: []byte("1")}}, 503},
		{"another body", bad, nil, 503},
	} {
		c.metadata = tc.metadata
		c.serve(tc.reply)
		if r := c.get(t, at("GET", "/a?q")); r.StatusCode != tc.want {
			t.Errorf("%s: %d %s", tc.name, r.StatusCode, text(t, r))
		}
	}
}
