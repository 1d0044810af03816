// Command vectors is the vectors canister: collections of embedded texts that anyone may
// make, their owner fills, and their owner or everybody searches. The dApp keeps its
// passages here.
//
// It is the edge around [index], which decides everything: it decodes and encodes Candid,
// says who calls, and keeps the data in one map in stable memory. vectors.did is its
// interface. Nothing lives in the heap between messages, so an upgrade moves nothing.
package main

import (
	"errors"

	"assay/canisters/vectors/index"
	"assay/canisters/vectors/vectorsapi"
	"assay/ic/cdk"
	"assay/ic/principal"
)

// regionIndex is the part of stable memory that holds everything.
const regionIndex = cdk.FirstRegion

func program() cdk.Program {
	return cdk.Program{
		Methods:     vectorsapi.Methods[*cdk.Message](edge{}),
		Init:        ready,
		PostUpgrade: ready,
	}
}

func init() { cdk.Serve(program()) }

func main() {}

// ready refuses to start over stable memory that another version wrote.
func ready(*cdk.Message, []byte) error {
	_, err := index.Open(store{})
	return err
}

// store is the map in stable memory. Full memory traps, which undoes the message.
type store struct{}

func (store) Get(key []byte) ([]byte, bool) { return cdk.Map(regionIndex).Get(key) }

func (store) Put(key, value []byte) {
	if err := cdk.Map(regionIndex).Put(key, value); err != nil {
		panic(err)
	}
}

func (store) Delete(key []byte) { cdk.Map(regionIndex).Delete(key) }

func (store) Scan(from []byte, visit func(key, value []byte) bool) {
	cdk.Map(regionIndex).Scan(from, visit)
}

func open() *index.Index {
	x, err := index.Open(store{})
	if err != nil {
		panic(err) // ready would have refused it
	}
	return x
}

func caller(m *cdk.Message) string { return string(m.Caller().Bytes()) }

// edge serves vectors.did.
type edge struct{}

var _ vectorsapi.Service[*cdk.Message] = edge{}

// failure is the Candid form of a refusal; other errors reject the message.
func failure(err error) (*vectorsapi.Failure, error) {
	var f *index.Failure
	if errors.As(err, &f) {
		return &vectorsapi.Failure{Message: f.Message}, nil
	}
	return nil, err
}

func (edge) CreateCollection(m *cdk.Message, a vectorsapi.CreateCollectionArg) (r vectorsapi.CreateCollectionResult, err error) {
	if m.Caller().IsAnonymous() {
		r.Err = &vectorsapi.Failure{Message: "a collection needs an owner: sign the call"}
		return r, nil
	}
	r.Err, err = failure(open().Create(caller(m), a.Name, a.Dimension, a.Public))
	r.Ok = r.Err == nil
	return r, err
}

func (edge) Collections(m *cdk.Message) ([]vectorsapi.Collection, error) {
	list, err := open().Collections(caller(m))
	if err != nil {
		return nil, err
	}
	out := make([]vectorsapi.Collection, len(list))
	for i, c := range list {
		owner, err := principal.FromBytes([]byte(c.Owner))
		if err != nil {
			return nil, err
		}
		out[i] = vectorsapi.Collection{Name: c.Name, Owner: owner, Dimension: c.Dimension, Entries: c.Entries, Public: c.Public}
	}
	return out, nil
}

func (edge) Upsert(m *cdk.Message, a vectorsapi.UpsertArg) (r vectorsapi.UpsertResult, err error) {
	entries := make([]index.Entry, len(a.Entries))
	for i, e := range a.Entries {
		entries[i] = index.Entry{ID: e.Id, Vector: e.Vector, Text: e.Text}
	}
	n, err := open().Upsert(caller(m), a.Collection, entries)
	if r.Err, err = failure(err); r.Err == nil {
		r.Ok = &n
	}
	return r, err
}

func (edge) Delete(m *cdk.Message, a vectorsapi.DeleteArg) (r vectorsapi.DeleteResult, err error) {
	n, err := open().Delete(caller(m), a.Collection, a.Ids)
	if r.Err, err = failure(err); r.Err == nil {
		r.Ok = &n
	}
	return r, err
}

func (edge) Search(m *cdk.Message, a vectorsapi.SearchArg) (r vectorsapi.SearchResult, err error) {
	hits, err := open().Search(caller(m), a.Collection, a.Vector, a.K)
	if r.Err, err = failure(err); err != nil || r.Err != nil {
		return r, err
	}
	out := make([]vectorsapi.Hit, len(hits))
	for i, h := range hits {
		out[i] = vectorsapi.Hit{Id: h.ID, Text: h.Text, Score: h.Score, Dot: h.Dot}
	}
	r.Ok = &out
	return r, nil
}
