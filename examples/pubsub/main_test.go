package main

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"assay/examples/pubsub/pubsubapi"
	"assay/ic/candid"
	"assay/ic/canistertest"
	"assay/ic/cdk"
	"assay/ic/cdk/cdktest"
	"assay/ic/principal"
)

var source = canistertest.Source{Program: program}

// owner controls every canister of these tests.
func owner(c canistertest.Canister) pubsubapi.Client[context.Context] {
	return pubsubapi.NewClient[context.Context](c.As(canistertest.Controller))
}

// world is a publisher and canisters that can join it.
type world struct {
	t         *testing.T
	publisher canistertest.Canister
	readers   []canistertest.Canister
}

func newWorld(t *testing.T, n canistertest.Network, readers int) *world {
	t.Helper()
	w := &world{t: t, publisher: n.Install(source, nil)}
	for range readers {
		w.readers = append(w.readers, n.Install(source, nil))
	}
	return w
}

func (w *world) join(reader int, topic string) {
	w.t.Helper()
	r, err := owner(w.readers[reader]).Join(w.t.Context(), w.publisher.ID(), topic)
	if err != nil || !r.Ok {
		w.t.Fatalf("join: %+v, %v", r, err)
	}
}

func (w *world) publish(topic, body string, seq uint64, told, missed uint32) {
	w.t.Helper()
	r, err := owner(w.publisher).Publish(w.t.Context(), topic, []byte(body))
	if err != nil || r.Ok == nil {
		w.t.Fatalf("publish: %+v, %v", r, err)
	}
	if want := (pubsubapi.Published{Seq: seq, Told: told, Missed: missed}); *r.Ok != want {
		w.t.Errorf("published %+v, want %+v", *r.Ok, want)
	}
}

