// Publish and subscribe between canisters; the interface is examples/pubsub/pubsub.did.
import Iter "mo:core/Iter";
import List "mo:core/pure/List";
import Map "mo:core/pure/Map";
import Nat32 "mo:core/Nat32";
import Order "mo:core/Order";
import Principal "mo:core/Principal";
import Runtime "mo:core/Runtime";
import Text "mo:core/Text";

shared actor class PubSub() = self {
  type Event = { topic : Text; seq : Nat64; body : Blob };
  type Published = { seq : Nat64; told : Nat32; missed : Nat32 };
  type Outcome = { #ok; #err : Text };
  type Peer = (Text, Principal);
  type Subscriber = actor { receive : Event -> async () };
  type Publisher = actor { subscribe : Text -> async Outcome };

  let maxTopic = 64;
  let maxBody = 1024;
  let maxSubscribers = 100;
  let maxMisses = 3;
  let keptEvents = 100;

  stable var last = Map.empty<Text, Nat64>(); // of each topic, the last event's number
  stable var subscribed = Map.empty<Peer, Nat>(); // failures in a row
  stable var joined = Map.empty<Peer, Nat64>(); // the last number received
  stable var received = List.empty<Event>(); // the newest first

  func order(a : Peer, b : Peer) : Order.Order {
    switch (Text.compare(a.0, b.0)) { case (#equal) { Principal.compare(a.1, b.1) }; case other { other } };
  };

  func checkTopic(topic : Text) : ?Text {
    let size = Text.encodeUtf8(topic).size();
    if (size == 0 or size > maxTopic) { ?("a topic has 1 to 64 bytes, not " # debug_show size) } else { null };
  };

  func checkController(caller : Principal) : ?Text {
    if (Principal.isController(caller)) { null } else { ?"only a controller of this canister may do this" };
  };

  func subscribersOf(topic : Text) : [Principal] {
    Iter.toArray(Iter.filterMap<Peer, Principal>(Map.keys(subscribed), func((t, p)) { if (t == topic) { ?p } else { null } }));
  };

  public shared ({ caller }) func subscribe(topic : Text) : async Outcome {
    switch (checkTopic(topic)) { case (?text) { return #err text }; case null {} };
    let known = Map.get(subscribed, order, (topic, caller)) != null;
    if (not known and subscribersOf(topic).size() >= maxSubscribers) {
      return #err "the topic has 100 subscribers, that is all it can have";
    };
    subscribed := Map.add(subscribed, order, (topic, caller), 0);
    #ok
  };

  public shared ({ caller }) func unsubscribe(topic : Text) : async () {
    subscribed := Map.remove(subscribed, order, (topic, caller));
  };

  public shared ({ caller }) func publish(topic : Text, body : Blob) : async { #ok : Published; #err : Text } {
    switch (checkController(caller)) { case (?text) { return #err text }; case null {} };
    switch (checkTopic(topic)) { case (?text) { return #err text }; case null {} };
    if (body.size() > maxBody) { return #err("the event has " # debug_show (body.size()) # " bytes, at most 1024 are allowed") };
    let seq = 1 + (switch (Map.get(last, Text.compare, topic)) { case (?n) n; case null 0 : Nat64 });
    last := Map.add(last, Text.compare, topic, seq);
    let to = subscribersOf(topic);
    // all calls leave before the first is awaited
    var calls = List.empty<(Principal, async ())>();
    for (p in to.vals()) {
      let s : Subscriber = actor (Principal.toText(p));
      calls := List.pushFront(calls, (p, (with timeout = 10) s.receive({ topic; seq; body })));
    };
    var told : Nat32 = 0;
    for ((p, call) in List.values(calls)) {
      let took = try { await call; true } catch (_) { false };
      if (took) { told += 1 };
      settle((topic, p), took);
    };
    #ok { seq; told; missed = Nat32.fromNat(to.size()) - told }
  };

  // Counts a subscriber's failures; others may have removed it meanwhile.
  func settle(peer : Peer, took : Bool) {
    subscribed := switch (Map.get(subscribed, order, peer)) {
      case null { return };
      case (?misses) {
        if (took) { Map.add(subscribed, order, peer, 0) } else if (misses + 1 >= maxMisses) {
          Map.remove(subscribed, order, peer)
        } else { Map.add(subscribed, order, peer, misses + 1) };
      };
    };
  };

  public query func subscribers(topic : Text) : async [Principal] { subscribersOf(topic) };

  public shared ({ caller }) func join(publisher : Principal, topic : Text) : async Outcome {
    switch (checkController(caller)) { case (?text) { return #err text }; case null {} };
    switch (checkTopic(topic)) { case (?text) { return #err text }; case null {} };
    if (Map.get(joined, order, (topic, publisher)) == null) {
      joined := Map.add<Peer, Nat64>(joined, order, (topic, publisher), 0);
    };
    let p : Publisher = actor (Principal.toText(publisher));
    await (with timeout = 10) p.subscribe(topic)
  };

  public shared ({ caller }) func receive(e : Event) : async () {
    switch (Map.get(joined, order, (e.topic, caller))) {
      case null { Runtime.trap("not subscribed") };
      case (?seq) { if (e.seq <= seq) { return } };
    };
    joined := Map.add(joined, order, (e.topic, caller), e.seq);
    received := List.take(List.pushFront(received, e), keptEvents);
  };

  public query func events() : async [Event] { List.toArray(List.reverse(received)) };
};
