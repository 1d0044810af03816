package gateway_test

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"testing"
	"time"

	"assay/ic/certificate"
	"assay/ic/certificate/certtest"
	"assay/ic/certificate/gateway"
	"assay/ic/certificate/hashtree"
	"assay/ic/certificate/httpcert"
)

// legacy certifies bodies by path and returns the header for a witness of some paths.
func legacy(t testing.TB, n *certtest.Network, assets map[string]string, witness ...string) httpcert.Header {
	t.Helper()
	b := hashtree.NewBuilder()
	for path, body := range assets {
		hash := sha256.Sum256([]byte(body))
		b.Set(hash[:], []byte("http_assets"), []byte(path))
	}
	tree, err := b.Tree()
	if err != nil {
		t.Fatal(err)
	}
	root := tree.Digest()
	c := n.Certify(t, hashtree.NewBuilder().
		Set(certificate.AppendNat(nil, uint64(now.UnixNano())), []byte("time")).
		Set(root[:], []byte("canister"), canister.Bytes(), []byte("certified_data")))
	var paths [][][]byte
	for _, w := range witness {
		paths = append(paths, [][]byte{[]byte("http_assets"), []byte(w)})
	}
	text := func(b []byte) string { return ":" + base64.StdEncoding.EncodeToString(b) + ":" }
	return httpcert.Header{Name: "ic-certificate", Value: "certificate=" + text(c) + ", tree=" + text(tree.Prune(paths...).EncodeTagged())}
}

func TestVerifyLegacy(t *testing.T) {
	t.Parallel()
	n := certtest.NewAt(t, certtest.Root, now)
	assets := map[string]string{"/index.html": "home", "/a": "A", "/z": "Z"}
	zipped := func(body string) []byte {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		if _, err := z.Write([]byte(body)); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	gzipped := httpcert.Header{Name: "content-encoding", Value: "gzip"}
	for name, c := range map[string]struct {
		url     string
		headers []httpcert.Header
		body    []byte
		want    error
	}{
		"a body":                 {"/a", []httpcert.Header{legacy(t, n, assets, "/a")}, []byte("A"), nil},
		"a query does not count": {"/a?x=y", []httpcert.Header{legacy(t, n, assets, "/a")}, []byte("A"), nil},
		"an escape":              {"/%61", []httpcert.Header{legacy(t, n, assets, "/a")}, []byte("A"), nil},
		"compressed":             {"/a", []httpcert.Header{legacy(t, n, assets, "/a"), gzipped}, zipped("A"), nil},
		"certified as sent":      {"/a", []httpcert.Header{legacy(t, n, map[string]string{"/a": string(zipped("B"))}, "/a"), gzipped}, zipped("B"), nil},
		"the fallback":           {"/nowhere", []httpcert.Header{legacy(t, n, assets, "/nowhere", "/index.html")}, []byte("home"), nil},
		"another body":           {"/a", []httpcert.Header{legacy(t, n, assets, "/a")}, []byte("B"), gateway.ErrResponse},
		"another body, zipped":   {"/a", []httpcert.Header{legacy(t, n, assets, "/a"), gzipped}, zipped("B"), gateway.ErrResponse},
		"not compressed":         {"/a", []httpcert.Header{legacy(t, n, assets, "/a"), gzipped}, []byte("B"), gateway.ErrResponse},
		"another path's":         {"/z", []httpcert.Header{legacy(t, n, assets, "/a")}, []byte("A"), gateway.ErrPath},
		"fallback for what is":   {"/a", []httpcert.Header{legacy(t, n, assets, "/index.html")}, []byte("home"), gateway.ErrPath},
		"nothing proved":         {"/zz", []httpcert.Header{legacy(t, n, map[string]string{"/a": "A"}, "/zz")}, []byte("home"), gateway.ErrPath},
		"no certificate":         {"/a", nil, []byte("A"), gateway.ErrHeaders},
		"another version":        {"/a", []httpcert.Header{{Name: "IC-Certificate", Value: "version=3"}}, []byte("A"), httpcert.ErrMalformed},
	} {
		r := httpcert.Response{Status: 200, Headers: c.headers, Body: c.body}
		if err := gateway.VerifyLegacy(httpcert.Request{Method: "GET", URL: c.url}, r, n.RootKey, canister, now); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
	r := httpcert.Response{Status: 200, Headers: []httpcert.Header{legacy(t, n, assets, "/a")}, Body: []byte("A")}
	if err := gateway.VerifyLegacy(httpcert.Request{URL: "/a"}, r, n.RootKey, canister, now.Add(gateway.MaxAge+time.Second)); !errors.Is(err, certificate.ErrTime) {
		t.Errorf("later: %v", err)
	}
}

// A changed body is never taken, whatever the header holds.
func FuzzVerifyLegacy(f *testing.F) {
	n := certtest.NewAt(f, certtest.Root, now)
	f.Add(legacy(f, n, map[string]string{"/a": "A", "/b": "B"}, "/a").Value, "/a", []byte("lie"), "gzip")
	f.Fuzz(func(t *testing.T, header, url string, body []byte, encoding string) {
		if string(body) == "A" || string(body) == "B" {
			return
		}
		r := httpcert.Response{Status: 200, Body: body, Headers: []httpcert.Header{
			{Name: httpcert.CertificateHeader, Value: header}, {Name: "Content-Encoding", Value: encoding},
		}}
		if err := gateway.VerifyLegacy(httpcert.Request{Method: "GET", URL: url}, r, n.RootKey, canister, now); err == nil && encoding == "" {
			t.Errorf("%q is taken for %q", body, url)
		}
	})
}
