package onnx

import (
	"strconv"
	"strings"
)

// External gives the bytes of the files that lie beside a model and hold its larger tensors.
type External interface {
	// Open gives a whole file, best as a memory map: tensors alias the bytes, which must not change while the graph
	// is in use. The location is relative to the model's folder, separated by slashes, and never leads out of it
	// by its spelling; links are the opener's to refuse. Parse opens a location at most once.
	Open(location string) ([]byte, error)
}

// outside is where a tensor in another file has its bytes.
type outside struct {
	location string
	offset   int64
	length   int64 // -1: to the end
}

// externalEntry reads one key and value of external_data.
func (p *parser) externalEntry(f field, t *pending) error {
	if err := f.want(bytesType); err != nil {
		return err
	}
	var key, value string
	err := walk(f.bytes, f.offset, "StringStringEntryProto", numbers{1, 2}, func(f field) error {
		switch f.num {
		case 1:
			return p.text(f, &key)
		case 2:
			return p.text(f, &value)
		}
		return f.unknown()
	})
	if err != nil {
		return err
	}
	if t.outside == nil {
		t.outside = &outside{length: -1}
	}
	return t.outside.set(f, key, value, &t.outsideKeys)
}

// The keys of external_data, as bits of those seen.
const (
	keyLocation = 1 << iota
	keyOffset
	keyLength
	keyChecksum
)

func (o *outside) set(f field, key, value string, seen *int) error {
	bit := 0
	var err error
	switch key {
	case "location":
		bit, o.location = keyLocation, value
	case "offset":
		bit = keyOffset
		o.offset, err = decimal(value)
	case "length":
		bit = keyLength
		o.length, err = decimal(value)
	case "checksum": // of the whole file, SHA-1; whoever vouches for a model hashes its files
		bit = keyChecksum
	default:
		return f.fail(ErrUnsupported, "external data with the key %q", key)
	}
	if err != nil {
		return f.fail(ErrMalformed, "external data with %s %q", key, value)
	}
	if *seen&bit != 0 {
		return f.fail(ErrDuplicate, "external data with two keys %q", key)
	}
	*seen |= bit
	return nil
}

// decimal reads an unsigned number without sign, spaces or leading zeros.
func decimal(s string) (int64, error) {
	v, err := strconv.ParseInt(s, 10, 64)
	if err != nil || v < 0 || strconv.FormatInt(v, 10) != s {
		return 0, strconv.ErrSyntax
	}
	return v, nil
}

// localPath brings a location into its shortest form; ok is false when it is absolute, leads upwards or is
// a path on some systems only.
func localPath(location string) (clean string, ok bool) {
	if location == "" || strings.ContainsAny(location, "\\\x00") || len(location) > 1 && location[1] == ':' {
		return "", false
	}
	var parts []string
	for part := range strings.SplitSeq(location, "/") {
		switch part {
		case ".":
		case "", "..":
			return "", false
		default:
			parts = append(parts, part)
		}
	}
	return strings.Join(parts, "/"), len(parts) > 0
}

// external gives a tensor its bytes out of another file; want is how many its type and shape need.
func (p *parser) external(f field, t *pending, want int) ([]byte, error) {
	if p.files == nil {
		return nil, f.fail(ErrUnsupported, "tensor %q keeps its data in another file, and none were given", t.Name)
	}
	o := t.outside
	if o == nil || o.location == "" {
		return nil, f.fail(ErrMalformed, "tensor %q has its data in another file without saying which", t.Name)
	}
	path, ok := localPath(o.location)
	if !ok {
		return nil, f.fail(ErrMalformed, "tensor %q has its data in %q, which is no path below the model", t.Name, o.location)
	}
	file, err := p.open(path)
	if err != nil {
		return nil, f.fail(ErrExternal, "tensor %q: %v", t.Name, err)
	}
	size := int64(len(file))
	if o.offset > size || o.length > size-o.offset {
		return nil, f.fail(ErrMalformed, "tensor %q has %d bytes at %d of %q, a file of %d", t.Name, o.length, o.offset, path, size)
	}
	length := o.length
	if length < 0 {
		length = size - o.offset
	}
	if length != int64(want) {
		return nil, f.fail(ErrMalformed, "tensor %q has %d bytes in %q, its type and shape want %d", t.Name, length, path, want)
	}
	return file[o.offset : o.offset+length : o.offset+length], nil
}

func (p *parser) open(path string) ([]byte, error) {
	if file, ok := p.opened[path]; ok {
		return file, nil
	}
	file, err := p.files.Open(path)
	if err != nil {
		return nil, err
	}
	if p.opened == nil {
		p.opened = map[string][]byte{}
	}
	p.opened[path] = file
	return file, nil
}
