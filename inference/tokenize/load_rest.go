package tokenize

import (
	"strconv"

	"assay/inference/tokenize/internal/jsontree"
)

// maxAdded is the largest number of added tokens.
const maxAdded = 1 << 16

func (l *loader) readAdded(t *Tokenizer, v jsontree.Value) error {
	if v.Kind() != jsontree.Null && v.Kind() != jsontree.Array {
		return v.Fail("not an array")
	}
	if v.Len() > maxAdded {
		return v.Fail("more than " + strconv.Itoa(maxAdded) + " added tokens")
	}
	var list []added
	err := v.Each(func(_, v jsontree.Value) error {
		a, err := addedOf(v)
		list = append(list, a)
		return err
	})
	if err != nil {
		return err
	}
	if problem := t.added.build(list, t.model.vocabulary(), t.normaliser); problem != "" {
		return v.Fail(problem)
	}
	return nil
}

func addedOf(v jsontree.Value) (a added, err error) {
	o, err := fieldsOf(v, "id", "content", "single_word", "lstrip", "rstrip", "normalized", "special")
	if err != nil {
		return a, err
	}
	if a.content, err = o.text("content"); err != nil {
		return a, err
	}
	if len(a.content) > maxTokenBytes {
		return a, v.Fail("a token of " + strconv.Itoa(len(a.content)) + " bytes")
	}
	for _, f := range []struct {
		key string
		to  *bool
	}{{"single_word", &a.singleWord}, {"lstrip", &a.lstrip}, {"rstrip", &a.rstrip}, {"normalized", &a.normalised}, {"special", &a.special}} {
		if *f.to, err = o.flag(f.key, false); err != nil {
			return a, err
		}
	}
	return a, nil
}

func (l *loader) readProcessor(t *Tokenizer, v jsontree.Value) (err error) {
	if v.Kind() != jsontree.Null {
		t.process, err = l.processors([]processor{}, v)
	}
	return err
}

// maxProcessors bounds the post-processors in a row: each may put tokens around what the one
// before put around.
const maxProcessors = 64

// processors appends a processor, or those of a sequence, to a list.
func (l *loader) processors(list []processor, v jsontree.Value) ([]processor, error) {
	if len(list) >= maxProcessors {
		return nil, v.Fail("more than " + strconv.Itoa(maxProcessors) + " post-processors")
	}
	kind, err := typeOf(v)
	if err != nil {
		return nil, err
	}
	switch kind {
	case "Sequence":
		if err := l.enter(v); err != nil {
			return nil, err
		}
		defer func() { l.depth-- }()
		o, err := fieldsOf(v, "type", "processors")
		if err != nil {
			return nil, err
		}
		if o.get("processors").Kind() != jsontree.Array {
			return nil, o.fail("processors", "is not an array")
		}
		err = o.get("processors").Each(func(_, v jsontree.Value) (err error) {
			list, err = l.processors(list, v)
			return err
		})
		return list, err
	case "ByteLevel":
		addSpace, trim, _, err := byteLevelFields(v)
		return append(list, &trimOffsets{trim, addSpace}), err
	case "BertProcessing", "RobertaProcessing":
		p, err := bertProcessingOf(v, kind == "RobertaProcessing")
		return append(list, p), err
	case "TemplateProcessing":
		p, err := templateOf(v)
		return append(list, p), err
	}
	return nil, v.Fail("a post-processor of type " + strconv.Quote(kind) + ", which is not known")
}

func bertProcessingOf(v jsontree.Value, roberta bool) (processor, error) {
	keys := []string{"type", "sep", "cls"}
	if roberta {
		keys = append(keys, "trim_offsets", "add_prefix_space")
	}
	o, err := fieldsOf(v, keys...)
	if err != nil {
		return nil, err
	}
	b := &bertProcessing{roberta: roberta}
	if b.end, err = namedToken(o, "sep"); err != nil {
		return nil, err
	}
	if b.begin, err = namedToken(o, "cls"); err != nil {
		return nil, err
	}
	if !roberta {
		return b, nil
	}
	var t trimOffsets
	if t.trim, err = o.flag("trim_offsets", true); err != nil {
		return nil, err
	}
	if t.addSpace, err = o.flag("add_prefix_space", true); err != nil {
		return nil, err
	}
	if t.trim {
		b.trim = &t
	}
	return b, nil
}

// namedToken reads ["token", id].
func namedToken(o *fields, key string) (s specialToken, err error) {
	err = o.get(key).Each(func(_, v jsontree.Value) error {
		if text, ok := v.Text(); ok {
			s.tokens = append(s.tokens, text)
		}
		if id, ok := v.Uint(maxTokens - 1); ok {
			s.ids = append(s.ids, uint32(id))
		}
		return nil
	})
	if err == nil && (len(s.ids) != 1 || len(s.tokens) != 1) {
		err = o.fail(key, "is not a token and its id")
	}
	return s, err
}

func templateOf(v jsontree.Value) (processor, error) {
	o, err := fieldsOf(v, "type", "single", "pair", "special_tokens")
	if err != nil {
		return nil, err
	}
	special, err := specialTokensOf(o.get("special_tokens"))
	if err != nil {
		return nil, err
	}
	t := &template{}
	if t.single, err = templatePieces(o, "single", special); err != nil {
		return nil, err
	}
	t.pair, err = templatePieces(o, "pair", special)
	return t, err
}

