// The hashes of Assay in JavaScript, written from docs/decisions/0001 and apart from the
// Go code, so that the two can find each other's mistakes. golden.mjs compares them.
import { createHash } from 'node:crypto';

export const sha256 = (...parts) => {
  const h = createHash('sha256');
  for (const p of parts) h.update(p);
  return new Uint8Array(h.digest());
};

export const hex = bytes => Buffer.from(bytes).toString('hex');

const text = s => new TextEncoder().encode(s);

export const u64 = n => {
  const b = new Uint8Array(8);
  new DataView(b.buffer).setBigUint64(0, BigInt(n));
  return b;
};

// hash of a domain tag and its fields: a field is bytes, text, or a number (u64).
export function preimage(tag, ...fields) {
  const parts = [Uint8Array.of(tag.length), text(tag)];
  for (const f of fields) {
    const bytes = typeof f === 'string' ? text(f) : f instanceof Uint8Array ? f : u64(f);
    const length = new Uint8Array(4);
    new DataView(length.buffer).setUint32(0, bytes.length);
    parts.push(length, bytes);
  }
  return sha256(...parts);
}

export function merkleRoot(leaves) {
  if (leaves.length === 0) return sha256();
  if (leaves.length === 1) return sha256(Uint8Array.of(0), leaves[0]);
  let k = 1;
  while (k * 2 < leaves.length) k *= 2;
  return sha256(Uint8Array.of(1), merkleRoot(leaves.slice(0, k)), merkleRoot(leaves.slice(k)));
}

const list = (tag, hashes) => preimage(tag, hashes.length, merkleRoot(hashes));

export const outputRoot = items => list('assay/output/1', items);
export const inputHash = items => list('assay/input/1', items);
export const textItem = s => preimage('assay/item/1', 1, text(s));
export const networkID = rootKey => preimage('assay/network/1', rootKey);

const dtypes = { f32: [1, 4], u8: [2, 1], i8: [3, 1], i32: [6, 4], i64: [7, 8] };

// tensorRoot commits to a tensor as Candid gives it: {dtype: {f32: null}, shape, data}.
export function tensorRoot({ dtype, shape, data }) {
  const [number, size] = dtypes[Object.keys(dtype)[0]];
  const elements = shape.reduce((n, d) => n * BigInt(d), 1n);
  if (elements * BigInt(size) !== BigInt(data.length)) {
    throw new Error(`tensor of shape ${shape} has ${data.length} bytes`);
  }
  const tiles = [];
  for (let at = 0; at < data.length; at += 4096 * size) tiles.push(data.subarray(at, at + 4096 * size));
  const dims = new Uint8Array(8 * shape.length);
  shape.forEach((d, i) => dims.set(u64(d), 8 * i));
  return preimage('assay/tensor/1', number, dims, tiles.length, merkleRoot(tiles));
}

// receiptHash takes a receipt as Candid gives it; principals have toUint8Array().
export function receiptHash(r) {
  const fields = [
    r.network, r.job.market.toUint8Array(), r.job.seq, r.requester.toUint8Array(),
    r.model, r.input, r.parameters, r.output[0] ?? new Uint8Array(32), r.state,
    r.executors.length, ...r.executors.map(e => e.toUint8Array()),
    r.evidence.length, ...r.evidence.flatMap(e => [e.word, e.detail]),
    r.price.toString(), r.shares.length,
    ...r.shares.flatMap(s => [s.account, s.owner[0]?.toUint8Array() ?? new Uint8Array(0), s.cycles.toString()]),
    r.submitted, r.settled, r.window,
  ].map(f => (f instanceof Uint8Array || !Array.isArray(f) ? f : Uint8Array.from(f)));
  return preimage('assay/receipt/1', ...fields);
}
