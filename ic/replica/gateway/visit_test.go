package gateway_test

import (
	"io"
	"strings"
	"testing"

	"assay/ic/candid"
	"assay/ic/certificate/httpcert"
	"assay/ic/replica"
)

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
