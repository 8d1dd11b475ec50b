/**
 * The process that holds a secret key: it opens one sealed key, decrypts release-level ciphertexts, and says slots.
 *
 * Guarantee: it has no environment, may write no file and start no process (Node's permission model), and ends at the
 * first thing that goes wrong, whatever it was, without saying what.
 * Not covered: what a memory dump of it would show.
 */
import { SlotDecryptor } from '#crypto/he/decrypt.ts';
import { Seal } from '#crypto/he/seal.ts';
import type { DecryptorRequest, DecryptorResponse } from './decryptor-host.ts';
import { openSealedKey, type SealedKey } from './key-store.ts';

let decryptor: SlotDecryptor | null = null;

process.on('message', (message: DecryptorRequest) => {
  perform(message).then(
    (response) => process.send!(response),
    () => process.exit(1),
  );
});
process.on('disconnect', () => process.exit(0));

async function perform(message: DecryptorRequest): Promise<DecryptorResponse> {
  if (message.type === 'open') {
    decryptor = await opened(message.key);
    return { type: 'opened' };
  }
  if (decryptor === null) throw new RangeError('nothing is open');
  return { type: 'slots', slots: decryptor.decryptSlots(message.ciphertext) };
}

async function opened(key: SealedKey): Promise<SlotDecryptor> {
  const seal = await Seal.open(key.profile);
  const secretKey = openSealedKey(key);
  key.dataKey.fill(0);
  if (secretKey === null) throw new RangeError('not the sealed key');
  try {
    return new SlotDecryptor(seal, secretKey);
  } finally {
    secretKey.fill(0);
  }
}
