// Package commitment fixes what is hashed and how: the bytes behind every promise
// that Assay makes. Canisters, providers, clients and offline checkers use these
// functions and no others, so two of them can never disagree about a hash.
//
// A preimage is one domain tag that ends in its version, then its fields:
//
//	u8 len(tag) · tag · ( u32 big-endian len(field) · field )*
//
// and the hash is its SHA-256. Numbers in fields are big-endian and of fixed width.
// Merkle trees hash leaves as SHA-256(00 · leaf) and inner nodes as
// SHA-256(01 · left · right), splitting at the largest power of two below the count.
// Changing any byte here needs a new tag version; the golden tests hold the old ones.
package commitment

import (
	"encoding/binary"
	"fmt"
	"strconv"
	"strings"
)

// Hash is a SHA-256 digest.
type Hash [32]byte

// String is the digest in lower-case hex.
func (h Hash) String() string { return fmt.Sprintf("%x", h[:]) }

// JobID names a job for ever: the market that holds it and that market's counter.
type JobID struct {
	Market string // raw bytes of the market's principal
	Seq    uint64
}

// String is the counter alone, the way people name jobs of the one market they use.
func (j JobID) String() string { return strconv.FormatUint(j.Seq, 10) }

// ParseSeq reads what [JobID.String] prints.
func ParseSeq(s string) (uint64, error) {
	n, err := strconv.ParseUint(strings.TrimSpace(s), 10, 64)
	if err != nil {
		return 0, fmt.Errorf("job id %q is not a number", s)
	}
	return n, nil
}

// Preimage collects the fields of one hash.
type Preimage struct{ b []byte }

// NewPreimage starts a preimage with its domain tag, such as "assay/commit/1".
func NewPreimage(tag string) *Preimage {
	return &Preimage{append([]byte{byte(len(tag))}, tag...)}
}

// Bytes appends a field of any length below 4 GiB.
func (p *Preimage) Bytes(f []byte) *Preimage {
	p.b = append(binary.BigEndian.AppendUint32(p.b, uint32(len(f))), f...)
	return p
}

// Text appends a field of UTF-8 text.
func (p *Preimage) Text(s string) *Preimage { return p.Bytes([]byte(s)) }

// Uint appends a number as eight bytes.
func (p *Preimage) Uint(n uint64) *Preimage {
	return p.Bytes(binary.BigEndian.AppendUint64(nil, n))
}

// Sum hashes what was collected.
func (p *Preimage) Sum() Hash { return sum(p.b) }

// MerkleRoot folds leaves to one hash. No leaves give SHA-256 of nothing.
func MerkleRoot(leaves [][]byte) Hash {
	switch len(leaves) {
	case 0:
		return sum(nil)
	case 1:
		return sum(append([]byte{0}, leaves[0]...))
	}
	k := split(uint64(len(leaves)))
	l, r := MerkleRoot(leaves[:k]), MerkleRoot(leaves[k:])
	return sum(append(append([]byte{1}, l[:]...), r[:]...))
}

// DType is the element type of a tensor in a preimage, with ONNX's numbers, which are never reused.
type DType uint8

// The element types of inputs and outputs. Traces hold others as well.
const (
	Float32 DType = 1
	Uint8   DType = 2
	Int8    DType = 3
	Int32   DType = 6
	Int64   DType = 7
	Bool    DType = 9
)

// widths are the bytes of an element by ONNX's number. Types of fewer than eight bits take a byte each.
var widths = [...]uint8{
	1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 16: 2, 17: 1, 18: 1, 19: 1, 20: 1,
	21: 1, 22: 1, 23: 1, 24: 1, 25: 1, 26: 1,
}

// Size is the width of an element in bytes, zero for an unknown type.
func (d DType) Size() int {
	if int(d) >= len(widths) {
		return 0
	}
	return int(widths[d])
}

// TileElements is the number of elements in a tile of a tensor commitment.
const TileElements = 4096

// TensorRoot commits to a row-major, contiguous, little-endian tensor: the Merkle root
// over its tiles of [TileElements] elements, under a header of dtype, shape and tile count.
// It fails when data does not have the length that dtype and shape name.
func TensorRoot(dtype DType, shape []uint64, data []byte) (Hash, error) {
	tiles, err := tilesOf(dtype, shape, data)
	if err != nil {
		return Hash{}, err
	}
	return tensorRoot(dtype, shape, uint64(len(tiles)), MerkleRoot(tiles)), nil
}

