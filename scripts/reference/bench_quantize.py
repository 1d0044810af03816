"""Quantises a model with ONNX Runtime's own tools.

    python scripts/reference/bench_quantize.py MODEL OUT static|static-uint8|dynamic < inputs.jsonl

"static" is quantize_static to QDQ form, every other argument at its default, calibrated with the inputs, which
are lines of scripts/reference/run_model.py; "static-uint8" has activations unsigned, which is faster on CPUs
without VNNI. "dynamic" is quantize_dynamic, to MatMulInteger with scales taken from the data. Weights that the
file keeps as int8 are folded to float32 first, as these tools take float models only.
"""

import json
import os
import sys
import tempfile

import onnxruntime
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_dynamic, quantize_static

from run_model import unpack


class Reader(CalibrationDataReader):
    def __init__(self, lines):
        self.rows = iter([{k: unpack(v) for k, v in json.loads(line).items()} for line in lines])

    def get_next(self):
        return next(self.rows, None)


def fold(model, out):
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.optimized_model_filepath = out
    options.log_severity_level = 3
    onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def main(model, out, kind):
    with tempfile.TemporaryDirectory() as folder:
        folded = os.path.join(folder, "folded.onnx")
        fold(model, folded)
        if kind == "dynamic":
            quantize_dynamic(folded, out)
            return
        more = {"static": {}, "static-uint8": {"activation_type": QuantType.QUInt8}}[kind]
        quantize_static(folded, out, Reader(sys.stdin), quant_format=QuantFormat.QDQ, **more)


if __name__ == "__main__":
    main(*sys.argv[1:])
