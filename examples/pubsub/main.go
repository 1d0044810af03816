// Command pubsub is publish and subscribe between canisters: a publisher tells its
// subscribers of each event by calls made at the same time, waits for their answers only
// so long, and drops a subscriber that has failed three times in a row.
//
// A bounded wait may end without an answer although the event arrived, or arrives later.
// So events are numbered: a subscriber takes each number once and sees gaps. pubsub.did
// is the interface; everything lives in stable memory.
package main

import (
	"encoding/binary"

	"assay/examples/pubsub/pubsubapi"
	"assay/ic/cdk"
	"assay/ic/cdk/stable"
	"assay/ic/principal"
)

// regionState holds one map; numbers are big-endian, a topic is its length in one byte
// and its text:
//
//	n topic             the topic's last event number
//	s topic principal   a subscriber: how often in a row it failed, one byte
//	j topic principal   a publisher that this canister joined: the last number received
//	e number            a received event, as a Candid message
//	r                   how many events were received
const regionState = cdk.FirstRegion

// Limits.
const (
	maxTopic       = 64      // bytes
	maxBody        = 1 << 10 // bytes
	maxSubscribers = 100     // of a topic: they are told in one message
	maxMisses      = 3       // in a row, then a subscriber is dropped
	keptEvents     = 100
	waitSeconds    = 10
)

func program() cdk.Program {
	return cdk.Program{Methods: pubsubapi.Methods[*cdk.Message](edge{})}
}

func init() { cdk.Serve(program()) }

func main() {}

func state() *stable.Map { return cdk.Map(regionState) }

// put traps where stable memory is full, which undoes the message.
func put(key, value []byte) {
	if err := state().Put(key, value); err != nil {
		panic(err)
	}
}

func topicKey(kind byte, topic string) []byte {
	return append([]byte{kind, byte(len(topic))}, topic...)
}

func peerKey(kind byte, topic string, p principal.Principal) []byte {
	return append(topicKey(kind, topic), p.Bytes()...)
}

func eventKey(n uint64) []byte { return binary.BigEndian.AppendUint64([]byte{'e'}, n) }

func number(key []byte) uint64 {
	if v, ok := state().Get(key); ok {
		return binary.BigEndian.Uint64(v)
	}
	return 0
}

func putNumber(key []byte, n uint64) { put(key, binary.BigEndian.AppendUint64(nil, n)) }

// next counts up the number under a key.
func next(key []byte) uint64 {
	n := number(key) + 1
	putNumber(key, n)
	return n
}

// subscribers of a topic, in order.
func subscribers(topic string) (out []principal.Principal) {
	prefix := topicKey('s', topic)
	state().Scan(prefix, func(key, _ []byte) bool {
		if len(key) < len(prefix) || string(key[:len(prefix)]) != string(prefix) {
			return false
		}
		p, err := principal.FromBytes(key[len(prefix):])
		if err != nil {
			panic(err)
		}
		out = append(out, p)
		return true
	})
	return out
}

// tell sends an event to all subscribers at once, and returns how many took it.
func tell(m *cdk.Message, e pubsubapi.Event, to []principal.Principal) (told uint32, err error) {
	arg, err := pubsubapi.EncodeReceiveArgs(e)
	if err != nil {
		return 0, err
	}
	calls := make([]cdk.Call, len(to))
	for i, p := range to {
		calls[i] = cdk.Call{To: p, Method: "receive", Arg: arg, Timeout: waitSeconds}
	}
	for i, o := range cdk.All(m, calls...) {
		if o.Err == nil {
			told++
		}
		settle(peerKey('s', e.Topic, to[i]), o.Err == nil)
	}
	return told, nil
}

// settle counts a subscriber's failures; others may have removed it meanwhile.
func settle(key []byte, took bool) {
	v, ok := state().Get(key)
	switch {
	case !ok || took && v[0] == 0:
	case took:
		put(key, []byte{0})
	case v[0]+1 >= maxMisses:
		state().Delete(key)
	default:
		put(key, []byte{v[0] + 1})
	}
}
