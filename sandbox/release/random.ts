/**
 * The only source of noise bits: 32-bit words of a byte source, and exactly uniform integers made of them.
 *
 * Guarantee: a uniform integer is drawn by rejection, never by a remainder, so that no value is likelier than
 * another. A word is handed out once and wiped: noise that can be drawn again from memory is no noise.
 * Not covered: the quality of the byte source (the default is OpenSSL's generator, through node:crypto), and
 * the time a draw takes, which depends on the outcome; release times are planned or quantised for that reason.
 */
import { randomBytes } from 'node:crypto';

/** Gives `count` fresh random bytes in an array that the caller may keep, and wipes. */
export type RandomBytes = (count: number) => Uint8Array;

/** Asking for bytes is a system call's price, so they are bought by the pool. */
const POOL_BYTES = 16_384;
const WORD_RANGE = 2 ** 32;

/** The operating system's generator, pooled. */
export function secureRandom(): RandomSource {
  return new RandomSource(randomBytes);
}

export class RandomSource {
  readonly #source: RandomBytes;
  readonly #pool: Uint32Array;
  #next: number;
  #bits = 0;
  #bitsLeft = 0;

  /** `poolBytes` (a multiple of 4) are asked for at a time. */
  constructor(source: RandomBytes, poolBytes = POOL_BYTES) {
    if (!(poolBytes > 0) || poolBytes % 4 !== 0) throw new RangeError('poolBytes must be a multiple of 4');
    this.#source = source;
    this.#pool = new Uint32Array(poolBytes / 4);
    this.#next = this.#pool.length;
  }

  /** Uniform in [0, 2^32). */
  word(): number {
    if (this.#next === this.#pool.length) this.#refill();
    const word = this.#pool[this.#next]!;
    this.#pool[this.#next++] = 0;
    return word;
  }

  /** A fair coin. */
  bit(): boolean {
    if (this.#bitsLeft === 0) {
      this.#bits = this.word();
      this.#bitsLeft = 32;
    }
    const bit = (this.#bits & 1) === 1;
    this.#bits >>>= 1;
    this.#bitsLeft -= 1;
    return bit;
  }

  /** Uniform in [0, bound), for an integer bound from 1 to 2^53. */
  below(bound: number): number {
    if (!(bound >= 1 && bound <= 2 ** 53 && Number.isInteger(bound))) {
      throw new RangeError('bound must be an integer from 1 to 2^53');
    }
    if (bound === 1) return 0;
    if (bound <= WORD_RANGE) {
      const shift = Math.clz32(bound - 1);
      for (;;) {
        const value = this.word() >>> shift;
        if (value < bound) return value;
      }
    }
    const shift = Math.clz32((bound - 1) / WORD_RANGE);
    for (;;) {
      const value = (this.word() >>> shift) * WORD_RANGE + this.word();
      if (value < bound) return value;
    }
  }

  /** Uniform in [0, bound), for any positive bound. */
  bigBelow(bound: bigint): bigint {
    if (bound < 1n) throw new RangeError('bound must be positive');
    if (bound <= 2n ** 53n) return BigInt(this.below(Number(bound)));
    const bits = (bound - 1n).toString(2).length;
    const excess = BigInt((32 - (bits % 32)) % 32);
    for (;;) {
      let value = 0n;
      for (let drawn = 0; drawn < bits; drawn += 32) value = (value << 32n) | BigInt(this.word());
      value >>= excess;
      if (value < bound) return value;
    }
  }

  #refill(): void {
    const bytes = this.#source(this.#pool.byteLength);
    if (bytes.length !== this.#pool.byteLength) throw new RangeError('the byte source gave the wrong number');
    new Uint8Array(this.#pool.buffer).set(bytes);
    bytes.fill(0);
    this.#next = 0;
  }
}
