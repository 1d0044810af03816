// Takes, sends, returns and burns cycles.
import Cycles "mo:core/Cycles";
import Principal "mo:core/Principal";

persistent actor {
  type Purse = actor { take : Nat -> async Nat; takeAndTrap : Nat -> async Nat };

  public func take(atMost : Nat) : async Nat { Cycles.accept<system>(atMost) };
  public func takeAndTrap(atMost : Nat) : async Nat { ignore Cycles.accept<system>(atMost); assert false; 0 };

  // Sends cycles; says what the other took and what came back.
  public func give(to : Principal, amount : Nat, atMost : Nat) : async { taken : Nat; refunded : Nat } {
    let other : Purse = actor (Principal.toText(to));
    let taken = await (with cycles = amount) other.take(atMost);
    { taken; refunded = Cycles.refunded() }
  };

  // What a trap of the other cost: the calls, not the cycles that it had accepted.
  public func giveToTrap(to : Principal, amount : Nat) : async Int {
    let other : Purse = actor (Principal.toText(to));
    let before = Cycles.balance();
    try { ignore await (with cycles = amount) other.takeAndTrap(amount) } catch _ {};
    before - Cycles.balance()
  };

  public func available() : async Nat { Cycles.available() };
  public func burn(amount : Nat) : async Nat { Cycles.burn<system>(amount) };
  public query func balance() : async Nat { Cycles.balance() };
};
