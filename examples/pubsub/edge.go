package main

import (
	"fmt"

	"assay/examples/pubsub/pubsubapi"
	"assay/ic/cdk"
	"assay/ic/principal"
)

// edge serves pubsub.did.
type edge struct{}

func checkTopic(topic string) *string {
	if topic == "" || len(topic) > maxTopic {
		return new(fmt.Sprintf("a topic has 1 to %d bytes, not %d", maxTopic, len(topic)))
	}
	return nil
}

func checkController(m *cdk.Message) *string {
	if !m.IsController(m.Caller()) {
		return new("only a controller of this canister may do this")
	}
	return nil
}

func (edge) Subscribe(m *cdk.Message, topic string) (r pubsubapi.SubscribeResult, err error) {
	key := peerKey('s', topic, m.Caller())
	_, known := state().Get(key)
	switch {
	case checkTopic(topic) != nil:
		r.Err = checkTopic(topic)
	case !known && len(subscribers(topic)) >= maxSubscribers:
		r.Err = new(fmt.Sprintf("the topic has %d subscribers, that is all it can have", maxSubscribers))
	default:
		put(key, []byte{0})
		r.Ok = true
	}
	return r, nil
}

func (edge) Unsubscribe(m *cdk.Message, topic string) error {
	if checkTopic(topic) == nil {
		state().Delete(peerKey('s', topic, m.Caller()))
	}
	return nil
}

func (edge) Publish(m *cdk.Message, topic string, body []byte) (r pubsubapi.PublishResult, err error) {
	if r.Err = checkController(m); r.Err == nil {
		r.Err = checkTopic(topic)
	}
	if len(body) > maxBody {
		r.Err = new(fmt.Sprintf("the event has %d bytes, at most %d are allowed", len(body), maxBody))
	}
	if r.Err != nil {
		return r, nil
	}
	e := pubsubapi.Event{Topic: topic, Seq: next(topicKey('n', topic)), Body: body}
	to := subscribers(topic)
	told, err := tell(m, e, to)
	r.Ok = &pubsubapi.Published{Seq: e.Seq, Told: told, Missed: uint32(len(to)) - told}
	return r, err
}

func (edge) Subscribers(_ *cdk.Message, topic string) ([]principal.Principal, error) {
	return subscribers(topic), nil
}

// Join notes the publisher before it asks to be told, since events may come before the
// answer does.
func (edge) Join(m *cdk.Message, publisher principal.Principal, topic string) (r pubsubapi.JoinResult, err error) {
	if r.Err = checkController(m); r.Err == nil {
		r.Err = checkTopic(topic)
	}
	if r.Err != nil {
		return r, nil
	}
	key := peerKey('j', topic, publisher)
	putNumber(key, number(key))
	answer, err := pubsubapi.NewClient[*cdk.Message](cdk.Canister{ID: publisher, Timeout: waitSeconds}).Subscribe(m, topic)
	if err != nil {
		return r, err
	}
	return pubsubapi.JoinResult(answer), nil
}

// Receive takes an event once: a repeat is answered like the first.
func (edge) Receive(m *cdk.Message, e pubsubapi.Event) error {
	key := peerKey('j', e.Topic, m.Caller())
	if _, ok := state().Get(key); !ok || len(e.Topic) > maxTopic {
		return fmt.Errorf("not subscribed to %.64q of %s", e.Topic, m.Caller())
	}
	if e.Seq <= number(key) {
		return nil
	}
	putNumber(key, e.Seq)
	record, err := pubsubapi.EncodeEvent(e)
	if err != nil {
		return err
	}
	n := next([]byte{'r'})
	put(eventKey(n), record)
	if n > keptEvents {
		state().Delete(eventKey(n - keptEvents))
	}
	return nil
}

func (edge) Events(*cdk.Message) (out []pubsubapi.Event, err error) {
	state().Scan([]byte{'e'}, func(key, record []byte) bool {
		if key[0] != 'e' {
			return false
		}
		var e pubsubapi.Event
		if e, err = pubsubapi.DecodeEvent(record); err != nil {
			return false
		}
		out = append(out, e)
		return true
	})
	return out, err
}
