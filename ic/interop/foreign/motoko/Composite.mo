// A query that asks other canisters, and them that ask further ones.
import List "mo:core/List";
import Principal "mo:core/Principal";

persistent actor self {
  type Shard = actor { get : query () -> async Nat; sum : composite query [Principal] -> async Nat };

  var value = 0;

  public func set(n : Nat) : async () { value := n };
  public query func get() : async Nat { value };

  public composite query func sum(shards : [Principal]) : async Nat {
    var total = value;
    for (id in shards.vals()) {
      let shard : Shard = actor (Principal.toText(id));
      total += await shard.get();
    };
    value := 0; // gone with the query
    total
  };

  // Each canister asks the next one.
  public composite query func chain(ids : [Principal]) : async [Nat] {
    let seen = List.empty<Nat>();
    List.add(seen, value);
    if (ids.size() > 0) {
      let next : actor { chain : composite query [Principal] -> async [Nat] } = actor (Principal.toText(ids[0]));
      let rest = List.empty<Principal>();
      for (id in ids.vals()) { if (id != ids[0]) List.add(rest, id) };
      for (n in (await next.chain(List.toArray(rest))).vals()) { List.add(seen, n) };
    };
    List.toArray(seen)
  };
};
