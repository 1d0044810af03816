// Calls another canister and itself: one after another, at once, with try and catch,
// with a time limit, without waiting.
import Error "mo:core/Error";
import InternetComputer "mo:core/InternetComputer";
import List "mo:core/List";
import Nat "mo:core/Nat";
import Principal "mo:core/Principal";

persistent actor self {
  type Callee = actor {
    square : Nat -> async Nat;
    refuse : Text -> async ();
    trap : Text -> async ();
    note : Text -> ();
    peek : query () -> async Text;
    size : Blob -> async Nat;
    blob : Nat -> async Blob;
    nowhere : () -> async ();
  };
  type Seen = { code : Text; text : Text };

  var steps = 0;

  func callee(id : Principal) : Callee = actor (Principal.toText(id));

  func seen(e : Error) : Seen = {
    code = switch (Error.code(e)) {
      case (#canister_reject) "canister_reject";
      case (#canister_error) "canister_error";
      case (#destination_invalid) "destination_invalid";
      case (#system_transient) "system_transient";
      case (#system_fatal) "system_fatal";
      case (#system_unknown) "system_unknown";
      case (#future(n)) "future " # debug_show n;
      case (#call_error { err_code }) "call_error " # debug_show err_code;
    };
    text = Error.message(e);
  };

  public func inTurn(id : Principal, n : Nat) : async Nat {
    var sum = 0;
    for (i in Nat.range(1, n + 1)) { sum += await callee(id).square(i); steps += 1 };
    sum
  };

  public func atOnce(id : Principal, n : Nat) : async Nat {
    let other = callee(id);
    let futures = List.empty<async Nat>();
    for (i in Nat.range(1, n + 1)) { List.add(futures, other.square(i)) };
    var sum = 0;
    for (future in List.values(futures)) { sum += await future };
    sum
  };

  public func caught(id : Principal, how : { #refuse; #trap; #nowhere }) : async Seen {
    let other = callee(id);
    try {
      steps += 1;
      switch how {
        case (#refuse) await other.refuse("not today");
        case (#trap) await other.trap("fell over");
        case (#nowhere) await other.nowhere();
      };
      { code = "none"; text = "" }
    } catch e { seen(e) } finally { steps += 100 }
  };

  // What was changed before the await stays, what comes after it is undone by the trap.
  public func halfway(id : Principal) : async () {
    steps += 1;
    ignore await callee(id).square(2);
    steps += 1000;
    assert false;
  };

  public func inTime(id : Principal) : async Nat { await (with timeout = 10) callee(id).square(12) };

  public func tell(id : Principal, text : Text) : async () { callee(id).note(text) };
  public func peekAt(id : Principal) : async Text { await callee(id).peek() };
  public func raw(id : Principal, method : Text, arg : Blob) : async Blob { await InternetComputer.call(id, method, arg) };
  public func large(id : Principal, doublings : Nat) : async Nat { await callee(id).size(await callee(id).blob(doublings)) };

  // fib makes two calls to itself for every step down.
  public func fib(n : Nat) : async Nat { if (n < 2) n else (await self.fib(n - 1)) + (await self.fib(n - 2)) };

  public query func counted() : async Nat { steps };
};
