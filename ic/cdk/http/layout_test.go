package http_test

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"testing"

	"assay/ic/cdk/certified"
	"assay/ic/cdk/http"
	"assay/ic/cdk/stable"
	"assay/ic/certificate/hashtree"
)

// The records of version 1, and the certified tree of the small site.
func TestLayout(t *testing.T) {
	t.Parallel()
	r := newRig(t)
	r.must(r.site.Put(http.Asset{Path: "/a/b.txt", Encoding: "gzip", Headers: policy}, []byte("text")))
	r.must(r.site.Put(http.Asset{Path: "/", Below: true, Location: "/a/b.txt", Status: 302}, nil))
	r.must(r.site.PutUpgrade("/c/", true))
	r.must(r.site.PutUncertified("/d", false))
	id, err := r.site.Begin(http.Asset{Path: "/e.txt", Stream: true})
	r.must(err)
	r.must(r.site.Write(id, []byte("part")))
	all := sha256.New()
	stable.NewMap(r.store).Scan(nil, func(key, value []byte) bool {
		fmt.Fprintf(all, "%x %x\n", key, value)
		return true
	})
	want(t, "records", fmt.Sprintf("%x", all.Sum(nil)[:8]), "6ff0e612340fa53e")
	want(t, "root", fmt.Sprintf("%x", r.tree.Root()), "ae40ddaaab58a7ddbffb8acbe287bb3014eb9493ce15561a7881f1c44590042e")

	// a record that was not written by this package is found, not read
	m := stable.NewMap(r.store)
	key := []byte("r$/d\x00")
	record, _ := m.Get(key)
	for name, bad := range map[string][]byte{"version": append([]byte{2}, record[1:]...), "cut off": record[:len(record)-1], "empty": {}} {
		r.must(m.Put(key, bad))
		func() {
			defer func() {
				if _, ok := recover().(*stable.LayoutError); !ok {
					t.Errorf("%s: no LayoutError", name)
				}
			}()
			r.answer(get("/d"))
		}()
	}
}

// Whatever is asked, the answer is one of those that hold, an upgrade, or a plain error.
func FuzzAnswer(f *testing.F) {
	tree, store := certified.New(&stable.Heap{}), stable.NewMap(&stable.Heap{})
	site := http.Open(store, tree)
	for _, a := range []http.Asset{
		{Path: "/", Type: "text/html"}, {Path: "/", Below: true, Type: "text/html", Status: 404}, {Path: "/a/b", Below: true, Type: "a/b"}, {Path: "/a/b", Type: "a/b", Encoding: "br"},
	} {
		if err := site.Put(a, []byte(a.Path)); err != nil {
			f.Fatal(err)
		}
	}
	large := bytes.Repeat([]byte("0123456789"), http.ChunkBytes/5)
	if err := site.Put(http.Asset{Path: "/large", Type: "a/b"}, large); err != nil {
		f.Fatal(err)
	}
	root := tree.Root()
	f.Add("GET", "/a/b?c", "Accept-Encoding", "br;q=0.5, *;q=0", "Range", "bytes=1-")
	f.Add("GET", "/large", "range", "bytes=-5", "If-Range", `"x"`)
	f.Add("GET", "/large", "range", "bytes=1900000-", "accept-encoding", ";q=;,")
	f.Add("HEAD", "/a%2fb/%00/../", "if-none-match", "*", "", "")
	f.Fuzz(func(t *testing.T, method, url, name1, value1, name2, value2 string) {
		q := ask(method, url, name1, value1, name2, value2)
		a := site.Answer(q, []byte("certificate"), nil)
		if !a.Upgrade && value(a, "ic-certificate") == "" && a.Status < 400 {
			t.Errorf("%+v: status %d without proof", q, a.Status)
		}
		checkWitness(t, a, root)
		u := site.AnswerUpdate(q, nil)
		if u.Upgrade || len(u.Body) > http.ChunkBytes {
			t.Errorf("%+v: %d, %d bytes", q, u.Status, len(u.Body))
		}
	})
}

func checkWitness(t *testing.T, a http.Response, root hashtree.Hash) {
	t.Helper()
	if value(a, "ic-certificate") == "" {
		return
	}
	r := &rig{t: t}
	n, err := hashtree.Decode(r.proofOf(checked(a)).Tree)
	if err != nil || n.Digest() != root {
		t.Errorf("witness: %v", err)
	}
}
