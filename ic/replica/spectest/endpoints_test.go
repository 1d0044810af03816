package spectest_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/x509"
	"maps"
	"net/http"
	"slices"
	"strings"

	"github.com/fxamacker/cbor/v2"

	"assay/ic/principal"
)

func (w *world) subnet() principal.Principal {
	w.Helper()
	return must(principal.FromBytes(w.ask(w.friend(), do.Give(blob("subnet_self")).Send()).replied()))
}

func subnetPath(version string, id principal.Principal, what string) string {
	return "/api/" + version + "/subnet/" + id.String() + "/" + what
}

// signedQuery makes a query and checks the node's signature on its answer.
func (w *world) signedQuery(version string, p program) {
	w.Helper()
	c := w.friend()
	content := w.callContent(owner, "query", c, "read", p)
	f := w.post(canisterPath(version, c, "query"), envelope(content, owner)).fields()
	list, _ := f["signatures"].([]any)
	if len(list) != 1 {
		w.Fatalf("%s: %d signatures", w.section, len(list))
	}
	s := list[0].(map[any]any)
	id := content.hash()
	signed := record{"request_id": id[:], "timestamp": s["timestamp"].(uint64)}
	for name, v := range f {
		if name == "reply" {
			v = record{"arg": v.(map[any]any)["arg"].([]byte)}
		}
		if name != "signatures" {
			signed[name] = v
		}
	}
	h := signed.hash()
	der := w.read(owner, c, to("subnet")).value("subnet", w.subnet(), "node", s["identity"].([]byte), "public_key")
	key := must(x509.ParsePKIXPublicKey(der)).(ed25519.PublicKey)
	if !ed25519.Verify(key, append([]byte("\x0bic-response"), h[:]...), s["signature"].([]byte)) {
		w.Errorf("%s: the node's signature on %v does not hold", w.section, f)
	}
	if at := s["timestamp"].(uint64); at > uint64(w.now().UnixNano())+1e9 || at+300e9 < uint64(w.now().UnixNano()) {
		w.Errorf("%s: the signature's time is %d", w.section, at)
	}
	if node := must(principal.FromBytes(s["identity"].([]byte))); node != principal.SelfAuthenticating(der) {
		w.Errorf("%s: node %s is not named after its key", w.section, node)
	}
}

