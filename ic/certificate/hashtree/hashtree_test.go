package hashtree

import (
	"bytes"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
)

func path(labels ...string) [][]byte {
	p := make([][]byte, len(labels))
	for i, l := range labels {
		p[i] = []byte(l)
	}
	return p
}

func label(l string, sub Node) Node { return Labeled([]byte(l), sub) }
func leaf(v string) Node            { return Leaf([]byte(v)) }

// exampleTree is the example of the interface specification's certification section.
func exampleTree() Node {
	return Fork(
		Fork(
			label("a", Fork(Fork(label("x", leaf("hello")), Empty()), label("y", leaf("world")))),
			label("b", leaf("good")),
		),
		Fork(label("c", Empty()), label("d", leaf("morning"))),
	)
}

const exampleRoot = "eb5c5b2195e62d996b84c9bcc8259d19a83786a2f59e0878cec84c811f669aa0"

// prunedExample is the specification's pruned version: of a only y, nothing of b, c, and d.
func prunedExample() Node {
	t := exampleTree()
	return t.Prune(path("a", "y"), path("ax"), path("d"))
}

func TestExampleDigest(t *testing.T) {
	t.Parallel()
	if got := fmt.Sprintf("%x", exampleTree().Digest()); got != exampleRoot {
		t.Errorf("digest %s, want %s", got, exampleRoot)
	}
	p := prunedExample()
	if got := fmt.Sprintf("%x", p.Digest()); got != exampleRoot {
		t.Errorf("pruned digest %s, want %s", got, exampleRoot)
	}
	// The specification's encoding of that pruned tree.
	const want = "83018301830241618301820458201b4feff9bef8131788b0c9dc6dbad6e81e524249c879e9f10f71ce3749f5a638" +
		"830241798203457 76f726c64" +
		"83024162820458207b32ac0c6ba8ce35ac82c255fc7906f7fc130dab2a090f80fe12f9c2cae83ba6" +
		"830182045820ec8324b8a1f1ac16bd2e806edba78006479c9877fed4eb464a25485465af601d830241648203476d6f726e696e67"
	if got := fmt.Sprintf("%x", p.Encode()); got != strings.ReplaceAll(want, " ", "") {
		t.Errorf("encoding\n got %s\nwant %s", got, want)
	}
}

func TestLookup(t *testing.T) {
	t.Parallel()
	full, pruned := exampleTree(), prunedExample()
	for _, tc := range []struct {
		name  string
		tree  Node
		path  [][]byte
		want  Result
		value string
	}{
		{"value", full, path("a", "x"), Found, "hello"},
		{"value in the pruned tree", pruned, path("a", "y"), Found, "world"},
		{"pruned sibling", pruned, path("a", "x"), Unknown, ""},
		{"before everything", full, path("0"), Absent, ""},
		{"between labels", full, path("ab"), Absent, ""},
		{"between labels, neighbours kept", pruned, path("aa"), Absent, ""},
		{"between label and pruned", pruned, path("bb"), Unknown, ""},
		{"the pruned label", pruned, path("c"), Unknown, ""},
		{"after everything", full, path("e"), Absent, ""},
		{"after everything, pruned", pruned, path("e"), Absent, ""},
		{"empty tree below a label", full, path("c"), Absent, ""},
		{"in an empty tree", full, path("c", "z"), Absent, ""},
		{"labels where a value was wanted", full, path("a"), Error, ""},
		{"through a value", full, path("b", "z"), Error, ""},
		{"content pruned", pruned, path("b"), Unknown, ""},
		{"before the first inside, pruned", pruned, path("a", "a"), Unknown, ""},
		{"after the last inside", pruned, path("a", "z"), Absent, ""},
		{"nothing in nothing", Empty(), nil, Absent, ""},
		{"label in nothing", Empty(), path("a"), Absent, ""},
		{"leaf alone", leaf("v"), nil, Found, "v"},
		{"pruned alone", Pruned(Hash{}), path("a"), Unknown, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			value, got := tc.tree.Lookup(tc.path...)
			if got != tc.want || string(value) != tc.value {
				t.Errorf("lookup %q: got %v %q, want %v %q", tc.path, got, value, tc.want, tc.value)
			}
		})
	}
}

