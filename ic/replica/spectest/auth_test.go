package spectest_test

import (
	"net/http"
	"strings"

	"assay/ic/identity"
	"assay/ic/principal"
)

// accepted holds that requests of all kinds are taken.
func (w *world) accepted(id identity.Identity, c principal.Principal) {
	w.Helper()
	who := do.Give(blob("msg_caller")).Send()
	name := string(id.Sender().Bytes())
	w.query(id, c, c, "read", who).replies(name)
	w.call(id, c, c, "run", who).replies(name)
	w.read(id, c, to("time")).value("time")
}

// turnedDown holds that changed envelopes are refused, of all kinds.
func (w *world) turnedDown(id identity.Identity, c principal.Principal, change func(e record) record) {
	w.Helper()
	for _, each := range []struct {
		endpoint string
		content  record
	}{
		{"query", w.callContent(id, "query", c, "read", reply)},
		{"call", w.callContent(id, "call", c, "run", do.Set(9, 9).Send())},
		{"read_state", w.readContent(id)},
	} {
		for _, version := range []string{"v2", "v3"} {
			w.post(canisterPath(version, c, each.endpoint), change(envelope(each.content, id))).refused()
		}
	}
	w.tick()
	if w.cell(c, 9) != 0 {
		w.Errorf("%s: a refused call was executed", w.section)
	}
}

