"""Writes cases of com.microsoft's operators for decoders with what ONNX Runtime makes of them, in the layout of nodecases.py.

    python scripts/reference/microsoft.py FOLDER

A case is one node, or the decoder of two layers: prompt and single steps are cases of the same model, whose inputs and
outputs are named as exporters name them. Where ONNX Runtime leaves rows undefined, behind the end of a row of the batch, the
model puts zeros.
"""

import json
import os
import sys

import ml_dtypes
import numpy as np
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

MS = "com.microsoft"
OPSETS = [helper.make_opsetid("", 21), helper.make_opsetid(MS, 1)]
TYPES = {np.dtype("float32"): TensorProto.FLOAT, np.dtype("float16"): TensorProto.FLOAT16, np.dtype("int32"): TensorProto.INT32, np.dtype("int64"): TensorProto.INT64, np.dtype("bool"): TensorProto.BOOL, np.dtype("uint8"): TensorProto.UINT8}
rng = np.random.default_rng(20261128)


def drawn(*shape):
    return rng.standard_normal(shape).astype(np.float32)


def angles(positions, n):
    a = np.outer(np.arange(positions), 1 / 10000 ** (np.arange(n) / n))
    return np.cos(a).astype(np.float32), np.sin(a).astype(np.float32)


def write(path, message):
    with open(path, "wb") as f:
        f.write(message.SerializeToString())


class Writer:
    """Runs models and writes cases."""

    def __init__(self, folder):
        self.folder = folder
        self.index = open(os.path.join(folder, "cases.jsonl"), "w")

    def model(self, nodes, inputs, outputs, weights=(), half=False):
        """inputs maps names to arrays, of whose first dimension 2 is any batch, or to types and shapes."""
        kinds = {k: v if isinstance(v, tuple) else (TYPES[v.dtype], ["batch" if i == 0 and n == 2 else n for i, n in enumerate(v.shape)]) for k, v in inputs.items()}
        given = [helper.make_tensor_value_info(k, *v) for k, v in kinds.items()]
        floats = TensorProto.FLOAT16 if half else TensorProto.FLOAT
        made = [helper.make_tensor_value_info(k, TensorProto.INT32 if k == "mask_index" else floats, None) for k in outputs]
        graph = helper.make_graph(nodes, "case", given, made, [numpy_helper.from_array(v, k) for k, v in dict(weights).items()])
        return helper.make_model(graph, opset_imports=OPSETS, ir_version=10)

    def case(self, name, subject, model, inputs, rtol=1e-4, atol=2e-5):
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.log_severity_level = 4
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        session = onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])
        outputs = session.run(None, inputs)
        data = os.path.join(self.folder, name, "test_data_set_0")
        os.makedirs(data)
        write(os.path.join(self.folder, name, "model.onnx"), model)
        for what, values, names in (("input", inputs.values(), inputs), ("output", outputs, [o.name for o in model.graph.output])):
            for i, (array, n) in enumerate(zip(values, names, strict=True)):
                assert np.isfinite(array).all(), f"{name}: {n}"
                write(os.path.join(data, f"{what}_{i}.pb"), numpy_helper.from_array(array, n))
        described = {"name": name, "subject": subject, "operators": sorted({n.op_type for n in model.graph.node}), "rtol": rtol, "atol": atol, "sets": 1}
        described |= {"inputs": ["tensor"] * len(inputs), "outputs": ["tensor"] * len(outputs)}
        print(json.dumps(described), file=self.index)
        return dict(zip([o.name for o in model.graph.output], outputs))

    def node(self, name, op, inputs, outputs, constant=(), keep=None, half=False, **attributes):
        """A case of one node; an input of None is left out, one named in constant is part of the model. half makes floats float16,
        of which ONNX Runtime computes some steps in float32."""
        given = {k: v.astype(np.float16) if half and v.dtype == np.float32 else v for k, v in inputs.items() if v is not None}
        names = [k if v is not None else "" for k, v in inputs.items()]
        nodes = [helper.make_node(op, names, outputs, name="it", domain=MS, **attributes)]
        made = [o for o in outputs if o]
        fed = {k: v for k, v in given.items() if k not in constant}
        if keep is not None:
            fed["keep"] = keep
            nodes.append(helper.make_node("Where", ["keep", made[0], "zero"], ["kept"]))
            made[0] = "kept"
        weights = {k: given[k] for k in constant} | ({"zero": np.zeros((), np.float32)} if keep is not None else {})
        loose = {"rtol": 1e-2, "atol": 4e-3} if half else {}
        self.case(name, f"{MS}.{op}", self.model(nodes, fed, made, weights, half), fed, **loose)


