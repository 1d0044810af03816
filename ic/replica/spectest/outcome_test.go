package spectest_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"assay/ic/certificate"
	"assay/ic/certificate/hashtree"
	"assay/ic/identity"
	"assay/ic/principal"
	"assay/ic/replica/replicatest"
)

// Reject codes.
const (
	fatal       = 1
	transient   = 2
	destination = 3
	rejected    = 4
	failed      = 5
	unknown     = 6
)

// outcome is what came of a call or query.
type outcome struct {
	w       *world
	kind    string // replied, rejected, refused (before the call was taken), http
	data    []byte
	code    int
	label   string // error code
	message string
}

func (o outcome) String() string {
	if o.kind == "replied" {
		return fmt.Sprintf("replied %x (%.80q)", o.data[:min(64, len(o.data))], o.data)
	}
	return fmt.Sprintf("%s %d %s %.200q", o.kind, o.code, o.label, o.message)
}

// replied holds that there was a reply, and answers with it.
func (o outcome) replied() []byte {
	o.w.Helper()
	if o.kind != "replied" {
		o.w.Fatalf("%s: %v, want a reply", o.w.section, o)
	}
	return o.data
}

// replies holds what the reply was.
func (o outcome) replies(want string) {
	o.w.Helper()
	if got := o.replied(); string(got) != want {
		o.w.Errorf("%s: replied %q, want %q", o.w.section, got, want)
	}
}

// gives holds which numbers the reply has.
func (o outcome) gives(want ...uint64) {
	o.w.Helper()
	if got := o.numbers(); !slices.Equal(got, want) {
		o.w.Errorf("%s: replied numbers %d, want %d", o.w.section, got, want)
	}
}

// numbers are those of the reply, 8 bytes each.
func (o outcome) numbers() []uint64 {
	o.w.Helper()
	return replicatest.Numbers(o.replied())
}

// number is the only one of the reply.
func (o outcome) number() uint64 {
	o.w.Helper()
	all := o.numbers()
	if len(all) != 1 {
		o.w.Fatalf("%s: replied %d, want one number", o.w.section, all)
	}
	return all[0]
}

// rejects holds that the call was taken and rejected with this code.
func (o outcome) rejects(code int, texts ...string) {
	o.w.Helper()
	o.negative("rejected", code, texts)
}

// refuses holds that the call was not taken, with this code.
func (o outcome) refuses(code int, texts ...string) {
	o.w.Helper()
	o.negative("refused", code, texts)
}

// fails holds that there was no reply but a reject with one of these codes, before or
// after the call was taken.
func (o outcome) fails(codes ...int) {
	o.w.Helper()
	if o.kind != "rejected" && o.kind != "refused" || !slices.Contains(codes, o.code) {
		o.w.Errorf("%s: %v, want a reject with code %v", o.w.section, o, codes)
	}
}

func (o outcome) negative(kind string, code int, texts []string) {
	o.w.Helper()
	if o.kind != kind || o.code != code {
		o.w.Errorf("%s: %v, want %s with code %d", o.w.section, o, kind, code)
		return
	}
	for _, text := range texts {
		if !strings.Contains(strings.ToLower(o.message), strings.ToLower(text)) {
			o.w.Errorf("%s: reject message %q lacks %q", o.w.section, o.message, text)
		}
	}
}

// call submits an update and waits for its end.
func (w *world) call(sender identity.Identity, effective, canister principal.Principal, method string, arg []byte) outcome {
	w.Helper()
	content := w.callContent(sender, "call", canister, method, arg)
	answer := w.post(canisterPath("v4", effective, "call"), envelope(content, sender))
	return w.outcome(answer, sender, effective, content.hash())
}

// outcome reads the answer of a synchronous call.
func (w *world) outcome(answer response, sender identity.Identity, effective principal.Principal, id [32]byte) outcome {
	w.Helper()
	switch {
	case answer.status == http.StatusAccepted:
		return w.await(pending{w, sender, effective, id})
	case answer.status != http.StatusOK:
		return outcome{w: w, kind: "http", code: answer.status, message: string(answer.body)}
	}
	f := answer.fields()
	switch f["status"] {
	case "non_replicated_rejection":
		return w.negativeOf(f, "refused")
	case "replied":
		raw, _ := f["certificate"].([]byte)
		return w.fate(w.proof(raw, effective), id)
	}
	w.Fatalf("%s: status %v of a synchronous call", w.section, f["status"])
	return outcome{}
}

