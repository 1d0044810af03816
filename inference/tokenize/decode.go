package tokenize

// decoder makes a sink that turns tokens back into text and hands them on.
type decoder interface{ sink(next sink) sink }

// sink takes tokens, each in one or more parts.
type sink interface {
	// part takes a part of a token; last says that the token ends with it.
	part(s string, last bool)
	// close says that no more comes.
	close()
}

// Decode turns ids back into text. Ids that no token has are left out, and special tokens
// if they are not wanted.
func (t *Tokenizer) Decode(ids []uint32, skipSpecial bool) string {
	s := t.Stream(skipSpecial)
	var out []byte
	for _, id := range ids {
		out = append(out, s.Push(id)...)
	}
	return string(append(out, s.Close()...))
}

// Stream turns ids into text one by one, as a generator makes them. Each piece of text
// ends with a whole character, and all pieces together are what [Tokenizer.Decode] gives.
// What a later token may still change is held back until then.
type Stream struct {
	t    *Tokenizer
	skip bool
	head sink
	out  text
}

// Stream begins a text.
func (t *Tokenizer) Stream(skipSpecial bool) *Stream {
	s := &Stream{t: t, skip: skipSpecial}
	s.head = &s.out
	if t.decoders == nil {
		s.head = &joinWithSpaces{next: s.head}
	}
	for i := len(t.decoders) - 1; i >= 0; i-- {
		s.head = t.decoders[i].sink(s.head)
	}
	return s
}

// Push takes the next id and returns the text that is certain now, often none.
func (s *Stream) Push(id uint32) string {
	shown, ok := s.t.shown(id)
	if ok && !(s.skip && s.t.added.special[shown]) {
		s.head.part(shown, true)
	}
	return s.out.take()
}

// Close ends the text and returns the rest of it.
func (s *Stream) Close() string {
	s.head.close()
	return s.out.take()
}

// shown is what an id is decoded to.
func (t *Tokenizer) shown(id uint32) (string, bool) {
	if s, ok := t.added.shown[id]; ok {
		return s, true
	}
	return t.Token(id)
}

// text collects what comes out at the end.
type text struct{ b []byte }

func (t *text) part(s string, _ bool) { t.b = append(t.b, s...) }

func (t *text) close() {}

func (t *text) take() string {
	s := string(t.b)
	t.b = t.b[:0]
	return s
}

// joinWithSpaces puts a space between tokens, which is how tokens without decoder are shown.
type joinWithSpaces struct {
	next  sink
	later bool
	mid   bool
}

func (j *joinWithSpaces) part(s string, last bool) {
	if j.later && !j.mid {
		j.next.part(" ", true)
	}
	j.later, j.mid = true, !last
	j.next.part(s, last)
}

func (j *joinWithSpaces) close() { j.next.close() }

// each is a decoder that changes whole tokens, knowing whether one is the first.
type each func(token string, first bool) string

type eachSink struct {
	f     each
	next  sink
	parts []byte
	later bool
}

func (f each) sink(next sink) sink { return &eachSink{f: f, next: next} }

func (e *eachSink) part(s string, last bool) {
	if !last || len(e.parts) > 0 {
		e.parts = append(e.parts, s...)
		if !last {
			return
		}
		s = string(e.parts)
		e.parts = e.parts[:0]
	}
	e.next.part(e.f(s, !e.later), true)
	e.later = true
}

func (e *eachSink) close() { e.next.close() }
