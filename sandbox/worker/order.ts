/**
 * The secret order in which the records of a buffer are mapped: one that nobody outside can foresee or repeat.
 *
 * A channel between records that nobody knows of then carries something from one to a random other, of the same buffer.
 * The order is a Fisher–Yates shuffle by AES-128 in counter mode under a fresh key: a word is scaled to its range,
 * which favours some places by at most 2^-16 of their share. That is no matter here; noise is drawn otherwise.
 */
import { createCipheriv } from 'node:crypto';
import { alignedView } from '../jail/aligned.ts';
import { type RandomSource, secureRandom } from '../release/random.ts';

/** Gives the positions 0 … rows-1 (at most 65,536) in some order. */
export type Order = (rows: number) => Uint16Array;

const MOST_ROWS = 2 ** 16;
const KEY_WORDS = 4;
const WORD_RANGE = 2 ** 32;

/** A new secret order for every buffer of one job. */
export function secretOrder(random: RandomSource = secureRandom()): Order {
  const key = Uint32Array.from({ length: KEY_WORDS }, () => random.word());
  const cipher = createCipheriv('aes-128-ctr', new Uint8Array(key.buffer), new Uint8Array(16));
  const zeros = new Uint8Array(4 * MOST_ROWS);
  return (rows) => {
    const bytes = cipher.update(zeros.subarray(0, 4 * rows));
    const words = alignedView(Uint32Array, bytes, rows);
    const order = fileOrder(rows);
    for (let last = rows - 1; last > 0; last -= 1) {
      const chosen = Math.floor((words[last]! / WORD_RANGE) * (last + 1));
      const position = order[chosen]!;
      order[chosen] = order[last]!;
      order[last] = position;
    }
    return order;
  };
}

/** The order of the file: for measuring what the shuffle costs. */
export function fileOrder(rows: number): Uint16Array {
  const order = new Uint16Array(rows);
  for (let position = 0; position < rows; position += 1) order[position] = position;
  return order;
}
