package tokenize

import (
	"strconv"

	"assay/inference/tokenize/internal/jsontree"
)

func (l *loader) readDecoder(t *Tokenizer, v jsontree.Value) (err error) {
	if v.Kind() != jsontree.Null {
		t.decoders, err = l.decoders([]decoder{}, v)
	}
	return err
}

// decoders appends a decoder, or those of a sequence, to a list.
func (l *loader) decoders(list []decoder, v jsontree.Value) ([]decoder, error) {
	kind, err := typeOf(v)
	if err != nil {
		return nil, err
	}
	if kind != "Sequence" {
		d, err := decoderOf(kind, v)
		return append(list, d), err
	}
	if err := l.enter(v); err != nil {
		return nil, err
	}
	defer func() { l.depth-- }()
	o, err := fieldsOf(v, "type", "decoders")
	if err != nil {
		return nil, err
	}
	if o.get("decoders").Kind() != jsontree.Array {
		return nil, o.fail("decoders", "is not an array")
	}
	err = o.get("decoders").Each(func(_, v jsontree.Value) (err error) {
		list, err = l.decoders(list, v)
		return err
	})
	return list, err
}

func decoderOf(kind string, v jsontree.Value) (decoder, error) {
	switch kind {
	case "ByteLevel":
		_, _, _, err := byteLevelFields(v)
		return bytesDecoder{}, err
	case "Metaspace":
		mark, s, _, err := metaspaceFields(v)
		return metaspaceDecoder(mark, s), err
	case "WordPiece":
		return wordPieceDecoderOf(v)
	case "Replace":
		return replaceDecoderOf(v)
	case "Strip":
		return stripDecoderOf(v)
	case "BPEDecoder":
		o, err := fieldsOf(v, "type", "suffix")
		if err != nil {
			return nil, err
		}
		s, err := o.text("suffix")
		return suffixDecoder(s), err
	case "CTC":
		return ctcOf(v)
	}
	if _, err := fieldsOf(v, "type"); err != nil {
		return nil, err
	}
	switch kind {
	case "Fuse":
		return fuse{}, nil
	case "ByteFallback":
		return byteFallback{}, nil
	}
	return nil, v.Fail("a decoder of type " + strconv.Quote(kind) + ", which is not known")
}

func wordPieceDecoderOf(v jsontree.Value) (decoder, error) {
	o, err := fieldsOf(v, "type", "prefix", "cleanup")
	if err != nil {
		return nil, err
	}
	prefix, err := o.text("prefix")
	if err != nil {
		return nil, err
	}
	cleanup, ok := o.get("cleanup").Bool()
	if !ok {
		return nil, o.fail("cleanup", "is not a truth value")
	}
	return wordPieceDecoder(prefix, cleanup), nil
}

func replaceDecoderOf(v jsontree.Value) (decoder, error) {
	o, err := fieldsOf(v, "type", "pattern", "content")
	if err != nil {
		return nil, err
	}
	p, literal, err := patternOf(o)
	if err != nil {
		return nil, err
	}
	to, err := o.text("content")
	if literal != "" {
		return textDecoder{literal, to}, err
	}
	return expressionDecoder(p, to), err
}

func stripDecoderOf(v jsontree.Value) (decoder, error) {
	o, err := fieldsOf(v, "type", "content", "start", "stop")
	if err != nil {
		return nil, err
	}
	var d stripDecoder
	if d.content, err = o.char("content"); err != nil {
		return nil, err
	}
	if d.start, err = o.number("start", 1<<20); err != nil {
		return nil, err
	}
	d.stop, err = o.number("stop", 1<<20)
	return d, err
}

func ctcOf(v jsontree.Value) (decoder, error) {
	o, err := fieldsOf(v, "type", "pad_token", "word_delimiter_token", "cleanup")
	if err != nil {
		return nil, err
	}
	var c ctc
	if c.pad, err = o.text("pad_token"); err != nil {
		return nil, err
	}
	if c.delimiter, err = o.text("word_delimiter_token"); err != nil {
		return nil, err
	}
	var ok bool
	if c.cleanup, ok = o.get("cleanup").Bool(); !ok {
		return nil, o.fail("cleanup", "is not a truth value")
	}
	return c, nil
}
