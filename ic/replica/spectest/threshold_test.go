package spectest_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/hex"
	"math/big"

	"github.com/consensys/gnark-crypto/ecc/secp256k1"
	"github.com/consensys/gnark-crypto/ecc/secp256k1/ecdsa"
	"github.com/consensys/gnark-crypto/ecc/secp256k1/fp"

	"assay/ic/candid/text"
	"assay/ic/principal"
)

// paying makes a management call with more than enough cycles.
func (w *world) paying(a principal.Principal, method string, pairs ...any) outcome {
	w.Helper()
	return w.update(a, relay(call{To: principal.Management, Method: method, Cycles: trillion, Arg: argument(method, pairs...)}))
}

var (
	ecdsaKey   = fields("curve", tag("secp256k1"), "name", "test_key_1")
	ed25519Key = fields("algorithm", tag("ed25519"), "name", "test_key_1")
	bip340Key  = fields("algorithm", tag("bip340secp256k1"), "name", "test_key_1")
	vetKey     = fields("curve", tag("bls12_381_g2"), "name", "test_key_1")
)

// holdsECDSA verifies r and s with a compressed public key.
func holdsECDSA(w *world, key, hash, signature []byte) bool {
	w.Helper()
	if len(key) != 33 || key[0]&^1 != 2 || len(signature) != 64 {
		w.Fatalf("%s: key %x, signature %x", w.section, key, signature)
	}
	var point secp256k1.G1Affine
	var seven fp.Element
	point.X.SetBytes(key[1:])
	point.Y.Square(&point.X).Mul(&point.Y, &point.X).Add(&point.Y, seven.SetUint64(7)).Sqrt(&point.Y)
	if point.Y.BigInt(new(big.Int)).Bit(0) != uint(key[0]&1) {
		point.Y.Neg(&point.Y)
	}
	public := ecdsa.PublicKey{A: point}
	ok, err := public.Verify(signature, hash, nil)
	return ok && err == nil
}

func path1(parts ...string) text.Value {
	out := []any{}
	for _, p := range parts {
		out = append(out, []byte(p))
	}
	return candidOf(out)
}

