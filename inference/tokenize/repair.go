package tokenize

import "unicode/utf8"

// repair appends text to dst with each part that is not UTF-8 replaced by U+FFFD, the way
// Python's bytes.decode(errors="replace") and Rust's from_utf8_lossy do: one for each
// longest part that could have begun a character.
func repair(dst []byte, text string) []byte {
	if utf8.ValidString(text) {
		return append(dst, text...)
	}
	for i := 0; i < len(text); {
		if text[i] < utf8.RuneSelf {
			dst = append(dst, text[i])
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		if r == utf8.RuneError && size == 1 {
			dst = append(dst, "\uFFFD"...)
			i += malformed(text[i:])
			continue
		}
		dst = append(dst, text[i:i+size]...)
		i += size
	}
	return dst
}

// malformed is the length of the part at the start of s, which begins with no character,
// that one U+FFFD stands for.
func malformed(s string) int {
	need, low, high := lead(s[0])
	n := 1
	for ; n < need && n < len(s) && low <= s[n] && s[n] <= high; n++ {
		low, high = 0x80, 0xBF
	}
	return n
}

// lead is the length of the character that a byte begins, and what may follow it.
func lead(b byte) (need int, low, high byte) {
	switch {
	case 0xC2 <= b && b <= 0xDF:
		return 2, 0x80, 0xBF
	case b == 0xE0:
		return 3, 0xA0, 0xBF
	case b == 0xED:
		return 3, 0x80, 0x9F
	case 0xE1 <= b && b <= 0xEF:
		return 3, 0x80, 0xBF
	case b == 0xF0:
		return 4, 0x90, 0xBF
	case 0xF1 <= b && b <= 0xF3:
		return 4, 0x80, 0xBF
	case b == 0xF4:
		return 4, 0x80, 0x8F
	}
	return 1, 0x80, 0xBF
}

// unfinished is the length of the part at the end of b that may still become a character.
func unfinished(b []byte) int {
	for n := 1; n <= 3 && n <= len(b); n++ {
		tail := b[len(b)-n:]
		if utf8.RuneStart(tail[0]) {
			if need, _, _ := lead(tail[0]); tail[0] >= utf8.RuneSelf && need > n && malformed(string(tail)) == n {
				return n
			}
			return 0
		}
	}
	return 0
}
