"""The lines that tokenisers are compared on, as bytes: always the same."""

import codecs
import random
import unicodedata

SCRIPTS = [
    (0x41, 0x5A), (0x61, 0x7A), (0x30, 0x39), (0x20, 0x2F), (0xC0, 0x24F), (0x300, 0x36F), (0x370, 0x3FF),
    (0x400, 0x4FF), (0x590, 0x5FF), (0x600, 0x6FF), (0x900, 0x97F), (0xE00, 0xE7F), (0x1100, 0x11FF),
    (0x1E00, 0x1FFF), (0x2000, 0x206F), (0x20A0, 0x20CF), (0x2100, 0x21FF), (0x2460, 0x24FF), (0x3000, 0x30FF),
    (0x4E00, 0x4FFF), (0xAC00, 0xAD00), (0xF900, 0xFAFF), (0xFB00, 0xFB4F), (0xFE00, 0xFE0F), (0xFF00, 0xFFEF),
    (0x1D400, 0x1D4FF), (0x1F300, 0x1F64F), (0x1F1E6, 0x1F1FF), (0x20000, 0x20100), (0xE0100, 0xE0110),
]
WORDS = """the of and to in canister Canister's model don't WE'LL they've I'm you're he'd it's naïve café Straße ŞİŞLİ
ΣΊΣΥΦΟΣ привет Москва ёлка שלום عربي नमस्ते สวัสดี 日本語 カタカナ ひらがな 中文 한국어 ﬁnance ﬂow ½ ² Ⅷ ① ㍿ ﷺ ａｂｃ e\u0301 a\u0308\u0323
👩‍👩‍👧‍👦 🇩🇪🇫🇷 👍🏽 ❤️ 1️⃣ x=1; foo_bar fooBar() 3.14159 1,000,000 2026-11-28 http://a.b/c?d=e&f=%20 <s> </s> <unk> [CLS] [SEP] [MASK]
[PAD] <mask> <|endoftext|> ▁ ▁▁ Ġ Ċ ## ##ing _ -- ... !!! ?! “quoted” ‘q’ «g» – — \u00a0 \u200b \u200d \ufeff \u2028 \t \r\n \n\n antidisestablishmentarianism
supercalifragilisticexpialidocious aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa 0123456789012345678901234567890123456789""".split(" ")
MORE = ["\u00a0", "\u3000", "\u2003", "\x85", "\x0b", "\x0c", "\x1f", "\x00", "\x7f", "\u0130", "\u212a", "\u017f", "\u0344", "\u1e9b\u0323"]
BROKEN = [b"\x80", b"\xc3", b"\xe2\x82", b"\xf0\x9f\x98", b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\xe0\x80\xaf", b"\xf8\x88\x80\x80\x80", b"\xe2\x28\xa1"]


def hard(path):
    with open(path, "rb") as f:
        return [codecs.escape_decode(line)[0] for line in f.read().split(b"\n")[:-1]]


def mixed(rng, count):
    for _ in range(count):
        parts = []
        for _ in range(rng.randint(1, 14)):
            kind = rng.random()
            if kind < 0.55:
                parts.append(rng.choice(WORDS))
            elif kind < 0.65:
                parts.append(rng.choice(MORE))
            elif kind < 0.75:
                parts.append(rng.choice(WORDS).swapcase())
            else:
                a, b = rng.choice(SCRIPTS)
                parts.append("".join(chr(rng.randint(a, b)) for _ in range(rng.randint(1, 6))))
        text = rng.choice([" ", " ", " ", "  ", "", "\n", "\t "]).join(parts)
        if rng.random() < 0.15:
            text = unicodedata.normalize(rng.choice(["NFC", "NFD", "NFKC", "NFKD"]), text)
        yield text.encode()


def broken(rng, lines, count):
    for _ in range(count):
        line = rng.choice(lines)
        for _ in range(rng.randint(1, 3)):
            at = rng.randint(0, len(line))
            line = line[:at] + rng.choice(BROKEN) + line[at:]
        if rng.random() < 0.3:
            line = line[: rng.randint(0, len(line))]
        yield line


def every_code_point(assigned):
    """All code points, each between letters; without those that no category is given."""
    points = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]
    if assigned:
        points = [c for c in points if unicodedata.category(chr(c)) not in ("Cn", "Co")]
    for i in range(0, len(points), 48):
        yield "".join(f"{chr(c)}{'' if c % 3 else 'a '[c % 2]}" for c in points[i : i + 48]).encode()


def lines(hard_file, count, assigned=True):
    """Hard lines first, then mixed and broken ones, then every code point."""
    rng = random.Random(7)
    out = hard(hard_file)
    out += [b"", b" ", b"  ", b"\n", "\u0301".encode(), "▁".encode(), b"a" * 300, "é".encode() * 120, b" " * 60 + b"x", b"\r\n\r\n  \t"]
    out += list(mixed(rng, count))
    out += list(broken(rng, out, count // 8))
    return out, list(every_code_point(assigned))
