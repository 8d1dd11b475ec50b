/**
 * The secret order in which cells and rows of a unit are kept when it has too many: SipHash-2-4 (Aumasson and
 * Bernstein, https://www.aumasson.jp/siphash/siphash.pdf) of unit, cell and ordinal.
 *
 * Guarantee: a choice depends on the lineage's secret seed, the unit and the names of its cells, and never on a value.
 * One `label` (a grid of cells, or its rows) has one key, derived from the seed by HMAC.
 */
import { createHmac } from 'node:crypto';

/** The last word of a message of 16 bytes: its length in the highest byte. */
const LENGTH_WORD = 16 << 24;

export class KeyedHash {
  readonly #key: Int32Array;

  constructor(seed: string, label: string) {
    const key = createHmac('sha256', seed).update(label).digest();
    this.#key = Int32Array.from({ length: 4 }, (_, word) => key.readInt32LE(4 * word));
  }

  /** The upper 53 bits of the hash: a double. `low` and `high` are the halves of a unit's own hash. */
  rank(low: number, high: number, cell: number, ordinal: number): number {
    return sipHash(this.#key, low, high, cell, ordinal);
  }
}

/** The upper 53 bits of SipHash-2-4 of two little-endian words of 64 bits, given in halves. */
export function sipHash(key: Int32Array, a: number, b: number, c: number, d: number): number {
  let l0 = key[0]! ^ 0x70736575;
  let h0 = key[1]! ^ 0x736f6d65;
  let l1 = key[2]! ^ 0x6e646f6d;
  let h1 = key[3]! ^ 0x646f7261;
  let l2 = key[0]! ^ 0x6e657261;
  let h2 = key[1]! ^ 0x6c796765;
  let l3 = key[2]! ^ 0x79746573;
  let h3 = key[3]! ^ 0x74656462;
  // Three words, then the four rounds of the end as two words of nothing; two rounds each.
  for (let word = 0; word < 5; word += 1) {
    const low = word === 0 ? a : word === 1 ? c : 0;
    const high = word === 0 ? b : word === 1 ? d : word === 2 ? LENGTH_WORD : 0;
    l3 ^= low;
    h3 ^= high;
    for (let round = 0; round < 2; round += 1) {
      let sum = (l0 >>> 0) + (l1 >>> 0);
      let top = (h0 + h1 + (sum > 0xffffffff ? 1 : 0)) | 0;
      let bottom = sum | 0;
      let kept = l1;
      l1 = ((l1 << 13) | (h1 >>> 19)) ^ bottom;
      h1 = ((h1 << 13) | (kept >>> 19)) ^ top;
      l0 = top;
      h0 = bottom;

      sum = (l2 >>> 0) + (l3 >>> 0);
      h2 = (h2 + h3 + (sum > 0xffffffff ? 1 : 0)) | 0;
      l2 = sum | 0;
      kept = l3;
      l3 = ((l3 << 16) | (h3 >>> 16)) ^ l2;
      h3 = ((h3 << 16) | (kept >>> 16)) ^ h2;

      sum = (l0 >>> 0) + (l3 >>> 0);
      h0 = (h0 + h3 + (sum > 0xffffffff ? 1 : 0)) | 0;
      l0 = sum | 0;
      kept = l3;
      l3 = ((l3 << 21) | (h3 >>> 11)) ^ l0;
      h3 = ((h3 << 21) | (kept >>> 11)) ^ h0;

      sum = (l2 >>> 0) + (l1 >>> 0);
      top = (h2 + h1 + (sum > 0xffffffff ? 1 : 0)) | 0;
      bottom = sum | 0;
      kept = l1;
      l1 = ((l1 << 17) | (h1 >>> 15)) ^ bottom;
      h1 = ((h1 << 17) | (kept >>> 15)) ^ top;
      l2 = top;
      h2 = bottom;
    }
    l0 ^= low;
    h0 ^= high;
    if (word === 2) l2 ^= 0xff;
  }
  const [lowest, highest] = [(l0 ^ l1 ^ l2 ^ l3) >>> 0, (h0 ^ h1 ^ h2 ^ h3) >>> 0];
  return highest * 2 ** 21 + (lowest >>> 11);
}
