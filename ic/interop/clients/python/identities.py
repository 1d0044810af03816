"""Keys and delegations."""

import time

from icp_agent.agent import to_request_id
from icp_identity import DelegateIdentity, Identity
from world import agent_for, equal, query, turned_away, update, world


def seen_as(identity):
    """Holds who the canister takes the identity for."""
    agent = agent_for(identity)
    for call in (update, query):
        equal(str(call(agent, "caller")), str(identity.sender()), "caller")


def anonymous():
    agent = agent_for(Identity(anonymous=True))
    equal(update(agent, "hello"), "hello")
    equal(query(agent, "hello"), "hello")


def link(giver, taker, seconds=3600):
    content = {"pubkey": taker.der_pubkey, "expiration": time.time_ns() + seconds * 10**9}
    signature = giver.sign(b"\x1aic-request-auth-delegation" + to_request_id(content))[1]
    return {"delegation": content, "signature": signature}


def chain(*keys, seconds=3600):
    """The last key signs for the first."""
    links = [link(giver, taker, seconds) for giver, taker in zip(keys, keys[1:])]
    return DelegateIdentity(keys[-1], {"publicKey": keys[0].der_pubkey, "delegations": links})


def canister_signature():
    """A user of an identity provider: a canister signed the delegation to the session's key."""
    i = world["issued"]
    links = [{"delegation": {"pubkey": i["session_key"], "expiration": i["expiration"]}, "signature": i["signature"]}]
    granted = {"publicKey": i["public_key"], "delegations": links}
    seen_as(DelegateIdentity(Identity(privkey=i["session"]), granted))
    turned_away(400, update, agent_for(DelegateIdentity(Identity(), granted)), "hello")


def delegation_expired():
    late = agent_for(chain(Identity(), Identity(), seconds=-60))
    turned_away(400, update, late, "hello")
    turned_away(400, query, late, "hello")


def delegation_by_another():
    links = [link(Identity(), inner := Identity())]
    stolen = DelegateIdentity(inner, {"publicKey": Identity().der_pubkey, "delegations": links})
    turned_away(400, update, agent_for(stolen), "hello")


identities = {
    "caller_ed25519": lambda: seen_as(Identity()),
    "caller_secp256k1": lambda: seen_as(Identity(type="secp256k1")),
    "caller_p256": lambda: seen_as(Identity(type="p256")),
    "anonymous": anonymous,
    "delegation": lambda: seen_as(chain(Identity(), Identity(type="p256"), Identity(type="secp256k1"))),
    "canister_signature": canister_signature,
    "delegation_expired": delegation_expired,
    "delegation_by_another": delegation_by_another,
}
