"""Writes random ONNX graphs with inputs, a float64 evaluation, and how far ONNX Runtime is from that.

    python scripts/reference/randomgraphs.py FOLDER SEED FIRST COUNT [OPERATOR ...]

Graph I of a seed is always the same, whatever else is made. Only the named operators are drawn (those of another
domain as OPERATOR@DOMAIN), all that this script knows when none is named. FOLDER/I.graph is four bytes of length, a
JSON header of that length, and the bytes that the header points into:
    index, operators, depth, nodes
    model      [offset, length] of the serialised model
    inputs     name, dtype (ONNX's number), shape and data of each, and whether its first dimension is a batch, the
               rows of which do not depend on each other
    outputs    the same with the expected data, which is float64 where dtype is float32; error is the largest difference
               of ONNX Runtime's result, on one thread with its default optimisations, from the expected one
    batched    whether any first dimension is a batch
Integer and Boolean outputs are those that ONNX Runtime gives too: a graph where it differs is drawn again, as is one
that it does not run, and one whose outputs rounding alone moves too far (see well_conditioned). FOLDER/log says which,
and why.
"""

import hashlib
import json
import os
import struct
import sys

import numpy as np
import onnxruntime

from graphs import draw_attention, draw_ml, draw_nn, draw_shape, draw_signal  # noqa: F401  (register what they draw)
from graphs.build import TYPES, Graph
from graphs.draw import DRAW

OPSETS = (13, 15, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26)
ATTEMPTS = 60


def random(seed, index, attempt):
    digest = hashlib.sha256(f"{seed} {index} {attempt}".encode()).digest()
    return np.random.default_rng(list(struct.unpack("<8I", digest)))


def grown(rng, featured, names, index, attempt):
    """A graph in which the featured operators occur. Not all of them keep a batch, so later attempts have none."""
    deep, large, batched = index % 8 == 0, index % 40 == 9, index % 3 == 1 and attempt < 3
    least = max([DRAW[f][0] for f in featured])
    most = min([DRAW[f][1] for f in featured])
    opset = int(rng.choice([o for o in OPSETS if least <= o <= most] or [least]))
    g = Graph(rng, opset, batched, deep, 1_000_000 if large else 4000)
    allowed = [n for n in names if DRAW[n][0] <= opset <= DRAW[n][1]]
    want = list(featured)
    size = g.number(22, 34) if deep else g.number(2, 4) if large else g.number(2, 12)
    for _ in range(30 * size):
        if len(g.nodes) >= size and not want and (not deep or g.deepest >= 20):
            return g
        name = want[0] if want and g.chance(0.5) else g.one(allowed)
        wanted = bool(want) and name == want[0]
        if g.try_to(DRAW[name][2], deepen=deep and not wanted) and wanted:
            want.pop(0)
    return None


def session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 4
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


class Unfit(Exception):
    """ONNX Runtime refuses the graph or disagrees about it."""


def measured(g, data, inputs, outputs):
    """ONNX Runtime's largest error of each output."""
    try:
        results = session(data).run([v.name for v in outputs], {v.name: v.wide.astype(v.dtype) for v in inputs})
    except Exception as e:
        raise Unfit(f"ONNX Runtime: {str(e)[:300]}") from e
    errors = []
    for v, got in zip(outputs, results):
        if got.dtype != np.dtype(v.dtype) or got.shape != v.shape:
            raise Unfit(f"{v.name} is {got.dtype} of {got.shape}, want {v.dtype} of {v.shape}")
        if v.dtype != "float32":
            if not np.array_equal(got, v.wide):
                raise Unfit(f"{v.name} ({v.dtype}) differs")
            errors.append(0.0)
            continue
        top = np.abs(v.wide).max(initial=0)
        error = float(np.abs(got.astype(np.float64) - v.wide).max(initial=0))
        if not error <= 1e-3 * top:
            raise Unfit(f"{v.name} is off by {error:.3g} of {top:.3g}")
        errors.append(error)
    return errors


def well_conditioned(outputs):
    """Whether the samples of float32 arithmetic keep the outputs within some units of their last place. Where they do
    not, or where a few elements decide, luck would tell good arithmetic from bad."""
    for v in outputs:
        if v.dtype == "float32":
            unit = np.spacing(np.float32(np.abs(v.wide).max(initial=0)))
            if v.noise() > (2.0 if v.wide.size < 64 else 8.0) * unit:
                return False
    return True


def written(path, index, g, model, inputs, outputs, errors):
    blobs = [model]
    at = len(model)

    def entry(v, array, **more):
        nonlocal at
        raw = np.ascontiguousarray(array).tobytes()
        blobs.append(raw)
        at += len(raw)
        return {"name": v.name, "dtype": TYPES[v.dtype], "shape": list(v.shape), "data": [at - len(raw), len(raw)], **more}

    header = {
        "index": index,
        "operators": g.operators,
        "depth": g.deepest,
        "nodes": len(g.nodes),
        "batched": g.batched,
        "model": [0, len(model)],
        "inputs": [entry(v, v.wide.astype(v.dtype), batched=v.batched) for v in inputs],
        "outputs": [entry(v, v.wide, error=e, batched=v.batched) for v, e in zip(outputs, errors)],
    }
    text = json.dumps(header).encode()
    with open(path, "wb") as f:
        f.write(struct.pack("<I", len(text)) + text + b"".join(blobs))


def make(folder, seed, index, names, log):
    for attempt in range(ATTEMPTS):
        featured = [names[(2 * index + k) % len(names)] for k in range(2)] if attempt < ATTEMPTS // 3 else [names[(2 * index + attempt % 2) % len(names)]]
        g = grown(random(seed, index, attempt), featured, names, index, attempt)
        if g is None:
            print(f"{index}.{attempt}: {featured} cannot be placed", file=log)
            continue
        outputs = g.outputs()
        if not outputs or not well_conditioned(outputs):
            print(f"{index}.{attempt}: {featured} badly conditioned", file=log)
            continue
        model, inputs = g.model(outputs)
        data = model.SerializeToString()
        try:
            errors = measured(g, data, inputs, outputs)
        except Unfit as e:
            print(f"{index}.{attempt}: {featured} of {g.operators}: {e}", file=log)
            continue
        written(os.path.join(folder, f"{index}.graph"), index, g, data, inputs, outputs, errors)
        return True
    print(f"{index}: given up", file=log)
    return False


def main(folder, seed, first, count, names):
    names = sorted(names or DRAW)
    unknown = [n for n in names if n not in DRAW]
    with open(os.path.join(folder, "log"), "w") as log:
        if unknown:
            print("not drawn:", *unknown, file=log)
        for index in range(first, first + count):
            make(folder, seed, index, [n for n in names if n in DRAW], log)


if __name__ == "__main__":
    onnxruntime.set_default_logger_severity(4)
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), int(sys.argv[4]), sys.argv[5:])
