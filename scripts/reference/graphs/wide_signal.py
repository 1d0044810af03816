"""Transforms of signals, windows, losses and counts of runs in float64; see wide.py."""

import numpy as np

from .wide import f32, own, reference


def window(terms):
    def f(i, a, n):
        size = int(i[0])
        period = size if a.get("periodic", 1) else size - 1
        angle = 2 * np.pi * np.arange(size) / period
        return [sum(t * np.cos(j * angle) for j, t in enumerate(terms)) + np.zeros(size)]

    return f


own("HannWindow")(window([0.5, -0.5]))
own("HammingWindow")(window([25 / 46, -21 / 46]))
own("BlackmanWindow")(window([0.42, -0.5, 0.08]))


@own("MelWeightMatrix")
def mel_weights(i, a, n):
    return [reference("MelWeightMatrix", "", i, a, n, 21)[0].astype(np.float64)]


@own("TfIdfVectorizer")
def tf_idf(i, a, n):
    """Counts by the reference evaluator, which gives weights to places rather than to runs."""
    plain = {k: v for k, v in a.items() if k != "weights"} | {"mode": "TF"}
    counts = reference("TfIdfVectorizer", "", i, plain, n, 21)[0].astype(np.float64)
    if a["mode"] == "IDF":
        counts = np.minimum(counts, 1)
    if a["mode"] != "TF" and "weights" in a:
        weights = np.zeros(counts.shape[-1])
        weights[a["ngram_indexes"]] = a["weights"]
        counts = counts * weights
    return [counts]


def complex_of(x):
    return x[..., 0] if x.shape[-1] == 1 else x[..., 0] + 1j * x[..., 1]


def parts_of(y, axis, onesided):
    if onesided:
        y = np.take(y, range(y.shape[axis] // 2 + 1), axis=axis)
    return np.stack([y.real, y.imag], axis=-1)


@own("DFT")
def dft(i, a, n):
    x, length = i[0], None if len(i) < 2 or i[1] is None else int(i[1])
    axis = a["axis"] if "axis" in a else int(i[2]) if len(i) > 2 else -2
    axis %= x.ndim
    transform = np.fft.ifft if a.get("inverse", 0) else np.fft.fft
    return [parts_of(transform(complex_of(x), n=length or x.shape[axis], axis=axis), axis, a.get("onesided", 0))]


@own("STFT")
def stft(i, a, n):
    x, step, length = complex_of(i[0]), int(i[1]), len(i[2])
    frames = np.stack([x[:, at : at + length] * i[2] for at in range(0, x.shape[1] - length + 1, step)], axis=1)
    return [parts_of(np.fft.fft(frames, axis=2), 2, a.get("onesided", 1))]


def likelihood_loss(logs, target, weight, a):
    ignored = target == a["ignore_index"] if "ignore_index" in a else np.zeros(target.shape, bool)
    at = np.where(ignored, 0, target)
    weights = np.where(ignored, 0.0, 1.0 if weight is None else weight[at])
    loss = -np.take_along_axis(logs, at[:, None], axis=1)[:, 0] * weights
    reduction = a.get("reduction", "mean")
    if reduction == "none":
        return loss
    return np.sum(loss) / (np.sum(weights) if reduction == "mean" else 1)


@own("NegativeLogLikelihoodLoss")
def negative_log_likelihood_loss(i, a, n):
    return [likelihood_loss(i[0], i[1], i[2] if len(i) > 2 else None, a)]


@own("SoftmaxCrossEntropyLoss")
def softmax_cross_entropy_loss(i, a, n):
    x = i[0] - i[0].max(axis=1, keepdims=True)
    logs = x - np.log(np.exp(x).sum(axis=1, keepdims=True))
    return [likelihood_loss(logs, i[1], i[2] if len(i) > 2 else None, a), logs][:n]


@own("RoiAlign")
def roi_align(i, a, n):
    whole = {"mode": "avg", "sampling_ratio": 0, "spatial_scale": 1.0} | a
    whole["spatial_scale"] = f32(whole["spatial_scale"])
    return reference("RoiAlign", "", i, whole, n, 16)
