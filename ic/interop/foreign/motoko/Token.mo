// Balances in an ordered map and a log in a growing list; both outlive upgrades.
import List "mo:core/List";
import Map "mo:core/Map";
import Principal "mo:core/Principal";
import Runtime "mo:core/Runtime";

persistent actor class Token(supply : Nat, owner : Principal) {
  type Entry = { from : Principal; to : Principal; amount : Nat };

  let balances = Map.empty<Principal, Nat>();
  let log = List.empty<Entry>();
  var upgrades = 0;
  transient var sinceUpgrade = 0;

  if (Map.isEmpty(balances)) { Map.add(balances, Principal.compare, owner, supply) };

  system func preupgrade() { upgrades += 1 };

  func held(who : Principal) : Nat = switch (Map.get(balances, Principal.compare, who)) { case (?n) n; case null 0 };

  public shared ({ caller }) func transfer(to : Principal, amount : Nat) : async { #ok : Nat; #err : Text } {
    if (held(caller) < amount) { return #err("only " # debug_show (held(caller)) # " left") };
    Map.add(balances, Principal.compare, caller, held(caller) - amount : Nat);
    Map.add(balances, Principal.compare, to, held(to) + amount);
    List.add(log, { from = caller; to; amount });
    sinceUpgrade += 1;
    #ok(List.size(log))
  };

  // Changes everything, then traps.
  public shared ({ caller }) func burnAllAndTrap() : async () {
    Map.clear(balances);
    List.clear(log);
    Runtime.trap("burnt by " # Principal.toText(caller));
  };

  public query func balance(who : Principal) : async Nat { held(who) };
  public query func entries() : async [Entry] { List.toArray(log) };
  public query func counts() : async { upgrades : Nat; sinceUpgrade : Nat } { { upgrades; sinceUpgrade } };
};
