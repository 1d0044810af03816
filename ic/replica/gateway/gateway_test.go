package gateway_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"assay/ic/candid"
	"assay/ic/certificate"
	"assay/ic/certificate/hashtree"
	"assay/ic/certificate/httpcert"
	"assay/ic/principal"
	"assay/ic/replica"
	"assay/ic/replica/certify"
	"assay/ic/replica/gateway"
)

var (
	site  = principal.Canister(7)
	other = principal.Canister(8)
	noon  = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
)

// canister answers by the path of a request. The rest is a network that executes nothing.
type canister struct {
	t        testing.TB
	keys     *certify.Certifier
	query    func(method string, arg []byte) ([]byte, *replica.Reject)
	update   func(method string, arg []byte) ([]byte, *replica.Reject)
	answer   replica.Status
	metadata map[string]replica.Metadata
}

func (c *canister) Query(_ context.Context, q replica.Query) ([]byte, *replica.Reject) {
	if q.Canister != site {
		return nil, &replica.Reject{Code: 3, ErrorCode: "IC0301", Message: "Canister not found"}
	}
	return c.query(q.Method, q.Arg)
}

func (c *canister) Submit(_ context.Context, in replica.Ingress) *replica.Reject {
	c.answer = replica.Status{Phase: replica.Replied}
	if c.answer.Reply, c.answer.Reject = c.update(in.Method, in.Arg); c.answer.Reject != nil {
		c.answer.Phase = replica.Rejected
	}
	return nil
}

func (c *canister) Await(context.Context, replica.RequestID) (replica.Status, error) {
	if c.answer.Phase == 0 {
		return c.answer, errors.New("never")
	}
	return c.answer, nil
}

func (c *canister) Info(principal.Principal) (replica.Info, bool) {
	return replica.Info{Metadata: c.metadata}, true
}

func (c *canister) Time() time.Time { return noon }

func newCanister(t testing.TB) *canister {
	t.Helper()
	c := &canister{t: t}
	keys, err := certify.Open("", c.Time)
	if err != nil {
		t.Fatal(err)
	}
	c.keys = keys
	return c
}

// certify is the header of a tree whose root the network certifies for the canister.
func (c *canister) certify(tree hashtree.Node) []byte {
	c.t.Helper()
	root := tree.Digest()
	signed, err := hashtree.NewBuilder().
		Set(certificate.AppendNat(nil, uint64(noon.UnixNano())), []byte("time")).
		Set(root[:], []byte("canister"), site.Bytes(), []byte("certified_data")).Tree()
	if err != nil {
		c.t.Fatal(err)
	}
	raw, err := c.keys.Certify(signed, true)
	if err != nil {
		c.t.Fatal(err)
	}
	return raw
}

// sealed is a response with the headers that certify it for a path.
func (c *canister) sealed(path httpcert.Path, a httpcert.Response) httpcert.Response {
	c.t.Helper()
	e := httpcert.Expression{Exclude: true}
	a.Headers = append(a.Headers, httpcert.Header{Name: httpcert.ExpressionHeader, Value: e.String()})
	label, hash := httpcert.ExpressionHash(e.String()), httpcert.ResponseHash(a, e)
	tree, err := hashtree.NewBuilder().Set(nil, path.Labels(label[:], nil, hash[:])...).Tree()
	if err != nil {
		c.t.Fatal(err)
	}
	proof := httpcert.Proof{Certificate: c.certify(tree), Tree: tree.Encode(), Path: path}
	a.Headers = append(a.Headers, httpcert.Header{Name: httpcert.CertificateHeader, Value: proof.Header()})
	return a
}

// legacy certifies a body by version 1.
func (c *canister) legacy(path string, a httpcert.Response) httpcert.Response {
	c.t.Helper()
	hash := sha256.Sum256(a.Body)
	tree, err := hashtree.NewBuilder().Set(hash[:], []byte("http_assets"), []byte(path)).Tree()
	if err != nil {
		c.t.Fatal(err)
	}
	text := func(b []byte) string { return ":" + base64.StdEncoding.EncodeToString(b) + ":" }
	a.Headers = append(a.Headers, httpcert.Header{Name: "IC-Certificate", Value: "certificate=" + text(c.certify(tree)) + ", tree=" + text(tree.EncodeTagged())})
	return a
}

