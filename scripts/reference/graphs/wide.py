"""Operators of ONNX in float64, written from the specification with numpy alone.

evaluate() looks an operator up here first and otherwise asks the reference evaluator of the onnx package, which is
right in float64 for everything that moves elements or computes with integers. Each function takes the list of input
arrays (None where one is left out), a dict of attributes, and the number of outputs, and gives a list of arrays.
"""

import functools
import math
import warnings

import numpy as np
from onnx import helper, numpy_helper
from onnx.reference import ReferenceEvaluator

OWN = {}


def own(*names):
    def register(f):
        for name in names:
            OWN[name] = f
        return f

    return register


def evaluate(op, domain, inputs, attributes, outputs, opset):
    name = op if domain == "" else f"{domain}.{op}"
    with warnings.catch_warnings(), np.errstate(all="ignore"):
        warnings.simplefilter("ignore")
        if name in OWN:
            results = OWN[name](inputs, attributes, outputs)
        else:
            results = reference(op, domain, inputs, attributes, outputs, opset)
    return [np.asarray(r) for r in results]


def reference(op, domain, inputs, attributes, outputs, opset):
    names = [f"i{k}" if x is not None else "" for k, x in enumerate(inputs)]
    node = helper.make_node(op, names, [f"o{k}" for k in range(outputs)], domain=domain, **attributes)
    run = ReferenceEvaluator(node, opsets={"": opset} if domain == "" else {"": opset, domain: 1})
    return run.run(None, {n: x for n, x in zip(names, inputs) if n})


erf = np.frompyfunc(math.erf, 1, 1)


def real_erf(x):
    return np.asarray(erf(x), dtype=np.float64) if np.size(x) else np.asarray(x, dtype=np.float64)


def sigmoid(x):
    return np.where(x >= 0, 1 / (1 + np.exp(-np.abs(x))), np.exp(-np.abs(x)) / (1 + np.exp(-np.abs(x))))


def softplus(x):
    return np.maximum(x, 0) + np.log1p(np.exp(-np.abs(x)))


def elu(x, alpha):
    return np.where(x > 0, x, alpha * np.expm1(np.minimum(x, 0)))


def gelu(x, approximate="none"):
    if approximate == "tanh":
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    return 0.5 * x * (1 + real_erf(x / math.sqrt(2)))


def f32(x):
    """An attribute's value: attributes are float32."""
    return float(np.float32(x))


UNARY = {
    "Sqrt": lambda x, a: np.sqrt(x),
    "Exp": lambda x, a: np.exp(x),
    "Log": lambda x, a: np.log(x),
    "Sin": lambda x, a: np.sin(x),
    "Cos": lambda x, a: np.cos(x),
    "Tan": lambda x, a: np.tan(x),
    "Asin": lambda x, a: np.arcsin(x),
    "Acos": lambda x, a: np.arccos(x),
    "Atan": lambda x, a: np.arctan(x),
    "Sinh": lambda x, a: np.sinh(x),
    "Cosh": lambda x, a: np.cosh(x),
    "Tanh": lambda x, a: np.tanh(x),
    "Asinh": lambda x, a: np.arcsinh(x),
    "Acosh": lambda x, a: np.arccosh(x),
    "Atanh": lambda x, a: np.arctanh(x),
    "Erf": lambda x, a: real_erf(x),
    "Sigmoid": lambda x, a: sigmoid(x),
    "HardSigmoid": lambda x, a: np.clip(f32(a.get("alpha", 0.2)) * x + f32(a.get("beta", 0.5)), 0, 1),
    "HardSwish": lambda x, a: x * np.clip(x / 6 + 0.5, 0, 1),
    "Relu": lambda x, a: np.maximum(x, 0),
    "LeakyRelu": lambda x, a: np.where(x < 0, f32(a.get("alpha", 0.01)) * x, x),
    "ThresholdedRelu": lambda x, a: np.where(x > f32(a.get("alpha", 1.0)), x, 0.0),
    "Elu": lambda x, a: elu(x, f32(a.get("alpha", 1.0))),
    "Celu": lambda x, a: np.maximum(x, 0) + np.minimum(0, f32(a.get("alpha", 1.0)) * np.expm1(x / f32(a.get("alpha", 1.0)))),
    "Selu": lambda x, a: f32(a.get("gamma", 1.0507009873554805)) * elu(x, f32(a.get("alpha", 1.6732632423543772))),
    "Softplus": lambda x, a: softplus(x),
    "Softsign": lambda x, a: x / (1 + np.abs(x)),
    "Gelu": lambda x, a: gelu(x, a.get("approximate", "none")),
    "Mish": lambda x, a: x * np.tanh(softplus(x)),
    "Swish": lambda x, a: x * sigmoid(f32(a.get("alpha", 1.0)) * x),
    "Shrink": lambda x, a: np.where(
        x < -f32(a.get("lambd", 0.5)), x + f32(a.get("bias", 0.0)), np.where(x > f32(a.get("lambd", 0.5)), x - f32(a.get("bias", 0.0)), 0.0)
    ),
    "Reciprocal": lambda x, a: 1 / x,
    "Abs": lambda x, a: np.abs(x),
    "Neg": lambda x, a: -x,
    "Floor": lambda x, a: np.floor(x),
    "Ceil": lambda x, a: np.ceil(x),
    "Round": lambda x, a: np.round(x),
    "Sign": lambda x, a: np.sign(x),
    "com.microsoft.QuickGelu": lambda x, a: x * sigmoid(f32(a.get("alpha", 1.702)) * x),
    "com.microsoft.Gelu": lambda x, a: gelu(x),
}


