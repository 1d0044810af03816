package door

import (
	"net/http"
	"slices"
	"unicode/utf8"

	"assay/ic/certificate"
	"assay/ic/certificate/hashtree"
	"assay/ic/principal"
	"assay/ic/replica"
	"assay/ic/replica/statetree"
)

// reader answers one read_state request: it looks at every path before anything is
// shown, then prunes the state to them.
type reader struct {
	*door
	x *exchange

	canister *replica.Info      // of the canister in the endpoint's path, nil if there is none
	asked    *replica.RequestID // the one request that is asked about
	request  *replica.Status    // what is known of it, nil if nothing
	shards   []byte             // the one subnet whose sharded ranges are asked for
	subnets  bool               // whether anything below /subnet or /canister_ranges is asked for
}

func (d *door) readState(x *exchange) error {
	r := &reader{door: d, x: x}
	if !x.subnet {
		if info, ok := d.Engine.Info(x.id); ok {
			r.canister = &info
		}
	}
	for _, path := range x.paths {
		if err := r.check(path); err != nil {
			return err
		}
	}
	tree, err := r.tree()
	if err != nil {
		return err
	}
	paths := append(slices.Clone(x.paths), [][]byte{[]byte("time")})
	certificate, err := d.Certifier.Certify(tree.Prune(paths...), x.sharded)
	if err != nil {
		return err
	}
	return x.answer(map[string]any{"certificate": certificate})
}

// invalid is the answer to a path that nobody may ask for.
func invalid() error { return refuse(http.StatusNotFound, "Invalid path requested.") }

// check says whether a path may be asked for, here and by this sender.
func (r *reader) check(path [][]byte) error {
	if len(path) == 0 {
		return invalid()
	}
	switch string(path[0]) {
	case "time":
		return r.plain(path, 1)
	case "api_boundary_nodes":
		if len(path) == 3 && !oneOf(path[2], "domain", "ipv4_address", "ipv6_address") {
			return invalid()
		}
		return r.plain(path, 3)
	case "canister_ranges":
		r.subnets = true
		return r.checkShards(path)
	case "subnet":
		r.subnets = true
		return r.checkSubnetPath(path)
	case "request_status":
		return r.checkRequest(path)
	case "canister":
		if !r.x.subnet && len(path) >= 3 {
			return r.checkCanisterPath(path)
		}
	}
	return invalid()
}

func (r *reader) plain(path [][]byte, most int) error {
	if len(path) > most {
		return invalid()
	}
	return nil
}

func oneOf(label []byte, names ...string) bool { return slices.Contains(names, string(label)) }

// checkShards: /canister_ranges/<subnet>, at endpoints of subnets alone and of one subnet.
func (r *reader) checkShards(path [][]byte) error {
	if !r.x.subnet || len(path) != 2 {
		return invalid()
	}
	if _, err := label(path[1]); err != nil {
		return err
	}
	if r.shards != nil && string(r.shards) != string(path[1]) {
		return refuse(http.StatusBadRequest, "All canister_ranges paths must be of one subnet.")
	}
	r.shards = path[1]
	return nil
}

// checkSubnetPath: /subnet[/<subnet>[/…]]. The ranges in one list are for the older
// endpoints, or of the root subnet; metrics are the asked subnet's own.
func (r *reader) checkSubnetPath(path [][]byte) error {
	if len(path) < 2 {
		return nil
	}
	id, err := label(path[1])
	if err != nil || len(path) == 2 {
		return err
	}
	switch string(path[2]) {
	case "public_key", "type":
		return r.plain(path, 3)
	case "canister_ranges":
		if r.x.sharded && id != principal.SelfAuthenticating(r.Certifier.RootKey()) {
			return invalid()
		}
		return r.plain(path, 3)
	case "metrics":
		if !r.x.subnet || len(path) > 3 {
			return invalid()
		}
		if id != r.x.id {
			return refuse(http.StatusBadRequest, "Effective subnet id %s in the URL does not match subnet id %s in the path.", r.x.id, id)
		}
		return nil
	case "node":
		if len(path) == 5 && string(path[4]) != "public_key" {
			return invalid()
		}
		return r.plain(path, 5)
	}
	return invalid()
}

