package tokenize

import (
	"strings"
	"unicode/utf8"

	"assay/inference/tokenize/internal/ucd"
)

// precompiled is SentencePiece's character map: a double array over bytes whose values
// point into a string of replacements, each ended by a zero.
type precompiled struct {
	trie []byte // units of four bytes, little-endian
	to   string
	same [utf8.RuneSelf]bool // ASCII that stays as it is, where more of it follows
}

func decodePrecompiled(text string) (*precompiled, string) {
	b, ok := base64(text)
	if !ok {
		return nil, "not base64"
	}
	return newPrecompiled(b)
}

// base64 decodes the standard alphabet with its padding.
func base64(text string) ([]byte, bool) {
	const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
	digits := strings.TrimRight(text, "=")
	if len(text)%4 != 0 || len(text)-len(digits) > 2 {
		return nil, false
	}
	var values [256]byte
	for i := range len(alphabet) {
		values[alphabet[i]] = byte(i) + 1
	}
	out := make([]byte, 0, len(digits)*3/4)
	bits, have := uint32(0), 0
	for i := range len(digits) {
		v := values[digits[i]]
		if v == 0 {
			return nil, false
		}
		bits, have = bits<<6|uint32(v-1), have+6
		if have >= 8 {
			have -= 8
			out = append(out, byte(bits>>have))
		}
	}
	return out, bits&(1<<have-1) == 0
}

func newPrecompiled(b []byte) (p *precompiled, problem string) {
	if len(b) < 4 {
		return nil, "shorter than its header"
	}
	size := uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24
	b = b[4:]
	if size %= 1 << 31; int64(size) > int64(len(b)) || size < 4 || size%4 != 0 {
		return nil, "a trie that is larger than the map"
	}
	if !utf8.Valid(b[size:]) {
		return nil, "replacements that are not UTF-8"
	}
	p = &precompiled{trie: b[:size], to: string(b[size:])}
	for b := range byte(utf8.RuneSelf) {
		_, changes := p.find([]byte{b})
		p.same[b] = !changes && b != '\r'
	}
	return p, ""
}

// plain is where a run of characters ends that stay as they are, each a grapheme.
func (p *precompiled) plain(text []byte, at int) int {
	for at+1 < len(text) && text[at] < utf8.RuneSelf && p.same[text[at]] && text[at+1] < utf8.RuneSelf {
		at++
	}
	return at
}

func (p *precompiled) unit(i uint32) (uint32, bool) {
	if uint64(i)*4+4 > uint64(len(p.trie)) {
		return 0, false
	}
	b := p.trie[i*4:]
	return uint32(b[0]) | uint32(b[1])<<8 | uint32(b[2])<<16 | uint32(b[3])<<24, true
}

func leadsTo(unit uint32) uint32 { return unit >> 10 << (unit & (1 << 9) >> 6) }

// find is what replaces a chunk: the entry of the shortest prefix that has one.
func (p *precompiled) find(chunk []byte) (to string, ok bool) {
	to, n := p.prefix(chunk, false)
	return to, n > 0
}

// prefix is the entry of the shortest or the longest prefix that has one, and its length.
func (p *precompiled) prefix(chunk []byte, longest bool) (to string, n int) {
	root, _ := p.unit(0)
	at := leadsTo(root)
	for i, b := range chunk {
		at ^= uint32(b)
		unit, ok := p.unit(at)
		if !ok || b == 0 || unit&(1<<31|0xFF) != uint32(b) {
			break
		}
		at ^= leadsTo(unit)
		if unit>>8&1 == 0 {
			continue
		}
		s, ok := p.entry(at)
		if !ok {
			break
		}
		if to, n = s, i+1; !longest {
			break
		}
	}
	return to, n
}

// entry is the replacement that a unit points to.
func (p *precompiled) entry(unit uint32) (string, bool) {
	value, ok := p.unit(unit)
	if value &= 1<<31 - 1; !ok || int64(value) > int64(len(p.to)) {
		return "", false
	}
	end := int(value)
	for end < len(p.to) && p.to[end] != 0 {
		end++
	}
	return p.to[value:end], true
}

func (p *precompiled) normalise(w *work) {
	w.rewrite(func(e *edit) {
		h := held{e: e}
		for i := 0; i < len(e.src); {
			if last := p.plain(e.src, i) - 1; last > i {
				if h.flush(); e.at == i {
					e.copy(last)
					i = last
				}
			}
			n := 1
			if i+1 < len(e.src) && (e.src[i+1] >= utf8.RuneSelf || e.src[i] >= utf8.RuneSelf || e.src[i] == '\r') {
				n = ucd.Grapheme(e.src[i:])
			}
			p.grapheme(&h, e.src[i:i+n])
			i += n
		}
		h.flush()
	})
}

func (p *precompiled) grapheme(h *held, chunk []byte) {
	if len(chunk) < 6 {
		if to, ok := p.find(chunk); ok {
			h.exchange(chunk, to)
			return
		}
	}
	for i := 0; i < len(chunk); {
		r, size := utf8.DecodeRune(chunk[i:])
		if to, ok := p.find(chunk[i : i+size]); ok {
			h.exchange(chunk[i:i+size], to)
		} else {
			h.put(r, 0)
		}
		i += size
	}
}

// held keeps the last character back, because it takes along what is replaced by nothing.
type held struct {
	e     *edit
	r     rune
	delta int
	full  bool
}

func (h *held) flush() {
	if h.full {
		h.e.put(h.r, h.delta)
	}
	h.full = false
}

func (h *held) put(r rune, delta int) {
	h.flush()
	h.r, h.delta, h.full = r, delta, true
}

// exchange writes a text in the place of some characters: one for one, further ones put
// in, or the last one taking along those that are left over.
func (h *held) exchange(from []byte, to string) {
	old, now := utf8.RuneCount(from), utf8.RuneCountInString(to)
	i := 0
	for _, r := range to {
		i++
		delta := 0
		if i > old {
			delta = 1
		}
		h.put(r, delta)
	}
	if now < old {
		h.delta += now - old
	}
}
