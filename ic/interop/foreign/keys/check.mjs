// Checks what a canister got from threshold keys, with noble's curves and vetKeys:
//   node check.mjs transport   prints the transport public key of a fixed secret
//   node check.mjs FILE.json   checks signatures and the derived key; bytes are in hex
import { readFileSync } from 'node:fs';
import { ed25519 } from '@noble/curves/ed25519.js';
import { schnorr, secp256k1 } from '@noble/curves/secp256k1.js';
import { DerivedPublicKey, EncryptedVetKey, IbeCiphertext, IbeIdentity, IbeSeed, TransportSecretKey, verifyBlsSignature } from '@dfinity/vetkeys';

const secret = TransportSecretKey.deserialize(Uint8Array.from({ length: 32 }, (_, i) => i + 1));
const hex = bytes => Buffer.from(bytes).toString('hex');

function must(holds, what) {
  if (!holds) throw new Error(what);
}

function check({ message, hash, ecdsa, bip340, ed, context, input, canister_key, context_key, encrypted_key }) {
  must(secp256k1.verify(ecdsa[1], hash, ecdsa[0], { prehash: false, lowS: false }), 'the ECDSA signature');
  must(schnorr.verify(bip340[1], message, bip340[0].subarray(1)), 'the BIP-340 signature');
  must(ed25519.verify(ed[1], message, ed[0]), 'the Ed25519 signature');
  must(hex(DerivedPublicKey.deserialize(canister_key).deriveSubKey(context).publicKeyBytes()) === hex(context_key), 'the key of the context, derived offline');

  const publicKey = DerivedPublicKey.deserialize(context_key);
  const key = EncryptedVetKey.deserialize(encrypted_key).decryptAndVerify(secret, publicKey, input);
  must(verifyBlsSignature(publicKey, input, key.signatureBytes()), 'the derived key as a signature');
  const sealed = IbeCiphertext.encrypt(publicKey, IbeIdentity.fromBytes(input), message, IbeSeed.random());
  must(hex(IbeCiphertext.deserialize(sealed.serialize()).decrypt(key)) === hex(message), 'what was sealed for an identity');
}

if (process.argv[2] === 'transport') {
  console.log(hex(secret.publicKeyBytes()));
} else {
  const read = (_, v) => (typeof v === 'string' ? Uint8Array.from(Buffer.from(v, 'hex')) : v);
  check(JSON.parse(readFileSync(process.argv[2], 'utf8'), read));
}
