// Reads a job's result and receipt with agent-js, which checks node signatures, and
// checks the rest on its own: certificate, witness, receipt hash, output root.
//
//   node check.mjs --url URL --market ID --job N [--root-key HEX] [--json]
//
// Without --root-key the key is fetched from the network: on development networks only.
// Exit codes: 0 all holds, 1 something does not, 2 wrong arguments.
import { parseArgs } from 'node:util';
import { Actor, Cbor, Certificate, HttpAgent, LookupPathStatus, lookup_path, reconstruct } from '@icp-sdk/core/agent';
import { IDL } from '@icp-sdk/core/candid';
import { Principal } from '@icp-sdk/core/principal';
import { hex, networkID, outputRoot, receiptHash, tensorRoot, u64 } from './preimage.mjs';

// The parts of the market's interface that are read here; fields that are left out are
// skipped by Candid's rules.
const idlFactory = () => {
  const { Record, Variant, Opt, Vec, Nat, Nat8, Nat32, Nat64, Text, Bool, Null, Func, Service } = IDL;
  const Blob = Vec(Nat8);
  const JobId = Record({ market: IDL.Principal, seq: Nat64 });
  const Failure = Record({ message: Text, retry: Bool });
  const DType = Variant({ f32: Null, u8: Null, i8: Null, i32: Null, i64: Null });
  const Tensor = Record({ dtype: DType, shape: Vec(Nat64), data: Blob });
  const Job = Record({ id: JobId, items: Nat32, output_root: Opt(Blob) });
  const Share = Record({ account: Text, owner: Opt(IDL.Principal), cycles: Nat });
  const Receipt = Record({
    network: Blob, job: JobId, requester: IDL.Principal, model: Blob, input: Blob, parameters: Blob, output: Opt(Blob), state: Text,
    executors: Vec(IDL.Principal), evidence: Vec(Record({ word: Text, detail: Text })), price: Nat, shares: Vec(Share),
    submitted: Nat64, settled: Nat64, window: Nat64,
  });
  const Certified = Record({ receipt: Receipt, certificate: Blob, witness: Blob });
  const answer = Ok => [Variant({ ok: Ok, err: Failure })];
  return Service({
    result: Func([Nat64], answer(Record({ job: Job, output: Vec(Tensor) })), ['query']),
    receipt: Func([Nat64], answer(Certified), ['query']),
  });
};

const same = (a, b) => a.length === b.length && hex(a) === hex(b);

function usage(message) {
  console.error(`${message}\nusage: node check.mjs --url URL --market ID --job N [--root-key HEX] [--json]`);
  process.exit(2);
}

function options() {
  let values;
  try {
    ({ values } = parseArgs({
      options: { url: { type: 'string' }, market: { type: 'string' }, job: { type: 'string' }, 'root-key': { type: 'string' }, json: { type: 'boolean' } },
    }));
    if (!values.url || !values.market || !/^\d+$/.test(values.job ?? '')) throw new Error('--url, --market and --job are needed');
    return { ...values, market: Principal.fromText(values.market), job: BigInt(values.job) };
  } catch (e) {
    return usage(e.message);
  }
}

function ok(answer, what) {
  if ('err' in answer) throw new Error(`${what}: the market says: ${answer.err.message}`);
  return answer.ok;
}

function found(result, what) {
  if (result.status !== LookupPathStatus.Found) throw new Error(`${what} is ${result.status}`);
  return result.value;
}

async function check(o, say) {
  const pinned = o['root-key'] && Uint8Array.from(Buffer.from(o['root-key'], 'hex'));
  const agent = await HttpAgent.create({ host: o.url, verifyQuerySignatures: true, ...(pinned ? { rootKey: pinned } : { shouldFetchRootKey: true }) });
  say('root key', pinned ? 'given' : 'fetched from the network itself: for development only');
  const market = Actor.createActor(idlFactory, { agent, canisterId: o.market });

  const { receipt, certificate, witness } = ok(await market.receipt(o.job), 'receipt');
  const cert = await Certificate.create({ certificate, rootKey: agent.rootKey, principal: { canisterId: o.market } });
  say('certificate', 'signed by a subnet that the root key delegates to and whose ranges hold the market; its time is now');

  const tree = Cbor.decode(witness);
  const certified = found(cert.lookup_path(['canister', o.market.toUint8Array(), 'certified_data']), 'certified data');
  const root = await reconstruct(tree);
  if (!same(root, certified)) throw new Error(`witness has root ${hex(root)}, certified is ${hex(certified)}`);
  say('witness', `root ${hex(root)} is the market's certified data`);

  const hash = receiptHash(receipt);
  const leaf = found(lookup_path(['receipts', u64(o.job)], tree), `receipt of job ${o.job} in the witness`);
  if (!same(hash, leaf)) throw new Error(`the receipt hashes to ${hex(hash)}, certified is ${hex(leaf)}`);
  if (receipt.job.seq !== o.job || receipt.job.market.toText() !== o.market.toText()) throw new Error('the receipt is of another job');
  if (!same(receipt.network, networkID(agent.rootKey))) throw new Error('the receipt is of another network');
  say('receipt', `${hex(hash)}: ${receipt.state}, ${receipt.evidence.map(e => e.word).join(', ') || 'no evidence'}`);

  if (receipt.output.length === 0) {
    say('output', 'none, as the receipt says');
    return;
  }
  const { output } = ok(await market.result(o.job), 'result');
  const got = outputRoot(output.map(tensorRoot));
  if (!same(got, receipt.output[0])) throw new Error(`the output hashes to ${hex(got)}, certified is ${hex(receipt.output[0])}`);
  say('output', `${output.length} tensors hash to ${hex(got)}, as the receipt says`);
}

const o = options();
const lines = [];
const say = (name, detail) => {
  lines.push({ name, detail });
  if (!o.json) console.log(`ok  ${name}: ${detail}`);
};
try {
  await check(o, say);
  if (o.json) console.log(JSON.stringify({ ok: true, lines }));
} catch (e) {
  if (o.json) console.log(JSON.stringify({ ok: false, lines, error: e.message }));
  console.error(`receipt check: ${e.message}`);
  process.exit(1);
}
