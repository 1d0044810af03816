"""Times Python tokenizers on one thread: lines a second, the faster of one call a line and
one call for all. Time is the process's own, so that others on the machine do not count,
and each round begins with a fresh tokeniser, so that it remembers no line.

    python scripts/reference/tokenizers/bench.py TOKENIZER LINES ROUNDS

LINES has one line of bytes each, in hexadecimal. Prints the median of the rounds, and the
seconds to load the tokeniser.
"""

import os
import statistics
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"

from tokenizers import Tokenizer  # noqa: E402  the variables come first


def main(file, lines, rounds):
    with open(lines) as f:
        texts = [bytes.fromhex(line).decode("utf-8", errors="replace") for line in f.read().split("\n")[:-1]]
    saved = Tokenizer.from_file(file).to_str()
    loading, single, batch = [], [], []
    for _ in range(int(rounds)):
        start = time.process_time()
        t = Tokenizer.from_str(saved)
        loading.append(time.process_time() - start)
        start = time.process_time()
        for text in texts:
            t.encode(text)
        single.append(time.process_time() - start)
        t = Tokenizer.from_str(saved)
        start = time.process_time()
        t.encode_batch(texts)
        batch.append(time.process_time() - start)
    print(len(texts) / min(statistics.median(single), statistics.median(batch)), statistics.median(loading))


main(*sys.argv[1:])
