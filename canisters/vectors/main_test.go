package main

import (
	"encoding/binary"
	"math"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"assay/canisters/vectors/vectorsapi"
	"assay/ic/candid"
	"assay/ic/cdk/cdktest"
	"assay/ic/principal"
)

// as calls the canister in somebody's name.
type as struct {
	canister *cdktest.Canister
	caller   principal.Principal
}

func (a as) Call(_ struct{}, method string, kind candid.Kind, arg []byte) ([]byte, error) {
	if kind == candid.Query {
		return a.canister.Query(a.caller, method, arg)
	}
	return a.canister.Update(a.caller, method, arg)
}

func client(c *cdktest.Canister, caller principal.Principal) vectorsapi.Client[struct{}] {
	return vectorsapi.NewClient[struct{}](as{c, caller})
}

var (
	alice = principal.Canister(1000)
	bob   = principal.Canister(1001)
)

func install(t *testing.T) *cdktest.Canister {
	t.Helper()
	return cdktest.New(t).Install(program(), cdktest.Options{Cycles: candid.NewNat(1e12)})
}

func vector(v ...float32) (b []byte) {
	for _, x := range v {
		b = binary.LittleEndian.AppendUint32(b, math.Float32bits(x))
	}
	return b
}

func check(t *testing.T, err error, f *vectorsapi.Failure) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if f != nil {
		t.Fatal(f.Message)
	}
}

func fill(t *testing.T, c *cdktest.Canister) {
	t.Helper()
	made, err := client(c, alice).CreateCollection(struct{}{}, vectorsapi.CreateCollectionArg{Name: "compass", Dimension: 2, Public: true})
	check(t, err, made.Err)
	if !made.Ok {
		t.Fatal("neither ok nor err")
	}
	put, err := client(c, alice).Upsert(struct{}{}, vectorsapi.UpsertArg{Collection: "compass", Entries: []vectorsapi.Entry{
		{Id: "n", Vector: vector(0, 1), Text: "north"}, {Id: "e", Vector: vector(1, 0), Text: "east"},
	}})
	check(t, err, put.Err)
	if *put.Ok != 2 {
		t.Errorf("stored %d, want 2", *put.Ok)
	}
}

func find(t *testing.T, c *cdktest.Canister, k uint32) []vectorsapi.Hit {
	t.Helper()
	found, err := client(c, principal.Anonymous).Search(struct{}{}, vectorsapi.SearchArg{Collection: "compass", Vector: vector(3, 0), K: k})
	check(t, err, found.Err)
	return *found.Ok
}

func TestStoryOfACollection(t *testing.T) {
	c := install(t)
	fill(t, c)
	want := []vectorsapi.Hit{{Id: "e", Text: "east", Score: 1, Dot: 127 * 127}, {Id: "n", Text: "north"}}
	if diff := cmp.Diff(want, find(t, c, 5)); diff != "" {
		t.Errorf("hits (-want +got):\n%s", diff)
	}
	if err := c.Upgrade(program(), nil); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(want, find(t, c, 5)); diff != "" {
		t.Errorf("hits after an upgrade (-want +got):\n%s", diff)
	}
	list, err := client(c, bob).Collections(struct{}{})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]vectorsapi.Collection{{Name: "compass", Owner: alice, Dimension: 2, Entries: 2, Public: true}}, list, cmpopts.EquateComparable(principal.Principal{})); diff != "" {
		t.Errorf("collections (-want +got):\n%s", diff)
	}
	gone, err := client(c, alice).Delete(struct{}{}, vectorsapi.DeleteArg{Collection: "compass", Ids: []string{"e", "w"}})
	check(t, err, gone.Err)
	if *gone.Ok != 1 {
		t.Errorf("deleted %d, want 1", *gone.Ok)
	}
	if diff := cmp.Diff(want[1:], find(t, c, 5)); diff != "" {
		t.Errorf("hits after a deletion (-want +got):\n%s", diff)
	}
}

func TestRefusals(t *testing.T) {
	c := install(t)
	fill(t, c)
	made, err := client(c, principal.Anonymous).CreateCollection(struct{}{}, vectorsapi.CreateCollectionArg{Name: "x", Dimension: 2})
	if err != nil || made.Err == nil || made.Ok {
		t.Errorf("anonymous creation: %+v, %v", made, err)
	}
	put, err := client(c, bob).Upsert(struct{}{}, vectorsapi.UpsertArg{Collection: "compass", Entries: []vectorsapi.Entry{{Id: "n", Vector: vector(1, 1)}}})
	if err != nil || put.Err == nil || !strings.Contains(put.Err.Message, "owner") {
		t.Errorf("another's upsert: %+v, %v", put, err)
	}
	gone, err := client(c, bob).Delete(struct{}{}, vectorsapi.DeleteArg{Collection: "compass", Ids: []string{"n"}})
	if err != nil || gone.Err == nil {
		t.Errorf("another's deletion: %+v, %v", gone, err)
	}
	found, err := client(c, bob).Search(struct{}{}, vectorsapi.SearchArg{Collection: "compass", Vector: []byte{1}, K: 1})
	if err != nil || found.Err == nil {
		t.Errorf("short query: %+v, %v", found, err)
	}
	if _, err := c.Update(alice, "upsert", []byte("DIDL")); err == nil {
		t.Error("a malformed argument was taken")
	}
	if hits := find(t, c, 5); len(hits) != 2 {
		t.Errorf("after refusals %d entries are left, want 2", len(hits))
	}
}
