package spectest_test

import (
	"slices"
	"strings"

	"assay/ic/principal"
	"assay/ic/replica/replicatest"
)

// free is a place in the heap that programs do not use otherwise.
const free = 1 << 17

// everywhere but in the start function; transforms and the cleanups of composite
// queries are not tried here.
const everywhere = "I G U RQ NRQ CQ Ry Rt CRy CRt C F T"

// A system call works in the contexts that the overview lists and traps in the others.
// What it needs to work where it may be called is its arguments and what comes before.
type availability struct {
	call, contexts string
	args           []any
	before         program
}

func calls(contexts, names string, args ...any) []availability {
	var out []availability
	for name := range strings.FieldsSeq(names) {
		out = append(out, availability{call: name, contexts: contexts, args: args})
	}
	return out
}

// pairs are blobs, got by a size and a copy.
func pairs(contexts, names string) []availability {
	var out []availability
	for name := range strings.FieldsSeq(names) {
		out = append(out, calls(contexts, name+"_size")...)
		out = append(out, calls(contexts, name+"_copy", free, 0, 0)...)
	}
	return out
}

// building are calls that need a call under construction.
func building(contexts, name string, args ...any) []availability {
	before := do.Do("call_new", principal.Management, "raw_rand", replicatest.RunSlot, do, replicatest.RunSlot, do)
	return []availability{{name, contexts, args, before}}
}

var systemAPI = slices.Concat(
	pairs("I U RQ NRQ CQ Ry CRy F", "msg_arg_data"),
	pairs(everywhere, "msg_caller canister_self subnet_self"),
	pairs("U RQ NRQ CQ Ry Rt CRy CRt C F", "msg_caller_info_data msg_caller_info_signer"),
	calls("Ry Rt CRy CRt C", "msg_reject_code"),
	pairs("Rt CRt", "msg_reject_msg"),
	calls("U RQ NRQ CQ Ry Rt CRy CRt", "msg_deadline msg_reply"),
	calls("U RQ NRQ CQ Ry Rt CRy CRt", "msg_reply_data_append msg_reject", "x"),
	calls("U RQ Rt Ry", "msg_cycles_available128", free),
	calls("Rt Ry", "msg_cycles_refunded128", free),
	calls("U RQ Rt Ry", "msg_cycles_accept128", 0, 0, free),
	calls("I G U RQ Ry Rt C T", "cycles_burn128", 0, 0, free),
	calls(everywhere, "canister_cycle_balance128 canister_liquid_cycle_balance128", free),
	calls(everywhere, "canister_status canister_version time canister_cycle_balance data_certificate_present env_var_count"),
	pairs("F", "msg_method_name"),
	calls("F", "accept_message"),
	calls("U CQ Ry Rt CRy CRt T", "call_new", principal.Management, "raw_rand", replicatest.RunSlot, do, replicatest.RunSlot, do),
	building("U CQ Ry Rt CRy CRt T", "call_on_cleanup", replicatest.RunSlot, do),
	building("U CQ Ry Rt CRy CRt T", "call_data_append", "x"),
	building("U CQ Ry Rt CRy CRt T", "call_with_best_effort_response", 1),
	building("U Ry Rt T", "call_cycles_add128", 0, 0),
	building("U Ry Rt T", "call_cycles_add", 0),
	building("U CQ Ry Rt CRy CRt T", "call_perform"),
	calls(everywhere+" s", "stable64_size stable_size in_replicated_execution"),
	calls(everywhere+" s", "stable64_grow stable_grow performance_counter", 0),
	calls(everywhere+" s", "stable64_write stable_write stable64_read stable_read", 0, 0, 0),
	pairs("I G U RQ Ry Rt C T", "root_key"),
	calls("I G U Ry Rt T", "certified_data_set", "x"),
	pairs("NRQ CQ", "data_certificate"),
	calls("I G U Ry Rt C T", "global_timer_set", 0),
	calls(everywhere+" s", "is_controller debug_print", "x"),
	calls(everywhere+" s", "cost_call cost_http_request", 10, 10, free),
	calls(everywhere+" s", "cost_create_canister", free),
	calls(everywhere+" s", "cost_sign_with_ecdsa cost_sign_with_schnorr cost_vetkd_derive_key", "x", 0, free),
	calls(everywhere, "env_var_name_size", 0),
	calls(everywhere, "env_var_name_copy", 0, free, 0, 0),
	calls(everywhere, "env_var_name_exists env_var_value_size", "NAME"),
	calls(everywhere, "env_var_value_copy", "NAME", free, 0, 0),
	calls("", "trap", "x"), // wherever
	calls("U RQ Rt Ry", "msg_cycles_available"),
	calls("Rt Ry", "msg_cycles_refunded"),
	calls("U RQ Rt Ry", "msg_cycles_accept", 0),
)

