package onnx

import "google.golang.org/protobuf/encoding/protowire"

// rope is a message being written: bytes of its own and, between them, constants that are not copied.
type rope struct {
	parts [][]byte
	size  int
	own   bool // the last part is this rope's, so that appending to it is allowed
}

// smallest is the length from which bytes are referred to instead of copied.
const smallest = 1 << 10

func (r *rope) write(b []byte) {
	r.size += len(b)
	switch {
	case len(b) == 0:
	case len(b) >= smallest:
		r.parts, r.own = append(r.parts, b), false
	case r.own:
		last := len(r.parts) - 1
		r.parts[last] = append(r.parts[last], b...)
	default:
		r.parts, r.own = append(r.parts, append([]byte(nil), b...)), true
	}
}

func (r *rope) int(num protowire.Number, v int64) { r.write(appendInt(nil, num, v)) }

func (r *rope) bytes(num protowire.Number, v []byte) {
	r.write(protowire.AppendVarint(protowire.AppendTag(nil, num, bytesType), uint64(len(v))))
	r.write(v)
}

// text leaves an empty string out.
func (r *rope) text(num protowire.Number, s string) {
	if s != "" {
		r.bytes(num, []byte(s))
	}
}

// message writes what fill writes as a message in a field.
func (r *rope) message(num protowire.Number, fill func(*rope)) {
	var inner rope
	fill(&inner)
	r.write(protowire.AppendVarint(protowire.AppendTag(nil, num, bytesType), uint64(inner.size)))
	for _, part := range inner.parts {
		r.write(part)
	}
}

// join copies everything into one slice.
func (r *rope) join() []byte {
	out := make([]byte, 0, r.size)
	for _, part := range r.parts {
		out = append(out, part...)
	}
	return out
}

func appendInt(out []byte, num protowire.Number, v int64) []byte {
	return protowire.AppendVarint(protowire.AppendTag(out, num, varintType), uint64(v))
}

func appendBytes(out []byte, num protowire.Number, v []byte) []byte {
	return protowire.AppendBytes(protowire.AppendTag(out, num, bytesType), v)
}
