package tokenize

import "unicode/utf8"

// What becomes of a code point before words are cut.
const (
	keep      = iota
	drop      // controls, formats, unassigned
	space     // ends a word
	ideograph // a word of its own
	mark      // an accent: left out
	barrier   // left out too, but canonical order moves nothing across it
)

// combiningRanks is the number of ranks in the table of that name.
const combiningRanks = 7

// Hangul syllables are folded by arithmetic.
const (
	hangulFirst  = 0xAC00
	hangulLast   = 0xD7A3
	hangulLead   = 0x1100
	hangulVowel  = 0x1161
	hangulTail   = 0x11A7
	hangulVowels = 21
	hangulTails  = 28
)

// span is a range of code points, both ends included, that share a value.
type span struct {
	first, last rune
	value       uint8
}

// foldTo is a code point and what replaces it.
type foldTo struct {
	from rune
	to   string
}

func class(r rune) uint8 { return lookup(classes[:], r) }

func combiningRank(r rune) uint8 {
	if r < combining[0].first {
		return 0
	}
	return lookup(combining[:], r)
}

func isPunctuation(r rune) bool {
	if r < utf8.RuneSelf {
		return r > ' ' && r != 0x7f && !('0' <= r && r <= '9') && !('a' <= r && r <= 'z') && !('A' <= r && r <= 'Z')
	}
	return lookup(punctuation[:], r) != 0
}

// lookup finds the value of r's range, zero outside all of them.
func lookup(table []span, r rune) uint8 {
	lo, hi := 0, len(table)
	for lo < hi {
		if mid := int(uint(lo+hi) >> 1); table[mid].last < r {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(table) && table[lo].first <= r {
		return table[lo].value
	}
	return 0
}

func foldOf(r rune) (string, bool) {
	lo, hi := 0, len(folds)
	for lo < hi {
		if mid := int(uint(lo+hi) >> 1); folds[mid].from < r {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(folds) && folds[lo].from == r {
		return folds[lo].to, true
	}
	return "", false
}
