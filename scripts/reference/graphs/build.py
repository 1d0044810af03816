"""Builds a graph node by node, computing every value at once, so that only valid and well-conditioned nodes stay.

Each value is held thrice: wide, in float64; near, as good float32 arithmetic may have it, in six samples: every node
rounded once, the operands of sums shaken by a unit, in all but one those of other arithmetic by half a unit; and, in a
graph with a batch, part, computed from some rows of the batch alone. A node is refused when it gives what is not finite or far too
large, when a small error of its inputs could flip a comparison or a rounding, and, in a graph with a batch, when its
rows depend on each other.
"""

from functools import cached_property

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from . import wide, wide_attention, wide_nn, wide_signal  # noqa: F401  (registers its operators)

BATCH = 5
ROWS = [3, 1]

LARGEST = 1e5
SMALLEST = 1e-5

TYPES = {
    "float32": TensorProto.FLOAT,
    "int64": TensorProto.INT64,
    "int32": TensorProto.INT32,
    "int8": TensorProto.INT8,
    "uint8": TensorProto.UINT8,
    "int16": TensorProto.INT16,
    "uint16": TensorProto.UINT16,
    "uint32": TensorProto.UINT32,
    "uint64": TensorProto.UINT64,
    "bool": TensorProto.BOOL,
}

# Operators that move elements as they are: what was exact stays so.
MOVES = set(
    """Identity Reshape Flatten Squeeze Unsqueeze Expand Tile Transpose Concat Split Slice Gather GatherElements
    GatherND ScatterElements ScatterND Trilu Pad DepthToSpace SpaceToDepth Max Min Clip Relu Abs Neg Where
    ReverseSequence CenterCropPad MaxPool GlobalMaxPool ReduceMax ReduceMin TopK Compress Sign Floor Ceil Round Dropout""".split()
)

# Operators whose result jumps: a small error of an input must not change it.
JUMPS = set(
    """Floor Ceil Round Sign Greater GreaterOrEqual Less LessOrEqual Equal ArgMax ArgMin TopK Hardmax NonZero Unique Cast
    CastLike Mod QuantizeLinear DynamicQuantizeLinear Not Xor And Or ThresholdedRelu Shrink
    com.microsoft.MatMulNBits IsInf IsNaN""".split()
)


# Operators that round many times inside.
SUMS = set(
    """MatMul Gemm Einsum Conv ConvTranspose Mean Sum CumSum CumProd Softmax LogSoftmax Det AveragePool LpPool
    DFT STFT RoiAlign NegativeLogLikelihoodLoss SoftmaxCrossEntropyLoss
    GlobalAveragePool GlobalLpPool LRN Resize GridSample DeformConv Attention LSTM GRU RNN com.microsoft.MatMulNBits
    com.microsoft.GroupQueryAttention com.microsoft.MultiHeadAttention
    ai.onnx.ml.LinearRegressor ai.onnx.ml.LinearClassifier ai.onnx.ml.Normalizer LpNormalization""".split()
)


def sums(op):
    return op in SUMS or op.startswith("Reduce") or op.endswith("Normalization")


class Reject(Exception):
    """The node cannot be added; another may."""


def rounded(x):
    return x.astype(np.float32).astype(np.float64) if x.dtype == np.float64 else x


class Value:
    def __init__(self, name, dtype, full, near, part, batched=False, exact=False, depth=0, constant=False):
        self.name, self.dtype = name, dtype
        self.wide, self.near, self.part = full, near, part
        self.batched, self.exact, self.depth, self.constant = batched, exact, depth, constant

    def noise(self):
        """How far float32 arithmetic may be off."""
        return max(np.abs(sample - self.wide).max(initial=0) for sample in self.near)

    @property
    def shape(self):
        return self.wide.shape

    @property
    def rank(self):
        return self.wide.ndim

    @cached_property
    def low(self):
        return self.wide.min() if self.wide.size else 0

    @cached_property
    def high(self):
        return self.wide.max() if self.wide.size else 0


