package tokenize

import (
	"strings"
	"unicode/utf8"

	"assay/inference/tokenize/internal/pattern"
)

// cleanUp takes out the spaces that cutting put before marks and shortened words.
func cleanUp(s string) string {
	for _, pair := range [...][2]string{
		{" .", "."},
		{" ?", "?"},
		{" !", "!"},
		{" ,", ","},
		{" ' ", "'"},
		{" n't", "n't"},
		{" 'm", "'m"},
		{" do not", " don't"},
		{" 's", "'s"},
		{" 've", "'ve"},
		{" 're", "'re"},
	} {
		s = strings.ReplaceAll(s, pair[0], pair[1])
	}
	return s
}

// wordPieceDecoder joins tokens inside a word and puts spaces between words.
func wordPieceDecoder(prefix string, cleanup bool) each {
	return func(token string, first bool) string {
		if !first {
			if rest, ok := strings.CutPrefix(token, prefix); ok {
				token = rest
			} else {
				token = " " + token
			}
		}
		if cleanup {
			token = cleanUp(token)
		}
		return token
	}
}

// metaspaceDecoder turns marks into spaces, but those of the first token into nothing.
func metaspaceDecoder(mark string, s scheme) each {
	return func(token string, first bool) string {
		if first && s != never {
			return strings.ReplaceAll(token, mark, "")
		}
		return strings.ReplaceAll(token, mark, " ")
	}
}

// expressionDecoder replaces what a regular expression matches in a token. On a token that the pattern
// takes too many steps on, it changes nothing.
func expressionDecoder(p *pattern.Pattern, to string) each {
	return func(token string, _ bool) string {
		var (
			f    pattern.Finder
			out  []byte
			from int
		)
		err := f.Find(p, []byte(token), func(lo, hi int) {
			out = append(append(out, token[from:lo]...), to...)
			from = hi
		})
		if err != nil {
			return token
		}
		return string(append(out, token[from:]...))
	}
}

// fuse makes one token of all.
type fuse struct{}

type fuseSink struct{ next sink }

func (fuse) sink(next sink) sink { return fuseSink{next} }

func (f fuseSink) part(s string, _ bool) { f.next.part(s, false) }

func (f fuseSink) close() {
	f.next.part("", true)
	f.next.close()
}

// bytesDecoder turns the characters that stand for bytes back, and makes one token of all.
type bytesDecoder struct{}

type bytesSink struct {
	next  sink
	token []byte // the token's parts so far
	bytes []byte // the end of a character may still come
}

func (bytesDecoder) sink(next sink) sink { return &bytesSink{next: next} }

func (b *bytesSink) part(s string, last bool) {
	b.token = append(b.token, s...)
	if !last {
		return
	}
	b.bytes = appendBytes(b.bytes, string(b.token))
	b.token = b.token[:0]
	keep := unfinished(b.bytes)
	b.flush(len(b.bytes) - keep)
}

func (b *bytesSink) flush(n int) {
	if n > 0 {
		b.next.part(string(repair(nil, string(b.bytes[:n]))), false)
		b.bytes = append(b.bytes[:0], b.bytes[n:]...)
	}
}

func (b *bytesSink) close() {
	b.flush(len(b.bytes))
	b.next.part("", true)
	b.next.close()
}

// appendBytes appends the bytes that a token stands for, or the token itself if one of its
// characters stands for none.
func appendBytes(dst []byte, token string) []byte {
	before := len(dst)
	for _, r := range token {
		b, ok := byteOfChar(r)
		if !ok {
			return append(dst[:before], token...)
		}
		dst = append(dst, b)
	}
	return dst
}

// byteFallback turns runs of byte tokens back into characters. A run that is no UTF-8 is
// shown as one U+FFFD for each byte, so it is held back until its end.
type byteFallback struct{}

type fallbackSink struct {
	next  sink
	parts []byte
	run   []byte
}

func (byteFallback) sink(next sink) sink { return &fallbackSink{next: next} }

func (f *fallbackSink) part(s string, last bool) {
	if !last || len(f.parts) > 0 {
		f.parts = append(f.parts, s...)
		if !last {
			return
		}
		s = string(f.parts)
		f.parts = f.parts[:0]
	}
	if b, ok := byteOfToken(s); ok {
		f.run = append(f.run, b)
		return
	}
	f.flush()
	f.next.part(s, true)
}

func (f *fallbackSink) flush() {
	switch {
	case len(f.run) == 0:
		return
	case utf8.Valid(f.run):
		f.next.part(string(f.run), true)
	default:
		for range f.run {
			f.next.part("\uFFFD", true)
		}
	}
	f.run = f.run[:0]
}

func (f *fallbackSink) close() {
	f.flush()
	f.next.close()
}

// byteOfToken reads <0x0A>, with hexadecimal digits of either case and, as the reference's
// parser of numbers has it, with a plus sign in the place of the first digit.
func byteOfToken(s string) (byte, bool) {
	if len(s) != 6 || s[:3] != "<0x" || s[5] != '>' {
		return 0, false
	}
	high, ok := hexDigit(s[3])
	if s[3] == '+' {
		high, ok = 0, true
	}
	low, ok2 := hexDigit(s[4])
	return high<<4 | low, ok && ok2
}

func hexDigit(c byte) (byte, bool) {
	switch {
	case '0' <= c && c <= '9':
		return c - '0', true
	case 'a' <= c|0x20 && c|0x20 <= 'f':
		return c | 0x20 - 'a' + 10, true
	}
	return 0, false
}

// suffixDecoder turns the mark at the end of a word into a space, or at the end of all
// into nothing, so it holds each token back until the next one comes.
type suffixDecoder string

type suffixSink struct {
	suffix string
	next   sink
	parts  []byte
	held   string
	holds  bool
}

func (s suffixDecoder) sink(next sink) sink { return &suffixSink{suffix: string(s), next: next} }

func (s *suffixSink) part(p string, last bool) {
	s.parts = append(s.parts, p...)
	if !last {
		return
	}
	s.flush(" ")
	s.held, s.holds = string(s.parts), true
	s.parts = s.parts[:0]
}

func (s *suffixSink) flush(with string) {
	if s.holds {
		s.next.part(strings.ReplaceAll(s.held, s.suffix, with), true)
	}
}

func (s *suffixSink) close() {
	s.flush("")
	s.next.close()
}

// ctc leaves out tokens that repeat and the one for padding.
type ctc struct {
	pad, delimiter string
	cleanup        bool
}

type ctcSink struct {
	ctc
	next  sink
	parts []byte
	last  string
	later bool
}

func (c ctc) sink(next sink) sink { return &ctcSink{ctc: c, next: next} }

func (c *ctcSink) part(s string, last bool) {
	c.parts = append(c.parts, s...)
	if !last {
		return
	}
	token := string(c.parts)
	c.parts = c.parts[:0]
	if c.later && token == c.last {
		return
	}
	c.last, c.later = token, true
	token = strings.ReplaceAll(token, c.pad, "")
	if c.cleanup {
		token = strings.ReplaceAll(cleanUp(token), c.delimiter, " ")
	}
	if token != "" {
		c.next.part(token, true)
	}
}

func (c *ctcSink) close() { c.next.close() }
