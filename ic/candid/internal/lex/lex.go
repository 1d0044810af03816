// Package lex cuts Candid text, .did files and values alike, into tokens. The parsers of
// ic/candid/did and ic/candid/text call it.
package lex

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// Kind is the kind of a token.
type Kind uint8

// The kinds of tokens.
const (
	EOF    Kind = iota
	Word        // identifier or keyword; Text is itself
	Number      // Text is as written, without a sign
	String      // Text is the bytes it stands for
	Punct       // one of { } ( ) [ ] ; , : = . + - and ->
)

// Token is one token with its place.
type Token struct {
	Kind         Kind
	Text         string
	Line, Column int // from 1; the column counts bytes
}

// String describes a token for an error message.
func (t Token) String() string {
	switch t.Kind {
	case EOF:
		return "the end"
	case String:
		return fmt.Sprintf("%.40q", t.Text)
	}
	return fmt.Sprintf("%.40s", t.Text)
}

// Is reports whether t is this word or punctuation.
func (t Token) Is(text string) bool { return (t.Kind == Word || t.Kind == Punct) && t.Text == text }

// Error is a mistake in the text with its place.
type Error struct {
	Line, Column int
	Text         string
}

func (e *Error) Error() string { return fmt.Sprintf("line %d:%d: %s", e.Line, e.Column, e.Text) }

// Errorf is an error at token t.
func (t Token) Errorf(format string, args ...any) error {
	return &Error{t.Line, t.Column, fmt.Sprintf(format, args...)}
}

// Tokens cuts the whole text. The last token is EOF.
func Tokens(text string) ([]Token, error) {
	l := &lexer{text: text, line: 1}
	var tokens []Token
	for {
		t, err := l.token()
		if err != nil {
			return nil, err
		}
		tokens = append(tokens, t)
		if t.Kind == EOF {
			return tokens, nil
		}
	}
}

type lexer struct {
	text            string
	pos             int
	line, lineStart int
}

func (l *lexer) here(kind Kind) Token {
	return Token{Kind: kind, Line: l.line, Column: l.pos - l.lineStart + 1}
}

func (l *lexer) peek(i int) byte {
	if l.pos+i < len(l.text) {
		return l.text[l.pos+i]
	}
	return 0
}

func (l *lexer) newline() { l.line, l.lineStart = l.line+1, l.pos+1 }

// space passes over white space and comments, of which /* */ nest.
func (l *lexer) space() error {
	for l.pos < len(l.text) {
		switch c := l.text[l.pos]; {
		case c == '\n':
			l.newline()
			l.pos++
		case c == ' ' || c == '\t' || c == '\r':
			l.pos++
		case c == '/' && l.peek(1) == '/':
			for l.pos < len(l.text) && l.text[l.pos] != '\n' {
				l.pos++
			}
		case c == '/' && l.peek(1) == '*':
			if err := l.comment(); err != nil {
				return err
			}
		default:
			return nil
		}
	}
	return nil
}

func (l *lexer) comment() error {
	start := l.here(Punct)
	for depth := 0; l.pos < len(l.text); l.pos++ {
		switch {
		case l.peek(0) == '/' && l.peek(1) == '*':
			depth++
			l.pos++
		case l.peek(0) == '*' && l.peek(1) == '/':
			depth--
			l.pos++
			if depth == 0 {
				l.pos++
				return nil
			}
		case l.peek(0) == '\n':
			l.newline()
		}
	}
	return start.Errorf("comment without end")
}

func (l *lexer) token() (Token, error) {
	if err := l.space(); err != nil {
		return Token{}, err
	}
	t := l.here(EOF)
	if l.pos >= len(l.text) {
		return t, nil
	}
	switch c := l.text[l.pos]; {
	case letter(c):
		t.Kind, t.Text = Word, l.run(func(c byte) bool { return letter(c) || digit(c) })
	case digit(c):
		t.Kind, t.Text = Number, l.number()
	case c == '"':
		t.Kind = String
		s, err := l.quoted()
		t.Text = s
		return t, err
	case c == '-' && l.peek(1) == '>':
		t.Kind, t.Text = Punct, "->"
		l.pos += 2
	case strings.IndexByte("{}()[];,:=.+-", c) >= 0:
		t.Kind, t.Text = Punct, string(c)
		l.pos++
	default:
		r, _ := utf8.DecodeRuneInString(l.text[l.pos:])
		return t, t.Errorf("unexpected character %q", r)
	}
	return t, nil
}

func letter(c byte) bool { return c == '_' || c|0x20 >= 'a' && c|0x20 <= 'z' }
func digit(c byte) bool  { return c >= '0' && c <= '9' }
func hexDigit(c byte) bool {
	return digit(c) || c|0x20 >= 'a' && c|0x20 <= 'f'
}

func (l *lexer) run(in func(byte) bool) string {
	start := l.pos
	for l.pos < len(l.text) && in(l.text[l.pos]) {
		l.pos++
	}
	return l.text[start:l.pos]
}

// number takes digits with `_`, after 0x hexadecimal ones, a fraction and an exponent.
func (l *lexer) number() string {
	start := l.pos
	if l.peek(0) == '0' && l.peek(1)|0x20 == 'x' {
		l.pos += 2
		l.run(func(c byte) bool { return hexDigit(c) || c == '_' })
		return l.text[start:l.pos]
	}
	decimal := func(c byte) bool { return digit(c) || c == '_' }
	l.run(decimal)
	if l.peek(0) == '.' {
		l.pos++
		l.run(decimal)
	}
	if l.peek(0)|0x20 == 'e' {
		l.pos++
		if c := l.peek(0); c == '+' || c == '-' {
			l.pos++
		}
		l.run(decimal)
	}
	return l.text[start:l.pos]
}

// quoted takes a string literal; \hh stands for a byte, so the result may be no UTF-8.
func (l *lexer) quoted() (string, error) {
	start := l.here(String)
	l.pos++
	var out strings.Builder
	for l.pos < len(l.text) {
		c := l.text[l.pos]
		switch c {
		case '"':
			l.pos++
			return out.String(), nil
		case '\n':
			return "", start.Errorf("string without end")
		case '\\':
			if err := l.escape(&out); err != nil {
				return "", err
			}
		default:
			out.WriteByte(c)
			l.pos++
		}
	}
	return "", start.Errorf("string without end")
}

func (l *lexer) escape(out *strings.Builder) error {
	at := l.here(String)
	c := l.peek(1)
	if i := strings.IndexByte(`nrt\"'`, c); i >= 0 && c != 0 {
		out.WriteByte("\n\r\t\\\"'"[i])
		l.pos += 2
		return nil
	}
	if hexDigit(c) && hexDigit(l.peek(2)) {
		out.WriteByte(nibble(c)<<4 | nibble(l.peek(2)))
		l.pos += 3
		return nil
	}
	if c != 'u' || l.peek(2) != '{' {
		return at.Errorf("unknown escape in string")
	}
	l.pos += 3
	var r rune
	digits := l.run(func(c byte) bool { return hexDigit(c) || c == '_' })
	for i := range len(digits) {
		if digits[i] == '_' {
			continue
		}
		r = r<<4 | rune(nibble(digits[i]))
		if r > utf8.MaxRune {
			return at.Errorf("no such character")
		}
	}
	if digits == "" || l.peek(0) != '}' || !utf8.ValidRune(r) {
		return at.Errorf("no such character")
	}
	l.pos++
	out.WriteRune(r)
	return nil
}

func nibble(c byte) byte {
	if digit(c) {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
