package certified_test

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"math/rand"
	"slices"
	"strings"
	"testing"

	"assay/ic/cdk/certified"
	"assay/ic/cdk/stable"
	"assay/ic/certificate/hashtree"
)

func path(s string) [][]byte {
	var p [][]byte
	for _, l := range strings.Split(s, "/") {
		p = append(p, []byte(l))
	}
	return p
}

func value(s string) []byte {
	sum := sha256.Sum256([]byte(s))
	return sum[:]
}

// witness decodes a witness and checks that it has the tree's root.
func witness(t *testing.T, tree *certified.Tree, paths ...string) hashtree.Node {
	t.Helper()
	var split [][][]byte
	for _, p := range paths {
		split = append(split, path(p))
	}
	b, err := tree.Witness(split...)
	if err != nil {
		t.Fatal(err)
	}
	n, err := hashtree.Decode(b)
	if err != nil {
		t.Fatalf("witness of %q: %v", paths, err)
	}
	if n.Digest() != tree.Root() {
		t.Fatalf("witness of %q has root %x, the tree %x", paths, n.Digest(), tree.Root())
	}
	return n
}

// A tree built in any order, with other leaves put and deleted meanwhile, has the root
// and the witnesses of one built in order.
func TestShapeDependsOnContentAlone(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewSource(1))
	paths := []string{"parameters"}
	for i := range 150 {
		paths = append(paths, fmt.Sprintf("receipts/%04d", i), fmt.Sprintf("assignments/op%d/%d", i%5, i))
	}
	var want []byte
	for round := range 5 {
		mem := &stable.Heap{}
		tree := certified.New(mem)
		rng.Shuffle(len(paths), func(i, j int) { paths[i], paths[j] = paths[j], paths[i] })
		for i, p := range paths {
			extra := path(fmt.Sprintf("receipts/x%d", i))
			must(t, tree.Put(extra, nil))
			must(t, tree.Put(path(p), value("old")))
			must(t, tree.Put(path(p), value(p)))
			if !tree.Delete(extra) {
				t.Fatalf("%q is not there", extra)
			}
		}
		got, err := certified.New(mem).Witness(path("receipts/0003"), path("assignments/op2"), path("nothing"))
		if err != nil {
			t.Fatal(err)
		}
		if round == 0 {
			want = got
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("round %d: another witness", round)
		}
		if tree.Len() != uint64(len(paths)) {
			t.Fatalf("%d leaves, want %d", tree.Len(), len(paths))
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// Random operations against a Go map: every root, and witnesses of present and absent
// leaves and of whole subtrees, say what the map says.
func TestAgainstModel(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewSource(2))
	tree, model := certified.New(&stable.Heap{}), map[string]string{}
	for step := range 4000 {
		p := fmt.Sprintf("%c/%d", 'a'+rng.Intn(3), rng.Intn(40))
		if rng.Intn(2) == 0 {
			model[p] = fmt.Sprint(step)
			must(t, tree.Put(path(p), []byte(model[p])))
		} else {
			_, had := model[p]
			if tree.Delete(path(p)) != had {
				t.Fatalf("step %d: delete %s: want %v", step, p, had)
			}
			delete(model, p)
		}
		if step%250 != 0 {
			continue
		}
		checkModel(t, tree, model)
	}
	for p := range model {
		tree.Delete(path(p))
	}
	if tree.Root() != hashtree.Empty().Digest() || tree.Len() != 0 {
		t.Errorf("the emptied tree has root %x and %d leaves", tree.Root(), tree.Len())
	}
}

func checkModel(t *testing.T, tree *certified.Tree, model map[string]string) {
	t.Helper()
	for _, top := range []string{"a", "b", "c"} {
		whole := witness(t, tree, top)
		for i := range 40 {
			p := fmt.Sprintf("%s/%d", top, i)
			want, has := model[p]
			for name, w := range map[string]hashtree.Node{"whole": whole, "exact": witness(t, tree, p)} {
				got, result := w.Lookup(path(p)...)
				if has && (result != hashtree.Found || string(got) != want) || !has && result != hashtree.Absent {
					t.Fatalf("%s witness: %s is %q, %v; want %q, %v", name, p, got, result, want, has)
				}
			}
			if got, ok := tree.Get(path(p)); ok != has || string(got) != want {
				t.Fatalf("get %s: %q, %v", p, got, ok)
			}
		}
	}
}

// What a witness was not asked for it does not show.
func TestWitnessPrunes(t *testing.T) {
	t.Parallel()
	tree := certified.New(&stable.Heap{})
	for i := range 64 {
		must(t, tree.Put(path(fmt.Sprintf("receipts/%02d", i)), value(fmt.Sprint(i))))
		must(t, tree.Put(path(fmt.Sprintf("assignments/op/%02d", i)), value(fmt.Sprint(i))))
	}
	n := witness(t, tree, "receipts/07")
	if _, r := n.Lookup(path("assignments/op/07")...); r != hashtree.Unknown {
		t.Errorf("another subtree is %v, want unknown", r)
	}
	if b := n.Encode(); len(b) > 1200 {
		t.Errorf("the witness of one leaf of 128 has %d bytes", len(b))
	}
	if both := witness(t, tree, "receipts/07", "assignments/op"); len(both.Encode()) < 64*32 {
		t.Error("a whole subtree does not show 64 values")
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	tree := certified.New(&stable.Heap{})
	must(t, tree.Put(path("a/b"), []byte("kept")))
	root := tree.Root()
	for name, p := range map[string][][]byte{
		"no label": {}, "empty label": {nil}, "long label": {make([]byte, certified.MaxLabel+1)},
		"deep": slices.Repeat(path("x"), certified.MaxPath+1), "through a leaf": path("a/b/c"), "onto an inner label": path("a"),
	} {
		if err := tree.Put(p, nil); !errors.Is(err, certified.ErrPath) {
			t.Errorf("%s: %v, want ErrPath", name, err)
		}
		if tree.Delete(p) {
			t.Errorf("%s: deleted", name)
		}
	}
	if err := tree.Put(path("v"), make([]byte, certified.MaxValue+1)); !errors.Is(err, certified.ErrPath) {
		t.Errorf("long value: %v", err)
	}
	if tree.Root() != root {
		t.Error("a refused Put changed the root")
	}
	if _, err := certified.New(&stable.Heap{}).Witness(path("a")); err != nil {
		t.Errorf("witness of an empty tree: %v", err)
	}
}

// Below the top a label may be empty: it stands before all others, like any. A witness may
// be asked for what no tree can hold.
func TestEmptyAndLongLabels(t *testing.T) {
	t.Parallel()
	tree := certified.New(&stable.Heap{})
	for _, p := range []string{"e//x", "e/a/x", "e/a/"} {
		must(t, tree.Put(path(p), value(p)))
	}
	long := "e/" + strings.Repeat("l", 200) + strings.Repeat("/d", 40)
	n := witness(t, tree, "e//x", "e/a//q", "e//a", long)
	if v, r := n.Lookup(path("e//x")...); r != hashtree.Found || !bytes.Equal(v, value("e//x")) {
		t.Errorf("e//x is %v, %x", r, v)
	}
	for _, p := range []string{"e//a", long} {
		if _, r := n.Lookup(path(p)...); r != hashtree.Absent {
			t.Errorf("%.20q is %v, want absent", p, r)
		}
	}
	if !tree.Delete(path("e//x")) {
		t.Error("e//x cannot be deleted")
	}
	if _, r := witness(t, tree, "e//x").Lookup(path("e//x")...); r != hashtree.Absent {
		t.Errorf("deleted: %v", r)
	}
}

// Memory is used again after deletes.
func TestReusesCells(t *testing.T) {
	t.Parallel()
	mem := &stable.Heap{}
	tree := certified.New(mem)
	for round := range 4 {
		for i := range 300 {
			must(t, tree.Put(path(fmt.Sprintf("r/%d", i)), nil))
		}
		for i := range 300 {
			tree.Delete(path(fmt.Sprintf("r/%d", i)))
		}
		if mem.Size() > 2 {
			t.Fatalf("round %d takes %d pages", round, mem.Size())
		}
	}
}

// The layout and the hashes of version 1.
func TestLayout(t *testing.T) {
	t.Parallel()
	mem := &stable.Heap{}
	tree := certified.New(mem)
	for i := range 20 {
		must(t, tree.Put(path(fmt.Sprintf("receipts/%d", i)), value(fmt.Sprint(i))))
		must(t, tree.Put(path("parameters"), value("p")))
	}
	for i := range 10 {
		tree.Delete(path(fmt.Sprintf("receipts/%d", 2*i)))
	}
	if got, want := fmt.Sprintf("%x", mem.Bytes[:28]), "43545245010000000300000015000000170000000b00000000000000"; got != want {
		t.Errorf("head %s, want %s", got, want)
	}
	if got, want := fmt.Sprintf("%x", tree.Root()), "d8f443cc2ae0f2a5530db3c6641d911858ef111e6e7def753c2a9881611dd8db"; got != want {
		t.Errorf("root %s, want %s", got, want)
	}
	sum := sha256.Sum256(bytes.TrimRight(mem.Bytes, "\x00"))
	if got, want := fmt.Sprintf("%x", sum[:8]), "d795ec61d791c50d"; got != want {
		t.Errorf("memory has digest %s, want %s", got, want)
	}
	for name, at := range map[string]int{"magic": 0, "version": 4, "kind of a node": 256 + 12, "label length": 256 + 13} {
		b := bytes.Clone(mem.Bytes)
		b[at] ^= 0xc0
		func() {
			defer func() {
				var e *stable.LayoutError
				if err, ok := recover().(error); !ok || !errors.As(err, &e) {
					t.Errorf("%s changed: panics with %v, want a LayoutError", name, err)
				}
			}()
			_, _ = certified.New(&stable.Heap{Bytes: b}).Witness(nil)
		}()
	}
}