// checkRequest: /request_status/<id>[/<field>], for whoever sent the request, at the
// canister or subnet that it was sent to.
func (r *reader) checkRequest(path [][]byte) error {
	if len(path) < 2 || len(path) > 3 || len(path) == 3 && !oneOf(path[2], "status", "reply", "reject_code", "reject_message", "error_code") {
		return invalid()
	}
	if len(path[1]) != len(replica.RequestID{}) {
		return refuse(http.StatusBadRequest, "Invalid request id in paths: it has %d bytes instead of %d.", len(path[1]), len(replica.RequestID{}))
	}
	id := replica.RequestID(path[1])
	if r.asked != nil {
		if *r.asked != id {
			return refuse(http.StatusBadRequest, "Can only request a single request ID in request_status paths.")
		}
		return nil
	}
	r.asked = &id
	status, ok := r.Engine.Status(id)
	if !ok {
		return nil
	}
	switch {
	case status.Sender != r.x.authority.sender:
		return refuse(http.StatusForbidden, "The user tries to access Request ID not signed by the caller.")
	case !r.x.allows(status.Canister):
		return refuse(http.StatusForbidden, "The user tries to access request IDs for canisters not belonging to sender delegation targets.")
	case status.Effective != r.x.id:
		return refuse(http.StatusForbidden, "The user tries to access a request of %s at %s.", status.Effective, r.x.id)
	}
	r.request = &status
	return nil
}

// checkCanisterPath: /canister/<id>/…, for the canister in the path of the endpoint.
func (r *reader) checkCanisterPath(path [][]byte) error {
	id, err := label(path[1])
	if err != nil {
		return err
	}
	if id != r.x.id {
		return refuse(http.StatusBadRequest, "Effective canister id %s in the URL does not match canister id %s in the path.", r.x.id, id)
	}
	switch {
	case len(path) == 3 && oneOf(path[2], "module_hash", "controllers", "canister_creation_timestamp", "last_install_timestamp"):
		return nil
	case len(path) == 4 && string(path[2]) == "metadata":
		return r.checkMetadata(path[3])
	}
	return invalid()
}

func (r *reader) checkMetadata(name []byte) error {
	if !utf8.Valid(name) {
		return refuse(http.StatusBadRequest, "Could not parse the custom section name: it is not UTF-8.")
	}
	if r.canister == nil {
		return nil
	}
	section, ok := r.canister.Metadata[string(name)]
	if ok && !section.Public && !slices.Contains(r.canister.Controllers, r.x.authority.sender) {
		return refuse(http.StatusForbidden, "Custom section %.100s can only be requested by the controllers of the canister.", name)
	}
	return nil
}

// label reads a label that is a principal.
func label(b []byte) (principal.Principal, error) {
	id, err := principal.FromBytes(b)
	if err != nil {
		return id, refuse(http.StatusBadRequest, "Could not parse principal ID in a path: %v.", err)
	}
	return id, nil
}

// tree is the state as far as this request may ask for parts of it.
func (r *reader) tree() (hashtree.Node, error) {
	canisters, requests := statetree.Hidden, statetree.Hidden
	if !r.x.subnet {
		canisters = statetree.Without(r.x.id.Bytes())
		if r.canister != nil {
			canisters = statetree.Among(r.x.id.Bytes(), canisterTree(*r.canister))
		}
	}
	if r.asked != nil {
		requests = statetree.Without(r.asked[:])
		if r.request != nil {
			requests = statetree.Among(r.asked[:], statusTree(*r.request))
		}
	}
	b := hashtree.NewBuilder()
	if r.subnets {
		if err := r.addSubnets(b); err != nil {
			return hashtree.Node{}, err
		}
	} else {
		b.Graft(statetree.Hidden, []byte("canister_ranges")).Graft(statetree.Hidden, []byte("subnet"))
	}
	return b.Graft(hashtree.Empty(), []byte("api_boundary_nodes")).
		Graft(canisters, []byte("canister")).
		Graft(requests, []byte("request_status")).
		Set(certificate.AppendNat(nil, r.now()), []byte("time")).
		Tree()
}

func (r *reader) addSubnets(b *hashtree.Builder) error {
	metrics, err := r.metrics()
	if err != nil {
		return err
	}
	r.Certifier.SetSubnet(b, r.x.sharded)
	b.Set(metrics, []byte("subnet"), r.Certifier.Subnet().Bytes(), []byte("metrics"))
	return nil
}
