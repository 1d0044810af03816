// Package ucd holds the Unicode data of the tokenisers, frozen as strings in the tree, so
// that the same text gives the same ids whatever toolchain builds them. The data follows
// what Python tokenizers 0.23.3 does, which mixes versions of Unicode: see
// scripts/reference/tokenizer_tables.py, which generates it.
//
// Nothing is built when a program starts: every table is a constant.
package ucd

// A Property is one bit that code points have or lack.
type Property uint32

// The properties, at the bits that the generator uses.
const (
	Space       Property = 1 << (5 + iota) // white space, as Rust and its regular expressions have it
	Other                                  // a control, format or private one, which BERT's cleaning drops
	Punctuation                            // a word of its own for BERT, ASCII's symbols among them
	Numeric                                // a digit or another number
	Nonspacing                             // a mark that BERT's normaliser strips
	Mark                                   // a mark that StripAccents strips
	Word                                   // \w of Rust's regular expressions
	ReWord                                 // \w of Oniguruma
	ReSpace                                // \s of Oniguruma
	HasLower                               // another in lower case
	hasNFD
	hasNFKD
	second // composes with one before it
)

const (
	breakShift    = 18
	conjunctShift = 22
	picture       = 1 << 24
)

// Category is a general category.
type Category uint8

// The categories, in the order of the generator.
const (
	Cn Category = iota
	Lu
	Ll
	Lt
	Lm
	Lo
	Mn
	Mc
	Me
	Nd
	Nl
	No
	Pc
	Pd
	Ps
	Pe
	Pi
	Pf
	Po
	Sm
	Sc
	Sk
	So
	Zs
	Zl
	Zp
	Cc
	Cf
	Co
	categoryCount
)

const categoryNames = "CnLuLlLtLmLoMnMcMeNdNlNoPcPdPsPePiPfPoSmScSkSoZsZlZpCcCfCo"

// Categories gives the set of categories with a name of one or two letters, a bit each.
func Categories(name string) (set uint32, ok bool) {
	if len(name) < 1 || len(name) > 2 {
		return 0, false
	}
	for c := range int(categoryCount) {
		if n := categoryNames[2*c : 2*c+2]; n == name || n[:1] == name {
			set |= 1 << c
		}
	}
	return set, set != 0
}

const blockBits = 7

// stage looks a code point up in a table of two stages.
func stage(index, blocks string, r rune) uint8 {
	i := int(uint32(r)>>blockBits) * 2
	if uint(i) >= uint(len(index)-1) {
		return 0
	}
	block := int(index[i]) | int(index[i+1])<<8
	return blocks[block<<blockBits|int(r)&(1<<blockBits-1)]
}

// record is all that is known of a code point.
func record(r rune) uint32 {
	i := int(stage(propsIndex, propsBlocks, r)) * 4
	return uint32(records[i]) | uint32(records[i+1])<<8 | uint32(records[i+2])<<16 | uint32(records[i+3])<<24
}

// Is reports whether a code point has one of the properties.
func Is(r rune, p Property) bool { return record(r)&uint32(p) != 0 }

// CategoryOf is the general category of a code point, as Oniguruma has it.
func CategoryOf(r rune) Category { return Category(record(r) & 31) }

// Script numbers the script of a code point as UnicodeScripts has them; zero goes with any.
func Script(r rune) uint8 { return stage(scriptsIndex, scriptsBlocks, r) }

// rank orders the combining classes; zero stands for the class of starters.
func rank(r rune) uint8 {
	if r < 0x300 {
		return 0
	}
	return stage(ranksIndex, ranksBlocks, r)
}

// Ideograph reports whether BERT puts spaces around a code point.
func Ideograph(r rune) bool {
	switch {
	case r < 0x3400:
		return false
	case r < 0x20000:
		return 0x4E00 <= r && r <= 0x9FFF || r <= 0x4DBF || 0xF900 <= r && r <= 0xFAFF
	default:
		return r <= 0x2A6DF || 0x2A700 <= r && r <= 0x2B81F || 0x2B920 <= r && r <= 0x2CEAF || 0x2F800 <= r && r <= 0x2FA1F
	}
}

// Lower is the lower case of a code point, ok false when that is itself.
func Lower(r rune) (to string, ok bool) {
	if record(r)&uint32(HasLower) == 0 {
		return "", false
	}
	return find(lowerKeys, lowerEnds, lowerData, r)
}

// find looks a code point up in a table of strings.
func find(keys, ends, data string, r rune) (string, bool) {
	i := search(keys, 3, uint64(r))
	if i < 0 {
		return "", false
	}
	start := 0
	if i > 0 {
		start = int(ends[2*i-2]) | int(ends[2*i-1])<<8
	}
	return data[start : int(ends[2*i])|int(ends[2*i+1])<<8], true
}

// search finds a key of width bytes, big-endian, in sorted keys; without it, -1.
func search(keys string, width int, key uint64) int {
	lo, hi := 0, len(keys)/width
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if bigEndian(keys[mid*width:mid*width+width]) < key {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(keys)/width && bigEndian(keys[lo*width:lo*width+width]) == key {
		return lo
	}
	return -1
}

func bigEndian(s string) (v uint64) {
	for i := range len(s) {
		v = v<<8 | uint64(s[i])
	}
	return v
}

// ScriptRanges gives the ranges of a script that regular expressions may name, the two
// ends of each in three bytes, big-endian; ok is false for a script that is not kept.
func ScriptRanges(name string) (ranges string, ok bool) {
	switch name {
	case "Han":
		return scriptHan, true
	case "Hiragana":
		return scriptHiragana, true
	case "Katakana":
		return scriptKatakana, true
	case "Hangul":
		return scriptHangul, true
	case "Latin":
		return scriptLatin, true
	case "Cyrillic":
		return scriptCyrillic, true
	case "Greek":
		return scriptGreek, true
	case "Thai":
		return scriptThai, true
	case "Arabic":
		return scriptArabic, true
	case "Hebrew":
		return scriptHebrew, true
	case "Devanagari":
		return scriptDevanagari, true
	}
	return "", false
}

// In reports whether a code point lies in ranges of [ScriptRanges].
func In(ranges string, r rune) bool {
	lo, hi := 0, len(ranges)/6
	for lo < hi {
		mid := int(uint(lo+hi) >> 1)
		if bigEndian(ranges[mid*6+3:mid*6+6]) < uint64(r) {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	return lo < len(ranges)/6 && bigEndian(ranges[lo*6:lo*6+3]) <= uint64(r)
}