// reply is a response in Candid; more are its streaming strategy and upgrade flag.
type reply struct {
	httpcert.Response
	upgrade  bool
	callback candid.Func
	token    string // nothing: the body is whole
}

// encodeReply writes the types by hand: 0 the response, 1 headers, 2 one of them, 3 blob,
// 4 opt bool, 5 opt 6, 6 the strategy's variant, 7 its record, 8 the callback's function.
func encodeReply(t testing.TB, r reply) []byte {
	t.Helper()
	b := []byte("DIDL\x09")
	b = append(b, 0x6c, 5)
	b = append(append(b, leb(1092319906)...), 3)
	b = append(append(b, leb(1661489734)...), 1)
	b = append(append(b, leb(1664201884)...), 4)
	b = append(append(b, leb(3427158832)...), 5)
	b = append(append(b, leb(3475804314)...), 0x7a)
	b = append(b, 0x6d, 2, 0x6c, 2, 0, 0x71, 1, 0x71, 0x6d, 0x7b, 0x6e, 0x7e, 0x6e, 6)
	b = append(append(append(b, 0x6b, 1), leb(1488475621)...), 7)
	b = append(append(append(b, 0x6c, 2), leb(338395897)...), 0x71)
	b = append(append(b, leb(2131139013)...), 8)
	b = append(b, 0x6a, 1, 0x71, 0, 1, 1)
	b = append(b, 1, 0)
	blob := func(v []byte) { b = append(append(b, leb(uint64(len(v)))...), v...) }
	blob(r.Body)
	b = append(b, leb(uint64(len(r.Headers)))...)
	for _, h := range r.Headers {
		blob([]byte(h.Name))
		blob([]byte(h.Value))
	}
	b = append(b, 1, 0)
	if r.upgrade {
		b[len(b)-1] = 1
	}
	if r.token == "" {
		b = append(b, 0)
	} else {
		b = append(b, 1, 0)
		blob([]byte(r.token))
		b = append(b, 1, 1)
		blob(r.callback.Service.Bytes())
		blob([]byte(r.callback.Method))
	}
	return append(b, byte(r.Status), byte(r.Status>>8))
}

func leb(n uint64) []byte { return certificate.AppendNat(nil, n) }

// encodePart is opt record { body; token : opt text }.
func encodePart(body, token string) []byte {
	b := []byte("DIDL\x04\x6e\x01\x6c\x02")
	b = append(append(b, leb(338395897)...), 2)
	b = append(append(b, leb(1092319906)...), 3)
	b = append(b, 0x6e, 0x71, 0x6d, 0x7b, 1, 0, 1)
	if token == "" {
		b = append(b, 0)
	} else {
		b = append(append(append(b, 1), leb(uint64(len(token)))...), token...)
	}
	return append(append(b, leb(uint64(len(body)))...), body...)
}

// serve answers every request with a reply.
func (c *canister) serve(r reply) {
	c.query = func(string, []byte) ([]byte, *replica.Reject) { return encodeReply(c.t, r), nil }
}

func (c *canister) get(t testing.TB, q *http.Request) *http.Response {
	t.Helper()
	g := gateway.New(gateway.Config{Engine: c, RootKey: c.keys.RootKey(), API: http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, "the interface") //nolint:errcheck // a recorder
	})})
	w := httptest.NewRecorder()
	g.ServeHTTP(w, q)
	return w.Result()
}

func at(method, path string) *http.Request {
	q := httptest.NewRequest(method, path, nil)
	q.Host = site.String() + ".localhost:4943"
	return q
}

