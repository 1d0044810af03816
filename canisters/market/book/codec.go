package book

import (
	"encoding/binary"
	"fmt"

	"assay/commitment"
)

// encoder appends the fields of a stored record: numbers fixed and big-endian, byte
// strings and lists after a four-byte length.
type encoder struct{ b []byte }

func (e *encoder) u8(n uint8) *encoder   { e.b = append(e.b, n); return e }
func (e *encoder) u16(n uint16) *encoder { e.b = binary.BigEndian.AppendUint16(e.b, n); return e }
func (e *encoder) u32(n uint32) *encoder { e.b = binary.BigEndian.AppendUint32(e.b, n); return e }
func (e *encoder) u64(n uint64) *encoder { e.b = binary.BigEndian.AppendUint64(e.b, n); return e }

func (e *encoder) bytes(p []byte) *encoder {
	e.b = append(binary.BigEndian.AppendUint32(e.b, uint32(len(p))), p...)
	return e
}

func (e *encoder) str(s string) *encoder {
	e.b = append(binary.BigEndian.AppendUint32(e.b, uint32(len(s))), s...)
	return e
}

func (e *encoder) hash(h commitment.Hash) *encoder { e.b = append(e.b, h[:]...); return e }

func (e *encoder) optHash(h *commitment.Hash) *encoder {
	if h == nil {
		return e.u8(0)
	}
	return e.u8(1).hash(*h)
}

// record is the encoded record behind its version.
func (e *encoder) record(version uint8) []byte { return append([]byte{version}, e.b...) }

// decoder reads what an encoder wrote. The first problem sticks; every reader then
// returns zero values, so a caller checks once, with end.
type decoder struct {
	b   []byte
	at  int
	err error
}

func decode(record []byte, version uint8) *decoder {
	d := &decoder{b: record}
	if v := d.u8(); d.err == nil && v != version {
		d.err = fmt.Errorf("record has version %d, want %d", v, version)
	}
	return d
}

func (d *decoder) take(n uint64) []byte {
	if d.err != nil {
		return nil
	}
	if n > uint64(len(d.b)-d.at) {
		d.err = fmt.Errorf("record ends at byte %d, %d more wanted", len(d.b), n)
		return nil
	}
	p := d.b[d.at : d.at+int(n)]
	d.at += int(n)
	return p
}

func (d *decoder) u8() uint8 {
	if p := d.take(1); p != nil {
		return p[0]
	}
	return 0
}

func (d *decoder) u16() uint16 {
	if p := d.take(2); p != nil {
		return binary.BigEndian.Uint16(p)
	}
	return 0
}

func (d *decoder) u32() uint32 {
	if p := d.take(4); p != nil {
		return binary.BigEndian.Uint32(p)
	}
	return 0
}

func (d *decoder) u64() uint64 {
	if p := d.take(8); p != nil {
		return binary.BigEndian.Uint64(p)
	}
	return 0
}

func (d *decoder) bytes() []byte {
	p := d.take(uint64(d.u32()))
	return append([]byte(nil), p...)
}

func (d *decoder) str() string { return string(d.take(uint64(d.u32()))) }

func (d *decoder) hash() (h commitment.Hash) {
	copy(h[:], d.take(32))
	return h
}

func (d *decoder) optHash() *commitment.Hash {
	switch d.u8() {
	case 0:
		return nil
	case 1:
		h := d.hash()
		return &h
	}
	d.bad("presence byte")
	return nil
}

func (d *decoder) bad(what string) {
	if d.err == nil {
		d.err = fmt.Errorf("%s before byte %d has an unknown value", what, d.at)
	}
}

// count reads the length of a list whose elements take at least size bytes each.
func (d *decoder) count(size int) int {
	n := uint64(d.u32())
	if d.err == nil && n*uint64(size) > uint64(len(d.b)-d.at) {
		d.err = fmt.Errorf("list of %d elements before byte %d does not fit", n, d.at)
	}
	if d.err != nil {
		return 0
	}
	return int(n)
}

func (d *decoder) end() error {
	if d.err == nil && d.at != len(d.b) {
		return fmt.Errorf("record goes on after byte %d", d.at)
	}
	return d.err
}
