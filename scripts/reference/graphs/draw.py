"""Random nodes of arithmetic, comparisons, reductions, normalisations and matrix products.

DRAW holds, by operator, the first and the last operator set in which it is drawn and a function that adds such a node
to a graph, or raises Reject when it finds no inputs that suit.
"""

import numpy as np

from .build import BATCH, Reject

DRAW = {}


def draws(name, since=13, until=99):
    def register(f):
        DRAW[name] = (since, until, f)
        return f

    return register


# One input, elementwise: where the function is defined and tame.
ONE = {
    "Sqrt": (0.01, 1e4),
    "Exp": (-8, 8),
    "Log": (0.02, 1e5),
    "Sin": (-30, 30),
    "Cos": (-30, 30),
    "Tan": (-1.3, 1.3),
    "Asin": (-0.95, 0.95),
    "Acos": (-0.95, 0.95),
    "Atan": (-100, 100),
    "Sinh": (-6, 6),
    "Cosh": (-6, 6),
    "Tanh": (-20, 20),
    "Asinh": (-100, 100),
    "Acosh": (1.05, 100),
    "Atanh": (-0.95, 0.95),
    "Erf": (-6, 6),
    "Sigmoid": (-30, 30),
    "HardSwish": (-20, 20),
    "Relu": (-1e4, 1e4),
    "Softplus": (-30, 30),
    "Softsign": (-100, 100),
    "Mish": (-20, 20),
    "Reciprocal": (0.05, 1e4),
    "Abs": (-1e4, 1e4),
    "Neg": (-1e4, 1e4),
    "Floor": (-1e4, 1e4),
    "Ceil": (-1e4, 1e4),
    "Round": (-1e4, 1e4),
    "Sign": (-1e4, 1e4),
    "Identity": (-1e5, 1e5),
    "Dropout": (-1e5, 1e5),
}
SINCE = {"HardSwish": 14, "Mish": 18}

# Ranges of attributes.
WITH = {
    "HardSigmoid": lambda g: {"alpha": g.rng.uniform(0.1, 0.5), "beta": g.rng.uniform(0.2, 0.8)},
    "LeakyRelu": lambda g: {"alpha": g.rng.uniform(-0.5, 0.9)},
    "ThresholdedRelu": lambda g: {"alpha": g.rng.uniform(0, 1.5)},
    "Elu": lambda g: {"alpha": g.rng.uniform(0.2, 2)},
    "Celu": lambda g: {"alpha": g.rng.uniform(0.3, 2)},
    "Selu": lambda g: {"alpha": g.rng.uniform(0.5, 2), "gamma": g.rng.uniform(0.5, 2)},
    "Gelu": lambda g: {"approximate": g.one(["none", "tanh"])},
    "Swish": lambda g: {"alpha": g.rng.uniform(0.3, 2)},
    "Shrink": lambda g: {"lambd": g.rng.uniform(0.1, 1), "bias": g.rng.uniform(0, 0.5)},
}
SINCE.update({"Gelu": 20, "Swish": 24})


def one_input(op, low, high, attributes):
    def draw(g):
        given = attributes(g) if attributes and g.chance(0.8) else {}
        given = {k: float(np.float32(v)) if isinstance(v, float) else v for k, v in given.items()}
        return g.add(op, [g.pick(low=low, high=high, ranks=(0, 5))], **given)

    return draw


for _op, (_low, _high) in ONE.items():
    draws(_op, SINCE.get(_op, 13))(one_input(_op, _low, _high, None))
for _op, _attributes in WITH.items():
    draws(_op, SINCE.get(_op, 13))(one_input(_op, -10, 10, _attributes))


@draws("QuickGelu@com.microsoft")
def quick_gelu(g):
    return g.add("QuickGelu", [g.pick(low=-10, high=10)], domain="com.microsoft", alpha=float(np.float32(g.rng.uniform(1, 2))))


@draws("BiasGelu@com.microsoft")
def bias_gelu(g):
    x = g.pick(low=-10, high=10)
    return g.add("BiasGelu", [x, g.fresh(x.shape[-1:], constant=True)], domain="com.microsoft")


