package door

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"fmt"
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/consensys/gnark-crypto/ecc/secp256k1/fr"

	"assay/ic/certificate"
	"assay/ic/certificate/hashtree"
	"assay/ic/principal"
	"assay/ic/replica/signature"
	"assay/ic/replica/state"
)

func metadata() map[string]state.Metadata {
	return map[string]state.Metadata{
		"candid:service": {Public: true, Value: []byte("service : {}")},
		"secret":         {Value: []byte("for controllers")},
	}
}

func at(path string) string { return strings.ReplaceAll(path, "ID", target.String()) }

func TestRequestID(t *testing.T) {
	t.Parallel()
	id := hashOf(fieldsOf{
		"request_type": "call", "sender": []byte{4}, "ingress_expiry": uint64(1685570400000000000),
		"canister_id": []byte{0, 0, 0, 0, 0, 0, 4, 0xd2}, "method_name": "hello", "arg": []byte("DIDL\x00\xfd*"),
	})
	if got := hex.EncodeToString(id[:]); got != "1d1091364d6bb8a6c16b203ee75467d59ead468f523eb058880ae8ec80e2b101" {
		t.Errorf("request id %s", got)
	}
}

func TestCallAndAnswer(t *testing.T) {
	t.Parallel()
	n := start(t)
	for _, by := range []signer{anonymous, alice, bob, carol} {
		for _, version := range []string{"v3", "v4"} {
			c := content("call", by, nil)
			code, body := n.post(at("/api/"+version+"/canister/ID/call"), seal(c, by, by))
			if code != 200 {
				t.Fatalf("%s: %d %s", version, code, body)
			}
			a := n.decode(body)
			cert := n.certified(a.Certificate)
			id := hashOf(c)
			reply, result := cert.Tree.Lookup([]byte("request_status"), id[:], []byte("reply"))
			if a.Status != "replied" || result != hashtree.Found || string(reply) != "hello" {
				t.Errorf("%s of %s: %q, reply %q %v", version, by.Sender(), a.Status, reply, result)
			}
			_, flat := cert.Delegation.Certificate.Tree.Lookup([]byte("subnet"), n.keys.Subnet().Bytes(), []byte("canister_ranges"))
			if (flat == hashtree.Found) != (version == "v3") {
				t.Errorf("%s: flat ranges %v", version, flat)
			}
		}
	}
}

func TestCallShapes(t *testing.T) {
	t.Parallel()
	n := start(t)
	call := func(version, method string) (int, []byte, fieldsOf) {
		c := content("call", alice, fieldsOf{"method_name": method})
		code, body := n.post(at("/api/"+version+"/canister/ID/call"), seal(c, alice, alice))
		return code, body, c
	}
	if code, body, _ := call("v2", "echo"); code != 202 || len(body) != 0 {
		t.Errorf("asynchronous call: %d %q", code, body)
	}
	if code, body, _ := call("v4", "slow"); code != 202 || len(body) != 0 {
		t.Errorf("call without an answer in time: %d %q", code, body)
	}
	code, body, c := call("v4", "reject")
	a, id := n.decode(body), hashOf(c)
	tree := n.certified(a.Certificate).Tree
	for name, want := range map[string]string{"status": "rejected", "reject_code": "\x05", "reject_message": "trapped", "error_code": "IC0503"} {
		if got, _ := tree.Lookup([]byte("request_status"), id[:], []byte(name)); string(got) != want {
			t.Errorf("rejected call, %s: %q, want %q", name, got, want)
		}
	}
	if code != 200 || a.Status != "replied" {
		t.Errorf("rejected call: %d %q", code, a.Status)
	}
	for _, version := range []string{"v2", "v4"} {
		code, body, _ := call(version, "refuse")
		a := n.decode(body)
		wantStatus := map[string]string{"v2": "", "v4": "non_replicated_rejection"}[version]
		if code != 200 || a.Status != wantStatus || a.Code != 4 || a.Message != "inspected" || a.ErrorCode != "IC0406" {
			t.Errorf("%s refused call: %d %+v", version, code, a)
		}
	}
}

