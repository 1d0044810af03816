// A number that an upgrade leaves as it is; the interface is examples/counter/counter.did.
actor {
  stable var count : Nat64 = 0;

  public func increment() : async Nat64 {
    count += 1;
    count
  };

  public func add(n : Nat64) : async Nat64 {
    count += n; // traps where it would overflow
    count
  };

  public query func get() : async Nat64 { count };
};