func init() {
	describe("endpoints", "HTTPS interface",
		row{"Status endpoint", "it has the root key of a development network", func(w *world) {
			f := w.send(http.MethodGet, "/api/v2/status", "", nil).fields()
			if key, _ := f["root_key"].([]byte); !bytes.Equal(key, w.root) {
				w.Errorf("root key %x", key)
			}
		}},
		row{"Request: Asynchronous Call", "v2 answers 202 without a body", func(w *world) {
			c := w.canister()
			r := w.post(canisterPath("v2", c, "call"), envelope(w.callContent(owner, "call", c, "run", reply), owner)).is(http.StatusAccepted)
			if len(r.body) != 0 {
				w.Errorf("body %q", r.body)
			}
		}},
		row{"Request: Asynchronous Call", "v2 answers 200 with a reject when the call is not taken", func(w *world) {
			c := w.create()
			f := w.post(canisterPath("v2", c, "call"), envelope(w.callContent(owner, "call", c, "run", reply), owner)).fields()
			if f["reject_code"] != uint64(failed) || f["reject_message"] == "" {
				w.Errorf("answer %v", f)
			}
		}},
		row{"Request: Call", "v3 and v4 answer with a certificate of the request's status", func(w *world) {
			c := w.canister()
			for _, version := range []string{"v3", "v4"} {
				content := w.callContent(owner, "call", c, "run", do.Reply([]byte("here")))
				r := w.post(canisterPath(version, c, "call"), envelope(content, owner))
				if r.fields()["status"] != "replied" {
					w.Errorf("status %v", r.fields()["status"])
				}
				id := content.hash()
				p := r.certificate(c)
				w.fate(p, id).replies("here")
				p.value("time")
			}
		}},
		row{"Request: Call", "v3 and v4 certify rejects too", func(w *world) {
			c := w.canister()
			for _, version := range []string{"v3", "v4"} {
				content := w.callContent(owner, "call", c, "run", do.Reject("no"))
				r := w.post(canisterPath(version, c, "call"), envelope(content, owner))
				w.fate(r.certificate(c), content.hash()).rejects(rejected, "no")
			}
		}},
		row{"Request: Call", "v3 and v4 say non_replicated_rejection when the call is not taken", func(w *world) {
			c := w.create()
			for _, version := range []string{"v3", "v4"} {
				f := w.post(canisterPath(version, c, "call"), envelope(w.callContent(owner, "call", c, "run", reply), owner)).fields()
				if f["status"] != "non_replicated_rejection" || f["reject_code"] != uint64(failed) {
					w.Errorf("answer %v", f)
				}
			}
		}},
		row{"Request: Call", "the delegation of v3 has flat ranges, that of v4 sharded ones", func(w *world) {
			c := w.canister()
			for version, path := range map[string]path{"v3": to("subnet", w.subnet(), "canister_ranges"), "v4": to("canister_ranges", w.subnet())} {
				r := w.post(canisterPath(version, c, "call"), envelope(w.callContent(owner, "call", c, "run", reply), owner))
				w.delegationHas(r.certificate(c), path)
			}
		}},
		row{"Request: Read state", "the delegation of v2 has flat ranges, that of v3 sharded ones", func(w *world) {
			c := w.canister()
			for version, path := range map[string]path{"v2": to("subnet", w.subnet(), "canister_ranges"), "v3": to("canister_ranges", w.subnet())} {
				r := w.post(canisterPath(version, c, "read_state"), envelope(w.readContent(owner), owner))
				w.delegationHas(r.certificate(c), path)
			}
		}},
		row{"Request: Call", "a request that is sent again is executed once", func(w *world) {
			c := w.canister()
			content := w.callContent(owner, "call", c, "run", do.Add(1, 1).Put(cell(1)).Send())
			for range 3 {
				w.outcome(w.post(canisterPath("v4", c, "call"), envelope(content, owner)), owner, c, content.hash()).gives(1)
			}
			w.post(canisterPath("v2", c, "call"), envelope(content, owner))
			w.tick()
			if got := w.cell(c, 1); got != 1 {
				w.Errorf("executed %d times", got)
			}
		}},
		row{"Asynchronous canister calling", "a request that is sent again after its expiry is refused", func(w *world) {
			c := w.canister()
			content := w.callContent(owner, "call", c, "run", do.Add(1, 1).Send())
			w.post(canisterPath("v4", c, "call"), envelope(content, owner)).is(http.StatusOK)
			w.later(300e9)
			w.post(canisterPath("v4", c, "call"), envelope(content, owner)).refused()
			if got := w.cell(c, 1); got != 1 {
				w.Errorf("executed %d times", got)
			}
		}},
		row{"Request ids", "requests that differ in the nonce alone are two", func(w *world) {
			c := w.canister()
			w.update(c, do.Add(1, 1).Put(cell(1)).Send()).gives(1)
			w.update(c, do.Add(1, 1).Put(cell(1)).Send()).gives(2)
		}},
		row{"Request: Query call", "v2 and v3 reply with signatures that hold", func(w *world) {
			w.signedQuery("v2", do.Reply([]byte("signed")))
			w.signedQuery("v3", do.Reply(nil))
		}},
		row{"Request: Query call", "v2 and v3 sign rejects too", func(w *world) {
			w.signedQuery("v2", do.Reject("no"))
			w.signedQuery("v3", do.Trap("broken"))
		}},
		row{"HTTPS Interface", "a request of a wrong type for its endpoint is refused", func(w *world) {
			c := w.canister()
			for endpoint, contents := range map[string][]record{
				"call":       {w.callContent(owner, "query", c, "read", reply), w.readContent(owner)},
				"query":      {w.callContent(owner, "call", c, "run", reply), w.readContent(owner)},
				"read_state": {w.callContent(owner, "query", c, "read", reply), w.callContent(owner, "call", c, "run", reply)},
			} {
				for _, content := range contents {
					w.post(canisterPath("v2", c, endpoint), envelope(content, owner)).refused()
					w.post(canisterPath("v3", c, endpoint), envelope(content, owner)).refused()
				}
			}
		}},
		row{"Effective canister id", "a call under another canister's id is refused", func(w *world) {
			a, b := w.canister(), w.canister()
			for _, version := range []string{"v2", "v3", "v4"} {
				w.post(canisterPath(version, b, "call"), envelope(w.callContent(owner, "call", a, "run", reply), owner)).refused()
			}
		}},
		row{"Effective canister id", "a query under another canister's id is refused", func(w *world) {
			a, b := w.canister(), w.canister()
			w.post(canisterPath("v2", b, "query"), envelope(w.callContent(owner, "query", a, "read", reply), owner)).refused()
			w.post(canisterPath("v3", b, "query"), envelope(w.callContent(owner, "query", a, "read", reply), owner)).refused()
		}},
		row{"Effective canister id", "a management call about another canister is refused", func(w *world) {
			a, b := w.canister(), w.canister()
			content := w.callContent(owner, "call", principal.Management, "canister_status", argument("canister_status", "canister_id", a))
			for _, version := range []string{"v2", "v3", "v4"} {
				w.post(canisterPath(version, b, "call"), envelope(content, owner)).refused()
			}
		}},
		row{"Effective canister id", "a management query about another canister is refused", func(w *world) {
			a, b := w.canister(), w.canister()
			content := w.callContent(owner, "query", principal.Management, "canister_status", argument("canister_status", "canister_id", a))
			w.post(canisterPath("v3", b, "query"), envelope(content, owner)).refused()
		}},
		row{"Effective canister id", "an id that no subnet hosts is refused", func(w *world) {
			foreign := must(principal.FromBytes([]byte("foobar")))
			w.post(canisterPath("v2", foreign, "call"), envelope(w.callContent(owner, "call", w.friend(), "run", reply), owner)).refused()
		}},
		row{"Effective canister id", "the management canister is no effective id", func(w *world) {
			for _, each := range []struct{ endpoint, kind string }{{"call", "call"}, {"query", "query"}} {
				content := w.callContent(owner, each.kind, principal.Management, "raw_rand", []byte("DIDL\x00\x00"))
				w.post(canisterPath("v2", principal.Management, each.endpoint), envelope(content, owner)).refused()
			}
			w.post(canisterPath("v2", principal.Management, "read_state"), envelope(w.readContent(owner, to("time")), owner)).refused()
		}},
		row{"HTTPS Interface", "an id in the path that is not its text form is refused", func(w *world) {
			c := w.friend()
			body := encode(envelope(w.callContent(owner, "query", c, "read", reply), owner))
			for _, id := range []string{strings.ReplaceAll(c.String(), "-", ""), "x" + c.String(), "0", c.String() + "-aaaaa", strings.ToUpper(c.String()[:5]) + c.String()[6:]} {
				w.send(http.MethodPost, "/api/v2/canister/"+id+"/query", "application/cbor", body).refused()
			}
		}},
		row{"HTTPS Interface", "a path that is not there is 404", func(w *world) {
			w.send(http.MethodPost, canisterPath("v9", w.friend(), "query"), "application/cbor", nil).is(http.StatusNotFound)
			w.send(http.MethodPost, canisterPath("v2", w.friend(), "nothing"), "application/cbor", nil).is(http.StatusNotFound)
		}},
		row{"HTTPS Interface", "requests are POST", func(w *world) {
			for _, endpoint := range []string{"call", "query", "read_state"} {
				w.send(http.MethodGet, canisterPath("v2", w.friend(), endpoint), "", nil).refused()
			}
		}},
		row{"CBOR encoding of requests and responses", "a body that is not CBOR is refused", func(w *world) {
			c := w.friend()
			good := encode(envelope(w.callContent(owner, "query", c, "read", reply), owner))
			for _, body := range [][]byte{nil, []byte("{}"), []byte("\xd9\xd9\xf7"), good[:len(good)-1], append(good[:len(good):len(good)], 0)} {
				for _, endpoint := range []string{"call", "query", "read_state"} {
					w.send(http.MethodPost, canisterPath("v2", c, endpoint), "application/cbor", body).refused()
				}
			}
		}},
		row{"CBOR encoding of requests and responses", "keys that occur twice are refused", func(w *world) {
			c := w.friend()
			inner := must(cbor.Marshal(w.callContent(nobody, "query", c, "read", reply)))
			// A map of two entries with the key content, by hand.
			body := append([]byte("\xd9\xd9\xf7\xa2\x67content"), inner...)
			body = append(append(body, "\x67content"...), inner...)
			w.send(http.MethodPost, canisterPath("v2", c, "query"), "application/cbor", body).refused()
		}},
		row{"CBOR encoding of requests and responses", "a number as a float is refused", func(w *world) {
			c := w.friend()
			content := w.callContent(nobody, "query", c, "read", reply)
			content["ingress_expiry"] = float64(content["ingress_expiry"].(uint64))
			w.post(canisterPath("v2", c, "query"), record{"content": content}).refused()
		}},
		row{"CBOR encoding of requests and responses", "a blob as a text is refused", func(w *world) {
			c := w.friend()
			content := w.callContent(nobody, "query", c, "read", reply)
			content["arg"] = string(content["arg"].([]byte))
			w.post(canisterPath("v2", c, "query"), record{"content": content}).refused()
		}},
		row{"CBOR encoding of requests and responses", "an envelope without content is refused", func(w *world) {
			w.post(canisterPath("v2", w.friend(), "query"), record{"sender_pubkey": owner.PublicKeyDER()}).refused()
		}},
		row{"Request: Call", "a call without one of its fields is refused", func(w *world) {
			c := w.canister()
			for _, field := range slices.Sorted(maps.Keys(w.callContent(nobody, "call", c, "run", reply))) {
				if field == "nonce" {
					continue
				}
				content := w.callContent(nobody, "call", c, "run", reply).with(record{field: nil})
				w.post(canisterPath("v2", c, "call"), record{"content": content}).refused()
				w.post(canisterPath("v4", c, "call"), record{"content": content}).refused()
			}
		}},
		row{"Request: Query call", "a query without one of its fields is refused", func(w *world) {
			c := w.canister()
			for _, field := range slices.Sorted(maps.Keys(w.callContent(nobody, "query", c, "read", reply))) {
				if field == "nonce" {
					continue
				}
				content := w.callContent(nobody, "query", c, "read", reply).with(record{field: nil})
				w.post(canisterPath("v3", c, "query"), record{"content": content}).refused()
			}
		}},
		row{"Request: Read state", "a read without one of its fields is refused", func(w *world) {
			c := w.canister()
			for _, field := range []string{"request_type", "sender", "ingress_expiry", "paths"} {
				w.post(canisterPath("v3", c, "read_state"), record{"content": w.readContent(nobody).with(record{field: nil})}).refused()
			}
		}},
		row{"Resource limits", "a request of more than 2 MiB is refused", func(w *world) {
			c := w.friend()
			r := w.post(canisterPath("v2", c, "call"), envelope(w.callContent(nobody, "call", c, "run", make([]byte, 3<<20)), nobody))
			r.refused()
		}},
		row{"Resource limits", "an argument of almost 2 MiB is taken", func(w *world) {
			c := w.friend()
			arg := append(do.Put(of("msg_arg_data_size")).Send(), make([]byte, 2<<20-5000)...)
			if got := w.update(c, arg).number(); got != uint64(len(arg)) {
				w.Errorf("an argument of %d bytes", got)
			}
		}},
		row{"Effective subnet id", "a canister call under a subnet's id is refused", func(w *world) {
			w.post(subnetPath("v4", w.subnet(), "call"), envelope(w.callContent(owner, "call", w.friend(), "run", reply), owner)).refused()
		}},
		row{"Effective subnet id", "management calls but creation are refused under a subnet's id", func(w *world) {
			c := w.canister()
			w.post(subnetPath("v4", w.subnet(), "call"), envelope(w.callContent(owner, "call", principal.Management, "canister_status", argument("canister_status", "canister_id", c)), owner)).refused()
		}},
		row{"Effective subnet id", "canister queries are refused under a subnet's id", func(w *world) {
			w.post(subnetPath("v3", w.subnet(), "query"), envelope(w.callContent(owner, "query", w.friend(), "read", reply), owner)).refused()
		}},
		row{"Effective subnet id", "a subnet that is not there is refused", func(w *world) {
			w.post(subnetPath("v3", owner.Sender(), "read_state"), envelope(w.readContent(owner, to("time")), owner)).refused()
			w.post(subnetPath("v4", owner.Sender(), "call"), envelope(w.callContent(owner, "call", principal.Management, "provisional_create_canister_with_cycles", argument("provisional_create_canister_with_cycles")), owner)).refused()
		}},
		row{"Asynchronous canister calling", "calls of one sender go on being processed while another is open", func(w *world) {
			a := w.canister()
			h, p := w.openCall(a)
			w.update(a, do.Reply([]byte("meanwhile"))).replies("meanwhile")
			p.open()
			h.release()
			p.ends().replied()
		}},
		row{"HTTPS Interface", "pages of other origins may use it", func(w *world) {
			r := w.send(http.MethodGet, "/api/v2/status", "", nil)
			if got := r.header.Get("Access-Control-Allow-Origin"); got != "*" {
				w.Errorf("Access-Control-Allow-Origin %q", got)
			}
		}},
	)
}

// delegationHas holds what the delegation of a certificate reveals.
func (w *world) delegationHas(p proof, at path) {
	w.Helper()
	if p.Delegation == nil {
		w.Fatalf("%s: the certificate has no delegation", w.section)
	}
	inner := p.Delegation.Certificate
	if _, result := inner.Tree.Subtree(at...); result.String() != "found" {
		w.Errorf("%s: %q is %s in the delegation", w.section, at, result)
	}
}