func specialTokensOf(v jsontree.Value) (map[string]*specialToken, error) {
	out := map[string]*specialToken{}
	if v.Kind() != jsontree.Object {
		return nil, v.Fail("\"special_tokens\" is not an object")
	}
	err := v.Each(func(key, v jsontree.Value) error {
		name, _ := key.Text()
		o, err := fieldsOf(v, "id", "ids", "tokens")
		if err != nil {
			return err
		}
		s := &specialToken{}
		if err := o.get("ids").Each(func(_, v jsontree.Value) error {
			id, ok := v.Uint(maxTokens - 1)
			if !ok {
				return v.Fail("an id that is not a whole number below " + strconv.Itoa(maxTokens))
			}
			s.ids = append(s.ids, uint32(id))
			return nil
		}); err != nil {
			return err
		}
		if err := o.get("tokens").Each(func(_, v jsontree.Value) error {
			text, _ := v.Text()
			s.tokens = append(s.tokens, text)
			return nil
		}); err != nil {
			return err
		}
		if len(s.ids) != len(s.tokens) || len(s.ids) > 64 {
			return v.Fail("\"ids\" and \"tokens\" are not equally many")
		}
		if out[name] != nil {
			return key.Fail("the key " + strconv.Quote(name) + " stands here a second time")
		}
		out[name] = s
		return nil
	})
	return out, err
}

func templatePieces(o *fields, key string, special map[string]*specialToken) (list []templatePiece, err error) {
	all := o.get(key)
	if all.Kind() != jsontree.Array || all.Len() > 64 {
		return nil, o.fail(key, "is not an array of at most 64")
	}
	err = all.Each(func(_, v jsontree.Value) error {
		f, err := fieldsOf(v, "Sequence", "SpecialToken")
		if err != nil {
			return err
		}
		if s := f.get("Sequence"); s.Exists() {
			in, err := fieldsOf(s, "id", "type_id")
			if err != nil {
				return err
			}
			which, err := in.one("id", "A", "B")
			if err != nil {
				return err
			}
			if key == "single" && which == 1 {
				return v.Fail("the second text, where there is only one")
			}
			kind, err := in.number("type_id", 1<<31-1)
			list = append(list, templatePiece{sequence: which, kind: uint32(kind)})
			return err
		}
		in, err := fieldsOf(f.get("SpecialToken"), "id", "type_id")
		if err != nil {
			return err
		}
		name, err := in.text("id")
		if err != nil {
			return err
		}
		if special[name] == nil {
			return v.Fail("the special token " + strconv.Quote(name) + " is not among those listed")
		}
		kind, err := in.number("type_id", 1<<31-1)
		list = append(list, templatePiece{special: special[name], made: special[name].encoding(uint32(kind)), kind: uint32(kind)})
		return err
	})
	return list, err
}

func (l *loader) readTruncation(t *Tokenizer, v jsontree.Value) error {
	if v.Kind() == jsontree.Null {
		return nil
	}
	o, err := fieldsOf(v, "direction", "max_length", "strategy", "stride")
	if err != nil {
		return err
	}
	tr := &Truncation{}
	if o.get("direction").Exists() {
		n, err := o.one("direction", "Right", "Left")
		if err != nil {
			return err
		}
		tr.Left = n == 1
	}
	if tr.Length, err = o.number("max_length", 1<<30); err != nil {
		return err
	}
	n, err := o.one("strategy", "LongestFirst", "OnlyFirst", "OnlySecond")
	if err != nil {
		return err
	}
	tr.Strategy = Strategy(n)
	if tr.Stride, err = o.number("stride", 1<<30); err != nil {
		return err
	}
	t.truncation = tr
	return nil
}

func (l *loader) readPadding(t *Tokenizer, v jsontree.Value) error {
	if v.Kind() == jsontree.Null {
		return nil
	}
	o, err := fieldsOf(v, "strategy", "direction", "pad_to_multiple_of", "pad_id", "pad_type_id", "pad_token")
	if err != nil {
		return err
	}
	p := &Padding{}
	if s, _ := o.get("strategy").Text(); s != "BatchLongest" {
		f, err := fieldsOf(o.get("strategy"), "Fixed")
		if err != nil {
			return err
		}
		if p.Length, err = f.number("Fixed", MaxPadding); err != nil {
			return err
		}
	}
	n, err := o.one("direction", "Right", "Left")
	if err != nil {
		return err
	}
	p.Left = n == 1
	if o.get("pad_to_multiple_of").Kind() != jsontree.Null {
		if p.Multiple, err = o.number("pad_to_multiple_of", MaxPadding); err != nil {
			return err
		}
	}
	id, err := o.number("pad_id", maxTokens-1)
	if err != nil {
		return err
	}
	kind, err := o.number("pad_type_id", 1<<31-1)
	if err != nil {
		return err
	}
	p.ID, p.Type = uint32(id), uint32(kind)
	p.Token, err = o.text("pad_token")
	t.padding = p
	return err
}