@draws("FastGelu@com.microsoft")
def fast_gelu(g):
    x = g.pick(low=-10, high=10)
    return g.add("FastGelu", [x, g.fresh(x.shape[-1:], constant=True)] if g.chance(0.6) else [x], domain="com.microsoft")


def mate(g, x, dtype="float32", low=-2.0, high=2.0, both=True):
    """A second operand that broadcasts with x, sometimes wider than x."""
    if g.chance(0.35):
        same = [v for v in g.values if v.dtype == dtype and v.shape == x.shape and v.low >= low and v.high <= high and v is not x]
        if same:
            return g.one(same)
    if g.chance(0.03) and x.low >= low and x.high <= high:
        return x
    shape = [1 if g.chance(0.25) else d for d in x.shape]
    keep = len(shape)
    if g.chance(0.4):
        shape = shape[g.number(0, len(shape)) :]
    elif both and not g.batched and g.chance(0.15) and x.rank < 5 and x.wide.size * 3 <= g.biggest:
        shape = [g.number(1, 3), *shape]
    if g.batched and len(shape) == keep and shape and shape[0] == BATCH and g.chance(0.5):
        shape[0] = 1
    return g.fresh(shape, dtype, low, high)


def filled(v):
    return v.wide.size > 0


def integer_or_float(g, chance=0.75):
    return "float32" if g.deep or g.chance(chance) else g.one(["int64", "int32"])


def ordered(g, a, b):
    return [a, b] if g.chance(0.5) else [b, a]


def arithmetic(op):
    def draw(g):
        dtype = integer_or_float(g)
        x = g.pick(dtype, low=-1000, high=1000, ranks=(0, 4))
        return g.add(op, ordered(g, x, mate(g, x, dtype, *((-2.0, 2.0) if dtype == "float32" else (-1000, 1000)))))

    return draw


for _op in ("Add", "Sub", "Mul"):
    draws(_op, 14)(arithmetic(_op))


@draws("Div", 14)
def div(g):
    dtype = integer_or_float(g)
    x = g.pick(dtype, ranks=(0, 4))
    low, high = (0.2, 4.0) if dtype == "float32" else (1, 20)
    sign = g.one([1, -1])
    y = mate(g, x, dtype, *sorted((sign * low, sign * high)))
    return g.add("Div", [x, y])


@draws("Pow")
def power(g):
    x = g.pick(low=0.1, high=8, ranks=(0, 4))
    kind = g.number(0, 2)
    if kind == 0:
        y = g.constant(np.float32(g.one([2.0, 3.0, 0.5, -1.0, 1.0, 0.0])), "float32")
    elif kind == 1:
        y = mate(g, x, "float32", -2.0, 2.5)
    else:
        y = mate(g, x, g.one(["int32", "int64"]), -2, 3)
    return g.add("Pow", [x, y])


@draws("Mod")
def mod(g):
    if g.chance(0.5):
        x = g.pick(low=-50, high=50)
        return g.add("Mod", [x, mate(g, x, "float32", 1.0, 5.0)], fmod=1)
    dtype = g.one(["int64", "int32"])
    x = g.pick(dtype)
    y = mate(g, x, dtype, *g.one([(1, 9), (-9, -1)]))
    return g.add("Mod", [x, y], fmod=g.number(0, 1))


@draws("PRelu")
def prelu(g):
    x = g.pick(low=-100, high=100)
    shape = [1 if g.chance(0.4) else d for d in x.shape][g.number(0, x.rank - 1) :]
    if g.batched and len(shape) == x.rank:
        shape[0] = 1
    return g.add("PRelu", [x, g.fresh(shape, low=-1, high=1)])


def variadic(op):
    def draw(g):
        dtype = "float32" if op in ("Sum", "Mean") else integer_or_float(g)
        x = g.pick(dtype, low=-1000, high=1000, ranks=(0, 4))
        rest = [mate(g, x, dtype, *((-2.0, 2.0) if dtype == "float32" else (-100, 100)), both=False) for _ in range(g.number(0, 3))]
        inputs = [x, *rest]
        g.rng.shuffle(inputs)
        return g.add(op, list(inputs))

    return draw


