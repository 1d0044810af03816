package door

import (
	"bytes"
	"strings"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"assay/ic/certificate"
	"assay/ic/certificate/hashtree"
	"assay/ic/principal"
)

func path(labels ...any) []any {
	out := []any{}
	for _, l := range labels {
		switch l := l.(type) {
		case string:
			out = append(out, []byte(l))
		default:
			out = append(out, l)
		}
	}
	return out
}

func (n *network) readState(version string, by signer, labels ...any) hashtree.Node {
	n.t.Helper()
	code, body := n.read(version, by, path(labels...))
	if code != 200 {
		n.t.Fatalf("read_state %v: %d %s", labels, code, body)
	}
	return n.certified(n.decode(body).Certificate).Tree
}

func (n *network) read(version string, by signer, paths ...any) (int, []byte) {
	n.t.Helper()
	return n.post(at("/api/"+version+"/canister/ID/read_state"), seal(content("read_state", by, fieldsOf{"paths": paths}), by, by))
}

func TestReadState(t *testing.T) {
	t.Parallel()
	n := start(t)
	id := target.Bytes()
	tree := n.readState("v3", anonymous, "canister", id, "module_hash")
	if v, _ := tree.Lookup([]byte("canister"), id, []byte("module_hash")); string(v) != "hash" {
		t.Errorf("module hash %q", v)
	}
	if v, _ := tree.Lookup([]byte("time")); !bytes.Equal(v, certificate.AppendNat(nil, uint64(noon.UnixNano()))) {
		t.Errorf("time %x", v)
	}
	v, _ := n.readState("v2", alice, "canister", id, "controllers").Lookup([]byte("canister"), id, []byte("controllers"))
	if list, err := certificate.DecodePrincipals(v); err != nil || len(list) != 2 || list[0] != controller.Sender() {
		t.Errorf("controllers %v, %v", list, err)
	}
	for _, c := range []struct {
		by   signer
		name string
		want string
	}{{anonymous, "candid:service", "service : {}"}, {controller, "secret", "for controllers"}} {
		v, _ := n.readState("v3", c.by, "canister", id, "metadata", c.name).Lookup([]byte("canister"), id, []byte("metadata"), []byte(c.name))
		if string(v) != c.want {
			t.Errorf("metadata %s: %q", c.name, v)
		}
	}
	absent := n.readState("v3", anonymous, "canister", id, "metadata", "none")
	if _, result := absent.Lookup([]byte("canister"), id, []byte("metadata"), []byte("none")); result != hashtree.Absent {
		t.Errorf("a missing section is %v", result)
	}
	unknown := n.readState("v3", alice, "request_status", make([]byte, 32))
	if _, result := unknown.Lookup([]byte("request_status"), make([]byte, 32), []byte("status")); result != hashtree.Absent {
		t.Errorf("an unknown request is %v", result)
	}
}

func TestRequestStatusIsTheSenders(t *testing.T) {
	t.Parallel()
	n := start(t)
	c := content("call", alice, fieldsOf{"method_name": "slow"})
	if code, body := n.post(at("/api/v2/canister/ID/call"), seal(c, alice, alice)); code != 202 {
		t.Fatalf("%d %s", code, body)
	}
	id := hashOf(c)
	tree := n.readState("v3", alice, "request_status", id[:])
	if v, _ := tree.Lookup([]byte("request_status"), id[:], []byte("status")); string(v) != "processing" {
		t.Errorf("status %q", v)
	}
	if code, body := n.read("v3", bob, path("request_status", id[:])); code != 403 {
		t.Errorf("another user reads it: %d %s", code, body)
	}
	elsewhere := strings.ReplaceAll("/api/v3/canister/ID/read_state", "ID", other.String())
	read := content("read_state", alice, fieldsOf{"paths": []any{path("request_status", id[:])}})
	if code, body := n.post(elsewhere, seal(read, alice, alice)); code != 403 {
		t.Errorf("at another canister: %d %s", code, body)
	}
	// A delegation for another canister must not read it either.
	chain := delegate(alice, carol, fieldsOf{"targets": []any{other.Bytes()}})
	read = content("read_state", alice, fieldsOf{"paths": []any{path("request_status", id[:])}})
	if code, body := n.post(at("/api/v3/canister/ID/read_state"), seal(read, alice, carol, chain)); code != 403 {
		t.Errorf("with a delegation for another canister: %d %s", code, body)
	}
}

