package pattern

import (
	"unicode/utf8"

	"assay/inference/tokenize/internal/ucd"
)

// state is a place to go back to.
type state struct {
	pc, at int
	next   int // of an opEither: the branch to try; of a repetition: the characters it has
	low    int // of a repetition: where its least end is
}

// run matches from an instruction on up to the next opMatch at its level, and gives the
// end of what it matched.
func (f *Finder) run(p *Pattern, pc int, text []byte, at int) (end int, ok bool) {
	base := len(f.stack)
	defer func() { f.stack = f.stack[:base] }()
	branch := 0
	for {
		if f.steps--; f.steps < 0 {
			return 0, false
		}
		in := &p.code[pc]
		fits := false
		switch in.op {
		case opMatch:
			return at, true
		case opText:
			if n := len(in.text); len(text)-at >= n && string(text[at:at+n]) == in.text {
				fits, at, pc = true, at+n, pc+1
			}
		case opSet:
			if n := step(in.set, text, at); n > 0 {
				fits, at, pc = true, at+n, pc+1
			}
		case opJump:
			fits, pc = true, in.x
		case opEither:
			fits, pc = f.choose(in, pc, branch, text, at)
			branch = 0
		case opMany:
			fits, at = f.most(in, pc, text, at)
			pc++
		case opFew:
			fits, at = f.least(in, pc, text, at, branch)
			branch, pc = 0, pc+1
		case opLook:
			fits, pc = f.look(p, in, pc, text, at) != in.negated, in.x
		case opAtomic:
			at, fits = f.run(p, pc+1, text, at)
			pc = in.x
		case opPlace:
			fits, pc = placed(in.place, text, at), pc+1
		}
		for !fits {
			if len(f.stack) == base || f.steps < 0 {
				return 0, false
			}
			fits, pc, at, branch = f.back(p, text)
		}
	}
}

// step is the size of the character at a place if the set has it, otherwise zero.
func step(s *set, text []byte, at int) int {
	if at >= len(text) {
		return 0
	}
	if b := text[at]; b < utf8.RuneSelf {
		return int(s.ascii[b>>6] >> (b & 63) & 1)
	}
	r, n := utf8.DecodeRune(text[at:])
	if !s.find(r) {
		return 0
	}
	return n
}

// choose goes to the first branch from a given one on that may begin here, and leaves a
// place to come back to for the others.
func (f *Finder) choose(in *instruction, pc, from int, text []byte, at int) (fits bool, to int) {
	for i := from; i < len(in.list); i++ {
		b := &in.list[i]
		if !b.empty && (at >= len(text) || !b.first.may(text[at])) {
			continue
		}
		if i+1 < len(in.list) {
			f.stack = append(f.stack, state{pc: pc, at: at, next: i + 1})
		}
		return true, b.to
	}
	return false, pc
}

// most takes as many characters as it can, and leaves a place for taking fewer.
func (f *Finder) most(in *instruction, pc int, text []byte, at int) (fits bool, end int) {
	count, low := 0, at
	for in.max < 0 || count < in.max {
		n := step(in.set, text, at)
		if n == 0 {
			break
		}
		at += n
		if count++; count == in.min {
			low = at
		}
	}
	f.steps -= count >> 3
	if count < in.min {
		return false, at
	}
	if at > low {
		f.stack = append(f.stack, state{pc: pc, at: at, low: low})
	}
	return true, at
}

// least takes the least number of characters, or have and one more.
func (f *Finder) least(in *instruction, pc int, text []byte, at, have int) (fits bool, end int) {
	count, want := have, in.min
	if have > 0 || want == 0 && have < 0 {
		count = max(have, 0)
		want = count + 1
	}
	if in.max >= 0 && want > in.max {
		return false, at
	}
	for ; count < want; count++ {
		n := step(in.set, text, at)
		if n == 0 {
			return false, at
		}
		at += n
	}
	f.stack = append(f.stack, state{pc: pc, at: at, next: count})
	return true, at
}

// back goes on from the last place that was left.
func (f *Finder) back(p *Pattern, text []byte) (fits bool, pc, at, branch int) {
	top := &f.stack[len(f.stack)-1]
	f.steps--
	switch p.code[top.pc].op {
	case opMany:
		_, n := utf8.DecodeLastRune(text[top.low:top.at])
		top.at -= n
		pc, at = top.pc+1, top.at
		if top.at <= top.low {
			f.stack = f.stack[:len(f.stack)-1]
		}
		return true, pc, at, 0
	case opFew:
		s := *top
		f.stack = f.stack[:len(f.stack)-1]
		if s.next == 0 {
			s.next = -1
		}
		return true, s.pc, s.at, s.next
	}
	s := *top
	f.stack = f.stack[:len(f.stack)-1]
	return true, s.pc, s.at, s.next
}

func (f *Finder) look(p *Pattern, in *instruction, pc int, text []byte, at int) bool {
	from := at
	if in.behind {
		for range in.width {
			_, n := utf8.DecodeLastRune(text[:from])
			if n == 0 {
				return false
			}
			from -= n
		}
	}
	_, ok := f.run(p, pc+1, text, from)
	return ok
}

func placed(place nodeKind, text []byte, at int) bool {
	switch place {
	case isTextStart:
		return at == 0
	case isTextEnd:
		return at == len(text)
	case isTextEndOrLine:
		return at == len(text) || at == len(text)-1 && text[at] == '\n'
	case isLineStart:
		return at == 0 || text[at-1] == '\n' && at < len(text)
	case isLineEnd:
		return at == len(text) || text[at] == '\n'
	}
	before, _ := utf8.DecodeLastRune(text[:at])
	after, _ := utf8.DecodeRune(text[at:])
	edge := (at > 0 && ucd.Is(before, ucd.ReWord)) != (at < len(text) && ucd.Is(after, ucd.ReWord))
	return edge == (place == isWordEdge)
}
