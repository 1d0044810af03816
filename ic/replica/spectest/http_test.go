package spectest_test

import (
	"bytes"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/fxamacker/cbor/v2"

	"assay/ic/certificate"
	"assay/ic/certificate/hashtree"
	"assay/ic/identity"
	"assay/ic/principal"
)

// response is an HTTP answer.
type response struct {
	w      *world
	status int
	header http.Header
	body   []byte
}

// send makes an HTTP request.
func (w *world) send(method, path, contentType string, body []byte) response {
	w.Helper()
	request, err := http.NewRequestWithContext(w.Context(), method, w.url+path, bytes.NewReader(body))
	if err != nil {
		w.Fatal(err)
	}
	if contentType != "" {
		request.Header.Set("Content-Type", contentType)
	}
	answer, err := w.client.Do(request)
	if err != nil {
		w.Fatalf("%s %s: %v", method, path, err)
	}
	defer answer.Body.Close() //nolint:errcheck // a test's
	b, err := io.ReadAll(answer.Body)
	if err != nil {
		w.Fatalf("%s %s: %v", method, path, err)
	}
	return response{w, answer.StatusCode, answer.Header, b}
}

// post sends a value in CBOR.
func (w *world) post(path string, v any) response {
	w.Helper()
	return w.send(http.MethodPost, path, "application/cbor", encode(v))
}

// is holds the status.
func (r response) is(status int) response {
	r.w.Helper()
	if r.status != status {
		r.w.Fatalf("%s: HTTP status %d (%.200q), want %d", r.w.section, r.status, r.body, status)
	}
	return r
}

// refused holds that the client is blamed.
func (r response) refused() {
	r.w.Helper()
	if r.status < 400 || r.status > 499 {
		r.w.Errorf("%s: HTTP status %d (%.200q), want 4xx", r.w.section, r.status, r.body)
	}
}

// fields is the CBOR map of a good answer.
func (r response) fields() record {
	r.w.Helper()
	r.is(http.StatusOK)
	if !bytes.HasPrefix(r.body, []byte("\xd9\xd9\xf7")) {
		r.w.Fatalf("%s: an answer that does not begin with tag 55799: %x", r.w.section, r.body[:min(8, len(r.body))])
	}
	var out record
	mode, err := cbor.DecOptions{DefaultMapType: nil, MaxArrayElements: 1 << 20}.DecMode()
	if err != nil {
		r.w.Fatal(err)
	}
	if err := mode.Unmarshal(r.body[3:], &out); err != nil {
		r.w.Fatalf("%s: the answer is not CBOR: %v", r.w.section, err)
	}
	return out
}

func canisterPath(version string, effective principal.Principal, what string) string {
	return "/api/" + version + "/canister/" + effective.String() + "/" + what
}

// proof is a certificate that was checked.
type proof struct {
	*certificate.Certificate
	w *world
}

// certificate checks the certificate of an answer for an effective canister.
func (r response) certificate(effective principal.Principal) proof {
	r.w.Helper()
	raw, ok := r.fields()["certificate"].([]byte)
	if !ok {
		r.w.Fatalf("%s: no certificate in the answer", r.w.section)
	}
	return r.w.proof(raw, effective)
}

func (w *world) proof(raw []byte, effective principal.Principal) proof {
	w.Helper()
	c, err := certificate.Decode(raw)
	if err != nil {
		w.Fatalf("%s: %v", w.section, err)
	}
	if err := c.Verify(w.root, effective, w.now(), 5*time.Minute); err != nil {
		w.Fatalf("%s: %v", w.section, err)
	}
	return proof{c, w}
}

// value is what stands at a path.
func (p proof) value(labels ...any) []byte {
	p.w.Helper()
	v, result := p.Tree.Lookup(to(labels...)...)
	if result != hashtree.Found {
		p.w.Fatalf("%s: %q is %s in the certificate", p.w.section, labels, result)
	}
	return v
}

// absent holds that the certificate proves that nothing stands at a path.
func (p proof) absent(labels ...any) {
	p.w.Helper()
	if _, result := p.Tree.Lookup(to(labels...)...); result != hashtree.Absent {
		p.w.Errorf("%s: %q is %s in the certificate, want absent", p.w.section, labels, result)
	}
}

// read makes a read_state request and answers with the certificate.
func (w *world) read(sender identity.Identity, effective principal.Principal, paths ...path) proof {
	w.Helper()
	return w.tryRead(sender, effective, paths...).certificate(effective)
}

func (w *world) tryRead(sender identity.Identity, effective principal.Principal, paths ...path) response {
	w.Helper()
	return w.post(canisterPath("v3", effective, "read_state"), envelope(w.readContent(sender, paths...), sender))
}

// has holds that a text occurs in the answer, whatever its case.
func (r response) has(text string) response {
	r.w.Helper()
	if !strings.Contains(strings.ToLower(string(r.body)), strings.ToLower(text)) {
		r.w.Errorf("%s: answer %.300q lacks %q", r.w.section, r.body, text)
	}
	return r
}
