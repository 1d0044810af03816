package host

import (
	"unicode/utf8"

	"assay/ic/replica/cycles"
)

// costCalls tell a canister prices.
var costCalls = []systemCall{
	{name: "cost_call", params: sig(i64, i64, i32), where: everywhere, cost: costUsual, run: func(x *Execution, s []uint64) {
		x.putCycles(u32(s[2]), x.Input.Prices.Call(s[0], s[1]).Total())
	}},
	{name: "cost_create_canister", params: sig(i32), where: everywhere, cost: costUsual, run: func(x *Execution, s []uint64) {
		x.putCycles(u32(s[0]), x.Input.Prices.Creation())
	}},
	{name: "cost_http_request", params: sig(i64, i64, i32), where: everywhere, cost: costUsual, run: func(x *Execution, s []uint64) {
		x.putCycles(u32(s[2]), x.Input.Prices.HTTPOutcall(s[0], s[1]))
	}},
	{name: "cost_sign_with_ecdsa", params: sig(i32, i32, i32, i32), results: sig(i32), where: everywhere, cost: costUsual, run: costSignature(1)},
	{name: "cost_sign_with_schnorr", params: sig(i32, i32, i32, i32), results: sig(i32), where: everywhere, cost: costUsual, run: costSignature(2)},
	{name: "cost_vetkd_derive_key", params: sig(i32, i32, i32, i32), results: sig(i32), where: everywhere, cost: costUsual, run: costSignature(1)},
}

// costSignature answers for a family of so many curves: 0 ok, 1 unknown curve, 2
// unknown key name.
func costSignature(curves uint32) func(*Execution, []uint64) {
	return func(x *Execution, s []uint64) {
		name := string(x.copied(u32(s[0]), u32(s[1])))
		curve, dst := u32(s[2]), u32(s[3])
		out := x.bytes(dst, cycles.Size)
		if curve >= curves {
			s[0] = 1
			return
		}
		price, ok := x.Input.Prices.Signature(name)
		if !ok {
			s[0] = 2
			return
		}
		price.Put(out)
		s[0] = 0
	}
}

// MaxVariable is the longest name, and the longest value, of an environment variable in bytes.
const MaxVariable = 128

// environmentCalls read the canister's environment variables.
var environmentCalls = []systemCall{
	number("env_var_count", i32, running, func(x *Execution) uint64 { return uint64(len(x.Input.Environment)) }),
	{name: "env_var_name_size", params: sig(i32), results: sig(i32), where: running, cost: costUsual, run: func(x *Execution, s []uint64) {
		s[0] = uint64(len(x.variable(u32(s[0])).Name))
	}},
	{name: "env_var_name_copy", params: sig(i32, i32, i32, i32), where: running, cost: costUsual, run: func(x *Execution, s []uint64) {
		x.copyOut(u32(s[1]), u32(s[2]), u32(s[3]), []byte(x.variable(u32(s[0])).Name))
	}},
	{name: "env_var_name_exists", params: sig(i32, i32), results: sig(i32), where: running, cost: costUsual, run: func(x *Execution, s []uint64) {
		_, ok := x.named(u32(s[0]), u32(s[1]))
		s[0] = boolean(ok)
	}},
	{name: "env_var_value_size", params: sig(i32, i32), results: sig(i32), where: running, cost: costUsual, run: func(x *Execution, s []uint64) {
		s[0] = uint64(len(x.valueOf(u32(s[0]), u32(s[1]))))
	}},
	{name: "env_var_value_copy", params: sig(i32, i32, i32, i32, i32), where: running, cost: costUsual, run: func(x *Execution, s []uint64) {
		x.copyOut(u32(s[2]), u32(s[3]), u32(s[4]), []byte(x.valueOf(u32(s[0]), u32(s[1]))))
	}},
}

func (x *Execution) variable(i uint32) Variable {
	if uint64(i) >= uint64(len(x.Input.Environment)) {
		x.violate("ic0.%s: index %d is out of bounds, there are %d environment variables", x.call, i, len(x.Input.Environment))
	}
	return x.Input.Environment[i]
}

func (x *Execution) named(at, size uint32) (Variable, bool) {
	name := string(x.copiedSmall(at, size, MaxVariable, "the name of an environment variable"))
	if !utf8.ValidString(name) {
		x.violate("ic0.%s: the name of an environment variable is not UTF-8", x.call)
	}
	for _, v := range x.Input.Environment {
		if v.Name == name {
			return v, true
		}
	}
	return Variable{Name: name}, false
}

func (x *Execution) valueOf(at, size uint32) string {
	v, ok := x.named(at, size)
	if !ok {
		x.violate("ic0.%s: there is no environment variable %q", x.call, v.Name)
	}
	return v.Value
}
