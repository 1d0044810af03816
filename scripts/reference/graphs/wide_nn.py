"""Convolutions, pooling, recurrent networks and quantised products in float64; see wide.py."""

import itertools
import math

import numpy as np

from .wide import f32, own, sigmoid


def pads_of(a, x, kernel, strides, dilations, ceil=False):
    """Begin and end padding of each spatial axis."""
    n = len(kernel)
    auto = a.get("auto_pad", "NOTSET")
    pads = list(a.get("pads", [0] * (2 * n)))
    if auto == "VALID":
        pads = [0] * (2 * n)
    elif auto.startswith("SAME"):
        for d in range(n):
            size = x.shape[2 + d]
            total = max(0, (math.ceil(size / strides[d]) - 1) * strides[d] + (kernel[d] - 1) * dilations[d] + 1 - size)
            small, large = total // 2, total - total // 2
            pads[d], pads[n + d] = (small, large) if auto == "SAME_UPPER" else (large, small)
    return pads


def windows(x, kernel, strides, dilations, pads, fill, ceil=False):
    """A view [N, C, out..., kernel...] of the padded input."""
    n = len(kernel)
    width = [(0, 0), (0, 0)]
    for d in range(n):
        low, high = pads[d], pads[n + d]
        if ceil:
            span = (kernel[d] - 1) * dilations[d] + 1
            room = x.shape[2 + d] + low + high - span
            count = math.ceil(room / strides[d]) + 1
            if (count - 1) * strides[d] >= x.shape[2 + d] + low:
                count -= 1  # a window must start inside the input or its begin padding
            high += max(0, (count - 1) * strides[d] + span - (x.shape[2 + d] + low + high))
        width.append((low, high))
    x = np.pad(x, width, constant_values=fill)
    spans = [(k - 1) * d + 1 for k, d in zip(kernel, dilations)]
    view = np.lib.stride_tricks.sliding_window_view(x, spans, axis=tuple(range(2, 2 + n)))
    at = [slice(None)] * 2 + [slice(None, None, s) for s in strides] + [slice(None, None, d) for d in dilations]
    return view[tuple(at)]


def geometry(a, kernel):
    n = len(kernel)
    return list(a.get("strides", [1] * n)), list(a.get("dilations", [1] * n))


def convolve(x, w, a):
    kernel = list(w.shape[2:])
    strides, dilations = geometry(a, kernel)
    view = windows(x, kernel, strides, dilations, pads_of(a, x, kernel, strides, dilations), 0)
    groups, n = a.get("group", 1), len(kernel)
    per, outs = x.shape[1] // groups, w.shape[0] // groups
    parts = []
    for g in range(groups):
        v = view[:, g * per : (g + 1) * per]
        k = w[g * outs : (g + 1) * outs]
        axes = ([1] + list(range(2 + n, 2 + 2 * n)), [1] + list(range(2, 2 + n)))
        parts.append(np.moveaxis(np.tensordot(v, k, axes=axes), -1, 1))
    return np.concatenate(parts, axis=1)


@own("Conv", "com.microsoft.FusedConv")
def conv(i, a, n):
    out = convolve(i[0], i[1], a)
    if len(i) > 2 and i[2] is not None:
        out = out + i[2].reshape((1, -1) + (1,) * (out.ndim - 2))
    return [out]


@own("ConvInteger")
def conv_integer(i, a, n):
    x, w = i[0].astype(np.int64), i[1].astype(np.int64)
    if len(i) > 2 and i[2] is not None:
        x = x - int(i[2])
    if len(i) > 3 and i[3] is not None:
        w = w - i[3].astype(np.int64).reshape((-1,) + (1,) * (w.ndim - 1))
    return [convolve(x, w, a).astype(np.int32)]


@own("ConvTranspose")
def conv_transpose(i, a, n):
    x, w = i[0], i[1]
    kernel = list(w.shape[2:])
    dims, groups = len(kernel), a.get("group", 1)
    strides, dilations = geometry(a, kernel)
    extra = list(a.get("output_padding", [0] * dims))
    pads = list(a.get("pads", [0] * (2 * dims)))
    full = [(x.shape[2 + d] - 1) * strides[d] + (kernel[d] - 1) * dilations[d] + 1 for d in range(dims)]
    size = [full[d] + extra[d] - pads[d] - pads[dims + d] for d in range(dims)]
    per, outs = x.shape[1] // groups, w.shape[1]
    canvas = np.zeros((x.shape[0], outs * groups, *[f + e for f, e in zip(full, extra)]))
    for g in range(groups):
        xs, ws = x[:, g * per : (g + 1) * per], w[g * per : (g + 1) * per]
        for at in itertools.product(*[range(k) for k in kernel]):
            part = np.tensordot(xs, ws[(slice(None), slice(None), *at)], axes=([1], [0]))
            where = tuple(slice(at[d] * dilations[d], at[d] * dilations[d] + (x.shape[2 + d] - 1) * strides[d] + 1, strides[d]) for d in range(dims))
            canvas[(slice(None), slice(g * outs, (g + 1) * outs), *where)] += np.moveaxis(part, -1, 1)
    out = canvas[(slice(None), slice(None), *[slice(pads[d], pads[d] + size[d]) for d in range(dims)])]
    if len(i) > 2 and i[2] is not None:
        out = out + i[2].reshape((1, -1) + (1,) * dims)
    return [out]


