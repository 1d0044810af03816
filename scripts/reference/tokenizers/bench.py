"""Times Python tokenizers on one thread: lines a second, the faster of one call a line and
one call for all.

    python scripts/reference/tokenizers/bench.py TOKENIZER LINES ROUNDS

LINES has one line of bytes each, in hexadecimal. Prints the median of the rounds.
"""

import os
import statistics
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"

from tokenizers import Tokenizer  # noqa: E402  the variables come first


def main(file, lines, rounds):
    t = Tokenizer.from_file(file)
    with open(lines) as f:
        texts = [bytes.fromhex(line).decode("utf-8", errors="replace") for line in f.read().split("\n")[:-1]]
    for text in texts:
        t.encode(text)
    single, batch = [], []
    for _ in range(int(rounds)):
        start = time.perf_counter()
        for text in texts:
            t.encode(text)
        single.append(time.perf_counter() - start)
        start = time.perf_counter()
        t.encode_batch(texts)
        batch.append(time.perf_counter() - start)
    print(len(texts) / min(statistics.median(single), statistics.median(batch)))


main(*sys.argv[1:])
