"""Random nodes of transforms, windows, losses, regions and counts of runs; see draw.py."""

import numpy as np

from .build import BATCH, Reject
from .draw import draws

for _op in ("HannWindow", "HammingWindow", "BlackmanWindow"):
    draws(_op, 17)(lambda g, op=_op: g.add(op, [g.constant(np.int64(g.number(2, 60)))], periodic=g.number(0, 1)))


@draws("MelWeightMatrix", 17)
def mel_weights(g):
    bands, length, rate = g.number(1, 12), g.number(8, 200), g.number(2000, 40000)
    low, high = np.float32(g.rng.uniform(0, rate / 8)), np.float32(g.rng.uniform(rate / 8, rate / 2.2))
    mel = 2595 * np.log10(1 + np.array([low, high], np.float64) / 700)
    hertz = 700 * (10 ** ((mel[0] + (mel[1] - mel[0]) / (bands + 2) * np.arange(bands + 2)) / 2595) - 1)
    edges = (length + 1) * hertz / rate
    if np.abs(edges - np.round(edges)).min() < 1e-2:
        raise Reject  # the bands jump where an edge is whole
    sizes = [g.constant(np.int64(v)) for v in (bands, length, rate)]
    return g.add("MelWeightMatrix", [*sizes, g.constant(low, "float32"), g.constant(high, "float32")])


@draws("DFT", 17)
def dft(g):
    parts = g.number(1, 2)
    shape = [BATCH if g.batched else g.number(1, 3), *[g.number(1, 24) for _ in range(g.number(1, 2))], parts]
    x = g.fresh(shape)
    axis = g.number(1 if g.batched else 0, len(shape) - 2)
    length = g.constant(np.int64(g.number(1, 30))) if g.chance(0.4) else None
    inverse = g.number(0, 1)
    a = {"inverse": inverse, "onesided": int(parts == 1 and not inverse and g.chance(0.5))}
    if g.opset < 20:
        return g.add("DFT", [x, length], axis=axis, **a)
    return g.add("DFT", [x, length, g.constant(np.int64(axis))], **a)


@draws("STFT", 17)
def stft(g):
    size, length = g.number(8, 60), g.number(2, 8)
    x = g.fresh([BATCH if g.batched else g.number(1, 3), size, 1])
    return g.add("STFT", [x, g.constant(np.int64(g.number(1, 7))), g.fresh([length], constant=True)], onesided=g.number(0, 1))


@draws("RoiAlign", 16, 21)
def roi_align(g):
    if g.batched:
        raise Reject  # regions name images of the batch
    n, h, w, regions = g.number(1, 3), g.number(3, 9), g.number(3, 9), g.number(1, 4)
    corner = g.rng.uniform(-1, 8, (regions, 2))
    rois = np.concatenate([corner, corner + g.rng.uniform(0.5, 9, (regions, 2))], axis=1)
    images = g.fresh((regions,), "int64", data=g.rng.integers(0, n, regions))
    a = {"output_height": g.number(1, 4), "output_width": g.number(1, 4), "sampling_ratio": g.number(1, 3), "spatial_scale": g.one([1.0, 0.5])}
    a["coordinate_transformation_mode"] = g.one(["half_pixel", "output_half_pixel"])
    return g.add("RoiAlign", [g.fresh([n, g.number(1, 4), h, w]), g.fresh(rois.shape, data=rois, constant=True), images], mode="avg", **a)


def loss(op):
    def draw(g):
        if g.batched:
            raise Reject  # a loss is of the whole batch
        n, c = g.number(1, 5), g.number(2, 7)
        more = [g.number(1, 4) for _ in range(g.number(0, 2))]
        target = g.rng.integers(0, c, (n, *more))
        a = {"reduction": g.one(["none", "mean", "sum"])}
        if g.chance(0.4):
            a["ignore_index"] = g.one([0, -1])
            if a["ignore_index"] < 0:
                target = np.where(g.rng.random(target.shape) < 0.3, -1, target)
            if a["reduction"] == "mean" and (target == a["ignore_index"]).all():
                raise Reject  # the mean of nothing
        weight = g.fresh((c,), low=0.2, high=2, constant=True) if g.chance(0.5) else None
        x = g.fresh((n, c, *more), low=-6, high=-0.1)
        return g.add(op, [x, g.fresh(target.shape, "int64", data=target), weight], **a)

    return draw


for _op in ("NegativeLogLikelihoodLoss", "SoftmaxCrossEntropyLoss"):
    draws(_op)(loss(_op))


@draws("TfIdfVectorizer")
def tf_idf(g):
    single, double = g.number(1, 4), g.number(1, 4)
    pairs = g.rng.permutation(25)[:double]
    pool = [*range(single), *np.stack([pairs // 5, pairs % 5], axis=1).reshape(-1)]
    x = g.fresh([BATCH if g.batched else g.number(1, 3), g.number(2, 12)], "int64", 0, 4)
    mode = g.one(["TF", "IDF", "TFIDF"])
    a = {"weights": [float(np.float32(v)) for v in g.rng.uniform(0.5, 2, single + double)]} if mode != "TF" and g.chance(0.7) else {}
    return g.add(
        "TfIdfVectorizer", [x], mode=mode, ngram_counts=[0, single], ngram_indexes=[int(v) for v in g.rng.permutation(single + double)],
        pool_int64s=[int(v) for v in pool], min_gram_length=g.number(1, 2), max_gram_length=2, max_skip_count=g.number(0, 3), **a,
    )