def unary(f):
    return lambda i, a, n: [f(i[0], a)]


OWN.update({name: unary(f) for name, f in UNARY.items()})


@own("Identity")
def identity(i, a, n):
    return [i[0]]


def converted(x, dtype):
    return x.astype(np.float64 if np.dtype(dtype).kind == "f" else dtype)


def stored(proto):
    x = numpy_helper.to_array(proto)
    return x.astype(np.float64) if x.dtype == np.float32 else x


@own("Constant")
def constant(i, a, n):
    return [stored(a["value"])]


@own("ConstantOfShape")
def constant_of_shape(i, a, n):
    value = stored(a["value"]) if "value" in a else np.zeros(1)
    return [np.full([int(d) for d in i[0]], value[0])]


@own("Cast")
def cast(i, a, n):
    return [converted(i[0], helper.tensor_dtype_to_np_dtype(a["to"]))]


@own("CastLike")
def cast_like(i, a, n):
    return [converted(i[0], i[1].dtype)]


@own("Dropout")
def dropout(i, a, n):
    return [i[0], np.ones(i[0].shape, dtype=bool)][:n]


PLAIN = {
    "Add": np.add,
    "Sub": np.subtract,
    "Mul": np.multiply,
    "Greater": np.greater,
    "GreaterOrEqual": np.greater_equal,
    "Less": np.less,
    "LessOrEqual": np.less_equal,
    "Equal": np.equal,
    "And": np.logical_and,
    "Or": np.logical_or,
    "Xor": np.logical_xor,
    "Where": np.where,
}


def plain(f):
    return lambda i, a, n: [f(*i)]


OWN.update({name: plain(f) for name, f in PLAIN.items()})


@own("Transpose")
def transpose(i, a, n):
    return [np.transpose(i[0], a.get("perm"))]


@own("Concat")
def concat(i, a, n):
    return [np.concatenate(i, axis=a["axis"])]


@own("Max")
def largest(i, a, n):
    return [functools.reduce(np.maximum, i)]


@own("Min")
def smallest(i, a, n):
    return [functools.reduce(np.minimum, i)]


@own("Sum")
def total(i, a, n):
    return [functools.reduce(np.add, i)]


@own("Div")
def div(i, a, n):
    if i[0].dtype.kind == "f":
        return [i[0] / i[1]]
    quotient = np.abs(i[0].astype(object)) // np.abs(i[1].astype(object))
    sign = np.where((i[0] < 0) != (i[1] < 0), -1, 1)
    return [(quotient * sign).astype(i[0].dtype)]


@own("Pow")
def power(i, a, n):
    result = np.power(i[0].astype(np.float64), i[1].astype(np.float64))
    return [result if i[0].dtype.kind == "f" else result.astype(i[0].dtype)]


@own("PRelu")
def prelu(i, a, n):
    return [np.where(i[0] < 0, i[0] * i[1], i[0])]