func TestReplayRunsOnce(t *testing.T) {
	t.Parallel()
	n := start(t)
	e := seal(content("call", alice, nil), alice, alice)
	for range 3 {
		if code, body := n.post(at("/api/v4/canister/ID/call"), e); code != 200 {
			t.Fatalf("%d %s", code, body)
		}
	}
	if n.engine.mu.calls != 1 {
		t.Errorf("executed %d times", n.engine.mu.calls)
	}
}

func TestQuerySignature(t *testing.T) {
	t.Parallel()
	n := start(t)
	for _, version := range []string{"v2", "v3"} {
		for _, method := range []string{"echo", "reject"} {
			c := content("query", bob, fieldsOf{"method_name": method})
			code, body := n.post(at("/api/"+version+"/canister/ID/query"), seal(c, bob, bob))
			if code != 200 {
				t.Fatalf("%d %s", code, body)
			}
			a, id := n.decode(body), hashOf(c)
			signed := fieldsOf{"status": "replied", "reply": fieldsOf{"arg": []byte("hello")}}
			if method == "reject" {
				signed = fieldsOf{"status": "rejected", "reject_code": uint64(3), "reject_message": "no such method", "error_code": "IC0536"}
			}
			signed["timestamp"], signed["request_id"] = uint64(noon.UnixNano()), id[:]
			hash := hashOf(signed)
			key := n.nodeKey(version, a.Signatures[0].Identity)
			if len(a.Signatures) != 1 || !ed25519.Verify(key, append([]byte("\x0bic-response"), hash[:]...), a.Signatures[0].Signature) {
				t.Errorf("%s %s: the node's signature does not match %+v", version, method, a)
			}
		}
	}
}

// nodeKey reads the key of a node as agents do.
func (n *network) nodeKey(version string, node []byte) ed25519.PublicKey {
	n.t.Helper()
	tree := n.readState(version, anonymous, "subnet")
	der, result := tree.Lookup([]byte("subnet"), n.keys.Subnet().Bytes(), []byte("node"), node, []byte("public_key"))
	if result != hashtree.Found {
		n.t.Fatalf("node key: %v", result)
	}
	return der[len(der)-ed25519.PublicKeySize:]
}

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

func TestReadStateRefusals(t *testing.T) {
	t.Parallel()
	n := start(t)
	long := make([]any, maxLabels+1)
	many := make([]any, maxPaths+1)
	for i := range long {
		long[i] = []byte{1}
	}
	for i := range many {
		many[i] = path("time")
	}
	for _, c := range []struct {
		name  string
		want  int
		paths []any
	}{
		{"empty path", 404, []any{path()}},
		{"unknown root", 404, []any{path("streams")}},
		{"time with more", 404, []any{path("time", "x")}},
		{"certified data", 404, []any{path("canister", target.Bytes(), "certified_data")}},
		{"another canister", 400, []any{path("canister", other.Bytes(), "module_hash")}},
		{"private metadata", 403, []any{path("canister", target.Bytes(), "metadata", "secret")}},
		{"metadata not UTF-8", 400, []any{path("canister", target.Bytes(), "metadata", []byte{0xff})}},
		{"short request id", 400, []any{path("request_status", []byte{1})}},
		{"two request ids", 400, []any{path("request_status", make([]byte, 32)), path("request_status", bytes.Repeat([]byte{1}, 32))}},
		{"long path", 400, []any{long}},
		{"many paths", 400, many},
		{"label that is text", 400, []any{[]any{"time"}}},
	} {
		if code, body := n.read("v3", anonymous, c.paths...); code != c.want || len(body) == 0 {
			t.Errorf("%s: %d %s, want %d", c.name, code, body, c.want)
		}
	}
}

