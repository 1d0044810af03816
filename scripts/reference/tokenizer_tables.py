"""Writes inference/tokenize/internal/ucd/tables_gen.go from the behaviour of Python tokenizers.

Every code point is put through the reference's own normalisers, pre-tokenisers and
regular expressions, and what comes out is frozen as Go strings. So the Go tokenisers
follow the reference's mix of Unicode versions (its normalisation is of Unicode 9, its
regular expressions are Oniguruma's, the rest is Rust's) and depend on no Unicode data at
run time.

    python scripts/reference/tokenizer_tables.py > inference/tokenize/internal/ucd/tables_gen.go
"""

import base64
import functools
import importlib.metadata
import struct

from tokenizers import Regex, normalizers, pre_tokenizers

VERSION = "0.23.3"
CODE_POINTS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
HANGUL = range(0xAC00, 0xD7A4)
ALL = "".join(map(chr, CODE_POINTS))
BLOCK = 128

CATEGORIES = (
    "Cn Lu Ll Lt Lm Lo Mn Mc Me Nd Nl No Pc Pd Ps Pe Pi Pf Po Sm Sc Sk So Zs Zl Zp Cc Cf Co".split()
)
SCRIPTS = "Han Hiragana Katakana Hangul Latin Cyrillic Greek Thai Arabic Hebrew Devanagari".split()

# Bits of a code point's properties; internal/ucd/ucd.go knows them by the same numbers.
SPACE, OTHER, PUNCTUATION, NUMERIC, NONSPACING, MARK, WORD, RE_WORD, RE_SPACE = range(5, 14)
LOWER, NFD, NFKD, SECOND = range(14, 18)
BREAK, CONJUNCT, PICTURE = 18, 22, 24
CONTROL, EXTEND, JOINER, SPACING, PREPEND = 1, 2, 3, 4, 5

lower = normalizers.Lowercase().normalize_str
nfd = normalizers.NFD().normalize_str
nfkd = normalizers.NFKD().normalize_str
nfc = normalizers.NFC().normalize_str


def bert(**on):
    flags = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return normalizers.BertNormalizer(**{**flags, **on}).normalize_str


def matching(pattern):
    """The code points that a regular expression of one character matches."""
    split = pre_tokenizers.Split(Regex(pattern), "removed", invert=True)
    return {ord(c) for word, _ in split.pre_tokenize_str(ALL) for c in word}


def left_out(pre_tokenizer):
    """The code points that a pre-tokeniser removes from between words."""
    kept = {ord(c) for word, _ in pre_tokenizer.pre_tokenize_str(ALL) for c in word}
    return set(CODE_POINTS) - kept


def alone(pre_tokenizer, ignore=()):
    """The code points that a pre-tokeniser makes words of their own between two letters."""
    text = "".join(f"a{chr(c)}b" for c in CODE_POINTS if c not in ignore)
    words = {(a, b): w for w, (a, b) in pre_tokenizer.pre_tokenize_str(text)}
    rest = [c for c in CODE_POINTS if c not in ignore]
    return {c for i, c in enumerate(rest) if (3 * i + 1, 3 * i + 2) in words}


def rust_word(space):
    """Whether Rust's \\w holds: Whitespace joins word characters, and joins the others."""
    joined = pre_tokenizers.Whitespace()
    rest = [c for c in CODE_POINTS if c not in space]
    text = "".join(f"a{chr(c)} " for c in rest)
    ends = {a for _, (a, _) in joined.pre_tokenize_str(text)}
    return {c for i, c in enumerate(rest) if 3 * i + 1 not in ends}


def removed(normalize, sep):
    """The code points that a normaliser leaves out, each standing between two separators."""
    out = normalize(sep.join(ALL) + sep).split(sep)
    assert out.pop() == "" and len(out) == len(CODE_POINTS) + 1, len(out)
    at = [i for i, c in enumerate(CODE_POINTS) if chr(c) == sep][0]
    out[at : at + 2] = [sep]
    return {c for c, o in zip(CODE_POINTS, out) if o == ""}


