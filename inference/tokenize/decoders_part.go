package tokenize

import (
	"strings"
	"unicode/utf8"
)

// stripDecoder takes a character off the ends of a token, up to so many times.
type stripDecoder struct {
	content     rune
	start, stop int
}

type stripSink struct {
	stripDecoder
	next sink
	off  int  // taken off this token's start
	mid  bool // the start is over
	held int  // characters at the end that may have to go
}

func (d stripDecoder) sink(next sink) sink { return &stripSink{stripDecoder: d, next: next} }

func (d *stripSink) part(s string, last bool) {
	for !d.mid && s != "" {
		r, n := utf8.DecodeRuneInString(s)
		if d.mid = r != d.content || d.off == d.start; !d.mid {
			d.off++
			s = s[n:]
		}
	}
	if s != "" {
		d.end(s)
	}
	if last {
		if keep := d.held - d.stop; keep > 0 {
			d.next.part(strings.Repeat(string(d.content), keep), false)
		}
		d.next.part("", true)
		d.off, d.mid, d.held = 0, false, 0
	}
}

// end holds back the characters at the end of a part that the token may end with.
func (d *stripSink) end(s string) {
	rest := strings.TrimRight(s, string(d.content))
	count := utf8.RuneCountInString(s[len(rest):])
	if d.stop == 0 {
		rest, count = s, 0
	}
	if rest != "" {
		d.next.part(strings.Repeat(string(d.content), d.held)+rest, false)
		d.held = 0
	}
	d.held += count
}

func (d *stripSink) close() { d.next.close() }

// textDecoder puts one text in the place of another, token by token.
type textDecoder struct{ from, to string }

type textSink struct {
	textDecoder
	next sink
	held string // may be the beginning of a match
}

func (d textDecoder) sink(next sink) sink { return &textSink{textDecoder: d, next: next} }

func (d *textSink) part(s string, last bool) {
	s, d.held = d.held+s, ""
	if last {
		d.next.part(strings.ReplaceAll(s, d.from, d.to), true)
		return
	}
	var out strings.Builder
	for {
		before, after, found := strings.Cut(s, d.from)
		if !found {
			break
		}
		out.WriteString(before)
		out.WriteString(d.to)
		s = after
	}
	keep := 0
	for n := min(len(d.from)-1, len(s)); n > 0 && keep == 0; n-- {
		if strings.HasSuffix(s, d.from[:n]) {
			keep = n
		}
	}
	out.WriteString(s[:len(s)-keep])
	d.held = s[len(s)-keep:]
	d.next.part(out.String(), false)
}

func (d *textSink) close() { d.next.close() }
