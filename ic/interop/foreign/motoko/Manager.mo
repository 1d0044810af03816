// Creates, installs, upgrades, stops and deletes a canister through the management canister.
import Principal "mo:core/Principal";

persistent actor {
  type One = { canister_id : Principal };
  type Settings = { controllers : ?[Principal]; freezing_threshold : ?Nat };
  type Management = actor {
    create_canister : { settings : ?Settings } -> async One;
    install_code : { mode : { #install; #reinstall; #upgrade }; canister_id : Principal; wasm_module : Blob; arg : Blob } -> async ();
    canister_status : One -> async { status : { #running; #stopping; #stopped }; cycles : Nat; module_hash : ?Blob };
    update_settings : { canister_id : Principal; settings : Settings } -> async ();
    start_canister : One -> async ();
    stop_canister : One -> async ();
    uninstall_code : One -> async ();
    delete_canister : One -> async ();
    deposit_cycles : One -> async ();
    canister_info : { canister_id : Principal; num_requested_changes : ?Nat64 } -> async { controllers : [Principal]; total_num_changes : Nat64 };
  };
  transient let ic : Management = actor "aaaaa-aa";

  public func create(cycles : Nat) : async Principal { (await (with cycles) ic.create_canister({ settings = null })).canister_id };

  public func install(canister_id : Principal, wasm_module : Blob, upgrade : Bool) : async () {
    await ic.install_code({ mode = if upgrade #upgrade else #install; canister_id; wasm_module; arg = "DIDL\00\00" });
  };

  public func state(canister_id : Principal) : async { #running; #stopping; #stopped } { (await ic.canister_status({ canister_id })).status };
  public func cycles(canister_id : Principal) : async Nat { (await ic.canister_status({ canister_id })).cycles };
  public func deposit(canister_id : Principal, amount : Nat) : async () { await (with cycles = amount) ic.deposit_cycles({ canister_id }) };
  public func changes(canister_id : Principal) : async Nat64 { (await ic.canister_info({ canister_id; num_requested_changes = null })).total_num_changes };

  public func handOver(canister_id : Principal, to : Principal) : async () {
    await ic.update_settings({ canister_id; settings = { controllers = ?[to]; freezing_threshold = null } });
  };

  public func restart(canister_id : Principal) : async () { await ic.stop_canister({ canister_id }); await ic.start_canister({ canister_id }) };
  public func end(canister_id : Principal) : async () { await ic.stop_canister({ canister_id }); await ic.delete_canister({ canister_id }) };
};
