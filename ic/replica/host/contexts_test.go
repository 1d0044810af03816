package host

import (
	"strings"
	"testing"
)

// The contexts of "Overview of imports" in the interface specification, and its letters.
const allowed = `
msg_arg_data_size msg_arg_data_copy: I U RQ NRQ TQ CQ Ry CRy F
msg_caller_size msg_caller_copy: *
msg_caller_info_data_size msg_caller_info_data_copy msg_caller_info_signer_size msg_caller_info_signer_copy: U RQ NRQ CQ Ry Rt CRy CRt C CC F
msg_reject_code: Ry Rt CRy CRt C
msg_reject_msg_size msg_reject_msg_copy: Rt CRt
msg_deadline: U RQ NRQ CQ Ry Rt CRy CRt
msg_reply_data_append msg_reply msg_reject: U RQ NRQ TQ CQ Ry Rt CRy CRt
msg_cycles_available128 msg_cycles_accept128 msg_cycles_available msg_cycles_accept: U RQ Rt Ry
msg_cycles_refunded128 msg_cycles_refunded: Rt Ry
cycles_burn128: I G U RQ Ry Rt C T
canister_self_size canister_self_copy canister_cycle_balance128 canister_cycle_balance canister_liquid_cycle_balance128: *
canister_status canister_version subnet_self_size subnet_self_copy: *
msg_method_name_size msg_method_name_copy accept_message: F
call_new call_on_cleanup call_data_append call_with_best_effort_response call_perform: U CQ Ry Rt CRy CRt T
call_cycles_add128 call_cycles_add: U Ry Rt T
stable64_size stable64_grow stable64_write stable64_read stable_size stable_grow stable_write stable_read: * s
root_key_size root_key_copy: I G U RQ Ry Rt C T
certified_data_set: I G U Ry Rt T
data_certificate_present: *
data_certificate_size data_certificate_copy: NRQ CQ
time: *
global_timer_set: I G U Ry Rt C T
performance_counter is_controller in_replicated_execution: * s
cost_call cost_create_canister cost_http_request cost_sign_with_ecdsa cost_sign_with_schnorr cost_vetkd_derive_key: * s
env_var_count env_var_name_size env_var_name_copy env_var_name_exists env_var_value_size env_var_value_copy: *
debug_print trap: * s
`

var letters = map[string]Context{
	"s": Start, "I": Init, "G": PreUpgrade, "U": Update, "RQ": ReplicatedQuery, "NRQ": PlainQuery, "TQ": Transform,
	"CQ": CompositeQuery, "Ry": Reply, "Rt": RejectCallback, "CRy": CompositeReply, "CRt": CompositeReject,
	"C": Cleanup, "CC": CompositeCleanup, "F": Inspect, "T": Task,
	"*": Init | PreUpgrade | Update | ReplicatedQuery | PlainQuery | Transform | CompositeQuery | Reply | RejectCallback |
		CompositeReply | CompositeReject | Cleanup | CompositeCleanup | Inspect | Task,
}

// Every system call may be made where the interface specification lists it, and nowhere
// else.
func TestContextsOfCalls(t *testing.T) {
	t.Parallel()
	want := map[string]Context{}
	for line := range strings.Lines(strings.TrimSpace(allowed)) {
		names, contexts, _ := strings.Cut(strings.TrimSpace(line), ":")
		var where Context
		for _, letter := range strings.Fields(contexts) {
			if letters[letter] == 0 {
				t.Fatalf("no context %q", letter)
			}
			where |= letters[letter]
		}
		for _, name := range strings.Fields(names) {
			want[name] = where
		}
	}
	for _, c := range systemCalls {
		if c.name == "mint_cycles128" || c.name == "mint_cycles" { // the table leaves them out, and they always trap
			continue
		}
		if c.where != want[c.name] {
			t.Errorf("%s: allowed in %016b, want %016b", c.name, c.where, want[c.name])
		}
		delete(want, c.name)
	}
	for name := range want {
		t.Errorf("%s is not served", name)
	}
}