// TestReadStateRules is who may ask for which path, and where.
func TestReadStateRules(t *testing.T) {
	t.Parallel()
	n := start(t)
	long, many := make([]any, maxLabels+1), make([]any, maxPaths+1)
	for i := range long {
		long[i] = []byte{1}
	}
	for i := range many {
		many[i] = path("time")
	}
	id, subnet, node := target.Bytes(), n.keys.Subnet().Bytes(), n.keys.Node().Bytes()
	root := principal.SelfAuthenticating(n.keys.RootKey()).Bytes()
	one := func(labels ...any) []any { return []any{path(labels...)} }
	const all = "v2/canister v3/canister v2/subnet v3/subnet"
	for _, c := range []struct {
		name    string
		by      signer
		paths   []any
		where   string // endpoints where it is allowed
		refused int    // elsewhere
	}{
		{"nothing", anonymous, []any{}, all, 0},
		{"time", anonymous, one("time"), all, 0},
		{"as many paths as can be", anonymous, many[1:], all, 0},
		{"the root", anonymous, []any{path()}, "", 404},
		{"another root", anonymous, one("streams"), "", 404},
		{"below time", anonymous, one("time", "x"), "", 404},
		{"too many paths", anonymous, many, "", 400},
		{"too long a path", anonymous, []any{long}, "", 400},
		{"a label that is text", anonymous, []any{[]any{"time"}}, "", 400},
		{"boundary nodes", anonymous, one("api_boundary_nodes"), all, 0},
		{"a boundary node", anonymous, one("api_boundary_nodes", node), all, 0},
		{"a boundary node's domain", anonymous, one("api_boundary_nodes", node, "domain"), all, 0},
		{"a boundary node's IPv4", anonymous, one("api_boundary_nodes", node, "ipv4_address"), all, 0},
		{"a boundary node's IPv6", anonymous, one("api_boundary_nodes", node, "ipv6_address"), all, 0},
		{"a boundary node's else", anonymous, one("api_boundary_nodes", node, "owner"), "", 404},
		{"sharded ranges", anonymous, one("canister_ranges", subnet), "v2/subnet v3/subnet", 404},
		{"sharded ranges of another", anonymous, one("canister_ranges", root), "v2/subnet v3/subnet", 404},
		{"sharded ranges of two", anonymous, []any{path("canister_ranges", subnet), path("canister_ranges", root)}, "", 0},
		{"sharded ranges of all", anonymous, one("canister_ranges"), "", 404},
		{"one shard", anonymous, one("canister_ranges", subnet, principal.Canister(0).Bytes()), "", 404},
		{"subnets", anonymous, one("subnet"), all, 0},
		{"a subnet", anonymous, one("subnet", subnet), all, 0},
		{"another subnet", anonymous, one("subnet", root), all, 0},
		{"a subnet's key", anonymous, one("subnet", subnet, "public_key"), all, 0},
		{"a subnet's type", anonymous, one("subnet", subnet, "type"), all, 0},
		{"a subnet's nodes", anonymous, one("subnet", subnet, "node"), all, 0},
		{"a node", anonymous, one("subnet", subnet, "node", node), all, 0},
		{"a node's key", anonymous, one("subnet", subnet, "node", node, "public_key"), all, 0},
		{"a node's else", anonymous, one("subnet", subnet, "node", node, "owner"), "", 404},
		{"a subnet's else", anonymous, one("subnet", subnet, "owner"), "", 404},
		{"a subnet of no id", anonymous, one("subnet", make([]byte, 30)), "", 400},
		{"below a subnet's key", anonymous, one("subnet", subnet, "public_key", "x"), "", 404},
		{"ranges in one list", anonymous, one("subnet", subnet, "canister_ranges"), "v2/canister v2/subnet", 404},
		{"the root subnet's ranges", anonymous, one("subnet", root, "canister_ranges"), all, 0},
		{"metrics", anonymous, one("subnet", subnet, "metrics"), "v2/subnet v3/subnet", 404},
		{"another's metrics", anonymous, one("subnet", root, "metrics"), "", 0},
		{"module hash", anonymous, one("canister", id, "module_hash"), "v2/canister v3/canister", 404},
		{"controllers", anonymous, one("canister", id, "controllers"), "v2/canister v3/canister", 404},
		{"creation", alice, one("canister", id, "canister_creation_timestamp"), "v2/canister v3/canister", 404},
		{"installation", alice, one("canister", id, "last_install_timestamp"), "v2/canister v3/canister", 404},
		{"certified data", controller, one("canister", id, "certified_data"), "", 404},
		{"a canister", controller, one("canister", id), "", 404},
		{"canisters", controller, one("canister"), "", 404},
		{"all metadata", controller, one("canister", id, "metadata"), "", 404},
		{"below metadata", controller, one("canister", id, "metadata", "secret", "x"), "", 404},
		{"another canister", anonymous, one("canister", other.Bytes(), "module_hash"), "", 0},
		{"a canister of no id", anonymous, one("canister", make([]byte, 30), "module_hash"), "", 0},
		{"public metadata", anonymous, one("canister", id, "metadata", "candid:service"), "v2/canister v3/canister", 404},
		{"missing metadata", anonymous, one("canister", id, "metadata", "none"), "v2/canister v3/canister", 404},
		{"private metadata of one's own", controller, one("canister", id, "metadata", "secret"), "v2/canister v3/canister", 404},
		{"private metadata", alice, one("canister", id, "metadata", "secret"), "", 0},
		{"private metadata, unsigned", anonymous, one("canister", id, "metadata", "secret"), "", 0},
		{"metadata not UTF-8", anonymous, one("canister", id, "metadata", []byte{0xff}), "", 0},
		{"an unknown request", anonymous, one("request_status", make([]byte, 32)), all, 0},
		{"an unknown request's error", anonymous, one("request_status", make([]byte, 32), "error_code"), all, 0},
		{"a request's else", anonymous, one("request_status", make([]byte, 32), "caller"), "", 404},
		{"requests", anonymous, one("request_status"), "", 404},
		{"a short request id", anonymous, one("request_status", []byte{1}), "", 400},
		{"two requests", anonymous, []any{path("request_status", make([]byte, 32)), path("request_status", bytes.Repeat([]byte{1}, 32))}, "", 400},
	} {
		for _, where := range strings.Fields(all) {
			version, kind, _ := strings.Cut(where, "/")
			object := target.String()
			if kind == "subnet" {
				object = n.keys.Subnet().String()
			}
			e := seal(content("read_state", c.by, fieldsOf{"paths": c.paths}), c.by, c.by)
			code, body := n.post("/api/"+version+"/"+kind+"/"+object+"/read_state", e)
			allowed := strings.Contains(c.where, where)
			if allowed != (code == 200) || code != 200 && (code < 400 || code > 404) || c.refused != 0 && !allowed && code != c.refused {
				t.Errorf("%s at %s: %d %.100q", c.name, where, code, body)
			}
		}
	}
}

