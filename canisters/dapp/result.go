package main

import (
	"encoding/binary"
	"errors"
	"fmt"

	"assay/canisters/dapp/dappapi"
	"assay/canisters/vectors/vectorsapi"
	"assay/ic/cdk"
)

// The states of records that are done; a repeated callback leaves these alone.
const (
	stateIndexed  = "indexed"
	stateAnswered = "answered"
)

const hitsPerQuestion = 5

func idOf(key []byte) uint64 { return binary.BigEndian.Uint64(key[1:]) }

// AssayResult is the market's callback: what became of a job. An error has the market
// send it again; everything here may be done twice.
func (edge) AssayResult(m *cdk.Message, o dappapi.Outcome) error {
	a := config()
	if m.Caller() != a.Market {
		return errors.New("results come from the market alone")
	}
	if len(o.Key) != 9 || o.Key[0] != 'b' && o.Key[0] != 'q' {
		return fmt.Errorf("no order has the key %x", o.Key)
	}
	if o.State == nil || !o.State.Provisional && !o.State.Final {
		state := "of unknown state"
		if o.State != nil {
			state = o.State.Tag()
		}
		note(o.Key, &o.Job, state+": "+o.Message)
		return nil
	}
	if o.Key[0] == 'b' {
		return storeBatch(m, a, idOf(o.Key), o)
	}
	return answer(m, a, idOf(o.Key), o)
}

func vectorsOf(a dappapi.Init) vectorsapi.Client[*cdk.Message] {
	return vectorsapi.NewClient[*cdk.Message](cdk.Canister{ID: a.Vectors})
}

// storeBatch puts a batch's vectors where they can be searched.
func storeBatch(m *cdk.Message, a dappapi.Init, id uint64, o dappapi.Outcome) error {
	b, ok := loadBatch(id)
	if !ok || b.State == stateIndexed {
		return nil
	}
	if len(o.Output) != int(b.Passages) {
		return fmt.Errorf("%d vectors for %d passages", len(o.Output), b.Passages)
	}
	entries := make([]vectorsapi.Entry, len(o.Output))
	for i, t := range o.Output {
		text, _ := cdk.Map(regionState).Get(textKey(id, i))
		entries[i] = vectorsapi.Entry{Id: fmt.Sprintf("%d-%d", id, i), Vector: t.Data, Text: string(text)}
	}
	note(o.Key, &o.Job, "being stored")
	// the collection exists from the second batch on, which vectors then says
	if _, err := vectorsOf(a).CreateCollection(m, vectorsapi.CreateCollectionArg{Name: a.Collection, Dimension: a.Dimension, Public: true}); err != nil {
		return fmt.Errorf("create the collection: %w", err)
	}
	r, err := vectorsOf(a).Upsert(m, vectorsapi.UpsertArg{Collection: a.Collection, Entries: entries})
	if err == nil && r.Err != nil {
		err = errors.New(r.Err.Message)
	}
	if err != nil {
		note(o.Key, &o.Job, "not stored: "+err.Error())
		return fmt.Errorf("store batch %d: %w", id, err)
	}
	note(o.Key, &o.Job, stateIndexed)
	return nil
}

// answer searches what lies nearest to a question.
func answer(m *cdk.Message, a dappapi.Init, id uint64, o dappapi.Outcome) error {
	if q, ok := loadQuestion(id); !ok || q.State == stateAnswered {
		return nil
	}
	if len(o.Output) != 1 {
		return fmt.Errorf("%d vectors for one question", len(o.Output))
	}
	r, err := vectorsOf(a).Search(m, vectorsapi.SearchArg{Collection: a.Collection, Vector: o.Output[0].Data, K: hitsPerQuestion})
	if err == nil && r.Err != nil {
		err = errors.New(r.Err.Message)
	}
	if err != nil {
		note(o.Key, &o.Job, "not searched: "+err.Error())
		return fmt.Errorf("search for question %d: %w", id, err)
	}
	q, _ := loadQuestion(id)
	q.Job, q.State, q.Hits = &o.Job, stateAnswered, nil
	for _, h := range *r.Ok {
		q.Hits = append(q.Hits, dappapi.Hit{Id: h.Id, Text: h.Text, Score: h.Score})
	}
	saveQuestion(q)
	return nil
}

// orphan takes the outcome of an order whose handler is gone with an upgrade or a trap.
// A callback that was cut off is sent again by the market.
func orphan(_ *cdk.Message, i cdk.Intent, o cdk.Outcome) {
	if i.Method == "submit" && len(i.Note) == 9 {
		placed(i.Note, o)
	}
}
