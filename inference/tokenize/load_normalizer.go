package tokenize

import (
	"strconv"

	"assay/inference/tokenize/internal/jsontree"
	"assay/inference/tokenize/internal/pattern"
	"assay/inference/tokenize/internal/ucd"
)

func (l *loader) readNormaliser(t *Tokenizer, v jsontree.Value) (err error) {
	if v.Kind() != jsontree.Null {
		t.normaliser, err = l.normaliser(v)
	}
	return err
}

func (l *loader) normaliser(v jsontree.Value) (normaliser, error) {
	kind, err := typeOf(v)
	if err != nil {
		return nil, err
	}
	switch kind {
	case "Sequence":
		return l.normalisers(v)
	case "BertNormalizer":
		return bertNormaliserOf(v)
	case "Strip":
		return stripOf(v)
	case "Replace":
		return replaceOf(v)
	case "Prepend":
		o, err := fieldsOf(v, "type", "prepend")
		if err != nil {
			return nil, err
		}
		s, err := o.text("prepend")
		return prepend(s), err
	case "Precompiled":
		return precompiledOf(v)
	}
	if _, err := fieldsOf(v, "type"); err != nil {
		return nil, err
	}
	switch kind {
	case "NFC":
		return form(ucd.NFC), nil
	case "NFD":
		return form(ucd.NFD), nil
	case "NFKC":
		return form(ucd.NFKC), nil
	case "NFKD":
		return form(ucd.NFKD), nil
	case "Lowercase":
		return lowercase{}, nil
	case "StripAccents":
		return stripAccents{}, nil
	case "Nmt":
		return nmt{}, nil
	case "ByteLevel":
		return byteLevel{}, nil
	}
	return nil, v.Fail("a normaliser of type " + strconv.Quote(kind) + ", which is not known")
}

func (l *loader) normalisers(v jsontree.Value) (normaliser, error) {
	if err := l.enter(v); err != nil {
		return nil, err
	}
	defer func() { l.depth-- }()
	o, err := fieldsOf(v, "type", "normalizers")
	if err != nil {
		return nil, err
	}
	var out steps
	list := o.get("normalizers")
	if list.Kind() != jsontree.Array {
		return nil, o.fail("normalizers", "is not an array")
	}
	err = list.Each(func(_, v jsontree.Value) error {
		n, err := l.normaliser(v)
		out = append(out, n)
		return err
	})
	return out, err
}

func bertNormaliserOf(v jsontree.Value) (normaliser, error) {
	o, err := fieldsOf(v, "type", "clean_text", "handle_chinese_chars", "strip_accents", "lowercase")
	if err != nil {
		return nil, err
	}
	var b bertNormaliser
	for _, f := range []struct {
		key string
		to  *bool
	}{{"clean_text", &b.clean}, {"handle_chinese_chars", &b.ideographs}, {"lowercase", &b.lower}} {
		var ok bool
		if *f.to, ok = o.get(f.key).Bool(); !ok {
			return nil, o.fail(f.key, "is not a truth value")
		}
	}
	b.accents, err = o.flag("strip_accents", b.lower)
	return b, err
}

func stripOf(v jsontree.Value) (normaliser, error) {
	o, err := fieldsOf(v, "type", "strip_left", "strip_right")
	if err != nil {
		return nil, err
	}
	var s strip
	if s.left, err = o.flag("strip_left", false); err != nil {
		return nil, err
	}
	s.right, err = o.flag("strip_right", false)
	return s, err
}

func replaceOf(v jsontree.Value) (normaliser, error) {
	o, err := fieldsOf(v, "type", "pattern", "content")
	if err != nil {
		return nil, err
	}
	p, _, err := patternOf(o)
	if err != nil {
		return nil, err
	}
	if p.Empty() {
		return nil, o.fail("pattern", "may match an empty stretch, which is not replaced here")
	}
	to, err := o.text("content")
	return replace{p, to}, err
}

// patternOf reads the member "pattern": {"String": …} or {"Regex": …}.
func patternOf(o *fields) (p *pattern.Pattern, literal string, err error) {
	v := o.get("pattern")
	f, err := fieldsOf(v, "String", "Regex")
	if err != nil {
		return nil, "", err
	}
	s, isText := f.get("String").Text()
	x, isExpression := f.get("Regex").Text()
	switch {
	case isText == isExpression:
		return nil, "", v.Fail("neither a String nor a Regex")
	case isText:
		return pattern.Literal(s), s, nil
	}
	p, err = pattern.Compile(x)
	if err != nil {
		return nil, "", v.Fail(err.Error())
	}
	return p, "", nil
}

func precompiledOf(v jsontree.Value) (normaliser, error) {
	o, err := fieldsOf(v, "type", "precompiled_charsmap")
	if err != nil {
		return nil, err
	}
	s, err := o.text("precompiled_charsmap")
	if err != nil {
		return nil, err
	}
	p, problem := decodePrecompiled(s)
	if problem != "" {
		return nil, o.fail("precompiled_charsmap", "is "+problem)
	}
	return p, nil
}
