"""Random nodes of the domain ai.onnx.ml, with their evaluation in float64; see draw.py and wide.py."""

import numpy as np
from onnx import numpy_helper

from .build import BATCH, Reject
from .draw import draws
from .wide import own, sigmoid

ML = "ai.onnx.ml"


def rows(g, width=None, **more):
    """Features, a row for each item."""
    n = BATCH if g.batched else g.number(1, 9)
    return g.fresh((n, width or g.number(1, 12)), **more)


def floats(g, n, low=-2.0, high=2.0):
    return [float(np.float32(v)) for v in g.rng.uniform(low, high, n)]


def wide_list(values):
    return np.asarray(values, dtype=np.float32).astype(np.float64)


def softmax(x):
    e = np.exp(x - x.max(axis=-1, keepdims=True))
    return e / e.sum(axis=-1, keepdims=True)


TRANSFORMS = {b"NONE": lambda x: x, b"LOGISTIC": sigmoid, b"SOFTMAX": softmax}


def transformed(x, a):
    name = a.get("post_transform", b"NONE")
    return TRANSFORMS[name if isinstance(name, bytes) else name.encode()](x)


@own("ai.onnx.ml.Scaler")
def scaler(i, a, n):
    return [(i[0] - wide_list(a["offset"])) * wide_list(a["scale"])]


@draws("Scaler@ai.onnx.ml")
def draw_scaler(g):
    x = rows(g)
    k = g.one([1, x.shape[1]])
    return g.add("Scaler", [x], domain=ML, offset=floats(g, k), scale=floats(g, k, 0.2, 3))


@own("ai.onnx.ml.Normalizer")
def normalizer(i, a, n):
    x, norm = i[0], a.get("norm", "MAX")
    if norm == "MAX":
        return [x / np.abs(x).max(axis=-1, keepdims=True)]
    if norm == "L1":
        return [x / np.abs(x).sum(axis=-1, keepdims=True)]
    return [x / np.sqrt((x * x).sum(axis=-1, keepdims=True))]


@draws("Normalizer@ai.onnx.ml")
def draw_normalizer(g):
    return g.add("Normalizer", [rows(g, low=0.1, high=3)], domain=ML, norm=g.one(["MAX", "L1", "L2"]))


@own("ai.onnx.ml.Binarizer")
def binarizer(i, a, n):
    return [(i[0] > np.float32(a["threshold"])).astype(np.float64)]


@draws("Binarizer@ai.onnx.ml")
def draw_binarizer(g):
    return g.add("Binarizer", [rows(g)], domain=ML, threshold=float(np.float32(g.rng.uniform(-1, 1))))


@own("ai.onnx.ml.Imputer")
def imputer(i, a, n):
    return [np.where(i[0] == np.float32(a["replaced_value_float"]), wide_list(a["imputed_value_floats"]), i[0])]


@draws("Imputer@ai.onnx.ml")
def draw_imputer(g):
    width = g.number(1, 8)
    data = g.rng.integers(-2, 3, (BATCH if g.batched else g.number(1, 9), width)).astype(np.float64)
    x = g.fresh(data.shape, data=data)
    return g.add("Imputer", [x], domain=ML, imputed_value_floats=floats(g, g.one([1, width])), replaced_value_float=1.0)


@own("ai.onnx.ml.FeatureVectorizer")
def feature_vectorizer(i, a, n):
    return [np.concatenate(i, axis=1)]


@draws("FeatureVectorizer@ai.onnx.ml")
def draw_feature_vectorizer(g):
    x = rows(g)
    parts = [x] + [g.fresh((x.shape[0], g.number(1, 5)), constant=False) for _ in range(g.number(1, 2))]
    return g.add("FeatureVectorizer", parts, domain=ML, inputdimensions=[p.shape[1] for p in parts])


@own("ai.onnx.ml.ArrayFeatureExtractor")
def array_feature_extractor(i, a, n):
    return [i[0][..., i[1].reshape(-1)]]


@draws("ArrayFeatureExtractor@ai.onnx.ml")
def draw_array_feature_extractor(g):
    x = rows(g)
    at = g.constant(g.rng.integers(0, x.shape[1], g.number(1, 6)))
    return g.add("ArrayFeatureExtractor", [x, at], domain=ML)


@own("ai.onnx.ml.OneHotEncoder")
def one_hot_encoder(i, a, n):
    return [(i[0][..., None] == np.asarray(a["cats_int64s"])).astype(np.float64)]


