"""Random nodes that move, choose and make elements; see draw.py."""

import numpy as np
from onnx import numpy_helper

from .build import BATCH, Reject
from .draw import draws, integer_or_float


def first(g):
    """The first axis that may be touched: the batch stays where it is."""
    return 1 if g.batched else 0


def ints(g, values, dtype="int64"):
    return g.constant(np.array(values, dtype=dtype), dtype)


def any_value(g, **more):
    dtype = g.one(["float32", "float32", "float32", "int64", "int32", "bool", "uint8"]) if not g.deep else "float32"
    return g.pick(dtype, **more)


@draws("Reshape", 14)
def reshape(g):
    x = any_value(g, ranks=(0, 5))
    if g.batched:
        rest = factors(g, int(np.prod(x.shape[1:], dtype=int)))
        return g.add("Reshape", [x, ints(g, [0, *rest] if g.chance(0.5) and rest else [-1, *rest] if rest else [-1])])
    if x.wide.size == 0:
        return g.add("Reshape", [x, ints(g, [0, *[d for d in x.shape if d != 0]])], allowzero=1)
    shape = factors(g, x.wide.size)
    if shape and g.chance(0.4):
        shape[g.number(0, len(shape) - 1)] = -1
    elif shape and shape[0] == (x.shape[0] if x.rank else None) and g.chance(0.5):
        shape[0] = 0
    return g.add("Reshape", [x, ints(g, shape)])


def factors(g, n):
    """A random shape of n elements."""
    out = []
    for p in (2, 2, 2, 3, 3, 5, 7, 2, 3, 5):
        if n % p == 0 and n > 0 and g.chance(0.6):
            out.append(p)
            n //= p
    out.append(n)
    while len(out) > 4:
        out = [out[0] * out[1], *out[2:]]
    g.rng.shuffle(out)
    return [int(d) for d in out]


@draws("Flatten")
def flatten(g):
    x = any_value(g)
    return g.add("Flatten", [x], axis=1 if g.batched else g.number(-x.rank, x.rank))


@draws("Squeeze")
def squeeze(g):
    x = any_value(g)
    ones = [d for d in range(first(g), x.rank) if x.shape[d] == 1]
    if not ones:
        shape = list(g.shape(2, 4))
        shape[g.number(1, len(shape) - 1)] = 1
        x = g.fresh(shape)
        ones = [d for d in range(first(g), x.rank) if x.shape[d] == 1]
    if g.chance(0.2) and not g.batched:
        return g.add("Squeeze", [x])
    some = [d for d in ones if g.chance(0.7)] or ones[:1]
    return g.add("Squeeze", [x, ints(g, [d - x.rank if g.chance(0.5) else d for d in some])])


@draws("Unsqueeze")
def unsqueeze(g):
    x = any_value(g, ranks=(0, 3))
    rank = x.rank + g.number(1, 2)
    if rank <= first(g):
        raise Reject
    at = g.rng.permutation(np.arange(first(g), rank))[: rank - x.rank]
    return g.add("Unsqueeze", [x, ints(g, [int(d) - rank if g.chance(0.5) else int(d) for d in at])])


