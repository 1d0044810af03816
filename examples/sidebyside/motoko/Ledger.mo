// Balances and transfers of ICRC-1; the interface is examples/sidebyside/ledger/ledger.did.
import Blob "mo:core/Blob";
import Map "mo:core/pure/Map";
import Order "mo:core/Order";
import Principal "mo:core/Principal";

shared actor class Ledger(
  init : {
    fee : Nat;
    minting_account : { owner : Principal; subaccount : ?Blob };
    initial_balances : [{ account : { owner : Principal; subaccount : ?Blob }; amount : Nat }];
  }
) = self {
  type Account = { owner : Principal; subaccount : ?Blob };
  type TransferArgs = {
    from_subaccount : ?Blob;
    to : Account;
    amount : Nat;
    fee : ?Nat;
    memo : ?Blob;
    created_at_time : ?Nat64;
  };
  type TransferError = {
    #BadFee : { expected_fee : Nat };
    #InsufficientFunds : { balance : Nat };
    #GenericError : { error_code : Nat; message : Text };
  };
  type Key = (Principal, Blob);

  func compare(a : Key, b : Key) : Order.Order {
    switch (Principal.compare(a.0, b.0)) { case (#equal) { Blob.compare(a.1, b.1) }; case other { other } };
  };
  let zeros : Blob = "\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00";

  func key(a : Account) : Key {
    let sub = switch (a.subaccount) { case (?s) s; case null zeros };
    assert sub.size() == 32;
    (a.owner, sub)
  };

  stable let fee = init.fee;
  stable let minting = key(init.minting_account);
  stable var balances = Map.empty<Key, Nat>();
  stable var supply = 0;
  stable var transactions = 0;

  func balance(k : Key) : Nat { switch (Map.get(balances, compare, k)) { case (?n) n; case null 0 } };

  func setBalance(k : Key, n : Nat) {
    balances := if (n == 0) { Map.remove(balances, compare, k) } else { Map.add(balances, compare, k, n) };
  };

  if (transactions == 0) {
    for (h in init.initial_balances.vals()) {
      setBalance(key(h.account), balance(key(h.account)) + h.amount);
      supply += h.amount;
      transactions += 1;
    };
  };

  public query func icrc1_fee() : async Nat { fee };
  public query func icrc1_total_supply() : async Nat { supply };
  public query func icrc1_balance_of(a : Account) : async Nat { balance(key(a)) };

  public shared ({ caller }) func icrc1_transfer(t : TransferArgs) : async { #Ok : Nat; #Err : TransferError } {
    let from = key({ owner = caller; subaccount = t.from_subaccount });
    let to = key(t.to);
    let mints = compare(from, minting) == #equal;
    let burns = compare(to, minting) == #equal;
    if (mints and burns) { return #Err(#GenericError { error_code = 1; message = "the minting account cannot pay itself" }) };
    let cost = if (mints or burns) { 0 } else { fee };
    switch (t.fee) { case (?f) { if (f != cost) { return #Err(#BadFee { expected_fee = cost }) } }; case null {} };
    if (mints) {
      supply += t.amount;
    } else {
      let held = balance(from);
      if (held < t.amount + cost) { return #Err(#InsufficientFunds { balance = held }) };
      setBalance(from, held - t.amount - cost);
      supply -= cost;
    };
    if (burns) { supply -= t.amount } else { setBalance(to, balance(to) + t.amount) };
    transactions += 1;
    #Ok(transactions - 1)
  };
};