for _op in ("Max", "Min", "Sum", "Mean"):
    draws(_op, 13)(variadic(_op))


@draws("Clip")
def clip(g):
    dtype = integer_or_float(g)
    x = g.pick(dtype, low=-1000, high=1000, ranks=(0, 4))
    a, b = sorted(g.rng.uniform(-1.5, 1.5, 2)) if dtype == "float32" else sorted(g.rng.integers(-60, 60, 2))
    low = None if g.chance(0.2) else g.constant(np.asarray(a), dtype)
    high = None if g.chance(0.2) else g.constant(np.asarray(b), dtype)
    return g.add("Clip", [x, low, high])


def comparison(op):
    def draw(g):
        dtype = integer_or_float(g, 0.6)
        x = g.pick(dtype, ranks=(0, 4))
        if op == "Equal" and dtype == "float32":
            dtype, x = "int64", g.pick("int64", ranks=(0, 4))
        return g.add(op, ordered(g, x, mate(g, x, dtype, *((-2.0, 2.0) if dtype == "float32" else (-100, 100)))))

    return draw


for _op in ("Greater", "GreaterOrEqual", "Less", "LessOrEqual", "Equal"):
    draws(_op, 16)(comparison(_op))


def logic(op):
    def draw(g):
        x = g.pick("bool")
        return g.add(op, [x] if op == "Not" else ordered(g, x, mate(g, x, "bool")))

    return draw


for _op in ("And", "Or", "Xor", "Not"):
    draws(_op, 13)(logic(_op))


def bitwise(op):
    def draw(g):
        dtype = g.one(["int32", "int64", "uint8", "int8", "uint32"])
        x = g.pick(dtype, where=lambda v: True)
        return g.add(op, [x] if op == "BitwiseNot" else ordered(g, x, mate(g, x, dtype, -1000, 1000)))

    return draw


for _op in ("BitwiseAnd", "BitwiseOr", "BitwiseXor", "BitwiseNot"):
    draws(_op, 18)(bitwise(_op))


@draws("BitShift")
def shift(g):
    dtype, width = g.one([("uint32", 31), ("uint64", 63), ("uint8", 7)])
    x = g.pick(dtype)
    return g.add("BitShift", [x, mate(g, x, dtype, 0, width, both=False)], direction=g.one(["LEFT", "RIGHT"]))


@draws("Where", 16)
def where(g):
    dtype = integer_or_float(g)
    x = g.pick(dtype, ranks=(0, 4))
    condition = mate(g, x, "bool")
    return g.add("Where", [condition, *ordered(g, x, mate(g, x, dtype, *((-2.0, 2.0) if dtype == "float32" else (-100, 100))))])


@draws("IsNaN")
def is_nan(g):
    return g.add("IsNaN", [g.fresh(g.shape())], jumps=False)


@draws("IsInf")
def is_inf(g):
    return g.add("IsInf", [g.fresh(g.shape())], jumps=False, detect_negative=g.number(0, 1), detect_positive=g.number(0, 1))


@draws("Cast")
def cast(g):
    source = g.one(["float32", "float32", "int64", "int32", "bool", "uint8", "int8"])
    x = g.pick(source, **({"low": -120, "high": 120} if source != "bool" else {}))
    targets = {"float32": 1, "int32": 6, "int64": 7, "bool": 9, "int8": 3, "uint8": 2, "int16": 5, "uint16": 4, "uint32": 12, "uint64": 13}
    if source == "float32":
        targets = {"float32": 1, "int32": 6, "int64": 7, "bool": 9, "int8": 3}
        if x.exact and x.wide.size and g.chance(0.3):
            x = g.fresh(x.shape, low=0, high=200)
            targets = {"uint8": 2}
    to = g.one(sorted(targets))
    return g.add("Cast", [x], to=targets[to])


@draws("CastLike", 15)
def cast_like(g):
    x = g.pick("int32", low=-100, high=100)
    to = g.one(["float32", "int64", "int8"])
    return g.add("CastLike", [x, g.fresh((1,), to, constant=True)])


# Reductions


