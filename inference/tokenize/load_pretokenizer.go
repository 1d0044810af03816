package tokenize

import (
	"strconv"

	"assay/inference/tokenize/internal/jsontree"
	"assay/inference/tokenize/internal/pattern"
	"assay/inference/tokenize/internal/ucd"
)

func (l *loader) readPreTokeniser(t *Tokenizer, v jsontree.Value) (err error) {
	if v.Kind() == jsontree.Null {
		return nil
	}
	var list cuts
	if list, err = l.preTokeniser(nil, v); err == nil {
		t.preTokeniser = list
		for _, p := range list {
			if m, ok := p.(metaspace); ok && m.scheme == first {
				t.places = true
			}
		}
	}
	return err
}

// preTokeniser appends a pre-tokeniser, or those of a sequence, to a list.
func (l *loader) preTokeniser(list cuts, v jsontree.Value) (cuts, error) {
	kind, err := typeOf(v)
	if err != nil {
		return nil, err
	}
	if kind == "Sequence" {
		return l.preTokenisers(list, v)
	}
	if kind == "BertPreTokenizer" {
		if _, err := fieldsOf(v, "type"); err != nil {
			return nil, err
		}
		return append(list, splitAt{having(ucd.Space), removed, false}, splitAt{having(ucd.Punctuation), isolated, false}), nil
	}
	p, err := onePreTokeniser(kind, v)
	return append(list, p), err
}

func (l *loader) preTokenisers(list cuts, v jsontree.Value) (cuts, error) {
	if err := l.enter(v); err != nil {
		return nil, err
	}
	defer func() { l.depth-- }()
	o, err := fieldsOf(v, "type", "pretokenizers")
	if err != nil {
		return nil, err
	}
	inner := o.get("pretokenizers")
	if inner.Kind() != jsontree.Array {
		return nil, o.fail("pretokenizers", "is not an array")
	}
	if list == nil {
		list = cuts{}
	}
	err = inner.Each(func(_, v jsontree.Value) (err error) {
		list, err = l.preTokeniser(list, v)
		return err
	})
	return list, err
}

func onePreTokeniser(kind string, v jsontree.Value) (preTokeniser, error) {
	switch kind {
	case "ByteLevel":
		return byteLevelOf(v)
	case "Metaspace":
		return metaspaceOf(v)
	case "Split":
		return splitOf(v)
	case "Punctuation":
		o, err := fieldsOf(v, "type", "behavior")
		if err != nil {
			return nil, err
		}
		b := isolated
		if o.get("behavior").Exists() {
			b, err = behaviourOf(o)
		}
		return splitAt{having(ucd.Punctuation), b, false}, err
	case "Digits":
		return digitsOf(v)
	case "CharDelimiterSplit":
		o, err := fieldsOf(v, "type", "delimiter")
		if err != nil {
			return nil, err
		}
		c, err := o.char("delimiter")
		return splitAt{character(c), removed, false}, err
	case "FixedLength":
		return fixedLengthOf(v)
	}
	if _, err := fieldsOf(v, "type"); err != nil {
		return nil, err
	}
	switch kind {
	case "Whitespace":
		return splitAt{words{}, removed, true}, nil
	case "WhitespaceSplit":
		return splitAt{having(ucd.Space), removed, false}, nil
	case "UnicodeScripts":
		return unicodeScripts{}, nil
	}
	return nil, v.Fail("a pre-tokeniser of type " + strconv.Quote(kind) + ", which is not known")
}

func behaviourOf(o *fields) (behaviour, error) {
	n, err := o.one("behavior", "Removed", "Isolated", "MergedWithPrevious", "MergedWithNext", "Contiguous")
	return behaviour(n), err
}

func byteLevelOf(v jsontree.Value) (preTokeniser, error) {
	b, _, useRegex, err := byteLevelFields(v)
	if err != nil {
		return nil, err
	}
	out := byteLevelWords{addSpace: b}
	if useRegex {
		p, err := pattern.Compile(gpt2)
		if err != nil {
			return nil, err
		}
		out.words = &expression{p}
	}
	return out, nil
}

// byteLevelFields reads what a ByteLevel has, wherever it stands.
func byteLevelFields(v jsontree.Value) (addSpace, trim, useRegex bool, err error) {
	o, err := fieldsOf(v, "type", "add_prefix_space", "trim_offsets", "use_regex")
	if err != nil {
		return false, false, false, err
	}
	if addSpace, err = o.flag("add_prefix_space", true); err != nil {
		return false, false, false, err
	}
	if trim, err = o.flag("trim_offsets", true); err != nil {
		return false, false, false, err
	}
	useRegex, err = o.flag("use_regex", true)
	return addSpace, trim, useRegex, err
}

func metaspaceOf(v jsontree.Value) (preTokeniser, error) {
	mark, s, split, err := metaspaceFields(v)
	return metaspace{mark, s, split}, err
}

// metaspaceFields reads what a Metaspace has, wherever it stands.
func metaspaceFields(v jsontree.Value) (mark string, s scheme, split bool, err error) {
	o, err := fieldsOf(v, "type", "replacement", "prepend_scheme", "split", "add_prefix_space", "str_rep")
	if err != nil {
		return "", 0, false, err
	}
	c, err := o.char("replacement")
	if err != nil {
		return "", 0, false, err
	}
	if o.get("prepend_scheme").Exists() {
		n, err := o.one("prepend_scheme", "always", "first", "never")
		if err != nil {
			return "", 0, false, err
		}
		s = scheme(n)
	}
	addSpace, err := o.flag("add_prefix_space", true)
	if err != nil {
		return "", 0, false, err
	}
	if !addSpace {
		if o.get("prepend_scheme").Exists() && s != never {
			return "", 0, false, o.fail("add_prefix_space", "and \"prepend_scheme\" contradict each other")
		}
		s = never
	}
	split, err = o.flag("split", true)
	return string(c), s, split, err
}

func splitOf(v jsontree.Value) (preTokeniser, error) {
	o, err := fieldsOf(v, "type", "pattern", "behavior", "invert")
	if err != nil {
		return nil, err
	}
	p, _, err := patternOf(o)
	if err != nil {
		return nil, err
	}
	b, err := behaviourOf(o)
	if err != nil {
		return nil, err
	}
	invert, ok := o.get("invert").Bool()
	if !ok {
		return nil, o.fail("invert", "is not a truth value")
	}
	return splitAt{expression{p}, b, invert}, nil
}

func digitsOf(v jsontree.Value) (preTokeniser, error) {
	o, err := fieldsOf(v, "type", "individual_digits")
	if err != nil {
		return nil, err
	}
	alone, ok := o.get("individual_digits").Bool()
	if !ok {
		return nil, o.fail("individual_digits", "is not a truth value")
	}
	if alone {
		return splitAt{having(ucd.Numeric), isolated, false}, nil
	}
	return splitAt{having(ucd.Numeric), contiguous, false}, nil
}

func fixedLengthOf(v jsontree.Value) (preTokeniser, error) {
	o, err := fieldsOf(v, "type", "length")
	if err != nil {
		return nil, err
	}
	n := 5
	if o.get("length").Exists() {
		if n, err = o.number("length", 1<<20); err == nil && n == 0 {
			err = o.fail("length", "is zero")
		}
	}
	return splitAt{fixedLength(n), removed, false}, err
}
