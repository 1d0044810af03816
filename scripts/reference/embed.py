"""Embeds texts with ONNX Runtime and prints what the Go executor is compared with.

    python scripts/reference/embed.py MODEL VOCABULARY LIMIT < texts.jsonl > vectors.jsonl

Each input line is a JSON string. Each output line is a JSON object:
    text    the string
    ids     token ids from Python tokenizers, special tokens included, cut at LIMIT
    mask    attention mask, all 1: texts run one by one, without padding
    vector  the float32 hidden states, averaged over tokens and divided by their Euclidean
            length in float64; each number's shortest decimal that reads back to the same bits
ONNX Runtime runs on the CPU, one thread, its default graph optimisations.
"""

import json
import sys

import numpy
import onnxruntime

from wordpiece import tokenizer


def session(model):
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def embed(run, ids):
    """The normalised mean of the token vectors."""
    row = numpy.array([ids], dtype=numpy.int64)
    feeds = {"input_ids": row, "attention_mask": numpy.ones_like(row), "token_type_ids": numpy.zeros_like(row)}
    wanted = {i.name for i in run.get_inputs()}
    hidden = run.run(None, {k: v for k, v in feeds.items() if k in wanted})[0][0].astype(numpy.float64)
    mean = hidden.mean(axis=0)
    return mean / numpy.linalg.norm(mean)


def main(model, vocabulary, limit):
    tokens = tokenizer(vocabulary, int(limit))
    run = session(model)
    for line in sys.stdin:
        text = json.loads(line)
        ids = tokens.encode(text).ids
        vector = embed(run, ids)
        print(json.dumps({"text": text, "ids": ids, "mask": [1] * len(ids), "vector": vector.tolist()}))


if __name__ == "__main__":
    main(*sys.argv[1:])
