"""Runs a model in ONNX Runtime: the reference for the Go executor and for rewritten models.

    python scripts/reference/run_model.py MODEL < inputs.jsonl > outputs.jsonl

Each line is a JSON object from names to tensors {"type": "float32", "shape": [1, 2], "data": base64}, the
elements row-major and little-endian. One thread, the CPU, default graph optimisations.
"""

import base64
import json
import sys

import numpy
import onnxruntime


def session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def unpack(t):
    return numpy.frombuffer(base64.b64decode(t["data"]), dtype=t["type"]).reshape(t["shape"])


def pack(a):
    a = numpy.ascontiguousarray(a)
    return {"type": a.dtype.name, "shape": list(a.shape), "data": base64.b64encode(a.tobytes()).decode()}


def main(model):
    run = session(model)
    names = [o.name for o in run.get_outputs()]
    for line in sys.stdin:
        feeds = {k: unpack(v) for k, v in json.loads(line).items()}
        # A scalar loses its shape in ascontiguousarray, so its own is put back.
        outputs = [numpy.asarray(a) for a in run.run(names, feeds)]
        print(json.dumps({n: {**pack(a), "shape": list(a.shape)} for n, a in zip(names, outputs)}))


if __name__ == "__main__":
    main(*sys.argv[1:])
