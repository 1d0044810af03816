package door

import (
	"strings"
	"testing"

	"assay/ic/management/managementapi"
	"assay/ic/principal"
)

// TestEffectiveIDs is which requests belong to which id in the path.
func TestEffectiveIDs(t *testing.T) {
	t.Parallel()
	n := start(t)
	about := must(managementapi.EncodeStartCanisterArgs(managementapi.Canister{CanisterId: target}))
	empty := []byte("DIDL\x00\x00")
	manage := func(kind, method string, arg []byte) fieldsOf {
		return content(kind, alice, fieldsOf{"canister_id": []byte{}, "method_name": method, "arg": arg})
	}
	subnet := n.keys.Subnet().String()
	for _, c := range []struct {
		name string
		e    fieldsOf
		path string
		ok   bool
	}{
		{"its own", content("call", alice, nil), at("v4/canister/ID/call"), true},
		{"another's", content("call", alice, nil), "v4/canister/" + other.String() + "/call", false},
		{"another's, query", content("query", alice, nil), "v3/canister/" + other.String() + "/query", false},
		{"the management canister's", manage("call", "raw_rand", empty), "v4/canister/aaaaa-aa/call", false},
		{"the management canister's, query", manage("query", "raw_rand", empty), "v2/canister/aaaaa-aa/query", false},
		{"the management canister's, read_state", content("read_state", alice, fieldsOf{"paths": []any{path("time")}}), "v3/canister/aaaaa-aa/read_state", false},
		{"a user's", content("call", alice, nil), "v4/canister/" + alice.Sender().String() + "/call", false},
		{"not in text", content("call", alice, nil), "v4/canister/" + strings.ReplaceAll(target.String(), "-", "") + "/call", false},
		{"in upper case", content("call", alice, nil), "v4/canister/" + strings.ToUpper(target.String()) + "/call", false},
		{"a managed canister's", manage("call", "start_canister", about), at("v4/canister/ID/call"), true},
		{"another than the managed", manage("call", "start_canister", about), "v4/canister/" + other.String() + "/call", false},
		{"a managed canister's, query", manage("query", "canister_status", about), at("v3/canister/ID/query"), true},
		{"another than the managed, query", manage("query", "canister_status", about), "v3/canister/" + other.String() + "/query", false},
		{"a created canister's", manage("call", "provisional_create_canister_with_cycles", empty), at("v4/canister/ID/call"), true},
		{"any for a list", manage("query", "list_canisters", empty), at("v3/canister/ID/query"), true},
		{"nobody's: the engine decides", manage("call", "raw_rand", empty), at("v4/canister/ID/call"), true},
		{"creation at the subnet", manage("call", "create_canister", empty), "v4/subnet/" + subnet + "/call", true},
		{"provisional creation at the subnet", manage("call", "provisional_create_canister_with_cycles", empty), "v4/subnet/" + subnet + "/call", true},
		{"another method at the subnet", manage("call", "start_canister", about), "v4/subnet/" + subnet + "/call", false},
		{"a canister at the subnet", content("call", alice, fieldsOf{"method_name": "create_canister"}), "v4/subnet/" + subnet + "/call", false},
		{"creation at another subnet", manage("call", "create_canister", empty), "v4/subnet/" + alice.Sender().String() + "/call", false},
		{"a list at the subnet", manage("query", "list_canisters", empty), "v3/subnet/" + subnet + "/query", true},
		{"another query at the subnet", manage("query", "canister_status", about), "v3/subnet/" + subnet + "/query", false},
	} {
		code, body := n.post("/api/"+c.path, seal(c.e, alice, alice))
		if c.ok != (code == 200) || !c.ok && code != 400 {
			t.Errorf("%s: %d %s", c.name, code, body)
		}
	}
}

// TestSubnetRequests: a request at the subnet has its status there.
func TestSubnetRequests(t *testing.T) {
	t.Parallel()
	n := start(t)
	subnet := n.keys.Subnet().String()
	c := content("call", alice, fieldsOf{"canister_id": []byte{}, "method_name": "create_canister"})
	if code, body := n.post("/api/v4/subnet/"+subnet+"/call", seal(c, alice, alice)); code != 200 {
		t.Fatalf("%d %s", code, body)
	}
	id := hashOf(c)
	read := func() fieldsOf {
		r := content("read_state", alice, fieldsOf{"paths": []any{path("request_status", id[:])}})
		return seal(r, alice, alice)
	}
	for url, want := range map[string]int{
		"/api/v3/subnet/" + subnet + "/read_state": 200, "/api/v2/subnet/" + subnet + "/read_state": 200,
		at("/api/v3/canister/ID/read_state"): 403, "/api/v3/canister/" + principal.Canister(0).String() + "/read_state": 403,
	} {
		if code, body := n.post(url, read()); code != want {
			t.Errorf("%s: %d %s, want %d", url, code, body, want)
		}
	}
}
