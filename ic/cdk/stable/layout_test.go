package stable_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand"
	"testing"

	"assay/ic/cdk/stable"
)

// fill writes one structure of each kind into regions, always the same.
func fill(t *testing.T, mem *stable.Heap) {
	t.Helper()
	m, err := stable.Open(mem)
	if err != nil {
		t.Fatal(err)
	}
	kv := stable.NewMap(m.Region(16))
	for i := range 300 {
		if err := kv.Put(fmt.Appendf(nil, "key %d", i*37%300), bytes.Repeat([]byte{byte(i)}, i*11%2000)); err != nil {
			t.Fatal(err)
		}
	}
	for i := range 100 {
		kv.Delete(fmt.Appendf(nil, "key %d", i*3))
	}
	log := stable.NewLog(m.Region(17), m.Region(18))
	for i := range 50 {
		if _, err := log.Append(fmt.Appendf(nil, "entry %d", i)); err != nil {
			t.Fatal(err)
		}
	}
}

// The layouts of version 1. A change here is a new version and needs a way to read this one.
func TestLayouts(t *testing.T) {
	t.Parallel()
	mem := &stable.Heap{}
	fill(t, mem)
	if got, want := hex.EncodeToString(mem.Bytes[:16]), "4143444b010008000400000000000000"; got != want {
		t.Errorf("manager's head %s, want %s", got, want)
	}
	if got, want := hex.EncodeToString(mem.Bytes[1<<17:][:41]), "534d4150010000000300000000000000c8000000000000001100000000000000970000000000000000"; got != want {
		t.Errorf("map's head %s, want %s", got, want)
	}
	wantGolden(t, "manager_map_log_1.gz", mem)
}

// What the first release of the layout wrote, and what this code writes, is read.
func TestOpenGolden(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"manager_map_log_1_first.gz", "manager_map_log_1.gz"} {
		m, err := stable.Open(loadGolden(t, name))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		want := model{}
		for i := range 300 {
			want[fmt.Sprint("key ", i*37%300)] = string(bytes.Repeat([]byte{byte(i)}, i*11%2000))
		}
		for i := range 100 {
			delete(want, fmt.Sprint("key ", i*3))
		}
		kv := stable.NewMap(m.Region(16))
		compare(t, 0, kv, want, "")
		if err := kv.Check(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		log := stable.NewLog(m.Region(17), m.Region(18))
		if e, ok := log.Get(49); string(e) != "entry 49" || !ok || log.Len() != 50 || log.Check() != nil {
			t.Errorf("%s: entry 49 is %q of %d; %v", name, e, log.Len(), log.Check())
		}
		if err := kv.Put([]byte("new"), make([]byte, 3000)); err != nil || kv.Check() != nil {
			t.Errorf("%s: put: %v, %v", name, err, kv.Check())
		}
	}
}

// Everything is read again by new values over the same bytes.
func TestReopen(t *testing.T) {
	t.Parallel()
	mem := &stable.Heap{}
	fill(t, mem)
	m, err := stable.Open(&stable.Heap{Bytes: bytes.Clone(mem.Bytes)})
	if err != nil {
		t.Fatal(err)
	}
	kv := stable.NewMap(m.Region(16))
	if v, ok := kv.Get([]byte("key 299")); !ok || len(v) == 0 || kv.Len() != 200 {
		t.Errorf("key 299: %d bytes, %v; %d entries", len(v), ok, kv.Len())
	}
	log := stable.NewLog(m.Region(17), m.Region(18))
	if e, ok := log.Get(49); string(e) != "entry 49" || !ok || log.Len() != 50 {
		t.Errorf("entry 49: %q", e)
	}
	n := uint64(47)
	log.Scan(n, func(i uint64, e []byte) bool {
		if i != n || string(e) != fmt.Sprint("entry ", n) {
			t.Errorf("scan gives %d %q, want %d", i, e, n)
		}
		n++
		return true
	})
	if _, ok := log.Get(50); ok || n != 50 {
		t.Errorf("entry 50 is there: %v; the scan ended at %d", ok, n)
	}
}

