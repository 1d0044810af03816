// Keys and delegations.
import { AnonymousIdentity, SignIdentity } from '@icp-sdk/core/agent';
import { IDL } from '@icp-sdk/core/candid';
import { AttributesIdentity, Delegation, DelegationChain, DelegationIdentity, ECDSAKeyIdentity, Ed25519KeyIdentity } from '@icp-sdk/core/identity';
import { Secp256k1KeyIdentity } from '@icp-sdk/core/identity/secp256k1';
import { Principal } from '@icp-sdk/core/principal';
import { agentFor, bytes, canister, equal, query, refused, update, world } from './world.mjs';

const hour = () => new Date(Date.now() + 3_600_000);

// seenAs holds who the canister takes the identity for, in an update and a query.
async function seenAs(identity, expected = identity) {
  const agent = await agentFor({ identity });
  for (const call of [update, query]) {
    const [who] = IDL.decode([IDL.Principal], await call(agent, 'caller'));
    equal(who.toText(), expected.getPrincipal().toText(), 'caller');
  }
}

async function delegated(from, inner, expiration, options) {
  return DelegationIdentity.fromDelegation(inner, await DelegationChain.create(from, inner.getPublicKey(), expiration, options));
}

async function turnedAway(identity, status = 400) {
  const agent = await agentFor({ identity });
  for (const call of [update, query]) {
    const e = await refused(() => call(agent, 'hello'));
    equal(e.code?.status, status, `status, with ${e.message}`);
  }
}

// A user of an identity provider: a canister signed the delegation to the session's key.
function issuedIdentity() {
  const i = world.issued;
  const delegation = new Delegation(bytes(i.session_key), BigInt(i.expiration));
  const chain = DelegationChain.fromDelegations([{ delegation, signature: bytes(i.signature) }], bytes(i.public_key));
  return DelegationIdentity.fromDelegation(Ed25519KeyIdentity.generate(bytes(i.session)), chain);
}

export const identities = {
  caller_ed25519: () => seenAs(Ed25519KeyIdentity.generate()),
  caller_secp256k1: () => seenAs(Secp256k1KeyIdentity.generate()),
  caller_p256: async () => seenAs(await ECDSAKeyIdentity.generate()),
  async anonymous() {
    const agent = await agentFor({ identity: new AnonymousIdentity() });
    equal(IDL.decode([IDL.Text], await update(agent, 'hello'))[0], 'hello');
    equal(IDL.decode([IDL.Text], await query(agent, 'hello'))[0], 'hello');
  },
  async delegation() {
    const root = Ed25519KeyIdentity.generate();
    const middle = await ECDSAKeyIdentity.generate();
    const last = Secp256k1KeyIdentity.generate();
    const first = await DelegationChain.create(root, middle.getPublicKey(), hour());
    const chain = await DelegationChain.create(middle, last.getPublicKey(), hour(), { previous: first });
    await seenAs(DelegationIdentity.fromDelegation(last, chain), root);
  },
  async delegation_targets() {
    const [root, inner] = [Ed25519KeyIdentity.generate(), Ed25519KeyIdentity.generate()];
    await seenAs(await delegated(root, inner, hour(), { targets: [canister, Principal.fromText(world.other)] }), root);
    await turnedAway(await delegated(root, inner, hour(), { targets: [Principal.fromText(world.other)] }));
  },
  async delegation_expired() {
    await turnedAway(await delegated(Ed25519KeyIdentity.generate(), Ed25519KeyIdentity.generate(), new Date(Date.now() - 60_000)));
  },
  async delegation_by_another() {
    const inner = Ed25519KeyIdentity.generate();
    const chain = await DelegationChain.create(Ed25519KeyIdentity.generate(), inner.getPublicKey(), hour());
    const stolen = DelegationChain.fromDelegations(chain.delegations, Ed25519KeyIdentity.generate().getPublicKey().toDer());
    await turnedAway(DelegationIdentity.fromDelegation(inner, stolen));
  },
  async delegation_queries_only() {
    const [root, inner] = [Ed25519KeyIdentity.generate(), Ed25519KeyIdentity.generate()];
    const agent = await agentFor({ identity: await delegated(root, inner, hour(), { permissions: 'queries' }) });
    equal(IDL.decode([IDL.Principal], await query(agent, 'caller'))[0].toText(), root.getPrincipal().toText(), 'caller');
    equal((await refused(() => update(agent, 'hello'))).code?.status, 400, 'status');
  },
  async canister_signature() {
    await seenAs(issuedIdentity());
    const other = DelegationIdentity.fromDelegation(Ed25519KeyIdentity.generate(), issuedIdentity().getDelegation());
    await turnedAway(other);
  },
  async sender_info() {
    const { info, info_signature, signer } = world.issued;
    const attributed = (data, inner = issuedIdentity()) => new AttributesIdentity({
      inner, attributes: { data, signature: bytes(info_signature) }, signer: { canisterId: Principal.fromText(signer) },
    });
    const agent = await agentFor({ identity: attributed(bytes(info)) });
    for (const call of [update, query]) {
      equal(Uint8Array.from(IDL.decode([IDL.Vec(IDL.Nat8)], await call(agent, 'info'))[0]), bytes(info), 'information');
    }
    await turnedAway(attributed(bytes('00' + info)));
    await turnedAway(attributed(bytes(info), Ed25519KeyIdentity.generate()));
  },
  async key_of_another() {
    class Thief extends SignIdentity {
      constructor(key, claims) { super(); Object.assign(this, { key, claims }); }
      getPublicKey() { return this.key.getPublicKey(); }
      getPrincipal() { return this.claims.getPrincipal(); }
      sign(blob) { return this.key.sign(blob); }
    }
    await turnedAway(new Thief(Ed25519KeyIdentity.generate(), Ed25519KeyIdentity.generate()));
  },
};
