// Checks a network with agent-js: node check.mjs WORLD.json. A line of JSON per check.
import { calls } from './calls.mjs';
import { identities } from './identities.mjs';
import { management } from './management.mjs';
import { state } from './state.mjs';
import { tampered } from './tampered.mjs';

for (const [name, check] of Object.entries({ ...calls, ...identities, ...state, ...management, ...tampered })) {
  let failure;
  try {
    await check();
  } catch (e) {
    failure = `${e.code?.name ?? ''} ${e.stack ?? e}`.slice(0, 1500);
  }
  console.log(JSON.stringify({ name, ok: failure === undefined, detail: failure }));
}
