"""Writes the ONNX project's own test cases of single operators as files.

    python scripts/reference/nodecases.py FOLDER

FOLDER/NAME/model.onnx is the model of a case, FOLDER/NAME/test_data_set_N/input_K.pb and output_K.pb are its
serialised tensors, in the order in which the model declares its inputs and outputs: the layout that ONNX itself
uses. FOLDER/cases.jsonl lists the cases, one JSON object a line:
    name       of the case
    subject    the operator that it is about, with its domain unless that is the default one; a case of a function
               that is spelled out in other operators is about the function
    operators  all that its graph, subgraphs and functions use
    rtol, atol the tolerances of the suite
    sets       how many data sets there are
    inputs, outputs  kinds of the declared values: tensor, sequence, optional or map; string for a tensor of strings
"""

import json
import os
import re
import sys
import warnings

from onnx import AttributeProto, TensorProto, numpy_helper
from onnx.backend.test.case import node


def full_name(n):
    return n.op_type if n.domain in ("", "ai.onnx") else f"{n.domain}.{n.op_type}"


def operators(nodes):
    for n in nodes:
        yield full_name(n)
        for a in n.attribute:
            if a.type == AttributeProto.GRAPH:
                yield from operators(a.g.node)
            elif a.type == AttributeProto.GRAPHS:
                for g in a.graphs:
                    yield from operators(g.node)


def kind(value):
    which = value.type.WhichOneof("value")
    if which == "tensor_type" and value.type.tensor_type.elem_type == TensorProto.STRING:
        return "string"
    return which.removesuffix("_type")


def serialised(value, content):
    which = value.type.WhichOneof("value")
    if which == "sequence_type":
        return numpy_helper.from_list(content, value.name)
    if which == "optional_type":
        return numpy_helper.from_optional(content, value.name)
    if which == "map_type":
        return numpy_helper.from_dict(content, value.name)
    if isinstance(content, TensorProto):
        return content
    return numpy_helper.from_array(content, value.name)


def write(path, message):
    with open(path, "wb") as f:
        f.write(message.SerializeToString())


def write_case(folder, case):
    os.makedirs(folder)
    write(os.path.join(folder, "model.onnx"), case.model)
    graph = case.model.graph
    for i, (inputs, outputs) in enumerate(case.data_sets):
        data = os.path.join(folder, f"test_data_set_{i}")
        os.makedirs(data)
        for what, values, contents in (("input", graph.input, inputs), ("output", graph.output, outputs)):
            for k, (value, content) in enumerate(zip(values, contents, strict=True)):
                write(os.path.join(data, f"{what}_{k}.pb"), serialised(value, content))


def described(case, subjects):
    graph = case.model.graph
    used = set(operators(graph.node))
    for f in case.model.functions:
        used |= set(operators(f.node))
    base = re.sub(r"_expanded.*$", "", case.name)
    subject = subjects.get(base) or full_name(graph.node[-1])
    return {
        "name": case.name,
        "subject": subject,
        "operators": sorted(used),
        "rtol": case.rtol,
        "atol": case.atol,
        "sets": len(case.data_sets),
        "inputs": [kind(v) for v in graph.input],
        "outputs": [kind(v) for v in graph.output],
    }


def main(folder):
    cases = sorted(node.collect_testcases(None), key=lambda c: c.name)
    subjects = {c.name: full_name(c.model.graph.node[0]) for c in cases if len(c.model.graph.node) == 1}
    with open(os.path.join(folder, "cases.jsonl"), "w") as index:
        for case in cases:
            write_case(os.path.join(folder, case.name), case)
            print(json.dumps(described(case, subjects)), file=index)


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1])