@own("Mean")
def mean(i, a, n):
    return [sum(i[1:], i[0]) / len(i)]


@own("Clip")
def clip(i, a, n):
    x = i[0]
    if len(i) > 1 and i[1] is not None:
        x = np.maximum(x, i[1])
    if len(i) > 2 and i[2] is not None:
        x = np.minimum(x, i[2])
    return [x]


@own("com.microsoft.BiasGelu")
def bias_gelu(i, a, n):
    return [gelu(i[0] + i[1])]


@own("com.microsoft.FastGelu")
def fast_gelu(i, a, n):
    return [gelu(i[0] + (i[1] if len(i) > 1 else 0), "tanh")]


def axes_of(i, a, x):
    """The axes of a reduction; None is a reduction of nothing."""
    axes = a.get("axes")
    if len(i) > 1 and i[1] is not None:
        axes = [int(v) for v in i[1]]
    if not axes:
        return None if a.get("noop_with_empty_axes", 0) else tuple(range(x.ndim))
    return tuple(v % x.ndim for v in axes)


REDUCE = {
    "ReduceSum": lambda x, ax, k: np.sum(x, axis=ax, keepdims=k),
    "ReduceMean": lambda x, ax, k: np.mean(x, axis=ax, keepdims=k),
    "ReduceMax": lambda x, ax, k: np.max(x, axis=ax, keepdims=k),
    "ReduceMin": lambda x, ax, k: np.min(x, axis=ax, keepdims=k),
    "ReduceProd": lambda x, ax, k: np.prod(x, axis=ax, keepdims=k),
    "ReduceL1": lambda x, ax, k: np.sum(np.abs(x), axis=ax, keepdims=k),
    "ReduceL2": lambda x, ax, k: np.sqrt(np.sum(x * x, axis=ax, keepdims=k)),
    "ReduceLogSum": lambda x, ax, k: np.log(np.sum(x, axis=ax, keepdims=k)),
    "ReduceLogSumExp": lambda x, ax, k: np.log(np.sum(np.exp(x), axis=ax, keepdims=k)),
    "ReduceSumSquare": lambda x, ax, k: np.sum(x * x, axis=ax, keepdims=k),
}


def reduction(f):
    def run(i, a, n):
        axes = axes_of(i, a, i[0])
        if axes is None:
            return [i[0]]
        return [np.asarray(f(i[0], axes, bool(a.get("keepdims", 1)))).astype(i[0].dtype)]

    return run


OWN.update({name: reduction(f) for name, f in REDUCE.items()})


@own("MatMul")
def matmul(i, a, n):
    return [np.matmul(i[0], i[1])]


@own("Gemm")
def gemm(i, a, n):
    x = i[0].T if a.get("transA", 0) else i[0]
    y = i[1].T if a.get("transB", 0) else i[1]
    out = f32(a.get("alpha", 1.0)) * (x @ y)
    if len(i) > 2 and i[2] is not None:
        out = out + f32(a.get("beta", 1.0)) * i[2]
    return [out]


@own("Einsum")
def einsum(i, a, n):
    return [np.einsum(a["equation"], *i)]


@own("Softmax")
def softmax(i, a, n):
    axis = a.get("axis", -1)
    if i[0].size == 0:
        return [i[0]]
    e = np.exp(i[0] - i[0].max(axis=axis, keepdims=True))
    return [e / e.sum(axis=axis, keepdims=True)]


@own("LogSoftmax")
def log_softmax(i, a, n):
    axis = a.get("axis", -1)
    if i[0].size == 0:
        return [i[0]]
    x = i[0] - i[0].max(axis=axis, keepdims=True)
    return [x - np.log(np.exp(x).sum(axis=axis, keepdims=True))]


def standard(x, axes, epsilon):
    mean = x.mean(axis=axes, keepdims=True)
    variance = ((x - mean) ** 2).mean(axis=axes, keepdims=True)
    return (x - mean) / np.sqrt(variance + epsilon), mean, 1 / np.sqrt(variance + epsilon)


@own("LayerNormalization")
def layer_norm(i, a, n):
    x = i[0]
    axes = tuple(range(a.get("axis", -1) % x.ndim, x.ndim))
    out, mean, factor = standard(x, axes, f32(a.get("epsilon", 1e-5)))
    out = out * i[1]
    if len(i) > 2 and i[2] is not None:
        out = out + i[2]
    return [out, mean, factor][:n]


