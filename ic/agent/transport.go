package agent

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// maxErrorText is how much of an error's body is kept, in bytes.
const maxErrorText = 1 << 10

// watcher stands between agent-go's client and the network. That client reads bodies
// without a limit, turns every failure into text, and asks for queries at the
// deprecated address; here bodies get a limit, failures their type, and queries the
// present address.
type watcher struct {
	base        http.RoundTripper
	maxResponse int64
}

// requestTimeout bounds one request of our own client. Networks answer calls that take
// long before it, with "not yet".
const requestTimeout = 60 * time.Second

// shared is the transport of agents that bring none. It keeps more connections to one
// network than Go's default of two.
var shared = sync.OnceValue(func() http.RoundTripper {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return http.DefaultTransport
	}
	t = t.Clone()
	t.MaxIdleConnsPerHost = 64
	return t
})

// watch returns a copy of the client, or one of our own, with a watcher inside. It
// follows no redirects: networks do not redirect.
func watch(client *http.Client, maxResponse int64) *http.Client {
	c := http.Client{Timeout: requestTimeout}
	if client != nil {
		c = *client
	}
	base := c.Transport
	if base == nil {
		base = shared()
	}
	c.Transport = &watcher{base, maxResponse}
	c.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &c
}

// RoundTrip sends a request, and returns an error for every answer that is no success.
func (w *watcher) RoundTrip(req *http.Request) (*http.Response, error) {
	if strings.HasSuffix(req.URL.Path, "/query") {
		req = req.Clone(req.Context())
		at := strings.LastIndex(req.URL.Path, "/api/v2/")
		if at >= 0 {
			req.URL.Path = req.URL.Path[:at] + "/api/v3/" + req.URL.Path[at+len("/api/v2/"):]
		}
	}
	resp, err := w.base.RoundTrip(req)
	if err != nil {
		return nil, err
	}
	switch resp.StatusCode {
	case http.StatusAccepted:
		return resp, nil
	case http.StatusOK:
		body, err := readAll(resp, w.maxResponse)
		if err != nil {
			return nil, err
		}
		if strings.HasSuffix(req.URL.Path, "/call") {
			if err := rejection(body); err != nil {
				return nil, err
			}
		}
		resp.Body = io.NopCloser(bytes.NewReader(body))
		return resp, nil
	}
	text, _ := io.ReadAll(io.LimitReader(resp.Body, maxErrorText))
	_ = resp.Body.Close()
	return nil, &HTTPError{resp.StatusCode, strings.TrimSpace(string(text))}
}

func readAll(resp *http.Response, limit int64) ([]byte, error) {
	defer resp.Body.Close()
	if resp.ContentLength > limit {
		return nil, fmt.Errorf("answer of %d bytes, at most %d are read: %w", resp.ContentLength, limit, ErrTooLarge)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, limit+1))
	if err != nil {
		return nil, err
	}
	if int64(len(body)) > limit {
		return nil, fmt.Errorf("answer of more than %d bytes: %w", limit, ErrTooLarge)
	}
	return body, nil
}

// rejection is the error that a call's answer holds when the network refused the call
// before consensus, nil for any other answer.
func rejection(body []byte) error {
	var w struct {
		Status    string `cbor:"status"`
		Code      uint64 `cbor:"reject_code"`
		Message   string `cbor:"reject_message"`
		ErrorCode string `cbor:"error_code"`
	}
	if err := unmarshal(body, &w); err != nil {
		return err
	}
	if w.Status != "non_replicated_rejection" {
		return nil
	}
	code, err := rejectCode(w.Code)
	if err != nil {
		return err
	}
	return &RejectError{Code: code, ErrorCode: w.ErrorCode, Message: w.Message}
}

func rejectCode(n uint64) (RejectCode, error) {
	if n < uint64(SysFatal) || n > uint64(SysUnknown) {
		return 0, refuse("reject code %d", n)
	}
	return RejectCode(n), nil
}