// TensorBytes is the length of a tensor's data, with overflow refused.
func TensorBytes(dtype DType, shape []uint64) (uint64, error) {
	n := uint64(dtype.Size())
	if n == 0 {
		return 0, fmt.Errorf("tensor has unknown element type %d", dtype)
	}
	if len(shape) > 8 {
		return 0, fmt.Errorf("tensor has %d dimensions, at most 8 are allowed", len(shape))
	}
	for _, d := range shape {
		if d != 0 && n > (1<<40)/d {
			return 0, fmt.Errorf("tensor of shape %v is too large", shape)
		}
		n *= d
	}
	return n, nil
}

// OutputRoot commits to a job's output: the Merkle root over its items' tensor roots.
func OutputRoot(items []Hash) Hash { return list("assay/output/1", items) }

// TextItem commits to an item that was submitted as UTF-8 text.
func TextItem(text []byte) Hash {
	return NewPreimage("assay/item/1").Uint(1).Bytes(text).Sum()
}

// TokensItem commits to an item that was submitted as token ids.
func TokensItem(ids []uint32) Hash {
	b := make([]byte, 0, 4*len(ids))
	for _, id := range ids {
		b = binary.BigEndian.AppendUint32(b, id)
	}
	return NewPreimage("assay/item/1").Uint(2).Bytes(b).Sum()
}

// InputHash commits to what the caller submitted, item by item.
func InputHash(items []Hash) Hash { return list("assay/input/1", items) }

func list(tag string, items []Hash) Hash {
	leaves := make([][]byte, len(items))
	for i := range items {
		leaves[i] = items[i][:]
	}
	root := MerkleRoot(leaves)
	return NewPreimage(tag).Uint(uint64(len(items))).Bytes(root[:]).Sum()
}

// ModelRoot names a model: the hash of its manifest, which binds files, tokeniser,
// pooling, normalisation and executor version.
func ModelRoot(manifest []byte) Hash { return NewPreimage("assay/model/1").Bytes(manifest).Sum() }

// ModuleRoot names a Wasm module in the registry.
func ModuleRoot(module Hash) Hash { return NewPreimage("assay/module/1").Bytes(module[:]).Sum() }

// NetworkID names a network by its root key (DER), so that no commitment of a local
// network is valid on another.
func NetworkID(rootKey []byte) Hash { return NewPreimage("assay/network/1").Bytes(rootKey).Sum() }

// Parameters are the terms of a job that a provider must know to compute it.
type Parameters struct {
	Class      string // "exact", "tolerance", "attested"
	Redundancy uint8  // how many providers are drawn
}

// Sum is the parameters' hash.
func (p Parameters) Sum() Hash {
	return NewPreimage("assay/parameters/1").Text(p.Class).Uint(uint64(p.Redundancy)).Sum()
}

// Work is what a provider was asked to compute, named without ambiguity.
type Work struct {
	Network  Hash
	Job      JobID
	Attempt  uint32 // the fencing token: a late answer with an older one is refused
	Executor []byte // raw principal of the provider's worker key
	Model    Hash
	Input    Hash
}

func (w Work) fields(tag string) *Preimage {
	return NewPreimage(tag).Bytes(w.Network[:]).Text(w.Job.Market).Uint(w.Job.Seq).Uint(uint64(w.Attempt)).
		Bytes(w.Executor).Bytes(w.Model[:]).Bytes(w.Input[:])
}

// Commit binds a provider to an output before it is shown. The executor in the work
// stops copying another's commit, the salt stops guessing small output sets.
func Commit(w Work, output Hash, salt []byte) Hash {
	return w.fields("assay/commit/1").Bytes(output[:]).Bytes(salt).Sum()
}

// Assignment is one provider's share of a job, as the certified tree holds it.
type Assignment struct {
	Work
	Operator   []byte // raw principal of the provider
	Parameters Hash
	Phase      string // "deliver", "commit", "reveal"
	Deadline   uint64 // ns since 1970
}

// Sum is the assignment's hash, the value under /assignments/<operator>/<job>.
func (a Assignment) Sum() Hash {
	return a.fields("assay/assignment/1").Bytes(a.Operator).Bytes(a.Parameters[:]).Text(a.Phase).Uint(a.Deadline).Sum()
}

// Draw is the number that orders candidates for a purpose ("provider", "audit"):
// lowest first. Beacon is the 32 bytes of raw_rand requested after the job was fixed.
func Draw(beacon []byte, job JobID, item uint32, attempt uint32, purpose string, candidate []byte) Hash {
	return NewPreimage("assay/draw/1").Bytes(beacon).Text(job.Market).Uint(job.Seq).Uint(uint64(item)).
		Uint(uint64(attempt)).Text(purpose).Bytes(candidate).Sum()
}

// SeqLabel is a job's label in the certified tree: its counter as eight bytes big-endian.
func SeqLabel(seq uint64) []byte { return binary.BigEndian.AppendUint64(nil, seq) }
