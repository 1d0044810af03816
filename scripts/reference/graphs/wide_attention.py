"""com.microsoft's attentions in float64; see wide.py. That of the default domain is in the reference evaluator."""

import numpy as np

from .wide import f32, own


def heads_first(x, heads):
    b, s, width = x.shape
    return x.reshape(b, s, heads, width // heads).transpose(0, 2, 1, 3)


def side_by_side(x):
    b, heads, s, d = x.shape
    return x.transpose(0, 2, 1, 3).reshape(b, s, heads * d)


def turned(x, cos, sin, positions, interleaved):
    """x [batch, heads, s, d] turned by the angles of positions [batch, s]."""
    cos, sin = cos[positions][:, None], sin[positions][:, None]
    n = cos.shape[-1]
    first, second = (slice(0, 2 * n, 2), slice(1, 2 * n, 2)) if interleaved else (slice(0, n), slice(n, 2 * n))
    a, b = x[..., first], x[..., second]
    out = x.copy()
    out[..., first], out[..., second] = cos * a - sin * b, sin * a + cos * b
    return out


def attend(q, k, v, a, bias=None, keep=None, sinks=None):
    k, v = (np.repeat(x, q.shape[1] // k.shape[1], axis=1) for x in (k, v))
    scale = f32(a["scale"]) if a.get("scale") else 1 / np.sqrt(q.shape[-1])
    scores = q @ k.swapaxes(-1, -2) * scale
    if a.get("softcap"):
        scores = np.tanh(scores / f32(a["softcap"])) * f32(a["softcap"])
    if bias is not None:
        scores = scores + bias
    if keep is not None:
        scores = np.where(keep, scores, -np.inf)
    if sinks is not None:
        beside = np.broadcast_to(sinks[:, None, None], (*scores.shape[:3], 1))
        scores = np.concatenate([scores, beside], axis=-1)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights = weights / weights.sum(axis=-1, keepdims=True)
    return side_by_side(weights[..., : k.shape[2]] @ v)


@own("com.microsoft.RotaryEmbedding")
def rotary(inputs, a, outputs):
    x, positions, cos, sin = inputs
    if positions.ndim == 1:
        positions = np.broadcast_to(positions[0] + np.arange(x.shape[1]), x.shape[:2])
    y = turned(heads_first(x, x.shape[2] // (2 * cos.shape[1])), cos, sin, positions, a.get("interleaved", 0))
    return [side_by_side(y)]


@own("com.microsoft.GroupQueryAttention")
def group_query(inputs, a, outputs):
    """Rows of one length, the cache as long as what is in it."""
    q, k, v, past_key, past_value, lengths, total, cos, sin, _, bias, sinks = [*inputs, *[None] * (12 - len(inputs))]
    q, k, v = heads_first(q, a["num_heads"]), heads_first(k, a["kv_num_heads"]), heads_first(v, a["kv_num_heads"])
    at = past_key.shape[2] + np.arange(q.shape[2])
    if a.get("do_rotary"):
        positions = np.broadcast_to(at, (q.shape[0], len(at)))
        q, k = (turned(x, cos, sin, positions, a.get("rotary_interleaved", 0)) for x in (q, k))
    k, v = np.concatenate([past_key, k], axis=2), np.concatenate([past_value, v], axis=2)
    distance = at[:, None] - np.arange(k.shape[2])
    window = a.get("local_window_size", -1)
    keep = (distance >= 0) & (distance < window if window > 0 else True)
    return [attend(q, k, v, a, bias, keep, sinks), k, v]


@own("com.microsoft.MultiHeadAttention")
def multi_head(inputs, a, outputs):
    q, k, v, bias, mask, more = [*inputs, *[None] * (6 - len(inputs))]
    if bias is not None:
        width = q.shape[2]
        q, k, v = q + bias[:width], k + bias[width : 2 * width], v + bias[2 * width :]
    add = 0 if more is None else more
    if mask is not None:
        add = add + np.where(mask[:, None, None, :] != 0, 0.0, -10000.0)
    keep = None
    if a.get("unidirectional"):
        keep = np.arange(q.shape[1])[:, None] >= np.arange(k.shape[1])
    return [attend(*(heads_first(x, a["num_heads"]) for x in (q, k, v)), a, add, keep)]
