package hashtree

import (
	"bytes"
	"encoding/binary"
	"fmt"
)

// Limits of what [Decode] takes.
const (
	MaxBytes = 4 << 20 // of an encoded tree
	MaxDepth = 256     // of forks and labels above a node
	MaxLabel = 1 << 10 // bytes of a label
)

// DecodeError says where bytes stopped being an encoded tree.
type DecodeError struct {
	Offset int    // in bytes from the start
	Want   string // what was allowed there
	Got    string // what stood there
}

// Error names offset, want and got.
func (e *DecodeError) Error() string {
	return fmt.Sprintf("decode hash tree: offset %d: want %s, got %s", e.Offset, e.Want, e.Got)
}

// selfDescribe is CBOR's tag 55799, which may stand in front of a tree.
const selfDescribe = "\xd9\xd9\xf7"

// Encode returns the tree in CBOR, with no tag in front.
func (n Node) Encode() []byte { return n.AppendCBOR(nil) }

// EncodeTagged returns the tree in CBOR behind the self-describing tag, the form in
// which canisters hand out witnesses.
func (n Node) EncodeTagged() []byte { return n.AppendCBOR([]byte(selfDescribe)) }

// AppendCBOR appends the tree in CBOR.
func (n Node) AppendCBOR(b []byte) []byte {
	switch n.kind {
	case KindFork:
		return n.right.AppendCBOR(n.left.AppendCBOR(append(b, 0x83, byte(KindFork))))
	case KindLabeled:
		return n.left.AppendCBOR(appendBlob(append(b, 0x83, byte(KindLabeled)), n.data))
	case KindLeaf, KindPruned:
		return appendBlob(append(b, 0x82, byte(n.kind)), n.data)
	default:
		return append(b, 0x81, byte(KindEmpty))
	}
}

func appendBlob(b, blob []byte) []byte {
	switch n := len(blob); {
	case n < 24:
		b = append(b, 0x40|byte(n))
	case n < 1<<8:
		b = append(b, 0x58, byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, 0x59), uint16(n))
	default:
		b = binary.BigEndian.AppendUint32(append(b, 0x5a), uint32(n))
	}
	return append(b, blob...)
}

// Decode reads one tree, with or without the self-describing tag, and nothing after
// it. It takes the one shortest spelling of every item, labels in strictly increasing
// order, values only where the specification allows them, and refuses what is beyond
// the limits. The bytes are copied.
func Decode(b []byte) (Node, error) {
	if len(b) > MaxBytes {
		return Node{}, &DecodeError{MaxBytes, fmt.Sprintf("at most %d bytes", MaxBytes), fmt.Sprintf("%d bytes", len(b))}
	}
	d := decoder{b: bytes.Clone(b)}
	if bytes.HasPrefix(d.b, []byte(selfDescribe)) {
		d.at = len(selfDescribe)
	}
	n, err := d.node(0, &order{leafAllowed: true})
	if err != nil {
		return Node{}, err
	}
	if d.at != len(d.b) {
		return Node{}, d.fail(d.at, "the end", fmt.Sprintf("%d more bytes", len(d.b)-d.at))
	}
	return n, nil
}

type decoder struct {
	b  []byte
	at int
}

// order is what the flattened forest has shown so far: its last label, and whether
// a value may still stand there (only as the whole of it).
type order struct {
	seen        bool
	last        []byte
	leafAllowed bool
}

func (d *decoder) fail(at int, want, got string) error { return &DecodeError{at, want, got} }

func (d *decoder) node(depth int, o *order) (Node, error) {
	start := d.at
	if depth > MaxDepth {
		return Node{}, d.fail(start, fmt.Sprintf("at most %d levels", MaxDepth), "one more")
	}
	if len(d.b)-d.at < 2 {
		return Node{}, d.fail(start, "a node", "the end")
	}
	head, kind := d.b[d.at], Kind(d.b[d.at+1])
	d.at += 2
	switch {
	case head == 0x81 && kind == KindEmpty:
		return Empty(), nil
	case head == 0x83 && kind == KindFork:
		return d.fork(depth, o)
	case head == 0x83 && kind == KindLabeled:
		return d.labeled(depth, o)
	case head == 0x82 && kind == KindLeaf:
		if !o.leafAllowed {
			return Node{}, d.fail(start, "a fork of labelled or pruned trees", "a leaf")
		}
		value, err := d.blob(MaxBytes)
		return Leaf(value), err
	case head == 0x82 && kind == KindPruned:
		digest, err := d.blob(32)
		if err == nil && len(digest) != 32 {
			err = d.fail(start, "a hash of 32 bytes", fmt.Sprintf("%d bytes", len(digest)))
		}
		if err != nil {
			return Node{}, err
		}
		return Pruned(Hash(digest)), nil
	}
	return Node{}, d.fail(start, "a node", fmt.Sprintf("bytes %#02x %#02x", head, byte(kind)))
}

func (d *decoder) fork(depth int, o *order) (Node, error) {
	o.leafAllowed = false
	l, err := d.node(depth+1, o)
	if err != nil {
		return Node{}, err
	}
	r, err := d.node(depth+1, o)
	if err != nil {
		return Node{}, err
	}
	return Fork(l, r), nil
}

func (d *decoder) labeled(depth int, o *order) (Node, error) {
	start := d.at
	label, err := d.blob(MaxLabel)
	if err != nil {
		return Node{}, err
	}
	if o.seen && bytes.Compare(o.last, label) >= 0 {
		return Node{}, d.fail(start, fmt.Sprintf("a label above %q", o.last), fmt.Sprintf("%q", label))
	}
	o.seen, o.last = true, label
	sub, err := d.node(depth+1, &order{leafAllowed: true})
	if err != nil {
		return Node{}, err
	}
	return Labeled(label, sub), nil
}

// blob reads a byte string in its shortest spelling, sharing the decoder's bytes.
func (d *decoder) blob(limit int) ([]byte, error) {
	start := d.at
	n, err := d.blobLen()
	if err != nil {
		return nil, err
	}
	if n > limit {
		return nil, d.fail(start, fmt.Sprintf("at most %d bytes", limit), fmt.Sprintf("%d", n))
	}
	if n > len(d.b)-d.at {
		return nil, d.fail(start, fmt.Sprintf("%d bytes", n), fmt.Sprintf("%d", len(d.b)-d.at))
	}
	out := d.b[d.at : d.at+n : d.at+n]
	d.at += n
	return out, nil
}

func (d *decoder) blobLen() (int, error) {
	start, rest := d.at, d.b[d.at:]
	if len(rest) == 0 {
		return 0, d.fail(start, "a byte string", "the end")
	}
	head := rest[0]
	if head >= 0x40 && head < 0x58 {
		d.at++
		return int(head - 0x40), nil
	}
	var n, least uint64
	width := 0
	switch head {
	case 0x58:
		width, least = 1, 24
	case 0x59:
		width, least = 2, 1<<8
	case 0x5a:
		width, least = 4, 1<<16
	default:
		return 0, d.fail(start, "a byte string", fmt.Sprintf("byte %#02x", head))
	}
	if len(rest) < 1+width {
		return 0, d.fail(start, "a length", "the end")
	}
	for _, c := range rest[1 : 1+width] {
		n = n<<8 | uint64(c)
	}
	if n < least {
		return 0, d.fail(start, "the shortest length", fmt.Sprintf("%d in %d bytes", n, width))
	}
	if n > MaxBytes {
		return 0, d.fail(start, fmt.Sprintf("at most %d bytes", MaxBytes), fmt.Sprintf("%d", n))
	}
	d.at += 1 + width
	return int(n), nil
}
