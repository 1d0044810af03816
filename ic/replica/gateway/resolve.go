package gateway

import (
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"assay/ic/principal"
)

// parameter of a query that names a canister where the host does not.
const parameter = "canisterId"

// resolve is the canister that a request is for: the first label of its host or, as local
// gateways do, a parameter of its query or of the page that it comes from.
func resolve(r *http.Request) (principal.Principal, error) {
	if id, ok, err := ofHost(r.Host); ok || err != nil {
		return id, err
	}
	if text := r.URL.Query().Get(parameter); text != "" {
		id, err := principal.Parse(text)
		if err != nil {
			return id, problem(http.StatusBadRequest, "Not a canister id", "The parameter %s is %.80q: %v.", parameter, text, err)
		}
		return id, nil
	}
	if page, err := url.Parse(r.Referer()); err == nil && page.Host == r.Host {
		if id, err := principal.Parse(page.Query().Get(parameter)); err == nil {
			return id, nil
		}
	}
	return principal.Principal{}, problem(http.StatusBadRequest, "No canister id",
		"This is the port of a local network. Its canisters are web sites at http://<canister id>.localhost and this port; a program talks to it under /api.")
}

// ofHost reads <id>.<domain>. The domain can be any, so that a network can be reached under
// whatever name a machine has.
func ofHost(host string) (id principal.Principal, ok bool, err error) {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	labels := strings.Split(strings.ToLower(strings.TrimSuffix(host, ".")), ".")
	if len(labels) < 2 {
		return id, false, nil
	}
	id, err = principal.Parse(labels[0])
	if err != nil {
		return id, false, nil
	}
	if labels[1] == "raw" {
		return id, false, problem(http.StatusForbidden, "Only certified responses are served",
			"Hosts with raw. would show what nothing vouches for. Use http://%s.localhost and this port.", id)
	}
	return id, true, nil
}

func sortedNames(h http.Header) []string {
	names := make([]string, 0, len(h))
	for name := range h {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
