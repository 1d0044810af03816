// Package flat is a vector index that compares a query with every vector it holds, so it
// never misses a neighbour and a new vector is found by the next search.
//
// The vectors canister keeps collections in it; anybody may run the same code natively to
// recompute an answer, which is the same to the bit. It keeps its data in an ordered
// [Store] that the caller brings, under keys that begin with the caller's prefix:
//
//	prefix · id  →  u32 little-endian squared length · one int8 a dimension
//
// Texts and owners of vectors are the caller's business.
package flat

import (
	"encoding/binary"
	"fmt"

	"assay/vectordb/kernel"
)

// Store is an ordered map, such as a map in stable memory.
type Store interface {
	Get(key []byte) ([]byte, bool)
	Put(key, value []byte)
	Delete(key []byte)
	// Scan visits keys from the first that is not below from, in order, until visit
	// returns false. The slices are valid during the visit alone.
	Scan(from []byte, visit func(key, value []byte) bool)
}

const normBytes = 4

// MaxHits is the largest number of hits that a search returns.
const MaxHits = 1000

// Hit is a vector near a query.
type Hit struct {
	ID    string
	Dot   int64   // of the quantised vectors
	Score float64 // their cosine
	norm  uint32
}

// nearer orders hits: higher cosine first, then the lower id.
func (h *Hit) nearer(o *Hit) bool {
	if order := kernel.Compare(h.Dot, h.norm, o.Dot, o.norm); order != 0 {
		return order > 0
	}
	return h.ID < o.ID
}

// Index is the vectors under one prefix. It holds no data itself.
type Index struct {
	store     Store
	prefix    string
	dimension int
}

// New is the index under prefix. No other key of the store may begin with it.
func New(store Store, prefix string, dimension int) Index { return Index{store, prefix, dimension} }

// Quantize checks a vector's dimension and quantises it.
func (x Index) Quantize(v []float32) (kernel.Code, error) {
	if len(v) != x.dimension {
		return nil, fmt.Errorf("vector of %d dimensions, want %d", len(v), x.dimension)
	}
	return kernel.Quantize(v)
}

func (x Index) key(id string) []byte { return append([]byte(x.prefix), id...) }

// Put stores a quantised vector, in place of one with the same id if there is one. It
// reports whether the id is new.
func (x Index) Put(id string, code kernel.Code) bool {
	key := x.key(id)
	_, had := x.store.Get(key)
	record := binary.LittleEndian.AppendUint32(make([]byte, 0, normBytes+len(code)), kernel.Norm(code))
	x.store.Put(key, append(record, code...))
	return !had
}

// Delete removes a vector and reports whether it was there.
func (x Index) Delete(id string) bool {
	key := x.key(id)
	if _, had := x.store.Get(key); !had {
		return false
	}
	x.store.Delete(key)
	return true
}

// Search returns the k vectors nearest to the query by cosine, nearest first and lower
// ids first among equals; fewer when the index holds fewer. k above [MaxHits] is cut.
// A record that [Index.Put] did not write is an error.
func (x Index) Search(query kernel.Code, k int) ([]Hit, error) {
	if len(query) != x.dimension {
		return nil, fmt.Errorf("query of %d dimensions, want %d", len(query), x.dimension)
	}
	best := nearest{k: min(k, MaxHits)}
	var bad error
	x.store.Scan([]byte(x.prefix), func(key, value []byte) bool {
		if len(key) < len(x.prefix) || string(key[:len(x.prefix)]) != x.prefix {
			return false
		}
		if len(value) != normBytes+x.dimension {
			bad = fmt.Errorf("vector %q has %d bytes, want %d", key[len(x.prefix):], len(value), normBytes+x.dimension)
			return false
		}
		best.offer(kernel.Dot(query, value[normBytes:]), binary.LittleEndian.Uint32(value), key[len(x.prefix):])
		return true
	})
	if bad != nil {
		return nil, bad
	}
	hits := best.sorted()
	norm := kernel.Norm(query)
	for i := range hits {
		hits[i].Score = kernel.Cosine(hits[i].Dot, norm, hits[i].norm)
	}
	return hits, nil
}
