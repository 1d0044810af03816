package catalog

import (
	"encoding/binary"
	"fmt"

	"assay/commitment"
)

const (
	magic           = "assay-manifest"
	manifestVersion = 1

	maxFiles     = 16
	maxFileBytes = 1 << 40
	maxTextBytes = 256
	maxTokens    = 1 << 20
	maxDimension = 1 << 16

	// MaxManifestBytes is the largest manifest that [Decode] reads.
	MaxManifestBytes = 16 << 10
)

// DecodeError says where a manifest's bytes are wrong.
type DecodeError struct {
	Offset  int
	Problem string
}

func (e *DecodeError) Error() string {
	return fmt.Sprintf("manifest at byte %d: %s", e.Offset, e.Problem)
}

// Encode gives the canonical bytes. It fails when the manifest is not valid.
func (m *Manifest) Encode() ([]byte, error) {
	if err := m.Validate(); err != nil {
		return nil, err
	}
	be := binary.BigEndian
	b := be.AppendUint16([]byte(magic), manifestVersion)
	b = appendText(appendText(b, m.Name), m.Version)
	b = append(b, byte(len(m.Files)))
	for _, f := range m.Files {
		b = append(appendText(b, f.Role), f.SHA256[:]...)
		b = be.AppendUint64(b, f.Size)
	}
	b = be.AppendUint16(append(b, byte(m.Tokenizer.Kind)), m.Tokenizer.Version)
	b = be.AppendUint32(b, m.Tokenizer.MaxTokens)
	b = be.AppendUint16(append(b, byte(m.Pooling), byte(m.Normalization)), m.IR)
	if m.IRRoot == nil {
		b = append(b, 0)
	} else {
		b = append(append(b, 1), m.IRRoot[:]...)
	}
	b = append(appendText(b, m.Output.Name), byte(m.Output.DType))
	return be.AppendUint32(b, m.Output.Dimension), nil
}

func appendText(b []byte, s string) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(s))), s...)
}

// Decode reads what [Manifest.Encode] writes and nothing else; errors are [*DecodeError].
func Decode(b []byte) (Manifest, error) {
	if len(b) > MaxManifestBytes {
		return Manifest{}, &DecodeError{0, fmt.Sprintf("%d bytes, at most %d are read", len(b), MaxManifestBytes)}
	}
	d := decoder{b: b}
	m := d.manifest()
	if d.err == nil && d.at != len(b) {
		d.fail("%d bytes follow", len(b)-d.at)
	}
	if d.err != nil {
		return Manifest{}, d.err
	}
	if err := m.Validate(); err != nil {
		return Manifest{}, &DecodeError{d.at, err.Error()}
	}
	return m, nil
}

// decoder reads fields until the first error; after it every field is zero.
type decoder struct {
	b   []byte
	at  int
	err error
}

func (d *decoder) fail(format string, args ...any) {
	if d.err == nil {
		d.err = &DecodeError{d.at, fmt.Sprintf(format, args...)}
	}
}

func (d *decoder) manifest() (m Manifest) {
	if string(d.bytes(len(magic))) != magic {
		d.fail("does not begin with %q", magic)
	}
	if v := d.uint(2); v != manifestVersion {
		d.fail("version %d, this program reads version %d", v, manifestVersion)
	}
	m.Name, m.Version = d.text(), d.text()
	n := int(d.uint(1))
	if n > maxFiles {
		d.fail("%d files, at most %d are read", n, maxFiles)
	}
	for range n {
		if d.err != nil {
			return m
		}
		m.Files = append(m.Files, File{Role: d.text(), SHA256: d.hash(), Size: d.uint(8)})
	}
	m.Tokenizer = Tokenizer{TokenizerKind(d.uint(1)), uint16(d.uint(2)), uint32(d.uint(4))}
	m.Pooling, m.Normalization = Pooling(d.uint(1)), Normalization(d.uint(1))
	m.IR = uint16(d.uint(2))
	switch d.uint(1) {
	case 0:
	case 1:
		root := d.hash()
		m.IRRoot = &root
	default:
		d.fail("IR root marker is neither 0 nor 1")
	}
	m.Output = Output{d.text(), commitment.DType(d.uint(1)), uint32(d.uint(4))}
	return m
}

func (d *decoder) bytes(n int) []byte {
	if d.err != nil || len(d.b)-d.at < n {
		d.fail("ends before its time")
		return nil
	}
	d.at += n
	return d.b[d.at-n : d.at]
}

func (d *decoder) uint(n int) (v uint64) {
	for _, c := range d.bytes(n) {
		v = v<<8 | uint64(c)
	}
	return v
}

func (d *decoder) hash() (h commitment.Hash) {
	copy(h[:], d.bytes(len(h)))
	return h
}

func (d *decoder) text() string {
	n := int(d.uint(2))
	if n > maxTextBytes {
		d.fail("text of %d bytes, at most %d are read", n, maxTextBytes)
		return ""
	}
	return string(d.bytes(n))
}
