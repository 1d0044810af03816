"""What every check stands on: the file that says where the network is, and agents."""

import json
import sys

import icp_certificate.certificate
from icp_agent import Agent, Client
from icp_candid import Types, decode, encode
from icp_core.errors import ReplicaReject, TransportError
from icp_identity import Identity

with open(sys.argv[1], encoding="utf-8") as file:
    world = json.load(file)
canister, other, subnet = world["canister"], world["other"], world["subnet"]
root_key = bytes.fromhex(world["root_key"])
# The library checks certificates against this name alone, whatever an agent is given.
icp_certificate.certificate.IC_ROOT_KEY = root_key

me = Identity()


def program(name):
    return bytes.fromhex(world["program"][name])


def agent_for(identity=me, url=world["url"], verify=True):
    return Agent(identity, Client(url), root_key=root_key, verify_query_signatures=verify)


def update(agent, name, to=canister):
    return value(agent.update(to, "run", program(name)))


def query(agent, name, to=canister):
    return value(agent.query(to, "read", program(name)))


def value(decoded):
    """The one value of an answer."""
    return decoded[0]["value"]


def equal(got, want, what="answer"):
    if got != want:
        raise AssertionError(f"{what} is {str(got)[:300]}, want {str(want)[:300]}")


def refused(error, call, *args):
    """Runs call, which must raise error, and returns what it raised."""
    try:
        got = call(*args)
    except error as e:
        return e
    raise AssertionError(f"accepted, with {str(got)[:300]}")


def rejects(code, error_code, text, call, *args):
    e = refused(ReplicaReject, call, *args)
    equal((e.reject_code, e.error_code), (code, error_code), "reject")
    if text not in e.reject_message:
        raise AssertionError(f"reject message is {e.reject_message}, want {text} in it")


def turned_away(status, call, *args):
    """Runs call, which the network must answer with an HTTP status; returns its text."""
    e = refused(TransportError, call, *args)
    equal(e.original_error.response.status_code, status, "status")
    return e.original_error.response.text