@draws("Expand")
def expand(g):
    x = any_value(g, where=lambda v: v.wide.size <= g.biggest // 4)
    if g.batched:
        shape = [1] + [g.number(1, 4) if d == 1 else g.one([1, d]) for d in x.shape[1:]]
    else:
        shape = [g.number(1, 4) if d == 1 else g.one([1, d]) for d in x.shape]
        if g.chance(0.3) and len(shape) < 5:
            shape = [g.number(1, 3), *shape]
    return g.add("Expand", [x, ints(g, shape)])


@draws("Tile")
def tile(g):
    x = any_value(g, where=lambda v: v.wide.size <= g.biggest // 8)
    return g.add("Tile", [x, ints(g, [1 if g.batched and k == 0 else g.number(1, 3) for k in range(x.rank)])])


@draws("Transpose")
def transpose(g):
    x = any_value(g, ranks=(1, 5))
    if not g.batched and g.chance(0.2):
        return g.add("Transpose", [x])
    rest = g.rng.permutation(np.arange(first(g), x.rank))
    return g.add("Transpose", [x], perm=[*range(first(g)), *[int(d) for d in rest]])


@draws("Concat")
def concat(g):
    x = any_value(g, where=lambda v: v.wide.size <= g.biggest)
    axis = g.axis(x.rank, first(g))
    parts = [x]
    for _ in range(g.number(0, 3)):
        shape = list(x.shape)
        shape[axis] = g.number(1, 5)
        like = [v for v in g.values if v.dtype == x.dtype and v.rank == x.rank and v.batched == x.batched and all(v.shape[d] == x.shape[d] or d == axis % x.rank for d in range(x.rank))]
        parts.append(g.one(like) if g.chance(0.4) else g.fresh(shape, x.dtype))
    g.rng.shuffle(parts)
    return g.add("Concat", list(parts), axis=axis)


@draws("Split", 18)
def split(g):
    x = any_value(g)
    axis = g.axis(x.rank, first(g))
    size = x.shape[axis]
    if size < 2:
        raise Reject
    if g.chance(0.5):
        cuts = sorted(g.number(0, size) for _ in range(g.number(1, 3)))
        sizes = [b - a for a, b in zip([0, *cuts], [*cuts, size])]
        if 0 in sizes and (g.deep or g.batched):
            raise Reject
        return g.add("Split", [x, ints(g, sizes)], outputs=len(sizes), axis=axis)
    n = g.number(2, min(4, size))
    if (size + n - 1) // n * (n - 1) >= size:
        raise Reject
    return g.add("Split", [x], outputs=n, axis=axis, num_outputs=n)


@draws("Slice")
def slice_(g):
    x = any_value(g, where=lambda v: v.wide.size > 0)
    if x.rank <= first(g):
        raise Reject
    axes = [d for d in range(first(g), x.rank) if g.chance(0.6)] or [x.rank - 1]
    starts, ends, steps = [], [], []
    for d in axes:
        size, step = x.shape[d], g.one([1, 1, 2, 3, -1, -2])
        a, b = sorted((g.number(0, size), g.number(0, size)))
        if a == b:
            a, b = 0, size
        start, end = (a, b) if step > 0 else (b - 1, a - 1)
        if end == -1:
            end = -size - 1
        starts.append(start - size if 0 <= start < size and g.chance(0.3) else start)
        ends.append(end if g.chance(0.7) or end < 0 else g.one([end, end - size]) if end < size else 2**31 + 5)
        steps.append(step)
    dtype = g.one(["int64", "int64", "int32"])
    ends = [min(e, 2**31 - 1) for e in ends] if dtype == "int32" else ends
    named = ints(g, [d - x.rank if g.chance(0.5) else d for d in axes], dtype)
    return g.add("Slice", [x, ints(g, starts, dtype), ints(g, ends, dtype), named, ints(g, steps, dtype) if g.chance(0.8) or set(steps) != {1} else None])


def indices(g, shape, size, dtype=None):
    if size == 0:
        raise Reject
    return g.fresh(shape, dtype or g.one(["int64", "int32"]), -size, size - 1, constant=True if g.batched else None)


@draws("Gather")
def gather(g):
    x = any_value(g, where=lambda v: v.wide.size > 0)
    axis = g.axis(x.rank, first(g))
    shape = tuple(g.number(1, 5) for _ in range(g.number(0, 2)))
    return g.add("Gather", [x, indices(g, shape, x.shape[axis])], axis=axis)


@draws("GatherElements")
def gather_elements(g):
    x = any_value(g, where=lambda v: v.wide.size > 0 and v.rank > first(g))
    axis = g.axis(x.rank, first(g))
    shape = list(x.shape)
    shape[axis] = g.number(1, 6)
    if g.batched:
        at = g.fresh(shape, "int64", -x.shape[axis], x.shape[axis] - 1)
    else:
        shape = [d if k == axis % x.rank else g.number(1, d) for k, d in enumerate(shape)]
        at = indices(g, shape, x.shape[axis])
    return g.add("GatherElements", [x, at], axis=axis)


@draws("GatherND")
def gather_nd(g):
    x = any_value(g, ranks=(2, 4), where=lambda v: v.wide.size > 0)
    skip = 1 if g.batched else g.number(0, 1)
    width = g.number(1, x.rank - skip)
    head = list(x.shape[:skip]) + [g.number(1, 4) for _ in range(g.number(0 if skip else 1, 2))]
    columns = [g.rng.integers(-x.shape[skip + k], x.shape[skip + k], head) for k in range(width)]
    at = g.fresh([*head, width], "int64", data=np.stack(columns, axis=-1))
    return g.add("GatherND", [x, at], batch_dims=skip)


@draws("ScatterElements", 18)
def scatter_elements(g):
    x = any_value(g, low=-1e3, high=1e3, where=lambda v: v.wide.size > 0 and v.dtype in ("float32", "int64", "int32"))
    axis = g.axis(x.rank, first(g))
    shape = list(x.shape)
    shape[axis] = g.number(1, x.shape[axis])
    order = np.stack([g.rng.permutation(x.shape[axis])[: shape[axis]] for _ in range(int(np.prod(shape)) // shape[axis])], axis=-1)
    at = np.moveaxis(order.reshape([shape[axis]] + [d for k, d in enumerate(shape) if k != axis % x.rank]), 0, axis)
    how = g.one(["none", "add", "mul", "max", "min"]) if x.dtype == "float32" else "none"
    return g.add("ScatterElements", [x, g.fresh(shape, "int64", data=at), g.fresh(shape, x.dtype)], axis=axis, reduction=how)


@draws("ScatterND", 18)
def scatter_nd(g):
    if g.batched:
        raise Reject
    x = any_value(g, low=-1e3, high=1e3, ranks=(1, 4), where=lambda v: v.wide.size > 0 and v.dtype in ("float32", "int64", "int32"))
    width = g.number(1, x.rank)
    n = g.number(1, min(6, int(np.prod(x.shape[:width]))))
    flat = g.rng.permutation(int(np.prod(x.shape[:width])))[:n]
    at = np.stack(np.unravel_index(flat, x.shape[:width]), axis=-1)
    how = g.one(["none", "add", "mul", "max", "min"]) if x.dtype == "float32" else "none"
    return g.add("ScatterND", [x, g.fresh(at.shape, "int64", data=at), g.fresh([n, *x.shape[width:]], x.dtype)], reduction=how)


@draws("TensorScatter", 24)
def tensor_scatter(g):
    """Writes new rows into a cache of every item."""
    b, room, width = BATCH if g.batched else g.number(1, 3), g.number(3, 9), g.number(1, 6)
    n = g.number(1, 3)
    cache, new = g.fresh((b, room, width)), g.fresh((b, n, width))
    circular = g.chance(0.4)
    at = g.fresh((b,), "int64", 0, room - 1 if circular else room - n)
    return g.add("TensorScatter", [cache, new, at], axis=1, mode="circular" if circular else "linear")


@draws("NonMaxSuppression")
def non_max_suppression(g):
    if g.batched:
        raise Reject
    b, n = g.number(1, 2), g.number(2, 8)
    corner, size = g.rng.uniform(0, 1, (b, n, 2)), g.rng.uniform(0.2, 1, (b, n, 2))
    boxes = g.fresh((b, n, 4), data=np.concatenate([corner, corner + size], axis=-1))
    scores = g.fresh((b, g.number(1, 3), n), low=0, high=1)
    limits = [g.constant(np.array([g.number(1, 5)])), g.constant(np.float32([g.rng.uniform(0.2, 0.7)]), "float32"), g.constant(np.float32([0.3]), "float32")]
    return g.add("NonMaxSuppression", [boxes, scores, *limits])


@draws("Pad", 18)
def pad(g):
    x = g.pick(ranks=(1, 4), where=lambda v: min(v.shape) > 0)
    if x.rank <= first(g):
        raise Reject
    axes = [d for d in range(first(g), x.rank) if g.chance(0.6)] or [x.rank - 1]
    mode = g.one(["constant", "constant", "reflect", "edge", "wrap"] if g.opset >= 19 else ["constant", "reflect", "edge"])
    top = [x.shape[d] - 1 if mode == "reflect" else x.shape[d] if mode == "wrap" else 3 for d in axes]
    begin, end = [g.number(0, min(3, t)) for t in top], [g.number(0, min(3, t)) for t in top]
    if mode == "constant" and g.chance(0.2) and x.shape[axes[0]] > 2:
        begin[0] = -1
    if mode == "wrap" and not any(begin + end):
        raise Reject
    fill = g.constant(np.float32(g.rng.uniform(-1, 1)), "float32") if mode == "constant" and g.chance(0.6) else None
    named = ints(g, [d - x.rank if g.chance(0.5) else d for d in axes])
    return g.add("Pad", [x, ints(g, begin + end), fill, named], mode=mode)


@draws("Trilu", 14)
def trilu(g):
    x = any_value(g, ranks=(2 + first(g), 4), where=lambda v: v.dtype in ("float32", "int64", "bool"))
    return g.add("Trilu", [x, ints(g, g.number(-3, 3)) if g.chance(0.7) else None], upper=g.number(0, 1))


@draws("DepthToSpace")
def depth_to_space(g):
    block = g.number(2, 3)
    x = g.fresh([BATCH if g.batched else g.number(1, 3), block * block * g.number(1, 3), g.number(1, 5), g.number(1, 5)])
    return g.add("DepthToSpace", [x], blocksize=block, mode=g.one(["DCR", "CRD"]))


@draws("SpaceToDepth")
def space_to_depth(g):
    block = g.number(2, 3)
    x = g.fresh([BATCH if g.batched else g.number(1, 3), g.number(1, 3), block * g.number(1, 4), block * g.number(1, 4)])
    return g.add("SpaceToDepth", [x], blocksize=block)


@draws("ReverseSequence")
def reverse_sequence(g):
    x = g.pick(ranks=(2, 4), where=lambda v: min(v.shape) > 0)
    if g.batched:
        lengths = g.fresh((x.shape[0],), "int64", 1, x.shape[1])
        return g.add("ReverseSequence", [x, lengths], batch_axis=0, time_axis=1)
    axis = g.number(0, 1)
    return g.add("ReverseSequence", [x, g.fresh((x.shape[axis],), "int64", 1, x.shape[1 - axis])], batch_axis=axis, time_axis=1 - axis)


@draws("CenterCropPad", 18)
def center_crop_pad(g):
    x = g.pick(where=lambda v: min(v.shape) > 0)
    if x.rank <= first(g):
        raise Reject
    axes = [d for d in range(first(g), x.rank) if g.chance(0.6)] or [x.rank - 1]
    size = [g.number(1, 2 * x.shape[d]) for d in axes]
    return g.add("CenterCropPad", [x, ints(g, size)], axes=[d - x.rank if g.chance(0.3) else d for d in axes])


@draws("OneHot")
def one_hot(g):
    depth = g.number(2, 8)
    at = g.pick("int64", low=-depth, high=depth - 1, ranks=(1, 3))
    low, high = sorted(g.rng.uniform(-2, 2, 2))
    values = g.constant(np.array([low, high]), "float32")
    axis = g.number(1, at.rank) if g.batched else g.number(-at.rank - 1, at.rank)
    return g.add("OneHot", [at, ints(g, depth), values], axis=axis)


@draws("Shape", 15)
def shape_of(g):
    x = any_value(g, ranks=(1, 4))
    limits = {"start": g.number(-x.rank, 1), "end": g.number(2, x.rank + 1)} if g.chance(0.4) else {}
    return g.add("Shape", [x], **limits)


@draws("Size")
def size_of(g):
    return g.add("Size", [any_value(g)])


@draws("Constant")
def constant(g):
    data = np.float32(g.rng.uniform(-2, 2, g.shape(0, 2, batch=False)))
    made = g.add("Constant", [], value=numpy_helper.from_array(np.asarray(data), "value"))
    return g.add("Add", [made, g.pick(low=-1000, high=1000, ranks=(1, 1))]) if made.rank == 0 else made


@draws("ConstantOfShape")
def constant_of_shape(g):
    value = g.one([np.array([1.5], np.float32), np.array([7], np.int64), np.array([True]), None])
    attributes = {} if value is None else {"value": numpy_helper.from_array(value, "value")}
    return g.add("ConstantOfShape", [ints(g, g.shape(1, 3, batch=False))], **attributes)


@draws("Range")
def span(g):
    if g.chance(0.7):
        start, step, n = g.number(-20, 20), g.one([1, 2, 3, -1, -2]), g.number(1, 30)
        parts = [g.constant(np.asarray(v, dtype=np.int64)) for v in (start, start + step * n, step)]
    else:
        start, step, n = g.number(-20, 20) / 4, g.one([0.25, 0.5, 1.5, -0.5]), g.number(1, 30)
        parts = [g.constant(np.float32(v), "float32") for v in (start, start + step * n - step / 2, step)]
    return g.add("Range", parts)


@draws("EyeLike")
def eye_like(g):
    if g.batched:
        raise Reject  # a row knows where it is
    x = g.pick(ranks=(2, 2), fresh=lambda: (g.number(1, 9), g.number(1, 9)))
    return g.add("EyeLike", [x], k=g.number(-3, 3))


@draws("NonZero")
def non_zero(g):
    return g.add("NonZero", [g.pick(g.one(["bool", "int64", "float32"]))])


@draws("Compress")
def compress(g):
    x = any_value(g, where=lambda v: v.wide.size > 0)
    if g.chance(0.3) and not g.batched:
        return g.add("Compress", [x, g.fresh((g.number(1, x.wide.size),), "bool", constant=True)])
    axis = g.axis(x.rank, first(g))
    return g.add("Compress", [x, g.fresh((g.number(1, x.shape[axis]),), "bool", constant=True)], axis=axis)


@draws("Unique")
def unique(g):
    return g.add("Unique", [g.fresh(g.shape(1, 2), "int64", 0, 9)], outputs=4, sorted=1)


@draws("Det", 22)
def det(g):
    n = g.number(1, 5)
    data = g.rng.uniform(-1, 1, (*([BATCH] if g.batched else []), g.number(1, 6), n, n)) + 3 * np.eye(n)
    return g.add("Det", [g.fresh(data.shape, data=data)])


@draws("If")
def branch(g):
    """Both branches read values from outside; the condition is an input."""
    if g.batched:
        raise Reject
    x = g.pick(low=-20, high=20, where=lambda v: v.wide.size > 0)
    return g.add_if(x, g.one(["Tanh", "Abs", "Neg"]), g.one(["Sigmoid", "Relu", "Exp"]))


@draws("Loop")
def loop(g):
    """A loop of a fixed count that carries one value and collects another."""
    if g.batched:
        raise Reject
    x = g.pick(low=-2, high=2, where=lambda v: v.wide.size > 0, dtype=integer_or_float(g, 1.0))
    return g.add_loop(x, g.number(1, 6))


@draws("Scan")
def scan(g):
    if g.batched:
        raise Reject
    x = g.pick(low=-2, high=2, ranks=(1, 4), where=lambda v: v.wide.size > 0 and v.shape[0] <= 20)
    return g.add_scan(x, g.chance(0.3))
