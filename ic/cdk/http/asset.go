package http

import (
	"strings"
	"unicode/utf8"

	"assay/ic/cdk/certified"
	"assay/ic/certificate/httpcert"
)

// Asset is a response but for its body.
type Asset struct {
	// Path as in a URL, decoded, from "/" on. "/a" and "/a/" are two paths.
	Path string
	// Below makes it answer for all paths below too, where nothing more specific is put. Its
	// body has one chunk.
	Below bool
	// Type is the Content-Type. Empty: it follows from the path's ending, if that is known.
	Type string
	// Encoding is the Content-Encoding in which the body is given: "gzip", "br", … Empty: as
	// it is. A path has one variant for each encoding, put one by one.
	Encoding string
	// Status is 200 unless it is given: 404 for a page that says so.
	Status uint16
	// Headers are sent beside those that the kit makes, and certified like them: Cache-Control,
	// Content-Security-Policy, …
	Headers []Header
	// Location makes it a redirect with this target. Status is 308 then, or 301, 302, 303 or
	// 307; it has no body.
	Location string
	// Stream lets a body of more than one chunk go by the streaming callback, not by ranges.
	Stream bool
}

// own are the headers that the kit makes.
var own = []string{
	"content-type", "content-encoding", "content-length", "content-range", "accept-ranges", "etag", "vary", "location",
	"transfer-encoding", "connection", "ic-certificate", "ic-certificateexpression",
}

// check fills in what follows from the rest, and refuses what cannot be served.
func (a *Asset) check() error {
	if err := checkPath(a.Path, a.expressionPath()); err != nil {
		return err
	}
	if a.Location != "" {
		return a.checkRedirect()
	}
	if a.Status == 0 {
		a.Status = 200
	}
	if a.Type == "" {
		a.Type = typeOf(a.Path)
	}
	switch {
	case a.Status != 200 && (a.Status < 400 || a.Status > 599):
		return refuse("%s: status %d", a.Path, a.Status)
	case a.Type == "" || !validValue(a.Type):
		return refuse("%s: content type %.100q", a.Path, a.Type)
	case len(a.Encoding) > 20 || a.Encoding != "" && !validName(a.Encoding):
		return refuse("%s: content encoding %.100q", a.Path, a.Encoding)
	}
	return checkHeaders(a.Path, a.Headers)
}

func (a *Asset) checkRedirect() error {
	if a.Status == 0 {
		a.Status = 308
	}
	switch {
	case a.Status != 301 && a.Status != 302 && a.Status != 303 && a.Status != 307 && a.Status != 308:
		return refuse("%s: redirect with status %d", a.Path, a.Status)
	case !validValue(a.Location) || len(a.Location) > MaxAssetBytes:
		return refuse("%s: location %.100q", a.Path, a.Location)
	case a.Encoding != "" || a.Type != "":
		return refuse("%s: a redirect has no body", a.Path)
	}
	return checkHeaders(a.Path, a.Headers)
}

func (a *Asset) expressionPath() httpcert.Path { return expressionPath(a.Path, a.Below) }

func expressionPath(path string, below bool) httpcert.Path {
	if below {
		return httpcert.WildcardPath(path)
	}
	return httpcert.ExactPath(path)
}

// labelsBelow an expression path: of expression, request and response.
const labelsBelow = 3

// checkPath wants a path whose labels the certified tree takes.
func checkPath(path string, p httpcert.Path) error {
	if !strings.HasPrefix(path, "/") || len(path) > MaxPathBytes || !utf8.ValidString(path) || strings.ContainsFunc(path, control) {
		return refuse("path %.100q: want text of at most %d bytes that begins with /", path, MaxPathBytes)
	}
	if len(p)+labelsBelow > certified.MaxPath {
		return refuse("path %.100q has more than %d segments", path, certified.MaxPath-labelsBelow-2)
	}
	for _, label := range p[1 : len(p)-1] {
		if len(label) > certified.MaxLabel || label == httpcert.Exact || label == httpcert.Wildcard {
			return refuse("segment %.100q of path: at most %d bytes, and neither %s nor %s", label, certified.MaxLabel, httpcert.Exact, httpcert.Wildcard)
		}
	}
	return nil
}

func control(r rune) bool { return r < ' ' || r == 0x7f }

func checkHeaders(path string, headers []Header) error {
	total := 0
	for i, h := range headers {
		total += len(h.Name) + len(h.Value)
		if !validName(h.Name) || !validValue(h.Value) {
			return refuse("%s: header %.100q", path, h.Name)
		}
		for _, name := range own {
			if strings.EqualFold(h.Name, name) {
				return refuse("%s: header %s is the kit's to set", path, h.Name)
			}
		}
		if i >= MaxAssetHeaders || total > MaxAssetBytes {
			return refuse("%s: more than %d headers or %d bytes of them", path, MaxAssetHeaders, MaxAssetBytes)
		}
	}
	return nil
}

// validName is a token of HTTP.
func validName(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return !('a' <= r && r <= 'z' || 'A' <= r && r <= 'Z' || '0' <= r && r <= '9' || strings.ContainsRune("!#$%&'*+-.^_`|~", r))
	})
}

// validValue is visible ASCII with spaces between.
func validValue(s string) bool {
	return s == strings.Trim(s, " \t") && !strings.ContainsFunc(s, func(r rune) bool { return r != '\t' && r < ' ' || r > '~' })
}

// types by ending.
var types = map[string]string{
	"css": "text/css; charset=utf-8", "html": "text/html; charset=utf-8", "js": "text/javascript; charset=utf-8",
	"mjs": "text/javascript; charset=utf-8", "json": "application/json", "txt": "text/plain; charset=utf-8", "xml": "application/xml",
	"svg": "image/svg+xml", "png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "gif": "image/gif", "webp": "image/webp",
	"ico": "image/x-icon", "woff2": "font/woff2", "wasm": "application/wasm", "pdf": "application/pdf", "mp4": "video/mp4",
	"webmanifest": "application/manifest+json",
}

func typeOf(path string) string {
	return types[path[strings.LastIndexByte(path, '.')+1:]]
}