func init() {
	covered := map[string]bool{}
	for _, a := range systemAPI {
		covered[a.call] = true
		where := a.contexts
		if where == "" {
			where = "no context"
		}
		describe("system API", "canister interface",
			row{"Overview of imports", a.call + " works in " + where + " alone", a.check})
	}
	for _, name := range replicatest.SystemCalls() {
		if !covered[name] {
			panic("no row for " + name) // a mistake in the table
		}
	}
}

// startModule runs in its start function what stable memory begins with.
var startModule = replicatest.Wasm(options{
	Inspect: true,
	Start: do.If(of("stable64_size"),
		do.Do("stable64_read", free, 0, 4096).RunAt(free), nil),
})

func (a availability) check(w *world) {
	c := w.create("environment_variables", []any{fields("name", "NAME", "value", "VALUE")})
	w.load(c, startModule)
	p := a.before.Do(a.call, a.args...)
	// An answer is the program's own where the call is one, else it comes behind.
	answered := p
	if a.call != "msg_reply" && a.call != "msg_reject" {
		answered = p.Reply([]byte("done"))
	}
	works := map[string]bool{
		"I":   w.trial(w.install("reinstall", c, startModule, p)) && w.trial(w.install("upgrade", c, startModule, p)),
		"U":   w.trial(w.update(c, answered)),
		"RQ":  w.trial(w.call(owner, c, c, "read", answered)),
		"NRQ": w.trial(w.ask(c, answered)),
		"CQ":  w.trial(w.composite(c, answered)),
		"Ry":  w.trial(w.update(c, do.Call(call{To: c, Method: "read", Arg: do.Send(), OnReply: answered, OnReject: do.Trap("rejected")}))),
		"Rt":  w.trial(w.update(c, do.Call(call{To: c, Method: "none", OnReply: do.Trap("replied"), OnReject: answered}))),
		"CRy": w.trial(w.composite(c, do.Call(call{To: w.friend(), Method: "read", Arg: do.Send(), OnReply: answered, OnReject: do.Trap("rejected")}))),
		"CRt": w.trial(w.composite(c, do.Call(call{To: c, Method: "none", OnReply: do.Trap("replied"), OnReject: answered}))),
		"C":   a.cleanup(w, c, p),
		"F":   a.inspect(w, c, p),
		"T":   a.timer(w, c, p),
		"G":   a.preUpgrade(w, c, p),
		"s":   a.start(w, c, p),
	}
	allowed := strings.Fields(a.contexts)
	for context, ok := range works {
		if ok != slices.Contains(allowed, context) {
			w.Errorf("%s: %s in %s: works is %v", w.section, a.call, context, ok)
		}
	}
}

// trial reports whether a call that may trap did not.
func (w *world) trial(o outcome) bool {
	w.Helper()
	switch {
	case o.kind == "replied", o.kind == "rejected" && o.code == rejected:
		return true
	case (o.kind == "rejected" || o.kind == "refused") && o.code == failed:
		return false
	}
	w.Fatalf("%s: %v, neither an answer nor a trap", w.section, o)
	return false
}

const worked = 7 // a cell that is 1 when the program came to its end

func (a availability) cleanup(w *world, c principal.Principal, p program) bool {
	w.update(c, do.Set(worked, 0).Call(call{
		To: c, Method: "read", Arg: do.Send(), OnReply: do.Trap("so that cleanup runs"), OnCleanup: p.Set(worked, 1),
	})).rejects(failed)
	return w.cell(c, worked) == 1
}

func (a availability) inspect(w *world, c principal.Principal, p program) bool {
	if a.call != "accept_message" {
		p = p.Do("accept_message")
	}
	w.install("reinstall", c, startModule, do.OnInspect(p)).replied()
	return w.trial(w.update(c, do.Reply(nil)))
}

func (a availability) timer(w *world, c principal.Principal, p program) bool {
	w.install("reinstall", c, startModule, do.OnTimer(p.Set(worked, 1)).Timer(1)).replied()
	w.tick()
	w.tick()
	return w.cell(c, worked) == 1
}

func (a availability) preUpgrade(w *world, c principal.Principal, p program) bool {
	w.install("reinstall", c, startModule, do.OnUpgrade(p)).replied()
	return w.trial(w.install("upgrade", c, startModule, nil))
}

func (a availability) start(w *world, c principal.Principal, p program) bool {
	w.install("reinstall", c, startModule, do.Do("stable64_grow", 1).Do("stable64_write", 0, append([]byte{}, append(p, 0)...))).replied()
	return w.trial(w.install("upgrade", c, startModule, nil))
}
