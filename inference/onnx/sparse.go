package onnx

import (
	"encoding/binary"
	"slices"
)

func (p *parser) sparseInitializer(f field, g *Graph) error {
	if err := p.constant(f); err != nil {
		return err
	}
	s, err := p.sparse(f)
	if err != nil {
		return err
	}
	if s.Values.Name == "" {
		return f.fail(ErrMalformed, "constant without a name")
	}
	g.Sparse = append(g.Sparse, s)
	return nil
}

// sparse reads a sparse tensor and checks that its indices lie in its shape and ascend.
func (p *parser) sparse(f field) (Sparse, error) {
	s := Sparse{Shape: []int64{}}
	if err := f.want(bytesType); err != nil {
		return s, err
	}
	err := walk(f.bytes, f.offset, "SparseTensorProto", numbers{1, 2}, func(f field) (err error) {
		switch f.num {
		case 1:
			s.Values, err = p.tensor(f)
			return err
		case 2:
			s.Indices, err = p.tensor(f)
			return err
		case 3:
			return p.dims(f, &s.Shape)
		}
		return f.unknown()
	})
	if err != nil {
		return s, err
	}
	return s, p.checkSparse(f, &s)
}

func (p *parser) checkSparse(f field, s *Sparse) error {
	name := s.Values.Name
	n, err := p.elements(f, name, s.Shape)
	if err != nil {
		return err
	}
	if len(s.Values.Shape) != 1 || s.Indices.DType != Int64 {
		return f.fail(ErrMalformed, "sparse tensor %q wants values of one dimension and int64 indices", name)
	}
	count := s.Values.Shape[0]
	flat := slices.Equal(s.Indices.Shape, []int64{count})
	if !flat && !slices.Equal(s.Indices.Shape, []int64{count, int64(len(s.Shape))}) {
		return f.fail(ErrMalformed, "sparse tensor %q of rank %d has %d values and indices of shape %v", name, len(s.Shape), count, s.Indices.Shape)
	}
	last := int64(-1)
	for i := range int(count) {
		at, ok := s.index(i, flat)
		if !ok || at >= int64(n) {
			return f.fail(ErrMalformed, "sparse tensor %q has value %d outside its shape", name, i)
		}
		if at <= last {
			return f.fail(ErrMalformed, "sparse tensor %q has indices that do not ascend", name)
		}
		last = at
	}
	return nil
}

// index is the flat index of value i; ok is false when it is outside the shape, as far as a row of indices shows.
func (s *Sparse) index(i int, flat bool) (at int64, ok bool) {
	if flat {
		at = int64(binary.LittleEndian.Uint64(s.Indices.Raw[8*i:]))
		return at, at >= 0
	}
	row := s.Indices.Raw[8*i*len(s.Shape):]
	for axis, d := range s.Shape {
		v := int64(binary.LittleEndian.Uint64(row[8*axis:]))
		if v < 0 || v >= d {
			return 0, false
		}
		at = at*d + v
	}
	return at, true
}

// Dense spells the tensor out. Its size is not bounded by the file's: the caller says how many bytes it may take.
// Elements of packed types and strings are refused.
func (s *Sparse) Dense(maxBytes int) (Tensor, error) {
	out := Tensor{Name: s.Values.Name, DType: s.Values.DType, Shape: s.Shape}
	size := width(out.DType)
	if size == 0 {
		return Tensor{}, &Error{Kind: ErrUnsupported, Offset: -1, Reason: sprintf("sparse tensor %q of %v", out.Name, out.DType)}
	}
	bytes := int64(size)
	for _, d := range s.Shape {
		if bytes *= d; bytes > int64(maxBytes) || d > int64(maxBytes) {
			return Tensor{}, &Error{Kind: ErrLimit, Offset: -1, Reason: sprintf("sparse tensor %q of more than %d bytes", out.Name, maxBytes)}
		}
	}
	out.Raw = make([]byte, bytes)
	flat := len(s.Indices.Shape) == 1
	for i := range int(s.Values.Shape[0]) {
		at, _ := s.index(i, flat)
		copy(out.Raw[int(at)*size:], s.Values.Raw[i*size:(i+1)*size])
	}
	return out, nil
}
