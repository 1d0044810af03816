"""Puts what ONNX's own composed operators stand for into models as functions, and checks models made of them.

    python scripts/reference/functions.py make > models.jsonl
    python scripts/reference/functions.py check < models.jsonl > verdicts.jsonl

make prints the project's test cases of single operators that ONNX defines by other operators: the operator is renamed
to a function of the domain "local" with that definition, and the model calls it through a second function that hands
everything on. check runs models under the same names in ONNX's reference evaluator and compares with the cases' outputs.
One JSON object a line: name and model (base64), or name and error, which is empty when the outputs agree.
"""

import base64
import json
import sys
import warnings

import numpy
import onnx
from onnx import helper
from onnx.backend.test.case import node
from onnx.reference import ReferenceEvaluator


def cases():
    """Gives the cases of one node whose operator has a definition of fixed nodes."""
    for case in node.collect_testcases(None):
        graph = case.model.graph
        if len(graph.node) != 1 or graph.node[0].domain not in ("", "ai.onnx"):
            continue
        version = next(o.version for o in case.model.opset_import if o.domain == "")
        schema = onnx.defs.get_schema(graph.node[0].op_type, version)
        if schema.has_function and not schema.has_context_dependent_function:
            yield case, schema, version


def local(schema, version):
    """Gives the definition as a function of the domain "local", with the operator's defaults."""
    body = onnx.FunctionProto()
    body.CopyFrom(schema.function_body)
    body.domain, body.name = "local", schema.name
    if not body.opset_import:
        body.opset_import.append(helper.make_opsetid("", version))
    defaults = {a.name: a.default_value for a in schema.attributes.values() if a.default_value.name}
    names = list(body.attribute)
    del body.attribute[:]
    body.attribute.extend(n for n in names if n not in defaults)
    body.attribute_proto.extend(defaults[n] for n in names if n in defaults)
    return body


def around(inner):
    """Gives a function "outer" that calls the other one with all that it is given."""
    call = helper.make_node(inner.name, list(inner.input), list(inner.output), domain="local", name="call")
    names = list(inner.attribute) + [a.name for a in inner.attribute_proto]
    kinds = {}
    for n in inner.node:
        for a in n.attribute:
            if a.ref_attr_name:
                kinds[a.ref_attr_name] = a.type
    for name in (n for n in names if n in kinds):
        reference = onnx.AttributeProto(name=name, ref_attr_name=name, type=kinds[name])
        call.attribute.append(reference)
    imports = [helper.make_opsetid("", inner.opset_import[0].version), helper.make_opsetid("local", 1)]
    return helper.make_function("local", "outer", list(inner.input), list(inner.output), [call], imports, names)


def make():
    for case, schema, version in cases():
        inner = local(schema, version)
        model = onnx.ModelProto()
        model.CopyFrom(case.model)
        model.ir_version = max(model.ir_version, 9)
        for imported in model.opset_import:  # a definition may be younger than the operator
            if imported.domain == "":
                imported.version = max(imported.version, inner.opset_import[0].version)
        model.opset_import.append(helper.make_opsetid("local", 1))
        call = model.graph.node[0]
        call.op_type, call.domain, call.name = "outer", "local", "it"
        outer = around(inner)
        known = set(outer.attribute)
        kept = [a for a in call.attribute if a.name in known]
        del call.attribute[:]
        call.attribute.extend(kept)
        model.functions.extend([inner, outer])
        print(json.dumps({"name": case.name, "model": base64.b64encode(model.SerializeToString()).decode()}))


def verdict(model, case):
    if model.functions or any(n.domain == "local" for n in model.graph.node):
        return "calls are left"
    inputs, outputs = case.data_sets[0]
    names = [v.name for v in case.model.graph.input]
    got = ReferenceEvaluator(model).run(None, dict(zip(names, inputs)))
    for ours, theirs in zip(got, outputs):
        ours, theirs = numpy.asarray(ours), numpy.asarray(theirs)
        if ours.dtype != theirs.dtype or ours.shape != theirs.shape:
            return f"{ours.dtype} {ours.shape}, want {theirs.dtype} {theirs.shape}"
        numpy.testing.assert_allclose(ours.astype(numpy.float64), theirs.astype(numpy.float64), rtol=1e-2, atol=1e-4)
    return ""


def check():
    models = {}
    for line in sys.stdin:
        record = json.loads(line)
        models[record["name"]] = onnx.load_from_string(base64.b64decode(record["model"]))
    for case, _, _ in cases():
        if case.name not in models:
            continue
        try:
            error = verdict(models[case.name], case)
        except Exception as e:  # whatever it is, it is the verdict
            error = f"{type(e).__name__}: {e}"
        print(json.dumps({"name": case.name, "error": error}))


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    {"make": make, "check": check}[sys.argv[1]]()
