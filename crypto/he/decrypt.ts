/**
 * The custodian's side: masked ciphertexts into slots.
 *
 * Guarantee: only ciphertexts at the release level are decrypted. What they hold is a one-time pad as long as whoever
 * asked has masked them; that, and which ciphertexts may be decrypted at all, is for the custodian to hold to orders.
 * Not covered: overwriting the secret key in memory; a process that has held it ends.
 */
import type { Key, Seal } from './seal.ts';

/** Decrypts under one secret key. Frees it when disposed of. */
export class SlotDecryptor implements Disposable {
  readonly #seal: Seal;
  readonly #key: Key<'secret'>;

  /** HeError LENGTH, HEADER or REFUSED when that is no secret key of the instance's profile. */
  constructor(seal: Seal, secretKey: Uint8Array) {
    this.#seal = seal;
    this.#key = seal.loadSecretKey(secretKey);
  }

  /** Every slot of a ciphertext of the release level, from 0 to t-1. HeError LENGTH, HEADER, REFUSED, TRANSPARENT. */
  decryptSlots(ciphertext: Uint8Array): BigUint64Array {
    using cipher = this.#seal.loadCiphertext(ciphertext, 'release');
    return this.#seal.decrypt(this.#key, cipher);
  }

  [Symbol.dispose](): void {
    this.#key[Symbol.dispose]();
  }
}

/** The sum of slots modulo t, from 0 to t-1. */
export function sumOfSlots(slots: BigUint64Array, plainModulus: bigint): bigint {
  let sum = 0n;
  for (const slot of slots) sum += slot;
  return sum % plainModulus;
}
