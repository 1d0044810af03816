"""Prints the ONNX project's own test cases of single operators.

    python scripts/reference/nodecases.py LOW HIGH Add Mul ... > cases.jsonl

Only cases whose operators are all among those named, with inputs and outputs of element types that programs use,
are printed, one JSON object a line: name, model (base64), inputs and outputs, each a list of name, dtype (ONNX's
number), shape and raw (base64, little-endian). A case is generated for the newest definition of its operator, which
holds from its operator set on; the set is moved into LOW to HIGH.
"""

import base64
import json
import sys
import warnings

import numpy
from onnx import helper
from onnx.backend.test.case import node

TYPES = {1: "<f4", 2: "u1", 3: "i1", 6: "<i4", 7: "<i8", 9: "?"}


def tensors(values, arrays):
    out = []
    for value, array in zip(values, arrays):
        dtype = value.type.tensor_type.elem_type
        array = numpy.asarray(array).astype(TYPES[dtype])
        raw = base64.b64encode(numpy.ascontiguousarray(array).tobytes()).decode()
        out.append({"name": value.name, "dtype": dtype, "shape": list(array.shape), "raw": raw})
    return out


def main(low, high, operators):
    for case in node.collect_testcases(None):
        graph = case.model.graph
        if not {n.op_type for n in graph.node} <= operators:
            continue
        values = list(graph.input) + list(graph.output)
        if not {v.type.tensor_type.elem_type for v in values} <= set(TYPES):
            continue
        versions = [o.version for o in case.model.opset_import if o.domain == ""]
        del case.model.opset_import[:]
        case.model.opset_import.extend([helper.make_opsetid("", min(max(versions[0], low), high))])
        case.model.ir_version = min(case.model.ir_version, 10)
        model = base64.b64encode(case.model.SerializeToString()).decode()
        for inputs, outputs in case.data_sets:
            line = {"name": case.name, "model": model}
            line["inputs"] = tensors(graph.input, inputs)
            line["outputs"] = tensors(graph.output, outputs)
            print(json.dumps(line))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(int(sys.argv[1]), int(sys.argv[2]), set(sys.argv[3:]))
