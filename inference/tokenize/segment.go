package tokenize

import "unicode/utf8"

// segmenter cleans, folds and cuts a stretch of text into words, rune by rune, and
// keeps no more of it than the word at hand.
type segmenter struct {
	t    *Tokenizer
	ids  []uint32
	room int // tokens wanted besides [CLS] and [SEP], negative for all

	word   []byte
	runes  int                        // of the word, counted past what is kept
	moving [combiningRanks + 1][]rune // by rank: runes that wait for canonical order
	waits  bool                       // whether any rune waits
}

// full reports whether enough tokens were made.
func (s *segmenter) full() bool { return s.room >= 0 && len(s.ids) > s.room }

// segment appends the tokens of text that holds no special token.
func (s *segmenter) segment(text string) {
	for _, r := range text {
		if r < utf8.RuneSelf {
			s.ascii(byte(r))
		} else {
			s.wide(r)
		}
		if s.full() {
			return
		}
	}
	s.settle()
	s.end()
}

func (s *segmenter) ascii(b byte) {
	switch {
	case b == ' ' || b == '\t' || b == '\n' || b == '\r':
		s.space()
	case b < ' ' || b == 0x7f: // dropped
	default:
		if 'A' <= b && b <= 'Z' {
			b += 'a' - 'A'
		}
		s.settle()
		s.emit(rune(b))
	}
}

func (s *segmenter) wide(r rune) {
	switch class(r) {
	case drop, mark:
	case barrier:
		s.settle()
	case space:
		s.space()
	case ideograph:
		s.space()
		s.fold(r)
		s.space()
	case keep:
		s.fold(r)
	}
}

func (s *segmenter) space() {
	s.settle()
	s.end()
}

// fold takes a rune apart, without accents and in lower case.
func (s *segmenter) fold(r rune) {
	if hangulFirst <= r && r <= hangulLast {
		s.hangul(r - hangulFirst)
		return
	}
	to, ok := foldOf(r)
	if !ok {
		s.order(r)
		return
	}
	for _, r := range to {
		s.order(r)
	}
}

// hangul takes the n-th syllable apart into its two or three letters.
func (s *segmenter) hangul(n rune) {
	s.settle()
	s.emit(hangulLead + n/(hangulVowels*hangulTails))
	s.emit(hangulVowel + n%(hangulVowels*hangulTails)/hangulTails)
	if tail := n % hangulTails; tail != 0 {
		s.emit(hangulTail + tail)
	}
}

// order lets a rune wait if canonical order may move it, and emits it otherwise.
func (s *segmenter) order(r rune) {
	if rank := combiningRank(r); rank > 0 {
		s.moving[rank] = append(s.moving[rank], r)
		s.waits = true
		return
	}
	s.settle()
	s.emit(r)
}

// settle emits the waiting runes in their order.
func (s *segmenter) settle() {
	if !s.waits {
		return
	}
	s.waits = false
	for rank := range s.moving {
		for _, r := range s.moving[rank] {
			s.emit(r)
		}
		s.moving[rank] = s.moving[rank][:0]
	}
}

// emit adds a finished rune to the word, or makes it a word of its own.
func (s *segmenter) emit(r rune) {
	if isPunctuation(r) {
		s.end()
		s.ids = s.t.pieces(utf8.AppendRune(s.word[:0], r), s.ids)
		return
	}
	if s.runes++; s.runes <= maxWordRunes {
		s.word = utf8.AppendRune(s.word, r)
	}
}

// end turns the word at hand into tokens.
func (s *segmenter) end() {
	switch {
	case s.runes == 0:
		return
	case s.runes > maxWordRunes:
		s.ids = append(s.ids, s.t.unknown)
	default:
		s.ids = s.t.pieces(s.word, s.ids)
	}
	s.word, s.runes = s.word[:0], 0
}
