"""Writes what Python tokenizers makes of the hard lines, for the Go tests to compare.

    python scripts/reference/tokenizers/compare.py OUT NODE_MODULES HARD PASSAGES GRID MIXED

OUT gets lines.hex (one line of bytes each), NAME.json (each a tokenizer.json), NAME.model
(SentencePiece's) and NAME.jsonl: for each case the numbers of its lines and what came out.
GRID lines go through each tokeniser of the grid, all lines through the published and the
trained ones; MIXED says how many mixed lines are made. Five times GRID tokenisers are put
together at random and take a dozen lines each.
"""

import itertools
import json
import os
import random
import sys

import build
import corpus
import mixtures
import sentencepiece

os.environ["TOKENIZERS_PARALLELISM"] = "false"


def record(e):
    return [
        e.ids, e.type_ids, e.tokens, e.offsets, e.special_tokens_mask, [-1 if w is None else w for w in e.word_ids],
        e.attention_mask, [-1 if s is None else s for s in e.sequence_ids], [record(o) for o in e.overflowing],
    ]


def encode(t, *texts, bare=False):
    try:
        return t.encode(*texts, add_special_tokens=not bare)
    except (Exception, BaseException) as e:  # a panic of the reference's is a BaseException
        if isinstance(e, KeyboardInterrupt):
            raise
        return None


def decode(t, ids, skip):
    try:
        return t.decode(ids, skip_special_tokens=skip)
    except (Exception, BaseException) as e:
        if isinstance(e, KeyboardInterrupt):
            raise
        return None


class Writer:
    def __init__(self, out, texts):
        self.out, self.texts = out, texts

    def tokeniser(self, name, t, numbers, pairs=False, ids=None):
        with open(os.path.join(self.out, name + ".json"), "w", encoding="utf-8") as f:
            f.write(t.to_str())
        with open(os.path.join(self.out, name + ".jsonl"), "w", encoding="utf-8") as f:
            for i, n in enumerate(numbers):
                lines = [n, numbers[i - 1]] if pairs and i % 3 else [n]
                bare = i % 5 == 4
                e = encode(t, *(self.texts[n] for n in lines), bare=bare)
                row = {"lines": lines, "bare": bare, "got": None if e is None else record(e)}
                if e is not None:
                    row["plain"], row["skip"] = decode(t, e.ids, False), decode(t, e.ids, True)
                f.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")
            for list_ in ids or ():
                row = {"ids": list_, "plain": decode(t, list_, False), "skip": decode(t, list_, True)}
                f.write(json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n")

    def sentencepiece(self, name, model, numbers):
        with open(os.path.join(self.out, name + ".model"), "wb") as f:
            f.write(model)
        p = sentencepiece.SentencePieceProcessor(model_proto=model)
        with open(os.path.join(self.out, name + ".ids"), "w", encoding="utf-8") as f:
            for n in numbers:
                f.write(json.dumps([n, p.encode(self.texts[n])], separators=(",", ":")) + "\n")


def main(out, modules, hard, passages, grid, mixed):
    grid, mixed = int(grid), int(mixed)
    lines, points = corpus.lines(hard, mixed)
    with open(os.path.join(out, "lines.hex"), "w") as f:
        f.writelines(line.hex() + "\n" for line in lines + points)
    texts = [b.decode("utf-8", errors="replace") for b in lines + points]
    with open(passages, encoding="utf-8") as f:
        training = [line for line in f.read().split("\n") if line.strip()]
    training += [t for t in texts[: len(lines)] if "\ufffd" not in t and "\x00" not in t][:600]
    w, rng = Writer(out, texts), random.Random(11)
    everything = range(len(texts))

    def sample():
        few = sorted(rng.sample(everything, min(grid, len(texts))))
        return list(range(0, len(lines), max(1, len(lines) // grid)))[:grid] + few

    unigram = build.sentencepiece_model(training, vocab_size=2200, model_type="unigram", pad_id=3)
    bpe = build.sentencepiece_model(training, vocab_size=2200, model_type="bpe", byte_fallback=True, normalization_rule_name="identity", remove_extra_whitespaces=False)
    made = {}
    for name, t in [*build.published(modules), *build.learned(training, unigram)]:
        made[name] = t
        ids = [[rng.randrange(t.get_vocab_size()) for _ in range(rng.randint(0, 12))] for _ in range(grid)]
        w.tokeniser(name, t, list(everything) if grid > 100 or name in ("bert", "gpt2", "llama", "unigram") else sample(), ids=ids)
    for name, t in build.grid(unigram):
        w.tokeniser(name, t, sample())
    for name, t in build.decoded(training, made["bert"]):
        ids = [[rng.choice((rng.randrange(26), rng.randrange(26, 282))) for _ in range(rng.randint(1, 9))] for _ in range(4 * grid)]
        ids += [list(range(26 + 0xE0, 26 + 0xE0)) + [26 + b for b in "é日😀".encode()] + [1, 2], [26 + 0xE6, 26 + 0x97], []]
        w.tokeniser(name, t, [], ids=[i for i in ids if i])
    for name, t in build.processed(made["bert"], made["roberta"]):
        w.tokeniser(name, t, sample(), pairs=True)
    rng = random.Random(13)
    some = itertools.islice(mixtures.mixtures(rng, [t for t in texts[: len(lines)] if t], build.charsmap(unigram)), 5 * grid)
    for i, t in enumerate(some):
        ids = [[rng.randrange(t.get_vocab_size()) for _ in range(rng.randint(1, 12))] for _ in range(3)]
        w.tokeniser(f"m-{i}", t, [rng.randrange(len(lines) if j % 6 else len(texts)) for j in range(12)], pairs=i % 2 == 0, ids=ids)
    w.sentencepiece("sp-unigram", unigram, everything)
    w.sentencepiece("sp-bpe", bpe, everything)


main(*sys.argv[1:])
