package state

import (
	"slices"

	"assay/ic/principal"
)

// QueryCount is what queries of one canister took. Queries change nothing, so what they
// took enters the state with a later round.
type QueryCount struct {
	Canister                               principal.Principal
	Calls, Instructions, Request, Response uint64
}

type wireQueryCount struct {
	Canister     []byte `cbor:"1,keyasint"`
	Calls        uint64 `cbor:"2,keyasint"`
	Instructions uint64 `cbor:"3,keyasint"`
	Request      uint64 `cbor:"4,keyasint"`
	Response     uint64 `cbor:"5,keyasint"`
}

func (q *QueryCount) wire() *wireQueryCount {
	return &wireQueryCount{q.Canister.Bytes(), q.Calls, q.Instructions, q.Request, q.Response}
}

func (w *wireQueryCount) count() (*QueryCount, error) {
	id, err := principal.FromBytes(w.Canister)
	return &QueryCount{id, w.Calls, w.Instructions, w.Request, w.Response}, err
}

// countLocked notes one query.
func (m *Machine) countLocked(id principal.Principal, instructions uint64, request int, a answer) {
	q := m.mu.counts[id]
	if q == nil {
		q = &QueryCount{Canister: id}
		m.mu.counts[id] = q
	}
	q.Calls++
	q.Instructions += instructions
	q.Request += uint64(request)
	q.Response += a.size()
}

// countedLocked hands out what was noted, as inputs, and forgets it.
func (m *Machine) countedLocked() (inputs []Input) {
	for _, q := range m.mu.counts {
		inputs = append(inputs, Input{Queries: q})
	}
	clear(m.mu.counts)
	slices.SortFunc(inputs, func(a, b Input) int { return a.Queries.Canister.Compare(b.Queries.Canister) })
	return inputs
}

// addQueriesLocked adds a count to its canister, if that is still there.
func (m *Machine) addQueriesLocked(q *QueryCount) {
	c := m.mu.canisters[q.Canister]
	if c == nil {
		return
	}
	c.Queries.Calls += q.Calls
	c.Queries.Instructions += q.Instructions
	c.Queries.Request += q.Request
	c.Queries.Response += q.Response
}
