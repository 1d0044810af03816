// Package safetensors reads .safetensors files strictly: named tensors, as model publishers ship them. A file is
// refused, with an [*Error], when its header is not the one JSON object that the format asks for, names a tensor
// twice, or when the tensors do not cover the data exactly, without gaps and without overlaps. Limits are checked
// before memory is taken.
//
// inference/bert makes graphs of such files. Tensors alias the bytes given to [Parse], which the caller must not
// change afterwards.
//
//	u64 length, little-endian · length bytes of JSON, padded with spaces · data
//	{"__metadata__": {text: text}, name: {"dtype": "F32", "shape": [2, 3], "data_offsets": [0, 24]}, …}
package safetensors

import (
	"cmp"
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"assay/inference/onnx"
)

// What can be wrong with a file; an [*Error] wraps exactly one of these.
var (
	ErrMalformed   = errors.New("malformed")     // a broken rule of the format
	ErrLimit       = errors.New("over a limit")  // more than [Limits] allows
	ErrUnsupported = errors.New("not supported") // an element type that this reader does not know
)

// Error says what is wrong with a file. A retry with the same bytes fails the same way.
type Error struct {
	Kind   error
	Tensor string // empty outside a tensor
	Reason string
}

func (e *Error) Error() string {
	if e.Tensor != "" {
		return fmt.Sprintf("safetensors: tensor %q: %v: %s", e.Tensor, e.Kind, e.Reason)
	}
	return fmt.Sprintf("safetensors: %v: %s", e.Kind, e.Reason)
}

// Unwrap gives the kind.
func (e *Error) Unwrap() error { return e.Kind }

func fail(kind error, format string, args ...any) error {
	return &Error{Kind: kind, Reason: fmt.Sprintf(format, args...)}
}

// Limits bounds what [Parse] accepts. A zero field means the default in its comment.
type Limits struct {
	Header  int // bytes of the JSON; 16 MiB
	Tensors int // 65,536
	Rank    int // dimensions of one tensor; 8
}

func (l Limits) withDefaults() Limits {
	for field, value := range map[*int]int{&l.Header: 16 << 20, &l.Tensors: 1 << 16, &l.Rank: 8} {
		if *field <= 0 {
			*field = value
		}
	}
	return l
}

// File is what a file holds.
type File struct {
	Metadata map[string]string
	Tensors  []onnx.Tensor // in the order of their data
	byName   map[string]int
}

// Tensor finds a tensor by name; nil when the file does not have it.
func (f *File) Tensor(name string) *onnx.Tensor {
	i, ok := f.byName[name]
	if !ok {
		return nil
	}
	return &f.Tensors[i]
}

// dtypes are the format's names of the element types that onnx knows as well.
var dtypes = map[string]onnx.DType{
	"BOOL": onnx.Bool, "U8": onnx.Uint8, "I8": onnx.Int8, "U16": onnx.Uint16, "I16": onnx.Int16, "F16": onnx.Float16,
	"BF16": onnx.BFloat16, "U32": onnx.Uint32, "I32": onnx.Int32, "F32": onnx.Float32, "F64": onnx.Float64,
	"U64": onnx.Uint64, "I64": onnx.Int64,
}

// Parse reads a file. Every error is an [*Error].
func Parse(data []byte, limits Limits) (*File, error) {
	limits = limits.withDefaults()
	if len(data) < 8 {
		return nil, fail(ErrMalformed, "%d bytes, too few for a length", len(data))
	}
	length := binary.LittleEndian.Uint64(data)
	if length > uint64(limits.Header) {
		return nil, fail(ErrLimit, "header of %d bytes, limit %d", length, limits.Header)
	}
	if length > uint64(len(data)-8) {
		return nil, fail(ErrMalformed, "header of %d bytes in a file of %d", length, len(data))
	}
	header, body := data[8:8+length], data[8+length:]
	metadata, entries, err := readHeader(header, limits)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(entries, entry.compare)
	f := &File{Metadata: metadata, byName: make(map[string]int, len(entries))}
	at := uint64(0)
	for _, e := range entries {
		t, err := e.tensor(body, at, limits)
		if err != nil {
			err.Tensor = e.name
			return nil, err
		}
		at = e.end
		f.byName[e.name] = len(f.Tensors)
		f.Tensors = append(f.Tensors, t)
	}
	if at != uint64(len(body)) {
		return nil, fail(ErrMalformed, "%d bytes of data, the tensors cover %d", len(body), at)
	}
	return f, nil
}

// compare orders by place; of those at one place the empty ones come first, by name.
func (e entry) compare(o entry) int {
	return cmp.Or(cmp.Compare(e.begin, o.begin), cmp.Compare(e.end, o.end), cmp.Compare(e.name, o.name))
}

// tensor checks an entry whose data must begin at the given place.
func (e entry) tensor(body []byte, at uint64, limits Limits) (onnx.Tensor, *Error) {
	bad := func(kind error, format string, args ...any) (onnx.Tensor, *Error) {
		return onnx.Tensor{}, &Error{Kind: kind, Reason: fmt.Sprintf(format, args...)}
	}
	dtype, ok := dtypes[e.dtype]
	if !ok {
		return bad(ErrUnsupported, "element type %q", e.dtype)
	}
	if len(e.shape) > limits.Rank {
		return bad(ErrLimit, "%d dimensions, limit %d", len(e.shape), limits.Rank)
	}
	if e.begin != at || e.end < e.begin || e.end > uint64(len(body)) {
		return bad(ErrMalformed, "data from %d to %d of %d, want it to begin at %d", e.begin, e.end, len(body), at)
	}
	size, shape := uint64(dtype.Size()), make([]int64, len(e.shape))
	empty := false
	for i, d := range e.shape {
		shape[i] = int64(d)
		switch {
		case d == 0:
			empty = true
		case d > uint64(len(body)) || size > uint64(len(body))/d:
			return bad(ErrMalformed, "shape %v does not fit %d bytes", e.shape, len(body))
		default:
			size *= d
		}
	}
	if empty {
		size = 0
	}
	if size != e.end-e.begin {
		return bad(ErrMalformed, "%d bytes of data, type and shape want %d", e.end-e.begin, size)
	}
	raw := body[e.begin:e.end:e.end]
	if dtype == onnx.Bool && slices.ContainsFunc(raw, func(b byte) bool { return b > 1 }) {
		return bad(ErrMalformed, "a bool that is neither 0 nor 1")
	}
	return onnx.Tensor{Name: e.name, DType: dtype, Shape: shape, Raw: raw}, nil
}