func text(t testing.TB, r *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

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

func TestUpgrade(t *testing.T) {
	t.Parallel()
	c := newCanister(t)
	c.serve(reply{upgrade: true, Response: httpcert.Response{Status: 500, Body: []byte("ignored")}})
	c.update = func(method string, arg []byte) ([]byte, *replica.Reject) {
		if method != "http_request_update" || !strings.Contains(string(arg), "POST") {
			t.Errorf("%s %q", method, arg)
		}
		return encodeReply(t, reply{upgrade: true, Response: httpcert.Response{Status: 200, Body: []byte("counted")}}), nil
	}
	if r := c.get(t, at("POST", "/a")); r.StatusCode != 200 || text(t, r) != "counted" {
		t.Errorf("upgrade: %d", r.StatusCode)
	}
	c.update = func(string, []byte) ([]byte, *replica.Reject) {
		return nil, &replica.Reject{Code: 5, ErrorCode: "IC0503", Message: "trapped <script>"}
	}
	r := c.get(t, at("POST", "/a"))
	if body := text(t, r); r.StatusCode != 503 || !strings.Contains(body, "trapped") {
		t.Errorf("trap: %d %s", r.StatusCode, body)
	}
}

func TestStreaming(t *testing.T) {
	t.Parallel()
	c := newCanister(t)
	whole := c.sealed(httpcert.ExactPath("/a"), httpcert.Response{Status: 200, Body: []byte("one two three")})
	first := whole
	first.Body = []byte("one ")
	stream := func(r reply, parts map[string][]byte) {
		c.query = func(method string, arg []byte) ([]byte, *replica.Reject) {
			if method == "http_request" {
				return encodeReply(t, r), nil
			}
			d := candid.NewDecoder(arg)
			var token string
			candid.GetText(d, d.Arg(), &token)
			if err := d.Finish("token"); err != nil || method != "more" {
				t.Errorf("%s: %v", method, err)
			}
			return parts[token], nil
		}
	}
	more := candid.Func{Service: site, Method: "more"}
	good := map[string][]byte{"2": encodePart("two ", "3"), "3": encodePart("three", "")}
	for _, tc := range []struct {
		name  string
		reply reply
		parts map[string][]byte
		want  int
	}{
		{"three parts", reply{Response: first, callback: more, token: "2"}, good, 200},
		{"a part is missing", reply{Response: first, callback: more, token: "3"}, good, 503},
		{"from elsewhere", reply{Response: first, callback: candid.Func{Service: other, Method: "more"}, token: "2"}, good, 503},
		{"without end", reply{Response: first, callback: more, token: "2"}, map[string][]byte{"2": encodePart("x", "2")}, 503},
		{"nonsense", reply{Response: first, callback: more, token: "2"}, map[string][]byte{"2": []byte("nonsense")}, 503},
		{"nothing more", reply{Response: whole, callback: more, token: "2"}, map[string][]byte{"2": []byte("DIDL\x00\x01\x7f")}, 200},
	} {
		stream(tc.reply, tc.parts)
		r := c.get(t, at("GET", "/a"))
		if body := text(t, r); r.StatusCode != tc.want || tc.want == 200 && body != "one two three" {
			t.Errorf("%s: %d %s", tc.name, r.StatusCode, body)
		}
	}
}

// TestRanges: a canister that gives a large body by ranges is asked for all of them.
func TestRanges(t *testing.T) {
	t.Parallel()
	c := newCanister(t)
	part := func(span, body, tag string) []byte {
		return encodeReply(t, reply{Response: c.sealed(httpcert.ExactPath("/a"), httpcert.Response{Status: 206, Body: []byte(body), Headers: []httpcert.Header{
			{Name: "content-range", Value: "bytes " + span}, {Name: "etag", Value: tag}, {Name: "x", Value: "y"},
		}})})
	}
	serve := func(rest []byte) {
		c.query = func(_ string, arg []byte) ([]byte, *replica.Reject) {
			if strings.Contains(string(arg), "bytes=4-") {
				return rest, nil
			}
			return part("0-3/9", "0123", "a"), nil
		}
	}
	serve(part("4-8/9", "45678", "a"))
	r := c.get(t, at("GET", "/a"))
	if body := text(t, r); r.StatusCode != 200 || body != "012345678" || r.Header.Get("Content-Range") != "" || r.Header.Get("X") != "y" {
		t.Errorf("joined: %d %s %v", r.StatusCode, body, r.Header)
	}
	q := at("GET", "/a")
	q.Header.Set("Range", "bytes=0-")
	if r := c.get(t, q); r.StatusCode != 206 || text(t, r) != "0123" {
		t.Errorf("a range that was asked for: %d", r.StatusCode)
	}
	for name, rest := range map[string][]byte{
		"changed": part("4-8/9", "45678", "b"), "a gap": part("5-8/9", "5678", "a"), "shorter": part("4-8/8", "45678", "a"), "nothing": part("4-3/9", "", "a"),
	} {
		serve(rest)
		if r := c.get(t, at("GET", "/a")); r.StatusCode != 503 {
			t.Errorf("%s: %d %s", name, r.StatusCode, text(t, r))
		}
	}
}

func TestOddCanisters(t *testing.T) {
	t.Parallel()
	c := newCanister(t)
	odd := func(a httpcert.Response) []byte {
		return encodeReply(t, reply{Response: c.sealed(httpcert.ExactPath("/a"), a)})
	}
	for name, msg := range map[string][]byte{
		"nonsense":         []byte("nonsense"),
		"nothing":          []byte("DIDL\x00\x00"),
		"status 99":        odd(httpcert.Response{Status: 99}),
		"status 101":       odd(httpcert.Response{Status: 101}),
		"status 1000":      odd(httpcert.Response{Status: 1000}),
		"a split header":   odd(httpcert.Response{Status: 200, Headers: []httpcert.Header{{Name: "x", Value: "y\r\nz: w"}}}),
		"a header's name":  odd(httpcert.Response{Status: 200, Headers: []httpcert.Header{{Name: "x y", Value: "z"}}}),
		"a length of text": odd(httpcert.Response{Status: 200, Headers: []httpcert.Header{{Name: "content-length", Value: "long"}}}),
	} {
		c.query = func(string, []byte) ([]byte, *replica.Reject) { return msg, nil }
		if r := c.get(t, at("GET", "/a")); r.StatusCode != 503 {
			t.Errorf("%s: %d %s", name, r.StatusCode, text(t, r))
		}
	}
	for code, want := range map[string]int{"IC0301": 404, "IC0537": 404, "IC0536": 404, "IC0508": 503, "IC0503": 503} {
		c.query = func(string, []byte) ([]byte, *replica.Reject) {
			return nil, &replica.Reject{Code: 5, ErrorCode: code, Message: "no"}
		}
		if r := c.get(t, at("GET", "/a")); r.StatusCode != want {
			t.Errorf("%s: %d", code, r.StatusCode)
		}
	}
}

func TestRequestsRefused(t *testing.T) {
	t.Parallel()
	c := newCanister(t)
	c.serve(reply{Response: hello(c)})
	q := at("POST", "/a")
	q.Body = io.NopCloser(strings.NewReader(strings.Repeat("x", 2<<20)))
	if r := c.get(t, q); r.StatusCode != 413 {
		t.Errorf("a large body: %d", r.StatusCode)
	}
	q = at("OPTIONS", "/a")
	q.Header.Set("Origin", "http://elsewhere")
	q.Header.Set("Access-Control-Request-Method", "POST")
	if r := c.get(t, q); r.StatusCode != 204 || r.Header.Get("Access-Control-Allow-Origin") != "*" {
		t.Errorf("preflight: %d %v", r.StatusCode, r.Header)
	}
}

// FuzzReply: nothing that a canister answers without a certificate is shown.
func FuzzReply(f *testing.F) {
	c := newCanister(f)
	f.Add(encodeReply(f, reply{Response: httpcert.Response{Status: 200, Body: []byte("lie")}}), []byte{})
	lie := hello(c)
	lie.Body = []byte("lie")
	f.Add(encodeReply(f, reply{Response: lie}), []byte{})
	f.Add(encodeReply(f, reply{Response: lie, callback: candid.Func{Service: site, Method: "more"}, token: "t"}), encodePart("lie", ""))
	f.Fuzz(func(t *testing.T, answer, part []byte) {
		c := &canister{t: t, keys: c.keys}
		c.query = func(method string, _ []byte) ([]byte, *replica.Reject) {
			if method == "http_request" {
				return answer, nil
			}
			return part, nil
		}
		c.update = func(string, []byte) ([]byte, *replica.Reject) { return nil, &replica.Reject{Code: 4} }
		if r := c.get(t, at("GET", "/a")); r.StatusCode < 400 {
			t.Errorf("%d is shown", r.StatusCode)
		}
	})
}
