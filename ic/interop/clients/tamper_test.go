package clients

import (
	"bytes"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"

	"github.com/fxamacker/cbor/v2"
)

// capture runs a handler and keeps its answer.
func capture(next http.Handler, r *http.Request) *httptest.ResponseRecorder {
	answer := httptest.NewRecorder()
	next.ServeHTTP(answer, r)
	return answer
}

func pass(w http.ResponseWriter, answer *httptest.ResponseRecorder, body []byte) {
	for name, values := range answer.Header() {
		w.Header()[name] = values
	}
	w.Header().Del("Content-Length")
	w.WriteHeader(answer.Code)
	io.Copy(w, bytes.NewReader(body)) //nolint:errcheck // the client is gone
}

// forger changes a byte of what it is asked to carry: the reply "hello", or the last
// byte of a certificate's tree where there is no reply. Signatures stay as they are.
type forger struct{ next http.Handler }

func (f *forger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := capture(f.next, r)
	body := answer.Body.Bytes()
	switch {
	case bytes.Contains(body, []byte("hello")):
		body = bytes.Replace(body, []byte("hello"), []byte("hullo"), 1)
	case strings.HasSuffix(r.URL.Path, "/read_state"):
		body = bytes.Replace(body, []byte("service : {"), []byte("service ; {"), 1)
	}
	pass(w, answer, body)
}

// stripper takes away what makes an answer believable and leaves what it says.
type stripper struct{ next http.Handler }

func (s *stripper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	answer := capture(s.next, r)
	var m map[string]any
	if answer.Code != http.StatusOK || cbor.Unmarshal(answer.Body.Bytes(), &m) != nil {
		pass(w, answer, answer.Body.Bytes())
		return
	}
	switch {
	case strings.HasSuffix(r.URL.Path, "/call"):
		delete(m, "certificate")
		m["reply"] = map[string]any{"arg": []byte("DIDL\x00\x01\x71\x05hello")}
	case strings.HasSuffix(r.URL.Path, "/query"):
		delete(m, "signatures")
	case strings.HasSuffix(r.URL.Path, "/read_state"):
		m["certificate"] = unsigned(m["certificate"])
	}
	body, err := cbor.Marshal(m)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	pass(w, answer, body)
}

// unsigned is a certificate with a signature of zeros.
func unsigned(certificate any) any {
	var c map[string]any
	encoded, ok := certificate.([]byte)
	if !ok || cbor.Unmarshal(encoded, &c) != nil {
		return certificate
	}
	c["signature"] = make([]byte, 48)
	if encoded, err := cbor.Marshal(c); err == nil {
		return encoded
	}
	return certificate
}

// swapper answers every call and query with the answer of the first one, whose
// signatures are right, but for another request.
type swapper struct {
	next http.Handler
	mu   struct {
		sync.Mutex
		first map[string]*httptest.ResponseRecorder // by the last part of the path
	}
}

func (s *swapper) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	kind := r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:]
	answer := capture(s.next, r)
	if kind == "call" || kind == "query" {
		s.mu.Lock()
		if s.mu.first == nil {
			s.mu.first = map[string]*httptest.ResponseRecorder{}
		}
		if earlier := s.mu.first[kind]; earlier != nil {
			answer = earlier
		} else {
			s.mu.first[kind] = answer
		}
		s.mu.Unlock()
	}
	pass(w, answer, answer.Body.Bytes())
}
