"""What read_state certifies."""

import hashlib
import time

from icp_agent import system_state
from icp_principal import Principal
from world import agent_for, canister, equal, subnet, world

agent = agent_for()


def state_time():
    certificate = agent.read_state_raw(canister, [[b"time"]])
    seconds = abs(time.time_ns() - certificate.lookup_time()) / 1e9
    if seconds > 60:
        raise AssertionError(f"the time is {seconds} s from ours")


def state_module_hash():
    with open(world["module"], "rb") as file:
        equal(system_state.canister_module_hash(agent, canister), hashlib.sha256(file.read()).hexdigest())


def state_metadata():
    path = [b"canister", Principal.from_str(canister).bytes, b"metadata", b"candid:service"]
    equal(agent.read_state_raw(canister, [path]).lookup(path).decode(), world["candid"])


def state_subnet():
    key = bytes.fromhex(system_state.subnet_public_key_direct(agent, subnet))
    equal(str(Principal.self_authenticating(key)), subnet, "principal of the public key")


state = {
    "state_time": state_time,
    "state_module_hash": state_module_hash,
    "state_controllers": lambda: equal([str(p) for p in system_state.canister_controllers(agent, canister)], ["2vxsx-fae"]),
    "state_metadata": state_metadata,
    "state_subnet": state_subnet,
}