def pool_view(x, a, fill):
    kernel = list(a["kernel_shape"])
    strides, dilations = geometry(a, kernel)
    pads = pads_of(a, x, kernel, strides, dilations)
    return windows(x, kernel, strides, dilations, pads, fill, bool(a.get("ceil_mode", 0))), pads


@own("AveragePool")
def average_pool(i, a, n):
    x = i[0]
    dims = tuple(range(-len(a["kernel_shape"]), 0))
    view, pads = pool_view(x, a, 0.0)
    ones = np.ones((1, 1, *x.shape[2:]))
    if a.get("count_include_pad", 0):
        half = len(pads) // 2
        ones = np.pad(ones, [(0, 0), (0, 0)] + [(pads[d], pads[half + d]) for d in range(half)], constant_values=1.0)
        kernel = list(a["kernel_shape"])
        strides, dilations = geometry(a, kernel)
        room = windows(ones, kernel, strides, dilations, [0] * len(pads), 0.0, bool(a.get("ceil_mode", 0)))
        room = room[tuple([slice(None)] * 2 + [slice(0, s) for s in view.shape[2 : 2 + half]])]
    else:
        room, _ = pool_view(ones, a, 0.0)
    return [view.sum(axis=dims) / room.sum(axis=dims)]


@own("LpPool")
def lp_pool(i, a, n):
    p = a.get("p", 2)
    view, _ = pool_view(np.abs(i[0]) ** p, a, 0.0)
    return [view.sum(axis=tuple(range(-len(a["kernel_shape"]), 0))) ** (1.0 / p)]


@own("MaxPool")
def max_pool(i, a, n):
    low = -np.inf if i[0].dtype.kind == "f" else np.iinfo(i[0].dtype).min
    view, _ = pool_view(i[0], a, low)
    return [view.max(axis=tuple(range(-len(a["kernel_shape"]), 0)))]


@own("MaxUnpool")
def max_unpool(i, a, n):
    x = i[0]
    size = [(d - 1) * s + k for d, s, k in zip(x.shape[2:], a["strides"], a["kernel_shape"])]
    out = np.zeros((*x.shape[:2], *size))
    out.reshape(-1)[i[1].reshape(-1)] = x.reshape(-1)
    return [out]


def spatial(x):
    return tuple(range(2, x.ndim))


@own("GlobalAveragePool")
def global_average(i, a, n):
    return [i[0].mean(axis=spatial(i[0]), keepdims=True)]


@own("GlobalMaxPool")
def global_max(i, a, n):
    return [i[0].max(axis=spatial(i[0]), keepdims=True)]


@own("GlobalLpPool")
def global_lp(i, a, n):
    p = a.get("p", 2)
    return [(np.abs(i[0]) ** p).sum(axis=spatial(i[0]), keepdims=True) ** (1.0 / p)]


def bilinear(plane, y, x):
    """Values of pictures [..., H, W] between their elements, which are 0 outside; y and x are alike for all pictures."""
    height, width = plane.shape[-2:]
    out = 0.0
    for i in (0, 1):
        for j in (0, 1):
            row, column = np.floor(y).astype(int) + i, np.floor(x).astype(int) + j
            weight = (1 - np.abs(y - row)) * (1 - np.abs(x - column))
            inside = (row >= 0) & (row < height) & (column >= 0) & (column < width)
            value = plane[..., np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)]
            out = out + np.where(inside, weight * value, 0.0)
    return out


@own("GridSample")
def grid_sample(i, a, n):
    """Pictures by linear interpolation, zeros or the border outside."""
    x, grid = i
    places = []
    for axis, size in ((1, x.shape[2]), (0, x.shape[3])):
        at = (grid[..., axis] + 1) / 2
        at = at * (size - 1) if a.get("align_corners", 0) else at * size - 0.5
        places.append(np.clip(at, 0, size - 1) if a.get("padding_mode") == "border" else at)
    return [np.stack([bilinear(x[b], places[0][b], places[1][b]) for b in range(x.shape[0])])]


