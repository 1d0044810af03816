package gateway_test

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
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
