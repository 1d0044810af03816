// Timers, once and again and again, and a heartbeat that can be turned off.
import Error "mo:core/Error";
import List "mo:core/List";
import Time "mo:core/Time";
import Timer "mo:core/Timer";

persistent actor {
  let fired = List.empty<Text>();
  var beats = 0;
  var beating = false;
  transient var recurring : ?Timer.TimerId = null;

  public func once(seconds : Nat, name : Text) : async Nat {
    Timer.setTimer<system>(#seconds seconds, func() : async () { List.add(fired, name) })
  };

  public func every(seconds : Nat, name : Text) : async () {
    recurring := ?Timer.recurringTimer<system>(#seconds seconds, func() : async () { List.add(fired, name) });
  };

  public func cancelEvery() : async () {
    switch recurring { case (?id) Timer.cancelTimer(id); case null throw Error.reject("no timer runs") };
    recurring := null;
  };

  // A timer that traps leaves nothing and does not stop the others.
  public func trapping(seconds : Nat) : async () {
    ignore Timer.setTimer<system>(#seconds seconds, func() : async () { List.add(fired, "never seen"); assert false });
  };

  system func heartbeat() : async () { if (beating) { beats += 1 } };

  public func beat(on : Bool) : async () { beating := on };
  public query func heard() : async Nat { beats };
  public query func events() : async [Text] { List.toArray(fired) };
  public query func now() : async Int { Time.now() };
};