// TestReadSubnet: what a subnet's endpoints certify.
func TestReadSubnet(t *testing.T) {
	t.Parallel()
	n := start(t)
	subnet := n.keys.Subnet()
	for version, flat := range map[string]bool{"v2": true, "v3": false} {
		paths := []any{path("canister_ranges", subnet.Bytes()), path("subnet")}
		code, body := n.post("/api/"+version+"/subnet/"+subnet.String()+"/read_state", seal(content("read_state", anonymous, fieldsOf{"paths": paths}), anonymous, anonymous))
		if code != 200 {
			t.Fatalf("%s: %d %s", version, code, body)
		}
		tree := n.certified(n.decode(body).Certificate).Tree
		found := func(labels ...[]byte) []byte {
			v, result := tree.Lookup(labels...)
			if result != hashtree.Found {
				t.Errorf("%s: %q is %s", version, labels, result)
			}
			return v
		}
		ranges, err := certificate.DecodeRanges(found([]byte("canister_ranges"), subnet.Bytes(), principal.Canister(0).Bytes()))
		if err != nil || len(ranges) != 1 || !ranges[0].Contains(target) {
			t.Errorf("%s: ranges %v, %v", version, ranges, err)
		}
		at := func(labels ...string) [][]byte {
			out := [][]byte{[]byte("subnet"), subnet.Bytes()}
			for _, l := range labels {
				out = append(out, []byte(l))
			}
			return out
		}
		if _, result := tree.Lookup(at("canister_ranges")...); (result == hashtree.Found) != flat || !flat && result != hashtree.Absent {
			t.Errorf("%s: ranges in one list are %s", version, result)
		}
		if kind := found(at("type")...); string(kind) != "application" {
			t.Errorf("%s: type %q", version, kind)
		}
		var metrics struct {
			Canisters uint64            `cbor:"num_canisters"`
			Bytes     uint64            `cbor:"canister_state_bytes"`
			Cycles    map[string]uint64 `cbor:"consumed_cycles_total"`
			Updates   uint64            `cbor:"update_transactions_total"`
		}
		if err := cbor.Unmarshal(found(at("metrics")...), &metrics); err != nil || metrics.Canisters != 1 || metrics.Bytes != 2 ||
			metrics.Cycles["low"] != 3 || metrics.Cycles["high"] != 4 || metrics.Updates != 5 {
			t.Errorf("%s: metrics %+v, %v", version, metrics, err)
		}
	}
	c := content("read_state", anonymous, fieldsOf{"paths": []any{path("subnet")}})
	if code, _ := n.post("/api/v3/subnet/"+alice.Sender().String()+"/read_state", seal(c, anonymous, anonymous)); code != 400 {
		t.Errorf("an unknown subnet: %d", code)
	}
}

