package door

import (
	"net/http"
	"slices"
	"unicode/utf8"

	"assay/ic/certificate"
	"assay/ic/certificate/hashtree"
	"assay/ic/principal"
	"assay/ic/replica"
)

// reader collects what a read_state request may see. A tree holds all that there is
// below the labels it shows, so what it lacks is proved to be absent.
type reader struct {
	*door
	x    *exchange
	tree *hashtree.Builder
	seen map[string]bool    // what was put into the tree
	asks *replica.RequestID // the one request that may be asked about
}

func (d *door) readCanister(x *exchange) error {
	r := &reader{door: d, x: x, tree: d.tree(), seen: map[string]bool{}}
	return r.read(map[string]func([][]byte) error{
		"request_status": r.requestStatus, "canister": r.canister, "subnet": r.subnet,
		"canister_ranges": r.subnet, "api_boundary_nodes": nothing,
	})
}

func (d *door) readSubnet(x *exchange) error {
	if x.id != d.Certifier.Subnet() {
		return refuse(http.StatusBadRequest, "Subnet %s is not this network's; it has one, %s.", x.id, d.Certifier.Subnet())
	}
	r := &reader{door: d, x: x, tree: d.tree(), seen: map[string]bool{}}
	return r.read(map[string]func([][]byte) error{
		"subnet": r.subnet, "canister_ranges": r.subnet, "api_boundary_nodes": nothing,
	})
}

func (r *reader) read(handlers map[string]func([][]byte) error) error {
	for _, path := range r.x.paths {
		if len(path) == 1 && string(path[0]) == "time" {
			continue // in every certificate
		}
		handle := handlers[""]
		if len(path) > 0 {
			handle = handlers[string(path[0])]
		}
		if handle == nil {
			return refuse(http.StatusNotFound, "Invalid path requested.")
		}
		if err := handle(path); err != nil {
			return err
		}
	}
	return r.answerCertificate(r.x, r.tree, map[string]any{})
}

// nothing is a part of the state that this network does not have.
func nothing([][]byte) error { return nil }

// once reports whether this is the first time that something goes into the tree.
func (r *reader) once(what string) bool {
	first := !r.seen[what]
	r.seen[what] = true
	return first
}

// subnet shows the one subnet whole.
func (r *reader) subnet([][]byte) error {
	if r.once("subnet") {
		r.Certifier.SetSubnet(r.tree, r.x.sharded)
	}
	return nil
}

// requestStatus: /request_status/<id>[/<field>], for whoever sent the request.
func (r *reader) requestStatus(path [][]byte) error {
	if len(path) < 2 || len(path) > 3 || len(path[1]) != len(replica.RequestID{}) {
		return refuse(http.StatusNotFound, "Invalid path requested.")
	}
	id := replica.RequestID(path[1])
	if r.asks != nil && *r.asks != id {
		return refuse(http.StatusBadRequest, "Can only request a single request ID in request_status paths.")
	}
	r.asks = &id
	status, ok := r.Engine.Status(id)
	if !ok || !r.once("request") {
		return nil
	}
	if status.Sender != r.x.sender() {
		return refuse(http.StatusForbidden, "The user tries to access Request ID not signed by the caller.")
	}
	if !r.x.allows(status.Canister) {
		return refuse(http.StatusForbidden, "The user tries to access request IDs for canisters not belonging to sender delegation targets.")
	}
	if status.Effective != r.x.id && status.Canister != r.x.id {
		return refuse(http.StatusForbidden, "The request is of canister %s, not of %s in the path.", status.Effective, r.x.id)
	}
	setStatus(r.tree, id, status)
	return nil
}

// canister: /canister/<id>/{module_hash, controllers, metadata/<name>}, for the
// canister in the path of the endpoint.
func (r *reader) canister(path [][]byte) error {
	if len(path) < 3 {
		return refuse(http.StatusNotFound, "Invalid path requested.")
	}
	id, err := principal.FromBytes(path[1])
	if err != nil || id != r.x.id {
		return refuse(http.StatusBadRequest, "Effective canister id %s in the URL does not match the path's.", r.x.id)
	}
	info, known := r.Engine.Info(id)
	set := func(value []byte, labels ...string) {
		at := [][]byte{[]byte("canister"), path[1]}
		for _, l := range labels {
			at = append(at, []byte(l))
		}
		r.tree.Set(value, at...)
	}
	switch name := string(path[2]); {
	case len(path) == 3 && name == "module_hash":
		if known && info.ModuleHash != nil && r.once(name) {
			set(info.ModuleHash, name)
		}
	case len(path) == 3 && name == "controllers":
		if known && r.once(name) {
			set(certificate.EncodePrincipals(info.Controllers), name)
		}
	case len(path) == 4 && name == "metadata":
		return r.metadata(info, string(path[3]), set)
	default:
		return refuse(http.StatusNotFound, "Invalid path requested.")
	}
	return nil
}

func (r *reader) metadata(info replica.Info, name string, set func([]byte, ...string)) error {
	if !utf8.ValidString(name) {
		return refuse(http.StatusBadRequest, "The name of a metadata section is not UTF-8.")
	}
	section, ok := info.Metadata[name]
	if !ok {
		return nil
	}
	if !section.Public && !slices.Contains(info.Controllers, r.x.sender()) {
		return refuse(http.StatusForbidden, "Custom section %s can only be requested by the controllers of the canister.", name)
	}
	if r.once("metadata " + name) {
		set(section.Value, "metadata", name)
	}
	return nil
}
