"""Prints the token ids that Python tokenizers gives to each line of a file.

    python scripts/reference/wordpiece.py VOCABULARY LINES [LIMIT]

Lines are escaped: \\n, \\t, \\r, \\\\ and \\xNN stand for bytes. Bytes that are not UTF-8
are decoded with errors="replace". Ids are printed in decimal, one line per line.
"""

import codecs
import sys

from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors

SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def tokenizer(vocabulary, limit=0):
    with open(vocabulary, encoding="utf-8", newline="\n") as f:
        tokens = {t: i for i, t in enumerate(f.read().split("\n")[:-1])}
    t = Tokenizer(models.WordPiece(tokens, unk_token="[UNK]", max_input_chars_per_word=100))
    t.normalizer = normalizers.BertNormalizer(lowercase=True)
    t.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    t.post_processor = processors.BertProcessing(("[SEP]", tokens["[SEP]"]), ("[CLS]", tokens["[CLS]"]))
    t.add_special_tokens(SPECIAL)
    if limit:
        t.enable_truncation(limit)
    return t


def main(vocabulary, lines, limit=0):
    t = tokenizer(vocabulary, int(limit))
    with open(lines, "rb") as f:
        for line in f.read().split(b"\n")[:-1]:
            text = codecs.escape_decode(line)[0].decode("utf-8", errors="replace")
            print(*t.encode(text).ids)


if __name__ == "__main__":
    main(*sys.argv[1:])
