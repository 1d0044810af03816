package door

import (
	"strings"
	"testing"

	"assay/ic/certificate"
	"assay/ic/certificate/hashtree"
	"assay/ic/principal"
	"assay/ic/replica/signature/signaturetest"
)

func webAuthn(a *signaturetest.Authenticator) signer { return signer{a.DER, a.Sign} }

// canisterSigner signs as the canister of an id does, with the certificates of a network.
func (n *network) canisterSigner(id principal.Principal, seed string) signer {
	n.t.Helper()
	return signer{signaturetest.CanisterKey(n.t, id, seed), func(payload []byte) []byte {
		tree := signaturetest.SignatureTree(n.t, seed, payload)
		root := tree.Digest()
		signed, err := hashtree.NewBuilder().
			Set(certificate.AppendNat(nil, uint64(noon.UnixNano())), []byte("time")).
			Set(root[:], []byte("canister"), id.Bytes(), []byte("certified_data")).Tree()
		if err != nil {
			n.t.Fatal(err)
		}
		return signaturetest.CanisterSignature(must(n.keys.Certify(signed, true)), tree)
	}}
}

func TestEveryScheme(t *testing.T) {
	t.Parallel()
	n := start(t)
	es, rs, ed := webAuthn(signaturetest.NewES256(t)), webAuthn(signaturetest.NewRS256(t)), webAuthn(signaturetest.NewEdDSA(t))
	own := n.canisterSigner(other, "seed")
	for name, by := range map[string]signer{"Ed25519": alice, "secp256k1": bob, "P-256": carol, "ES256": es, "RS256": rs, "EdDSA": ed, "canister": own} {
		for _, kind := range []string{"v4/canister/ID/call", "v2/canister/ID/call", "v3/canister/ID/query", "v3/canister/ID/read_state"} {
			request := kind[strings.LastIndexByte(kind, '/')+1:]
			more := fieldsOf{}
			if request == "read_state" {
				more["paths"] = []any{path("time")}
			}
			e := seal(content(request, by, more), by, by)
			if code, body := n.post(at("/api/"+kind), e); code != 200 && code != 202 {
				t.Errorf("%s at %s: %d %s", name, kind, code, body)
			}
			e["sender_sig"] = by.sign([]byte("something else"))
			if code, body := n.post(at("/api/"+kind), e); code != 400 || !strings.Contains(string(body), "signature") {
				t.Errorf("%s at %s, another payload signed: %d %s", name, kind, code, body)
			}
		}
	}
	for name, e := range map[string]fieldsOf{
		"through every scheme": seal(content("call", own, nil), own, carol,
			delegate(own, es, nil), delegate(es, rs, nil), delegate(rs, ed, nil), delegate(ed, alice, nil), delegate(alice, bob, nil), delegate(bob, carol, nil)),
		"to a canister": seal(content("call", alice, nil), alice, own, delegate(alice, own, nil)),
	} {
		if code, body := n.post(at("/api/v4/canister/ID/call"), e); code != 200 {
			t.Errorf("%s: %d %s", name, code, body)
		}
	}
	stranger := start(t).canisterSigner(other, "seed")
	if code, body := n.post(at("/api/v4/canister/ID/call"), seal(content("call", stranger, nil), stranger, stranger)); code != 400 {
		t.Errorf("a canister of another network: %d %s", code, body)
	}
}

func TestSenderInfo(t *testing.T) {
	t.Parallel()
	n := start(t)
	own := n.canisterSigner(other, "seed")
	said := func(by signer) fieldsOf {
		return fieldsOf{"info": []byte("a name"), "signer": other.Bytes(), "sig": by.sign([]byte("\x0eic-sender-infoa name"))}
	}
	with := func(info fieldsOf, name string, v any) fieldsOf {
		out := fieldsOf{}
		for k, x := range info {
			out[k] = x
		}
		if out[name] = v; v == nil {
			delete(out, name)
		}
		return out
	}
	call := func(by signer, info any) fieldsOf { return content("call", by, fieldsOf{"sender_info": info}) }
	for _, c := range []struct {
		name string
		e    fieldsOf
		want string
	}{
		{"signed", seal(call(own, said(own)), own, own), ""},
		{"through a delegation", seal(call(own, said(own)), own, alice, delegate(own, alice, nil)), ""},
		{"empty", seal(call(own, fieldsOf{"info": []byte{}, "signer": other.Bytes(), "sig": own.sign([]byte("\x0eic-sender-info"))}), own, own), ""},
		{"of another text", seal(call(own, with(said(own), "info", []byte("x"))), own, own), "sender_info"},
		{"of another canister", seal(call(own, with(said(own), "signer", target.Bytes())), own, own), "sender_info"},
		{"of another seed", seal(call(own, said(n.canisterSigner(other, "x"))), own, own), "sender_info"},
		{"without a signature", seal(call(own, with(said(own), "sig", nil)), own, own), "sig"},
		{"with more", seal(call(own, with(said(own), "x", []byte{1})), own, own), "not known"},
		{"not a map", seal(call(own, "a name"), own, own), "sender_info"},
		{"of a plain key", seal(call(alice, said(own)), alice, alice), "sender_info"},
		{"of nobody", seal(call(anonymous, said(own)), anonymous, anonymous), "must not be signed"},
		{"in read_state", seal(content("read_state", own, fieldsOf{"paths": []any{}, "sender_info": said(own)}), own, own), "not known"},
	} {
		url := at("/api/v4/canister/ID/call")
		if c.e["content"].(fieldsOf)["request_type"] == "read_state" {
			url = at("/api/v3/canister/ID/read_state")
		}
		code, body := n.post(url, c.e)
		if c.want == "" && code != 200 || c.want != "" && (code != 400 || !strings.Contains(string(body), c.want)) {
			t.Errorf("%s: %d %s, want %q", c.name, code, body, c.want)
		}
	}
	e := seal(call(own, said(own)), own, own)
	if code, body := n.post(at("/api/v4/canister/ID/call"), e); code != 200 {
		t.Fatalf("%d %s", code, body)
	}
	n.engine.mu.Lock()
	defer n.engine.mu.Unlock()
	if info := n.engine.mu.last.Info; string(info.Data) != "a name" || info.Signer != other {
		t.Errorf("the engine gets %q of %s", info.Data, info.Signer)
	}
}
