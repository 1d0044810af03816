// Looks at ingress messages before they are taken.
import Principal "mo:core/Principal";

persistent actor {
  var done = 0;

  system func inspect({ caller : Principal; arg : Blob; msg : { #ping : () -> (); #secret : () -> Text; #count : () -> () } }) : Bool {
    switch msg {
      case (#ping _) true;
      case (#secret(text)) not Principal.isAnonymous(caller) and text() == "sesame" and arg.size() < 100;
      case (#count _) true;
    }
  };

  public func ping() : async Nat { done += 1; done };
  public func secret(text : Text) : async Text { done += 1; "open to " # text };
  public query func count() : async Nat { done };
};