class Graph:
    def __init__(self, rng, opset, batched=False, deep=False, biggest=4000):
        self.rng, self.opset, self.batched, self.deep, self.biggest = rng, opset, batched, deep, biggest
        self.values, self.inputs, self.constants, self.nodes = [], [], [], []
        self.operators = []
        self.names = 0
        self.samples = 1 if biggest > 50000 else 6
        self.domains = set()
        self.ml = None  # version of ai.onnx.ml
        self.hidden = {}  # what the body of a node reads from outside, by the node's first output
        self.last = None
        self.deepest = 0

    # random choices

    def chance(self, p):
        return self.rng.random() < p

    def number(self, low, high):
        """An integer of low to high, both included."""
        return int(self.rng.integers(low, high + 1))

    def one(self, options):
        return options[self.number(0, len(options) - 1)]

    def shape(self, low=1, high=4, batch=True, zero=True):
        """A random shape. In a graph with a batch the first dimension is the batch, unless batch is False."""
        rank = self.number(low, high)
        room = self.biggest
        if self.deep:
            room = min(room, 400)
        out = []
        for k in range(rank):
            if k == 0 and self.batched and batch:
                out.append(BATCH)
                room //= BATCH
                continue
            if zero and not self.batched and not self.deep and self.chance(0.01):
                out.append(0)
                continue
            top = max(1, min(room, int(2 + self.rng.exponential(room ** (1.0 / (rank - k))))))
            out.append(self.number(1, top))
            room = max(1, room // out[-1])
        return tuple(out)

    def axis(self, rank, low=0):
        """An axis of low to rank-1, often counted from the end."""
        if rank <= low:
            raise Reject
        a = self.number(low, rank - 1)
        return a - rank if self.chance(0.5) else a

    # values

    def name(self):
        self.names += 1
        return f"v{self.names}"

    def keep(self, value):
        self.values.append(value)
        return value

    def fresh(self, shape, dtype="float32", low=-2.0, high=2.0, constant=None, data=None):
        """A new input or constant of random elements; one whose first dimension is the batch becomes an input."""
        shape = tuple(int(d) for d in shape)
        if data is None:
            data = self.elements(shape, dtype, low, high)
        data = np.asarray(data)
        batched = self.batched and len(shape) > 0 and shape[0] == BATCH and constant is not True
        if constant is None:
            constant = not batched and (self.batched or self.chance(0.6))
        full = np.asarray(data, dtype=np.float32).astype(np.float64) if dtype == "float32" else np.asarray(data).astype(dtype)
        part = full[ROWS] if batched else full
        v = self.keep(Value(self.name(), dtype, full, (full,) * self.samples, part, batched, True, 0, constant))
        (self.constants if constant else self.inputs).append(v)
        return v

    def constant(self, data, dtype="int64"):
        data = np.asarray(data)
        return self.fresh(data.shape, dtype, data=data, constant=True)

    def elements(self, shape, dtype, low, high):
        if dtype == "bool":
            return self.rng.random(shape) < 0.5
        if dtype != "float32":
            info = np.iinfo(dtype)
            return self.rng.integers(max(int(low), info.min), min(int(high), info.max), shape, dtype=dtype, endpoint=True)
        if self.chance(0.3):
            return np.clip(self.rng.normal((low + high) / 2, (high - low) / 6, shape), low, high)
        return self.rng.uniform(low, high, shape)

    def pick(self, dtype="float32", low=None, high=None, ranks=(1, 4), where=None, fresh=None, must=False):
        """An existing value that fits, or else a new one; the newest comes first, so that graphs grow deep."""

        def fits(v):
            return (
                v.dtype == dtype
                and ranks[0] <= v.rank <= ranks[1]
                and (low is None or v.low >= low)
                and (high is None or v.high <= high)
                and (where is None or where(v))
                and (not self.batched or v.batched)
            )

        if self.last is not None and fits(self.last) and self.chance(0.97 if self.deep else 0.7):
            return self.last
        if self.chance(0.5):
            found = [v for v in self.values[-40:] if fits(v)]
            if found:
                return self.one(found)
        if must or self.deep and self.last is not None and self.chance(0.9):
            raise Reject
        shape = fresh() if fresh else self.shape(*ranks)
        default = (-2.0, 2.0) if dtype == "float32" else (-100, 100)
        made = self.fresh(shape, dtype, default[0] if low is None else low, default[1] if high is None else high)
        if where is not None and not where(made):
            raise Reject
        return made

    # nodes

    def try_to(self, draw, deepen=False):
        """Lets draw add to the graph; when it rejects, or does not deepen the graph where it must, nothing of what it
        made stays."""
        kept = [len(x) for x in (self.values, self.inputs, self.constants, self.nodes, self.operators)]
        state = self.last, self.deepest
        try:
            draw(self)
            if deepen and (self.deepest == state[1] or self.last.dtype != "float32" or self.last.depth < self.deepest):
                raise Reject
        except Reject:
            for x, n in zip((self.values, self.inputs, self.constants, self.nodes, self.operators), kept):
                del x[n:]
            self.last, self.deepest = state
            return False
        return True

    def add(self, op, inputs, outputs=1, domain="", jumps=None, **attributes):
        """Evaluates a node and keeps it. inputs are Values, or None for one left out."""
        while inputs and inputs[-1] is None:
            inputs = inputs[:-1]
        attributes = {k: v for k, v in attributes.items() if v is not None}
        return self.put(op, inputs, outputs, domain, jumps, attributes, lambda x: wide.evaluate(op, domain, x, attributes, outputs, self.opset))

    def put(self, op, inputs, outputs, domain, jumps, attributes, evaluate):
        """Keeps a node that evaluate computes from arrays."""
        full_name = op if not domain else f"{domain}.{op}"

        def run(kind):
            return evaluate([None if v is None else getattr(v, kind) for v in inputs])

        try:
            results = run("wide")
            near = [self.once(full_name, evaluate, inputs, k) for k in range(self.samples)]
        except (ValueError, IndexError, TypeError, ZeroDivisionError, RuntimeError, KeyError, AttributeError) as e:
            raise Reject(f"{full_name}: {e!r}") from e
        for sample in near:
            self.check(full_name, results, sample)
        if full_name in JUMPS if jumps is None else jumps:
            self.steady(full_name, inputs, results, evaluate)
        batched = any(v is not None and v.batched for v in inputs)
        parts = results
        if batched:
            try:
                parts = run("part")
            except (ValueError, IndexError, TypeError, RuntimeError, KeyError, AttributeError) as e:
                raise Reject(f"{full_name}: {e!r}") from e
            self.separate(full_name, results, parts)
        exact = op in MOVES and all(v is None or v.exact for v in inputs)
        depth = 1 + max([v.depth for v in inputs if v is not None], default=0)
        made = []
        for full, close, part in zip(results, zip(*near), parts):
            dtype = "float32" if full.dtype == np.float64 else full.dtype.name
            if dtype not in TYPES:
                raise Reject(f"{full_name} gives {dtype}")
            v = Value(self.name(), dtype, full, close, part, batched, exact or dtype != "float32", depth)
            made.append(self.keep(v))
        self.nodes.append((op, domain, [v.name if v is not None else "" for v in inputs], [v.name for v in made], attributes))
        self.operators.append(full_name)
        self.domains.add(domain)
        self.last = made[0]
        self.deepest = max(self.deepest, depth)
        return made[0] if outputs == 1 else made

    def once(self, op, evaluate, inputs, sample):
        """The node in float32, from the inputs' sample of that number: sums shake their operands by a unit, and in all
        samples but the first all other arithmetic does by half a unit."""
        arrays = [None if v is None else v.near[sample] for v in inputs]
        by = 2.0**-23 if sums(op) else 2.0**-24 if sample > 0 and op not in MOVES | JUMPS else 0.0
        if by > 0:
            arrays = [None if x is None else self.shaken(x, by) for x in arrays]
        return [rounded(r) for r in evaluate(arrays)]

    def shaken(self, x, by):
        """Every float off by up to a part of itself, as roundings inside of an operator do."""
        if x.dtype != np.float64:
            return x
        return x * (1 + self.rng.uniform(-by, by, x.shape))

    def evaluated(self, op, inputs, attributes):
        """What an operator would give, without keeping it."""
        return wide.evaluate(op, "", [v.wide for v in inputs], attributes, 1, self.opset)[0]

    def body(self, nodes, inputs, outputs):
        """A graph for an attribute; inputs and outputs are (name, dtype, shape)."""
        declared = [[helper.make_tensor_value_info(n, TYPES[t], s) for n, t, s in side] for side in (inputs, outputs)]
        return helper.make_graph(nodes, "body", *declared)

    def add_if(self, x, yes, no):
        """Applies one function or another to x, which the branches read from outside."""
        condition = self.fresh((), "bool", constant=False)
        branches = [self.body([helper.make_node(op, [x.name], [f"{x.name}_{op}"])], [], [(f"{x.name}_{op}", x.dtype, x.shape)]) for op in (yes, no)]
        attributes = {"then_branch": branches[0], "else_branch": branches[1]}

        def evaluate(arrays):
            return wide.evaluate(yes if arrays[0] else no, "", [arrays[1]], {}, 1, self.opset)

        made = self.put("If", [condition, x], 1, "", False, attributes, evaluate)
        self.hide(1)
        self.operators += [yes, no]
        return made

    def add_loop(self, x, count):
        """Goes through state = Tanh(state + x), which the body reads from outside, and collects the states."""
        trips, go, start = self.constant(np.int64(count)), self.constant(np.bool_(True), "bool"), self.fresh(x.shape)
        nodes = [
            helper.make_node("Add", ["state", x.name], ["sum"]),
            helper.make_node("Tanh", ["sum"], ["next"]),
            helper.make_node("Identity", ["go"], ["on"]),
            helper.make_node("Identity", ["next"], ["seen"]),
        ]
        state = ("float32", x.shape)
        body = self.body(nodes, [("step", "int64", ()), ("go", "bool", ()), ("state", *state)], [("on", "bool", ()), ("next", *state), ("seen", *state)])

        def evaluate(arrays):
            now, seen = arrays[2], []
            for _ in range(count):
                now = np.tanh(now + arrays[3])
                seen.append(now)
            return [now, np.stack(seen)]

        made = self.put("Loop", [trips, go, start, x], 2, "", False, {"body": body}, evaluate)
        self.hide(3)
        return made

    def add_scan(self, x, backward):
        """Goes along the first axis of x with state = Tanh(state + element), and collects the states."""
        shape = x.shape[1:]
        start = self.fresh(shape)
        nodes = [
            helper.make_node("Add", ["state", "element"], ["sum"]),
            helper.make_node("Tanh", ["sum"], ["next"]),
            helper.make_node("Identity", ["next"], ["seen"]),
        ]
        state = ("float32", shape)
        body = self.body(nodes, [("state", *state), ("element", *state)], [("next", *state), ("seen", *state)])

        def evaluate(arrays):
            now, seen = arrays[0], []
            for element in arrays[1][::-1] if backward else arrays[1]:
                now = np.tanh(now + element)
                seen.append(now)
            return [now, np.stack(seen)]

        attributes = {"body": body, "num_scan_inputs": 1, "scan_input_directions": [int(backward)]}
        return self.put("Scan", [start, x], 2, "", False, attributes, evaluate)

    def hide(self, k):
        """The body of the last node reads its k-th input by name; the node itself does not list it."""
        op, domain, ins, outs, attributes = self.nodes[-1]
        self.nodes[-1] = (op, domain, ins[:k], outs, attributes)
        self.hidden[outs[0]] = ins[k]

    def check(self, op, results, near):
        for full, close in zip(results, near):
            if full.dtype == np.float32 or full.shape != close.shape:
                raise Reject(f"{op}: {full.dtype} of {full.shape} against {close.shape}")
            if full.size > 1_100_000 or full.ndim > 6:
                raise Reject(f"{op}: too large")
            if full.dtype != np.float64:
                if not np.array_equal(full, close):
                    raise Reject(f"{op}: an integer result is not steady")
                continue
            if not np.isfinite(full).all():
                raise Reject(f"{op}: not finite")
            top = np.abs(full).max(initial=0)
            if top > LARGEST or 0 < top < SMALLEST:
                raise Reject(f"{op}: magnitude {top}")

    def steady(self, op, inputs, results, run):
        """Shifts inexact inputs a little, in random directions and back, and wants the same result."""
        if all(v is None or v.exact for v in inputs):
            return
        for _ in range(2):
            shifts = []
            for v in inputs:
                if v is None or v.exact or v.dtype != "float32" or v.wide.size == 0:
                    shifts.append(0.0)
                    continue
                by = 64 * v.noise() + 1e-4 * np.abs(v.wide).max()
                shifts.append(by * self.rng.choice([-1.0, 1.0], v.shape))
            for sign in (1, -1):
                shifted = [None if v is None else v.wide + sign * s if v.dtype == "float32" else v.wide for v, s in zip(inputs, shifts)]
                for was, now in zip(results, run(shifted)):
                    same = was.shape == now.shape and np.allclose(was, now, rtol=1e-2, atol=1e-2 * np.abs(was).max(initial=0))
                    if not (same and (was.dtype == np.float64 or np.array_equal(was, now))):
                        raise Reject(f"{op}: a small error changes the result")

    def separate(self, op, results, parts):
        for full, part in zip(results, parts):
            if full.ndim == 0 or full.shape[0] != BATCH or part.shape != (len(ROWS), *full.shape[1:]):
                raise Reject(f"{op}: does not keep the batch")
            if not np.allclose(full[ROWS].astype(np.float64), part.astype(np.float64), rtol=1e-9, atol=1e-12):
                raise Reject(f"{op}: rows depend on each other")

    # the model

    def outputs(self, most=6):
        """Values that nobody reads, and now and then one that somebody does."""
        made = {n for node in self.nodes for n in node[3]}
        read = {n for node in self.nodes for n in node[2]} | set(self.hidden.values())
        ends = [v for v in self.values if v.name in made - read]
        inner = [v for v in self.values if v.name in made & read]
        if inner and self.chance(0.3):
            ends.append(self.one(inner))
        ends.sort(key=lambda v: v.depth)
        return ends[-most:]

    def needed(self, outputs):
        """The nodes, inputs and constants that the outputs need."""
        want = {v.name for v in outputs}
        nodes = []
        for node in reversed(self.nodes):
            if want & set(node[3]):
                nodes.insert(0, node)
                want |= set(node[2]) | {self.hidden.get(node[3][0])}
        return nodes, [v for v in self.inputs if v.name in want], [v for v in self.constants if v.name in want]

    def model(self, outputs):
        nodes, inputs, constants = self.needed(outputs)

        def declared(v):
            shape = list(v.shape)
            if v.batched:
                shape[0] = "batch"
            elif self.chance(0.3):
                shape = [f"{v.name}_{k}" if self.chance(0.5) else d for k, d in enumerate(shape)]
            return helper.make_tensor_value_info(v.name, TYPES[v.dtype], shape)

        protos = [
            helper.make_node(op, ins, outs, domain=domain, **attributes)
            for op, domain, ins, outs, attributes in nodes
        ]
        stored = [numpy_helper.from_array(v.wide.astype(v.dtype), v.name) for v in constants]
        graph = helper.make_graph(protos, "random", [declared(v) for v in inputs], [declared(v) for v in outputs], stored)
        sets = [helper.make_opsetid("", self.opset)] + [helper.make_opsetid(d, (self.ml or 3) if d == "ai.onnx.ml" else 1) for d in sorted(self.domains - {""})]
        return helper.make_model(graph, opset_imports=sets, ir_version=10), inputs
