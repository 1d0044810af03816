package main

import (
	"bytes"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"assay/canisters/vectors/index"
	"assay/canisters/vectors/vectorsapi"
	"assay/ic/candid"
	"assay/ic/principal"
	"assay/ic/replica/cycles"
	"assay/ic/replica/host"
	"assay/ic/wasm/build"
	"assay/internal/cache"
)

// wasm is the real module, run one message at a time.
type wasm struct {
	t        *testing.T
	instance *host.Instance
	stable   *host.Stable
	used     uint64 // instructions of the last message
}

func installWasm(t *testing.T) *wasm {
	t.Helper()
	dir := func(name string) string {
		d, err := cache.Dir("test", name)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	built, err := build.Canister(t.Context(), build.Config{
		Package: "./canisters/vectors", Dir: "../..", CacheDir: dir("canisters"), Candid: "canisters/vectors/vectors.did",
	})
	if err != nil {
		t.Fatal(err)
	}
	engine, err := host.NewEngine(t.Context(), dir("code"))
	if err != nil {
		t.Fatal(err)
	}
	module, err := engine.Compile(t.Context(), built.Wasm)
	if err != nil {
		t.Fatal(err)
	}
	w := &wasm{t: t, stable: host.NewStable(1 << 16)}
	if w.instance, err = module.Instantiate(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := w.run(host.Init, "canister_init", nil); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *wasm) run(where host.Context, entry string, arg []byte) ([]byte, error) {
	x := host.NewExecution(&host.Input{
		Self: principal.Canister(1), Caller: alice, Arg: arg, Time: 1_800_000_000_000_000_000, Status: 1,
		Balance: cycles.New(1e15), Prices: cycles.Prices{Nodes: 13}, Instructions: 40e9,
		Controller: func(principal.Principal) bool { return false }, Room: func(principal.Principal) int { return 500 },
		Certificate: func() []byte { return nil },
	})
	trap := x.Run(w.t.Context(), w.instance, w.stable, where, entry)
	w.used = x.Used
	if trap != nil || where == host.PlainQuery {
		w.stable.Rollback()
		if err := w.instance.Rollback(w.t.Context()); err != nil {
			w.t.Fatal(err)
		}
	} else {
		w.stable.Commit()
		w.instance.Commit()
	}
	switch {
	case trap != nil:
		return nil, fmt.Errorf("%s: %s", entry, trap.Message)
	case x.Answer == nil:
		return nil, nil
	case x.Answer.Rejected:
		return nil, fmt.Errorf("%s: rejected: %s", entry, x.Answer.Data)
	}
	return x.Answer.Data, nil
}

// Call makes wasm a caller for the generated client.
func (w *wasm) Call(_ struct{}, method string, kind candid.Kind, arg []byte) ([]byte, error) {
	if kind == candid.Query {
		return w.run(host.PlainQuery, "canister_query "+method, arg)
	}
	return w.run(host.Update, "canister_update "+method, arg)
}

// heap is a store in a Go map; it visits keys in order by sorting them.
type heap map[string][]byte

func (h heap) Get(key []byte) ([]byte, bool) { v, ok := h[string(key)]; return v, ok }
func (h heap) Put(key, value []byte)         { h[string(key)] = bytes.Clone(value) }
func (h heap) Delete(key []byte)             { delete(h, string(key)) }

func (h heap) Scan(from []byte, visit func(key, value []byte) bool) {
	for _, k := range slices.Sorted(maps.Keys(h)) {
		if k >= string(from) && !visit([]byte(k), h[k]) {
			return
		}
	}
}

// TestWasmFindsTheSame runs one collection in the real module and natively, compares
// every hit to the bit, and says what a search costs on chain.
func TestWasmFindsTheSame(t *testing.T) {
	for _, entries := range []int{200, 1000} {
		t.Run(fmt.Sprint(entries), func(t *testing.T) { findsTheSame(t, entries) })
	}
}

func findsTheSame(t *testing.T, entries int) {
	const dimension = 384
	w := installWasm(t)
	client := vectorsapi.NewClient[struct{}](w)
	made, err := client.CreateCollection(struct{}{}, vectorsapi.CreateCollectionArg{Name: "c", Dimension: dimension})
	check(t, err, made.Err)
	local, err := index.Open(heap{})
	if err != nil {
		t.Fatal(err)
	}
	owner := string(alice.Bytes())
	if err := local.Create(owner, "c", dimension, false); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(1, 2))
	random := func() []byte {
		v := make([]float32, dimension)
		for i := range v {
			v[i] = float32(r.NormFloat64())
		}
		return vector(v...)
	}
	var remote []vectorsapi.Entry
	var same []index.Entry
	for i := range entries {
		e := index.Entry{ID: fmt.Sprint(i), Vector: random(), Text: fmt.Sprintf("passage %d, about as long as a passage usually is here", i)}
		same = append(same, e)
		remote = append(remote, vectorsapi.Entry{Id: e.ID, Vector: e.Vector, Text: e.Text})
	}
	put, err := client.Upsert(struct{}{}, vectorsapi.UpsertArg{Collection: "c", Entries: remote})
	check(t, err, put.Err)
	t.Logf("upsert of %d vectors: %.1f M instructions", entries, float64(w.used)/1e6)
	if _, err := local.Upsert(owner, "c", same); err != nil {
		t.Fatal(err)
	}
	for range 5 {
		query := random()
		found, err := client.Search(struct{}{}, vectorsapi.SearchArg{Collection: "c", Vector: query, K: 10})
		check(t, err, found.Err)
		want, err := local.Search(owner, "c", query, 10)
		if err != nil {
			t.Fatal(err)
		}
		var got []index.Hit
		for _, h := range *found.Ok {
			got = append(got, index.Hit{ID: h.Id, Text: h.Text, Score: h.Score, Dot: h.Dot})
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("hits (-native +Wasm):\n%s", diff)
		}
	}
	t.Logf("search among %d vectors: %.2f M instructions", entries, float64(w.used)/1e6)
	// what the index reckons with must hold, besides a message's fixed cost
	if most := 4_000_000_000 / index.Capacity(dimension) * uint64(entries); w.used > most+1_000_000 {
		t.Errorf("a search takes %d instructions, the limit of a collection allows for %d", w.used, most)
	}
}
