// Command tally is the canister with which package canistertest is tested: it starts at
// its argument, adds, rejects, traps and has a timer.
package main

import (
	"encoding/binary"
	"errors"

	"assay/ic/canistertest/internal/tally/tallyapi"
	"assay/ic/cdk"
	"assay/ic/principal"
)

const region = cdk.FirstRegion

var (
	key  = []byte("sum")
	lock = []byte("lock")
)

func program() cdk.Program {
	return cdk.Program{
		Methods: tallyapi.Methods[*cdk.Message](tally{}),
		Init: func(_ *cdk.Message, arg []byte) error {
			first, err := tallyapi.DecodeInitArgs(arg)
			if err != nil {
				return err
			}
			return set(first)
		},
		PostUpgrade: func(_ *cdk.Message, arg []byte) error {
			if len(arg) > 6 {
				return errors.New("an upgrade takes no argument")
			}
			return nil
		},
		Tasks: map[string]cdk.Task{"later": func(*cdk.Message) error { return set(sum() + 1) }},
	}
}

func init() { cdk.Serve(program()) }

func main() {}

type tally struct{}

var _ tallyapi.Service[*cdk.Message] = tally{}

// Add rejects 0, and traps after it has added 13.
func (tally) Add(m *cdk.Message, n uint64) (uint64, error) {
	m.Print("add")
	if n == 0 {
		return 0, errors.New("nothing to add")
	}
	if err := set(sum() + n); err != nil {
		return 0, err
	}
	if n == 13 {
		panic("thirteen")
	}
	return sum(), nil
}

// Later adds one after so many seconds.
func (tally) Later(m *cdk.Message, seconds uint64) error { return m.After(seconds*1e9, "later") }

// Who answers the caller.
func (tally) Who(m *cdk.Message) (principal.Principal, error) { return m.Caller(), nil }

// Both adds n before and after another tally does, and holds the lock meanwhile.
func (tally) Both(m *cdk.Message, other principal.Principal, n uint64) (uint64, error) {
	if err := cdk.Map(region).Put(lock, nil); err != nil {
		return 0, err
	}
	defer cdk.Map(region).Delete(lock)
	if err := set(sum() + n); err != nil {
		return 0, err
	}
	if _, err := tallyapi.NewClient[*cdk.Message](cdk.Canister{ID: other}).Add(m, n); err != nil {
		return 0, err
	}
	return sum() + n, set(sum() + n)
}

// Locked reports whether the lock is held.
func (tally) Locked(*cdk.Message) (bool, error) {
	_, held := cdk.Map(region).Get(lock)
	return held, nil
}

// Get answers the sum.
func (tally) Get(*cdk.Message) (uint64, error) { return sum(), nil }

func set(n uint64) error {
	return cdk.Map(region).Put(key, binary.LittleEndian.AppendUint64(nil, n))
}

func sum() uint64 {
	b, ok := cdk.Map(region).Get(key)
	if !ok {
		return 0
	}
	return binary.LittleEndian.Uint64(b)
}
