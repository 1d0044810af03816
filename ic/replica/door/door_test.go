package door

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"net/http"
	"strings"
	"testing"

	"assay/ic/certificate/hashtree"
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
