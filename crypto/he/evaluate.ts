/**
 * The platform's side: circuits over ciphertexts, under public keys alone.
 *
 * Guarantee: exact integers modulo t, slot by slot; products are added first and relinearised once. A weight of 0 is
 * skipped, never multiplied by. What leaves through `mask` is a one-time pad to whoever can decrypt it, with the
 * randomness of a fresh encryption in it, at the release level. Every handle is freed with the evaluation.
 * Not covered: that the values were in range when they were encrypted, and that no sum exceeds (t-1)/2 in size:
 * whoever plans a circuit keeps to `largestMagnitude`. After a REFUSED the evaluation is of no use any more.
 */
import { HeError } from './he-error.ts';
import type { Cipher, Key, Seal } from './seal.ts';

/** Keys that everybody may have. Products need the second one. */
export interface EvaluationKeys {
  readonly publicKey: Uint8Array;
  readonly relinKeys: Uint8Array | null;
}

/** One column's part of a linear score. */
export interface Term {
  readonly sum: Cipher;
  readonly weight: bigint;
}

/** A sum that blocks are added to as they are read. */
export interface RunningSum {
  /** Adds one ciphertext as it was encrypted. HeError LENGTH, HEADER, REFUSED, TRANSPARENT, NOISE. */
  add(block: Uint8Array): void;
  /** The sum. EMPTY when nothing was added. */
  finish(): Cipher;
}

/** A sum of products, likewise. */
export interface RunningProducts {
  /** Adds the slot by slot product of two ciphertexts; the square when both are the same bytes. */
  add(left: Uint8Array, right: Uint8Array): void;
  finish(): Cipher;
}

export class Evaluation implements Disposable {
  readonly #seal: Seal;
  readonly #handles = new DisposableStack();
  readonly #publicKey: Key<'public'>;
  readonly #relinKeys: Key<'relin'> | null;

  /** HeError LENGTH, HEADER or REFUSED when a key is none of the instance's profile. */
  constructor(seal: Seal, { publicKey, relinKeys }: EvaluationKeys) {
    this.#seal = seal;
    this.#publicKey = this.#handles.use(seal.loadPublicKey(publicKey));
    try {
      this.#relinKeys = relinKeys === null ? null : this.#handles.use(seal.loadRelinKeys(relinKeys));
    } catch (error) {
      this.#handles.dispose();
      throw error;
    }
  }

  /** Adds up blocks, each of `slots` values: for every slot the sum over all blocks. EMPTY for none. */
  addAll(blocks: Iterable<Uint8Array>): Cipher {
    const sum = this.startSum();
    for (const block of blocks) sum.add(block);
    return sum.finish();
  }

  /** Adds up products of pairs of blocks. HeError LEVEL without relinearisation keys. */
  sumOfProducts(pairs: Iterable<readonly [Uint8Array, Uint8Array]>): Cipher {
    const products = this.startProducts();
    for (const [left, right] of pairs) products.add(left, right);
    return products.finish();
  }

  /** The same as `addAll`, one block at a time. */
  startSum(): RunningSum {
    let sum: Cipher | null = null;
    return {
      add: (block) => {
        const cipher = this.#seal.loadCiphertext(block, 'fresh');
        sum = this.#added(sum, cipher);
      },
      finish: () => demandSome(sum),
    };
  }

  /** The same as `sumOfProducts`, one pair at a time. */
  startProducts(): RunningProducts {
    const relinKeys = this.#relinKeys;
    if (relinKeys === null) throw new HeError('LEVEL');
    let sum: Cipher | null = null;
    return {
      add: (left, right) => {
        sum = this.#added(sum, this.#product(left, right));
      },
      finish: () => {
        const done = demandSome(sum);
        this.#seal.relinearise(done, relinKeys);
        return done;
      },
    };
  }

  /** Sum of weight times sum: a linear score. EMPTY when every weight is 0; WEIGHT_RANGE for |weight| > (t-1)/2. */
  linearCombination(terms: readonly Term[]): Cipher {
    let sum: Cipher | null = null;
    for (const { sum: column, weight } of terms) {
      if (weight !== 0n) sum = this.#added(sum, this.#seal.scale(column, weight));
    }
    return demandSome(sum);
  }

  /**
   * The bytes for the custodian: a sum plus the mask `r` (one number from 0 to t-1 for each slot) plus a fresh
   * encryption of 0, at the release level. Uses the sum up. The mask is uniform, secret and used once, or it is none.
   */
  mask(sum: Cipher, r: BigUint64Array): Uint8Array {
    using cipher = sum;
    this.#seal.addSlots(cipher, r);
    using zero = this.#seal.encryptZero(this.#publicKey);
    this.#seal.add(cipher, zero);
    this.#seal.toRelease(cipher);
    return this.#seal.saveCiphertext(cipher);
  }

  [Symbol.dispose](): void {
    this.#handles.dispose();
  }

  #product(left: Uint8Array, right: Uint8Array): Cipher {
    using a = this.#seal.loadCiphertext(left, 'fresh');
    if (left === right) return this.#seal.multiply(a, a);
    using b = this.#seal.loadCiphertext(right, 'fresh');
    return this.#seal.multiply(a, b);
  }

  /** The first one becomes the sum, which the evaluation frees in the end; the others are freed at once. */
  #added(sum: Cipher | null, cipher: Cipher): Cipher {
    if (sum === null) return this.#handles.use(cipher);
    using other = cipher;
    this.#seal.add(sum, other);
    return sum;
  }
}

function demandSome(sum: Cipher | null): Cipher {
  if (sum === null) throw new HeError('EMPTY');
  return sum;
}
