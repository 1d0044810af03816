package pattern

import "unicode/utf8"

const maxCode = 1 << 15

type op uint8

const (
	opMatch  op = iota
	opText      // characters
	opSet       // one character of a set
	opMany      // from min to max characters of a set, most first
	opFew       // the same, least first
	opJump      // to x
	opEither    // first of list that matches
	opLook      // match from the next instruction on, go on at x
	opAtomic    // the same, and behind what was matched
	opPlace     // an anchor
)

type instruction struct {
	op      op
	place   nodeKind
	negated bool
	behind  bool
	min     int
	max     int // negative without end
	x       int
	width   int // of a look behind, in characters
	set     *set
	text    string
	list    []branch
}

type branch struct {
	to    int
	first starts
	empty bool
}

// starts are the first bytes with which something may begin.
type starts struct {
	ascii [2]uint64
	wide  bool // any byte beyond ASCII
}

func (s *starts) may(b byte) bool {
	if b >= utf8.RuneSelf {
		return s.wide
	}
	return s.ascii[b>>6]>>(b&63)&1 != 0
}

func (s *starts) join(o starts) {
	s.ascii[0] |= o.ascii[0]
	s.ascii[1] |= o.ascii[1]
	s.wide = s.wide || o.wide
}

var anything = starts{ascii: [2]uint64{^uint64(0), ^uint64(0)}, wide: true}

// firsts are the bytes with which a node may begin; empty says that it may take none.
func firsts(n *node) (s starts, empty bool) {
	switch n.kind {
	case isText:
		if n.text == "" {
			return s, true
		}
		if b := n.text[0]; b < utf8.RuneSelf {
			s.ascii[b>>6] |= 1 << (b & 63)
		} else {
			s.wide = true
		}
		return s, false
	case isSet:
		return starts{n.set.ascii, true}, false
	case isRepeat, isAtomic:
		s, empty = firsts(n.list[0])
		return s, empty || n.kind == isRepeat && n.min == 0
	case isEither:
		for _, x := range n.list {
			f, e := firsts(x)
			s.join(f)
			empty = empty || e
		}
		return s, empty
	case isRow:
		for _, x := range n.list {
			f, e := firsts(x)
			s.join(f)
			if !e {
				return s, false
			}
		}
	}
	return s, true
}

type builder struct {
	p    *parser
	code []instruction
}

func build(p *parser, root *node) (*Pattern, error) {
	b := builder{p: p}
	if err := b.node(root); err != nil {
		return nil, err
	}
	b.put(instruction{op: opMatch})
	out := &Pattern{source: p.s, code: b.code}
	if out.first, out.empty = firsts(root); out.empty {
		out.first = anything
	}
	return out, nil
}

func (b *builder) put(i instruction) int {
	b.code = append(b.code, i)
	return len(b.code) - 1
}

func (b *builder) node(n *node) error {
	if len(b.code) > maxCode {
		return b.p.fail("too long")
	}
	switch n.kind {
	case isText:
		b.text(n.text)
	case isSet:
		b.put(instruction{op: opSet, set: n.set})
	case isRow:
		for _, x := range n.list {
			if err := b.node(x); err != nil {
				return err
			}
		}
	case isEither:
		return b.either(n.list)
	case isRepeat:
		return b.repeat(n)
	case isLook, isAtomic:
		return b.aside(n)
	default:
		b.put(instruction{op: opPlace, place: n.kind})
	}
	return nil
}

func (b *builder) text(s string) {
	if last := len(b.code) - 1; last >= 0 && b.code[last].op == opText && !b.target(last+1) {
		b.code[last].text += s
		return
	}
	b.put(instruction{op: opText, text: s})
}

// target reports whether something may jump to an instruction that comes next.
func (b *builder) target(to int) bool {
	for _, i := range b.code {
		if i.x == to && i.op >= opJump {
			return true
		}
		for _, br := range i.list {
			if br.to == to {
				return true
			}
		}
	}
	return false
}

func (b *builder) either(list []*node) error {
	head := b.put(instruction{op: opEither})
	var jumps []int
	for _, x := range list {
		f, e := firsts(x)
		b.code[head].list = append(b.code[head].list, branch{len(b.code), f, e})
		if err := b.node(x); err != nil {
			return err
		}
		jumps = append(jumps, b.put(instruction{op: opJump, x: -1}))
	}
	for _, j := range jumps {
		b.code[j].x = len(b.code)
	}
	return nil
}

func (b *builder) repeat(n *node) error {
	x := n.list[0]
	for x.kind == isRow && len(x.list) == 1 {
		x = x.list[0]
	}
	if x.kind == isSet {
		i := instruction{op: opMany, set: x.set, min: n.min, max: n.max}
		if n.lazy {
			i.op = opFew
		}
		b.put(i)
		return nil
	}
	for range n.min {
		if err := b.node(x); err != nil {
			return err
		}
	}
	if n.max < 0 {
		return b.loop(x, n.lazy)
	}
	var heads []int
	for range n.max - n.min {
		heads = append(heads, b.optional(x, n.lazy))
		if err := b.node(x); err != nil {
			return err
		}
	}
	for _, h := range heads {
		b.skipTo(h, n.lazy, len(b.code))
	}
	return nil
}

// loop repeats a node without end: at its head, go in or go on.
func (b *builder) loop(x *node, lazy bool) error {
	head := b.optional(x, lazy)
	if err := b.node(x); err != nil {
		return err
	}
	b.put(instruction{op: opJump, x: head})
	b.skipTo(head, lazy, len(b.code))
	return nil
}

// optional puts a choice between the next instruction and one that skipTo fills in.
func (b *builder) optional(x *node, lazy bool) int {
	head := b.put(instruction{op: opEither})
	f, e := firsts(x)
	in := branch{head + 1, f, e}
	out := branch{-1, anything, true}
	if lazy {
		b.code[head].list = []branch{out, in}
	} else {
		b.code[head].list = []branch{in, out}
	}
	return head
}

func (b *builder) skipTo(head int, lazy bool, to int) {
	if lazy {
		b.code[head].list[0].to = to
	} else {
		b.code[head].list[1].to = to
	}
}

// aside puts a part that is matched by itself: a look or an atomic group.
func (b *builder) aside(n *node) error {
	i := instruction{op: opAtomic}
	if n.kind == isLook {
		i = instruction{op: opLook, negated: n.negated, behind: n.behind}
		if n.behind {
			width, ok := widthOf(n.list[0])
			if !ok {
				return b.p.fail("a look behind of no fixed width")
			}
			i.width = width
		}
	}
	head := b.put(i)
	if err := b.node(n.list[0]); err != nil {
		return err
	}
	b.put(instruction{op: opMatch})
	b.code[head].x = len(b.code)
	return nil
}

// widthOf is the number of characters that a node always takes.
func widthOf(n *node) (int, bool) {
	switch n.kind {
	case isText:
		return utf8.RuneCountInString(n.text), true
	case isSet:
		return 1, true
	case isRepeat:
		w, ok := widthOf(n.list[0])
		return w * n.min, ok && n.min == n.max
	case isEither:
		width, ok := widthOf(n.list[0])
		for _, x := range n.list[1:] {
			w, fixed := widthOf(x)
			ok = ok && fixed && w == width
		}
		return width, ok
	case isRow, isAtomic:
		sum := 0
		for _, x := range n.list {
			w, ok := widthOf(x)
			if !ok {
				return 0, false
			}
			sum += w
		}
		return sum, true
	}
	return 0, true
}
