// What read_state certifies.
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { LookupSubtreeStatus, StatePaths } from '@icp-sdk/core/agent';
import { Principal } from '@icp-sdk/core/principal';
import { agentFor, canister, equal, world } from './world.mjs';

const agent = await agentFor();
const subnet = Principal.fromText(world.subnet);

async function read(target, path) {
  const { values } = await agent.readState(target, { paths: [path] });
  return values.get(path);
}

const ofCanister = path => read({ canisterId: canister }, path);
const ofSubnet = path => read({ subnetId: subnet }, path);

export const state = {
  async state_time() {
    const seconds = Math.abs(Date.now() - (await ofCanister(StatePaths.time)).getTime()) / 1000;
    if (seconds > 60) throw new Error(`the time is ${seconds} s from ours`);
  },
  async state_module_hash() {
    const hash = createHash('sha256').update(readFileSync(world.module)).digest();
    equal(await ofCanister(StatePaths.canisterModuleHash(canister)), Uint8Array.from(hash));
  },
  async state_controllers() {
    equal((await ofCanister(StatePaths.canisterControllers(canister))).map(p => p.toText()), '2vxsx-fae');
  },
  async state_metadata() { equal(await ofCanister(StatePaths.canisterCandid(canister)), world.candid); },
  async state_subnet() {
    equal((await agent.getSubnetIdFromCanister(canister)).toText(), world.subnet);
    const key = await ofSubnet(StatePaths.subnetPublicKey(subnet));
    equal(Principal.selfAuthenticating(key).toText(), world.subnet, 'principal of the public key');
    const ranges = ['canister_ranges', subnet.toUint8Array()];
    const { verifiedCertificate } = await agent.readState({ subnetId: subnet }, { paths: [[new TextEncoder().encode(ranges[0]), ranges[1]]] });
    equal(verifiedCertificate.lookup_subtree(ranges).status, LookupSubtreeStatus.Found, 'ranges of the subnet');
    equal((await agent.fetchSubnetKeys({ canisterId: canister })).size > 0, true, 'node keys');
  },
};
