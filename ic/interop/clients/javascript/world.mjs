// What every check stands on: the file that says where the network is, agents, and the
// wrong answers that a check expects.
import { readFileSync } from 'node:fs';
import { HttpAgent } from '@icp-sdk/core/agent';
import { Ed25519KeyIdentity } from '@icp-sdk/core/identity';
import { Principal } from '@icp-sdk/core/principal';

export const world = JSON.parse(readFileSync(process.argv[2], 'utf8'));
export const bytes = hex => Uint8Array.from(Buffer.from(hex, 'hex'));
export const canister = Principal.fromText(world.canister);
export const rootKey = bytes(world.root_key);
export const program = name => bytes(world.program[name]);
export const me = Ed25519KeyIdentity.generate();

// agentFor trusts the root key that it was given, checks query signatures and asks once.
export const agentFor = (options = {}) =>
  HttpAgent.create({ host: world.url, rootKey, identity: me, verifyQuerySignatures: true, retryTimes: 0, ...options });

export const update = async (agent, name, to = canister) => (await agent.update(to, { methodName: 'run', arg: program(name) })).reply;

export async function query(agent, name, to = canister) {
  const answer = await agent.query(to, { methodName: 'read', arg: program(name) });
  if (answer.status !== 'replied') throw Object.assign(new Error(answer.reject_message), { rejected: answer });
  return answer.reply.arg;
}

export function equal(got, want, what = 'answer') {
  const text = v => (v instanceof Uint8Array ? Buffer.from(v).toString('hex') : String(v));
  if (text(got) !== text(want)) throw new Error(`${what} is ${text(got).slice(0, 300)}, want ${text(want).slice(0, 300)}`);
}

// refused runs f, which must throw, and returns what it threw.
export async function refused(f) {
  let answer;
  try {
    answer = await f();
  } catch (e) {
    return e;
  }
  throw new Error(`accepted, with ${answer instanceof Uint8Array ? Buffer.from(answer.subarray(0, 100)).toString('latin1') : answer}`);
}

// rejects runs f and holds its reject to a code, an error code and a part of the text.
export async function rejects(f, kind, code, errorCode, text) {
  const e = await refused(f);
  const r = e.code ?? {};
  if (r.name !== kind) throw e;
  equal(r.rejectCode, code, 'reject code');
  equal(r.rejectErrorCode, errorCode, 'error code');
  if (!r.rejectMessage.includes(text)) throw new Error(`reject message is ${r.rejectMessage}, want ${text} in it`);
}

// untrusted runs f, which must fail because of one of the kinds, not for another reason.
export async function untrusted(f, ...kinds) {
  const e = await refused(f);
  if (!kinds.includes(e.code?.name)) throw new Error(`refused for another reason: ${e.code?.name}: ${e.message}`);
}