// TestCertificatesProveNoMore: what was asked for is found or proved to be absent, and of
// the rest a certificate says nothing.
func TestCertificatesProveNoMore(t *testing.T) {
	t.Parallel()
	n := start(t)
	c := content("call", alice, fieldsOf{"method_name": "reject"})
	if code, body := n.post(at("/api/v4/canister/ID/call"), seal(c, alice, alice)); code != 200 {
		t.Fatalf("%d %s", code, body)
	}
	hash := hashOf(c)
	id, request := target.Bytes(), hash[:]
	first, last, odd := make([]byte, 32), bytes.Repeat([]byte{255}, 32), bytes.Repeat([]byte{0, 255}, 16)
	const found, absent, unknown = hashtree.Found, hashtree.Absent, hashtree.Unknown
	for _, tc := range []struct {
		asked, looked []any
		want          hashtree.Result
	}{
		{path("time"), path("canister", id, "controllers"), unknown},
		{path("time"), path("request_status", request, "status"), unknown},
		{path("time"), path("subnet", n.keys.Subnet().Bytes(), "public_key"), unknown},
		{path("canister", id, "controllers"), path("canister", id, "controllers"), found},
		{path("canister", id, "controllers"), path("canister", id, "module_hash"), unknown},
		{path("canister", id, "controllers"), path("canister", other.Bytes(), "controllers"), unknown},
		{path("canister", id, "module_hash"), path("canister", id, "metadata", "secret"), unknown},
		{path("canister", id, "metadata", "none"), path("canister", id, "metadata", "none"), absent},
		{path("canister", id, "metadata", "candid:service"), path("canister", id, "metadata", "secret"), unknown},
		{path("canister", id, "canister_creation_timestamp"), path("canister", id, "canister_creation_timestamp"), found},
		{path("canister", id, "last_install_timestamp"), path("canister", id, "last_install_timestamp"), found},
		{path("request_status", request, "status"), path("request_status", request, "status"), found},
		{path("request_status", request, "status"), path("request_status", request, "error_code"), unknown},
		{path("request_status", request, "reply"), path("request_status", request, "reply"), absent},
		{path("request_status", request), path("request_status", request, "error_code"), found},
		{path("request_status", request), path("request_status", odd, "status"), unknown},
		{path("request_status", first), path("request_status", first, "status"), absent},
		{path("request_status", last), path("request_status", last, "status"), absent},
		{path("request_status", odd, "reply"), path("request_status", odd, "reply"), absent},
		{path("request_status", odd), path("request_status", request), unknown},
		{path("api_boundary_nodes"), path("api_boundary_nodes", id, "domain"), absent},
	} {
		tree := n.readState("v3", alice, tc.asked...)
		var labels [][]byte
		for _, l := range tc.looked {
			labels = append(labels, l.([]byte))
		}
		if _, got := tree.Lookup(labels...); got != tc.want {
			t.Errorf("asked for %q, %q is %s, want %s", tc.asked, tc.looked, got, tc.want)
		}
	}
	none := seal(content("read_state", alice, fieldsOf{"paths": []any{path("canister", other.Bytes(), "module_hash")}}), alice, alice)
	code, body := n.post("/api/v3/canister/"+other.String()+"/read_state", none)
	if code != 200 {
		t.Fatalf("%d %s", code, body)
	}
	tree := n.certified(n.decode(body).Certificate).Tree
	if _, got := tree.Lookup([]byte("canister"), other.Bytes(), []byte("module_hash")); got != absent {
		t.Errorf("a canister that is not there is %s", got)
	}
	if _, got := tree.Lookup([]byte("canister"), id, []byte("module_hash")); got != unknown {
		t.Errorf("another canister is %s", got)
	}
}
