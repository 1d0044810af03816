package spectest_test

import (
	"bytes"
	"crypto/sha256"
	"math/big"
	"strings"

	"assay/ic/candid/text"
	"assay/ic/identity"
	"assay/ic/principal"
)

func init() {
	for _, way := range []string{"provisional_create_canister_with_cycles", "create_canister", "update_settings"} {
		describe("settings", "management canister",
			row{"IC method " + way, way + " refuses a compute allocation of 101", func(w *world) {
				ways[way](w, "compute_allocation", 101).fails(rejected, failed)
			}},
			row{"IC method " + way, way + " refuses a memory allocation over 2^64", func(w *world) {
				ways[way](w, "memory_allocation", power(64)).fails(rejected, failed)
			}},
			row{"IC method " + way, way + " refuses a freezing threshold of 2^64", func(w *world) {
				ways[way](w, "freezing_threshold", power(64)).fails(rejected, failed)
			}},
			row{"IC method " + way, way + " refuses a wasm_memory_limit over 2^48", func(w *world) {
				ways[way](w, "wasm_memory_limit", plus(power(48), 1)).fails(rejected, failed)
			}},
			row{"IC method " + way, way + " refuses a wasm_memory_threshold over 2^48", func(w *world) {
				ways[way](w, "wasm_memory_threshold", plus(power(48), 1)).fails(rejected, failed)
			}},
			row{"IC method " + way, way + " refuses a reserved_cycles_limit of 2^128", func(w *world) {
				ways[way](w, "reserved_cycles_limit", power(128)).fails(rejected, failed)
			}},
			row{"IC method " + way, way + " refuses eleven controllers, takes ten", func(w *world) {
				var list []principal.Principal
				for i := range uint64(11) {
					list = append(list, principal.Canister(i+900))
				}
				ways[way](w, "controllers", list).fails(rejected, failed)
				ways[way](w, "controllers", list[:10]).replied()
			}},
			row{"IC method " + way, way + " refuses eleven allowed viewers of logs, takes ten", func(w *world) {
				var list []principal.Principal
				for i := range uint64(11) {
					list = append(list, principal.Canister(i+900))
				}
				ways[way](w, "log_visibility", tag("allowed_viewers", list)).fails(rejected, failed)
				ways[way](w, "log_visibility", tag("allowed_viewers", list[:10])).replied()
			}},
			row{"Environment variables", way + " refuses names and values over 128 bytes, more than 20 variables, names that occur twice", func(w *world) {
				long := strings.Repeat("x", 129)
				var many []any
				for i := range 21 {
					many = append(many, fields("name", "NAME"+string(rune('A'+i)), "value", "v"))
				}
				for _, bad := range [][]any{
					{fields("name", long, "value", "v")},
					{fields("name", "n", "value", long)},
					many,
					{fields("name", "n", "value", "1"), fields("name", "n", "value", "2")},
				} {
					ways[way](w, "environment_variables", bad).fails(rejected, failed)
				}
				ways[way](w, "environment_variables", many[:20]).replied()
				ways[way](w, "environment_variables", []any{fields("name", long[:128], "value", long[:128])}).replied()
			}},
		)
	}
	describe("settings", "management canister",
		row{"IC method update_settings", "all settings are taken and shown", func(w *world) {
			c := w.create()
			w.set(c, "compute_allocation", 1, "memory_allocation", 1<<20, "freezing_threshold", 1<<20, "reserved_cycles_limit", 7*trillion,
				"minimum_incoming_canister_call_cycles", 5, "wasm_memory_limit", 1<<30, "wasm_memory_threshold", 1<<20,
				"log_visibility", tag("public"), "snapshot_visibility", tag("public"), "status_visibility", tag("public"),
				"environment_variables", []any{fields("name", "N", "value", "V")}).replies("DIDL\x00\x00")
			s := w.statusOf(c).at("settings")
			for name, want := range map[string]int{
				"compute_allocation": 1, "memory_allocation": 1 << 20, "freezing_threshold": 1 << 20, "reserved_cycles_limit": 7 * trillion,
				"minimum_incoming_canister_call_cycles": 5, "wasm_memory_limit": 1 << 30, "wasm_memory_threshold": 1 << 20,
			} {
				s.at(name).is(want)
			}
			for _, name := range []string{"log_visibility", "snapshot_visibility", "status_visibility"} {
				s.at(name).is(tag("public"))
			}
			s.at("environment_variables").is([]any{fields("name", "N", "value", "V")})
		}},
		row{"IC method update_settings", "what is not given stays", func(w *world) {
			c := w.create("freezing_threshold", 77, "wasm_memory_limit", 1<<30)
			w.set(c, "wasm_memory_threshold", 5).replied()
			s := w.statusOf(c).at("settings")
			s.at("freezing_threshold").is(77)
			s.at("wasm_memory_limit").is(1 << 30)
			s.at("controllers").is([]principal.Principal{owner.Sender()})
		}},
		row{"IC method update_settings", "a refused change changes nothing", func(w *world) {
			c := w.create()
			w.set(c, "freezing_threshold", 77, "compute_allocation", 101).fails(rejected, failed)
			w.statusOf(c).at("settings.freezing_threshold").is(2592000)
		}},
		row{"IC method update_settings", "only controllers", func(w *world) {
			c := w.create()
			w.manage(stranger, "update_settings", c, "settings", fields("freezing_threshold", 1)).fails(destination, failed)
			rejectedWith(w.viaCanister(w.canister(), "update_settings", "canister_id", c, "settings", fields("freezing_threshold", 1)), destination, failed)
		}},
		row{"IC method update_settings", "new controllers replace the old ones at once", func(w *world) {
			c := w.create()
			w.set(c, "controllers", []principal.Principal{stranger.Sender()}).replied()
			w.manage(owner, "canister_status", c).fails(destination, failed)
			w.manage(stranger, "canister_status", c).result("canister_status").at("settings.controllers").is([]principal.Principal{stranger.Sender()})
		}},
		row{"IC method update_settings", "controllers that occur twice are one", func(w *world) {
			c := w.create("controllers", []principal.Principal{owner.Sender(), owner.Sender()})
			w.statusOf(c).at("settings.controllers").is([]principal.Principal{owner.Sender()})
		}},
		row{"IC method update_settings", "a canister without controllers obeys nobody", func(w *world) {
			c := w.canister()
			w.set(c, "controllers", []principal.Principal{}).replied()
			w.manage(owner, "canister_status", c).fails(destination, failed)
			w.update(c, do.Reply([]byte("still runs"))).replies("still runs")
		}},
		row{"IC method update_settings", "a canister that controls itself can change itself", func(w *world) {
			c := w.canister()
			w.set(c, "controllers", []principal.Principal{c}).replied()
			w.viaCanister(c, "update_settings", "canister_id", c, "settings", fields("freezing_threshold", 123)).replies("DIDL\x00\x00")
			w.viaCanister(c, "canister_status", "canister_id", c).result("canister_status").at("settings.freezing_threshold").is(123)
		}},
		row{"IC method create_canister", "users cannot call it", func(w *world) {
			w.manage(owner, "create_canister", anyID).fails(destination, rejected, failed)
		}},
		row{"IC method create_canister", "the creator is the controller, its cycles the balance", func(w *world) {
			a := w.canister()
			c := w.created(w.update(a, relay(call{To: principal.Management, Method: "create_canister", Cycles: 20 * trillion, Arg: argument("create_canister")})))
			s := w.viaCanister(a, "canister_status", "canister_id", c).result("canister_status")
			s.at("settings.controllers").is([]principal.Principal{a})
			if got := s.at("cycles").number(); got < 19*trillion || got > 20*trillion {
				w.Errorf("the balance is %d", got)
			}
		}},
		row{"IC method create_canister", "the creator is no controller when others are given", func(w *world) {
			a := w.canister()
			c := w.created(w.update(a, relay(call{To: principal.Management, Method: "create_canister", Cycles: 20 * trillion, Arg: argument("create_canister", "settings", fields("controllers", []principal.Principal{owner.Sender()}))})))
			rejectedWith(w.viaCanister(a, "start_canister", "canister_id", c), destination, failed)
			w.statusOf(c).at("settings.controllers").is([]principal.Principal{owner.Sender()})
		}},
		row{"IC method create_canister", "too few cycles are rejected and refunded", func(w *world) {
			a := w.canister()
			got := w.update(a, do.Call(call{To: principal.Management, Method: "create_canister", Cycles: 1000, Arg: argument("create_canister"), OnReply: do.Put(0).Send(), OnReject: do.Put(of("msg_reject_code")).Give(wide(refunded)).Send()})).numbers()
			if len(got) != 3 || got[1] != 1000 {
				w.Errorf("code and refund: %d", got)
			}
		}},
		row{"IC method create_canister", "a wrong sender_canister_version fails", func(w *world) {
			o := w.update(w.canister(), relay(call{To: principal.Management, Method: "create_canister", Cycles: 20 * trillion, Arg: argument("create_canister", "sender_canister_version", 666)}))
			if o.kind == "replied" {
				rejectedWith(o, rejected, failed)
			} else {
				o.rejects(failed)
			}
		}},
		row{"IC method provisional_create_canister_with_cycles", "specified_id is taken when it is free", func(w *world) {
			id := principal.Canister(0x123456)
			if got := w.created(w.manage(owner, "provisional_create_canister_with_cycles", anyID, "specified_id", id)); got != id {
				w.Errorf("created %s", got)
			}
			w.manage(owner, "provisional_create_canister_with_cycles", anyID, "specified_id", id).fails(transient, destination, rejected, failed)
		}},
		row{"IC method provisional_create_canister_with_cycles", "a user's id as specified_id is rejected", func(w *world) {
			w.manage(owner, "provisional_create_canister_with_cycles", anyID, "specified_id", stranger.Sender()).fails(destination, rejected, failed)
		}},
		row{"IC method provisional_create_canister_with_cycles", "without an amount there is a default", func(w *world) {
			c := w.created(w.manage(owner, "provisional_create_canister_with_cycles", anyID))
			if w.balance(c) == 0 {
				w.Error("no cycles")
			}
		}},
		row{"IC method provisional_create_canister_with_cycles", "canisters may call it, and keep their cycles", func(w *world) {
			a := w.canister()
			got := w.update(a, do.Call(call{To: principal.Management, Method: "provisional_create_canister_with_cycles", Cycles: 100, Arg: argument("provisional_create_canister_with_cycles", "amount", trillion), OnReply: do.Give(wide(refunded)).Send()})).amounts()
			if got[0] != 100 {
				w.Errorf("refunded %d", got)
			}
		}},
		row{"IC method provisional_create_canister_with_cycles", "any effective id that is hosted will do", func(w *world) {
			w.created(w.manage(stranger, "provisional_create_canister_with_cycles", principal.Canister(77)))
		}},
		row{"IC method raw_rand", "32 bytes, others each time", func(w *world) {
			a := w.canister()
			first := w.viaCanister(a, "raw_rand").result("raw_rand").bytes()
			second := w.viaCanister(a, "raw_rand").result("raw_rand").bytes()
			if len(first) != 32 || len(second) != 32 || bytes.Equal(first, second) {
				w.Errorf("%x and %x", first, second)
			}
		}},
		row{"Inter-canister calls", "the management canister answers at the id of the caller's subnet", func(w *world) {
			if got := w.update(w.canister(), relay(call{To: w.subnet(), Method: "raw_rand", Arg: argument("raw_rand")})).result("raw_rand").bytes(); len(got) != 32 {
				w.Errorf("%x", got)
			}
		}},
		row{"Inter-canister calls", "a subnet that is not there is no destination", func(w *world) {
			other := principal.SelfAuthenticating([]byte("another subnet"))
			rejectedWith(w.update(w.canister(), relay(call{To: other, Method: "raw_rand", Arg: argument("raw_rand")})), destination)
		}},
		row{"IC method raw_rand", "an argument is rejected", func(w *world) {
			rejectedWith(w.update(w.canister(), relay(call{To: principal.Management, Method: "raw_rand", Arg: []byte("nonsense")})), rejected, failed)
		}},
		row{"The IC management canister", "methods for canisters are not for users", func(w *world) {
			c := w.canister()
			for method, arg := range map[string][]byte{
				"raw_rand": argument("raw_rand"), "deposit_cycles": argument("deposit_cycles", "canister_id", c),
				"canister_info":        argument("canister_info", "canister_id", c),
				"http_request":         argument("http_request", "url", "https://example.com", "method", tag("get"), "headers", []any{}),
				"ecdsa_public_key":     argument("ecdsa_public_key", "derivation_path", []any{}, "key_id", fields("curve", tag("secp256k1"), "name", "key_1")),
				"sign_with_ecdsa":      argument("sign_with_ecdsa", "message_hash", make([]byte, 32), "derivation_path", []any{}, "key_id", fields("curve", tag("secp256k1"), "name", "key_1")),
				"node_metrics_history": argument("node_metrics_history", "subnet_id", w.subnet(), "start_at_timestamp_nanos", 0),
				"subnet_info":          argument("subnet_info", "subnet_id", w.subnet()),
			} {
				content := w.callContent(owner, "call", principal.Management, method, arg)
				r := w.post(canisterPath("v2", c, "call"), envelope(content, owner))
				if r.status == 202 {
					w.Errorf("%s was taken", method)
				}
			}
		}},
		row{"The IC management canister", "a method that is not there is rejected", func(w *world) {
			w.call(owner, w.canister(), principal.Management, "no_such_method", argument("raw_rand")).fails(destination, rejected, failed)
			rejectedWith(w.update(w.canister(), relay(call{To: principal.Management, Method: "no_such_method", Arg: argument("raw_rand")})), destination, rejected, failed)
		}},
		row{"The IC management canister", "arguments that are not Candid are rejected", func(w *world) {
			a := w.canister()
			for _, method := range []string{"canister_status", "create_canister", "update_settings", "install_code", "stop_canister", "deposit_cycles", "canister_info", "upload_chunk", "take_canister_snapshot"} {
				rejectedWith(w.update(a, relay(call{To: principal.Management, Method: method, Arg: []byte("nonsense"), Cycles: trillion})), rejected, failed)
			}
		}},
		row{"IC method subnet_info", "the own subnet has a version", func(w *world) {
			if w.viaCanister(w.canister(), "subnet_info", "subnet_id", w.subnet()).result("subnet_info").at("replica_version").String() == `""` {
				w.Error("no version")
			}
		}},
		row{"IC method node_metrics_history", "the own subnet has a history of its node", func(w *world) {
			w.viaCanister(w.canister(), "node_metrics_history", "subnet_id", w.subnet(), "start_at_timestamp_nanos", 0).result("node_metrics_history").list()
		}},
		row{"Environment Variables", "they are counted, named and read", func(w *world) {
			c := w.create("environment_variables", []any{fields("name", "ONE", "value", "first"), fields("name", "TWO", "value", "")})
			w.load(c, plain())
			w.ask(c, do.Put(of("env_var_count")).Give(blob("env_var_value", "ONE")).Put(of("env_var_value_size", "TWO")).Send()).replies(le(2) + "first" + le(0))
			names := string(w.ask(c, do.Give(blob("env_var_name", 0)).Give(blob("env_var_name", 1)).Send()).replied())
			if names != "ONETWO" && names != "TWOONE" {
				w.Errorf("names %q", names)
			}
			w.ask(c, do.Put(of("env_var_name_exists", "ONE")).Put(of("env_var_name_exists", "NONE")).Send()).gives(1, 0)
		}},
		row{"Environment Variables", "a canister without any has none", func(w *world) {
			c := w.canister()
			w.ask(c, do.Put(of("env_var_count")).Put(of("env_var_name_exists", "ONE")).Send()).gives(0, 0)
		}},
		row{"Environment Variables", "an index or name that is not there traps", func(w *world) {
			c := w.canister()
			for _, p := range []program{
				do.Put(of("env_var_name_size", 0)), do.Do("env_var_name_copy", 0, free, 0, 0), do.Put(of("env_var_value_size", "NONE")), do.Do("env_var_value_copy", "NONE", free, 0, 0),
			} {
				w.ask(c, p.Send()).rejects(failed)
			}
		}},
		row{"Environment Variables", "a name over 128 bytes or not of UTF-8 traps", func(w *world) {
			c := w.canister()
			w.ask(c, do.Put(of("env_var_name_exists", strings.Repeat("x", 128))).Send()).gives(0)
			w.ask(c, do.Put(of("env_var_name_exists", strings.Repeat("x", 129))).Send()).rejects(failed)
			w.ask(c, do.Put(of("env_var_name_exists", "\xff\xfe")).Send()).rejects(failed)
		}},
		row{"Environment Variables", "copies beyond names and values trap", func(w *world) {
			c := w.create("environment_variables", []any{fields("name", "ONE", "value", "first")})
			w.load(c, plain())
			w.ask(c, do.Do("env_var_name_copy", 0, free, 1, 3).Send()).rejects(failed)
			w.ask(c, do.Do("env_var_value_copy", "ONE", free, 0, 6).Send()).rejects(failed)
			w.ask(c, do.Do("env_var_value_copy", "ONE", 4<<16-1, 0, 5).Send()).rejects(failed)
		}},
		row{"Environment Variables", "new settings replace them for the next message", func(w *world) {
			c := w.create("environment_variables", []any{fields("name", "ONE", "value", "first")})
			w.load(c, plain())
			w.set(c, "environment_variables", []any{fields("name", "ONE", "value", "second")}).replied()
			w.ask(c, do.Give(blob("env_var_value", "ONE")).Send()).replies("second")
			w.set(c, "environment_variables", []any{}).replied()
			w.ask(c, do.Put(of("env_var_count")).Send()).gives(0)
		}},
	)
}

