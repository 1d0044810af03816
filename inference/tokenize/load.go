package tokenize

import (
	"errors"
	"strconv"

	"assay/inference/tokenize/internal/jsontree"
)

// MaxFileBytes is the largest tokeniser file that is read.
const MaxFileBytes = jsontree.MaxBytes

// FileError says what is wrong with a tokeniser's file.
type FileError struct {
	Offset  int    // in the file; zero when it concerns the whole
	Part    string // of the tokeniser, such as "normalizer"; may be empty
	Problem string
}

func (e *FileError) Error() string {
	s := "tokeniser"
	if e.Part != "" {
		s += ", " + e.Part
	}
	if e.Offset > 0 {
		s += ", offset " + strconv.Itoa(e.Offset)
	}
	return s + ": " + e.Problem
}

// Load reads a tokenizer.json. It returns a [*FileError] for one that is not understood
// whole: parts that this package does not know are never passed over.
func Load(file []byte) (*Tokenizer, error) {
	root, err := jsontree.Parse(string(file))
	if err != nil {
		return nil, fileError("", err)
	}
	var l loader
	t, err := l.tokenizer(root)
	if err != nil {
		return nil, fileError(l.part, err)
	}
	return t, nil
}

func fileError(part string, err error) error {
	var bad *jsontree.Error
	if errors.As(err, &bad) {
		return &FileError{bad.Offset, part, bad.Problem}
	}
	return &FileError{0, part, err.Error()}
}

// loader reads the parts of a tokenizer.json.
type loader struct {
	part  string // that is being read
	depth int    // of parts inside parts
}

func (l *loader) tokenizer(root jsontree.Value) (*Tokenizer, error) {
	if root.Kind() != jsontree.Object {
		return nil, root.Fail("not an object")
	}
	o, err := fieldsOf(root, "version", "truncation", "padding", "added_tokens", "normalizer", "pre_tokenizer", "post_processor", "decoder", "model")
	if err != nil {
		return nil, err
	}
	if v := o.get("version"); v.Exists() {
		if s, _ := v.Text(); s != "1.0" {
			return nil, v.Fail("a version that is not 1.0")
		}
	}
	t := &Tokenizer{}
	for _, step := range []struct {
		part string
		read func(t *Tokenizer, v jsontree.Value) error
	}{
		{"model", l.model},
		{"normalizer", l.readNormaliser},
		{"pre_tokenizer", l.readPreTokeniser},
		{"added_tokens", l.readAdded},
		{"post_processor", l.readProcessor},
		{"decoder", l.readDecoder},
		{"truncation", l.readTruncation},
		{"padding", l.readPadding},
	} {
		l.part = step.part
		if err := step.read(t, o.get(step.part)); err != nil {
			return nil, err
		}
	}
	t.finish()
	return t, nil
}

// finish fills in what follows from the parts.
func (t *Tokenizer) finish() {
	t.size = t.model.vocabulary().size()
	for id := range t.added.byID {
		t.size = max(t.size, int(id)+1)
	}
	t.frame()
}

// fields are the members of an object that a part knows.
type fields struct {
	of     jsontree.Value
	keys   []string
	values []jsontree.Value
}

// fieldsOf reads an object that may have the given keys, none twice, and no others.
func fieldsOf(v jsontree.Value, keys ...string) (*fields, error) {
	o := &fields{v, keys, make([]jsontree.Value, len(keys))}
	if v.Kind() != jsontree.Object {
		return nil, v.Fail("not an object")
	}
	err := v.Each(func(key, value jsontree.Value) error {
		name, _ := key.Text()
		for i, k := range keys {
			if k != name {
				continue
			}
			if o.values[i].Exists() {
				return key.Fail("the key " + strconv.Quote(name) + " stands here a second time")
			}
			o.values[i] = value
			return nil
		}
		return key.Fail("the key " + strconv.Quote(name) + " is not known here")
	})
	return o, err
}

func (o *fields) get(key string) jsontree.Value {
	for i, k := range o.keys {
		if k == key {
			return o.values[i]
		}
	}
	return jsontree.Value{}
}

// text is a string that must be there.
func (o *fields) text(key string) (string, error) {
	s, ok := o.get(key).Text()
	if !ok {
		return "", o.fail(key, "is not a string")
	}
	return s, nil
}

// flag is a truth value; unset stands for one that is missing or null.
func (o *fields) flag(key string, unset bool) (bool, error) {
	v := o.get(key)
	if v.Kind() == jsontree.Null {
		return unset, nil
	}
	b, ok := v.Bool()
	if !ok {
		return false, o.fail(key, "is not a truth value")
	}
	return b, nil
}

// number is a whole number up to a limit that must be there.
func (o *fields) number(key string, limit uint64) (int, error) {
	n, ok := o.get(key).Uint(limit)
	if !ok {
		return 0, o.fail(key, "is not a whole number up to "+strconv.FormatUint(limit, 10))
	}
	return int(n), nil
}

// one is the number of a word among those that are allowed.
func (o *fields) one(key string, words ...string) (int, error) {
	s, err := o.text(key)
	if err != nil {
		return 0, err
	}
	for i, w := range words {
		if w == s {
			return i, nil
		}
	}
	return 0, o.fail(key, "is "+strconv.Quote(s)+", which is not known")
}

// char is a string of one character that must be there.
func (o *fields) char(key string) (rune, error) {
	s, err := o.text(key)
	if err != nil {
		return 0, err
	}
	runes := []rune(s)
	if len(runes) != 1 {
		return 0, o.fail(key, "is not one character")
	}
	return runes[0], nil
}

func (o *fields) fail(key, problem string) error {
	v := o.get(key)
	if !v.Exists() {
		v = o.of
	}
	return v.Fail(strconv.Quote(key) + " " + problem)
}

// typeOf is the type that a part names.
func typeOf(v jsontree.Value) (string, error) {
	if v.Kind() != jsontree.Object {
		return "", v.Fail("not an object")
	}
	kind, err := v.Get("type")
	if err != nil {
		return "", err
	}
	s, ok := kind.Text()
	if !ok {
		return "", v.Fail("no type")
	}
	return s, nil
}

// maxParts is how deep parts may hold parts.
const maxParts = 16

func (l *loader) enter(v jsontree.Value) error {
	if l.depth++; l.depth > maxParts {
		return v.Fail("parts inside parts, too deep")
	}
	return nil
}
