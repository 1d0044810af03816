"""Prints what ONNX's own shape inference says of the project's test cases of single operators.

    python scripts/reference/shapes.py > shapes.jsonl

One JSON object a line: name, model (base64), inferred and actual. The model comes twice: with all its inputs, and as
"NAME/fixed" with the short integer inputs turned into constants, because sizes are often given that way. The declared
types of outputs are removed from the model. inferred maps the name of a value to what onnx.shape_inference finds, actual
maps the name of an output to what the case holds: element type (0 when unknown) and shape (null when the rank is
unknown), in which an unknown dimension is -1. Values that are no tensors are left out.
"""

import base64
import json
import warnings

import numpy
import onnx
from onnx import helper, numpy_helper, shape_inference
from onnx.backend.test.case import node


def described(value):
    if value.type.WhichOneof("value") != "tensor_type":
        return None
    tensor = value.type.tensor_type
    if not tensor.HasField("shape"):
        return [tensor.elem_type, None]
    return [tensor.elem_type, [d.dim_value if d.HasField("dim_value") else -1 for d in tensor.shape.dim]]


def held(array):
    if isinstance(array, (list, dict)) or array is None:
        return None
    if isinstance(array, onnx.TensorProto):
        return [array.data_type, list(array.dims)]
    array = numpy.asarray(array)
    try:
        return [helper.np_dtype_to_tensor_dtype(array.dtype), list(array.shape)]
    except (KeyError, TypeError, ValueError):
        return [0, list(array.shape)]


def fixed(model, inputs):
    out = onnx.ModelProto()
    out.CopyFrom(model)
    del out.graph.input[:]
    for value, array in zip(model.graph.input, inputs):
        small = isinstance(array, (numpy.ndarray, numpy.generic, int)) and numpy.asarray(array).size <= 64
        if small and numpy.asarray(array).dtype in (numpy.int64, numpy.int32) and described(value):
            out.graph.initializer.append(numpy_helper.from_array(numpy.asarray(array), value.name))
        elif small and numpy.asarray(array).dtype == numpy.float32 and value.name in ("scales",):
            out.graph.initializer.append(numpy_helper.from_array(numpy.asarray(array), value.name))
        else:
            out.graph.input.append(value)
    return out


def bare(model):
    for value in model.graph.output:
        if described(value):
            value.type.tensor_type.ClearField("shape")
    return model


def report(name, model, actual):
    line = {"name": name, "model": base64.b64encode(model.SerializeToString()).decode(), "inferred": {}, "actual": actual}
    try:
        found = shape_inference.infer_shapes(model, data_prop=True)
        for value in list(found.graph.value_info) + list(found.graph.output):
            if what := described(value):
                line["inferred"][value.name] = what
    except Exception as error:  # what it refuses is for the reader of this output to judge
        line["refused"] = str(error)
    print(json.dumps(line))


def main():
    for case in node.collect_testcases(None):
        inputs, outputs = case.data_sets[0]
        actual = {}
        for value, array in zip(case.model.graph.output, outputs):
            if described(value) and (what := held(array)):
                actual[value.name] = what
        report(case.name, bare(fixed(case.model, [None] * len(inputs))), actual)
        with_constants = fixed(case.model, inputs)
        if len(with_constants.graph.input) < len(case.model.graph.input):
            report(case.name + "/fixed", bare(with_constants), actual)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main()