func TestReadSubnet(t *testing.T) {
	t.Parallel()
	n := start(t)
	for version, ranges := range map[string][]any{
		"v2": path("subnet", n.keys.Subnet().Bytes(), "canister_ranges"),
		"v3": path("canister_ranges", n.keys.Subnet().Bytes()),
	} {
		c := content("read_state", anonymous, fieldsOf{"paths": []any{ranges, path("subnet")}})
		url := "/api/" + version + "/subnet/" + n.keys.Subnet().String() + "/read_state"
		code, body := n.post(url, seal(c, anonymous, anonymous))
		if code != 200 {
			t.Fatalf("%s: %d %s", version, code, body)
		}
		tree := n.certified(n.decode(body).Certificate).Tree
		labels := [][]byte{[]byte("subnet"), n.keys.Subnet().Bytes(), []byte("canister_ranges")}
		if version == "v3" {
			labels = [][]byte{[]byte("canister_ranges"), n.keys.Subnet().Bytes(), principal.Canister(0).Bytes()}
		}
		if v, result := tree.Lookup(labels...); result != hashtree.Found {
			t.Errorf("%s: ranges %x %v", version, v, result)
		}
	}
	c := content("read_state", anonymous, fieldsOf{"paths": []any{path("subnet")}})
	if code, _ := n.post("/api/v3/subnet/"+alice.Sender().String()+"/read_state", seal(c, anonymous, anonymous)); code != 400 {
		t.Errorf("an unknown subnet: %d", code)
	}
}

func TestStatusAndHeaders(t *testing.T) {
	t.Parallel()
	n := start(t)
	res, err := http.Get(n.server.URL + "/api/v2/status")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var status struct {
		RootKey []byte `cbor:"root_key"`
		Health  string `cbor:"replica_health_status"`
	}
	dec, _ := modes()
	body := make([]byte, 1000)
	size, _ := res.Body.Read(body)
	if err := dec.Unmarshal(body[3:size], &status); err != nil && !strings.Contains(err.Error(), "unknown field") {
		t.Fatal(err)
	}
	if !bytes.Contains(body, n.keys.RootKey()) || !bytes.Contains(body, []byte("healthy")) {
		t.Errorf("status %x", body[:size])
	}
	if res.Header.Get("Access-Control-Allow-Origin") != "*" || res.Header.Get("Content-Type") != "application/cbor" {
		t.Errorf("headers %v", res.Header)
	}
	req, err := http.NewRequestWithContext(t.Context(), http.MethodOptions, n.server.URL+at("/api/v4/canister/ID/call"), nil)
	if err != nil {
		t.Fatal(err)
	}
	pre, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer pre.Body.Close()
	if pre.StatusCode >= 300 || !strings.Contains(pre.Header.Get("Access-Control-Allow-Headers"), "Content-Type") {
		t.Errorf("preflight: %d %v", pre.StatusCode, pre.Header)
	}
}

func TestHTTPRefusals(t *testing.T) {
	t.Parallel()
	n := start(t)
	good := must(modesEncode(seal(content("call", alice, nil), alice, alice)))
	for _, c := range []struct {
		name, path, contentType string
		body                    []byte
		want                    int
	}{
		{"content type", at("/api/v4/canister/ID/call"), "application/json", good, 400},
		{"canister id", "/api/v4/canister/nobody/call", "application/cbor", good, 400},
		{"too large", at("/api/v4/canister/ID/call"), "application/cbor", make([]byte, maxCall+1), 413},
		{"not CBOR", at("/api/v4/canister/ID/call"), "application/cbor", []byte("hello"), 400},
		{"empty", at("/api/v4/canister/ID/call"), "application/cbor", nil, 400},
		{"call at query", at("/api/v3/canister/ID/query"), "application/cbor", good, 400},
		{"unknown endpoint", at("/api/v5/canister/ID/call"), "application/cbor", good, 404},
		{"another canister", "/api/v4/canister/" + other.String() + "/call", "application/cbor", good, 400},
	} {
		if code, body := n.postRaw(c.path, c.contentType, c.body); code != c.want {
			t.Errorf("%s: %d %s, want %d", c.name, code, body, c.want)
		}
	}
	if code, body := n.postRaw(at("/api/v4/canister/ID/call"), "Application/CBOR", good); code != 200 {
		t.Errorf("without the tag, another case of the content type: %d %s", code, body)
	}
}

