// Creating, installing and ending a canister through the management canister.
import { readFileSync } from 'node:fs';
import { IDL } from '@icp-sdk/core/candid';
import { Actor, StatePaths } from '@icp-sdk/core/agent';
import { Principal } from '@icp-sdk/core/principal';
import { agentFor, canister, equal, me, query, rejects, update, world } from './world.mjs';

const idlFactory = ({ IDL: { Func, Nat, Nat8, Null, Opt, Principal: Id, Record, Service, Variant, Vec } }) => {
  const settings = Record({ controllers: Opt(Vec(Id)), compute_allocation: Opt(Nat), memory_allocation: Opt(Nat), freezing_threshold: Opt(Nat) });
  const one = Record({ canister_id: Id });
  return Service({
    provisional_create_canister_with_cycles: Func([Record({ amount: Opt(Nat), settings: Opt(settings) })], [one], []),
    install_code: Func([Record({ mode: Variant({ install: Null, reinstall: Null, upgrade: Null }), canister_id: Id, wasm_module: Vec(Nat8), arg: Vec(Nat8) })], [], []),
    canister_status: Func([one], [Record({ status: Variant({ running: Null, stopping: Null, stopped: Null }), module_hash: Opt(Vec(Nat8)), cycles: Nat })], []),
    update_settings: Func([Record({ canister_id: Id, settings })], [], []),
    stop_canister: Func([one], [], []),
    delete_canister: Func([one], [], []),
  });
};

export const management = {
  async install() {
    const agent = await agentFor();
    const manage = id => Actor.createActor(idlFactory, { agent, canisterId: Principal.managementCanister(), effectiveCanisterId: id });
    const { canister_id: id } = await manage(canister).provisional_create_canister_with_cycles({ amount: [5_000_000_000_000n], settings: [] });
    const m = manage(id);
    await m.install_code({ mode: { install: null }, canister_id: id, wasm_module: readFileSync(world.module), arg: new Uint8Array() });
    equal(IDL.decode([IDL.Text], await update(agent, 'hello', id))[0], 'hello');
    const status = await m.canister_status({ canister_id: id });
    equal(Object.keys(status.status), 'running', 'status');
    equal(status.module_hash[0].length, 32, 'length of the module hash');
    const path = StatePaths.canisterControllers(id);
    equal((await agent.readState({ canisterId: id }, { paths: [path] })).values.get(path).map(p => p.toText()), me.getPrincipal().toText(), 'controllers');
    await m.install_code({ mode: { upgrade: null }, canister_id: id, wasm_module: readFileSync(world.module), arg: new Uint8Array() });
    equal(IDL.decode([IDL.Text], await query(agent, 'hello', id))[0], 'hello');
    const stranger = await agentFor({ identity: null });
    const theirs = Actor.createActor(idlFactory, { agent: stranger, canisterId: Principal.managementCanister(), effectiveCanisterId: id });
    await rejects(() => theirs.stop_canister({ canister_id: id }), 'UncertifiedRejectUpdateErrorCode', 5, 'IC0512', '');
    await m.stop_canister({ canister_id: id });
    await rejects(() => update(agent, 'hello', id), 'UncertifiedRejectUpdateErrorCode', 5, 'IC0508', '');
    await m.delete_canister({ canister_id: id });
    await rejects(() => update(agent, 'hello', id), 'UncertifiedRejectUpdateErrorCode', 3, 'IC0301', '');
  },
};
