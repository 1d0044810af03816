package stable_test

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand"
	"slices"
	"testing"

	"assay/ic/cdk/stable"
)

// model is the obvious map.
type model map[string]string

func (m model) keys() []string {
	var out []string
	for k := range m {
		out = append(out, k)
	}
	slices.Sort(out)
	return out
}

func compare(t *testing.T, step int, got *stable.Map, want model, from string) {
	t.Helper()
	if got.Len() != uint64(len(want)) {
		t.Fatalf("step %d: length %d, want %d", step, got.Len(), len(want))
	}
	keys := want.keys()
	at, _ := slices.BinarySearch(keys, from)
	keys = keys[at:]
	got.Scan([]byte(from), func(k, v []byte) bool {
		if len(keys) == 0 || string(k) != keys[0] || string(v) != want[keys[0]] {
			t.Fatalf("step %d: scan from %q gives %q, want next of %d", step, from, k, len(keys))
		}
		keys = keys[1:]
		return true
	})
	if len(keys) != 0 {
		t.Fatalf("step %d: scan from %q misses %d entries", step, from, len(keys))
	}
	last, _, ok := got.Last()
	if all := want.keys(); ok != (len(all) > 0) || ok && string(last) != all[len(all)-1] {
		t.Fatalf("step %d: last is %q, %v", step, last, ok)
	}
}

// The map against a Go map, under random operations of three shapes: short entries,
// keys and values of every length, and phases that grow and shrink.
func TestMapAgainstModel(t *testing.T) {
	t.Parallel()
	shapes := []struct {
		name               string
		keys, key, val     int
		steps, growPercent int
	}{
		{"short", 4000, 12, 20, 30000, 55},
		{"long keys", 300, stable.MaxKey, 1200, 8000, 52},
		{"long values", 60, 8, 20000, 3000, 60},
		{"few keys", 6, 2, 3000, 5000, 50},
	}
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			rng := rand.New(rand.NewSource(7))
			mem := &stable.Heap{}
			m, want := stable.NewMap(mem), model{}
			grow := s.growPercent
			for step := range s.steps {
				if step%(s.steps/6) == 0 {
					grow = 100 - grow
					compare(t, step, m, want, randomKey(rng, s.keys, s.key))
					m = stable.NewMap(mem)
				}
				k := randomKey(rng, s.keys, s.key)
				if rng.Intn(100) < grow {
					v := make([]byte, rng.Intn(s.val))
					rng.Read(v)
					if err := m.Put([]byte(k), v); err != nil {
						t.Fatal(err)
					}
					want[k] = string(v)
				} else {
					_, had := want[k]
					if got := m.Delete([]byte(k)); got != had {
						t.Fatalf("step %d: delete says %v, want %v", step, got, had)
					}
					delete(want, k)
				}
				k = randomKey(rng, s.keys, s.key)
				v, ok := m.Get([]byte(k))
				if w, had := want[k]; ok != had || string(v) != w || m.Has([]byte(k)) != had {
					t.Fatalf("step %d: get %q gives %d bytes, %v; want %d, %v", step, k, len(v), ok, len(w), had)
				}
			}
			for _, k := range want.keys() {
				if !m.Delete([]byte(k)) {
					t.Fatalf("%q is gone", k)
				}
				delete(want, k)
			}
			compare(t, s.steps, m, want, "")
		})
	}
}

// randomKey draws one of n keys, whose lengths spread up to most.
func randomKey(rng *rand.Rand, n, most int) string {
	i := rng.Intn(n)
	return fmt.Sprintf("%0*d", 1+(i*7919)%most, i)[:1+(i*7919)%most]
}

// What was deleted is used again: putting and deleting the same data does not grow the memory.
func TestMapReusesBlocks(t *testing.T) {
	t.Parallel()
	mem := &stable.Heap{}
	m := stable.NewMap(mem)
	var size uint64
	for round := range 6 {
		for i := range 2000 {
			if err := m.Put(fmt.Appendf(nil, "%d", i), make([]byte, i%5000)); err != nil {
				t.Fatal(err)
			}
		}
		for i := range 2000 {
			m.Delete(fmt.Appendf(nil, "%d", i))
		}
		if round == 0 {
			size = mem.Size()
		}
	}
	if mem.Size() != size {
		t.Errorf("six rounds take %d pages, one takes %d", mem.Size(), size)
	}
}

func TestMapRefuses(t *testing.T) {
	t.Parallel()
	m := stable.NewMap(&stable.Heap{MaxPages: 20})
	if err := m.Put(make([]byte, stable.MaxKey+1), nil); !errors.Is(err, stable.ErrKeyTooLong) {
		t.Errorf("long key: %v", err)
	}
	if err := m.Put(nil, make([]byte, stable.MaxValue+1)); !errors.Is(err, stable.ErrValueTooLong) {
		t.Errorf("long value: %v", err)
	}
	if err := m.Put([]byte("a"), []byte("kept")); err != nil {
		t.Fatal(err)
	}
	if err := m.Put([]byte("a"), make([]byte, 2<<20)); !errors.Is(err, stable.ErrFull) {
		t.Errorf("full memory: %v", err)
	}
	if v, _ := m.Get([]byte("a")); string(v) != "kept" {
		t.Errorf("after a refused put the value is %q", v)
	}
}

func TestMapPanicsOverForeignMemory(t *testing.T) {
	t.Parallel()
	mem := &stable.Heap{}
	_ = mem.Grow(1)
	mem.WriteAt(bytes.Repeat([]byte{7}, 100), 0)
	defer func() {
		var e *stable.LayoutError
		if err, ok := recover().(error); !ok || !errors.As(err, &e) {
			t.Errorf("panics with %v, want a LayoutError", err)
		}
	}()
	stable.NewMap(mem).Len()
}

func BenchmarkMapPut(b *testing.B) {
	m := stable.NewMap(&stable.Heap{})
	i := 0
	for b.Loop() {
		i++
		_ = m.Put(fmt.Appendf(nil, "%09d", i*7919%1000003), []byte("a value of some forty bytes, as they are"))
	}
}
