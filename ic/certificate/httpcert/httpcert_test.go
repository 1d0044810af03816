package httpcert_test

import (
	"encoding/hex"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"assay/ic/certificate/httpcert"
)

func TestSplitURL(t *testing.T) {
	t.Parallel()
	for url, want := range map[string][2]string{
		"/": {"/", ""}, "/a/b?x=1&y": {"/a/b", "x=1&y"}, "/a%20b%2Fc?q=%20": {"/a b/c", "q=%20"}, "/%zz%4": {"/%zz%4", ""}, "/%C3%A4": {"/ä", ""},
		"/a#f?x": {"/a", ""}, "/a?": {"/a", ""}, "/a+b": {"/a+b", ""}, "/100%": {"/100%", ""}, "//a//": {"//a//", ""},
	} {
		if path, query, err := httpcert.SplitURL(url); err != nil || path != want[0] || query != want[1] {
			t.Errorf("%s: %q %q %v, want %q", url, path, query, err, want)
		}
	}
	for _, url := range []string{"", "a", "https://host/a", "*", "/%ff", strings.Repeat("/a", httpcert.MaxSegments+1), strings.Repeat("%2f", 99)} {
		if _, _, err := httpcert.SplitURL(url); !errors.Is(err, httpcert.ErrMalformed) {
			t.Errorf("%q: %v", url, err)
		}
	}
}

func TestPaths(t *testing.T) {
	t.Parallel()
	for path, want := range map[string]string{"/": "http_expr||<$>", "": "http_expr|<$>", "/a/b": "http_expr|a|b|<$>", "//a///b//": "http_expr|a|b||<$>"} {
		if got := strings.Join(httpcert.ExactPath(path), "|"); got != want {
			t.Errorf("%q: %s, want %s", path, got, want)
		}
	}
	for path, want := range map[string]string{
		"/":     "|<$> |<*> <*>",
		"/a":    "a|<$> a|<*> |<*> <*>",
		"/a/":   "a||<$> a||<*> a|<*> |<*> <*>",
		"/a/b":  "a|b|<$> a|b|<*> a||<*> a|<*> |<*> <*>",
		"/a/b/": "a|b||<$> a|b||<*> a|b|<*> a||<*> a|<*> |<*> <*>",
	} {
		var got []string
		for _, p := range httpcert.Candidates(path) {
			got = append(got, strings.Join(p[1:], "|"))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: %q, want %q", path, got, want)
		}
	}
}

var expressions = []httpcert.Expression{
	{Skip: true},
	{Exclude: true},
	{Headers: []string{"content-type", "etag"}},
	{Request: &httpcert.RequestPart{}, Exclude: true},
	{Request: &httpcert.RequestPart{Headers: []string{"range"}, Parameters: []string{"a", "b_c"}}, Exclude: true, Headers: []string{"date"}},
}

func TestExpressions(t *testing.T) {
	t.Parallel()
	for _, e := range expressions {
		got, err := httpcert.ParseExpression(e.String())
		if err != nil || !reflect.DeepEqual(got, e) {
			t.Errorf("%s: %+v %v", e, got, err)
		}
		spaced := strings.NewReplacer("{", "{\n  ", ":", " : ", ",", " ,\t", ")", " ) ").Replace(e.String())
		if got, err := httpcert.ParseExpression(spaced); err != nil || !reflect.DeepEqual(got, e) {
			t.Errorf("%s: %+v %v", spaced, got, err)
		}
	}
	whole := expressions[4].String()
	bad := []string{
		"", whole + "x", whole + whole, strings.Replace(whole, "date", "ic-certificate", 1), strings.Replace(whole, "date", "IC-CertificateExpression", 1),
		strings.Replace(whole, `"date"`, `"da\"te"`, 1), strings.Replace(whole, `"date"`, `"date`, 1), strings.Replace(whole, `"date"`, `"date",`, 1),
		strings.Replace(whole, "Certification{", "Certification{no_certification:Empty{},", 1), strings.Replace(whole, "date", strings.Repeat("d", 9000), 1),
		strings.Replace(whole, `"date"`, `"d"`+strings.Repeat(`,"d"`, 128), 1), strings.ToUpper(whole),
	}
	for i := range whole {
		bad = append(bad, whole[:i])
	}
	for _, text := range bad {
		if e, err := httpcert.ParseExpression(text); !errors.Is(err, httpcert.ErrMalformed) {
			t.Errorf("%.200q: %+v %v", text, e, err)
		}
	}
}

