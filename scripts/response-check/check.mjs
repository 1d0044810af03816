// Reads certified HTTP responses from standard input, a JSON object a line, and prints a
// verdict on each: "ok", "skipped" where the canister certifies that it certifies nothing,
// or "refused" and the library's error code. Bytes are in base64, times in ns.
//
//   {"rootKey", "canister", "now", "request": {method, url, headers, body}, "response": {status, headers, body}}
import { createInterface } from 'node:readline';
import { verifyRequestResponsePair } from '@dfinity/response-verification';

const bytes = s => Uint8Array.from(Buffer.from(s ?? '', 'base64'));
const maxAge = 300_000_000_000n;

function verdict(c) {
  const request = { method: c.request.method, url: c.request.url, headers: c.request.headers, body: bytes(c.request.body), certificate_version: 2 };
  const response = { status_code: c.response.status, headers: c.response.headers, body: bytes(c.response.body) };
  try {
    const info = verifyRequestResponsePair(request, response, bytes(c.canister), BigInt(c.now), maxAge, bytes(c.rootKey), 2);
    return info.response ? 'ok' : 'skipped';
  } catch (e) {
    return `refused ${e.code ?? e}`;
  }
}

for await (const line of createInterface({ input: process.stdin })) console.log(verdict(JSON.parse(line)));