func init() {
	schemes := map[string]func(*world, principal.Principal) identity.Identity{
		"Ed25519":             func(*world, principal.Principal) identity.Identity { return user(77) },
		"secp256k1":           func(*world, principal.Principal) identity.Identity { return newSecp256k1() },
		"P-256":               func(*world, principal.Principal) identity.Identity { _, s := newP256(); return s },
		"WebAuthn on P-256":   func(*world, principal.Principal) identity.Identity { return webAuthnP256() },
		"WebAuthn on Ed25519": func(*world, principal.Principal) identity.Identity { return webAuthnEd25519() },
		"a canister signature": func(w *world, c principal.Principal) identity.Identity {
			return w.canisterSigner(c, "a seed")
		},
		"a canister signature without seed": func(w *world, c principal.Principal) identity.Identity {
			return w.canisterSigner(c, "")
		},
	}
	for _, name := range []string{"Ed25519", "secp256k1", "P-256", "WebAuthn on P-256", "WebAuthn on Ed25519", "a canister signature", "a canister signature without seed"} {
		describe("authentication", "HTTPS interface",
			row{"Authentication; Signatures", name + " authenticates queries, calls and reads", func(w *world) {
				c := w.canister()
				w.accepted(schemes[name](w, c), c)
			}},
			row{"Authentication; Signatures", name + " that is wrong is refused", func(w *world) {
				c := w.canister()
				w.turnedDown(schemes[name](w, c), c, func(e record) record {
					sig := append([]byte{}, e["sender_sig"].([]byte)...)
					sig[len(sig)-1] ^= 1
					return e.with(record{"sender_sig": sig})
				})
			}},
			row{"Authentication; Signatures", name + " of another message is refused", func(w *world) {
				c := w.canister()
				id := schemes[name](w, c)
				w.turnedDown(id, c, func(e record) record {
					return e.with(record{"sender_sig": signRequest(w.readContent(id, to("subnet")), id)})
				})
			}},
			row{"Authentication", name + " delegates to a session key", func(w *world) {
				c := w.canister()
				w.accepted(w.delegate(schemes[name](w, c), nil), c)
			}},
		)
	}
	describe("authentication", "HTTPS interface",
		row{"Authentication", "an anonymous request needs no signature", func(w *world) {
			w.accepted(nobody, w.canister())
		}},
		row{"Authentication", "an anonymous request must not be signed", func(w *world) {
			w.turnedDown(nobody, w.canister(), func(e record) record {
				return e.with(record{"sender_pubkey": owner.PublicKeyDER(), "sender_sig": signRequest(e["content"].(record), owner)})
			})
		}},
		row{"Authentication", "a request of a user without signature is refused", func(w *world) {
			w.turnedDown(owner, w.canister(), func(e record) record { return e.with(record{"sender_sig": nil, "sender_pubkey": nil}) })
			w.turnedDown(owner, w.canister(), func(e record) record { return e.with(record{"sender_sig": nil}) })
			w.turnedDown(owner, w.canister(), func(e record) record { return e.with(record{"sender_pubkey": nil}) })
		}},
		row{"Authentication", "a key that is not the sender's is refused", func(w *world) {
			w.turnedDown(owner, w.canister(), func(e record) record {
				return e.with(record{"sender_pubkey": stranger.PublicKeyDER(), "sender_sig": signRequest(e["content"].(record), stranger)})
			})
		}},
		row{"Authentication", "a key that is no key is refused", func(w *world) {
			w.turnedDown(owner, w.canister(), func(e record) record { return e.with(record{"sender_pubkey": []byte("key")}) })
		}},
		row{"Authentication", "an empty signature is refused", func(w *world) {
			w.turnedDown(owner, w.canister(), func(e record) record { return e.with(record{"sender_sig": []byte{}}) })
		}},
		row{"Authentication", "a signature without the domain separator is refused", func(w *world) {
			w.turnedDown(owner, w.canister(), func(e record) record {
				h := e["content"].(record).hash()
				return e.with(record{"sender_sig": must(owner.Sign(h[:]))})
			})
		}},
		row{"Authentication", "a field changed after signing is refused", func(w *world) {
			w.turnedDown(owner, w.canister(), func(e record) record {
				return e.with(record{"content": e["content"].(record).with(record{"nonce": []byte("another")})})
			})
		}},
		row{"Authentication", "an expiry in the past is refused", func(w *world) {
			w.turnedDown(owner, w.canister(), func(e record) record {
				return envelope(e["content"].(record).with(record{"ingress_expiry": uint64(w.now().UnixNano()) - 60e9}), owner)
			})
		}},
		row{"Authentication", "an expiry far in the future is refused", func(w *world) {
			w.turnedDown(owner, w.canister(), func(e record) record {
				return envelope(e["content"].(record).with(record{"ingress_expiry": uint64(w.now().UnixNano()) + 3600e9}), owner)
			})
		}},
		row{"Authentication", "an anonymous call's expiry is checked too", func(w *world) {
			c := w.canister()
			for _, delta := range []int64{-60e9, 3600e9} {
				content := w.callContent(nobody, "call", c, "run", reply).with(record{"ingress_expiry": uint64(w.now().UnixNano() + delta)})
				w.post(canisterPath("v3", c, "call"), envelope(content, nobody)).refused()
			}
		}},
		row{"Authentication", "an expiry is required", func(w *world) {
			w.turnedDown(owner, w.canister(), func(e record) record {
				return envelope(e["content"].(record).with(record{"ingress_expiry": nil}), owner)
			})
		}},
		row{"Authentication", "a sender is required", func(w *world) {
			w.turnedDown(nobody, w.canister(), func(e record) record {
				return envelope(e["content"].(record).with(record{"sender": nil}), nobody)
			})
		}},
		row{"Authentication", "a nonce is not required, and may have 32 bytes", func(w *world) {
			c := w.canister()
			for _, nonce := range []any{nil, []byte{}, []byte(strings.Repeat("n", 32))} {
				content := w.callContent(owner, "query", c, "read", do.Reply([]byte("ok"))).with(record{"nonce": nonce})
				w.post(canisterPath("v3", c, "query"), envelope(content, owner)).is(http.StatusOK).has("replied")
			}
		}},
		row{"Authentication", "a nonce of 33 bytes is refused", func(w *world) {
			w.turnedDown(owner, w.canister(), func(e record) record {
				return envelope(e["content"].(record).with(record{"nonce": []byte(strings.Repeat("n", 33))}), owner)
			})
		}},
		row{"Authentication", "a sender that is no user id is refused", func(w *world) {
			w.turnedDown(owner, w.canister(), func(e record) record {
				return envelope(e["content"].(record).with(record{"sender": anyID.Bytes()}), owner)
			})
		}},
		row{"Authentication", "a canister signature of another canister is refused", func(w *world) {
			a, b := w.canister(), w.canister()
			id := w.canisterSigner(a, "seed")
			id.sign = func(message []byte) ([]byte, error) { return w.canisterSignature(b, "seed", message), nil }
			w.turnedDown(id, a, func(e record) record { return e })
		}},
		row{"Authentication", "a canister signature with another seed is refused", func(w *world) {
			a := w.canister()
			id := w.canisterSigner(a, "seed")
			id.sign = func(message []byte) ([]byte, error) { return w.canisterSignature(a, "other", message), nil }
			w.turnedDown(id, a, func(e record) record { return e })
		}},
		row{"Authentication", "a canister signature can be delegated to", func(w *world) {
			c := w.canister()
			w.accepted(w.delegateTo(owner, w.canisterSigner(c, "seed"), nil), c)
		}},
	)
	describe("delegations", "HTTPS interface",
		row{"Authentication", "a chain of two is good", func(w *world) {
			w.accepted(w.delegate(w.delegate(owner, nil), nil), w.canister())
		}},
		row{"Authentication", "a chain of 20 is good", func(w *world) {
			d := w.delegate(owner, nil)
			for range 19 {
				d = w.delegate(d, nil)
			}
			w.accepted(d, w.canister())
		}},
		row{"Authentication", "a chain of 21 is refused", func(w *world) {
			d := w.delegate(owner, nil)
			for range 20 {
				d = w.delegate(d, nil)
			}
			w.turnedDown(d, w.canister(), func(e record) record { return e })
		}},
		row{"Authentication", "a delegation of a key to itself is refused", func(w *world) {
			w.turnedDown(w.delegateTo(owner, owner, nil), w.canister(), func(e record) record { return e })
		}},
		row{"Authentication", "a cycle of delegations is refused", func(w *world) {
			_, a := newP256()
			_, b := newP256()
			d := w.delegateTo(w.delegateTo(w.delegateTo(owner, a, nil), b, nil), a, nil)
			w.turnedDown(d, w.canister(), func(e record) record { return e })
		}},
		row{"Authentication", "an expired delegation is refused", func(w *world) {
			w.turnedDown(w.delegate(owner, record{"expiration": uint64(w.now().UnixNano()) - 60e9}), w.canister(), func(e record) record { return e })
		}},
		row{"Authentication", "an expired delegation inside a chain is refused", func(w *world) {
			d := w.delegate(w.delegate(owner, record{"expiration": uint64(w.now().UnixNano()) - 60e9}), nil)
			w.turnedDown(d, w.canister(), func(e record) record { return e })
		}},
		row{"Authentication", "a delegation that lasts for years is good", func(w *world) {
			w.accepted(w.delegate(owner, record{"expiration": uint64(w.now().UnixNano()) + 10*31_536_000e9}), w.canister())
		}},
		row{"Authentication", "a delegation signed by another key is refused", func(w *world) {
			d := w.delegate(stranger, nil)
			d.Identity = owner
			w.turnedDown(d, w.canister(), func(e record) record { return e })
		}},
		row{"Authentication", "a delegation changed after signing is refused", func(w *world) {
			d := w.delegate(owner, nil)
			link := d.chain[0]["delegation"].(record)
			d.chain[0] = d.chain[0].with(record{"delegation": link.with(record{"expiration": link["expiration"].(uint64) + 1})})
			w.turnedDown(d, w.canister(), func(e record) record { return e })
		}},
		row{"Authentication", "a request signed by a key of the chain that is not its last is refused", func(w *world) {
			d := w.delegate(w.delegate(owner, nil), nil)
			d.last = owner
			w.turnedDown(d, w.canister(), func(e record) record { return e })
		}},
		row{"Authentication", "a missing link is refused", func(w *world) {
			d := w.delegate(w.delegate(owner, nil), nil)
			d.chain = d.chain[1:]
			w.turnedDown(d, w.canister(), func(e record) record { return e })
		}},
		row{"Authentication", "a delegation beside an anonymous sender is refused", func(w *world) {
			d := w.delegate(owner, nil)
			w.turnedDown(nobody, w.canister(), func(e record) record { return e.with(record{"sender_delegation": d.chain}) })
		}},
		row{"Authentication", "an empty chain is as none", func(w *world) {
			c := w.canister()
			content := w.callContent(owner, "query", c, "read", do.Reply([]byte("ok")))
			w.post(canisterPath("v3", c, "query"), envelope(content, owner).with(record{"sender_delegation": []record{}})).is(http.StatusOK)
		}},
		row{"Authentication", "a target lets requests to it through", func(w *world) {
			c := w.canister()
			w.accepted(w.delegate(owner, record{"targets": [][]byte{c.Bytes()}}), c)
		}},
		row{"Authentication", "a target among others lets requests to it through", func(w *world) {
			c := w.canister()
			w.accepted(w.delegate(owner, record{"targets": [][]byte{anyID.Bytes(), c.Bytes()}}), c)
		}},
		row{"Authentication", "requests to canisters that are not targets are refused", func(w *world) {
			c := w.canister()
			w.refusesCalls(w.delegate(owner, record{"targets": [][]byte{anyID.Bytes()}}), c)
		}},
		row{"Authentication", "an empty list of targets allows no canister", func(w *world) {
			w.refusesCalls(w.delegate(owner, record{"targets": [][]byte{}}), w.canister())
		}},
		row{"Authentication", "the targets of all links must hold the canister", func(w *world) {
			c := w.canister()
			both := [][]byte{anyID.Bytes(), c.Bytes()}
			w.accepted(w.delegate(w.delegate(owner, record{"targets": both}), record{"targets": [][]byte{c.Bytes()}}), c)
			w.accepted(w.delegate(w.delegate(owner, record{"targets": both}), nil), c)
			w.refusesCalls(w.delegate(w.delegate(owner, record{"targets": both}), record{"targets": [][]byte{anyID.Bytes()}}), c)
			w.refusesCalls(w.delegate(w.delegate(owner, record{"targets": [][]byte{anyID.Bytes()}}), record{"targets": both}), c)
			w.refusesCalls(w.delegate(w.delegate(owner, record{"targets": [][]byte{anyID.Bytes()}}), nil), c)
		}},
		row{"Authentication", "1000 targets are good, 1001 are refused", func(w *world) {
			c := w.canister()
			targets := [][]byte{c.Bytes()}
			for i := range uint64(999) {
				targets = append(targets, principal.Canister(i+5000).Bytes())
			}
			w.accepted(w.delegate(owner, record{"targets": targets}), c)
			w.turnedDown(w.delegate(owner, record{"targets": append(targets, anyID.Bytes())}), c, func(e record) record { return e })
		}},
		row{"Authentication", "the management canister must be a target for its calls", func(w *world) {
			c := w.canister()
			arg := argument("canister_status", "canister_id", c)
			only := w.delegate(owner, record{"targets": [][]byte{c.Bytes()}})
			content := w.callContent(only, "call", principal.Management, "canister_status", arg)
			w.post(canisterPath("v3", c, "call"), envelope(content, only)).refused()
			w.call(w.delegate(owner, record{"targets": [][]byte{principal.Management.Bytes()}}), c, principal.Management, "canister_status", arg).replied()
		}},
		row{"Request: Read state", "the status of a call can be read with a target that holds its canister", func(w *world) {
			c := w.canister()
			d := w.delegate(owner, record{"targets": [][]byte{c.Bytes()}})
			p := w.submit(owner, c, c, "run", do.Reply([]byte("mine")))
			p.ends().replies("mine")
			w.fate(w.read(d, c, to("request_status", p.id[:])), p.id).replies("mine")
		}},
		row{"Request: Read state", "the status of a call cannot be read with other targets", func(w *world) {
			c := w.canister()
			d := w.delegate(owner, record{"targets": [][]byte{anyID.Bytes()}})
			p := w.submit(owner, c, c, "run", do.Reply([]byte("mine")))
			p.ends().replies("mine")
			w.tryRead(d, c, to("request_status", p.id[:])).refused()
		}},
		row{"Authentication", "permissions \"queries\" allow queries and reads, and no calls", func(w *world) {
			c := w.canister()
			d := w.delegate(owner, record{"permissions": "queries"})
			w.query(d, c, c, "read", do.Reply([]byte("ok"))).replies("ok")
			w.read(d, c, to("time")).value("time")
			for _, version := range []string{"v2", "v3", "v4"} {
				for _, method := range []string{"run", "read"} {
					content := w.callContent(d, "call", c, method, reply)
					w.post(canisterPath(version, c, "call"), envelope(content, d)).refused()
				}
			}
		}},
		row{"Authentication", "a later link does not lift \"queries\"", func(w *world) {
			c := w.canister()
			d := w.delegate(w.delegate(owner, record{"permissions": "queries"}), record{"permissions": "all"})
			w.query(d, c, c, "read", do.Reply([]byte("ok"))).replies("ok")
			content := w.callContent(d, "call", c, "run", reply)
			w.post(canisterPath("v3", c, "call"), envelope(content, d)).refused()
		}},
		row{"Authentication", "permissions \"all\" allow everything", func(w *world) {
			w.accepted(w.delegate(owner, record{"permissions": "all"}), w.canister())
		}},
		row{"Authentication", "other permissions make the delegation invalid", func(w *world) {
			w.turnedDown(w.delegate(owner, record{"permissions": "updates"}), w.canister(), func(e record) record { return e })
		}},
	)
	describe("sender_info", "HTTPS interface",
		row{"Request: Call", "info signed by the sender's canister reaches the callee", func(w *world) {
			c := w.canister()
			id := w.canisterSigner(c, "seed")
			p := do.Give(blob("msg_caller_info_data")).Give(blob("msg_caller_info_signer")).Send()
			for _, kind := range []string{"call", "query"} {
				method := map[string]string{"call": "run", "query": "read"}[kind]
				content := w.callContent(id, kind, c, method, p).with(record{"sender_info": record{
					"info": []byte("about me"), "signer": c.Bytes(), "sig": w.canisterSignature(c, "seed", []byte("\x0eic-sender-infoabout me")),
				}})
				w.post(canisterPath("v3", c, kind), envelope(content, id)).is(http.StatusOK).has("replied")
			}
		}},
		row{"Request: Call", "info of another signer is refused", func(w *world) {
			a, b := w.canister(), w.canister()
			id := w.canisterSigner(a, "seed")
			sig := w.canisterSignature(a, "seed", []byte("\x0eic-sender-infoabout me"))
			w.turnedDown(id, a, func(e record) record {
				return envelope(e["content"].(record).with(record{"sender_info": record{"info": []byte("about me"), "signer": b.Bytes(), "sig": sig}}), id)
			})
		}},
		row{"Request: Call", "info with a wrong signature is refused", func(w *world) {
			a := w.canister()
			id := w.canisterSigner(a, "seed")
			sig := w.canisterSignature(a, "seed", []byte("\x0eic-sender-infoabout me"))
			w.turnedDown(id, a, func(e record) record {
				return envelope(e["content"].(record).with(record{"sender_info": record{"info": []byte("about you"), "signer": a.Bytes(), "sig": sig}}), id)
			})
		}},
		row{"Request: Call", "info beside a sender with a key is refused", func(w *world) {
			a := w.canister()
			sig := w.canisterSignature(a, "seed", []byte("\x0eic-sender-infoabout me"))
			w.turnedDown(owner, a, func(e record) record {
				return envelope(e["content"].(record).with(record{"sender_info": record{"info": []byte("about me"), "signer": a.Bytes(), "sig": sig}}), owner)
			})
		}},
	)
}

// refusesCalls holds that calls and queries are refused, whatever may be read.
func (w *world) refusesCalls(id identity.Identity, c principal.Principal) {
	w.Helper()
	w.post(canisterPath("v3", c, "query"), envelope(w.callContent(id, "query", c, "read", reply), id)).refused()
	for _, version := range []string{"v2", "v3", "v4"} {
		w.post(canisterPath(version, c, "call"), envelope(w.callContent(id, "call", c, "run", reply), id)).refused()
	}
}