# Reductions that leave a single element as it is, so that reducing nothing means the same to everybody.
PLAIN = ("ReduceSum", "ReduceMean", "ReduceMax", "ReduceMin", "ReduceProd")


def reduced(op, low, high):
    def draw(g):
        dtype = "float32" if op not in ("ReduceSum", "ReduceMax", "ReduceMin") else integer_or_float(g)
        x = g.pick(dtype, low=low, high=high, where=lambda v: v.wide.size > 0)
        first = 1 if g.batched else 0
        if x.rank <= first:
            raise Reject
        axes = [a for a in range(first, x.rank) if g.chance(0.5)] or [g.number(first, x.rank - 1)]
        axes = [a - x.rank if g.chance(0.5) else a for a in axes]
        attributes = {"keepdims": g.number(0, 1)}
        every = not g.batched and g.chance(0.15)
        if g.opset >= 18 or op == "ReduceSum":
            if every:
                return g.add(op, [x], **attributes, **({"noop_with_empty_axes": 1} if op in PLAIN and g.chance(0.3) else {}))
            return g.add(op, [x, g.constant(np.array(axes, dtype=np.int64))], **attributes)
        return g.add(op, [x], **attributes, **({} if every else {"axes": axes}))

    return draw


REDUCED = {
    "ReduceSum": (-1000, 1000),
    "ReduceMean": (-1000, 1000),
    "ReduceMax": (-1e4, 1e4),
    "ReduceMin": (-1e4, 1e4),
    "ReduceProd": (0.5, 1.6),
    "ReduceL1": (-1000, 1000),
    "ReduceL2": (-1000, 1000),
    "ReduceLogSum": (0.05, 1000),
    "ReduceLogSumExp": (-20, 20),
    "ReduceSumSquare": (-30, 30),
}
for _op, (_low, _high) in REDUCED.items():
    draws(_op, 13)(reduced(_op, _low, _high))


def extreme(op):
    def draw(g):
        x = g.pick(where=filled, fresh=lambda: g.shape(zero=False))
        return g.add(op, [x], axis=g.axis(x.rank, 1 if g.batched else 0), keepdims=g.number(0, 1), select_last_index=g.number(0, 1))

    return draw


for _op in ("ArgMax", "ArgMin"):
    draws(_op, 13)(extreme(_op))


@draws("TopK")
def top_k(g):
    x = g.pick(where=lambda v: v.wide.size > 0)
    axis = g.axis(x.rank, 1 if g.batched else 0)
    k = g.constant(np.array([g.number(1, x.shape[axis])], dtype=np.int64))
    return g.add("TopK", [x, k], outputs=2, axis=axis, largest=g.number(0, 1), sorted=1)


@draws("CumSum", 14)
def cumsum(g):
    dtype = integer_or_float(g)
    x = g.pick(dtype, low=-100, high=100)
    axis = g.constant(np.asarray(g.axis(x.rank, 1 if g.batched else 0)), g.one(["int32", "int64"]))
    return g.add("CumSum", [x, axis], exclusive=g.number(0, 1), reverse=g.number(0, 1))


@draws("CumProd", 26)
def cumprod(g):
    x = g.pick(low=0.6, high=1.5)
    axis = g.constant(np.asarray(g.axis(x.rank, 1 if g.batched else 0)), g.one(["int32", "int64"]))
    return g.add("CumProd", [x, axis], exclusive=g.number(0, 1), reverse=g.number(0, 1))


# Rows


def rowwise(op):
    def draw(g):
        x = g.pick(low=-50, high=50)
        return g.add(op, [x], axis=g.axis(x.rank, 1 if g.batched else 0) if g.chance(0.8) or g.batched and x.rank < 2 else None)

    return draw


for _op in ("Softmax", "LogSoftmax", "Hardmax"):
    draws(_op, 13)(rowwise(_op))


def affine(g, shape, bias=True):
    return g.fresh(shape, low=0.5, high=1.5, constant=True), g.fresh(shape, low=-0.5, high=0.5, constant=True)


def spreads(v):
    """Rows that a normalisation does not divide by nearly nothing."""
    return v.rank >= 2 and v.shape[-1] >= 3 and v.wide.size > 0 and v.wide.std(axis=-1).min(initial=1) > 0.05


