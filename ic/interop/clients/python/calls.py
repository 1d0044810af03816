"""Updates, queries, rejects, sizes, replay, and the life of a canister."""

import cbor2
from icp_agent.agent import sign_request
from icp_candid import Types, decode, encode
from icp_principal import Principal
from world import agent_for, canister, equal, me, program, query, rejects, root_key, turned_away, update, value, world

agent = agent_for()
unsigned_rejects = agent_for(verify=False)  # the library looks for a rejected query's fields in another place, so it cannot check its signature


def padded(size):
    return program("echo").ljust(size, b"\0")


def envelope(method, name, seconds=120):
    """A signed call, as bytes, that is valid for so long."""
    content = {
        "request_type": "call", "sender": me.sender().bytes, "canister_id": Principal.from_str(canister).bytes,
        "method_name": method, "arg": program(name), "ingress_expiry": agent.get_expiry_date() + int((seconds - agent.ingress_expiry) * 1e9),
    }
    return sign_request(content, me)[1]


def post(body):
    return agent.client.call(canister, body)


def status():
    equal(cbor2.loads(agent.client.status())["replica_health_status"], "healthy", "health")


def root():
    equal(cbor2.loads(agent.client.status())["root_key"], root_key, "root key")


def query_reject():
    rejects(4, "IC0406", "no, thanks", query, unsigned_rejects, "reject")
    rejects(5, "IC0503", "on purpose", query, unsigned_rejects, "trap")


def large_argument():
    arg = padded(world["large"])
    equal(bytes(value(agent.update(canister, "run", arg))), arg)
    equal(bytes(value(agent.query(canister, "read", arg))), arg)


def polling():
    impatient = agent_for(url=world["impatient"])
    equal(update(impatient, "hello"), "hello")
    rejects(5, "IC0503", "on purpose", update, impatient, "trap")


def wrong_signature():
    sent = cbor2.loads(envelope("run", "hello"))
    sent["content"]["arg"] = program("caller")
    turned_away(400, post, cbor2.dumps(sent))


def expired():
    text = turned_away(400, post, envelope("run", "hello", seconds=-60))
    if "Invalid request expiry: " not in text:
        raise AssertionError(text)
    turned_away(400, post, envelope("run", "hello", seconds=3600))


def replayed():
    before = query(agent, "counted")
    sent = envelope("run", "count")
    for _ in range(3):
        equal(cbor2.loads(post(sent).content)["status"], "replied", "status")
    equal(query(agent, "counted"), before + 1, "count after one call, sent three times")


def install():
    manage(canister, "provisional_create_canister_with_cycles", {"amount": Types.Opt(Types.Nat)}, {"amount": [10**12 * 5]})
    made = manage(canister, "provisional_create_canister_with_cycles", {"amount": Types.Opt(Types.Nat)}, {"amount": [10**12 * 5]})
    new = str(value_of(made, "canister_id"))
    with open(world["module"], "rb") as file:
        module = file.read()
    mode = Types.Variant({"install": Types.Null, "upgrade": Types.Null})
    install_type = {"mode": mode, "canister_id": Types.Principal, "wasm_module": Types.Vec(Types.Nat8), "arg": Types.Vec(Types.Nat8)}
    manage(new, "install_code", install_type, {"mode": {"install": None}, "canister_id": new, "wasm_module": module, "arg": b""})
    equal(update(agent, "hello", new), "hello")
    one = {"canister_id": Types.Principal}
    hash_of_module = value_of(manage(new, "canister_status", one, {"canister_id": new}), "module_hash")
    equal(len(hash_of_module[0]), 32, "length of the module hash")
    manage(new, "stop_canister", one, {"canister_id": new})
    rejects(5, "IC0508", "", update, agent, "hello", new)
    manage(new, "delete_canister", one, {"canister_id": new})
    rejects(3, "IC0301", "", update, agent, "hello", new)


def manage(effective, method, fields, record):
    arg = encode([{"type": Types.Record(fields), "value": record}])
    return agent.update("aaaaa-aa", method, arg, effective_canister_id=effective)


def value_of(answer, field):
    """A field of a record that was decoded without its type, where names are hashes."""
    hashed = 0
    for byte in field.encode():
        hashed = (hashed * 223 + byte) % 2**32
    record = value(answer)
    return next(record[key] for key in (field, hashed, str(hashed), f"_{hashed}") if key in record)


calls = {
    "status": status,
    "root_key": root,
    "query": lambda: equal(query(agent, "hello"), "hello"),
    "update": lambda: equal(update(agent, "hello"), "hello"),
    "query_reject": query_reject,
    "update_reject": lambda: rejects(4, "IC0406", "no, thanks", update, agent, "reject"),
    "update_trap": lambda: rejects(5, "IC0503", "on purpose", update, agent, "trap"),
    "update_deny": lambda: rejects(4, "IC0406", "", update, agent, "deny"),
    "method_missing": lambda: rejects(5, "IC0536", "", unsigned_rejects.query, canister, "nothing", program("hello")),
    "canister_missing": lambda: rejects(3, "IC0301", "", update, agent, "hello", world["nobody"]),
    "large_argument": large_argument,
    "long_reply": lambda: equal(len(query(agent, "long")), 48 * 65536 - 1024, "length"),
    "reply_too_long": lambda: rejects(5, "IC0504", "", update, agent, "toolong"),
    "request_too_large": lambda: turned_away(413, agent.update, canister, "run", padded(world["huge"])),
    "polling": polling,
    "wrong_signature": wrong_signature,
    "expired": expired,
    "replayed": replayed,
    "install": install,
}