func (w *world) negativeOf(f record, kind string) outcome {
	w.Helper()
	code, ok := f["reject_code"].(uint64)
	message, isText := f["reject_message"].(string)
	if !ok || !isText {
		w.Fatalf("%s: a reject with code %v and message %v", w.section, f["reject_code"], f["reject_message"])
	}
	label, _ := f["error_code"].(string)
	return outcome{w: w, kind: kind, code: int(code), label: label, message: message}
}

// fate reads a request's status from a certificate; kind is its word while it is open.
func (w *world) fate(p proof, id [32]byte) outcome {
	w.Helper()
	at := func(name string) []byte { return p.value("request_status", id[:], name) }
	if _, result := p.Tree.Lookup(to("request_status", id[:], "status")...); result == hashtree.Absent {
		return outcome{w: w, kind: "unknown"}
	}
	o := outcome{w: w, kind: string(at("status"))}
	switch o.kind {
	case "replied":
		o.data = at("reply")
	case "rejected":
		code, err := certificate.ParseNat(at("reject_code"))
		if err != nil {
			w.Fatalf("%s: reject code: %v", w.section, err)
		}
		o.code, o.message = int(code), string(at("reject_message"))
		if v, result := p.Tree.Lookup(to("request_status", id[:], "error_code")...); result == hashtree.Found {
			o.label = string(v)
		}
	}
	return o
}

// pending is a call that was submitted.
type pending struct {
	w         *world
	sender    identity.Identity
	effective principal.Principal
	id        [32]byte
}

// submit sends an update and does not wait for it.
func (w *world) submit(sender identity.Identity, effective, canister principal.Principal, method string, arg []byte) pending {
	w.Helper()
	content := w.callContent(sender, "call", canister, method, arg)
	w.post(canisterPath("v2", effective, "call"), envelope(content, sender)).is(http.StatusAccepted)
	return pending{w, sender, effective, content.hash()}
}

// status asks for a request's status.
func (w *world) status(p pending) outcome {
	w.Helper()
	return w.fate(w.read(p.sender, p.effective, to("request_status", p.id[:])), p.id)
}

// await asks until the call has ended, letting rounds pass in between.
func (w *world) await(p pending) outcome {
	w.Helper()
	for range 200 {
		if o := w.status(p); o.kind != "received" && o.kind != "processing" && o.kind != "unknown" {
			return o
		}
		w.tick()
	}
	w.Fatalf("%s: request %x does not end", w.section, p.id)
	return outcome{}
}

// ends waits for the call's end.
func (p pending) ends() outcome {
	p.w.Helper()
	return p.w.await(p)
}

// open holds that the call has no answer yet.
func (p pending) open() pending {
	p.w.Helper()
	if o := p.w.status(p); o.kind != "received" && o.kind != "processing" {
		p.w.Errorf("%s: the call is %v, want it open", p.w.section, o)
	}
	return p
}

// query asks a canister.
func (w *world) query(sender identity.Identity, effective, canister principal.Principal, method string, arg []byte) outcome {
	w.Helper()
	content := w.callContent(sender, "query", canister, method, arg)
	answer := w.post(canisterPath("v3", effective, "query"), envelope(content, sender))
	if answer.status != http.StatusOK {
		return outcome{w: w, kind: "http", code: answer.status, message: string(answer.body)}
	}
	f := answer.fields()
	if f["status"] == "rejected" {
		return w.negativeOf(f, "rejected")
	}
	reply, _ := f["reply"].(map[any]any)
	data, ok := reply["arg"].([]byte)
	if f["status"] != "replied" || !ok {
		w.Fatalf("%s: query answered %v", w.section, f)
	}
	return outcome{w: w, kind: "replied", data: data}
}

// u128 reads amounts of cycles, 16 bytes each; the upper halves must be zero.
func (o outcome) amounts() []uint64 {
	o.w.Helper()
	var out []uint64
	data := o.replied()
	for ; len(data) >= 16; data = data[16:] {
		if !bytes.Equal(data[8:16], make([]byte, 8)) {
			o.w.Fatalf("%s: an amount over 64 bits: %x", o.w.section, data[:16])
		}
		out = append(out, binary.LittleEndian.Uint64(data))
	}
	return out
}
