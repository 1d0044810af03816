"""Answers that somebody changed on the way: the agent must not believe them.

Queries of an imposter are not here: the library reads node keys without checking the
certificate that they come in, so it believes a whole other network.
"""

from icp_core.errors import CertificateVerificationError, MissingSignature, QuerySignatureVerificationFailed
from icp_identity import Identity
from icp_principal import Principal
from world import agent_for, canister, equal, me, program, query, refused, update, value, world


def via(how, identity=me):
    return agent_for(identity, url=world["tampered"][how])


def stale():
    """Answers of an hour ago; without a sender the network takes the request."""
    return via("stale", Identity(anonymous=True))


def metadata(agent):
    path = [b"canister", Principal.from_str(canister).bytes, b"metadata", b"candid:service"]
    return agent.read_state_raw(canister, [path]).lookup(path)


def swapped_update():
    agent = via("swapped")
    update(agent, "count")
    equal(update(agent, "hello"), "hello")  # found by asking for the request's state


def swapped_query():
    agent = via("swapped")
    query(agent, "counted")
    refused(QuerySignatureVerificationFailed, query, agent, "hello")


tampered = {
    "forged_update": lambda: refused(CertificateVerificationError, update, via("forged"), "hello"),
    "forged_query": lambda: refused(QuerySignatureVerificationFailed, query, via("forged"), "hello"),
    "forged_state": lambda: refused(CertificateVerificationError, metadata, via("forged")),
    "uncertified_update": lambda: refused(KeyError, update, via("uncertified"), "hello"),
    "uncertified_query": lambda: refused(MissingSignature, query, via("uncertified"), "hello"),
    "uncertified_state": lambda: refused(CertificateVerificationError, metadata, via("uncertified")),
    "imposter_update": lambda: refused(CertificateVerificationError, update, via("imposter"), "hello"),
    "imposter_state": lambda: refused(CertificateVerificationError, metadata, via("imposter")),
    "stale_query": lambda: refused(QuerySignatureVerificationFailed, query, stale(), "hello"),
    "stale_state": lambda: equal("CertificateOutdated" in str(refused(ValueError, metadata, stale())), True, "reason"),
    "swapped_update": swapped_update,
    "swapped_query": swapped_query,
}
