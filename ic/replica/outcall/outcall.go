// Package outcall makes the HTTP requests of canisters, outside of the state machine.
//
// A [Client] reaches the hosts that whoever runs the network has allowed, and no others.
// ic/replica asks it for each outcall of a round and hands the result in as an input of a
// later one; what the request must look like, what it costs and what the canister makes
// of the response is decided in ic/replica/state.
package outcall

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"assay/ic/replica/state"
)

const timeout = 30 * time.Second

// Client makes requests to some hosts.
type Client struct {
	hosts  []string
	client http.Client
}

// New makes a client for these hosts. A host is a name or an address, with a port or for
// all ports; "*.example.org" is all names below example.org and "*" is every host.
// Where the host is one without a star, http is allowed too, for servers of a developer;
// else it must be https.
func New(hosts []string, transport http.RoundTripper) (*Client, error) {
	c := &Client{client: http.Client{
		Transport: transport, Timeout: timeout,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
	for _, h := range hosts {
		if strings.ContainsAny(h, "/@ ") || h == "" || strings.Contains(strings.TrimPrefix(strings.TrimPrefix(h, "*"), "."), "*") {
			return nil, fmt.Errorf("allow outcalls to %q: it is not a host such as example.org, *.example.org, localhost:8080 or *", h)
		}
		c.hosts = append(c.hosts, strings.ToLower(h))
	}
	return c, nil
}

// Transport is what requests to the outside go over: each on its own connection, with
// answers as they are sent.
func Transport() *http.Transport {
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, DisableCompression: true,
		MaxResponseHeaderBytes: 128 << 10, TLSHandshakeTimeout: timeout,
		DialContext: (&net.Dialer{Timeout: timeout}).DialContext,
	}
}

// allows reports whether a URL may be asked for, and whether without TLS.
func (c *Client) allows(u *url.URL) (any, plain bool) {
	name, full := strings.ToLower(u.Hostname()), strings.ToLower(u.Host)
	for _, h := range c.hosts {
		switch domain, below := strings.CutPrefix(h, "*."); {
		case h == name || h == full:
			return true, true
		case h == "*" || below && strings.HasSuffix(name, "."+domain):
			any = true
		}
	}
	return any, false
}

// failure is a result that is an error. Of a fatal one trying again makes no other.
func failure(o state.Outcall, fatal bool, format string, args ...any) state.OutcallResult {
	return state.OutcallResult{ID: o.ID, Error: fmt.Sprintf(format, args...), Fatal: fatal}
}

// Fetch makes one request. It ends when ctx does.
func (c *Client) Fetch(ctx context.Context, o state.Outcall) state.OutcallResult {
	request, err := c.request(ctx, o)
	if err != nil {
		return failure(o, true, "make an HTTP outcall to %.200s: %v", o.URL, err)
	}
	response, err := c.client.Do(request)
	if err != nil {
		return failure(o, false, "Error while connecting: %v", err)
	}
	defer response.Body.Close()
	headers := headersOf(response)
	if why := state.CheckHeaders(headers); why != "" {
		return failure(o, true, "Http response: %s", why)
	}
	room := int64(o.MaxResponse)
	for _, h := range headers {
		room -= int64(len(h.Name) + len(h.Value))
	}
	if room < 0 {
		return failure(o, true, "Header size exceeds specified response size limit %d", o.MaxResponse)
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, room+1))
	switch {
	case err != nil:
		return failure(o, false, "Failed to fetch body: %v", err)
	case int64(len(body)) > room:
		return failure(o, true, "Http body exceeds size limit of %d bytes.", o.MaxResponse)
	}
	return state.OutcallResult{ID: o.ID, Status: uint64(response.StatusCode), Headers: headers, Body: body}
}

// request builds the request, or says why it may not be made.
func (c *Client) request(ctx context.Context, o state.Outcall) (*http.Request, error) {
	if i := strings.IndexFunc(o.URL, func(r rune) bool { return r < '!' || r > '~' }); i >= 0 {
		return nil, fmt.Errorf("invalid uri character at %d", i)
	}
	request, err := http.NewRequestWithContext(ctx, o.Method, o.URL, bytes.NewReader(o.Body))
	if err != nil {
		return nil, fmt.Errorf("parse URL: %w", err)
	}
	host, plain := c.allows(request.URL)
	switch scheme := request.URL.Scheme; {
	case scheme != "https" && (scheme != "http" || !plain):
		return nil, errors.New("the URL must begin with https://")
	case !host:
		return nil, fmt.Errorf("this network makes no HTTP outcalls to %s: it is not among the allowed hosts", request.URL.Host)
	}
	request.Header = http.Header{}
	for _, h := range o.Headers {
		if strings.EqualFold(h.Name, "host") {
			request.Host = h.Value
			continue
		}
		request.Header.Add(h.Name, h.Value)
	}
	if _, ok := request.Header["User-Agent"]; !ok {
		request.Header.Set("User-Agent", "ic/1.0")
	}
	return request, nil
}

// headersOf are a response's headers with names in lower case, in order of them.
func headersOf(r *http.Response) (headers []state.Header) {
	for name, values := range r.Header {
		for _, v := range values {
			headers = append(headers, state.Header{Name: strings.ToLower(name), Value: v})
		}
	}
	slices.SortStableFunc(headers, func(a, b state.Header) int { return strings.Compare(a.Name, b.Name) })
	return headers
}
