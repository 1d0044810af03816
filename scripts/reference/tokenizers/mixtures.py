"""Tokenisers put together at random: every component beside every other, with small random
vocabularies made of what the components leave of the lines."""

import base64
import json

from tokenizers import Tokenizer

import build

PATTERNS = [
    r"\s+", r"\w+|[^\w\s]+", r"\p{N}{1,3}", r"[\p{P}\p{S}]+", r"(?<=a)b|\bt\w*", r"[a-e]{2,}", r"\p{Lu}", r"\S+\s?", r".{1,5}", r"(?i:the|of) ?", r"[一-龥]|\p{M}",
    build.GPT4, build.QWEN, build.O200K, build.KIMI, *build.DEEPSEEK,
]
TEXTS = ["e", " ", "th", "▁", "  ", "a", "é", "\n", "日", "'", "##", "İ", "\u0301", "ss", "0"]
NAMES = ["<s>", "the", "don't", "Canister", "CAFÉ", " of ", "▁the", "日本"]
MARKS = ["▁", "_", "x", "é", "😀", " "]
BEHAVIOURS = ["Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous"]


class Mixture:
    """One tokenizer.json at random."""

    def __init__(self, rng, texts, charsmap):
        self.rng, self.texts, self.charsmap = rng, texts, base64.b64encode(charsmap).decode()

    def flip(self, chance=0.5):
        return self.rng.random() < chance

    def pattern(self):
        if self.flip():
            return {"String": self.rng.choice(TEXTS)}
        return {"Regex": self.rng.choice(PATTERNS)}

    def row(self, one, member, none):
        """None, one component, or a sequence of some, in which sequences may be nested."""
        if self.flip(none):
            return None
        if self.flip():
            return one()
        parts = [one() for _ in range(self.rng.randint(1, 4))]
        if self.flip(0.2):
            parts.append({"type": "Sequence", member: [one() for _ in range(self.rng.randint(1, 2))]})
        return {"type": "Sequence", member: parts}

    def normaliser(self):
        r = self.rng
        kind = r.choice(["BertNormalizer", "NFC", "NFD", "NFKC", "NFKD", "Lowercase", "StripAccents", "Strip", "Replace", "Prepend", "Precompiled", "Nmt", "ByteLevel"])
        out = {"type": kind}
        if kind == "BertNormalizer":
            out |= {"clean_text": self.flip(), "handle_chinese_chars": self.flip(), "strip_accents": r.choice([True, False, None]), "lowercase": self.flip()}
        elif kind == "Strip":
            out |= {"strip_left": self.flip(), "strip_right": self.flip()}
        elif kind == "Replace":
            out |= {"pattern": self.pattern(), "content": r.choice(["", " ", "▁", "xyz", "é", "  "])}
        elif kind == "Prepend":
            out |= {"prepend": r.choice(["▁", "x", " ", "é日", "A"])}
        elif kind == "Precompiled":
            out |= {"precompiled_charsmap": self.charsmap}
        return out

    def pre_tokeniser(self):
        r = self.rng
        kind = r.choice(["BertPreTokenizer", "Whitespace", "WhitespaceSplit", "ByteLevel", "Metaspace", "Punctuation", "Digits", "Split", "CharDelimiterSplit", "UnicodeScripts", "FixedLength"])
        out = {"type": kind}
        if kind == "ByteLevel":
            out |= {"add_prefix_space": self.flip(), "trim_offsets": self.flip(), "use_regex": self.flip()}
        elif kind == "Metaspace":
            out |= {"replacement": r.choice(MARKS[:5]), "prepend_scheme": r.choice(["always", "first", "never"]), "split": self.flip()}
        elif kind == "Punctuation":
            out |= {"behavior": r.choice(BEHAVIOURS)}
        elif kind == "Digits":
            out |= {"individual_digits": self.flip()}
        elif kind == "Split":
            out |= {"pattern": self.pattern(), "behavior": r.choice(BEHAVIOURS), "invert": self.flip()}
        elif kind == "CharDelimiterSplit":
            out |= {"delimiter": r.choice("ae .,▁")}
        elif kind == "FixedLength":
            out |= {"length": r.randint(1, 7)}
        return out

    def words(self, file):
        """What the first components leave of some lines, which vocabularies are made of."""
        t = Tokenizer.from_str(json.dumps(file))
        words = []
        for text in self.rng.sample(self.texts, 60):
            text = text[:300]
            if t.normalizer:
                text = t.normalizer.normalize_str(text)
            words += [w for w, _ in t.pre_tokenizer.pre_tokenize_str(text)] if t.pre_tokenizer else [text]
        return [w for w in words if w] or ["a"]

    def parts(self, words, count, longest):
        out = []
        for _ in range(count):
            w = self.rng.choice(words)
            at = self.rng.randrange(len(w)) if self.flip(0.7) else 0
            out.append(w[at : at + self.rng.randint(1, longest)])
        return list(dict.fromkeys(out))

    def byte_tokens(self):
        tokens = [f"<0x{b:02X}>" for b in range(256)]
        if self.flip(0.2):
            tokens.remove(self.rng.choice(tokens))
        return tokens

    def model(self, words):
        return self.rng.choice([self.word_piece, self.bpe, self.bpe, self.unigram, self.word_level])(words)

    def word_level(self, words):
        tokens = list(dict.fromkeys(["[UNK]", *self.rng.sample(words, min(len(words), 80))]))
        return {"type": "WordLevel", "vocab": self.numbered(tokens), "unk_token": "[UNK]"}

    def numbered(self, tokens):
        """Ids in order, or in any order and with gaps."""
        ids = list(range(len(tokens)))
        if self.flip(0.3):
            ids = self.rng.sample(range(2 * len(tokens)), len(tokens))
        return dict(zip(tokens, ids))

    def word_piece(self, words):
        prefix = self.rng.choice(["##", "", "▁", "a"])
        tokens = ["[UNK]"]
        for p in self.parts(words, self.rng.choice([20, 200, 600]), 5):
            tokens.append(p)
            if self.flip(0.8):
                tokens.append(prefix + p)
        for c in "abcdefghijklmnopqrstuvwxyz":
            tokens += [c, prefix + c]
        return {"type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": prefix, "max_input_chars_per_word": self.rng.choice([3, 12, 100]),
                "vocab": self.numbered(list(dict.fromkeys(tokens)))}

    def unigram(self, words):
        tokens = self.parts(words, self.rng.choice([20, 200, 600]), 6) + list("abcdefghij ▁")
        tokens = list(dict.fromkeys(tokens))
        bytes_ = self.flip(0.3)
        if bytes_:
            tokens += self.byte_tokens()
        at = self.rng.randrange(len(tokens))
        tokens.insert(at, "<unk>")
        score = self.rng.choice([lambda: -self.rng.random() * 12, lambda: float(-self.rng.randint(1, 3)), lambda: 0.0])
        return {"type": "Unigram", "unk_id": at, "vocab": [[t, score()] for t in tokens], "byte_fallback": bytes_}

    def bpe(self, words):
        r = self.rng
        prefix, suffix = r.choice(["", "", "##", "x"]), r.choice(["", "", "</w>", "e"])
        shown = {}
        for w in words:
            for i, c in enumerate(w):
                shown[(prefix if i else "") + c + (suffix if i == len(w) - 1 else "")] = None
        tokens = r.sample(list(shown), len(shown) * r.choice([6, 10, 10]) // 10) or ["a"]
        known, merges = dict.fromkeys(tokens), {}
        for _ in range(r.choice([0, 30, 300, 900])):
            w = r.choice(words)
            parts = [(prefix if i else "") + c + (suffix if i == len(w) - 1 else "") for i, c in enumerate(w)]
            for _ in range(r.randint(1, 4)):
                if len(parts) < 2:
                    break
                i = r.randrange(len(parts) - 1)
                a, b = parts[i], parts[i + 1]
                if a not in known or b not in known or len(b) < len(prefix):
                    break
                joined = a + b[len(prefix):]
                known[joined], merges[a, b] = None, None
                parts[i : i + 2] = [joined]
        tokens = list(known)
        bytes_ = self.flip(0.3)
        if bytes_:
            tokens += self.byte_tokens()
        unknown = None
        if self.flip(0.7):
            unknown = "<unk>"
            tokens.insert(r.randrange(len(tokens)), unknown)
        merges = list(merges)
        if self.flip(0.3):
            r.shuffle(merges)
        return {"type": "BPE", "dropout": None, "unk_token": unknown, "continuing_subword_prefix": prefix or None, "end_of_word_suffix": suffix or None, "fuse_unk": self.flip(),
                "byte_fallback": bytes_, "ignore_merges": self.flip(0.3), "vocab": self.numbered(list(dict.fromkeys(tokens))), "merges": [list(m) for m in merges]}

    def added(self, words):
        out, r = [], self.rng
        contents = ["[CLS]", "[SEP]"]
        for _ in range(r.choice([0, 0, 1, 3, 8])):
            contents += r.choice([[r.choice(TEXTS + NAMES)], self.parts(words, 1, 8), self.parts(self.texts, 1, 6)])
        for c in dict.fromkeys(c for c in contents if c):
            out.append({"id": 0, "content": c, "single_word": self.flip(0.3), "lstrip": self.flip(0.3), "rstrip": self.flip(0.3), "normalized": self.flip(0.4), "special": self.flip(0.4)})
        return out

    def processor(self):
        r = self.rng
        ends = {"cls": ["[CLS]", 1], "sep": ["[SEP]", 2]}
        kind = r.choice(["BertProcessing", "RobertaProcessing", "TemplateProcessing", "ByteLevel", "TemplateProcessing"])
        if kind == "BertProcessing":
            return {"type": kind} | ends
        if kind == "RobertaProcessing":
            return {"type": kind} | ends | {"trim_offsets": self.flip(), "add_prefix_space": self.flip()}
        if kind == "ByteLevel":
            return {"type": kind, "add_prefix_space": self.flip(), "trim_offsets": self.flip(), "use_regex": self.flip()}
        special = {"[CLS]": {"id": "[CLS]", "ids": [1], "tokens": ["[CLS]"]}, "two": {"id": "two", "ids": [2, 1], "tokens": ["[SEP]", "[CLS]"]}}

        def pieces(sequences):
            row = [{"Sequence": {"id": s, "type_id": r.randint(0, 2)}} for s in sequences]
            for _ in range(r.randint(0, 3)):
                row.insert(r.randint(0, len(row)), {"SpecialToken": {"id": r.choice(list(special)), "type_id": r.randint(0, 2)}})
            return row

        pair = pieces(r.choice(["AB", "AB", "BA"]))
        return {"type": kind, "single": pieces(r.choice(["A", "A", "AA"])), "pair": pair, "special_tokens": special}

    def decoder(self):
        r = self.rng
        kind = r.choice(["ByteLevel", "WordPiece", "Metaspace", "BPEDecoder", "ByteFallback", "Fuse", "Strip", "Replace", "CTC"])
        out = {"type": kind}
        if kind == "ByteLevel":
            out |= {"add_prefix_space": True, "trim_offsets": True, "use_regex": True}
        elif kind == "WordPiece":
            out |= {"prefix": r.choice(["##", "a", "▁"]), "cleanup": self.flip()}
        elif kind == "Metaspace":
            out |= {"replacement": r.choice(MARKS[:5]), "prepend_scheme": r.choice(["always", "first", "never"]), "split": self.flip()}
        elif kind == "BPEDecoder":
            out |= {"suffix": r.choice(["</w>", "e", "a"])}
        elif kind == "Strip":
            out |= {"content": r.choice(" a▁e"), "start": r.randint(0, 2), "stop": r.randint(0, 2)}
        elif kind == "Replace":
            out |= {"pattern": self.pattern(), "content": r.choice(["", " ", "x", "é"])}
        elif kind == "CTC":
            out |= {"pad_token": r.choice(["[CLS]", "a", "e"]), "word_delimiter_token": r.choice(["|", "▁", "a"]), "cleanup": self.flip()}
        return out

    def truncation(self):
        r = self.rng
        if self.flip(0.7):
            return None
        return {"direction": r.choice(["Left", "Right"]), "max_length": r.choice([0, 3, 6, 9, 20, 50]), "strategy": r.choice(["LongestFirst", "OnlyFirst", "OnlySecond"]), "stride": r.choice([0, 0, 1, 3])}

    def padding(self):
        r = self.rng
        if self.flip(0.8):
            return None
        return {"strategy": r.choice(["BatchLongest", {"Fixed": r.choice([5, 16, 40])}]), "direction": r.choice(["Left", "Right"]), "pad_to_multiple_of": r.choice([None, 1, 8]),
                "pad_id": r.randint(0, 3), "pad_type_id": r.randint(0, 2), "pad_token": "[PAD]"}

    def file(self):
        out = {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [],
               "normalizer": self.row(self.normaliser, "normalizers", 0.25),
               "pre_tokenizer": self.row(self.pre_tokeniser, "pretokenizers", 0.2),
               "post_processor": None, "decoder": None, "model": {"type": "WordLevel", "vocab": {"a": 0}, "unk_token": "a"}}
        words = self.words(out)
        out["model"] = self.model(words)
        out["added_tokens"] = self.added(words)
        out["post_processor"] = self.row(self.processor, "processors", 0.3)
        out["decoder"] = self.row(self.decoder, "decoders", 0.2)
        out["truncation"], out["padding"] = self.truncation(), self.padding()
        return out


def numbered(file):
    """Gives added tokens the ids that the reference would."""
    vocabulary = file["model"]["vocab"]
    known = dict(vocabulary) if isinstance(vocabulary, dict) else {t: i for i, (t, _) in enumerate(vocabulary)}
    following = len(known)
    for a in file["added_tokens"]:
        if a["content"] in known:
            a["id"] = known[a["content"]]
        else:
            a["id"], following = following, following + 1
    return file


def refused(t, file):
    """Whether two added tokens are looked for as one text, or one as none: the reference then
    looks for none of them, and this is refused."""
    shown = {True: [], False: []}
    for a in file["added_tokens"]:
        text = a["content"]
        if a["normalized"] and t.normalizer:
            text = t.normalizer.normalize_str(text)
        shown[a["normalized"]].append(text)
    return any("" in texts or len(set(texts)) < len(texts) for texts in shown.values())


def mixtures(rng, texts, charsmap):
    """Tokenisers that the reference makes without panic, without end."""
    while True:
        file = numbered(Mixture(rng, texts, charsmap).file())
        try:
            t = Tokenizer.from_str(json.dumps(file))
            if not refused(t, file):
                yield Tokenizer.from_str(t.to_str())  # one that lost no added token to another's id
        except (Exception, BaseException) as e:
            if isinstance(e, (KeyboardInterrupt, GeneratorExit)):
                raise