func modesEncode(v any) ([]byte, error) {
	_, enc := modes()
	return enc.Marshal(v)
}

func TestIngressChecks(t *testing.T) {
	t.Parallel()
	n := start(t)
	expiry := func(d time.Duration) fieldsOf { return fieldsOf{"ingress_expiry": uint64(noon.Add(d).UnixNano())} }
	own := func(kind string, by signer, more fieldsOf) fieldsOf { return seal(content(kind, by, more), by, by) }
	with := func(e fieldsOf, name string, v any) fieldsOf {
		if v == nil {
			delete(e, name)
		} else {
			e[name] = v
		}
		return e
	}
	highS := func() fieldsOf {
		e := own("call", bob, nil)
		sig := e["sender_sig"].([]byte)
		e["sender_sig"] = append(append([]byte{}, sig[:32]...), flipS(sig[32:])...)
		return e
	}()
	for _, c := range []struct {
		name string
		e    fieldsOf
		want string // part of the refusal; empty: taken
	}{
		{"now", own("call", alice, expiry(0)), ""},
		{"latest", own("call", alice, expiry(maxExpiry+drift)), ""},
		{"expired", own("call", alice, expiry(-1)), "Invalid request expiry: "},
		{"too far ahead", own("call", alice, expiry(maxExpiry+drift+1)), "Invalid request expiry: "},
		{"anonymous call expired", own("call", anonymous, expiry(-1)), "Invalid request expiry: "},
		{"anonymous query expired", own("query", anonymous, expiry(-1)), ""},
		{"signed query expired", own("query", alice, expiry(-1)), "Invalid request expiry: "},
		{"anonymous read expired", own("read_state", anonymous, fieldsOf{"paths": []any{}, "ingress_expiry": uint64(0)}), ""},
		{"long nonce", own("call", alice, fieldsOf{"nonce": make([]byte, 33)}), "nonce"},
		{"no nonce", own("call", alice, fieldsOf{"nonce": nil}), ""},
		{"no signature", with(own("call", alice, nil), "sender_sig", nil), "must have a public key and a signature"},
		{"no key", with(own("call", alice, nil), "sender_pubkey", nil), "must have a public key and a signature"},
		{"signed anonymous", with(with(own("call", anonymous, nil), "sender_sig", []byte{1}), "sender_pubkey", alice.der), "must not be signed"},
		{"other key", seal(content("call", alice, nil), bob, bob), "does not match the public key"},
		{"other signature", seal(content("call", alice, nil), alice, carol), "signature"},
		{"short signature", with(own("call", carol, nil), "sender_sig", []byte{1, 2}), "signature"},
		{"high s on secp256k1", highS, ""},
		{"unknown field", own("call", alice, fieldsOf{"sender_info": "x"}), "sender_info"},
		{"wrong type", own("call", alice, fieldsOf{"arg": "text"}), "arg"},
		{"missing method", own("call", alice, fieldsOf{"method_name": nil}), "method_name"},
		{"unknown request type", own("upgrade", alice, nil), "request_type"},
	} {
		kind := c.e["content"].(fieldsOf)["request_type"].(string)
		endpoint := map[string]string{"call": "v4/canister/ID/call", "query": "v3/canister/ID/query", "read_state": "v3/canister/ID/read_state"}[kind]
		if endpoint == "" {
			endpoint = "v4/canister/ID/call"
		}
		code, body := n.post(at("/api/"+endpoint), c.e)
		if c.want == "" && code != 200 || c.want != "" && (code != 400 || !strings.Contains(string(body), c.want)) {
			t.Errorf("%s: %d %s, want %q", c.name, code, body, c.want)
		}
	}
}

