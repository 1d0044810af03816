package link

import (
	"strings"

	"assay/ic/wasm/module"
)

// systemAPI lists the functions of module ic0 for 32-bit memory: names, parameters,
// results. i is i32, l is i64.
const systemAPI = `
msg_arg_data_size msg_caller_size msg_caller_info_data_size msg_caller_info_signer_size ( i
msg_reject_msg_size canister_self_size subnet_self_size root_key_size ( i
data_certificate_size msg_method_name_size env_var_count ( i
msg_arg_data_copy msg_caller_copy msg_caller_info_data_copy msg_caller_info_signer_copy (iii
msg_reject_msg_copy canister_self_copy subnet_self_copy root_key_copy (iii
data_certificate_copy msg_method_name_copy (iii
msg_reject_code canister_status data_certificate_present in_replicated_execution ( i
msg_deadline canister_version time ( l
msg_reply_data_append msg_reject call_data_append certified_data_set debug_print trap (ii
msg_reply accept_message (
msg_cycles_available128 msg_cycles_refunded128 canister_cycle_balance128 canister_liquid_cycle_balance128 (i
msg_cycles_accept128 cycles_burn128 (lli
call_new (iiiiiiii
call_on_cleanup (ii
call_with_best_effort_response (i
call_perform ( i
call_cycles_add128 (ll
stable64_size ( l
stable64_grow (l l
stable64_write stable64_read (lll
global_timer_set (l l
performance_counter (i l
is_controller env_var_name_exists env_var_value_size (ii i
cost_call (lli
cost_create_canister (i
cost_http_request (lli
cost_sign_with_ecdsa cost_sign_with_schnorr cost_vetkd_derive_key (iiii i
env_var_name_size (i i
env_var_name_copy (iiii
env_var_value_copy (iiiii
msg_cycles_available msg_cycles_refunded canister_cycle_balance ( l
msg_cycles_accept (l l
call_cycles_add (l
mint_cycles128 (lli
mint_cycles (l l
stable_size ( i
stable_grow (i i
stable_write stable_read (iii
`

var systemTypes = parseSystemAPI(systemAPI)

func parseSystemAPI(text string) map[string]module.FuncType {
	out := map[string]module.FuncType{}
	for line := range strings.Lines(strings.TrimSpace(text)) {
		names, types, _ := strings.Cut(strings.TrimRight(line, "\n"), "(")
		params, results, _ := strings.Cut(types, " ")
		t := module.FuncType{Params: valTypes(params), Results: valTypes(results)}
		for _, name := range strings.Fields(names) {
			out[name] = t
		}
	}
	return out
}

func valTypes(s string) []module.ValType {
	var out []module.ValType
	for _, c := range s {
		t := module.I32
		if c == 'l' {
			t = module.I64
		}
		out = append(out, t)
	}
	return out
}

// SystemType is the type of a system call, false for an unknown name.
func SystemType(name string) (module.FuncType, bool) {
	t, ok := systemTypes[name]
	return t, ok
}
