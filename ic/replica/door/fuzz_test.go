package door

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/fxamacker/cbor/v2"

	"assay/ic/certificate"
	"assay/ic/certificate/hashtree"
	"assay/ic/replica/signature"
)

// FuzzDecodeRequest: any bytes, a request or an error.
func FuzzDecodeRequest(f *testing.F) {
	f.Add(must(modesEncode(seal(content("call", alice, nil), alice, alice))))
	f.Add(must(modesEncode(seal(content("query", alice, nil), alice, bob, delegate(alice, bob, fieldsOf{"targets": []any{target.Bytes()}})))))
	f.Add(must(modesEncode(seal(content("read_state", anonymous, fieldsOf{"paths": []any{path("time")}}), anonymous, anonymous))))
	f.Add(must(modesEncode(seal(content("call", alice, fieldsOf{"sender_info": fieldsOf{"info": []byte{1}, "signer": other.Bytes(), "sig": []byte{2}}}), alice, alice))))
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := decodeRequest(b)
		if err != nil {
			return
		}
		if _, err := r.validate(noon, signature.NewVerifier(nil)); err == nil && !r.sender.IsAnonymous() && r.signature == nil {
			t.Fatalf("a request of %s is valid without a signature", r.sender)
		}
	})
}

// FuzzDelegation: no delegation that alice did not sign makes bob's signature hers.
func FuzzDelegation(f *testing.F) {
	e := seal(content("call", alice, nil), alice, bob)
	f.Add(must(modesEncode([]fieldsOf{delegate(carol, bob, nil)})))
	f.Add(must(modesEncode([]fieldsOf{delegate(bob, carol, fieldsOf{"targets": []any{target.Bytes()}}), delegate(carol, bob, fieldsOf{"permissions": "all"})})))
	v := signature.NewVerifier(nil)
	f.Fuzz(func(t *testing.T, chain []byte) {
		if cbor.Wellformed(chain) != nil {
			return
		}
		e["sender_delegation"] = cbor.RawMessage(chain)
		b, err := modesEncode(e)
		if err != nil {
			return
		}
		r, err := decodeRequest(b)
		if err != nil {
			return
		}
		if _, err := r.validate(noon, v); err == nil {
			t.Errorf("%x delegates from alice to bob", chain)
		}
	})
}

// FuzzPaths: whatever paths are asked for, certificates are well formed and show nothing
// that is not for everybody.
func FuzzPaths(f *testing.F) {
	id := target.Bytes()
	for _, paths := range [][]any{
		{path("time")},
		{path("canister", id, "controllers"), path("canister", id, "metadata", "candid:service")},
		{path("canister", id, "metadata", "secret")},
		{path("canister", id, "certified_data")},
		{path("request_status", make([]byte, 32), "reply")},
		{path("subnet"), path("api_boundary_nodes")},
		{path()},
	} {
		f.Add(must(modesEncode(paths)))
	}
	n := start(f)
	f.Fuzz(func(t *testing.T, paths []byte) {
		if cbor.Wellformed(paths) != nil {
			return
		}
		body, err := modesEncode(fieldsOf{"content": fieldsOf{
			"request_type": "read_state", "sender": []byte{4}, "ingress_expiry": uint64(0), "paths": cbor.RawMessage(paths),
		}})
		if err != nil {
			return
		}
		for _, url := range []string{at("/api/v3/canister/ID/read_state"), "/api/v2/subnet/" + n.keys.Subnet().String() + "/read_state"} {
			q := httptest.NewRequest(http.MethodPost, url, bytes.NewReader(body))
			q.Header.Set("Content-Type", "application/cbor")
			w := httptest.NewRecorder()
			n.server.Config.Handler.ServeHTTP(w, q)
			if w.Code != 200 {
				if w.Code >= 500 {
					t.Errorf("%d %s", w.Code, w.Body)
				}
				continue
			}
			var a answer
			if err := cbor.Unmarshal(w.Body.Bytes()[len(selfDescribe):], &a); err != nil {
				t.Fatal(err)
			}
			c, err := certificate.Decode(a.Certificate)
			if err != nil {
				t.Fatal(err)
			}
			for _, secret := range [][]string{{"metadata", "secret"}, {"certified_data"}} {
				labels := [][]byte{[]byte("canister"), id}
				for _, s := range secret {
					labels = append(labels, []byte(s))
				}
				if v, result := c.Tree.Lookup(labels...); result == hashtree.Found {
					t.Errorf("%q is shown: %q", labels, v)
				}
			}
			if _, result := c.Tree.Lookup([]byte("time")); result != hashtree.Found {
				t.Errorf("time is %s", result)
			}
		}
	})
}
