package flat

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"assay/vectordb/kernel"
)

// sorted is a store in order of keys, the obvious way.
type sorted struct{ entries []entry }

type entry struct{ key, value []byte }

func (s *sorted) find(key []byte) (int, bool) {
	return slices.BinarySearchFunc(s.entries, key, func(e entry, k []byte) int { return bytes.Compare(e.key, k) })
}

func (s *sorted) Get(key []byte) ([]byte, bool) {
	if i, ok := s.find(key); ok {
		return s.entries[i].value, true
	}
	return nil, false
}

func (s *sorted) Put(key, value []byte) {
	i, ok := s.find(key)
	if !ok {
		s.entries = slices.Insert(s.entries, i, entry{key: bytes.Clone(key)})
	}
	s.entries[i].value = bytes.Clone(value)
}

func (s *sorted) Delete(key []byte) {
	if i, ok := s.find(key); ok {
		s.entries = slices.Delete(s.entries, i, i+1)
	}
}

func (s *sorted) Scan(from []byte, visit func(key, value []byte) bool) {
	i, _ := s.find(from)
	for _, e := range s.entries[i:] {
		if !visit(bytes.Clone(e.key), bytes.Clone(e.value)) {
			return
		}
	}
}

func code(t testing.TB, x Index, v ...float32) kernel.Code {
	t.Helper()
	c, err := x.Quantize(v)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func search(t testing.TB, x Index, query kernel.Code, k int) []Hit {
	t.Helper()
	hits, err := x.Search(query, k)
	if err != nil {
		t.Fatal(err)
	}
	return hits
}

func names(hits []Hit) string {
	var ids []string
	for _, h := range hits {
		ids = append(ids, h.ID)
	}
	return strings.Join(ids, " ")
}

func TestSearch(t *testing.T) {
	store := &sorted{}
	x := New(store, "v", 2)
	store.Put([]byte("u"), []byte("before"))
	store.Put([]byte("w"), []byte("after"))
	for id, v := range map[string][]float32{"east": {1, 0}, "north": {0, 1}, "west": {-1, 0}, "northeast": {1, 1}, "east-again": {5, 0}, "south": {0, -3}} {
		if !x.Put(id, code(t, x, v...)) {
			t.Errorf("%s is not new", id)
		}
	}
	query := code(t, x, 1, 0.2)
	if got, want := names(search(t, x, query, 10)), "east east-again northeast north south west"; got != want {
		t.Errorf("order %q, want %q", got, want)
	}
	if got, want := names(search(t, x, query, 2)), "east east-again"; got != want {
		t.Errorf("two nearest %q, want %q", got, want)
	}
	if x.Put("east", code(t, x, -1, -1)) {
		t.Error("east is new again")
	}
	if !x.Delete("east-again") || x.Delete("east-again") {
		t.Error("deleting once and again")
	}
	if got, want := names(search(t, x, query, 1)), "northeast"; got != want {
		t.Errorf("after changes %q, want %q", got, want)
	}
	if hits := search(t, x, query, 0); len(hits) != 0 {
		t.Errorf("no hits wanted, got %v", hits)
	}
	if _, err := x.Search(query[:1], 1); err == nil {
		t.Error("a short query was taken")
	}
	if _, err := x.Quantize([]float32{1}); err == nil {
		t.Error("a short vector was taken")
	}
	store.Put([]byte("vbroken"), []byte{1, 2, 3})
	if _, err := x.Search(query, 1); err == nil {
		t.Error("a broken record was read")
	}
}

// TestAgainstSorting compares with a full sort, with vectors from so few values that
// many are equal.
func TestAgainstSorting(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 50 {
		x := New(&sorted{}, "p/", 3)
		var all []Hit
		query := code(t, x, vector(r)...)
		for i := range r.IntN(60) {
			id := fmt.Sprintf("%02d", i)
			c := code(t, x, vector(r)...)
			x.Put(id, c)
			all = append(all, Hit{ID: id, Dot: kernel.Dot(query, c), Score: kernel.Cosine(kernel.Dot(query, c), kernel.Norm(query), kernel.Norm(c)), norm: kernel.Norm(c)})
		}
		slices.SortFunc(all, func(a, b Hit) int {
			if order := kernel.Compare(a.Dot, a.norm, b.Dot, b.norm); order != 0 {
				return -order
			}
			return strings.Compare(a.ID, b.ID)
		})
		k := r.IntN(20)
		want := all[:min(k, len(all))]
		if diff := cmp.Diff(want, search(t, x, query, k), cmp.AllowUnexported(Hit{}), cmpopts.EquateEmpty()); diff != "" {
			t.Fatalf("round %d, k %d (-want +got):\n%s", round, k, diff)
		}
	}
}

func vector(r *rand.Rand) []float32 {
	for {
		v := []float32{float32(r.IntN(3) - 1), float32(r.IntN(3) - 1), float32(r.IntN(3) - 1)}
		if v[0] != 0 || v[1] != 0 || v[2] != 0 {
			return v
		}
	}
}