func TestProof(t *testing.T) {
	t.Parallel()
	p := httpcert.Proof{Certificate: []byte("c"), Tree: []byte("\xd9\xd9\xf7tree"), Path: append(httpcert.ExactPath("/"+strings.Repeat("long", 90)), "ä")}
	got, err := httpcert.ParseProof(p.Header())
	if err != nil || !reflect.DeepEqual(got, p) {
		t.Fatalf("%+v %v", got, err)
	}
	head := p.Header()
	for _, bad := range []string{
		"", "version=2", strings.Replace(head, "version=2", "version=3", 1), strings.Replace(head, ", version=2", "", 1), head + ", version=2", head + ",x",
		strings.Replace(head, "tree=:", "tree=", 1), strings.Replace(head, "expr_path", "expr", 1), strings.Replace(head, "certificate=:", "certificate=:!", 1),
		"certificate=::, tree=::, expr_path=:gQ==:, version=2", "certificate=::, tree=::, expr_path=:gmFhYWJhYw==:, version=2", strings.Repeat("a=b,", 20) + head,
		"certificate=::, tree=::, expr_path=:gmFhuQFh:, version=2", "certificate=::, tree=::, expr_path=:gngBYWFh:, version=2",
	} {
		if p, err := httpcert.ParseProof(bad); !errors.Is(err, httpcert.ErrMalformed) {
			t.Errorf("%.200q: %+v %v", bad, p, err)
		}
	}
}

// Hashes of version 2, which the gateways' own library confirms in ic/cdk/http's tests.
func TestHashes(t *testing.T) {
	t.Parallel()
	q := httpcert.Request{Method: "GET", URL: "/x?a=1&B=2&c&b", Headers: []httpcert.Header{{Name: "Range", Value: "bytes=0-"}, {Name: "x", Value: "y"}}}
	sum := func(part httpcert.RequestPart) string {
		h, err := httpcert.RequestHash(q, part)
		if err != nil {
			t.Fatal(err)
		}
		return hex.EncodeToString(h[:8])
	}
	a := httpcert.Response{Status: 200, Body: []byte("body"), Headers: []httpcert.Header{
		{Name: "Content-Type", Value: "text/html"}, {Name: "ic-certificateexpression", Value: "e"}, {Name: "IC-Certificate", Value: "c"}, {Name: "etag", Value: "t"},
	}}
	answer := func(e httpcert.Expression) string {
		h := httpcert.ResponseHash(a, e)
		return hex.EncodeToString(h[:8])
	}
	got := fmt.Sprint(
		sum(httpcert.RequestPart{}), " ", sum(httpcert.RequestPart{Headers: []string{"range"}}), " ", sum(httpcert.RequestPart{Parameters: []string{"b", "c"}}), " ",
		answer(httpcert.Expression{}), " ", answer(httpcert.Expression{Exclude: true}), " ", answer(httpcert.Expression{Headers: []string{"ETag", "content-type"}}), " ",
		answer(httpcert.Expression{Headers: []string{"etag"}, Exclude: true}))
	const golden = "6bc74eda155eb197 1539deeb7f62c4ad 83fb4788547442e7 d96f0b2bb1d1005d 4181c1688b1d08aa 4181c1688b1d08aa 22a10edf1d157135"
	if got != golden {
		t.Errorf("hashes\n%s, want\n%s", got, golden)
	}
}

func FuzzParse(f *testing.F) {
	for _, e := range expressions {
		f.Add(e.String())
	}
	f.Add(httpcert.Proof{Path: httpcert.WildcardPath("/a/")}.Header())
	f.Add("/a%20b/?c=d")
	f.Fuzz(func(t *testing.T, s string) {
		if e, err := httpcert.ParseExpression(s); err == nil {
			if again, err := httpcert.ParseExpression(e.String()); err != nil || !reflect.DeepEqual(again, e) {
				t.Errorf("%q: %+v is read again as %+v, %v", s, e, again, err)
			}
		}
		if p, err := httpcert.ParseProof(s); err == nil {
			if again, err := httpcert.ParseProof(p.Header()); err != nil || !again.Path.Equal(p.Path) {
				t.Errorf("%q: %+v is read again as %+v, %v", s, p, again, err)
			}
		}
		path, _, err := httpcert.SplitURL(s)
		if err != nil {
			return
		}
		seen := map[string]bool{}
		for _, c := range httpcert.Candidates(path) {
			if key := strings.Join(c, "\x00/"); seen[key] {
				t.Errorf("%q: candidate %q twice", s, c)
			} else {
				seen[key] = true
			}
		}
	})
}
