// Command market is the market canister: the edge around [book], which decides. It
// decodes and encodes Candid, takes cycles, keeps the certified tree and runs what the
// book asks for as tasks: request a beacon, draw, apply deadlines, send callbacks.
// market.did is its interface; orchestrators, clients and dApps call it.
package main

import (
	"fmt"

	"assay/canisters/market/book"
	"assay/canisters/market/marketapi"
	"assay/commitment"
	"assay/ic/candid"
	"assay/ic/cdk"
)

// regionBook is the part of stable memory that holds the book's map.
const regionBook = cdk.FirstRegion

func program() cdk.Program {
	return cdk.Program{
		Methods:     marketapi.Methods[*cdk.Message](edge{}),
		Init:        initialise,
		PostUpgrade: upgraded,
		Tasks:       map[string]cdk.Task{taskBeacon: runBeacon, taskDraw: runDraw, taskDeadlines: runDeadlines, taskCallbacks: runCallbacks},
		Orphan:      orphan,
	}
}

func init() { cdk.Serve(program()) }

func main() {}

func initialise(m *cdk.Message, arg []byte) error {
	a, err := argument(m, arg)
	if err != nil {
		return err
	}
	network := commitment.NetworkID(m.RootKey())
	b, fx, err := book.Create(store{}, principalIn(m.Self()), principalIn(a.Dao), network, parametersIn(a.Parameters))
	if err != nil {
		return err
	}
	return conclude(m, b, fx)
}

// argument is what the installation says, or without an argument what its environment
// does: the dao's id, with parameters that the dao can change.
func argument(m *cdk.Message, arg []byte) (a marketapi.Init, err error) {
	if cdk.NoArgument(arg) {
		const second = 1_000_000_000 // ns
		a.Parameters = marketapi.Parameters{
			Window: 600 * second, DeliveryTimeout: 120 * second, RevealTimeout: 60 * second, MaxAttempts: 3, TreasuryPermille: 50,
			BasePrice: candid.NewNat(1_000_000_000), Reserve: candid.NewNat(1_000_000_000_000),
		}
		a.Dao, err = m.Peer("dao")
		return a, err
	}
	if a, err = marketapi.DecodeInitArgs(arg); err != nil {
		return a, fmt.Errorf("decode the init argument: %w", err)
	}
	return a, nil
}

// upgraded checks that this version can read what the last one left. The kit sets the
// timer again for the tasks that were queued.
func upgraded(m *cdk.Message, _ []byte) error {
	b, err := book.Open(store{})
	if err != nil {
		return err
	}
	return conclude(m, b, book.Effects{})
}

// store is the book's map in stable memory. Full memory traps, which undoes the message.
type store struct{}

func (store) Get(key []byte) ([]byte, bool) { return cdk.Map(regionBook).Get(key) }

func (store) Put(key, value []byte) {
	if err := cdk.Map(regionBook).Put(key, value); err != nil {
		panic(err)
	}
}

func (store) Delete(key []byte) { cdk.Map(regionBook).Delete(key) }

func (store) Scan(from []byte, visit func(key, value []byte) bool) {
	cdk.Map(regionBook).Scan(from, visit)
}

func open() *book.Book {
	b, err := book.Open(store{})
	if err != nil {
		panic(err) // init or post_upgrade would have refused it
	}
	return b
}

// call is what the book has to know about a message.
func call(m *cdk.Message) book.Call {
	return book.Call{Now: m.Time(), Caller: principalIn(m.Caller()), Attached: saturate(m.CyclesAvailable()), Liquid: saturate(m.LiquidBalance())}
}

// conclude applies a command's effects and queues the tasks that the book now has work
// for. Every message that changes the book ends with it.
func conclude(m *cdk.Message, b *book.Book, fx book.Effects) error {
	tree := cdk.Certified(m)
	for _, u := range fx.Tree {
		if u.Value == nil {
			tree.Delete(u.Path)
		} else if err := tree.Put(u.Path, u.Value); err != nil {
			panic(err) // full memory: undo the message
		}
	}
	due := b.Due(m.Time())
	for _, t := range []struct {
		wanted bool
		name   string
	}{{due.Beacon, taskBeacon}, {due.Draw, taskDraw}, {due.Callbacks, taskCallbacks}} {
		if t.wanted {
			if err := m.After(0, t.name); err != nil {
				return err
			}
		}
	}
	if due.Next != 0 {
		return m.After(due.Next-m.Time(), taskDeadlines)
	}
	return nil
}