@own("RMSNormalization", "com.microsoft.SimplifiedLayerNormalization", "SimplifiedLayerNormalization")
def rms_norm(i, a, n):
    x = i[0]
    axes = tuple(range(a.get("axis", -1) % x.ndim, x.ndim))
    return [x / np.sqrt((x * x).mean(axis=axes, keepdims=True) + f32(a.get("epsilon", 1e-5))) * i[1]]


@own("com.microsoft.SkipLayerNormalization")
def skip_layer_norm(i, a, n):
    x = i[0] + i[1]
    if len(i) > 4 and i[4] is not None:
        x = x + i[4]
    out, mean, factor = standard(x, (x.ndim - 1,), f32(a.get("epsilon", 1e-12)))
    out = out * i[2] + (i[3] if len(i) > 3 and i[3] is not None else 0)
    return [out, mean, factor, x][:n]


def per_channel(v, x):
    return v.reshape((1, -1) + (1,) * (x.ndim - 2))


@own("InstanceNormalization")
def instance_norm(i, a, n):
    out, _, _ = standard(i[0], tuple(range(2, i[0].ndim)), f32(a.get("epsilon", 1e-5)))
    return [out * per_channel(i[1], i[0]) + per_channel(i[2], i[0])]


@own("BatchNormalization")
def batch_norm(i, a, n):
    x, scale, bias, mean, variance = i
    factor = per_channel(scale / np.sqrt(variance + f32(a.get("epsilon", 1e-5))), x)
    return [(x - per_channel(mean, x)) * factor + per_channel(bias, x)]


@own("GroupNormalization")
def group_norm(i, a, n):
    x, groups = i[0], a["num_groups"]
    parts = x.reshape((x.shape[0], groups, -1))
    out, _, _ = standard(parts, (2,), f32(a.get("epsilon", 1e-5)))
    return [out.reshape(x.shape) * per_channel(i[1], x) + per_channel(i[2], x)]


@own("MeanVarianceNormalization")
def mean_variance_norm(i, a, n):
    axes = tuple(a.get("axes", (0, 2, 3)))
    x = i[0] - i[0].mean(axis=axes, keepdims=True)
    return [x / np.sqrt((x * x).mean(axis=axes, keepdims=True) + 1e-9)]


@own("LpNormalization")
def lp_norm(i, a, n):
    axis, p = a.get("axis", -1), a.get("p", 2)
    norm = np.abs(i[0]).sum(axis=axis, keepdims=True) if p == 1 else np.sqrt((i[0] ** 2).sum(axis=axis, keepdims=True))
    return [np.where(norm == 0, 0.0, i[0] / np.where(norm == 0, 1.0, norm))]


@own("LRN")
def lrn(i, a, n):
    x, size = i[0], a["size"]
    square = np.zeros_like(x)
    for c in range(x.shape[1]):
        low, high = max(0, c - (size - 1) // 2), min(x.shape[1], c + size // 2 + 1)
        square[:, c] = (x[:, low:high] ** 2).sum(axis=1)
    return [x / (f32(a.get("bias", 1.0)) + f32(a.get("alpha", 1e-4)) / size * square) ** f32(a.get("beta", 0.75))]


def running(f, start, x, axis, a):
    """Sums or products so far."""
    if x.size == 0:
        return x
    if a.get("reverse", 0):
        x = np.flip(x, axis)
    out = f(x, axis=axis, dtype=x.dtype)
    if a.get("exclusive", 0):
        out = np.roll(out, 1, axis)
        at = [slice(None)] * x.ndim
        at[axis] = slice(0, 1)
        out[tuple(at)] = start
    return np.flip(out, axis) if a.get("reverse", 0) else out


@own("CumSum")
def cumsum(i, a, n):
    return [running(np.cumsum, 0, i[0], int(i[1]) % i[0].ndim, a)]


@own("CumProd")
def cumprod(i, a, n):
    return [running(np.cumprod, 1, i[0], int(i[1]) % i[0].ndim, a)]


@own("Det")
def det(i, a, n):
    return [np.linalg.det(i[0])]