func init() {
	describe("threshold keys", "management canister",
		row{"IC method ecdsa_public_key", "a compressed key and a chain code, by canister and path", func(w *world) {
			a, b := w.canister(), w.canister()
			key := func(of any, path text.Value) []byte {
				r := w.viaCanister(a, "ecdsa_public_key", "canister_id", of, "derivation_path", path, "key_id", ecdsaKey).result("ecdsa_public_key")
				if n := len(r.at("chain_code").bytes()); n != 32 {
					w.Errorf("a chain code of %d bytes", n)
				}
				return r.at("public_key").bytes()
			}
			own := key(nil, path1())
			if !bytes.Equal(own, key(a, path1())) || bytes.Equal(own, key(b, path1())) || bytes.Equal(own, key(nil, path1("x"))) || bytes.Equal(own, key(nil, path1(""))) {
				w.Error("keys do not follow canister and path")
			}
		}},
		row{"IC method sign_with_ecdsa", "the signature holds for the caller's key alone", func(w *world) {
			a, b := w.canister(), w.canister()
			hash := sha256.Sum256([]byte("message"))
			sig := w.paying(a, "sign_with_ecdsa", "message_hash", hash[:], "derivation_path", path1("p"), "key_id", ecdsaKey).result("sign_with_ecdsa").at("signature").bytes()
			key := func(of principal.Principal, path string) []byte {
				return w.viaCanister(a, "ecdsa_public_key", "canister_id", of, "derivation_path", path1(path), "key_id", ecdsaKey).result("ecdsa_public_key").at("public_key").bytes()
			}
			if !holdsECDSA(w, key(a, "p"), hash[:], sig) {
				w.Error("the signature does not hold")
			}
			if holdsECDSA(w, key(b, "p"), hash[:], sig) || holdsECDSA(w, key(a, "q"), hash[:], sig) {
				w.Error("the signature holds for another key")
			}
		}},
		row{"IC method sign_with_ecdsa", "a hash that is not 32 bytes is rejected", func(w *world) {
			for _, n := range []int{0, 31, 33} {
				rejectedWith(w.paying(w.friend(), "sign_with_ecdsa", "message_hash", make([]byte, n), "derivation_path", path1(), "key_id", ecdsaKey), rejected, failed)
			}
		}},
		row{"IC method sign_with_ecdsa", "sign_with_ecdsa without cycles is rejected", func(w *world) {
			rejectedWith(w.viaCanister(w.canister(), "sign_with_ecdsa", "message_hash", make([]byte, 32), "derivation_path", path1(), "key_id", ecdsaKey), rejected, failed)
		}},
		row{"Cycle cost calculation", "cost_sign_with_ecdsa is what signing takes", func(w *world) {
			a := w.canister()
			cost := w.ask(a, do.Give(wide("cost_sign_with_ecdsa", "test_key_1", 0)).Send()).amounts()[0]
			got := w.update(a, do.Call(call{
				To: principal.Management, Method: "sign_with_ecdsa", Cycles: cost + 1000,
				Arg: argument("sign_with_ecdsa", "message_hash", make([]byte, 32), "derivation_path", path1(), "key_id", ecdsaKey), OnReply: do.Give(wide(refunded)).Send(),
			})).amounts()
			if cost == 0 || got[0] != 1000 {
				w.Errorf("the cost is %d, %d of %d were refunded", cost, got[0], cost+1000)
			}
		}},
		row{"IC method ecdsa_public_key", "a key that is not there is rejected", func(w *world) {
			none := fields("curve", tag("secp256k1"), "name", "no such key")
			rejectedWith(w.viaCanister(w.friend(), "ecdsa_public_key", "derivation_path", path1(), "key_id", none), destination, rejected, failed)
			rejectedWith(w.paying(w.friend(), "sign_with_ecdsa", "message_hash", make([]byte, 32), "derivation_path", path1(), "key_id", none), destination, rejected, failed)
		}},
		row{"IC method ecdsa_public_key", "a path of 255 parts is good, of 256 is rejected", func(w *world) {
			w.viaCanister(w.friend(), "ecdsa_public_key", "derivation_path", path1(make([]string, 255)...), "key_id", ecdsaKey).result("ecdsa_public_key")
			rejectedWith(w.viaCanister(w.friend(), "ecdsa_public_key", "derivation_path", path1(make([]string, 256)...), "key_id", ecdsaKey), rejected, failed)
		}},
		row{"IC method sign_with_schnorr", "an Ed25519 signature holds for the caller's key alone", func(w *world) {
			a, b := w.canister(), w.canister()
			sig := w.paying(a, "sign_with_schnorr", "message", []byte("message"), "derivation_path", path1("p"), "key_id", ed25519Key).result("sign_with_schnorr").at("signature").bytes()
			key := func(of principal.Principal) []byte {
				return w.viaCanister(a, "schnorr_public_key", "canister_id", of, "derivation_path", path1("p"), "key_id", ed25519Key).result("schnorr_public_key").at("public_key").bytes()
			}
			if !ed25519.Verify(key(a), []byte("message"), sig) || ed25519.Verify(key(b), []byte("message"), sig) || ed25519.Verify(key(a), []byte("other"), sig) {
				w.Error("the signature does not hold, or for another key")
			}
		}},
		row{"IC method sign_with_schnorr", "a BIP340 signature has 64 bytes, its key 33", func(w *world) {
			a := w.canister()
			if n := len(w.paying(a, "sign_with_schnorr", "message", []byte("message"), "derivation_path", path1(), "key_id", bip340Key).result("sign_with_schnorr").at("signature").bytes()); n != 64 {
				w.Errorf("a signature of %d bytes", n)
			}
			if n := len(w.viaCanister(a, "schnorr_public_key", "derivation_path", path1(), "key_id", bip340Key).result("schnorr_public_key").at("public_key").bytes()); n != 33 {
				w.Errorf("a key of %d bytes", n)
			}
		}},
		row{"IC method sign_with_schnorr", "bip341 is for BIP340 alone, and its root has 0 or 32 bytes", func(w *world) {
			a := w.canister()
			sign := func(key text.Record, n int) outcome {
				return w.paying(a, "sign_with_schnorr", "message", make([]byte, 32), "derivation_path", path1(), "key_id", key, "aux", tag("bip341", fields("merkle_root_hash", make([]byte, n))))
			}
			sign(bip340Key, 32).result("sign_with_schnorr")
			sign(bip340Key, 0).result("sign_with_schnorr")
			rejectedWith(sign(bip340Key, 31), rejected, failed)
			rejectedWith(sign(ed25519Key, 32), rejected, failed)
		}},
		row{"IC method sign_with_schnorr", "sign_with_schnorr without cycles is rejected", func(w *world) {
			rejectedWith(w.viaCanister(w.canister(), "sign_with_schnorr", "message", []byte("m"), "derivation_path", path1(), "key_id", ed25519Key), rejected, failed)
		}},
		row{"IC method vetkd_public_key", "a key of 96 bytes, by canister and context", func(w *world) {
			a, b := w.canister(), w.canister()
			key := func(of any, context string) []byte {
				return w.viaCanister(a, "vetkd_public_key", "canister_id", of, "context", []byte(context), "key_id", vetKey).result("vetkd_public_key").at("public_key").bytes()
			}
			own := key(nil, "c")
			if len(own) != 96 || !bytes.Equal(own, key(a, "c")) || bytes.Equal(own, key(b, "c")) || bytes.Equal(own, key(a, "d")) || bytes.Equal(own, key(a, "")) {
				w.Errorf("keys do not follow canister and context: %x", own)
			}
		}},
		row{"IC method vetkd_derive_key", "a transport key that is none is rejected", func(w *world) {
			rejectedWith(w.paying(w.friend(), "vetkd_derive_key", "input", []byte("i"), "context", []byte("c"), "transport_public_key", make([]byte, 48), "key_id", vetKey), rejected, failed)
		}},
		row{"IC method vetkd_derive_key", "an encrypted key of 192 bytes, other each time it may be", func(w *world) {
			// The generator of G1, a transport key whose secret is 1.
			generator := must(hex.DecodeString("97f1d3a73197d7942695638c4fa9ac0fc3688c4f9774b905a14e3a3f171bac586c55e83ff97a1aeffb3af00adb22c6bb"))
			got := w.paying(w.canister(), "vetkd_derive_key", "input", []byte("i"), "context", []byte("c"), "transport_public_key", generator, "key_id", vetKey).result("vetkd_derive_key").at("encrypted_key").bytes()
			if len(got) != 192 {
				w.Errorf("%d bytes", len(got))
			}
		}},
		row{"IC method vetkd_derive_key", "vetkd_derive_key without cycles is rejected", func(w *world) {
			rejectedWith(w.viaCanister(w.canister(), "vetkd_derive_key", "input", []byte("i"), "context", []byte("c"), "transport_public_key", make([]byte, 48), "key_id", vetKey), rejected, failed)
		}},
	)
	administer("subnet admins", admin.Sender())
	describe("subnet admins", "management canister",
		row{"IC method list_canisters", "an admin gets the ranges of all canisters", func(w *world) {
			c := w.canister()
			list := w.query(admin, w.friend(), principal.Management, "list_canisters", argument("list_canisters")).result("list_canisters").at("canisters").list()
			found := false
			for _, r := range list {
				start, end := r.at("start").principal().Bytes(), r.at("end").principal().Bytes()
				found = found || bytes.Compare(start, c.Bytes()) <= 0 && bytes.Compare(c.Bytes(), end) <= 0
			}
			if !found {
				w.Errorf("%s is not in %v", c, list)
			}
		}},
		row{"IC method list_canisters", "deleted canisters are not in it", func(w *world) {
			c := w.canister()
			w.manage(owner, "stop_canister", c).replied()
			w.manage(owner, "delete_canister", c).replied()
			for _, r := range w.query(admin, w.friend(), principal.Management, "list_canisters", argument("list_canisters")).result("list_canisters").at("canisters").list() {
				start, end := r.at("start").principal().Bytes(), r.at("end").principal().Bytes()
				if bytes.Compare(start, c.Bytes()) <= 0 && bytes.Compare(c.Bytes(), end) <= 0 {
					w.Errorf("%s is in %v", c, r)
				}
			}
		}},
		row{"IC method list_canisters", "at the subnet's endpoint, too", func(w *world) {
			content := w.callContent(admin, "query", principal.Management, "list_canisters", argument("list_canisters"))
			w.post(subnetPath("v3", w.subnet(), "query"), envelope(content, admin)).is(200).has("replied")
		}},
		row{"IC method list_canisters", "others get nothing", func(w *world) {
			w.query(owner, w.friend(), principal.Management, "list_canisters", argument("list_canisters")).fails(destination, rejected, failed)
			rejectedWith(w.composite(w.friend(), relay(call{To: principal.Management, Method: "list_canisters", Arg: argument("list_canisters")})), destination, rejected, failed)
		}},
		row{"IC method list_canisters", "it is a query: calls are rejected", func(w *world) {
			w.call(admin, w.friend(), principal.Management, "list_canisters", argument("list_canisters")).fails(destination, rejected, failed)
			rejectedWith(w.viaCanister(w.canister(), "list_canisters"), destination, rejected, failed)
		}},
		row{"IC method create_canister", "admins may call it as users", func(w *world) {
			c := w.created(w.manage(admin, "create_canister", anyID))
			w.manage(owner, "provisional_top_up_canister", c, "amount", trillion).replied()
			w.manage(admin, "canister_status", c).result("canister_status").at("settings.controllers").is([]principal.Principal{admin.Sender()})
		}},
		row{"Effective subnet id", "admins create canisters at the subnet's endpoint, others do not", func(w *world) {
			for _, method := range []string{"create_canister", "provisional_create_canister_with_cycles"} {
				content := w.callContent(admin, "call", principal.Management, method, argument(method))
				r := w.post(subnetPath("v4", w.subnet(), "call"), envelope(content, admin))
				if f := r.fields(); f["status"] != "replied" {
					w.Errorf("%s: %v", method, f)
				}
			}
			content := w.callContent(owner, "call", principal.Management, "create_canister", argument("create_canister"))
			if r := w.post(subnetPath("v4", w.subnet(), "call"), envelope(content, owner)); r.status == 200 && r.fields()["status"] == "replied" {
				w.Error("anybody may")
			}
		}},
		row{"IC method stop_canister", "admins stop, start, uninstall, delete, read status and metrics", func(w *world) {
			c := w.canister()
			for _, method := range []string{"stop_canister", "canister_status", "start_canister", "canister_metrics", "uninstall_code", "stop_canister", "delete_canister"} {
				w.manage(admin, method, c).replied()
			}
		}},
		row{"IC method install_code", "admins do not install, change settings, read logs", func(w *world) {
			c := w.canister()
			w.installAs(admin, "reinstall", c, plain(), nil).fails(destination, failed)
			w.manage(admin, "update_settings", c, "settings", fields("freezing_threshold", 1)).fails(destination, failed)
			w.query(admin, c, principal.Management, "fetch_canister_logs", argument("fetch_canister_logs", "canister_id", c)).fails(destination, rejected, failed)
		}},
	)
}