def lead_bytes():
    """A character map whose every first byte becomes an X, so that a text's normal form
    tells into which graphemes it was cut: those under six bytes become one X, the
    characters of the others one X each."""
    units = [0] * 1024
    units[0] = 256 << 10  # the root's children begin at unit 256
    free = 512
    for byte in range(1, 256):
        at = 256 ^ byte
        leaf = free ^ at  # the leaf of this byte is where its offset leads
        assert leaf < 1 << 21
        units[at] = byte | 1 << 8 | leaf << 10
        units[free] = 1 << 31
        free += 1
    trie = struct.pack(f"<{len(units)}I", *units)
    return struct.pack("<I", len(trie)) + trie + b"X\0"


PRECOMPILED = normalizers.Precompiled(lead_bytes()).normalize_str


def graphemes(texts):
    """How many X each text becomes."""
    texts = list(texts)
    out = []
    for i in range(0, len(texts), 20000):
        # A line feed is a grapheme of its own on either side, and becomes an X too.
        part = texts[i : i + 20000]
        out += [len(PRECOMPILED(t)) for t in part]
    return out


def grapheme_classes():
    """Grapheme classes as far as graphemes of under six bytes show them."""
    classes = dict.fromkeys(CODE_POINTS, 0)
    rest = [c for c in CODE_POINTS if c not in (10, 13)]
    after = dict(zip(rest, graphemes("a" + chr(c) for c in rest)))  # one: joined to what is before
    before = dict(zip(rest, graphemes(chr(c) + "a" for c in rest)))
    accent = dict(zip(rest, graphemes(chr(c) + "\u0301" if c < 0x10000 else "\u0301\u0301" for c in rest)))
    for c in rest:
        if before[c] == 1:
            classes[c] = PREPEND
        elif after[c] == 1:
            classes[c] = EXTEND
        elif len(chr(c).encode()) <= 3 and accent[c] == 2:
            classes[c] = CONTROL
    classes[10] = classes[13] = CONTROL
    classes[0x200D] = JOINER
    # Between a picture and a joiner stand extending characters, not spacing ones.
    extending = [c for c in CODE_POINTS if classes[c] == EXTEND]
    for c, n in zip(extending, graphemes(f"\u00a9{chr(c)}\u200d\u00a9\u0301" for c in extending)):
        if n != 5:
            classes[c] = SPACING
    return classes


def conjuncts(classes):
    """Consonants (1), linkers (2) and extenders (3) of Indic conjuncts, by the accent that
    stays with a consonant or is cut off with it."""
    out = {}
    for c, n in zip(CODE_POINTS, graphemes(f"\u0915\u094d{chr(c)}\u0301" if 0x800 <= c < 0x10000 else "" for c in CODE_POINTS)):
        if n == 4 and classes[c] == 0:
            out[c] = 1
    joins = [c for c in CODE_POINTS if classes[c] in (EXTEND, JOINER)]
    for c, n in zip(joins, graphemes(f"\u0915{chr(c)}\u0915\u0301" for c in joins)):
        if n == 4:
            out[c] = 2
    joins = [c for c in joins if c not in out]
    for c, n in zip(joins, graphemes(f"\u0915\u094d{chr(c)}\u0915\u0301" for c in joins)):
        if n == 5:
            out[c] = 3
    return out


def pictures(classes):
    """Pictographs, as the second and, where that cannot show, as the first of two."""
    out = {0xA9}
    rest = [c for c in CODE_POINTS if classes[c] == 0 and c > 0x7F]
    for c, n in zip(rest, graphemes(f"{chr(c)}\u200d\u00a9\u0301" for c in rest)):
        if n == 4:
            out.add(c)
    return out


