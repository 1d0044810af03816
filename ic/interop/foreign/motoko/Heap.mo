// A heap that grows and is collected, and regions of stable memory.
import Map "mo:core/Map";
import Nat "mo:core/Nat";
import Nat64 "mo:core/Nat64";
import Region "mo:core/Region";
import Runtime "mo:core/Runtime";
import Text "mo:core/Text";
import VarArray "mo:core/VarArray";

persistent actor {
  let kept = Map.empty<Nat, [var Nat]>();
  let region = Region.new();
  var written : Nat64 = 0;

  public func keep(from : Nat, n : Nat, words : Nat) : async Nat {
    for (i in Nat.range(from, from + n)) { Map.add(kept, Nat.compare, i, VarArray.repeat<Nat>(i, words)) };
    Map.size(kept)
  };

  // Makes garbage, which the collector must take away.
  public func churn(rounds : Nat, words : Nat) : async Nat {
    var sum = 0;
    for (i in Nat.range(0, rounds)) { sum += VarArray.repeat<Nat>(i, words)[words - 1] };
    sum
  };

  public query func check() : async Bool {
    for ((i, words) in Map.entries(kept)) { for (w in words.vals()) { if (w != i) return false } };
    true
  };

  public func recurse(depth : Nat) : async Nat { func down(n : Nat) : Nat = if (n == 0) 0 else 1 + down(n - 1); down depth };
  public func store(text : Text) : async Nat64 {
    let blob = Text.encodeUtf8(text);
    let size = Nat64.fromNat(blob.size());
    while (Region.size(region) * 65536 < written + size) {
      if (Region.grow(region, 1) == 0xffff_ffff_ffff_ffff) Runtime.trap("no stable memory left");
    };
    Region.storeBlob(region, written, blob);
    written += size;
    Region.size(region)
  };

  public query func load(at : Nat64, size : Nat) : async ?Text { Text.decodeUtf8(Region.loadBlob(region, at, size)) };
};