func TestDelegations(t *testing.T) {
	t.Parallel()
	n := start(t)
	targets := func(ids ...principal.Principal) fieldsOf {
		var list []any
		for _, id := range ids {
			list = append(list, id.Bytes())
		}
		return fieldsOf{"targets": list}
	}
	var chain []fieldsOf
	last := alice
	for range maxDelegations + 1 {
		next := p256()
		chain = append(chain, delegate(last, next, nil))
		last = next
	}
	call := content("call", alice, nil)
	expired := fieldsOf{"expiration": uint64(noon.Add(-1).UnixNano())}
	tooMany := make([]any, maxTargets+1)
	for i := range tooMany {
		tooMany[i] = target.Bytes()
	}
	for _, c := range []struct {
		name string
		e    fieldsOf
		want string
	}{
		{"one", seal(content("call", alice, nil), alice, carol, delegate(alice, carol, nil)), ""},
		{"three kinds of keys", seal(content("call", alice, nil), alice, carol, delegate(alice, bob, nil), delegate(bob, carol, fieldsOf{"permissions": "all"})), ""},
		{"for the canister", seal(call, alice, bob, delegate(alice, bob, targets(other, target))), ""},
		{"for another", seal(call, alice, bob, delegate(alice, bob, targets(other))), "not good for canister"},
		{"targets that do not meet", seal(call, alice, carol, delegate(alice, bob, targets(target)), delegate(bob, carol, targets(other))), "not good for canister"},
		{"no targets left", seal(call, alice, bob, delegate(alice, bob, fieldsOf{"targets": []any{}})), "not good for canister"},
		{"too many targets", seal(call, alice, bob, delegate(alice, bob, fieldsOf{"targets": tooMany})), "1000"},
		{"expired", seal(call, alice, bob, delegate(alice, bob, expired)), "expired"},
		{"queries only", seal(call, alice, bob, delegate(alice, bob, fieldsOf{"permissions": "queries"})), "queries only"},
		{"unknown permission", seal(call, alice, bob, delegate(alice, bob, fieldsOf{"permissions": "some"})), "permissions"},
		{"signed by another", seal(call, alice, bob, delegate(carol, bob, nil)), "invalid delegation 0"},
		{"request signed by the owner", seal(call, alice, alice, delegate(alice, bob, nil)), "signature"},
		{"a key twice", seal(call, alice, alice, delegate(alice, bob, nil), delegate(bob, alice, nil)), "twice"},
		{"too long", seal(call, alice, last, chain...), "more than 20"},
		{"broken link", seal(call, alice, carol, delegate(alice, bob, nil), delegate(alice, carol, nil)), "invalid delegation 1"},
	} {
		code, body := n.post(at("/api/v4/canister/ID/call"), c.e)
		if c.want == "" && code != 200 || c.want != "" && (code != 400 || !strings.Contains(string(body), c.want)) {
			t.Errorf("%s: %d %s, want %q", c.name, code, body, c.want)
		}
	}
	query := seal(content("query", alice, nil), alice, bob, delegate(alice, bob, fieldsOf{"permissions": "queries"}))
	if code, body := n.post(at("/api/v3/canister/ID/query"), query); code != 200 {
		t.Errorf("a query with a delegation for queries: %d %s", code, body)
	}
}

// flipS is the other value of s for which a signature on secp256k1 holds.
func flipS(s []byte) []byte {
	return new(big.Int).Sub(fr.Modulus(), new(big.Int).SetBytes(s)).FillBytes(make([]byte, 32))
}

// FuzzDecodeRequest: any bytes, a request or an error.
func FuzzDecodeRequest(f *testing.F) {
	f.Add(must(modesEncode(seal(content("call", alice, nil), alice, alice))))
	f.Add(must(modesEncode(seal(content("query", alice, nil), alice, bob, delegate(alice, bob, fieldsOf{"targets": []any{target.Bytes()}})))))
	f.Add(must(modesEncode(seal(content("read_state", anonymous, fieldsOf{"paths": []any{path("time")}}), anonymous, anonymous))))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeRequest(b)
		if err != nil {
			return
		}
		if _, err := r.validate(noon, signature.NewVerifier(nil)); err == nil && !r.sender.IsAnonymous() && r.signature == nil {
			t.Fatal(fmt.Errorf("a request of %s is valid without a signature", r.sender))
		}
	})
}
