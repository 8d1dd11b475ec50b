/** The provider's side: integers into ciphertexts, under the public key alone. */
import type { Key, Seal } from './seal.ts';

/** Turns blocks of up to `slots` integers into ciphertexts of a fixed length. Frees its key when disposed of. */
export class BlockEncryptor implements Disposable {
  readonly #seal: Seal;
  readonly #key: Key<'public'>;

  /** HeError LENGTH, HEADER or REFUSED when that is no public key of the instance's profile. */
  constructor(seal: Seal, publicKey: Uint8Array) {
    this.#seal = seal;
    this.#key = seal.loadPublicKey(publicKey);
  }

  /** One ciphertext; slots beyond the values are 0. HeError VALUE_COUNT or VALUE_RANGE (|x| > (t-1)/2). */
  encryptBlock(values: BigInt64Array | Int32Array): Uint8Array {
    using cipher = this.#seal.encrypt(this.#key, values);
    return this.#seal.saveCiphertext(cipher);
  }

  [Symbol.dispose](): void {
    this.#key[Symbol.dispose]();
  }
}