@draws("OneHotEncoder@ai.onnx.ml")
def draw_one_hot_encoder(g):
    x = g.fresh((BATCH if g.batched else g.number(1, 9),), "int64", 0, 6, constant=False)
    return g.add("OneHotEncoder", [x], domain=ML, cats_int64s=[int(v) for v in g.rng.permutation(6)[: g.number(2, 6)]], zeros=1)


@own("ai.onnx.ml.LabelEncoder")
def label_encoder(i, a, n):
    table = dict(zip(a["keys_int64s"], wide_list(a["values_floats"])))
    return [np.vectorize(lambda v: table.get(int(v), np.float64(np.float32(a["default_float"]))), otypes=[np.float64])(i[0])]


@draws("LabelEncoder@ai.onnx.ml")
def draw_label_encoder(g):
    x = g.fresh(g.shape(1, 2, zero=False), "int64", 0, 8)
    keys = [int(v) for v in g.rng.permutation(8)[: g.number(1, 8)]]
    return g.add("LabelEncoder", [x], domain=ML, keys_int64s=keys, values_floats=floats(g, len(keys)), default_float=-1.5)


# Linear models


def linear(x, a, targets):
    return x @ wide_list(a["coefficients"]).reshape(targets, -1).T + wide_list(a["intercepts"])


@own("ai.onnx.ml.LinearRegressor")
def linear_regressor(i, a, n):
    return [transformed(linear(i[0], a, a["targets"]), a)]


@draws("LinearRegressor@ai.onnx.ml")
def draw_linear_regressor(g):
    x, targets = rows(g), g.number(1, 5)
    weights = {"coefficients": floats(g, targets * x.shape[1]), "intercepts": floats(g, targets)}
    return g.add("LinearRegressor", [x], domain=ML, targets=targets, **weights)


@own("ai.onnx.ml.LinearClassifier")
def linear_classifier(i, a, n):
    labels = np.asarray(a["classlabels_ints"])
    scores = linear(i[0], a, len(labels))
    return [labels[scores.argmax(axis=1)], transformed(scores, a)]


@draws("LinearClassifier@ai.onnx.ml")
def draw_linear_classifier(g):
    x, classes = rows(g), g.number(3, 6)
    weights = {"coefficients": floats(g, classes * x.shape[1]), "intercepts": floats(g, classes)}
    labels = [int(v) for v in g.rng.permutation(20)[:classes]]
    return g.add("LinearClassifier", [x], outputs=2, domain=ML, classlabels_ints=labels, post_transform=g.one(["NONE", "SOFTMAX", "LOGISTIC"]), **weights)


# Trees: a node is (feature, threshold, true, false); a leaf is the list of (target, weight).


def tree(g, features, targets, depth, low=-2.0):
    if depth == 0 or g.chance(0.2):
        return [(g.number(0, targets - 1), floats(g, 1, low)[0])]
    children = [tree(g, features, targets, depth - 1, low) for _ in range(2)]
    return (g.number(0, features - 1), floats(g, 1, -1.5, 1.5)[0], *children)


def leaf(node, x, strict):
    while isinstance(node, tuple):
        feature, threshold, yes, no = node
        node = yes if (x[feature] < threshold if strict else x[feature] <= threshold) else no
    return node


def flattened(trees, mode):
    """The lists of attributes of operator set 3."""
    out = {k: [] for k in ("treeids", "nodeids", "featureids", "modes", "values", "truenodeids", "falsenodeids")}
    leaves = []

    def number(t, node):
        at = sum(1 for k in out["treeids"] if k == t)
        split = isinstance(node, tuple)
        row = (t, at, node[0] if split else 0, mode if split else "LEAF", node[1] if split else 0.0, 0, 0)
        for key, v in zip(out, row):
            out[key].append(v)
        where = len(out["treeids"]) - 1
        if split:
            out["truenodeids"][where] = number(t, node[2])
            out["falsenodeids"][where] = number(t, node[3])
        else:
            leaves.extend((t, at, target, weight) for target, weight in node)
        return at

    for t, root in enumerate(trees):
        number(t, root)
    return {f"nodes_{k}": v for k, v in out.items()}, leaves


def votes(x, trees, targets, strict):
    out = np.zeros((x.shape[0], targets))
    for r in range(x.shape[0]):
        for root in trees:
            for target, weight in leaf(root, x[r], strict):
                out[r, target] += np.float64(np.float32(weight))
    return out