func TestManagerRefuses(t *testing.T) {
	t.Parallel()
	good := &stable.Heap{}
	fill(t, good)
	for name, change := range map[string]func(b []byte) []byte{
		"other magic":           func(b []byte) []byte { b[0]++; return b },
		"later version":         func(b []byte) []byte { b[4]++; return b },
		"other bucket size":     func(b []byte) []byte { b[6]++; return b },
		"too many buckets":      func(b []byte) []byte { b[11] = 1; return b },
		"bucket without region": func(b []byte) []byte { b[1<<16] = 255; return b },
		"region too large":      func(b []byte) []byte { b[16+8*16] = 200; return b },
		"cut short":             func(b []byte) []byte { return b[:1<<16] },
	} {
		_, err := stable.Open(&stable.Heap{Bytes: change(bytes.Clone(good.Bytes))})
		if layout := (*stable.LayoutError)(nil); !errors.As(err, &layout) {
			t.Errorf("%s: %v, want a LayoutError", name, err)
		}
	}
}

// Regions that grow in turn keep their own bytes, and one cannot read beyond its size.
func TestRegions(t *testing.T) {
	t.Parallel()
	m, err := stable.Open(&stable.Heap{})
	if err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewSource(3))
	var want [3][]byte
	for range 40 {
		n := rng.Intn(3)
		r := m.Region(uint8(20 + n))
		if err := r.Grow(uint64(rng.Intn(7))); err != nil {
			t.Fatal(err)
		}
		want[n] = append(want[n], make([]byte, int(r.Size())*stable.PageBytes-len(want[n]))...)
		if len(want[n]) == 0 {
			continue
		}
		at := rng.Intn(len(want[n]))
		data := make([]byte, min(rng.Intn(2<<20), len(want[n])-at))
		rng.Read(data)
		r.WriteAt(data, uint64(at))
		copy(want[n][at:], data)
	}
	for n := range want {
		got := make([]byte, len(want[n]))
		r := m.Region(uint8(20 + n))
		r.ReadAt(got, 0)
		if !bytes.Equal(got, want[n]) {
			t.Errorf("region %d differs", n)
		}
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("region %d can be read beyond its size", n)
				}
			}()
			r.ReadAt(make([]byte, 2), uint64(len(got))-1)
		}()
	}
}

func TestManagerFull(t *testing.T) {
	t.Parallel()
	m, err := stable.Open(&stable.Heap{MaxPages: 2 + 2*stable.BucketPages})
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Region(30).Grow(2 * stable.BucketPages); err != nil {
		t.Fatal(err)
	}
	for _, pages := range []uint64{1, 1 << 40, 1<<64 - 1} {
		if err := m.Region(31).Grow(pages); !errors.Is(err, stable.ErrFull) || m.Region(31).Size() != 0 {
			t.Errorf("grow by %d: %v", pages, err)
		}
	}
}

// FuzzMapMemory changes bytes of a map's memory: every operation ends, with a result or
// with a panic, and asks for no more memory than a value may have.
func FuzzMapMemory(f *testing.F) {
	mem := &stable.Heap{}
	kv := stable.NewMap(mem)
	for i := range 400 {
		if err := kv.Put(fmt.Appendf(nil, "%d", i), bytes.Repeat([]byte("v"), i*5)); err != nil {
			f.Fatal(err)
		}
	}
	f.Add(uint32(8), []byte{1, 0}, []byte("7"))
	f.Add(uint32(4096+4), []byte{0xff, 0xff}, []byte("7"))
	f.Add(uint32(2*4096+8), []byte{2}, []byte("99"))
	f.Add(uint32(24), []byte{3, 0, 0, 0, 0, 0, 0, 0}, []byte("new"))
	f.Fuzz(func(t *testing.T, at uint32, change, key []byte) {
		b := bytes.Clone(mem.Bytes)
		if len(change) > 64 || len(key) > 64 {
			return
		}
		copy(b[int(at)%len(b):], change)
		kv := stable.NewMap(&stable.Heap{Bytes: b, MaxPages: 4096})
		for _, op := range []func(){
			func() { kv.Get(key) },
			func() { kv.Scan(key, func([]byte, []byte) bool { return true }) },
			func() { _ = kv.Put(key, change) },
			func() { kv.Delete(key) },
			func() { kv.Last() },
		} {
			func() {
				defer func() { _ = recover() }()
				op()
			}()
		}
	})
}
