package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"maps"
	"slices"

	"assay/inference/exact"
	"assay/inference/tensor"
)

// packed is a model with some inputs. As bytes: the model; the number of inputs; and for each input the number of its
// tensors and these, by name: name, element type, rank, dimensions, elements. Numbers are four bytes, little-endian,
// and bytes come after their length.
type packed struct {
	model  []byte
	inputs []map[string]exact.Tensor
}

func (m *packed) pack(out []byte) []byte {
	out = appendBytes(out, m.model)
	out = binary.LittleEndian.AppendUint32(out, uint32(len(m.inputs)))
	for _, in := range m.inputs {
		out = binary.LittleEndian.AppendUint32(out, uint32(len(in)))
		for _, name := range slices.Sorted(maps.Keys(in)) {
			t := in[name]
			out = appendBytes(out, []byte(name))
			out = binary.LittleEndian.AppendUint32(out, uint32(t.DType))
			out = binary.LittleEndian.AppendUint32(out, uint32(len(t.Shape)))
			for _, d := range t.Shape {
				out = binary.LittleEndian.AppendUint32(out, uint32(d))
			}
			out = appendBytes(out, t.Bytes())
		}
	}
	return out
}

func appendBytes(out, b []byte) []byte {
	return append(binary.LittleEndian.AppendUint32(out, uint32(len(b))), b...)
}

// reader keeps the first error; io.EOF only before the first byte of a model.
type reader struct {
	in  io.Reader
	err error
}

func (r *reader) number() int {
	var b [4]byte
	if r.err == nil {
		_, r.err = io.ReadFull(r.in, b[:])
	}
	return int(binary.LittleEndian.Uint32(b[:]))
}

func (r *reader) bytes() []byte {
	n := r.number()
	if r.err != nil {
		return nil
	}
	b := make([]byte, n)
	_, r.err = io.ReadFull(r.in, b)
	return b
}

func unpack(in io.Reader) (*packed, error) {
	r := &reader{in: in}
	m := &packed{model: r.bytes()}
	if r.err != nil {
		return nil, r.err
	}
	for range r.number() {
		inputs := map[string]exact.Tensor{}
		for range r.number() {
			name := string(r.bytes())
			dtype := tensor.DType(r.number())
			shape := make([]int, r.number())
			for d := range shape {
				shape[d] = r.number()
			}
			t, err := tensor.Over(dtype, r.bytes(), shape...)
			if r.err != nil || err != nil {
				return nil, fmt.Errorf("read input %q: %v, %v", name, r.err, err)
			}
			inputs[name] = t
		}
		m.inputs = append(m.inputs, inputs)
	}
	return m, r.err
}
