// Updates, queries, rejects, sizes, replay.
import { Cbor, HttpAgent } from '@icp-sdk/core/agent';
import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import { agentFor, canister, equal, program, query, refused, rejects, rootKey, update, world } from './world.mjs';

const agent = await agentFor();
const text = reply => IDL.decode([IDL.Text], reply)[0];
const number = reply => IDL.decode([IDL.Nat64], reply)[0];
const blob = reply => IDL.decode([IDL.Vec(IDL.Nat8)], reply)[0];
const nobody = Principal.fromText(world.nobody);

// recording is a fetch that keeps the last request and may stop it from being sent.
function recording(change = body => body) {
  const record = (url, init) => {
    Object.assign(record, { url, init: { ...init, body: change(init.body) } });
    return fetch(url, record.init);
  };
  return record;
}

function padded(size) {
  const arg = new Uint8Array(size);
  arg.set(program('echo'));
  return arg;
}

export const calls = {
  async status() {
    const s = await agent.status();
    equal(s.replica_health_status, 'healthy', 'health');
  },
  async root_key() {
    const asking = await HttpAgent.create({ host: world.url, shouldFetchRootKey: true });
    equal(asking.rootKey, rootKey, 'root key');
  },
  async query() { equal(text(await query(agent, 'hello')), 'hello'); },
  async update() { equal(text(await update(agent, 'hello')), 'hello'); },
  async query_reject() {
    for (const [name, code, errorCode, message] of [['reject', 4, 'IC0406', 'no, thanks'], ['trap', 5, 'IC0503', 'on purpose']]) {
      const { rejected } = await refused(() => query(agent, name));
      equal(rejected.reject_code, code, 'reject code');
      equal(rejected.error_code, errorCode, 'error code');
      if (!rejected.reject_message.includes(message)) throw new Error(rejected.reject_message);
    }
  },
  update_reject: () => rejects(() => update(agent, 'reject'), 'CertifiedRejectErrorCode', 4, 'IC0406', 'no, thanks'),
  update_trap: () => rejects(() => update(agent, 'trap'), 'CertifiedRejectErrorCode', 5, 'IC0503', 'on purpose'),
  update_deny: () => rejects(() => update(agent, 'deny'), 'UncertifiedRejectUpdateErrorCode', 4, 'IC0406', ''),
  async method_missing() {
    const { rejected } = await refused(async () => {
      const answer = await agent.query(canister, { methodName: 'nothing', arg: program('hello') });
      if (answer.status !== 'replied') throw Object.assign(new Error(), { rejected: answer });
    });
    equal(rejected.error_code, 'IC0536', 'error code');
    equal(rejected.reject_code, 5, 'reject code');
  },
  canister_missing: () => rejects(() => update(agent, 'hello', nobody), 'UncertifiedRejectUpdateErrorCode', 3, 'IC0301', ''),
  async large_argument() {
    const arg = padded(world.large);
    equal(blob((await agent.update(canister, { methodName: 'run', arg })).reply), arg);
    const answer = await agent.query(canister, { methodName: 'read', arg });
    equal(blob(answer.reply.arg), arg);
  },
  async long_reply() { equal(blob(await query(agent, 'long')).length, 48 * 65536 - 1024, 'length'); },
  reply_too_long: () => rejects(() => update(agent, 'toolong'), 'CertifiedRejectErrorCode', 5, 'IC0504', ''),
  async request_too_large() {
    const e = await refused(() => agent.update(canister, { methodName: 'run', arg: padded(world.huge) }));
    equal(e.code.status, 413, 'status');
  },
  async polling() {
    let polled = false;
    const impatient = await agentFor({ host: world.impatient });
    const answer = await impatient.update(canister, { methodName: 'run', arg: program('hello'), onPollingStarted: () => { polled = true; } });
    equal(text(answer.reply), 'hello');
    equal(polled, true, 'polled');
    await rejects(() => update(impatient, 'trap'), 'CertifiedRejectErrorCode', 5, 'IC0503', 'on purpose');
  },
  async asynchronous() {
    const { response } = await agent.call(canister, { methodName: 'run', arg: program('hello'), callSync: false });
    equal(response.status, 202, 'status');
  },
  async wrong_signature() {
    const forged = recording(body => {
      const changed = Uint8Array.from(body);
      changed[Buffer.from(changed).indexOf('hello')] ^= 1; // the argument; the signature stays
      return changed;
    });
    for (const call of [update, query]) {
      const e = await refused(async () => call(await agentFor({ fetch: forged }), 'hello'));
      equal(e.code.status, 400, 'status');
    }
  },
  async expired() {
    const old = recording();
    const fresh = await agentFor({ fetch: old });
    await update(fresh, 'hello');
    const envelope = Cbor.decode(old.init.body);
    equal(typeof envelope.content.ingress_expiry, 'bigint', 'expiry');
    envelope.content.ingress_expiry -= 600_000_000_000n;
    const answer = await fetch(old.url, { ...old.init, body: Cbor.encode(envelope) });
    equal(answer.status, 400, 'status');
    const words = await answer.text();
    if (!words.includes('Invalid request expiry: ')) throw new Error(words);
  },
  async replayed() {
    const record = recording();
    const before = number(await query(agent, 'counted'));
    const counting = await agentFor({ fetch: record });
    const first = number(await update(counting, 'count'));
    equal(first, before + 1n, 'count');
    for (let i = 0; i < 3; i++) {
      const again = await fetch(record.url, record.init);
      equal(again.status, 200, 'status');
      equal(Cbor.decode(new Uint8Array(await again.arrayBuffer())).status, 'replied', 'status');
    }
    equal(number(await query(agent, 'counted')), first, 'count after three replays');
  },
};