func TestList(t *testing.T) {
	t.Parallel()
	full, pruned := exampleTree(), prunedExample()
	for _, tc := range []struct {
		name   string
		tree   Node
		path   [][]byte
		want   Result
		labels string
	}{
		{"root", full, nil, Found, "a b c d"},
		{"inner", full, path("a"), Found, "x y"},
		{"one pruned among them", pruned, path("a"), Unknown, ""},
		{"pruned whole", pruned, path("b"), Unknown, ""},
		{"empty", full, path("c"), Absent, ""},
		{"no such label", full, path("e"), Absent, ""},
		{"no such label provable", pruned, path("aa"), Absent, ""},
		{"unknown label", pruned, path("c"), Unknown, ""},
		{"value", full, path("d"), Error, ""},
		{"revealed by a path to labels", full.Prune(path("a")), path("a"), Found, "x y"},
		{"labels with hidden content", full.Prune(path("a", "x", "q"), path("aa")), path("a"), Unknown, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			pairs, got := tc.tree.List(tc.path...)
			var labels []string
			for _, p := range pairs {
				labels = append(labels, string(p.Label))
			}
			if s := strings.Join(labels, " "); got != tc.want || s != tc.labels {
				t.Errorf("list %q: got %v %q, want %v %q", tc.path, got, s, tc.want, tc.labels)
			}
		})
	}
}

func TestBuilderConflicts(t *testing.T) {
	t.Parallel()
	for name, b := range map[string]*Builder{
		"same path twice":   NewBuilder().Set(nil, path("a")...).Set(nil, path("a")...),
		"value over labels": NewBuilder().Set(nil, path("a", "b")...).Set(nil, path("a")...),
		"labels over value": NewBuilder().Set(nil, path("a")...).Set(nil, path("a", "b")...),
	} {
		if _, err := b.Tree(); !errors.Is(err, ErrConflict) {
			t.Errorf("%s: got %v, want ErrConflict", name, err)
		}
	}
	if _, err := Forest([]Pair{{[]byte("a"), Empty()}, {[]byte("a"), Empty()}}); !errors.Is(err, ErrConflict) {
		t.Errorf("forest: got %v, want ErrConflict", err)
	}
}

