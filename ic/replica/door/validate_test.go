package door

import (
	"math/big"
	"strings"
	"testing"
	"time"

	"github.com/consensys/gnark-crypto/ecc/secp256k1/fr"

	"assay/ic/principal"
)

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
