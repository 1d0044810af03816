// Package pattern finds regular expressions as tokenizer.json uses them: the syntax and
// the meaning of Oniguruma in its Ruby form, with looks ahead and behind, atomic groups and
// the properties of characters, over the frozen tables of package ucd. Go's own package
// regexp has no looks and takes its tables from the toolchain.
//
// A pattern that this package cannot run gives an [*Error] when it is compiled. Matching
// backtracks as the reference does, within a number of steps that the text's length bounds.
package pattern

import (
	"strconv"
	"unicode/utf8"
)

// Error says why a pattern is not run.
type Error struct {
	Pattern string
	Offset  int
	Problem string
}

func (e *Error) Error() string {
	return "pattern " + strconv.Quote(e.Pattern) + " at " + strconv.Itoa(e.Offset) + ": " + e.Problem
}

// StepsError says that a search was given up: the pattern backtracks too much on the text.
type StepsError struct{ Pattern string }

func (e *StepsError) Error() string {
	return "pattern " + strconv.Quote(e.Pattern) + " takes too many steps on this text"
}

// Pattern is a compiled regular expression. It never changes.
type Pattern struct {
	source string
	code   []instruction
	first  starts
	empty  bool // may match without taking a character
}

// Compile reads a regular expression.
func Compile(source string) (*Pattern, error) {
	p := &parser{s: source}
	if len(source) > maxBytes || !utf8.ValidString(source) {
		return nil, p.fail("not UTF-8, or too long")
	}
	root, err := p.either()
	if err != nil {
		return nil, err
	}
	if p.more() {
		return nil, p.fail("a closing parenthesis without group")
	}
	return build(p, root)
}

// Literal is a pattern that matches a text as it stands.
func Literal(text string) *Pattern {
	p, err := build(&parser{s: text}, &node{kind: isText, text: text})
	if err != nil {
		panic(err) // one instruction is never too long
	}
	return p
}

// Empty reports whether the pattern can match without taking a character.
func (p *Pattern) Empty() bool { return p.empty }

// Source is the pattern as it was written.
func (p *Pattern) Source() string { return p.source }

// Finder searches texts. It keeps memory between searches and is for one goroutine.
type Finder struct {
	stack []state
	steps int
}

// Find calls found for each match in text, from left to right, as the reference finds
// them: none overlaps another, and an empty one does not touch the one before.
func (f *Finder) Find(p *Pattern, text []byte, found func(start, end int)) error {
	f.steps = 4096 + 256*len(text)
	at, last := 0, -1
	for at <= len(text) {
		start, end := f.next(p, text, at)
		if f.steps < 0 {
			return &StepsError{p.source}
		}
		if start < 0 {
			return nil
		}
		if start == end && last == end {
			if at >= len(text) {
				return nil
			}
			_, size := utf8.DecodeRune(text[at:])
			at += size
			continue
		}
		found(start, end)
		at, last = end, end
	}
	return nil
}

// next is the leftmost match that begins at or behind a place; start is -1 without one.
func (f *Finder) next(p *Pattern, text []byte, at int) (start, end int) {
	for f.steps >= 0 {
		if !p.empty {
			for at < len(text) && !p.first.may(text[at]) {
				at++
			}
		}
		if end, ok := f.run(p, 0, text, at); ok {
			return at, end
		}
		if at >= len(text) {
			break
		}
		_, size := utf8.DecodeRune(text[at:])
		at += size
	}
	return -1, -1
}
