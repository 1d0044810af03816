package book

import (
	"slices"
	"strings"
)

// Memory is a [Store] on the heap, for tests, simulators and native uses. The zero value
// is empty and ready.
type Memory struct {
	keys   []string // sorted
	values map[string][]byte
}

// Get returns a copy of the value.
func (m *Memory) Get(key []byte) ([]byte, bool) {
	v, ok := m.values[string(key)]
	return slices.Clone(v), ok
}

// Put copies key and value.
func (m *Memory) Put(key, value []byte) {
	k := string(key)
	if m.values == nil {
		m.values = map[string][]byte{}
	}
	if _, ok := m.values[k]; !ok {
		at, _ := slices.BinarySearch(m.keys, k)
		m.keys = slices.Insert(m.keys, at, k)
	}
	m.values[k] = slices.Clone(value)
}

// Delete removes a key, if it is there.
func (m *Memory) Delete(key []byte) {
	k := string(key)
	if _, ok := m.values[k]; !ok {
		return
	}
	at, _ := slices.BinarySearch(m.keys, k)
	m.keys = slices.Delete(m.keys, at, at+1)
	delete(m.values, k)
}

// Scan visits the entries from a key on, in order.
func (m *Memory) Scan(from []byte, visit func(key, value []byte) bool) {
	at, _ := slices.BinarySearchFunc(m.keys, string(from), strings.Compare)
	for _, k := range m.keys[at:] {
		if !visit([]byte(k), m.values[k]) {
			return
		}
	}
}
