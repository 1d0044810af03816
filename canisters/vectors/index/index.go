// Package index is the core of the vectors canister: collections of vectors with their
// texts, who may change and search them, and how much fits.
//
// The canister's edge calls it with a caller and plain values; it reads and writes an
// ordered [Store] and decides everything else. Nearest vectors are vectordb/flat's work.
//
// # Layout
//
//	"h"                      u8 version = 1 · u32 next collection number · u64 bytes held
//	"c" · name               u8 version = 1 · u32 number · u32 dimension · u8 public · u64 entries · owner
//	"v" · u32 number · id    a vector, see vectordb/flat
//	"t" · u32 number · id    the vector's text
//
// Numbers are big-endian. A version other than 1 is refused. A number is never used for a
// second collection.
package index

import (
	"encoding/binary"
	"fmt"
	"math"
	"strings"
	"unicode/utf8"

	"assay/vectordb/flat"
	"assay/vectordb/kernel"
)

// What fits. Bytes are of ids, quantised vectors and texts.
const (
	MaxDimension   = kernel.MaxDimension
	MaxNameBytes   = 64
	MaxIDBytes     = 256
	MaxTextBytes   = 4 << 10
	MaxHits        = 100
	MaxCollections = 1000      // in the canister
	MaxOwned       = 20        // by one owner
	MaxUpsertBytes = 1_900_000 // of one upsert, vectors counted as they come: four bytes a dimension
	MaxDeletes     = 10_000    // ids of one call
	MaxBytes       = 4 << 30   // of all collections
)

// What one query can compare: an execution of 5 G instructions, less a reserve, at what
// an entry was measured to take in the module, rounded up.
const (
	searchInstructions    = 3_500_000_000
	entryInstructions     = 2_500
	dimensionInstructions = 32
)

// Capacity is the number of entries that a collection of that dimension may hold.
func Capacity(dimension uint32) uint64 {
	return searchInstructions / (entryInstructions + dimensionInstructions*uint64(dimension))
}

// Failure is a refusal that changed nothing, in words for the caller.
type Failure struct{ Message string }

func (f *Failure) Error() string { return f.Message }

func refuse(format string, args ...any) error { return &Failure{fmt.Sprintf(format, args...)} }

// Store is the ordered map that everything is kept in.
type Store = flat.Store

// Index is all collections. It holds no data itself.
type Index struct{ store Store }

// Open reads collections from the store, which may be empty. It fails when another
// version wrote them.
func Open(store Store) (*Index, error) {
	x := &Index{store}
	_, err := x.header()
	return x, err
}

// Collection describes a collection.
type Collection struct {
	Name      string
	Owner     string // raw bytes of a principal
	Dimension uint32
	Entries   uint64
	Public    bool

	number uint32
}

// Entry is a vector with its text.
type Entry struct {
	ID     string
	Vector []byte // float32 little-endian
	Text   string
}

// Hit is an entry near a query.
type Hit struct {
	ID, Text string
	Score    float64 // cosine of the quantised vectors
	Dot      int64   // of the quantised vectors
}

// Create makes an empty collection that belongs to the caller.
func (x *Index) Create(caller, name string, dimension uint32, public bool) error {
	if err := checkName(name); err != nil {
		return err
	}
	if dimension == 0 || dimension > MaxDimension {
		return refuse("%d dimensions, want 1 to %d", dimension, MaxDimension)
	}
	if _, taken := x.store.Get(collectionKey(name)); taken {
		return refuse("there is a collection %q already", name)
	}
	total, owned := 0, 0
	if err := x.each(func(c *Collection) {
		total++
		if c.Owner == caller {
			owned++
		}
	}); err != nil {
		return err
	}
	if total >= MaxCollections || owned >= MaxOwned {
		return refuse("at most %d collections fit here, %d of one owner", MaxCollections, MaxOwned)
	}
	h, err := x.header()
	if err != nil {
		return err
	}
	c := Collection{Name: name, Owner: caller, Dimension: dimension, Public: public, number: h.next}
	h.next++
	x.putHeader(h)
	x.putCollection(&c)
	return nil
}

func checkName(name string) error {
	if name == "" || len(name) > MaxNameBytes || !utf8.ValidString(name) || strings.ContainsFunc(name, isControl) {
		return refuse("collection name of %d bytes, want 1 to %d of text without controls", len(name), MaxNameBytes)
	}
	return nil
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f }

// Collections are those that the caller may search, by name.
func (x *Index) Collections(caller string) (list []Collection, err error) {
	err = x.each(func(c *Collection) {
		if c.Public || c.Owner == caller {
			list = append(list, *c)
		}
	})
	return list, err
}

// owned finds a collection that the caller may change.
func (x *Index) owned(caller, name string) (*Collection, error) {
	c, err := x.collection(name)
	if err != nil {
		return nil, err
	}
	if c.Owner != caller {
		if !c.Public {
			return nil, unknown(name)
		}
		return nil, refuse("only the owner of collection %q may change it", name)
	}
	return c, nil
}

// unknown is what others than the owner of a private collection are told, too.
func unknown(name string) error { return refuse("there is no collection %.70q that you may use", name) }

