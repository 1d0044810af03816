package gateway_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"assay/ic/certificate"
	"assay/ic/certificate/certtest"
	"assay/ic/certificate/gateway"
	"assay/ic/certificate/hashtree"
	"assay/ic/certificate/httpcert"
	"assay/ic/principal"
)

// What liars try is tested with package ic/cdk/http, which makes the responses.

var (
	canister = principal.Canister(7)
	now      = time.Unix(1_790_000_000, 0)
	request  = httpcert.Request{Method: "GET", URL: "/a?b"}
)

// served is a response to the request, with the network that certified it.
func served(t testing.TB) (*certtest.Network, httpcert.Response) {
	t.Helper()
	n := certtest.NewAt(t, certtest.Root, now)
	e := httpcert.Expression{Exclude: true}
	a := httpcert.Response{Status: 200, Body: []byte("x"), Headers: []httpcert.Header{{Name: httpcert.ExpressionHeader, Value: e.String()}}}
	p, label, hash := httpcert.ExactPath("/a"), httpcert.ExpressionHash(e.String()), httpcert.ResponseHash(a, e)
	tree, err := hashtree.NewBuilder().Set(nil, p.Labels(label[:], nil, hash[:])...).Tree()
	if err != nil {
		t.Fatal(err)
	}
	root := tree.Digest()
	c := n.Certify(t, hashtree.NewBuilder().
		Set(certificate.AppendNat(nil, uint64(now.UnixNano())), []byte("time")).
		Set(root[:], []byte("canister"), canister.Bytes(), []byte("certified_data")))
	proof := httpcert.Proof{Certificate: c, Tree: tree.Encode(), Path: p}
	a.Headers = append(a.Headers, httpcert.Header{Name: "ic-certificate", Value: proof.Header()})
	return n, a
}

func TestVerify(t *testing.T) {
	t.Parallel()
	n, a := served(t)
	got, err := gateway.Verify(request, a, n.RootKey, canister, now)
	if err != nil || got.Skipped || len(got.Headers) != 1 || !got.Path.Equal(httpcert.ExactPath("/a")) {
		t.Fatalf("%+v %v", got, err)
	}
	for url, want := range map[string]error{"/": gateway.ErrPath, "/a/": gateway.ErrPath, "a": httpcert.ErrMalformed, strings.Repeat("/a", 99): httpcert.ErrMalformed} {
		if _, err := gateway.Verify(httpcert.Request{Method: "GET", URL: url}, a, n.RootKey, canister, now); !errors.Is(err, want) {
			t.Errorf("%.40s: %v, want %v", url, err, want)
		}
	}
	if _, err := gateway.Verify(request, a, n.RootKey, canister, now.Add(gateway.MaxAge+time.Second)); !errors.Is(err, certificate.ErrTime) {
		t.Errorf("later: %v", err)
	}
	a.Headers = append(a.Headers, a.Headers[1])
	if _, err := gateway.Verify(request, a, n.RootKey, canister, now); !errors.Is(err, gateway.ErrHeaders) {
		t.Errorf("two proofs: %v", err)
	}
}

// Whatever the headers hold, a changed body is never taken.
func FuzzVerify(f *testing.F) {
	n, a := served(f)
	f.Add(a.Headers[0].Value, a.Headers[1].Value, "/a")
	f.Add(httpcert.Expression{Skip: true}.String(), a.Headers[1].Value, "/a%20/")
	f.Fuzz(func(t *testing.T, expression, proof, url string) {
		lie := httpcert.Response{Status: 200, Body: []byte("lie"), Headers: []httpcert.Header{
			{Name: httpcert.ExpressionHeader, Value: expression}, {Name: httpcert.CertificateHeader, Value: proof},
		}}
		if got, err := gateway.Verify(httpcert.Request{Method: "GET", URL: url}, lie, n.RootKey, canister, now); err == nil {
			t.Errorf("%+v is taken", got)
		}
	})
}
