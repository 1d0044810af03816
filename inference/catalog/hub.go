package catalog

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"assay/commitment"
)

// Hub is a repository of a server that lays its files out as Hugging Face does:
//
//	BASE/REPOSITORY/resolve/REVISION/PATH
//
// Any mirror or file server with that layout will do, since only hashes count.
type Hub struct {
	Base       string // "https://hub.example.org"
	Repository string // "owner/name"
	Revision   string // a commit; empty is "main"
	// Files says which path holds which content.
	Files map[commitment.Hash]string
	// Client makes the requests; nil is a client that gives up when a server does not
	// answer within 30 s.
	Client *http.Client
}

// Name says which repository it is.
func (h Hub) Name() string { return h.Repository + " at " + h.Base }

// Has reports whether the repository is said to hold the file.
func (h Hub) Has(want File) bool { return h.Files[want.SHA256] != "" }

// Fetch opens the file as it arrives.
func (h Hub) Fetch(ctx context.Context, want File, progress Progress) (io.ReadCloser, error) {
	address, err := h.address(h.Files[want.SHA256])
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return nil, fmt.Errorf("ask for %s: %w", address, err)
	}
	response, err := h.client().Do(request)
	if err != nil {
		return nil, err // names the method and the address
	}
	if response.StatusCode != http.StatusOK {
		response.Body.Close()
		return nil, fmt.Errorf("get %s: server answers %s", address, response.Status)
	}
	if n := response.ContentLength; n >= 0 && uint64(n) != want.Size {
		response.Body.Close()
		return nil, fmt.Errorf("get %s: %d bytes, want %d", address, n, want.Size)
	}
	return &counting{ReadCloser: response.Body, want: want, progress: progress}, nil
}

func (h Hub) address(path string) (string, error) {
	base, err := url.Parse(h.Base)
	if err != nil {
		return "", fmt.Errorf("hub address: %w", err)
	}
	if base.Scheme != "http" && base.Scheme != "https" {
		return "", fmt.Errorf("hub address %q: want http or https", h.Base)
	}
	revision := h.Revision
	if revision == "" {
		revision = "main"
	}
	parts := append(strings.Split(h.Repository, "/"), "resolve", revision)
	parts = append(parts, strings.Split(path, "/")...)
	for _, part := range parts {
		if part == "" || part == "." || part == ".." {
			return "", fmt.Errorf("hub path %q of %q is not a plain one", path, h.Repository)
		}
	}
	return base.JoinPath(parts...).String(), nil
}

func (h Hub) client() *http.Client {
	if h.Client != nil {
		return h.Client
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.ResponseHeaderTimeout = 30 * time.Second
	return &http.Client{Transport: transport}
}

// counting tells every few megabytes how much has arrived.
type counting struct {
	io.ReadCloser
	want      File
	progress  Progress
	got, told uint64
}

const tellBytes = 8 << 20

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.ReadCloser.Read(p)
	c.got += uint64(n)
	if c.got-c.told >= tellBytes {
		c.told = c.got
		c.progress.say("fetching %s: %.1f of %.1f MB arrived", c.want.Role, float64(c.got)/1e6, float64(c.want.Size)/1e6)
	}
	return n, err
}