func power(n uint) *big.Int { return new(big.Int).Lsh(big.NewInt(1), n) }

func plus(a *big.Int, n int64) *big.Int { return new(big.Int).Add(a, big.NewInt(n)) }

// ways to give settings: to a canister that users create, that a canister creates, and
// to one that is there.
var ways = map[string]func(w *world, settings ...any) outcome{
	"provisional_create_canister_with_cycles": func(w *world, settings ...any) outcome {
		return w.manage(owner, "provisional_create_canister_with_cycles", anyID, "amount", 100*trillion, "settings", fields(settings...))
	},
	"create_canister": func(w *world, settings ...any) outcome {
		o := w.update(w.canister(), relay(call{To: principal.Management, Method: "create_canister", Cycles: 10 * trillion, Arg: argument("create_canister", "settings", fields(settings...))}))
		if data := o.replied(); !strings.HasPrefix(string(data), "DIDL") {
			return outcome{w: w, kind: "rejected", code: int(data[0]), message: string(data[8:])}
		}
		return o
	},
	"update_settings": func(w *world, settings ...any) outcome { return w.set(w.create(), settings...) },
}

// logs are a canister's, fetched by a query.
func (w *world) logs(sender identity.Identity, c principal.Principal) []value {
	w.Helper()
	return w.query(sender, c, principal.Management, "fetch_canister_logs", argument("fetch_canister_logs", "canister_id", c)).
		result("fetch_canister_logs").at("canister_log_records").list()
}

// uploadModule cuts a module into chunks.
func (w *world) uploadModule(store principal.Principal, wasm []byte) (hashes []any) {
	w.Helper()
	for len(wasm) > 0 {
		n := min(5000, len(wasm))
		h := sha256.Sum256(wasm[:n])
		w.manage(owner, "upload_chunk", store, "chunk", wasm[:n]).replied()
		hashes, wasm = append(hashes, fields("hash", h[:])), wasm[n:]
	}
	return hashes
}

// chunked installs from chunks; store is a canister or nil.
func (w *world) chunked(sender identity.Identity, target principal.Principal, store any, hashes []any, wasm []byte) outcome {
	w.Helper()
	h := sha256.Sum256(wasm)
	if store == nil {
		store = text.Null{}
	}
	return w.manage(sender, "install_chunked_code", target, "store_canister", store, "mode", tag("install"), "chunk_hashes_list", hashes, "wasm_module_hash", h[:], "arg", do.Set(1, 7))
}
