package spectest_test

import (
	"bytes"
	"crypto/sha256"
	"slices"
	"strings"
	"time"

	"assay/ic/certificate"
	"assay/ic/certificate/hashtree"
	"assay/ic/principal"
)

func init() {
	describe("state tree", "HTTPS interface",
		row{"Request: Read state", "/time is there, asked for or not", func(w *world) {
			c := w.friend()
			for _, paths := range [][]path{nil, {to("time")}} {
				at := must(certificate.ParseNat(w.read(owner, c, paths...).value("time")))
				if d := time.Duration(w.now().UnixNano() - int64(at)); d < -time.Second || d > 5*time.Minute {
					w.Errorf("the time is %s old", d)
				}
			}
		}},
		row{"Request: Read state", "certificates of v2 and v3 verify", func(w *world) {
			c := w.friend()
			for _, version := range []string{"v2", "v3"} {
				w.post(canisterPath(version, c, "read_state"), envelope(w.readContent(owner, to("time")), owner)).certificate(c).value("time")
			}
		}},
		row{"Request: Read state", "subnet certificates of v2 and v3 are delegated to that subnet", func(w *world) {
			for _, version := range []string{"v2", "v3"} {
				raw := w.post(subnetPath(version, w.subnet(), "read_state"), envelope(w.readContent(owner, to("time")), owner)).fields()["certificate"].([]byte)
				p := w.proof(raw, w.friend())
				p.value("time")
				if p.Delegation != nil && p.Delegation.Subnet != w.subnet() {
					w.Errorf("delegated to %s", p.Delegation.Subnet)
				}
			}
		}},
		row{"Request: Read state", "reads need no sender", func(w *world) {
			w.read(nobody, w.friend(), to("time")).value("time")
		}},
		row{"Request: Read state", "the certificate does not verify for a canister outside the ranges", func(w *world) {
			raw := w.tryRead(owner, w.friend(), to("time")).fields()["certificate"].([]byte)
			p := must(certificate.Decode(raw))
			outside := must(principal.FromBytes(bytes.Repeat([]byte{0xff}, 10)))
			if err := p.VerifySignature(w.root, outside); err == nil {
				w.Error("it verifies")
			}
		}},
		row{"Canister information", "module_hash and controllers of a canister", func(w *world) {
			c := w.canister()
			p := w.read(nobody, c, to("canister", c, "module_hash"), to("canister", c, "controllers"))
			if want := sha256.Sum256(plain()); !bytes.Equal(p.value("canister", c, "module_hash"), want[:]) {
				w.Error("the module hash is wrong")
			}
			list := must(certificate.DecodePrincipals(p.value("canister", c, "controllers")))
			if !slices.Equal(list, []principal.Principal{owner.Sender()}) {
				w.Errorf("controllers %v", list)
			}
		}},
		row{"Canister information", "an empty canister has controllers and no module_hash", func(w *world) {
			c := w.create()
			p := w.read(owner, c, to("canister", c, "module_hash"), to("canister", c, "controllers"))
			p.absent("canister", c, "module_hash")
			p.value("canister", c, "controllers")
		}},
		row{"Canister information", "no controllers, several controllers", func(w *world) {
			for _, want := range [][]principal.Principal{{}, {owner.Sender(), stranger.Sender(), anyID}} {
				c := w.create("controllers", want)
				list := must(certificate.DecodePrincipals(w.read(owner, c, to("canister", c, "controllers")).value("canister", c, "controllers")))
				byText := func(a, b principal.Principal) int { return strings.Compare(a.String(), b.String()) }
				slices.SortFunc(list, byText)
				slices.SortFunc(want, byText)
				if !slices.Equal(list, want) {
					w.Errorf("controllers %v, want %v", list, want)
				}
			}
		}},
		row{"Canister information", "a canister that is not there has neither", func(w *world) {
			c := principal.Canister(1 << 20)
			p := w.read(owner, c, to("canister", c, "module_hash"), to("canister", c, "controllers"))
			p.absent("canister", c, "module_hash")
			p.absent("canister", c, "controllers")
		}},
		row{"Request: Read state", "another canister's information is refused", func(w *world) {
			a, b := w.canister(), w.canister()
			for _, name := range []string{"module_hash", "controllers", "canister_creation_timestamp", "last_install_timestamp"} {
				w.tryRead(owner, a, to("canister", b, name)).refused()
			}
			w.tryRead(owner, a, to("canister", b, "metadata", "x")).refused()
		}},
		row{"Request: Read state", "certified_data cannot be read", func(w *world) {
			c := w.canister(do.Certify([]byte("data")))
			w.tryRead(owner, c, to("canister", c, "certified_data")).refused()
		}},
		row{"Request: Read state", "paths that are none are refused", func(w *world) {
			c := w.friend()
			for _, p := range []path{to(), to(""), to("nothing"), to("canister"), to("canister", c), to("canister", c, "nothing"), to("canister", c, "metadata"), to("canister", c, "module_hash", "more"), to("request_status"), to("time", "now"), to("canisters", c, "controllers")} {
				w.tryRead(owner, c, p).refused()
			}
		}},
		row{"Request: Read state", "the request ids are 32 bytes", func(w *world) {
			c := w.friend()
			for _, id := range []string{"", "foo", strings.Repeat("x", 31), strings.Repeat("x", 33)} {
				w.tryRead(owner, c, to("request_status", id)).refused()
			}
		}},
		row{"Request: Read state", "a request that is not known is absent", func(w *world) {
			c := w.friend()
			for _, id := range []string{strings.Repeat("x", 32), strings.Repeat("\x00", 32), strings.Repeat("\xff", 32)} {
				w.read(owner, c, to("request_status", id)).absent("request_status", id, "status")
			}
		}},
		row{"Request status", "a request's parts can be read one by one", func(w *world) {
			c := w.canister()
			p := w.submit(owner, c, c, "run", do.Reply([]byte("whole")))
			p.ends().replies("whole")
			id := p.id[:]
			if got := w.read(owner, c, to("request_status", id, "status")).value("request_status", id, "status"); string(got) != "replied" {
				w.Errorf("status %q", got)
			}
			if got := w.read(owner, c, to("request_status", id, "reply")).value("request_status", id, "reply"); string(got) != "whole" {
				w.Errorf("reply %q", got)
			}
			w.read(owner, c, to("request_status", id, "reject_code")).absent("request_status", id, "reject_code")
		}},
		row{"Request status", "a rejected request has code and message and no reply", func(w *world) {
			c := w.canister()
			p := w.submit(owner, c, c, "run", do.Reject("why not"))
			p.ends().rejects(rejected, "why not")
			id := p.id[:]
			proof := w.read(owner, c, to("request_status", id))
			proof.absent("request_status", id, "reply")
			if got := proof.value("request_status", id, "reject_code"); !bytes.Equal(got, []byte{rejected}) {
				w.Errorf("reject code %x", got)
			}
			if got := proof.value("request_status", id, "reject_message"); string(got) != "why not" {
				w.Errorf("reject message %q", got)
			}
		}},
		row{"Request status", "a call that is open is processing", func(w *world) {
			a := w.canister()
			h, p := w.openCall(a)
			if o := w.status(p); o.kind != "processing" {
				w.Errorf("the status is %s", o.kind)
			}
			h.release()
			p.ends().replied()
		}},
		row{"Asynchronous canister calling", "an answer is kept for five minutes, then at most the fact", func(w *world) {
			c := w.canister()
			p := w.submit(owner, c, c, "run", do.Reply([]byte("kept")))
			p.ends().replies("kept")
			w.later(240e9)
			w.status(p).replies("kept")
			w.later(3600e9)
			if o := w.status(p); o.kind != "done" && o.kind != "unknown" {
				w.Errorf("an hour later it is %v", o)
			}
		}},
		row{"Asynchronous canister calling", "a call that is not started before its expiry never is", func(w *world) {
			c := w.canister()
			content := w.callContent(owner, "call", c, "run", do.Add(1, 1).Send()).with(record{"ingress_expiry": uint64(w.now().UnixNano()) + 60e9})
			w.later(90e9)
			w.post(canisterPath("v2", c, "call"), envelope(content, owner)).refused()
			id := content.hash()
			w.read(owner, c, to("request_status", id[:])).absent("request_status", id[:], "status")
		}},
		row{"Request: Read state", "another user's request is refused", func(w *world) {
			c := w.canister()
			p := w.submit(owner, c, c, "run", reply)
			p.ends().replied()
			w.tryRead(stranger, c, to("request_status", p.id[:])).refused()
			w.tryRead(nobody, c, to("request_status", p.id[:], "status")).refused()
		}},
		row{"Request: Read state", "another user's request beside an own one is refused", func(w *world) {
			c := w.canister()
			p, q := w.submit(owner, c, c, "run", reply), w.submit(stranger, c, c, "run", reply)
			p.ends().replied()
			w.await(q).replied()
			w.tryRead(owner, c, to("request_status", p.id[:]), to("request_status", q.id[:])).refused()
		}},
		row{"Request: Read state", "two requests in one read are refused", func(w *world) {
			c := w.canister()
			p, q := w.submit(owner, c, c, "run", reply), w.submit(owner, c, c, "run", reply)
			p.ends().replied()
			q.ends().replied()
			w.tryRead(owner, c, to("request_status", p.id[:]), to("request_status", q.id[:])).refused()
			w.read(owner, c, to("request_status", p.id[:], "status"), to("request_status", p.id[:], "reply")).value("request_status", p.id[:], "reply")
		}},
		row{"Request: Read state", "a request of another effective canister is refused", func(w *world) {
			a, b := w.canister(), w.canister()
			p := w.submit(owner, a, a, "run", reply)
			p.ends().replied()
			w.tryRead(owner, b, to("request_status", p.id[:])).refused()
		}},
		row{"Request: Read state", "1000 paths are good, 1001 are refused", func(w *world) {
			c := w.friend()
			paths := slices.Repeat([]path{to("time")}, 1000)
			w.read(owner, c, paths...).value("time")
			w.tryRead(owner, c, append(paths, to("time"))...).refused()
		}},
		row{"Request: Read state", "a path of 128 labels is refused", func(w *world) {
			c := w.friend()
			w.tryRead(owner, c, slices.Repeat(to("x"), 128)).refused()
		}},
		row{"Subnet information", "every subnet has a key, a type, nodes with keys", func(w *world) {
			s := w.subnet()
			p := w.read(owner, w.friend(), to("subnet"))
			if got := principal.SelfAuthenticating(p.value("subnet", s, "public_key")); got != s {
				w.Errorf("the subnet %s is not named after its key", s)
			}
			p.value("subnet", s, "type")
			if _, result := p.Tree.Subtree(to("subnet", s, "node")...); result != hashtree.Found {
				w.Errorf("nodes are %s", result)
			}
		}},
		row{"Subnet information", "parts of a subnet can be asked for alone", func(w *world) {
			s := w.subnet()
			for _, name := range []string{"public_key", "type"} {
				w.read(owner, w.friend(), to("subnet", s, name)).value("subnet", s, name)
			}
			if _, result := w.read(owner, w.friend(), to("subnet", s, "node")).Tree.Subtree(to("subnet", s, "node")...); result != hashtree.Found {
				w.Errorf("nodes are %s", result)
			}
		}},
		row{"Subnet information", "metrics at the subnet's endpoint alone", func(w *world) {
			s := w.subnet()
			raw := w.post(subnetPath("v3", s, "read_state"), envelope(w.readContent(owner, to("subnet", s, "metrics")), owner)).fields()["certificate"].([]byte)
			w.proof(raw, w.friend()).value("subnet", s, "metrics")
			w.tryRead(owner, w.friend(), to("subnet", s, "metrics")).refused()
		}},
		row{"Canister ranges", "sharded ranges at the subnet's endpoint alone, and they hold the canisters", func(w *world) {
			s := w.subnet()
			raw := w.post(subnetPath("v3", s, "read_state"), envelope(w.readContent(owner, to("canister_ranges", s)), owner)).fields()["certificate"].([]byte)
			if _, result := w.proof(raw, w.friend()).Tree.Subtree(to("canister_ranges", s)...); result != hashtree.Found {
				w.Errorf("ranges are %s", result)
			}
			w.tryRead(owner, w.friend(), to("canister_ranges", s)).refused()
		}},
		row{"Api boundary nodes information", "they can always be asked for", func(w *world) {
			w.read(nobody, w.friend(), to("api_boundary_nodes")).value("time")
			w.read(nobody, w.friend(), to("api_boundary_nodes", owner.Sender(), "domain")).absent("api_boundary_nodes", owner.Sender(), "domain")
		}},
		row{"Request: Read state", "request statuses of another's cannot be had at the subnet's endpoint", func(w *world) {
			c := w.canister()
			p := w.submit(owner, c, c, "run", reply)
			p.ends().replied()
			w.post(subnetPath("v3", w.subnet(), "read_state"), envelope(w.readContent(owner, to("request_status", p.id[:])), owner)).refused()
		}},
		row{"Canister information", "the times of creation and installation", func(w *world) {
			before := uint64(w.now().UnixNano()) - 5e9
			c := w.create()
			p := w.read(owner, c, to("canister", c, "canister_creation_timestamp"), to("canister", c, "last_install_timestamp"))
			created := must(certificate.ParseNat(p.value("canister", c, "canister_creation_timestamp")))
			p.absent("canister", c, "last_install_timestamp")
			w.later(10e9)
			w.load(c, plain())
			p = w.read(owner, c, to("canister", c, "canister_creation_timestamp"), to("canister", c, "last_install_timestamp"))
			installed := must(certificate.ParseNat(p.value("canister", c, "last_install_timestamp")))
			if created < before || installed < created+10e9 || must(certificate.ParseNat(p.value("canister", c, "canister_creation_timestamp"))) != created {
				w.Errorf("created at %d, installed at %d", created, installed)
			}
			w.later(10e9)
			w.install("upgrade", c, plain(), nil).replied()
			again := must(certificate.ParseNat(w.read(owner, c, to("canister", c, "last_install_timestamp")).value("canister", c, "last_install_timestamp")))
			if again < installed+10e9 {
				w.Errorf("upgraded at %d", again)
			}
			w.manage(owner, "uninstall_code", c).replied()
			w.read(owner, c, to("canister", c, "last_install_timestamp")).absent("canister", c, "last_install_timestamp")
		}},
		row{"Request: Read state", "flat ranges of the subnet can be had from v2", func(w *world) {
			s := w.subnet()
			r := w.post(canisterPath("v2", w.friend(), "read_state"), envelope(w.readContent(owner, to("subnet", s, "canister_ranges")), owner))
			r.certificate(w.friend()).value("subnet", s, "canister_ranges")
		}},
		row{"Request: Read state", "a prefix reveals all that is below it", func(w *world) {
			c := w.canister()
			p := w.submit(owner, c, c, "run", do.Reply([]byte("x")))
			p.ends().replied()
			proof := w.read(owner, c, to("request_status", p.id[:]))
			proof.value("request_status", p.id[:], "status")
			proof.value("request_status", p.id[:], "reply")
		}},
		row{"Lookup", "certificates do not show what was not asked for", func(w *world) {
			c := w.canister()
			p := w.read(owner, c, to("canister", c, "module_hash"))
			if _, result := p.Tree.Lookup(to("canister", c, "controllers")...); result == hashtree.Found {
				w.Error("controllers are shown")
			}
		}},
	)
}