// TestPruneProves compares every pruned tree with the full one on random trees: what a
// path asked for is answered the same, and nothing is answered otherwise.
func TestPruneProves(t *testing.T) {
	t.Parallel()
	rng := rand.New(rand.NewPCG(7, 7))
	name := func() []byte { return []byte{byte('a' + rng.IntN(12))} }
	for range 300 {
		b := NewBuilder()
		present := map[string]bool{}
		for range rng.IntN(14) {
			p := [][]byte{name(), name()}
			if !present[string(bytes.Join(p, nil))] {
				present[string(bytes.Join(p, nil))] = true
				b.Set([]byte{byte(rng.IntN(256))}, p...)
			}
		}
		full, err := b.Tree()
		if err != nil {
			t.Fatal(err)
		}
		asked := [][][]byte{{name(), name()}, {name()}, {name(), name()}}[:1+rng.IntN(3)]
		pruned := full.Prune(asked...)
		if pruned.Digest() != full.Digest() {
			t.Fatalf("pruning to %q changed the digest", asked)
		}
		for _, p := range asked {
			wantValue, want := full.Lookup(p...)
			if value, got := pruned.Lookup(p...); got != want || !bytes.Equal(value, wantValue) {
				t.Fatalf("path %q: pruned says %v, full says %v", p, got, want)
			}
			if _, got := pruned.List(p...); got == Unknown {
				t.Fatalf("list %q: unknown after it was asked for", p)
			}
		}
		p := [][]byte{name(), name()}
		wantValue, want := full.Lookup(p...)
		if value, got := pruned.Lookup(p...); got != Unknown && (got != want || !bytes.Equal(value, wantValue)) {
			t.Fatalf("path %q: pruned proves %v %q, truth is %v %q", p, got, value, want, wantValue)
		}
		again, err := Decode(pruned.EncodeTagged())
		if err != nil || !bytes.Equal(again.Encode(), pruned.Encode()) {
			t.Fatalf("decode of an encoded tree: %v", err)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	t.Parallel()
	deep := bytes.Repeat([]byte{0x83, 2, 0x41, 'a'}, MaxDepth+1)
	for name, b := range map[string][]byte{
		"nothing":              {},
		"map":                  {0xa0, 0},
		"trailing byte":        append(exampleTree().Encode(), 0),
		"truncated":            exampleTree().Encode()[:20],
		"long head":            {0x98, 1, 0},
		"long kind":            {0x81, 0x18, 0},
		"indefinite array":     {0x9f, 0, 0xff},
		"long length":          {0x82, 3, 0x58, 1, 'a'},
		"huge length":          {0x82, 3, 0x5a, 0xff, 0xff, 0xff, 0xff},
		"8-byte length":        {0x82, 3, 0x5b, 0, 0, 0, 0, 0, 0, 0, 1, 'a'},
		"text label":           {0x83, 2, 0x61, 'a', 0x81, 0},
		"short hash":           {0x82, 4, 0x41, 1},
		"unknown kind":         {0x81, 5},
		"equal labels":         Fork(label("a", Empty()), label("a", Empty())).Encode(),
		"unordered labels":     Fork(label("b", Empty()), label("a", Empty())).Encode(),
		"unordered over prune": Fork(label("b", Empty()), Fork(Pruned(Hash{}), label("a", Empty()))).Encode(),
		"leaf in a fork":       Fork(label("a", Empty()), leaf("v")).Encode(),
		"too deep":             append(deep, 0x81, 0),
		"long label":           label(strings.Repeat("x", MaxLabel+1), Empty()).Encode(),
		"too large":            Leaf(make([]byte, MaxBytes)).Encode(),
		"two tags":             append([]byte(selfDescribe), Empty().EncodeTagged()...),
	} {
		var want *DecodeError
		if _, err := Decode(b); !errors.As(err, &want) {
			t.Errorf("%s: got %v, want a DecodeError", name, err)
		}
	}
}

func FuzzDecode(f *testing.F) {
	f.Add(exampleTree().Encode())
	f.Add(prunedExample().EncodeTagged())
	f.Add([]byte{0x81, 0})
	f.Add(Leaf(make([]byte, 300)).Encode())
	f.Fuzz(func(t *testing.T, b []byte) {
		tree, err := Decode(b)
		if err != nil {
			var want *DecodeError
			if !errors.As(err, &want) {
				t.Fatalf("error of type %T", err)
			}
			return
		}
		if !bytes.Equal(tree.Encode(), bytes.TrimPrefix(b, []byte(selfDescribe))) {
			t.Errorf("%x encodes to %x", b, tree.Encode())
		}
		tree.Digest()
		tree.Lookup([]byte("a"), []byte("x"))
		tree.List()
		if tree.Prune(path("a")).Digest() != tree.Digest() {
			t.Error("pruning changed the digest")
		}
	})
}

// TestRevealed: what a pruned tree still shows, with no word on what it hides.
func TestRevealed(t *testing.T) {
	t.Parallel()
	pruned := prunedExample()
	for want, p := range map[string][][]byte{"a b d": nil, "y": path("a"), "": path("b")} {
		var labels []string
		for _, pair := range pruned.Revealed(p...) {
			labels = append(labels, string(pair.Label))
		}
		if got := strings.Join(labels, " "); got != want {
			t.Errorf("revealed below %q: %q, want %q", p, got, want)
		}
	}
}
