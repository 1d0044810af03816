package candid

import "sync/atomic"

// Header is the start of a message as generated code writes it: DIDL, type table and
// argument types. A reader that meets it at the start of a message, as it does when both
// sides were generated from the same file, takes the types that it read the first time.
type Header struct {
	Text string
	read atomic.Pointer[types]
}

// types is what the header says, read once.
func (h *Header) types() *types {
	if ts := h.read.Load(); ts != nil {
		return ts
	}
	d := NewDecoder([]byte(h.Text))
	if d.err != nil || d.pos != len(h.Text) {
		panic("candid: a generated header is none")
	}
	h.read.Store(&d.types)
	return &d.types
}

// NewDecoder is [NewDecoder] for a message that probably starts with h.
func (h *Header) NewDecoder(msg []byte) *Decoder {
	if len(msg) < len(h.Text) || string(msg[:len(h.Text)]) != h.Text || len(msg) > DefaultLimits.Bytes {
		return NewDecoder(msg)
	}
	d := newDecoder(msg, Limits{})
	d.types, d.pos = *h.types(), len(h.Text)
	return d
}

// NewEncoder starts a message with h.
func (h *Header) NewEncoder() *Encoder {
	return &Encoder{buf: append(make([]byte, 0, len(h.Text)+128), h.Text...)}
}

// EncodeOne makes a message of one value behind its header; what names it in errors.
func EncodeOne[T any](what string, h *Header, v *T, put func(*Encoder, *T)) ([]byte, error) {
	e := h.NewEncoder()
	put(e, v)
	return e.Finish(what)
}

// DecodeOne reads a message of one value; what names it in errors.
func DecodeOne[T any](what string, h *Header, msg []byte, get func(*Decoder, Type, *T)) (v T, err error) {
	d := h.NewDecoder(msg)
	get(d, d.Arg(), &v)
	return v, d.Finish(what)
}
