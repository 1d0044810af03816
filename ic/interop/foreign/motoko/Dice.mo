// Randomness from raw_rand.
import Random "mo:core/Random";

persistent actor {
  public func bytes() : async Blob { await Random.blob() };
  public func roll() : async Nat { await Random.natRange(1, 7) };

  public func differ() : async Bool {
    let first = await Random.blob();
    let second = await Random.blob();
    first.size() == 32 and second.size() == 32 and first != second
  };
};
