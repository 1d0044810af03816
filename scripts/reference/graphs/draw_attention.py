"""Random nodes of attention; see draw.py."""

import numpy as np

from .build import BATCH
from .draw import draws


def number(g, low, high):
    return float(np.float32(g.rng.uniform(low, high)))


def sizes(g):
    """Batch, heads of queries and heads of keys."""
    heads = g.number(1, 4)
    return BATCH if g.batched else g.number(1, 3), heads, g.one([d for d in range(1, heads + 1) if heads % d == 0])


def tables(g, positions, n):
    angles = g.rng.uniform(-3, 3, (positions, n))
    return [g.fresh(angles.shape, data=f(angles), constant=True) for f in (np.cos, np.sin)]


@draws("Attention", 23, 24)
def attention(g):
    """With heads side by side or apart, a cache, a mask, a limit of scores."""
    (b, heads, shared), q, d, e = sizes(g), g.number(1, 9), g.number(1, 12), g.number(1, 12)
    past = g.number(1, 9) if g.chance(0.4) else 0
    keys = q if past or g.chance(0.3) else g.number(1, 9)
    a = {}
    if g.chance(0.3):
        a["softcap"] = number(g, 0.5, 4)
    if g.chance(0.3):
        a["scale"] = number(g, 0.1, 1)
    if g.chance(0.4) and past + keys == past + q:
        a["is_causal"] = 1
    mask = g.fresh((q, past + keys), low=-2, high=2, constant=True) if g.chance(0.3) else None
    if g.chance(0.4):
        a |= {"q_num_heads": heads, "kv_num_heads": shared}
        operands = [g.fresh((b, q, heads * d)), g.fresh((b, keys, shared * d)), g.fresh((b, keys, shared * e))]
    else:
        operands = [g.fresh((b, heads, q, d)), g.fresh((b, shared, keys, d)), g.fresh((b, shared, keys, e))]
    if not past:
        return g.add("Attention", [*operands, mask], **a)
    cache = [g.fresh((b, shared, past, d)), g.fresh((b, shared, past, e))]
    return g.add("Attention", [*operands, mask, *cache], outputs=3, **a)


@draws("RotaryEmbedding", 23)
def rotary(g):
    b, heads, length, half = BATCH if g.batched else g.number(1, 3), g.number(1, 3), g.number(1, 7), g.number(1, 6)
    x = g.fresh((b, heads, length, 2 * half))
    if g.batched:
        at = [g.fresh((b, length), "int64", 0, length + 2)]
        return g.add("RotaryEmbedding", [x, *tables(g, length + 3, half), *at], interleaved=g.number(0, 1))
    angles = g.rng.uniform(-3, 3, (b, length, half))
    return g.add("RotaryEmbedding", [x, *[g.fresh(angles.shape, data=f(angles), constant=True) for f in (np.cos, np.sin)]], interleaved=g.number(0, 1))


@draws("RotaryEmbedding@com.microsoft")
def microsoft_rotary(g):
    b, heads, length, half = BATCH if g.batched else g.number(1, 3), g.number(1, 3), g.number(1, 7), g.number(1, 6)
    x = g.fresh((b, length, heads * 2 * half))
    at = g.fresh((b, length), "int64", 0, length + 2) if g.batched or g.chance(0.5) else g.constant(np.array([g.number(0, 3)]))
    return g.add("RotaryEmbedding", [x, at, *tables(g, length + 3, half)], domain="com.microsoft", interleaved=g.number(0, 1))


@draws("GroupQueryAttention@com.microsoft")
def group_query(g):
    """A prompt, or one word after a past."""
    (b, heads, shared), d = sizes(g), g.one([16, 32])
    s, past = (g.number(1, 9), 0) if g.chance(0.5) else (1, g.number(1, 9))
    a = {"num_heads": heads, "kv_num_heads": shared}
    if g.chance(0.3):
        a["softcap"] = number(g, 0.5, 4)
    if g.chance(0.3):
        a["local_window_size"] = g.number(1, 6)
    operands = [g.fresh((b, s, heads * d)), g.fresh((b, s, shared * d)), g.fresh((b, s, shared * d))]
    cache = [g.fresh((b, shared, past, d)) for _ in range(2)]
    lengths = g.fresh((b,), "int32", data=np.full(b, past + s - 1), constant=None if g.batched else True)
    total = g.constant(np.int32(past + s), "int32")
    more = [None] * 5
    if g.chance(0.6):
        a |= {"do_rotary": 1, "rotary_interleaved": g.number(0, 1)}
        more[:2] = tables(g, past + s + 2, g.one([8, d // 2]))
    if g.chance(0.3):
        more[3] = g.fresh((1, heads, s, past + s), low=-1, high=1, constant=True)
    if g.chance(0.3):
        more[4] = g.fresh((heads,), constant=True)
    return g.add("GroupQueryAttention", [*operands, *cache, lengths, total, *more], outputs=3, domain="com.microsoft", **a)


@draws("MultiHeadAttention@com.microsoft")
def multi_head(g):
    (b, heads, _), q, d, e = sizes(g), g.number(1, 9), g.number(1, 12), g.number(1, 12)
    keys = q if g.chance(0.5) else g.number(1, 9)
    a = {"num_heads": heads}
    if keys == q and g.chance(0.4):
        a["unidirectional"] = 1
    operands = [g.fresh((b, q, heads * d)), g.fresh((b, keys, heads * d)), g.fresh((b, keys, heads * e))]
    bias = g.fresh((heads * (2 * d + e),), constant=True) if g.chance(0.4) else None
    mask = None
    if g.chance(0.3):
        kept = g.rng.integers(0, 2, (b, keys))
        kept[:, 0] = 1
        mask = g.fresh((b, keys), "int32", data=kept, constant=None if g.batched else True)
    more = g.fresh((1, heads, q, keys), low=-1, high=1, constant=True) if g.chance(0.3) else None
    return g.add("MultiHeadAttention", [*operands, bias, mask, more], domain="com.microsoft", **a)
