// Answers in every way there is.
import Error "mo:core/Error";
import Nat "mo:core/Nat";
import Runtime "mo:core/Runtime";
import Text "mo:core/Text";

persistent actor {
  var calls = 0;
  var noted : Text = "";

  public func square(n : Nat) : async Nat { calls += 1; n * n };
  public func refuse(text : Text) : async () { calls += 1; throw Error.reject(text) };
  public func trap(text : Text) : async () { calls += 1; Runtime.trap(text) };
  public func note(text : Text) : () { noted := text };
  public query func peek() : async Text { noted };
  public query func count() : async Nat { calls };
  public func size(blob : Blob) : async Nat { blob.size() };
  public func blob(doublings : Nat) : async Blob { grown(doublings) };

  func grown(doublings : Nat) : Blob {
    var text = "x";
    for (_ in Nat.range(0, doublings)) { text #= text };
    Text.encodeUtf8(text)
  };
};