def group_query(w):
    """Prompts, single steps and longer ones after a past, with everything that changes the scores."""

    def run(name, batch=2, s=5, past=0, room=None, lengths=None, heads=4, kv=2, d=16, rotary=0, positions=None, packed=False, bias=False, sinks=False, without=False, **attributes):
        """room is the length of the cache that comes in, of which past is in use; lengths are those of rows, new and past."""
        lengths = np.array(lengths if lengths is not None else [past + s] * batch, np.int32)
        total = int(past + s)
        room = past if room is None else room
        inputs = {"query": drawn(batch, s, (heads + 2 * kv if packed else heads) * d), "key": None if packed else drawn(batch, s, kv * d), "value": None if packed else drawn(batch, s, kv * d)}
        for which in ("past_key", "past_value"):
            cache = np.zeros((batch, kv, room, d), np.float32)
            for b in range(batch):
                used = 0 if past == 0 else lengths[b] - s
                cache[b, :, :used] = drawn(kv, used, d)
            inputs[which] = None if without else cache
        inputs |= {"seqlens_k": lengths - 1, "total_sequence_length": np.array(total, np.int32)}
        constant = ["total_sequence_length"]
        cos, sin = angles(total + 3, (rotary or 2) // 2)
        inputs |= {"cos_cache": cos if rotary else None, "sin_cache": sin if rotary else None, "position_ids": positions}
        inputs |= {"attention_bias": drawn(batch, 1, s, total) if bias else None, "head_sink": drawn(heads) if sinks else None}
        if rotary:
            constant += ["cos_cache", "sin_cache"]
            attributes["do_rotary"] = 1
        keep = None
        if past == 0 and (lengths != s).any():
            keep = (np.arange(s) < lengths[:, None])[..., None]
        w.node(f"group_query_{name}", "GroupQueryAttention", inputs, ["output", "present_key", "present_value"], constant, keep, num_heads=heads, kv_num_heads=kv, **attributes)

    run("prompt")
    run("prompt_without_past", without=True)
    run("prompt_one_token", s=1)
    run("prompt_multi_query", kv=1)
    run("prompt_as_many_heads", kv=4)
    run("prompt_long", batch=1, s=300)
    run("prompt_padded", lengths=[5, 3])
    run("prompt_into_room", room=9)
    run("prompt_rotary", rotary=16)
    run("prompt_rotary_padded", rotary=16, lengths=[2, 5])
    run("prompt_rotary_part", rotary=16, d=32)
    run("prompt_rotary_interleaved", rotary=16, rotary_interleaved=1)
    run("prompt_packed_rotary", rotary=16, packed=True)
    run("prompt_scale", scale=0.3)
    run("prompt_softcap", softcap=0.7)
    run("prompt_bias", bias=True)
    run("prompt_softcap_bias", bias=True, softcap=0.7)
    run("prompt_smooth", smooth_softmax=1)
    run("prompt_sinks", sinks=True)
    run("prompt_window", local_window_size=2)
    run("prompt_window_sinks_softcap", local_window_size=3, sinks=True, softcap=2.0)
    run("step", s=1, past=6)
    run("step_uneven", s=1, past=6, lengths=[7, 3])
    run("step_in_room", s=1, past=6, room=12, lengths=[7, 4])
    run("step_rotary", s=1, past=6, lengths=[7, 3], rotary=16)
    run("step_rotary_interleaved_packed", s=1, past=6, rotary=16, rotary_interleaved=1, packed=True)
    run("step_rotary_positions", s=1, past=6, rotary=16, positions=np.array([[4], [7]], np.int64))
    run("step_window", s=1, past=6, local_window_size=3)
    run("step_softcap_bias", s=1, past=6, softcap=1.5, bias=True)
    run("step_sinks", s=1, past=6, sinks=True)
    run("more", batch=1, s=4, past=6)
    run("more_rotary", batch=1, s=4, past=6, room=16, rotary=16)
    run("prompt_half", half=True, rotary=16, sinks=True, softcap=2.0)
    run("step_half", half=True, s=1, past=6, lengths=[7, 3], bias=True)
    run("more_window", batch=1, s=4, past=6, local_window_size=4)


def rotary(w):
    def run(name, x, positions, d, part=None, **attributes):
        cos, sin = angles(20, (part or d) // 2)
        inputs = {"input": x, "position_ids": np.array(positions, np.int64), "cos_cache": cos, "sin_cache": sin}
        w.node(f"rotary_{name}", "RotaryEmbedding", inputs, ["output"], ["cos_cache", "sin_cache"], **attributes)

    run("from_a_position", drawn(2, 3, 32), [5], 8)
    run("positions", drawn(2, 3, 32), [[1, 2, 3], [0, 9, 4]], 8)
    run("four_dimensions", drawn(2, 4, 3, 8), [[1, 2, 3], [0, 9, 4]], 8)
    run("interleaved", drawn(2, 3, 32), [[1, 2, 3], [0, 9, 4]], 8, interleaved=1)
    run("half", drawn(2, 3, 32), [[1, 2, 3], [0, 9, 4]], 8, half=True)
    run("part", drawn(2, 3, 32), [[1, 2, 3], [0, 9, 4]], 8, part=4, num_heads=4, rotary_embedding_dim=4)
    run("part_interleaved", drawn(2, 3, 32), [2], 8, part=4, num_heads=4, rotary_embedding_dim=4, interleaved=1)


def multi_head(w):
    def run(name, q, k=None, v=None, bias=None, mask=None, add=None, past=None, presents=False, heads=2, **attributes):
        inputs = {"query": q, "key": k, "value": v, "bias": bias, "key_padding_mask": mask, "attention_bias": add}
        inputs |= {"past_key": past and past[0], "past_value": past and past[1]} if past else {}
        outputs = ["output", "present_key", "present_value"] if presents else ["output"]
        w.node(f"multi_head_{name}", "MultiHeadAttention", inputs, outputs, num_heads=heads, **attributes)

    def qkv(s=4, t=4, e=16):
        return drawn(2, s, 16), drawn(2, t, 16), drawn(2, t, e)

    keep = np.array([[1, 1, 0, 1], [1, 1, 1, 0]], np.int32)
    run("plain", *qkv())
    run("cross", *qkv(3, 5))
    run("wide_values", *qkv(3, 4, 24))
    run("bias", *qkv(), bias=drawn(48))
    run("keys_of_a_cache", drawn(2, 3, 16), drawn(2, 2, 5, 8), drawn(2, 2, 5, 8))
    run("mask", *qkv(), mask=keep)
    run("mask_of_lengths", *qkv(), mask=np.array([3, 1], np.int32))
    run("mask_for_queries", *qkv(), mask=rng.integers(0, 2, (2, 4, 4)).astype(np.int32))
    run("mask_bias_filter", *qkv(), mask=keep, add=drawn(1, 2, 4, 4), mask_filter_value=-3.0)
    run("attention_bias", *qkv(), add=drawn(2, 1, 4, 4), scale=0.4)
    run("one_way", *qkv(), unidirectional=1)
    run("past", *qkv(2, 2), past=(drawn(2, 2, 3, 8), drawn(2, 2, 3, 8)), presents=True)
    run("past_one_way_mask", *qkv(2, 2), past=(drawn(2, 2, 3, 8), drawn(2, 2, 3, 8)), presents=True, unidirectional=1, mask=np.array([[0, 1, 1, 1, 1], [1, 1, 1, 1, 1]], np.int32))
    run("presents", *qkv(), presents=True)
    run("half", *qkv(), mask=keep, bias=drawn(48), half=True)


def encoder(w):
    def run(name, s=4, sizes=None, mask=None, add=None, past=None, **attributes):
        widths = sizes or [16, 16, 16]
        inputs = {"input": drawn(2, s, 12), "weights": drawn(12, sum(widths)) / 3, "bias": drawn(sum(widths))}
        inputs |= {"mask_index": mask, "past": past, "attention_bias": add}
        if sizes:
            attributes["qkv_hidden_sizes"] = sizes
        outputs = ["output"] if past is None else ["output", "present"]
        w.node(f"encoder_{name}", "Attention", inputs, outputs, ["weights", "bias"], num_heads=2, **attributes)

    run("plain")
    run("mask", mask=np.array([[1, 1, 1, 0], [1, 0, 1, 1]], np.int32))
    run("mask_of_lengths", mask=np.array([3, 4], np.int32))
    run("mask_for_queries", mask=rng.integers(0, 2, (2, 4, 4)).astype(np.int32))
    run("one_way", unidirectional=1)
    run("sizes", sizes=[16, 16, 24])
    run("scale_and_bias", scale=0.2, add=drawn(2, 2, 4, 4))
    run("past", s=2, past=drawn(2, 2, 2, 3, 8))
    run("past_one_way", s=2, past=drawn(2, 2, 2, 3, 8), unidirectional=1)


def fused(w):
    def run(name, op, inputs, outputs=("output",), constant=(), **attributes):
        w.node(f"fused_{name}", op, inputs, list(outputs), constant, **attributes)

    a, b = drawn(2, 3, 4), drawn(2, 4, 5)
    run("product", "FusedMatMul", {"a": a, "b": b}, alpha=0.3)
    run("product_transposed", "FusedMatMul", {"a": a.transpose(0, 2, 1).copy(), "b": drawn(5, 4)}, transA=1, transB=1)
    gemm = {"a": drawn(3, 4), "b": drawn(5, 4), "c": drawn(5)}
    for activation, more in (("Relu", {}), ("Tanh", {}), ("Sigmoid", {}), ("LeakyRelu", {"activation_alpha": 0.2}), ("HardSigmoid", {"activation_alpha": 0.3, "activation_beta": 0.4})):
        run(f"gemm_{activation}", "FusedGemm", gemm, transB=1, alpha=0.5, activation=activation, **more)
    conv = {"x": drawn(2, 3, 6, 5), "w": drawn(4, 3, 3, 3), "b": drawn(4)}
    run("conv_relu", "FusedConv", conv, constant=["w", "b"], activation="Relu", pads=[1, 1, 1, 1])
    run("conv_clip", "FusedConv", conv, constant=["w", "b"], activation="Clip", activation_params=[-0.5, 0.7], strides=[2, 1])
    run("conv_leaky_sum", "FusedConv", conv | {"z": drawn(2, 4, 4, 3)}, constant=["w", "b"], activation="LeakyRelu", activation_params=[0.1])
    tables = {"word": drawn(9, 8), "position": drawn(6, 8), "segment": drawn(2, 8), "gamma": drawn(8), "beta": drawn(8)}
    words, segments = np.array([[1, 8, 3], [0, 2, 5]], np.int32), np.array([[0, 0, 1], [1, 1, 0]], np.int32)
    mask, places = np.array([[1, 1, 0], [1, 1, 1]], np.int32), np.array([[3, 2, 1], [0, 5, 4]], np.int32)
    outputs = ("output", "mask_index", "embedding_sum")
    run("embedding", "EmbedLayerNormalization", {"ids": words, "segments": segments, **tables, "mask": mask, "places": places}, outputs, list(tables))
    run("embedding_of_words", "EmbedLayerNormalization", {"ids": words, "segments": None, **tables, "segment": None}, outputs, [t for t in tables if t != "segment"], epsilon=1e-3)


def gathered(w):
    """Rows of tables that are quantised in blocks."""

    def run(name, data, zero, k=64, block=16, **attributes):
        blocks = k // block
        inputs = {"data": data, "at": np.array([[3, 0], [6, 3]], np.int64), "scales": abs(drawn(7, blocks)) + np.float32(0.1), "zero_points": zero}
        w.node(f"gather_{name}", "GatherBlockQuantized", inputs, ["output"], [k for k, v in inputs.items() if k != "at" and v is not None], block_size=block, **attributes)

    def bytes_of(*shape):
        return rng.integers(0, 256, shape).astype(np.uint8)

    run("nibbles", bytes_of(7, 32), bytes_of(7, 2), bits=4)
    run("nibbles_odd", bytes_of(7, 24), bytes_of(7, 2), k=48, bits=4)
    run("nibbles_without_zero", bytes_of(7, 32), None, bits=4)
    run("bytes", bytes_of(7, 64), bytes_of(7, 2), block=32, bits=8)
    run("bytes_without_zero", bytes_of(7, 64), None, block=32, bits=8)
    four = rng.integers(0, 16, (7, 64)).astype(ml_dtypes.uint4)
    run("uint4", four, rng.integers(0, 16, (7, 4)).astype(ml_dtypes.uint4))
    run("int4", rng.integers(-8, 8, (7, 64)).astype(ml_dtypes.int4), None)


def quantized(w):
    def run(name, s=4, kind=np.int8, mask=None, past=None, columns=False, **attributes):
        low = np.iinfo(kind).min
        weights = rng.integers(low + 64, low + 192, (12, 48)).astype(kind)  # more, and ONNX Runtime's sums saturate on some CPUs
        scale = (np.full(48, 0.01) + np.arange(48) / 5000).astype(np.float32) if columns else np.array(0.012, np.float32)
        inputs = {"input": rng.integers(0, 256, (2, s, 12)).astype(np.uint8), "weight": weights, "bias": drawn(48), "input_scale": np.array(0.02, np.float32), "weight_scale": scale}
        zero = np.full(48 if columns else (), low + 125, kind)
        inputs |= {"mask_index": mask, "input_zero_point": np.array(120, np.uint8), "weight_zero_point": zero, "past": past}
        constant = [k for k in inputs if k not in ("input", "mask_index", "past")]
        w.node(f"quantized_{name}", "QAttention", inputs, ["output"] if past is None else ["output", "present"], constant, num_heads=2, **attributes)

    run("plain")
    run("unsigned_mask", kind=np.uint8, mask=np.array([[1, 1, 1, 0], [1, 0, 1, 1]], np.int32))
    run("columns_one_way", columns=True, unidirectional=1)
    run("past", s=2, past=drawn(2, 2, 2, 3, 8), unidirectional=1)


class Decoder:
    """Two layers as exporters write them: group-query attention that turns by positions, RMS norms, a gated MLP."""

    layers, heads, kv, d, hidden, inner, words = 2, 4, 2, 16, 32, 48, 50

    def __init__(self):
        self.nodes, self.weights, self.count = [], {}, 0

    def weight(self, *shape):
        name = f"w{len(self.weights)}"
        self.weights[name] = drawn(*shape) / np.float32(np.sqrt(shape[0])) if len(shape) > 1 else np.float32(1) + drawn(*shape) / 8
        return name

    def constant(self, name, value, dtype=np.int64):
        self.weights[name] = np.array(value, dtype)
        return name

    def add(self, op, *inputs, outputs=None, domain="", **attributes):
        self.count += 1
        outputs = outputs or [f"v{self.count}"]
        self.nodes.append(helper.make_node(op, list(inputs), outputs, name=f"n{self.count}", domain=domain, **attributes))
        return outputs[0]

    def lengths(self):
        """The lengths of rows, less one, and that of the longest, from the attention mask."""
        total = self.add("ReduceSum", "attention_mask", self.constant("one", [1]), keepdims=0)
        rows = self.add("Cast", self.add("Sub", total, "one"), to=TensorProto.INT32)
        shape = self.add("Gather", self.add("Shape", "attention_mask"), self.constant("second", 1), axis=0)
        return rows, self.add("Cast", shape, to=TensorProto.INT32)

    def product(self, x, *shape):
        return self.add("MatMul", x, self.weight(*shape))

    def build(self, w):
        cos, sin = angles(64, self.d // 2)
        self.weights |= {"cos": cos, "sin": sin}
        rows, total = self.lengths()
        x = self.add("Gather", self.weight(self.words, self.hidden), "input_ids")
        normal = self.add("SimplifiedLayerNormalization", x, self.weight(self.hidden), axis=-1, epsilon=1e-5)
        outputs = []
        for i in range(self.layers):
            q, k, v = (self.product(normal, self.hidden, n * self.d) for n in (self.heads, self.kv, self.kv))
            presents = [f"present.{i}.key", f"present.{i}.value"]
            outputs += presents
            y = self.add("GroupQueryAttention", q, k, v, f"past_key_values.{i}.key", f"past_key_values.{i}.value", rows, total, "cos", "sin", outputs=[f"attention{i}", *presents], domain=MS, num_heads=self.heads, kv_num_heads=self.kv, do_rotary=1)
            y = self.product(y, self.heads * self.d, self.hidden)
            normal, x = self.skip(x, y)
            gate, up = self.product(normal, self.hidden, self.inner), self.product(normal, self.hidden, self.inner)
            gate = self.add("Mul", gate, self.add("Sigmoid", gate))
            y = self.product(self.add("Mul", gate, up), self.inner, self.hidden)
            normal, x = self.skip(x, y)
        self.add("MatMul", normal, self.weight(self.hidden, self.words), outputs=["logits"])
        cache = (TensorProto.FLOAT, ["batch_size", self.kv, "past_sequence_length", self.d])
        inputs = {"input_ids": (TensorProto.INT64, ["batch_size", "sequence_length"]), "attention_mask": (TensorProto.INT64, ["batch_size", "total_sequence_length"])}
        inputs |= {f"past_key_values.{i}.{which}": cache for i in range(self.layers) for which in ("key", "value")}
        return w.model(self.nodes, inputs, ["logits", *outputs], self.weights)

    def skip(self, x, y):
        self.count += 1
        normal, total = f"normal{self.count}", f"sum{self.count}"
        self.add("SkipSimplifiedLayerNormalization", x, y, self.weight(self.hidden), outputs=[normal, "", "", total], domain=MS, epsilon=1e-5)
        return normal, total


def decoder(w):
    d = Decoder()
    model = d.build(w)
    ids = rng.integers(0, d.words, (2, 11))

    def step(name, ids, past):
        inputs = {"input_ids": ids, "attention_mask": np.ones((2, past[0].shape[2] + ids.shape[1]), np.int64)}
        inputs |= {f"past_key_values.{i // 2}.{('key', 'value')[i % 2]}": p for i, p in enumerate(past)}
        got = w.case(name, "decoder", model, inputs)
        return [got[f"present.{i // 2}.{('key', 'value')[i % 2]}"] for i in range(2 * d.layers)]

    empty = [np.zeros((2, d.kv, 0, d.d), np.float32)] * (2 * d.layers)
    step("decoder_all", ids, empty)
    past = step("decoder_prompt", ids[:, :8], empty)
    for i in range(8, 11):
        past = step(f"decoder_step_{i}", ids[:, i : i + 1], past)


if __name__ == "__main__":
    writer = Writer(sys.argv[1])
    group_query(writer)
    rotary(writer)
    multi_head(writer)
    encoder(writer)
    fused(writer)
    gathered(writer)
    quantized(writer)
    decoder(writer)
    writer.index.close()
