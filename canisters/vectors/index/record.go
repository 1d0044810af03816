package index

import (
	"encoding/binary"
	"fmt"

	"assay/vectordb/flat"
)

const recordVersion = 1

// LayoutError is returned for records that another version of this package wrote.
type LayoutError struct{ Key, Problem string }

func (e *LayoutError) Error() string {
	return fmt.Sprintf("stored record %q: %s", e.Key, e.Problem)
}

const (
	headerKey        = "h"
	collectionPrefix = "c"
	headerBytes      = 1 + 4 + 8
	collectionBytes  = 1 + 4 + 4 + 1 + 8 // and the owner
)

type header struct {
	next  uint32 // number of the next collection
	bytes uint64 // held by all of them
}

func (x *Index) header() (header, error) {
	b, ok := x.store.Get([]byte(headerKey))
	if !ok {
		return header{}, nil
	}
	if len(b) != headerBytes || b[0] != recordVersion {
		return header{}, &LayoutError{headerKey, fmt.Sprintf("%x is not of version %d", b, recordVersion)}
	}
	return header{binary.BigEndian.Uint32(b[1:]), binary.BigEndian.Uint64(b[5:])}, nil
}

func (x *Index) putHeader(h header) {
	b := binary.BigEndian.AppendUint32([]byte{recordVersion}, h.next)
	x.store.Put([]byte(headerKey), binary.BigEndian.AppendUint64(b, h.bytes))
}

func collectionKey(name string) []byte { return []byte(collectionPrefix + name) }

func (x *Index) putCollection(c *Collection) {
	b := binary.BigEndian.AppendUint32(append(make([]byte, 0, 64), recordVersion), c.number)
	b = binary.BigEndian.AppendUint32(b, c.Dimension)
	public := byte(0)
	if c.Public {
		public = 1
	}
	b = binary.BigEndian.AppendUint64(append(b, public), c.Entries)
	x.store.Put(collectionKey(c.Name), append(b, c.Owner...))
}

// collection finds a collection by name, whoever asks.
func (x *Index) collection(name string) (*Collection, error) {
	if len(name) > MaxNameBytes {
		return nil, unknown(name)
	}
	b, ok := x.store.Get(collectionKey(name))
	if !ok {
		return nil, unknown(name)
	}
	return readCollection(name, b)
}

func readCollection(name string, b []byte) (*Collection, error) {
	if len(b) < collectionBytes || b[0] != recordVersion || b[9] > 1 {
		return nil, &LayoutError{collectionPrefix + name, fmt.Sprintf("%x is not of version %d", b, recordVersion)}
	}
	return &Collection{
		Name:      name,
		number:    binary.BigEndian.Uint32(b[1:]),
		Dimension: binary.BigEndian.Uint32(b[5:]),
		Public:    b[9] == 1,
		Entries:   binary.BigEndian.Uint64(b[10:]),
		Owner:     string(b[collectionBytes:]),
	}, nil
}

// each visits all collections by name.
func (x *Index) each(visit func(*Collection)) (err error) {
	x.store.Scan([]byte(collectionPrefix), func(key, value []byte) bool {
		if len(key) == 0 || key[0] != collectionPrefix[0] {
			return false
		}
		var c *Collection
		if c, err = readCollection(string(key[1:]), value); err != nil {
			return false
		}
		visit(c)
		return true
	})
	return err
}

// vectors is the collection's index.
func (c *Collection) vectors(store Store) flat.Index {
	return flat.New(store, string(c.prefix('v')), int(c.Dimension))
}

func (c *Collection) textKey(id string) []byte { return append(c.prefix('t'), id...) }

func (c *Collection) prefix(kind byte) []byte {
	return binary.BigEndian.AppendUint32([]byte{kind}, c.number)
}