def scripts():
    """Numbers the scripts of UnicodeScripts: zero goes with any other. Two code points are
    of one script when the pre-tokeniser does not cut between them."""
    split = pre_tokenizers.UnicodeScripts()

    def cuts(text):
        return {a for _, (a, _) in split.pre_tokenize_str(text)}

    out, rest = {}, [c for c in CODE_POINTS if c != 0x20]
    # A code point that goes with any is cut off neither a Latin nor a Greek letter.
    a, g = (cuts("".join(f"{x}{chr(c)}" for c in rest)) for x in "aα")
    maybe = [i for i in range(len(rest)) if 2 * i + 1 not in a and 2 * i + 1 not in g]
    out[0x20] = 0
    for i in maybe:
        out[rest[i]] = 0
    rest = [c for c in rest if c not in out]
    number = 0
    while rest:
        number += 1
        first = chr(rest[0])
        joined = cuts("".join(first + chr(c) for c in rest))
        for i, c in enumerate(rest):
            if 2 * i + 1 not in joined:
                out[c] = number
        rest = [c for c in rest if c not in out]
    assert number < 256, number
    return out


def decompositions(normal, skip):
    text = normal("\n".join(chr(c) for c in CODE_POINTS if c not in skip))
    rest = [c for c in CODE_POINTS if c not in skip]
    parts = text.split("\n")
    assert len(parts) == len(rest), (len(parts), len(rest))
    return {c: p for c, p in zip(rest, parts) if p != chr(c)}


def ranks():
    """Combining classes as ranks: a character of a higher class moves behind one of a lower."""
    moves = nfd("".join(f"\n{chr(c)}\u0334\n\u0345{chr(c)}" for c in CODE_POINTS if c != 10))
    single = decompositions(nfd, {10} | set(HANGUL))
    chars = []
    for c in CODE_POINTS:
        if c == 10 or c in single or c in HANGUL:
            continue
        s = chr(c)
        if nfd(s + "\u0334") != s + "\u0334" or nfd("\u0345" + s) != "\u0345" + s:
            chars.append(s)
    assert moves
    overlay = "\u0334"

    def compare(a, b):
        if nfd(a + b) != a + b:
            return 1
        if nfd(b + a) != b + a:
            return -1
        return 0

    chars = sorted(set(chars + [overlay, "\u0345"]), key=functools.cmp_to_key(compare))
    out, rank = {}, 1
    for i, s in enumerate(chars):
        if i and compare(chars[i - 1], s) != 0:
            rank += 1
        out[ord(s)] = rank
    return out


def compositions(canonical):
    """Pairs that compose, found through the decompositions: the longest prefix composed,
    and the last character."""
    out = {}
    for c, parts in canonical.items():
        if c in HANGUL or len(parts) < 2 or nfc(parts) != chr(c):
            continue
        first, second = nfc(parts[:-1]), parts[-1]
        if len(first) != 1:
            continue
        assert nfc(first + second) == chr(c), hex(c)
        out[ord(first), ord(second)] = c
    return out


def text(values, width):
    return b"".join(v.to_bytes(width, "little") for v in values)


def escape(b):
    plain = 0x20 <= b < 0x7F and chr(b) not in '"\\'
    return chr(b) if plain else f"\\x{b:02x}"


def literal(name, doc, data):
    data = bytes(data)
    lines = []
    for i in range(0, len(data), 48):
        lines.append('\t"' + "".join(escape(b) for b in data[i : i + 48]) + '"')
    body = " +\n".join(lines) if lines else '\t""'
    return f"// {doc}\nconst {name} = \"\" +\n{body}\n"


def two_stage(name, doc, value):
    """A table of bytes by code point: which block, and the blocks."""
    blocks, index, seen = [], [], {}
    for base in range(0, 0x110000, BLOCK):
        block = bytes(value.get(c, 0) for c in range(base, base + BLOCK))
        if block not in seen:
            seen[block] = len(blocks)
            blocks.append(block)
        index.append(seen[block])
    print(literal(name + "Index", f"{name}Index names the block of {BLOCK} code points, two bytes each.", text(index, 2)))
    print(literal(name + "Blocks", doc, b"".join(blocks)))


def mapping(name, doc, table):
    """Strings by code point: keys of three bytes in order, ends of two or three bytes, the strings."""
    keys, ends, data = b"", [], b""
    for c in sorted(table):
        keys += c.to_bytes(3, "big")
        data += table[c].encode()
        ends.append(len(data))
    print(literal(name + "Keys", doc, keys))
    print(literal(name + "Ends", f"{name}Ends says where each of {name}Data ends, two bytes each.", text(ends, 2)))
    print(literal(name + "Data", f"{name}Data holds the strings of {name}Keys.", data))


