package door

import (
	"net/http"

	"assay/ic/candid"
	"assay/ic/principal"
	"assay/ic/replica/certify"
)

// checkCanister holds that the id in the path is a canister id of this network.
func checkCanister(id principal.Principal) error {
	if _, ok := id.CanisterIndex(); ok {
		for _, r := range certify.Ranges() {
			if r.Contains(id) {
				return nil
			}
		}
	}
	return refuse(http.StatusBadRequest, "canister_not_found: effective canister id %s is in no canister range of this network.", id)
}

// checkEffective holds that the id in the path is the canister called or, for the
// management canister, the one that the call is about.
func (x *exchange) checkEffective() error {
	about := x.canister
	if x.canister == principal.Management {
		named, ok := x.target()
		if !ok {
			return nil // about nobody: the engine knows whether that can be
		}
		about = named
	}
	if about != x.id {
		return refuse(http.StatusBadRequest, "Specified CanisterId %s does not match effective canister id in URL %s", about, x.id)
	}
	return nil
}

// target is whom a call of the management canister is about, false for nobody or anybody.
func (x *exchange) target() (principal.Principal, bool) {
	field := uint32(fieldCanister)
	switch {
	case createsCanister(x.method), x.kind == "query" && x.method == "list_canisters":
		return principal.Principal{}, false
	case x.kind == "call" && x.method == "install_chunked_code":
		field = fieldTarget
	}
	return principalField(x.arg, field)
}

func createsCanister(method string) bool {
	return method == "create_canister" || method == "provisional_create_canister_with_cycles"
}

// Ids of record fields in Candid.
const (
	fieldCanister = 1313628723 // canister_id
	fieldTarget   = 2807510037 // target_canister
)

// principalField reads one field of the record that a Candid message holds.
func principalField(arg []byte, field uint32) (p principal.Principal, ok bool) {
	d := candid.NewDecoder(arg)
	r := d.Record(d.Arg())
	t := r.Field(field)
	if t == candid.TypeMissing {
		return p, false
	}
	candid.GetPrincipal(d, t, &p)
	r.End()
	return p, d.Err() == nil
}

// checkSubnet holds that the id in the path is this network's subnet.
func (d *door) checkSubnet(id principal.Principal) error {
	if id != d.Certifier.Subnet() {
		return refuse(http.StatusBadRequest, "Subnet %s is not this network's; it has one, %s.", id, d.Certifier.Subnet())
	}
	return nil
}

// checkSubnetMethod holds that a request at a subnet is for the one method of the
// management canister that may be called there: those that create a canister, or the
// query that lists them.
func (x *exchange) checkSubnetMethod() error {
	served := createsCanister(x.method)
	if x.kind == "query" {
		served = x.method == "list_canisters"
	}
	if x.canister != principal.Management || !served {
		return refuse(http.StatusBadRequest, "Method %s of canister %s cannot be called at a subnet.", x.method, x.canister)
	}
	return nil
}
