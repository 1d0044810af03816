package door

import (
	"net/http"

	"assay/ic/principal"
	"assay/ic/replica/certify"
	"assay/ic/replica/state"
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
	id, anybody, err := state.EffectiveCanister(x.method, x.arg)
	return id, err == nil && !anybody
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
	served := x.method == "create_canister" || x.method == "provisional_create_canister_with_cycles"
	if x.kind == "query" {
		served = x.method == "list_canisters"
	}
	if x.canister != principal.Management || !served {
		return refuse(http.StatusBadRequest, "Method %s of canister %s cannot be called at a subnet.", x.method, x.canister)
	}
	return nil
}
