// A loop that awaits; the interface is examples/awaitloop/awaitloop.did.
import Error "mo:core/Error";
import Nat32 "mo:core/Nat32";
import Nat64 "mo:core/Nat64";
import Principal "mo:core/Principal";
import Timer "mo:core/Timer";

shared actor class AwaitLoop() = self {
  type State = { #running; #finished; #failed : Text };
  type Progress = { target : Principal; steps : Nat32; done : Nat32; attempts : Nat32; sum : Nat64; state : State };
  type Worker = actor { work : Nat32 -> async Nat64 };

  let maxSteps : Nat32 = 1000;
  let maxAttempts : Nat32 = 5;

  stable var current : ?Progress = null;
  stable var failures : Nat32 = 0;

  public query func progress() : async ?Progress { current };

  // An upgrade with calls open is refused; a stop that gave up leaves a loop to resume.
  system func postupgrade() {
    switch current {
      case (?p) { if (p.state == #running) { ignore Timer.setTimer<system>(#nanoseconds 0, func() : async () { ignore await* goOn(p) }) } };
      case null {};
    };
  };

  public func run(target : Principal, steps : Nat32) : async { #ok : Progress; #err : Text } {
    if (steps > maxSteps) { return #err(debug_show steps # " steps, at most 1000 are allowed") };
    switch current {
      case (?p) { if (p.state == #running) { return #err("a loop is running: " # debug_show (p.done) # " of " # debug_show (p.steps) # " steps are done") } };
      case null {};
    };
    let p : Progress = { target; steps; done = 0; attempts = 0; sum = 0; state = #running };
    current := ?p;
    #ok(await* goOn(p))
  };

  func goOn(from : Progress) : async* Progress {
    var p = from;
    let other : Worker = actor (Principal.toText(p.target));
    while (p.done < p.steps) {
      var attempts : Nat32 = 0;
      var square : ?Nat64 = null;
      var text = "";
      label tries while (attempts < maxAttempts) {
        attempts += 1;
        try {
          square := ?(await (with timeout = 30) other.work(p.done));
          break tries;
        } catch e {
          text := Error.message(e);
          switch (Error.code(e)) { case (#destination_invalid) { break tries }; case _ {} };
        };
      };
      p := { p with attempts = p.attempts + attempts };
      switch square {
        case (?n) { p := { p with sum = p.sum + n; done = p.done + 1 } };
        case null {
          p := { p with state = #failed("step " # debug_show (p.done) # ": " # text) };
          current := ?p;
          return p;
        };
      };
      current := ?p;
    };
    p := { p with state = #finished };
    current := ?p;
    p
  };

  public func work(n : Nat32) : async Nat64 {
    if (failures > 0) {
      failures -= 1;
      throw Error.reject("told to fail, " # debug_show failures # " times more");
    };
    let wide = Nat64.fromNat(Nat32.toNat(n));
    wide * wide
  };

  public func fail_next(n : Nat32) : async () { failures := n };
};
