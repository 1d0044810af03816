// Prints hashes of fixed values in the form of commitment/testdata/golden.txt; a Go test
// compares the lines.
import { hex, inputHash, merkleRoot, networkID, outputRoot, receiptHash, tensorRoot, textItem } from './preimage.mjs';

const filled = b => new Uint8Array(32).fill(b);
const bytes = s => new TextEncoder().encode(s);
const name = s => ({ toUint8Array: () => bytes(s) });
const f32 = (...shape) => ({ dtype: { f32: null }, shape: shape.map(BigInt), data: new Uint8Array(4 * shape.reduce((a, b) => a * b, 1)) });

const rows = {
  'merkle of nothing': merkleRoot([]),
  'merkle of three': merkleRoot([1, 2, 3].map(b => Uint8Array.of(b))),
  'tensor f32[2]': tensorRoot(f32(2)),
  'tensor f32[3,4096], three tiles': tensorRoot(f32(3, 4096)),
  'tensor f32[0], no tiles': tensorRoot(f32(0)),
  output: outputRoot([filled(4), filled(5)]),
  'text item': textItem('héllo'),
  input: inputHash([filled(6)]),
  'network id': networkID(bytes('key')),
  receipt: receiptHash({
    network: filled(1), job: { market: { toUint8Array: () => Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 2, 1, 1) }, seq: 7n },
    requester: name('user'), model: filled(2), input: filled(3), parameters: filled(4), output: [filled(5)], state: 'final',
    executors: [name('a'), name('b')],
    evidence: [{ word: 'signed', detail: '2 workers' }, { word: 'agreed', detail: '2 commits of 2 operators' }],
    price: 1000n, shares: [{ account: 'provider', owner: [name('a')], cycles: 450n }], submitted: 1n, settled: 2n, window: 3n,
  }),
};
for (const [what, hash] of Object.entries(rows)) console.log(`${hex(hash)}  ${what}`);
