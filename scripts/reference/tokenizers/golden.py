"""Prints a digest of what Python tokenizers makes of the hard lines, for each tokenizer.json
of a folder, so that a test without Python can tell whether it still makes the same.

    python scripts/reference/tokenizers/golden.py inference/tokenize/testdata > inference/tokenize/testdata/tokenizers/golden.txt

Of each line, the ids, the offsets in characters and the decoded text go into the digest.
"""

import hashlib
import os
import sys

import corpus
from tokenizers import Tokenizer


def main(folder):
    texts = [b.decode("utf-8", errors="replace") for b in corpus.hard(os.path.join(folder, "hard.txt"))]
    small = os.path.join(folder, "tokenizers")
    for name in sorted(os.listdir(small)):
        if not name.endswith(".json"):
            continue
        t = Tokenizer.from_file(os.path.join(small, name))
        h = hashlib.sha256()
        for text in texts:
            e = t.encode(text)
            for i, (a, b) in zip(e.ids, e.offsets):
                h.update(b"%d %d %d," % (i, a, b))
            h.update(t.decode(e.ids).encode() + b"\n")
        print(name, h.hexdigest())


main(*sys.argv[1:])
