package safetensors

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"
)

// entry is one tensor as the header tells it.
type entry struct {
	name, dtype string
	shape       []uint64
	begin, end  uint64
}

// reader walks the header's JSON token by token, so that a name given twice is seen and nothing is allocated for
// what the format does not know.
type reader struct {
	*json.Decoder
	limits Limits
}

func readHeader(header []byte, limits Limits) (map[string]string, []entry, error) {
	if len(header) == 0 || header[0] != '{' {
		return nil, nil, fail(ErrMalformed, "the header does not begin with {")
	}
	if !utf8.Valid(header) {
		return nil, nil, fail(ErrMalformed, "the header is not UTF-8")
	}
	r := reader{json.NewDecoder(bytes.NewReader(header)), limits}
	r.UseNumber()
	var metadata map[string]string
	var entries []entry
	err := r.object(func(name string) error {
		if name == "__metadata__" {
			metadata = map[string]string{}
			return r.object(func(key string) error {
				value, err := r.text()
				metadata[key] = value
				return err
			})
		}
		if len(entries) >= limits.Tensors {
			return fail(ErrLimit, "more than %d tensors", limits.Tensors)
		}
		e, err := r.entry(name)
		entries = append(entries, e)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	if rest := bytes.TrimRight(header[r.InputOffset():], " "); len(rest) > 0 {
		return nil, nil, fail(ErrMalformed, "%d bytes after the header's object", len(rest))
	}
	return metadata, entries, nil
}

func (r reader) entry(name string) (entry, error) {
	e := entry{name: name}
	fields := 0
	err := r.object(func(key string) (err error) {
		fields++
		switch key {
		case "dtype":
			e.dtype, err = r.text()
		case "shape":
			e.shape, err = r.numbers(r.limits.Rank)
		case "data_offsets":
			var place []uint64
			if place, err = r.numbers(2); err == nil && len(place) != 2 {
				err = fail(ErrMalformed, "%d data offsets, want 2", len(place))
			}
			if err == nil {
				e.begin, e.end = place[0], place[1]
			}
		default:
			err = fail(ErrMalformed, "unknown field %q", key)
		}
		return err
	})
	if err == nil && fields != 3 {
		err = fail(ErrMalformed, "%d fields, want dtype, shape and data_offsets", fields)
	}
	if err, ok := err.(*Error); ok && err.Tensor == "" {
		err.Tensor = name
	}
	return e, err
}

// object calls field for every name, whose value it must read.
func (r reader) object(field func(name string) error) error {
	if err := r.expect('{'); err != nil {
		return err
	}
	seen := map[string]bool{}
	for r.More() {
		name, err := r.text()
		if err != nil {
			return err
		}
		if seen[name] {
			return fail(ErrMalformed, "name %q given twice", name)
		}
		seen[name] = true
		if err := field(name); err != nil {
			return err
		}
	}
	return r.expect('}')
}

func (r reader) numbers(limit int) ([]uint64, error) {
	if err := r.expect('['); err != nil {
		return nil, err
	}
	list := []uint64{}
	for r.More() {
		token, err := r.token()
		if err != nil {
			return nil, err
		}
		number, ok := token.(json.Number)
		if !ok {
			return nil, fail(ErrMalformed, "%v where a number belongs", token)
		}
		v, err := strconv.ParseUint(string(number), 10, 62)
		if err != nil {
			return nil, fail(ErrMalformed, "%q where a whole number belongs", number)
		}
		if len(list) >= limit {
			return nil, fail(ErrLimit, "more than %d numbers", limit)
		}
		list = append(list, v)
	}
	return list, r.expect(']')
}

func (r reader) text() (string, error) {
	token, err := r.token()
	if err != nil {
		return "", err
	}
	s, ok := token.(string)
	if !ok {
		return "", fail(ErrMalformed, "%v where a text belongs", token)
	}
	return s, nil
}

func (r reader) expect(want json.Delim) error {
	token, err := r.token()
	if err == nil && token != want {
		err = fail(ErrMalformed, "%v where %v belongs", token, want)
	}
	return err
}

func (r reader) token() (json.Token, error) {
	token, err := r.Token()
	if err != nil {
		return nil, fail(ErrMalformed, "header: %v", err)
	}
	return token, nil
}