@own("DeformConv")
def deform_conv(i, a, n):
    """Without padding, strides, dilations and groups."""
    x, w, offset = i[:3]
    (kh, kw), (oh, ow) = w.shape[2:], offset.shape[2:]
    out = np.zeros((x.shape[0], w.shape[0], oh, ow))
    rows, columns = np.arange(oh)[:, None], np.arange(ow)[None, :]
    for b in range(x.shape[0]):
        for k in range(kh * kw):
            seen = bilinear(x[b], rows + k // kw + offset[b, 2 * k], columns + k % kw + offset[b, 2 * k + 1])
            if len(i) > 4 and i[4] is not None:
                seen = seen * i[4][b, k]
            out[b] += np.einsum("mc,chw->mhw", w[:, :, k // kw, k % kw], seen)
    if len(i) > 3 and i[3] is not None:
        out = out + i[3].reshape(1, -1, 1, 1)
    return [out]


@own("AffineGrid")
def affine_grid(i, a, n):
    theta, size = i[0], [int(d) for d in i[1][2:]]
    if a.get("align_corners", 0):
        steps = [np.linspace(-1, 1, d) for d in size]
    else:
        steps = [(2 * np.arange(d) + 1) / d - 1 for d in size]
    places = np.meshgrid(*steps, indexing="ij")
    base = np.stack([*reversed(places), np.ones(size)], axis=-1)
    return [np.einsum("...k,nck->n...c", base, theta)]


def relu(x):
    return np.maximum(x, 0)


ACTIVATIONS = {"Sigmoid": sigmoid, "Tanh": np.tanh, "Relu": relu}


def sequences(a, x, lengths, states, step):
    """Runs step over each direction; states are the initial ones, [directions, batch, hidden] each."""
    direction = a.get("direction", "forward")
    directions = 2 if direction == "bidirectional" else 1
    length, batch = x.shape[0], x.shape[1]
    hidden = states[0].shape[2]
    out = np.zeros((length, directions, batch, hidden))
    last = [np.zeros_like(s) for s in states]
    for d in range(directions):
        backward = direction == "reverse" or d == 1
        for b in range(batch):
            now = [s[d, b] for s in states]
            steps = range(int(lengths[b]))
            for t in reversed(steps) if backward else steps:
                now = step(d, x[t, b], now)
                out[t, d, b] = now[0]
            for k, s in enumerate(now):
                last[k][d, b] = s
    return [out, *last]


def given(i, k, shape):
    return i[k] if len(i) > k and i[k] is not None else np.zeros(shape)


def prepared(i, a, gates, states):
    x, w, r = i[0], i[1], i[2]
    directions, hidden = w.shape[0], a["hidden_size"]
    bias = given(i, 3, (directions, 2 * gates * hidden))
    lengths = i[4] if len(i) > 4 and i[4] is not None else np.full(x.shape[1], x.shape[0])
    first = [given(i, 5 + k, (directions, x.shape[1], hidden)) for k in range(states)]
    return x, w, r, bias[:, : gates * hidden], bias[:, gates * hidden :], lengths, first


def activations(a, directions, default):
    names = list(a.get("activations", default * directions))
    return [ACTIVATIONS[name] for name in names]


@own("LSTM")
def lstm(i, a, n):
    x, w, r, wb, rb, lengths, first = prepared(i, a, 4, 2)
    peep = given(i, 7, (w.shape[0], 3 * a["hidden_size"]))
    acts = activations(a, w.shape[0], ["Sigmoid", "Tanh", "Tanh"])

    def step(d, xt, now):
        h, c = now
        f, g, k = acts[3 * d : 3 * d + 3]
        gi, go, gf, gc = np.split(w[d] @ xt + r[d] @ h + wb[d] + rb[d], 4)
        pi, po, pf = np.split(peep[d], 3)
        keep, new = f(gf + pf * c), f(gi + pi * c)
        c = keep * c + new * g(gc)
        return [f(go + po * c) * k(c), c]

    return sequences(a, x, lengths, first, step)[:n]


@own("GRU")
def gru(i, a, n):
    x, w, r, wb, rb, lengths, first = prepared(i, a, 3, 1)
    hidden = a["hidden_size"]
    acts = activations(a, w.shape[0], ["Sigmoid", "Tanh"])

    def step(d, xt, now):
        (h,) = now
        f, g = acts[2 * d : 2 * d + 2]
        wx, rh = w[d] @ xt + wb[d], r[d] @ h
        z = f(wx[:hidden] + rh[:hidden] + rb[d][:hidden])
        q = f(wx[hidden : 2 * hidden] + rh[hidden : 2 * hidden] + rb[d][hidden : 2 * hidden])
        if a.get("linear_before_reset", 0):
            inner = q * (rh[2 * hidden :] + rb[d][2 * hidden :])
        else:
            inner = r[d][2 * hidden :] @ (q * h) + rb[d][2 * hidden :]
        return [(1 - z) * g(wx[2 * hidden :] + inner) + z * h]

    return sequences(a, x, lengths, first, step)[:n]


@own("RNN")
def rnn(i, a, n):
    x, w, r, wb, rb, lengths, first = prepared(i, a, 1, 1)
    acts = activations(a, w.shape[0], ["Tanh"])
    return sequences(a, x, lengths, first, lambda d, xt, now: [acts[d](w[d] @ xt + r[d] @ now[0] + wb[d] + rb[d])])[:n]


def along(v, rank, axis):
    return v if v.ndim == 0 or v.size == 1 and v.ndim < 2 else v.reshape([-1 if d == axis % rank else 1 for d in range(rank)])


def spread(v, x, a):
    """Scales or zero points along an axis, or in blocks along it."""
    axis, block = a.get("axis", 1), a.get("block_size", 0)
    if block:
        v = np.repeat(v, block, axis=axis)
        return v[tuple(slice(0, s) for s in x.shape)]
    return along(v, x.ndim, axis)


@own("QuantizeLinear")
def quantize(i, a, n):
    zero = i[2] if len(i) > 2 and i[2] is not None else np.zeros(i[1].shape, dtype=np.uint8)
    limits = np.iinfo(zero.dtype)
    q = np.round(i[0] / spread(i[1], i[0], a)) + spread(zero, i[0], a).astype(np.float64)
    return [np.clip(q, limits.min, limits.max).astype(zero.dtype)]


@own("DequantizeLinear")
def dequantize(i, a, n):
    x = i[0].astype(np.float64)
    if len(i) > 2 and i[2] is not None:
        x = x - spread(i[2], i[0], a).astype(np.float64)
    return [x * spread(i[1], i[0], a)]


@own("DynamicQuantizeLinear")
def dynamic_quantize(i, a, n):
    low, high = min(0.0, float(i[0].min(initial=0))), max(0.0, float(i[0].max(initial=0)))
    scale = f32((high - low) / 255)
    zero = np.uint8(np.clip(np.round(-low / scale), 0, 255))
    return [np.clip(np.round(i[0] / scale) + zero, 0, 255).astype(np.uint8), np.float64(scale), zero][:n]


@own("MatMulInteger")
def matmul_integer(i, a, n):
    x, y = i[0].astype(np.int64), i[1].astype(np.int64)
    if len(i) > 2 and i[2] is not None:
        x = x - (i[2].astype(np.int64)[:, None] if i[2].ndim == 1 and i[2].size > 1 else i[2].astype(np.int64))
    if len(i) > 3 and i[3] is not None:
        y = y - i[3].astype(np.int64)
    return [np.matmul(x, y).astype(np.int32)]


def requantized(total, factor, zero):
    limits = np.iinfo(zero.dtype)
    return np.clip(np.round(total * factor) + zero.astype(np.float64), limits.min, limits.max).astype(zero.dtype)


@own("QLinearMatMul")
def qlinear_matmul(i, a, n):
    x, xs, xz, y, ys, yz, s, z = i
    total = np.matmul(x.astype(np.int64) - xz.astype(np.int64), y.astype(np.int64) - yz.astype(np.int64))
    return [requantized(total, xs * ys / s, z)]


@own("QLinearConv")
def qlinear_conv(i, a, n):
    x, xs, xz, w, ws, wz, s, z = i[:8]
    column = (-1,) + (1,) * (w.ndim - 1)
    total = convolve(x.astype(np.int64) - int(xz), w.astype(np.int64) - wz.astype(np.int64).reshape(column if wz.size > 1 else ()), a)
    if len(i) > 8 and i[8] is not None:
        total = total + i[8].astype(np.int64).reshape((1, -1) + (1,) * (total.ndim - 2))
    factor = (xs * ws / s).reshape((1, -1) + (1,) * (total.ndim - 2)) if ws.size > 1 else xs * ws / s
    return [requantized(total, factor, z)]


@own("com.microsoft.MatMulNBits")
def matmul_nbits(i, a, n):
    x, packed, scales = i[0], i[1], i[2]
    count, block, width, size = a["N"], a["block_size"], a["bits"], a["K"]
    blocks = (size + block - 1) // block
    rows = packed.reshape(count, blocks, -1)
    q = rows if width == 8 else np.stack([rows & 15, rows >> 4], axis=-1).reshape(count, blocks, -1)
    zero = np.full((count, blocks), 1 << (width - 1), dtype=np.float64)
    if len(i) > 3 and i[3] is not None:
        z = i[3].reshape(count, -1)
        zero = (z if width == 8 else np.stack([z & 15, z >> 4], axis=-1).reshape(count, -1))[:, :blocks].astype(np.float64)
    w = (q.astype(np.float64) - zero[:, :, None]) * scales.reshape(count, blocks)[:, :, None]
    return [x @ w.reshape(count, -1)[:, :size].T]