func (w *world) received(reader int, want ...string) {
	w.t.Helper()
	events, err := owner(w.readers[reader]).Events(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	var got []string
	for _, e := range events {
		got = append(got, e.Topic+"/"+string(e.Body))
	}
	if !slices.Equal(got, want) {
		w.t.Errorf("reader %d got %q, want %q", reader, got, want)
	}
}

func TestPublish(t *testing.T) {
	canistertest.Each(t, func(t *testing.T, n canistertest.Network) {
		w := newWorld(t, n, 2)
		w.publish("news", "nobody listens", 1, 0, 0)
		w.join(0, "news")
		w.join(1, "news")
		w.join(1, "sport")
		w.publish("news", "a", 2, 2, 0)
		w.publish("sport", "b", 1, 1, 0)
		if err := w.publisher.Upgrade(source, nil); err != nil {
			t.Fatal(err)
		}
		w.publish("news", "c", 3, 2, 0)
		w.received(0, "news/a", "news/c")
		w.received(1, "news/a", "sport/b", "news/c")
	})
}

// TestDropped: a subscriber that fails three times in a row is dropped, one that comes
// back in time is not.
func TestDropped(t *testing.T) { canistertest.Each(t, dropped) }

func dropped(t *testing.T, n canistertest.Network) {
	w := newWorld(t, n, 2)
	w.join(0, "news")
	w.join(1, "news")
	w.stopped(1, func() {
		w.publish("news", "a", 1, 1, 1)
		w.publish("news", "b", 2, 1, 1)
	})
	w.publish("news", "c", 3, 2, 0)
	w.stopped(1, func() {
		w.publish("news", "d", 4, 1, 1)
		w.publish("news", "e", 5, 1, 1)
		w.publish("news", "f", 6, 1, 1)
		w.publish("news", "g", 7, 1, 0)
	})
	w.received(1, "news/c")
	got, err := owner(w.publisher).Subscribers(t.Context(), "news")
	if err != nil || !slices.Equal(got, []principal.Principal{w.readers[0].ID()}) {
		t.Errorf("subscribers %v, %v; want the one that always answered", got, err)
	}
}

// stopped runs f while a reader is stopped.
func (w *world) stopped(reader int, f func()) {
	w.t.Helper()
	if err := w.readers[reader].Stop(); err != nil {
		w.t.Fatal(err)
	}
	f()
	if err := w.readers[reader].Start(); err != nil {
		w.t.Fatal(err)
	}
}

func TestRefusals(t *testing.T) {
	w := newWorld(t, canistertest.Double(t), 1)
	ctx, stranger := t.Context(), pubsubapi.NewClient[context.Context](w.publisher.As(canistertest.Caller("stranger")))
	refused := func(what string, text *string, err error, want string) {
		t.Helper()
		if err != nil || text == nil || !strings.Contains(*text, want) {
			t.Errorf("%s: %v, %v", what, text, err)
		}
	}
	published, err := stranger.Publish(ctx, "news", nil)
	refused("a stranger's event", published.Err, err, "controller")
	joined, err := stranger.Join(ctx, w.publisher.ID(), "news")
	refused("a stranger's join", joined.Err, err, "controller")
	published, err = owner(w.publisher).Publish(ctx, "", nil)
	refused("no topic", published.Err, err, "64")
	published, err = owner(w.publisher).Publish(ctx, "news", make([]byte, maxBody+1))
	refused("a long event", published.Err, err, "1025")
	subscribed, err := stranger.Subscribe(ctx, strings.Repeat("x", 65))
	refused("a long topic", subscribed.Err, err, "65")
	if err := stranger.Receive(ctx, pubsubapi.Event{Topic: "news", Seq: 1}); err == nil || !strings.Contains(err.Error(), "not subscribed") {
		t.Errorf("an event that nobody asked for: %v", err)
	}
	for i := range maxSubscribers {
		c := pubsubapi.NewClient[context.Context](w.publisher.As(principal.Canister(uint64(1000 + i))))
		if r, err := c.Subscribe(ctx, "news"); err != nil || !r.Ok {
			t.Fatalf("subscriber %d: %+v, %v", i, r, err)
		}
	}
	subscribed, err = stranger.Subscribe(ctx, "news")
	refused("one too many", subscribed.Err, err, "100")
	first := pubsubapi.NewClient[context.Context](w.publisher.As(principal.Canister(1000)))
	if err := first.Unsubscribe(ctx, "news"); err != nil {
		t.Fatal(err)
	}
	if r, err := stranger.Subscribe(ctx, "news"); err != nil || !r.Ok {
		t.Errorf("after somebody left: %+v, %v", r, err)
	}
}

// TestLateAndRepeated: the wait for an answer is bounded; an event that arrived although
// the publisher gave up is kept once.
func TestLateAndRepeated(t *testing.T) {
	n := cdktest.New(t)
	options := cdktest.Options{Controllers: []principal.Principal{canistertest.Controller}}
	publisher, reader := n.Install(program(), options), n.Install(program(), options)
	must := func(b []byte, err error) []byte {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	must(reader.Update(canistertest.Controller, "join", must(pubsubapi.EncodeJoinArgs(publisher.ID, "news"))))
	r := publisher.Start(canistertest.Controller, "publish", must(pubsubapi.EncodePublishArgs("news", []byte("a"))), candid.Nat{})
	open := n.Open()
	if len(open) != 1 || open[0].Method != "receive" || open[0].Seconds != waitSeconds {
		t.Fatalf("open calls %+v, want one of receive that waits %d s", open, waitSeconds)
	}
	arg := open[0].Arg
	open[0].Deliver()
	open[0].Reject(cdk.SysUnknown, "no answer in time")
	reply, err, done := r.Result()
	if !done || err != nil {
		t.Fatalf("publish: %v, done %t", err, done)
	}
	if p, err := pubsubapi.DecodePublishResults(reply); err != nil || *p.Ok != (pubsubapi.Published{Seq: 1, Missed: 1}) {
		t.Errorf("published %+v, %v", p.Ok, err)
	}
	must(reader.Update(publisher.ID, "receive", arg))
	events, err := pubsubapi.DecodeEventsResults(must(reader.Query(canistertest.Controller, "events", must(pubsubapi.EncodeEventsArgs()))))
	if err != nil || len(events) != 1 {
		t.Errorf("events %+v, %v; want one", events, err)
	}
	n.Advance(time.Second)
}

// TestKeepsTheLast: a reader keeps so many events and no more.
func TestKeepsTheLast(t *testing.T) {
	w := newWorld(t, canistertest.Double(t), 1)
	w.join(0, "news")
	for i := range keptEvents + 3 {
		w.publish("news", "x", uint64(i+1), 1, 0)
	}
	events, err := owner(w.readers[0]).Events(t.Context())
	if err != nil || len(events) != keptEvents || events[0].Seq != 4 {
		t.Errorf("%d events, the first %+v, %v", len(events), events[0], err)
	}
}
