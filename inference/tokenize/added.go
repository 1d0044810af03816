package tokenize

import (
	"errors"
	"strconv"
	"unicode/utf8"

	"assay/inference/tokenize/internal/ucd"
)

// added is a token that is found in the text before words are cut.
type added struct {
	content    string
	singleWord bool // only where no word character touches it
	lstrip     bool // takes the white space before it along
	rstrip     bool // and that behind it
	normalised bool // is looked for in the normalised text
	special    bool
}

// addedTokens are all of a tokeniser's added tokens.
type addedTokens struct {
	byID    map[uint32]added
	ids     map[string]uint32
	special map[string]bool
	shown   map[uint32]string // what normalised tokens are decoded to, where it differs
	raw     finder            // those looked for in the text as it comes
	normal  finder            // those looked for in the normalised text
}

// finder finds the leftmost and longest of a set of texts.
type finder struct {
	trie  *trie
	first [256]bool
}

func (f *finder) add(text string, id uint32) (problem string) {
	if f.trie == nil {
		f.trie = newTrie()
	}
	switch {
	case text == "":
		return "an added token of which nothing is left"
	case f.trie.getString(text) >= 0:
		return "two added tokens are looked for as " + strconv.Quote(text)
	case !f.trie.add(text, int32(id)):
		return "more added tokens than fit"
	}
	f.first[text[0]] = true
	return ""
}

// next is the first text at or behind a place; start is -1 without one.
func (f *finder) next(text []byte, at int) (start, end int, id uint32) {
	for ; at < len(text); at++ {
		if !f.first[text[at]] {
			continue
		}
		if found, n := f.trie.longest(0, text[at:]); n > 0 {
			return at, at + n, uint32(found)
		}
	}
	return -1, -1, 0
}

// build gives the tokens of a list ids and makes the finders. Tokens that the model knows
// keep its ids, others follow its vocabulary.
func (a *addedTokens) build(list []added, v *vocabulary, n normaliser) (problem string) {
	a.byID, a.ids = map[uint32]added{}, map[string]uint32{}
	a.special, a.shown = map[string]bool{}, map[uint32]string{}
	next := uint32(v.count)
	for _, t := range list {
		if t.content == "" {
			continue
		}
		id, ok := a.ids[t.content]
		if ok && a.byID[id] == t {
			continue
		}
		if known := v.id(t.content); !ok && known >= 0 {
			id, ok = uint32(known), true
		}
		if !ok {
			id = next
			next++
		}
		if t.normalised && n != nil {
			if s := normalised(n, t.content); s != t.content {
				a.shown[id] = s
			}
		}
		a.ids[t.content], a.byID[id] = id, t
		if t.special {
			a.special[t.content] = true
		}
	}
	return a.find(list)
}

func (a *addedTokens) find(list []added) (problem string) {
	done := map[uint32]bool{}
	for _, t := range list {
		id, ok := a.ids[t.content]
		if !ok || done[id] {
			continue
		}
		done[id] = true
		t = a.byID[id]
		f, text := &a.raw, t.content
		if t.normalised {
			f = &a.normal
			if s, ok := a.shown[id]; ok {
				text = s
			}
		}
		if problem := f.add(text, id); problem != "" {
			return problem
		}
	}
	return ""
}

func normalised(n normaliser, text string) string {
	var w work
	w.begin(text)
	n.normalise(&w)
	return string(w.text)
}

// extract cuts added tokens out of the pieces of text.
func (a *addedTokens) extract(w *work, f *finder) {
	w.cut = w.cut[:0]
	for _, p := range w.pieces {
		switch {
		case p.id >= 0:
			w.cut = append(w.cut, p)
		case f.trie == nil: // taken anew, because what it begins with may be gone
			w.add(p, 0, p.hi-p.lo, -1)
		default:
			a.extractFrom(w, p, f)
		}
	}
	w.pieces, w.cut = w.cut, w.pieces
}

// errOverlap is where the reference panics.
var errOverlap = errors.New("an added token among the spaces that another one takes along")

func (a *addedTokens) extractFrom(w *work, p piece, f *finder) {
	text := w.text[p.lo:p.hi]
	from := 0
	for at := 0; ; {
		start, end, id := f.next(text, at)
		if start < 0 {
			break
		}
		at = end
		t := a.byID[id]
		if t.singleWord && (wordBefore(text[:start]) || wordAfter(text[end:])) {
			continue
		}
		if t.lstrip {
			start = max(start-sizeOfSpacesAtEnd(text[:start]), from)
		}
		if t.rstrip {
			end += sizeOfSpacesAtStart(text[end:])
		}
		if start > end { // inside the spaces that the one before took along
			w.err = errOverlap
			return
		}
		w.add(p, from, start, -1)
		w.add(p, start, end, int32(id))
		from = end
	}
	w.add(p, from, len(text), -1)
}

func wordBefore(b []byte) bool {
	r, n := utf8.DecodeLastRune(b)
	return n > 0 && ucd.Is(r, ucd.Word)
}

func wordAfter(b []byte) bool {
	r, n := utf8.DecodeRune(b)
	return n > 0 && ucd.Is(r, ucd.Word)
}

func sizeOfSpacesAtStart(b []byte) (size int) {
	for size < len(b) {
		r, n := utf8.DecodeRune(b[size:])
		if !ucd.Is(r, ucd.Space) {
			break
		}
		size += n
	}
	return size
}

func sizeOfSpacesAtEnd(b []byte) (size int) {
	for size < len(b) {
		r, n := utf8.DecodeLastRune(b[:len(b)-size])
		if !ucd.Is(r, ucd.Space) {
			break
		}
		size += n
	}
	return size
}
