// Answers that somebody changed on the way: the agent must not believe them.
import { AnonymousIdentity, StatePaths } from '@icp-sdk/core/agent';
import { IDL } from '@icp-sdk/core/candid';
import { agentFor, canister, equal, query, refused, untrusted, update, world } from './world.mjs';

const via = how => agentFor({ host: world.tampered[how] });
const read = async agent => {
  const path = StatePaths.canisterCandid(canister);
  return (await agent.readState({ canisterId: canister }, { paths: [path] })).values.get(path);
};

const stale = () => agentFor({ host: world.tampered.stale, identity: new AnonymousIdentity() });

const certificate = 'CertificateVerificationErrorCode';
export const tampered = {
  forged_update: async () => untrusted(async () => update(await via('forged'), 'hello'), certificate),
  forged_query: async () => untrusted(async () => query(await via('forged'), 'hello'), 'QuerySignatureVerificationFailedErrorCode'),
  forged_state: async () => untrusted(async () => read(await via('forged')), certificate),
  async uncertified_update() {
    const e = await refused(async () => update(await via('uncertified'), 'hello'));
    if (!e.message.includes('unrecognized body')) throw e;
  },
  // The answer has no signature and the node's key no certificate: which it sees first varies.
  uncertified_query: async () => untrusted(async () => query(await via('uncertified'), 'hello'), 'MalformedSignatureErrorCode', certificate),
  uncertified_state: async () => untrusted(async () => read(await via('uncertified')), certificate),
  imposter_update: async () => untrusted(async () => update(await via('imposter'), 'hello'), certificate),
  imposter_query: async () => untrusted(async () => query(await via('imposter'), 'hello'), certificate),
  imposter_state: async () => untrusted(async () => read(await via('imposter')), certificate),
  // An hour old; without a sender the network takes the request.
  stale_query: async () => untrusted(async () => query(await stale(), 'hello'), 'CertificateOutdatedErrorCode', 'CertificateTimeErrorCode'),
  async stale_state() {
    const e = await refused(async () => read(await stale()));
    if (!/too far in the (past|future)/.test(e.message)) throw e; // the agent first takes the network's time for its own
  },
  async swapped_update() {
    const agent = await via('swapped');
    await update(agent, 'count');
    try { // the answer to another request says nothing of this one; asking for its state is allowed
      equal(IDL.decode([IDL.Text], await update(agent, 'hello'))[0], 'hello');
    } catch (e) {
      if (/want/.test(e.message)) throw e;
    }
  },
  async swapped_query() {
    const agent = await via('swapped');
    await query(agent, 'counted');
    await untrusted(() => query(agent, 'hello'), 'QuerySignatureVerificationFailedErrorCode');
  },
};
