package gateway

import (
	"errors"
	"fmt"
	"html"
	"io"
	"net/http"
	"strconv"
	"strings"

	"assay/ic/certificate/httpcert"
	"assay/ic/replica"
)

// failure is what a visitor sees instead of a site.
type failure struct {
	status      int
	title, text string
}

func (f *failure) Error() string { return f.title + ": " + f.text }

func problem(status int, title, format string, args ...any) error {
	return &failure{status, title, fmt.Sprintf(format, args...)}
}

// rejected says why a canister gave no response.
func (v *visit) rejected(r *replica.Reject) error {
	status, title := http.StatusServiceUnavailable, "The canister does not answer"
	switch r.ErrorCode {
	case "IC0301":
		status, title = http.StatusNotFound, "No such canister"
	case "IC0537":
		status, title = http.StatusNotFound, "The canister has no code"
	case "IC0536":
		status, title = http.StatusNotFound, "The canister is no web site"
	}
	return problem(status, title, "Canister %s: %s (%s, reject code %d).", v.canister, r.Message, r.ErrorCode, r.Code)
}

func (v *visit) malformed(method string, err error) error {
	return problem(http.StatusServiceUnavailable, "The canister answers nonsense", "Method %s of canister %s: %v.", method, v.canister, err)
}

const page = `<!doctype html>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>%[1]s</title>
<body style="font: 1rem/1.5 system-ui, sans-serif; max-width: 40rem; margin: 4rem auto; padding: 0 1rem">
<h1>%[1]s</h1>
<p style="overflow-wrap: anywhere">%[2]s</p>
<hr>
<p><small>HTTP gateway of a local network</small></p>
`

// refuse shows why there is no site. Causes inside the gateway go to the log.
func (s *server) refuse(w http.ResponseWriter, r *http.Request, err error) {
	var f *failure
	if !errors.As(err, &f) {
		s.Logger.Error("gateway request failed", "host", r.Host, "path", r.URL.Path, "error", err)
		f = &failure{http.StatusInternalServerError, "Internal error", "The gateway failed."}
	}
	allowOrigins(w.Header())
	text := fmt.Sprintf("%s\n%s\n", f.title, f.text)
	kind := "text/plain; charset=utf-8"
	if strings.Contains(r.Header.Get("Accept"), "text/html") {
		kind, text = "text/html; charset=utf-8", fmt.Sprintf(page, html.EscapeString(f.title), html.EscapeString(f.text))
	}
	w.Header().Set("Content-Type", kind)
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(f.status)
	io.WriteString(w, text) //nolint:errcheck // the client is gone
}

// allowOrigins is what gateways add, so that pages from elsewhere can read sites.
func allowOrigins(h http.Header) {
	for name, value := range map[string]string{
		"Access-Control-Allow-Origin":   "*",
		"Access-Control-Allow-Methods":  "GET, POST, PUT, DELETE, PATCH, HEAD, OPTIONS",
		"Access-Control-Allow-Headers":  "DNT,User-Agent,X-Requested-With,If-None-Match,If-Modified-Since,Cache-Control,Content-Type,Range,Cookie,Authorization",
		"Access-Control-Expose-Headers": "Content-Length,Content-Range",
	} {
		if h.Get(name) == "" {
			h.Set(name, value)
		}
	}
}

// hop are headers between two machines, which the server writes itself.
var hop = map[string]bool{
	"Connection": true, "Keep-Alive": true, "Proxy-Authenticate": true, "Proxy-Authorization": true,
	"Te": true, "Trailer": true, "Transfer-Encoding": true, "Upgrade": true,
}

// write sends a canister's response.
func (s *server) write(w http.ResponseWriter, r *http.Request, a httpcert.Response) {
	if err := sendable(a); err != nil {
		s.refuse(w, r, err)
		return
	}
	h := w.Header()
	for _, field := range a.Headers {
		if name := http.CanonicalHeaderKey(field.Name); !hop[name] && name != "Content-Length" {
			h.Add(name, field.Value)
		}
	}
	allowOrigins(h)
	if h.Get("Content-Type") == "" {
		h["Content-Type"] = nil // nobody guesses
	}
	if length, n := httpcert.Find(a.Headers, "content-length"); r.Method == http.MethodHead && n == 1 {
		h.Set("Content-Length", length)
	} else if bodyAllowed(a.Status) {
		h.Set("Content-Length", strconv.Itoa(len(a.Body)))
	}
	w.WriteHeader(int(a.Status))
	if r.Method != http.MethodHead && bodyAllowed(a.Status) {
		w.Write(a.Body) //nolint:errcheck // the client is gone
	}
}

func bodyAllowed(status uint16) bool {
	return status != http.StatusNoContent && status != http.StatusNotModified
}

// sendable refuses what HTTP has no form for.
func sendable(a httpcert.Response) error {
	if a.Status < 200 || a.Status > 599 {
		return problem(http.StatusServiceUnavailable, "The canister answers nonsense", "It gave the status %d.", a.Status)
	}
	for _, h := range a.Headers {
		if !token(h.Name) || strings.ContainsAny(h.Value, "\r\n\x00") {
			return problem(http.StatusServiceUnavailable, "The canister answers nonsense", "It gave the header %.80q.", h.Name)
		}
	}
	if length, n := httpcert.Find(a.Headers, "content-length"); n > 1 || n == 1 && !digits(length) {
		return problem(http.StatusServiceUnavailable, "The canister answers nonsense", "It gave the length %.80q.", length)
	}
	return nil
}

// token reports whether a text may name a header.
func token(s string) bool {
	for _, c := range []byte(s) {
		letter := 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
		if !letter && strings.IndexByte("!#$%&'*+-.^_`|~", c) < 0 {
			return false
		}
	}
	return s != ""
}

func digits(s string) bool {
	n, err := strconv.ParseUint(s, 10, 32)
	return err == nil && strconv.FormatUint(n, 10) == s
}
