"""Random nodes of convolutions, pooling, recurrent networks, quantisation and trees; see draw.py."""

import numpy as np

from .build import BATCH, Reject
from .draw import affine, draws


def image(g, channels=None, low=1, high=3, least=3, most=12):
    """A picture, sound or volume: an existing value, or a new one."""

    def fits(v):
        return min(v.shape) > 0 and (channels is None or v.shape[1] == channels) and min(v.shape[2:]) >= least and v.wide.size <= 20000

    dims = g.one([1, 2, 2, 2, 3]) if high >= 3 else g.number(low, high)
    top = most if dims < 3 else 6
    if g.biggest > 50000:
        top *= 4

    def fresh():
        c = channels or g.number(1, 6)
        return [BATCH if g.batched else g.number(1, 3), c, *[g.number(least, top) for _ in range(dims)]]

    return g.pick(low=-30, high=30, ranks=(2 + low, 2 + high), where=fits, fresh=fresh)


def window(g, x, dilate=True, largest=4):
    """Attributes of a window that fits."""
    dims = x.rank - 2
    kernel = [g.number(1, min(largest, d)) for d in x.shape[2:]]
    dilations = [g.number(1, 2) if dilate and (k - 1) * 2 + 1 <= d else 1 for k, d in zip(kernel, x.shape[2:])]
    strides = [g.number(1, 3) for _ in kernel]
    out = {"kernel_shape": kernel, "strides": strides}
    if any(d > 1 for d in dilations):
        out["dilations"] = dilations
    kind = g.number(0, 4)
    if kind == 0:
        out["auto_pad"] = g.one(["SAME_UPPER", "SAME_LOWER", "VALID"])
        if out["auto_pad"] != "VALID":
            out.pop("dilations", None)
            out["strides"] = [min(s, k) for s, k in zip(strides, kernel)]
    elif kind < 4:
        out["pads"] = [g.number(0, (k - 1) // 2 + (k > 1)) for k in kernel] + [g.number(0, k - 1) for k in kernel]
        out["pads"] = [min(p, k - 1) for p, k in zip(out["pads"], kernel * 2)]
    assert len(kernel) == dims
    return out


@draws("Conv")
def conv(g):
    x = image(g)
    c = x.shape[1]
    groups = g.one([d for d in range(1, c + 1) if c % d == 0])
    m = groups * g.number(1, 3 if groups > 1 else 8)
    a = window(g, x)
    w = g.fresh([m, c // groups, *a["kernel_shape"]], low=-1, high=1, constant=True)
    return g.add("Conv", [x, w, g.fresh((m,), constant=True) if g.chance(0.6) else None], group=groups, **a)


@draws("DeformConv", 19)
def deform_conv(g):
    n, c, h, w = BATCH if g.batched else 1, g.number(1, 2), g.number(3, 4), g.number(3, 4)
    kernel = [g.number(1, 2), g.number(1, 2)]
    out = [h - kernel[0] + 1, w - kernel[1] + 1]
    x, weight = g.fresh((n, c, h, w)), g.fresh((g.number(1, 3), c, *kernel), low=-1, high=1, constant=True)
    offset = g.fresh((n, 2 * kernel[0] * kernel[1], *out), low=-0.9, high=0.9)
    bias = g.fresh((weight.shape[0],), constant=True) if g.chance(0.5) else None
    mask = g.fresh((n, kernel[0] * kernel[1], *out), low=0, high=1) if g.chance(0.5) else None
    return g.add("DeformConv", [x, weight, offset, bias, mask], kernel_shape=kernel, pads=[0, 0, 0, 0])


@draws("ConvTranspose")
def conv_transpose(g):
    x = image(g, most=8)
    c, dims = x.shape[1], x.rank - 2
    groups = g.one([d for d in range(1, c + 1) if c % d == 0])
    m = g.number(1, 3)
    kernel = [g.number(1, 3) for _ in range(dims)]
    strides = [g.number(1, 3) for _ in range(dims)]
    a = {"strides": strides}
    if g.chance(0.4):
        a["pads"] = [g.number(0, (k - 1) // 2) for k in kernel] * 2
    if g.chance(0.3):
        a["output_padding"] = [g.number(0, s - 1) for s in strides]
    if g.chance(0.3):
        a["dilations"] = [g.number(1, 2) for _ in range(dims)]
    w = g.fresh([c, m, *kernel], low=-1, high=1, constant=True)
    return g.add("ConvTranspose", [x, w, g.fresh((m * groups,), constant=True) if g.chance(0.5) else None], group=groups, **a)


@draws("MaxPool")
def max_pool(g):
    x = image(g)
    a = window(g, x)
    if "auto_pad" not in a and g.chance(0.3):
        a["ceil_mode"] = 1
    return g.add("MaxPool", [x], **a)


@draws("MaxUnpool")
def max_unpool(g):
    """Puts values back to where a pooling of 2 by 2 may have found them."""
    if g.batched:
        raise Reject  # the indices count through the batch
    n, c, h, w = g.number(1, 3), g.number(1, 4), g.number(1, 6), g.number(1, 6)
    x = g.fresh((n, c, h, w))
    row = 2 * np.arange(h)[:, None] + g.rng.integers(0, 2, (n, c, h, w))
    column = 2 * np.arange(w)[None, :] + g.rng.integers(0, 2, (n, c, h, w))
    plane = (np.arange(n)[:, None] * c + np.arange(c)[None, :])[:, :, None, None] * (4 * h * w)
    at = g.fresh(x.shape, "int64", data=plane + row * 2 * w + column)
    return g.add("MaxUnpool", [x, at], kernel_shape=[2, 2], strides=[2, 2])


@draws("AveragePool", 19)
def average_pool(g):
    x = image(g)
    a = window(g, x)
    if "auto_pad" not in a and g.chance(0.3):
        a["ceil_mode"] = 1
    return g.add("AveragePool", [x], count_include_pad=g.number(0, 1), **a)


@draws("LpPool", 18)
def lp_pool(g):
    x = image(g)
    return g.add("LpPool", [x], p=g.number(1, 2), **window(g, x, dilate=False))


def whole(op):
    def draw(g):
        return g.add(op, [image(g, least=1)], **({"p": g.number(1, 2)} if op == "GlobalLpPool" else {}))

    return draw


for _op in ("GlobalAveragePool", "GlobalMaxPool"):
    draws(_op)(whole(_op))
draws("GlobalLpPool", until=21)(whole("GlobalLpPool"))


@draws("BatchNormalization", 15)
def batch_norm(g):
    x = image(g, least=1)
    c = (x.shape[1],)
    scale, bias = affine(g, c)
    mean, variance = g.fresh(c, low=-1, high=1, constant=True), g.fresh(c, low=0.3, high=2, constant=True)
    return g.add("BatchNormalization", [x, scale, bias, mean, variance], epsilon=float(np.float32(g.one([1e-5, 1e-3]))))


def varied(v):
    return v.wide.size > 0 and np.prod(v.shape[2:]) >= 4


@draws("InstanceNormalization")
def instance_norm(g):
    x = image(g, least=2)
    if np.prod(x.shape[2:]) < 4 or x.wide.std(axis=tuple(range(2, x.rank))).min() < 0.05:
        raise Reject
    return g.add("InstanceNormalization", [x, *affine(g, (x.shape[1],))], epsilon=float(np.float32(1e-5)))


@draws("GroupNormalization", 21)
def group_norm(g):
    groups = g.number(1, 3)
    x = image(g, channels=groups * g.number(1, 3), least=3)
    if x.wide.reshape(x.shape[0], groups, -1).std(axis=2).min() < 0.05:
        raise Reject
    return g.add("GroupNormalization", [x, *affine(g, (x.shape[1],))], num_groups=groups, epsilon=float(np.float32(1e-5)))


@draws("MeanVarianceNormalization")
def mean_variance_norm(g):
    x = image(g, low=2, high=2, least=3)
    if x.wide.std(axis=(2, 3)).min() < 0.05:
        raise Reject
    return g.add("MeanVarianceNormalization", [x], axes=[1, 2, 3] if g.batched or g.chance(0.5) else [0, 2, 3])


@draws("LRN")
def lrn(g):
    x = image(g, low=2, high=2, least=1)
    return g.add("LRN", [x], size=g.one([1, 3, 5]), alpha=float(np.float32(g.rng.uniform(1e-4, 0.2))), beta=0.75, bias=float(np.float32(g.rng.uniform(1, 2))))


@draws("Resize", 19)
def resize(g):
    x = g.fresh([BATCH if g.batched else g.number(1, 2), g.number(1, 3), g.number(2, 7), g.number(2, 7)])
    a = {"mode": g.one(["nearest", "linear", "cubic"])}
    a["coordinate_transformation_mode"] = g.one(["half_pixel", "align_corners", "asymmetric", "pytorch_half_pixel"])
    if a["mode"] == "nearest":
        a["nearest_mode"] = g.one(["floor", "ceil", "round_prefer_floor", "round_prefer_ceil"])
        a["coordinate_transformation_mode"] = "asymmetric"
    size = [g.number(2, 12), g.number(2, 12)]
    if a["mode"] == "nearest":
        factor = [g.one([0.5, 2.0, 3.0]), g.one([0.5, 2.0, 4.0])]
        return g.add("Resize", [x, None, g.constant(np.array([1, 1, *factor]), "float32")], **a)
    return g.add("Resize", [x, None, None, g.constant(np.array([x.shape[0], x.shape[1], *size]))] if not g.batched else [x, None, g.constant(np.array([1.0, 1.0, g.one([1.5, 2.0]), g.one([2.0, 2.5])]), "float32")], **a)


@draws("GridSample", 20)
def grid_sample(g):
    n = BATCH if g.batched else g.number(1, 2)
    x = g.fresh([n, g.number(1, 3), g.number(3, 6), g.number(3, 6)])
    grid = g.fresh([n, g.number(1, 5), g.number(1, 5), 2], low=-0.9, high=0.9)
    return g.add("GridSample", [x, grid], mode="linear", padding_mode=g.one(["zeros", "border"]), align_corners=g.number(0, 1))


@draws("AffineGrid", 20)
def affine_grid(g):
    if g.batched:
        raise Reject  # the size names the batch
    n, flat = g.number(1, 3), g.chance(0.6)
    theta = g.fresh((n, 2, 3) if flat else (n, 3, 4), low=-1.5, high=1.5)
    size = [n, g.number(1, 3), *[g.number(2, 6) for _ in range(2 if flat else 3)]]
    return g.add("AffineGrid", [theta, g.constant(np.array(size))], align_corners=g.number(0, 1))


@draws("Col2Im", 18)
def col2im(g):
    shape, block = [g.number(3, 6), g.number(3, 6)], [g.number(1, 3), g.number(1, 3)]
    places = (shape[0] - block[0] + 1) * (shape[1] - block[1] + 1)
    x = g.fresh([BATCH if g.batched else g.number(1, 2), g.number(1, 2) * block[0] * block[1], places])
    return g.add("Col2Im", [x, g.constant(np.array(shape)), g.constant(np.array(block))])


# Recurrent networks


def recurrent(op, gates, states):
    def draw(g):
        x = g.pick(low=-10, high=10, ranks=(3, 3), where=lambda v: v.wide.size > 0 and v.shape[0] <= 12 and v.shape[1] <= 6, fresh=lambda: (g.number(1, 6), g.number(1, 4), g.number(1, 9)))
        if g.batched:
            raise Reject
        hidden, direction = g.number(1, 8), g.one(["forward", "reverse", "bidirectional"])
        n = 2 if direction == "bidirectional" else 1
        w, r = g.fresh((n, gates * hidden, x.shape[2]), low=-0.7, high=0.7, constant=True), g.fresh((n, gates * hidden, hidden), low=-0.7, high=0.7, constant=True)
        bias = g.fresh((n, 2 * gates * hidden), low=-0.5, high=0.5, constant=True) if g.chance(0.7) else None
        lengths = g.fresh((x.shape[1],), "int32", 1, x.shape[0]) if g.chance(0.3) else None
        start = [g.fresh((n, x.shape[1], hidden), low=-1, high=1) if g.chance(0.4) else None for _ in range(states)]
        more = {"linear_before_reset": g.number(0, 1)} if op == "GRU" else {}
        peep = [g.fresh((n, 3 * hidden), low=-0.5, high=0.5, constant=True)] if op == "LSTM" and g.chance(0.3) else []
        return g.add(op, [x, w, r, bias, lengths, *start, *peep], outputs=1 + states, hidden_size=hidden, direction=direction, **more)

    return draw


draws("LSTM")(recurrent("LSTM", 4, 2))
draws("GRU")(recurrent("GRU", 3, 1))
draws("RNN")(recurrent("RNN", 1, 1))


# Quantisation


def grid(g, shape, scale, zero, low, high):
    """Floats that lie well inside the steps of a quantisation."""
    steps = g.rng.integers(low - zero, high - zero, shape, endpoint=True)
    return steps * scale + g.rng.uniform(-0.3, 0.3, shape) * scale


def scale_of(g):
    return float(np.float32(g.one([0.5, 0.1, 0.03125, 0.017])))


@draws("QuantizeLinear")
def quantize(g):
    dtype, low, high = g.one([("uint8", 0, 255), ("int8", -128, 127)])
    shape = g.shape(2, 4)
    scale, zero = scale_of(g), g.number(low + 50, high - 50)
    x = g.fresh(shape, data=grid(g, shape, scale, zero, low - 20, high + 20))
    return g.add("QuantizeLinear", [x, g.constant(np.float32(scale), "float32"), g.constant(np.asarray(zero), dtype)])


@draws("DequantizeLinear")
def dequantize(g):
    dtype = g.one(["uint8", "int8"])
    x = g.pick(dtype, ranks=(2, 4), where=lambda v: v.wide.size > 0)
    if g.chance(0.5):
        axis = g.axis(x.rank, 1)
        n = (x.shape[axis],)
        scale, zero, a = g.fresh(n, low=0.01, high=0.1, constant=True), g.fresh(n, dtype, constant=True), {"axis": axis}
    else:
        scale, zero, a = g.constant(np.float32(scale_of(g)), "float32"), g.constant(np.asarray(g.number(1, 100)), dtype), {}
    return g.add("DequantizeLinear", [x, scale, zero if g.chance(0.8) else None], **a)


@draws("DynamicQuantizeLinear")
def dynamic_quantize(g):
    if g.batched:
        raise Reject
    scale, zero = scale_of(g), g.number(0, 255)
    data = grid(g, g.shape(1, 3, zero=False), scale, zero, 1, 254).reshape(-1)
    data = np.concatenate([data, [-zero * scale, (255 - zero) * scale]])
    return g.add("DynamicQuantizeLinear", [g.fresh(data.shape, data=data)], outputs=3, jumps=True)


def quantised(g, shape, dtype=None, constant=None):
    """Bytes to multiply; signed ones stay within 7 bits, as ONNX Runtime saturates sums of two products on some CPUs."""
    dtype = dtype or g.one(["uint8", "int8"])
    return g.fresh(shape, dtype, -64 if dtype == "int8" else 0, 63 if dtype == "int8" else 255, constant=constant)


@draws("MatMulInteger")
def matmul_integer(g):
    m, k, n = g.number(1, 12), g.number(1, 300), g.number(1, 20)
    x = quantised(g, ([BATCH] if g.batched else [g.number(1, 3)] if g.chance(0.5) else []) + [m, k], "uint8" if g.chance(0.8) else None)
    y = quantised(g, (k, n), constant=True)
    xz = g.constant(np.asarray(g.number(0, 100)), x.dtype) if g.chance(0.7) else None
    yz = g.constant(np.asarray(g.number(0, 100)), y.dtype) if g.chance(0.5) else None
    return g.add("MatMulInteger", [x, y, xz, yz])


@draws("ConvInteger")
def conv_integer(g):
    c = g.number(1, 4)
    x = quantised(g, [BATCH if g.batched else g.number(1, 2), c, g.number(3, 8), g.number(3, 8)], "uint8")
    a = window(g, x, largest=3)
    w = quantised(g, [g.number(1, 4), c, *a["kernel_shape"]], "uint8", constant=True)
    return g.add("ConvInteger", [x, w, g.constant(np.asarray(g.number(0, 200)), "uint8"), g.constant(np.asarray(g.number(0, 200)), "uint8")], **a)


def off_halves(total, factor):
    """Whether a requantised product stays clear of the halves between two steps."""
    t = np.abs(total * factor)
    return np.abs(t - np.floor(t) - 0.5).min(initial=1) > 1e-4


@draws("QLinearMatMul")
def qlinear_matmul(g):
    m, k, n = g.number(1, 6), g.number(1, 60), g.number(1, 6)
    x, y = quantised(g, ([BATCH] if g.batched else []) + [m, k], "uint8"), quantised(g, (k, n), constant=True)
    xz, yz = g.number(0, 200), g.number(0, 100)
    scales = [np.float32(g.rng.uniform(0.005, 0.02)), np.float32(g.rng.uniform(0.005, 0.02)), np.float32(g.rng.uniform(0.02, 0.1))]
    total = np.matmul(x.wide.astype(np.int64) - xz, y.wide.astype(np.int64) - yz)
    if not off_halves(total, float(scales[0]) * float(scales[1]) / float(scales[2])):
        raise Reject
    s = [g.constant(v, "float32") for v in scales]
    z = [g.constant(np.asarray(xz), "uint8"), g.constant(np.asarray(yz), y.dtype), g.constant(np.asarray(g.number(50, 200)), "uint8")]
    return g.add("QLinearMatMul", [x, s[0], z[0], y, s[1], z[1], s[2], z[2]])


@draws("QLinearConv")
def qlinear_conv(g):
    c = g.number(1, 3)
    x = quantised(g, [BATCH if g.batched else 1, c, g.number(3, 6), g.number(3, 6)], "uint8")
    a = window(g, x, largest=3)
    m = g.number(1, 4)
    w = quantised(g, [m, c, *a["kernel_shape"]], constant=True)
    bias = g.fresh((m,), "int32", -500, 500, constant=True) if g.chance(0.5) else None
    s = [g.constant(np.float32(g.rng.uniform(*r)), "float32") for r in ((0.005, 0.02), (0.005, 0.02), (0.02, 0.1))]
    z = [g.constant(np.asarray(g.number(0, 200)), "uint8"), g.constant(np.asarray(0 if w.dtype == "int8" else g.number(0, 200)), w.dtype), g.constant(np.asarray(g.number(50, 200)), "uint8")]
    total = g.evaluated("ConvInteger", [x, w, z[0], z[1]], a)
    if bias is not None:
        total = total + bias.wide.reshape(1, -1, 1, 1)
    if not off_halves(total, float(s[0].wide) * float(s[1].wide) / float(s[2].wide)):
        raise Reject
    return g.add("QLinearConv", [x, s[0], z[0], w, s[1], z[1], s[2], z[2], bias], **a)


@draws("MatMulNBits@com.microsoft")
def matmul_nbits(g):
    width, block = 4, g.one([16, 32])
    n, blocks = g.number(1, 12), g.number(1, 4)
    k = blocks * block
    x = g.pick(low=-20, high=20, ranks=(2, 3), where=lambda v: v.shape[-1] == k, fresh=lambda: (*g.shape(1, 2), k))
    packed, scales = g.fresh((n, blocks, block * width // 8), "uint8", 0, 255, constant=True), g.fresh((n * blocks,), low=0.01, high=0.2, constant=True)
    zero = g.fresh((n * ((blocks * width + 7) // 8),), "uint8", 0, 255, constant=True) if g.chance(0.5) else None
    return g.add("MatMulNBits", [x, packed, scales, zero], domain="com.microsoft", jumps=False, K=k, N=n, bits=width, block_size=block)
