package icrc

import (
	"assay/canisters/ledger/tokens"
	"assay/ic/cdk/stable"
)

// Store is a ledger's data in a map in stable memory. Full memory traps, which undoes the
// message.
type Store struct{ Map *stable.Map }

var _ tokens.Store = Store{}

// Get is a value, false where there is none.
func (s Store) Get(key []byte) ([]byte, bool) { return s.Map.Get(key) }

// Put sets a value.
func (s Store) Put(key, value []byte) {
	if err := s.Map.Put(key, value); err != nil {
		panic(err)
	}
}

// Delete removes a key.
func (s Store) Delete(key []byte) { s.Map.Delete(key) }

// Scan visits keys from one on, in order, until visit returns false.
func (s Store) Scan(from []byte, visit func(key, value []byte) bool) { s.Map.Scan(from, visit) }
