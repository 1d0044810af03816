package replicatest

import (
	"strings"

	m "assay/ic/wasm/module"
)

// The functions of ic0 for 32-bit memory, as "Overview of imports" in the interface
// specification lists them: names, parameters, results. i is i32, l is i64.
const imports = `
msg_arg_data_size msg_caller_size msg_caller_info_data_size msg_caller_info_signer_size ( i
msg_arg_data_copy msg_caller_copy msg_caller_info_data_copy msg_caller_info_signer_copy (iii
msg_reject_code ( i
msg_reject_msg_size ( i
msg_reject_msg_copy (iii
msg_deadline ( l
msg_reply_data_append msg_reject (ii
msg_reply (
msg_cycles_available128 msg_cycles_refunded128 (i
msg_cycles_accept128 cycles_burn128 (lli
canister_self_size subnet_self_size msg_method_name_size ( i
canister_self_copy subnet_self_copy msg_method_name_copy (iii
canister_cycle_balance128 canister_liquid_cycle_balance128 (i
canister_status ( i
canister_version ( l
accept_message (
call_new (iiiiiiii
call_on_cleanup call_data_append (ii
call_with_best_effort_response (i
call_cycles_add128 (ll
call_perform ( i
stable64_size ( l
stable64_grow (l l
stable64_write stable64_read (lll
root_key_size data_certificate_size ( i
root_key_copy data_certificate_copy (iii
certified_data_set (ii
data_certificate_present ( i
time ( l
global_timer_set (l l
performance_counter (i l
is_controller (ii i
in_replicated_execution ( i
cost_call cost_http_request (lli
cost_create_canister (i
cost_sign_with_ecdsa cost_sign_with_schnorr cost_vetkd_derive_key (iiii i
env_var_count ( i
env_var_name_size (i i
env_var_name_copy (iiii
env_var_name_exists env_var_value_size (ii i
env_var_value_copy (iiiii
debug_print trap (ii
msg_cycles_available msg_cycles_refunded canister_cycle_balance ( l
msg_cycles_accept (l l
call_cycles_add (l
stable_size ( i
stable_grow (i i
stable_write stable_read (iii
`

// systemCall is one function of ic0.
type systemCall struct {
	name            string
	params, results []m.ValType
}

var (
	systemCalls = parseImports()
	callNumber  = numberCalls()
)

func parseImports() (all []systemCall) {
	for line := range strings.Lines(strings.TrimSpace(imports)) {
		names, types, _ := strings.Cut(strings.TrimRight(line, "\n"), "(")
		params, results, _ := strings.Cut(types, " ")
		for _, name := range strings.Fields(names) {
			all = append(all, systemCall{name, valTypes(params), valTypes(results)})
		}
	}
	return all
}

func numberCalls() map[string]byte {
	out := map[string]byte{}
	for i, c := range systemCalls {
		out[c.name] = byte(i)
	}
	return out
}

func valTypes(s string) []m.ValType {
	var out []m.ValType
	for _, c := range s {
		if c == 'l' {
			out = append(out, m.I64)
		} else {
			out = append(out, m.I32)
		}
	}
	return out
}

// SystemCalls are the names of all functions of ic0, as the specification orders them.
func SystemCalls() []string {
	var names []string
	for _, c := range systemCalls {
		names = append(names, c.name)
	}
	return names
}

// caller is the function that does a system call by its number: it takes the
// parameters from the stack and leaves the result there.
func (a *assembler) caller(push, pop uint32) m.Body {
	const number, firstParam = 0, 1 // the locals behind are the parameters
	var c m.Code
	for i, call := range systemCalls {
		c.Get(number).I32(int32(i)).Op(m.OpI32Eq).Block(m.OpIf)
		for n := len(call.params) - 1; n >= 0; n-- {
			c.Call(pop).Set(uint32(firstParam + n))
		}
		for n, p := range call.params {
			c.Get(uint32(firstParam + n))
			if p == m.I32 {
				c.Op(i32WrapI64)
			}
		}
		c.Call(a.imports[call.name])
		if len(call.results) > 0 {
			if call.results[0] == m.I32 {
				c.Op(m.OpI64ExtendI32U)
			}
			c.Call(push)
		}
		c.Op(m.OpReturn, m.OpEnd)
	}
	return c.Body(m.Locals{N: 8, Type: m.I64})
}

// fetcher is the function that gets a blob by the number of its _size call: parameters
// are taken from the stack, address and length left there.
func (a *assembler) fetcher(alloc, push, pop uint32) m.Body {
	const number, firstParam, size, at = 0, 1, 4, 5
	var c m.Code
	for i, call := range systemCalls {
		stem, ok := strings.CutSuffix(call.name, "_size")
		get, pair := a.imports[stem+"_copy"]
		if !ok || !pair {
			continue
		}
		params := func() {
			for n := range call.params {
				c.Get(uint32(firstParam + n))
			}
		}
		c.Get(number).I32(int32(i)).Op(m.OpI32Eq).Block(m.OpIf)
		for n := len(call.params) - 1; n >= 0; n-- {
			c.Call(pop).Op(i32WrapI64).Set(uint32(firstParam + n))
		}
		params()
		c.Call(a.imports[call.name]).Set(size).Get(size).Call(alloc).Set(at)
		params()
		c.Get(at).I32(0).Get(size).Call(get)
		c.Get(at).Op(m.OpI64ExtendI32U).Call(push).Get(size).Op(m.OpI64ExtendI32U).Call(push)
		c.Op(m.OpReturn, m.OpEnd)
	}
	c.Op(m.OpUnreachable) // not a pair of calls
	return c.Body(m.Locals{N: 5, Type: m.I32})
}

// pushBody and popBody move the stack, whose top is in a global.
func pushBody() m.Body {
	var c m.Code
	c.Index(m.OpGlobalGet, globalTop).Get(0).Memory(m.OpI64Store, 0)
	c.Index(m.OpGlobalGet, globalTop).I32(8).Op(m.OpI32Add).Index(m.OpGlobalSet, globalTop)
	return c.Body()
}

func popBody() m.Body {
	var c m.Code
	c.Index(m.OpGlobalGet, globalTop).I32(8).Op(m.OpI32Sub).Index(m.OpGlobalSet, globalTop)
	c.Index(m.OpGlobalGet, globalTop).Memory(m.OpI64Load, 0)
	return c.Body()
}