@draws("LayerNormalization", 17)
def layer_norm(g):
    x = g.pick(ranks=(2, 4), low=-1000, high=1000, where=spreads, fresh=lambda: (*g.shape(1, 2), g.number(3, 70)))
    axis = g.axis(x.rank, 1)
    scale, bias = affine(g, x.shape[axis:])
    return g.add("LayerNormalization", [x, scale, bias if g.chance(0.8) else None], axis=axis, epsilon=float(np.float32(g.one([1e-5, 1e-3, 1e-12]))))


@draws("RMSNormalization", 23)
def rms_norm(g):
    x = g.pick(ranks=(2, 4), low=-1000, high=1000, where=spreads, fresh=lambda: (*g.shape(1, 2), g.number(3, 70)))
    axis = g.axis(x.rank, 1)
    return g.add("RMSNormalization", [x, affine(g, x.shape[axis:])[0]], axis=axis, epsilon=float(np.float32(g.one([1e-5, 1e-6]))))


@draws("SkipLayerNormalization@com.microsoft")
def skip_layer_norm(g):
    x = g.pick(ranks=(3, 3), low=-100, high=100, where=spreads, fresh=lambda: (*g.shape(2, 2), 8 * g.number(1, 8)))
    scale, bias = affine(g, x.shape[-1:])
    return g.add("SkipLayerNormalization", [x, g.fresh(x.shape), scale, bias], domain="com.microsoft", epsilon=float(np.float32(1e-5)))


@draws("LpNormalization", 22)
def lp_norm(g):
    x = g.pick(where=lambda v: v.wide.size > 0 and np.abs(v.wide).min() > 0.01)
    return g.add("LpNormalization", [x], axis=g.axis(x.rank, 1 if g.batched else 0), p=g.number(1, 2))


# Matrices


@draws("MatMul")
def matmul(g):
    x = g.pick(low=-30, high=30, ranks=(2, 4))
    if not g.batched and g.chance(0.1):
        return g.add("MatMul", [x, g.fresh((x.shape[-1],), low=-1, high=1)])
    n = g.number(1, 40)
    weight = [x.shape[-1], n]
    if x.rank > 2 and g.chance(0.4):
        weight = [1 if g.chance(0.4) else d for d in x.shape[1 if g.batched else 0 : -2]] + weight
    if not g.batched and g.chance(0.2):
        left = [*x.shape[:-2], g.number(1, 20), x.shape[-2]]
        return g.add("MatMul", [g.fresh(left, low=-1, high=1), x])
    return g.add("MatMul", [x, g.fresh(weight, low=-1, high=1)])


@draws("Gemm")
def gemm(g):
    x = g.pick(low=-30, high=30, ranks=(2, 2))
    across = 0 if g.batched else g.number(0, 1)
    rows, k = (x.shape[1], x.shape[0]) if across else x.shape
    n, turned = g.number(1, 40), g.number(0, 1)
    y = g.fresh((n, k) if turned else (k, n), low=-1, high=1)
    c = None if g.chance(0.3) else g.fresh(g.one([(n,), (1, n), (1, 1), ()] + ([] if g.batched else [(rows, n), (rows, 1)])))
    scale = {"alpha": float(np.float32(g.rng.uniform(0.3, 2))), "beta": float(np.float32(g.rng.uniform(0.3, 2)))} if g.chance(0.5) else {}
    return g.add("Gemm", [x, y, c], transA=across, transB=turned, **scale)


@draws("Einsum")
def einsum(g):
    x = g.pick(low=-30, high=30, ranks=(3, 3), where=filled, fresh=lambda: g.shape(3, 3, zero=False))  # ONNX Runtime dies of none
    b, i, k = x.shape
    n = g.number(1, 12)
    equation, shape = g.one([("bik,kn->bin", (k, n)), ("bik,nk->bin", (n, k)), ("bik,k->bi", (k,)), ("bik->bki", None), ("bik,ij->bjk", (i, n)), ("bik->bk", None)])
    return g.add("Einsum", [x] if shape is None else [x, g.fresh(shape, low=-1, high=1)], equation=equation)
