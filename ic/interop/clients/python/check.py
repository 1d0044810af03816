"""Checks a network with icp-py-core: python check.py WORLD.json. A line of JSON per check."""

import json
import traceback

from calls import calls
from identities import identities
from state import state
from tampered import tampered


def run(check):
    try:
        check()
    except Exception:  # whatever it is, the line tells it
        return traceback.format_exc()[-1500:]
    return None


for name, check in {**calls, **identities, **state, **tampered}.items():
    failure = run(check)
    print(json.dumps({"name": name, "ok": failure is None, "detail": failure or ""}), flush=True)