def ranges(members):
    out = []
    for c in sorted(members):
        if out and out[-1][1] == c - 1:
            out[-1][1] = c
        else:
            out.append([c, c])
    return b"".join(a.to_bytes(3, "big") + b.to_bytes(3, "big") for a, b in out)


def main():
    assert importlib.metadata.version("tokenizers") == VERSION
    props = dict.fromkeys(CODE_POINTS, 0)

    def mark(members, bit, value=1):
        for c in members:
            props[c] |= value << bit

    for number, name in enumerate(CATEGORIES):
        if number:
            mark(matching(rf"\p{{{name}}}"), 0, number)
    space = left_out(pre_tokenizers.WhitespaceSplit())
    mark(space, SPACE)
    mark(removed(bert(clean_text=True), "x") - {0, 0xFFFD}, OTHER)
    mark(alone(pre_tokenizers.Punctuation()), PUNCTUATION)
    mark(alone(pre_tokenizers.Digits(individual_digits=True)), NUMERIC)
    mark(removed(bert(strip_accents=True), "\n"), NONSPACING)
    mark(removed(normalizers.StripAccents().normalize_str, "\n"), MARK)
    mark(rust_word(space), WORD)
    assert left_out(pre_tokenizers.Whitespace()) == space
    mark(matching(r"\w"), RE_WORD)
    mark(matching(r"\s"), RE_SPACE)
    assert matching(r"\d") == {c for c in CODE_POINTS if props[c] & 31 == CATEGORIES.index("Nd")}

    lowered = decompositions(lower, {10})
    canonical = decompositions(nfd, {10} | set(HANGUL))
    compatible = decompositions(nfkd, {10} | set(HANGUL))
    compatible = {c: d for c, d in compatible.items() if canonical.get(c) != d}
    composed = compositions(canonical)
    mark(lowered, LOWER)
    mark(canonical, NFD)
    mark(compatible, NFKD)
    mark({b for _, b in composed}, SECOND)

    breaks = grapheme_classes()
    for c, v in breaks.items():
        mark([c], BREAK, v)
    for c, v in conjuncts(breaks).items():
        mark([c], CONJUNCT, v)
    mark(pictures(breaks), PICTURE)

    records = sorted(set(props.values()))
    number = {r: i for i, r in enumerate(records)}
    assert len(records) <= 256, len(records)

    print("// Code generated by scripts/reference/tokenizer_tables.py. DO NOT EDIT.\n")
    print("package ucd\n")
    two_stage("props", "propsBlocks numbers the record of each code point.", {c: number[p] for c, p in props.items()})
    print(literal("records", "records are the sets of properties that occur, four bytes each.", text(records, 4)))
    two_stage("ranks", "ranksBlocks ranks the combining classes.", ranks())
    two_stage("scripts", "scriptsBlocks numbers the scripts; zero goes with any.", scripts())
    mapping("lower", "lowerKeys are the code points with another lower case.", lowered)
    mapping("nfd", "nfdKeys are the code points with a canonical decomposition, but Hangul.", canonical)
    mapping("nfkd", "nfkdKeys are the code points with another compatibility decomposition than the canonical one.", compatible)
    pairs = b"".join(a.to_bytes(3, "big") + b.to_bytes(3, "big") for a, b in sorted(composed))
    print(literal("pairs", "pairs are the code points that compose, two of three bytes each, in order.", pairs))
    print(literal("composed", "composed are what pairs compose to, three bytes each.", b"".join(composed[p].to_bytes(3, "big") for p in sorted(composed))))
    for name in SCRIPTS:
        var = "script" + name
        end = "" if name == SCRIPTS[-1] else "\n"
        print(literal(var, f"{var} are the ranges of that script in regular expressions, ends of three bytes.", ranges(matching(rf"\p{{{name}}}"))), end=end)


if __name__ == "__main__":
    main()