def forest(g, mode, targets, low=-2.0):
    x = rows(g)
    trees = [tree(g, x.shape[1], targets, g.number(1, 4), low) for _ in range(g.number(1, 6))]
    return x, trees, *flattened(trees, mode)


def version(g, wanted):
    """Operator set 5 has other trees than the earlier ones."""
    if g.ml not in (None, wanted):
        raise Reject
    g.ml = wanted


@draws("TreeEnsembleRegressor@ai.onnx.ml")
def draw_tree_regressor(g):
    version(g, 3)
    mode, targets = g.one(["BRANCH_LEQ", "BRANCH_LT"]), g.number(1, 4)
    x, trees, nodes, leaves = forest(g, mode, targets)
    names = ("target_treeids", "target_nodeids", "target_ids", "target_weights")
    how = g.one(["SUM", "AVERAGE"])
    attributes = {**nodes, **{k: [v[j] for v in leaves] for j, k in enumerate(names)}, "n_targets": targets, "aggregate_function": how}

    def evaluate(arrays):
        sums = votes(arrays[0], trees, targets, mode == "BRANCH_LT")
        return [sums / len(trees) if how == "AVERAGE" else sums]

    return g.put("TreeEnsembleRegressor", [x], 1, ML, True, attributes, evaluate)


@draws("TreeEnsembleClassifier@ai.onnx.ml")
def draw_tree_classifier(g):
    version(g, 3)
    mode, classes = g.one(["BRANCH_LEQ", "BRANCH_LT"]), g.number(3, 5)
    x, trees, nodes, leaves = forest(g, mode, classes, 0.1)  # a class that nobody votes for is never the first
    names = ("class_treeids", "class_nodeids", "class_ids", "class_weights")
    labels = [int(v) for v in g.rng.permutation(20)[:classes]]
    attributes = {**nodes, **{k: [v[j] for v in leaves] for j, k in enumerate(names)}, "classlabels_int64s": labels}
    attributes["post_transform"] = g.one(["NONE", "SOFTMAX", "LOGISTIC"])
    if {v[2] for v in leaves} != set(range(classes)):
        raise Reject  # a class without a vote has no score

    def evaluate(arrays):
        scores = votes(arrays[0], trees, classes, mode == "BRANCH_LT")
        return [np.asarray(labels)[scores.argmax(axis=1)], transformed(scores, attributes)]

    return g.put("TreeEnsembleClassifier", [x], 2, ML, True, attributes, evaluate)


@draws("TreeEnsemble@ai.onnx.ml")
def draw_tree_ensemble(g):
    version(g, 5)
    targets = g.number(1, 4)
    x = rows(g)
    trees = [tree(g, x.shape[1], targets, g.number(1, 4)) for _ in range(g.number(1, 5))]
    if not all(isinstance(t, tuple) for t in trees):
        raise Reject
    strict = g.chance(0.5)
    splits, features, yes, no, yes_leaf, no_leaf, ids, weights, roots = [], [], [], [], [], [], [], [], []

    def child(node, at, is_leaf, where):
        if isinstance(node, tuple):
            at[where], is_leaf[where] = number(node), 0
        else:
            ((target, weight),) = node
            ids.append(target)
            weights.append(weight)
            at[where], is_leaf[where] = len(ids) - 1, 1

    def number(node):
        where = len(splits)
        features.append(node[0])
        splits.append(node[1])
        for column in (yes, no, yes_leaf, no_leaf):
            column.append(0)
        child(node[2], yes, yes_leaf, where)
        child(node[3], no, no_leaf, where)
        return where

    for root in trees:
        roots.append(number(root))
    attributes = {
        "nodes_featureids": features,
        "nodes_splits": numpy_helper.from_array(np.asarray(splits, dtype=np.float32)),
        "nodes_modes": numpy_helper.from_array(np.full(len(splits), 1 if strict else 0, dtype=np.uint8)),
        "nodes_truenodeids": yes,
        "nodes_falsenodeids": no,
        "nodes_trueleafs": yes_leaf,
        "nodes_falseleafs": no_leaf,
        "leaf_targetids": ids,
        "leaf_weights": numpy_helper.from_array(np.asarray(weights, dtype=np.float32)),
        "tree_roots": roots,
        "n_targets": targets,
    }
    return g.put("TreeEnsemble", [x], 1, ML, True, attributes, lambda arrays: [votes(arrays[0], trees, targets, strict)])
