// Command dapp is an example dApp canister, written as a stranger would write one: its
// owner has passages embedded by the market, it keeps them in the vectors canister and
// answers questions by what lies nearest. Results come by callback. dapp.did is its
// interface.
package main

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"

	"assay/canisters/dapp/dappapi"
	"assay/ic/cdk"
	"assay/ic/principal"
)

// regionState holds the dApp's map; records start with a version byte:
//
//	c              1 · dappapi.Init, as a Candid message
//	b <id>         1 · a batch of passages, as a Candid message
//	q <id>         1 · a question, as a Candid message
//	t <id> <item>  the text of a batch's passage
//
// "b <id>" and "q <id>" are also the keys under which the market knows the jobs.
const regionState = cdk.FirstRegion

const recordVersion = 1

var configKey = []byte("c")

func program() cdk.Program {
	return cdk.Program{
		Methods:     dappapi.Methods[*cdk.Message](edge{}),
		Init:        initialise,
		PostUpgrade: func(*cdk.Message, []byte) error { _, err := loadConfig(); return err },
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
	if a.Owner == principal.Anonymous || len(a.Model) != 32 || a.Dimension == 0 || a.Collection == "" {
		return fmt.Errorf("init: an owner, a model of 32 bytes, a dimension and a collection are needed")
	}
	record, err := dappapi.EncodeInit(a)
	if err != nil {
		return err
	}
	put(configKey, record)
	return nil
}

// argument is what the installation says, or without an argument what its environment does:
// the other canisters' ids, and the model in ASSAY_MODEL (its root in hex) and ASSAY_DIMENSION.
// The installer is the owner; where that is anonymous nobody is, for which the market stands.
func argument(m *cdk.Message, arg []byte) (a dappapi.Init, err error) {
	if !cdk.NoArgument(arg) {
		if a, err = dappapi.DecodeInitArgs(arg); err != nil {
			return a, fmt.Errorf("decode the init argument: %w", err)
		}
		return a, nil
	}
	if a.Market, err = m.Peer("market"); err != nil {
		return a, err
	}
	if a.Vectors, err = m.Peer("vectors"); err != nil {
		return a, err
	}
	model, _ := m.Environment("ASSAY_MODEL")
	if a.Model, err = hex.DecodeString(model); err != nil {
		return a, fmt.Errorf("environment variable ASSAY_MODEL: %w", err)
	}
	text, _ := m.Environment("ASSAY_DIMENSION")
	dimension, err := strconv.ParseUint(text, 10, 32)
	if err != nil {
		return a, fmt.Errorf("environment variable ASSAY_DIMENSION: %w", err)
	}
	a.Dimension, a.Collection, a.Owner = uint32(dimension), "passages", m.Caller()
	if a.Owner.IsAnonymous() {
		a.Owner = a.Market
		m.Print("installed by the anonymous principal: nobody owns it; install it with an identity")
	}
	return a, nil
}

func loadConfig() (dappapi.Init, error) {
	v, ok := get(configKey)
	if !ok {
		return dappapi.Init{}, fmt.Errorf("no configuration of version %d is stored", recordVersion)
	}
	return dappapi.DecodeInit(v)
}

func config() dappapi.Init {
	a, err := loadConfig()
	if err != nil {
		panic(err) // post_upgrade would have refused it
	}
	return a
}

// get reads a record without its version; one of another version is none.
func get(key []byte) ([]byte, bool) {
	v, ok := cdk.Map(regionState).Get(key)
	if !ok || len(v) < 1 || v[0] != recordVersion {
		return nil, false
	}
	return v[1:], true
}

func put(key, record []byte) {
	if err := cdk.Map(regionState).Put(key, append([]byte{recordVersion}, record...)); err != nil {
		panic(err)
	}
}

func recordKey(kind byte, id uint64) []byte { return binary.BigEndian.AppendUint64([]byte{kind}, id) }

func textKey(id uint64, item int) []byte {
	return binary.BigEndian.AppendUint32(recordKey('t', id), uint32(item))
}

// nextID is one more than the last id of a kind, the first is 1.
func nextID(kind byte) uint64 {
	last := uint64(0)
	each(kind, func(id uint64, _ []byte) { last = id })
	return last + 1
}

// each visits the records of a kind in order.
func each(kind byte, visit func(id uint64, record []byte)) {
	cdk.Map(regionState).Scan([]byte{kind}, func(key, v []byte) bool {
		if key[0] != kind {
			return false
		}
		visit(binary.BigEndian.Uint64(key[1:]), v[1:])
		return true
	})
}

func loadBatch(id uint64) (b dappapi.Batch, ok bool) {
	v, ok := get(recordKey('b', id))
	return decoded(dappapi.DecodeBatch, v, ok), ok
}

func saveBatch(id uint64, b dappapi.Batch) { put(recordKey('b', id), encoded(dappapi.EncodeBatch, b)) }

func loadQuestion(id uint64) (q dappapi.Question, ok bool) {
	v, ok := get(recordKey('q', id))
	return decoded(dappapi.DecodeQuestion, v, ok), ok
}

func saveQuestion(q dappapi.Question) { put(recordKey('q', q.Id), encoded(dappapi.EncodeQuestion, q)) }

func decoded[T any](decode func([]byte) (T, error), v []byte, ok bool) (out T) {
	if !ok {
		return out
	}
	out, err := decode(v)
	if err != nil {
		panic(err)
	}
	return out
}

func encoded[T any](encode func(T) ([]byte, error), v T) []byte {
	b, err := encode(v)
	if err != nil {
		panic(err)
	}
	return b
}