// Upsert stores entries, in place of those with the same ids, all of them or none. Of
// entries with one id the last stays. It returns the number of entries given.
func (x *Index) Upsert(caller, name string, entries []Entry) (uint64, error) {
	c, err := x.owned(caller, name)
	if err != nil {
		return 0, err
	}
	codes, err := prepare(c, entries)
	if err != nil {
		return 0, err
	}
	h, err := x.header()
	if err != nil {
		return 0, err
	}
	added, grown := x.growth(c, entries)
	if most := Capacity(c.Dimension); c.Entries+added > most {
		return 0, refuse("collection %q would hold %d entries, at most %d of %d dimensions fit", name, c.Entries+added, most, c.Dimension)
	}
	if int64(h.bytes)+grown > MaxBytes {
		return 0, refuse("the canister is full: %d bytes are held, at most %d fit", h.bytes, int64(MaxBytes))
	}
	vectors := c.vectors(x.store)
	for i, e := range entries {
		vectors.Put(e.ID, codes[i])
		x.store.Put(c.textKey(e.ID), []byte(e.Text))
	}
	c.Entries += added
	h.bytes = uint64(int64(h.bytes) + grown)
	x.putHeader(h)
	x.putCollection(c)
	return uint64(len(entries)), nil
}

// growth is how many entries and bytes an upsert adds.
func (x *Index) growth(c *Collection, entries []Entry) (added uint64, bytes int64) {
	last := make(map[string]int, len(entries))
	for i := range entries {
		last[entries[i].ID] = i
	}
	for i := range entries {
		e := &entries[i]
		if last[e.ID] != i {
			continue
		}
		if old, had := x.store.Get(c.textKey(e.ID)); had {
			bytes += int64(len(e.Text)) - int64(len(old))
		} else {
			added++
			bytes += c.size(e.ID, e.Text)
		}
	}
	return added, bytes
}

// size is what an entry counts in bytes.
func (c *Collection) size(id, text string) int64 {
	return int64(len(id)) + int64(c.Dimension) + int64(len(text))
}

// prepare checks entries and quantises their vectors.
func prepare(c *Collection, entries []Entry) ([]kernel.Code, error) {
	total := 0
	for i := range entries {
		total += len(entries[i].ID) + len(entries[i].Vector) + len(entries[i].Text)
	}
	if total > MaxUpsertBytes {
		return nil, refuse("upsert of %d bytes, at most %d at once", total, MaxUpsertBytes)
	}
	codes := make([]kernel.Code, len(entries))
	for i := range entries {
		e := &entries[i]
		if e.ID == "" || len(e.ID) > MaxIDBytes {
			return nil, refuse("entry %d: id of %d bytes, want 1 to %d", i, len(e.ID), MaxIDBytes)
		}
		if len(e.Text) > MaxTextBytes {
			return nil, refuse("entry %q: text of %d bytes, at most %d", e.ID, len(e.Text), MaxTextBytes)
		}
		code, err := c.quantize(e.Vector)
		if err != nil {
			return nil, refuse("entry %q: %v", e.ID, err)
		}
		codes[i] = code
	}
	return codes, nil
}

func (c *Collection) quantize(b []byte) (kernel.Code, error) {
	if uint64(len(b)) != 4*uint64(c.Dimension) {
		return nil, fmt.Errorf("vector of %d bytes, want %d: float32 little-endian, %d dimensions", len(b), 4*c.Dimension, c.Dimension)
	}
	v := make([]float32, c.Dimension)
	for i := range v {
		v[i] = math.Float32frombits(binary.LittleEndian.Uint32(b[4*i:]))
	}
	return kernel.Quantize(v)
}

// Delete removes entries and returns how many were there.
func (x *Index) Delete(caller, name string, ids []string) (uint64, error) {
	c, err := x.owned(caller, name)
	if err != nil {
		return 0, err
	}
	if len(ids) > MaxDeletes {
		return 0, refuse("%d ids, at most %d at once", len(ids), MaxDeletes)
	}
	h, err := x.header()
	if err != nil {
		return 0, err
	}
	vectors := c.vectors(x.store)
	var gone uint64
	for _, id := range ids {
		if id == "" || len(id) > MaxIDBytes || !vectors.Delete(id) {
			continue
		}
		text, _ := x.store.Get(c.textKey(id))
		x.store.Delete(c.textKey(id))
		h.bytes -= min(h.bytes, uint64(c.size(id, string(text))))
		gone++
	}
	c.Entries -= min(c.Entries, gone)
	x.putHeader(h)
	x.putCollection(c)
	return gone, nil
}

// Search returns the k entries nearest to a vector. Anybody may search a public
// collection, its owner alone a private one.
func (x *Index) Search(caller, name string, vector []byte, k uint32) ([]Hit, error) {
	c, err := x.collection(name)
	if err != nil {
		return nil, err
	}
	if !c.Public && c.Owner != caller {
		return nil, unknown(name)
	}
	if k == 0 || k > MaxHits {
		return nil, refuse("%d hits asked for, want 1 to %d", k, MaxHits)
	}
	query, err := c.quantize(vector)
	if err != nil {
		return nil, refuse("query: %v", err)
	}
	near, err := c.vectors(x.store).Search(query, int(k))
	if err != nil {
		return nil, fmt.Errorf("search collection %q: %w", name, err)
	}
	hits := make([]Hit, len(near))
	for i, n := range near {
		text, _ := x.store.Get(c.textKey(n.ID))
		hits[i] = Hit{ID: n.ID, Text: string(text), Score: n.Score, Dot: n.Dot}
	}
	return hits, nil
}
