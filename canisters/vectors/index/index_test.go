package index

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// memory is a store in a Go map; it visits keys in order by sorting them.
type memory map[string][]byte

func (m memory) Get(key []byte) ([]byte, bool) { v, ok := m[string(key)]; return v, ok }
func (m memory) Put(key, value []byte)         { m[string(key)] = bytes.Clone(value) }
func (m memory) Delete(key []byte)             { delete(m, string(key)) }

func (m memory) Scan(from []byte, visit func(key, value []byte) bool) {
	var keys []string
	for k := range m {
		if k >= string(from) {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	for _, k := range keys {
		if !visit([]byte(k), m[k]) {
			return
		}
	}
}

const alice, bob = "\x01alice", "\x01bob"

func vector(v ...float32) []byte {
	var b []byte
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}

func open(t testing.TB, store Store) *Index {
	t.Helper()
	x, err := Open(store)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// compass is an index with a public collection of alice's and a private one of bob's.
func compass(t testing.TB) (*Index, memory) {
	t.Helper()
	store := memory{}
	x := open(t, store)
	must(t, x.Create(alice, "compass", 2, true))
	must(t, x.Create(bob, "secret", 2, false))
	_, err := x.Upsert(alice, "compass", []Entry{
		{"n", vector(0, 1), "north"}, {"e", vector(1, 0), "east"}, {"s", vector(0, -1), "south"}, {"w", vector(-1, 0), "west"},
	})
	must(t, err)
	_, err = x.Upsert(bob, "secret", []Entry{{"x", vector(1, 1), "the treasure"}})
	must(t, err)
	return x, store
}

func texts(t testing.TB, x *Index, caller, name string, k uint32, v ...float32) string {
	t.Helper()
	hits, err := x.Search(caller, name, vector(v...), k)
	must(t, err)
	var out []string
	for _, h := range hits {
		out = append(out, h.Text)
	}
	return strings.Join(out, " ")
}

func TestSearch(t *testing.T) {
	x, _ := compass(t)
	if got, want := texts(t, x, bob, "compass", 2, 0.9, 0.3), "east north"; got != want {
		t.Errorf("nearest two are %q, want %q", got, want)
	}
	if got, want := texts(t, x, bob, "secret", 5, 0, 1), "the treasure"; got != want {
		t.Errorf("owner finds %q, want %q", got, want)
	}
	hits, err := x.Search(alice, "compass", vector(2, 0), 1)
	must(t, err)
	if diff := cmp.Diff([]Hit{{ID: "e", Text: "east", Score: 1, Dot: 127 * 127}}, hits); diff != "" {
		t.Errorf("hit (-want +got):\n%s", diff)
	}
}

func TestUpsertReplaces(t *testing.T) {
	x, store := compass(t)
	before := len(store)
	n, err := x.Upsert(alice, "compass", []Entry{{"e", vector(0, 5), "first"}, {"e", vector(0, -5), "last"}, {"up", vector(1, 1), ""}})
	must(t, err)
	if n != 3 || len(store) != before+2 {
		t.Errorf("stored %d, %d new keys; want 3 and 2", n, len(store)-before)
	}
	if got, want := texts(t, x, alice, "compass", 2, 0, -1), "last south"; got != want {
		t.Errorf("found %q, want %q", got, want)
	}
	list, err := x.Collections(alice)
	must(t, err)
	want := []Collection{{Name: "compass", Owner: alice, Dimension: 2, Entries: 5, Public: true}}
	if diff := cmp.Diff(want, list, cmpopts.IgnoreUnexported(Collection{})); diff != "" {
		t.Errorf("collections (-want +got):\n%s", diff)
	}
}

func TestDelete(t *testing.T) {
	x, _ := compass(t)
	n, err := x.Delete(alice, "compass", []string{"e", "e", "nobody", "", "w"})
	must(t, err)
	if n != 2 {
		t.Errorf("deleted %d, want 2", n)
	}
	if got, want := texts(t, x, alice, "compass", 9, 1, 0), "north south"; got != want {
		t.Errorf("left are %q, want %q", got, want)
	}
	if _, err := x.Delete(alice, "compass", []string{"n", "s"}); err != nil {
		t.Fatal(err)
	}
	if _, err := x.Delete(bob, "secret", []string{"x"}); err != nil {
		t.Fatal(err)
	}
	if h, _ := x.header(); h.bytes != 0 {
		t.Errorf("an empty index holds %d bytes", h.bytes)
	}
}

func TestBytesAreCounted(t *testing.T) {
	x, _ := compass(t)
	h, err := x.header()
	must(t, err)
	want := uint64(4*2 + 4 + len("northeastsouthwest") + 2 + 1 + len("the treasure"))
	if h.bytes != want {
		t.Errorf("%d bytes are held, want %d", h.bytes, want)
	}
}

func TestRefusalsChangeNothing(t *testing.T) {
	one := []Entry{{"a", vector(1, 0), "a"}}
	for name, call := range map[string]func(x *Index) error{
		"a name twice":          func(x *Index) error { return x.Create(alice, "compass", 2, true) },
		"a private name twice":  func(x *Index) error { return x.Create(alice, "secret", 2, true) },
		"no name":               func(x *Index) error { return x.Create(alice, "", 2, true) },
		"a long name":           func(x *Index) error { return x.Create(alice, strings.Repeat("x", 65), 2, true) },
		"a name with a newline": func(x *Index) error { return x.Create(alice, "a\nb", 2, true) },
		"no dimension":          func(x *Index) error { return x.Create(alice, "z", 0, true) },
		"too many dimensions":   func(x *Index) error { return x.Create(alice, "z", MaxDimension+1, true) },
		"another's collection":  upsert(bob, "compass", one),
		"a private collection":  upsert(alice, "secret", one),
		"an unknown collection": upsert(alice, "nowhere", one),
		"a name beyond limits":  upsert(alice, strings.Repeat("x", 1000), one),
		"a short vector":        upsert(alice, "compass", []Entry{one[0], {"b", vector(1), "b"}}),
		"a long vector":         upsert(alice, "compass", []Entry{one[0], {"b", vector(1, 2, 3), "b"}}),
		"NaN":                   upsert(alice, "compass", []Entry{one[0], {"b", vector(float32(math.NaN()), 1), "b"}}),
		"infinity":              upsert(alice, "compass", []Entry{one[0], {"b", vector(float32(math.Inf(1)), 1), "b"}}),
		"zero":                  upsert(alice, "compass", []Entry{one[0], {"b", vector(0, 0), "b"}}),
		"no id":                 upsert(alice, "compass", []Entry{one[0], {"", vector(1, 1), "b"}}),
		"a long id":             upsert(alice, "compass", []Entry{one[0], {strings.Repeat("x", MaxIDBytes+1), vector(1, 1), "b"}}),
		"a long text":           upsert(alice, "compass", []Entry{one[0], {"b", vector(1, 1), strings.Repeat("x", MaxTextBytes+1)}}),
		"too much at once":      upsert(alice, "compass", slices.Repeat([]Entry{{"a", vector(1, 1), strings.Repeat("x", MaxTextBytes)}}, 470)),
		"another's deletion":    func(x *Index) error { _, err := x.Delete(bob, "compass", []string{"n"}); return err },
		"too many deletions":    func(x *Index) error { _, err := x.Delete(alice, "compass", make([]string, MaxDeletes+1)); return err },
		"a search in private":   search(alice, "secret", vector(1, 0), 1),
		"a search in nothing":   search(alice, "nowhere", vector(1, 0), 1),
		"no hits wanted":        search(alice, "compass", vector(1, 0), 0),
		"too many hits wanted":  search(alice, "compass", vector(1, 0), MaxHits+1),
		"a short query":         search(alice, "compass", vector(1), 1),
		"a zero query":          search(alice, "compass", vector(0, 0), 1),
	} {
		x, store := compass(t)
		before := fmt.Sprint(store)
		err := call(x)
		var refused *Failure
		if !errors.As(err, &refused) {
			t.Errorf("%s: got %v, want a Failure", name, err)
		}
		if after := fmt.Sprint(store); after != before {
			t.Errorf("%s: the store changed", name)
		}
	}
}

func upsert(caller, name string, entries []Entry) func(*Index) error {
	return func(x *Index) error { _, err := x.Upsert(caller, name, entries); return err }
}

func search(caller, name string, v []byte, k uint32) func(*Index) error {
	return func(x *Index) error { _, err := x.Search(caller, name, v, k); return err }
}

func TestPrivateLooksLikeNothing(t *testing.T) {
	x, _ := compass(t)
	hidden := search(alice, "secret", vector(1, 0), 1)(x).Error()
	absent := search(alice, "nobody", vector(1, 0), 1)(x).Error()
	if strings.ReplaceAll(hidden, "secret", "nobody") != absent {
		t.Errorf("a private collection shows: %q against %q", hidden, absent)
	}
	list, err := x.Collections(alice)
	must(t, err)
	if len(list) != 1 || list[0].Name != "compass" {
		t.Errorf("alice sees %v, want compass alone", list)
	}
}

func TestLimitsOfTheWhole(t *testing.T) {
	x := open(t, memory{})
	for i := range MaxOwned {
		must(t, x.Create(alice, fmt.Sprint(i), 1, false))
	}
	var refused *Failure
	if err := x.Create(alice, "one more", 1, false); !errors.As(err, &refused) {
		t.Errorf("one collection too many: %v", err)
	}
	must(t, x.Create(bob, "bob's", MaxDimension, false))
	c, err := x.collection("bob's")
	must(t, err)
	c.Entries = Capacity(MaxDimension)
	x.putCollection(c)
	v := make([]float32, MaxDimension)
	v[0] = 1
	if _, err := x.Upsert(bob, "bob's", []Entry{{"a", vector(v...), ""}}); !errors.As(err, &refused) {
		t.Errorf("one entry too many: %v", err)
	}
	x.putHeader(header{next: 100, bytes: MaxBytes})
	if _, err := x.Upsert(alice, "1", []Entry{{"a", vector(1), ""}}); !errors.As(err, &refused) {
		t.Errorf("a full canister: %v", err)
	}
}

func TestOtherVersionsAreRefused(t *testing.T) {
	var layout *LayoutError
	for _, b := range [][]byte{{2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, {1}, {}} {
		if _, err := Open(memory{"h": b}); !errors.As(err, &layout) {
			t.Errorf("header %x: %v, want a LayoutError", b, err)
		}
	}
	x, store := compass(t)
	store["ccompass"][0] = 2
	if err := search(alice, "compass", vector(1, 0), 1)(x); !errors.As(err, &layout) {
		t.Errorf("collection of version 2: %v, want a LayoutError", err)
	}
	if _, err := x.Collections(alice); !errors.As(err, &layout) {
		t.Errorf("collections: %v, want a LayoutError", err)
	}
}

// TestLayoutGolden holds the bytes of version 1: a canister that was upgraded reads them.
func TestLayoutGolden(t *testing.T) {
	x := open(t, memory{})
	must(t, x.Create(alice, "c", 2, true))
	_, err := x.Upsert(alice, "c", []Entry{{"id", vector(1, -0.5), "text"}})
	must(t, err)
	var got strings.Builder
	x.store.Scan(nil, func(k, v []byte) bool { fmt.Fprintf(&got, "%x %x\n", k, v); return true })
	const want = "6363 01000000000000000201000000000000000101616c696365\n" +
		"68 01000000010000000000000008\n" +
		"74000000006964 74657874\n" +
		"76000000006964 014f00007fc0\n"
	if diff := cmp.Diff(want, got.String()); diff != "" {
		t.Errorf("stored bytes (-want +got):\n%s", diff)
	}
}
