// Makes actors of a class, calls them, upgrades one.
import Child "Child";
import Cycles "mo:core/Cycles";
import List "mo:core/List";
import Principal "mo:core/Principal";

persistent actor {
  let children = List.empty<Child.Child>();

  public func spawn(name : Text) : async Principal {
    let child = await (with cycles = 2_000_000_000_000) Child.Child(name);
    List.add(children, child);
    Principal.fromActor(child)
  };

  public func greetAll() : async [Text] {
    let said = List.empty<Text>();
    for (child in List.values(children)) { List.add(said, await child.greet()) };
    List.toArray(said)
  };

  public func rename(name : Text) : async Text {
    let child = await (system Child.Child)(#upgrade(List.at(children, 0)))(name);
    await child.greet()
  };

  public query func left() : async Nat { Cycles.balance() };
};
