/** A secret random order of rows, the same again for the same seed, so that an interrupted run can go on with it. */
import { createCipheriv } from 'node:crypto';

const WORDS_AT_ONCE = 1 << 14;

/** A uniformly random permutation of 0 … rows-1 (Fisher and Yates), from a seed of 32 bytes through AES-256 in CTR mode. */
export function rowOrder(rows: number, seed: Uint8Array): Uint32Array {
  const draw = drawFrom(seed);
  const order = Uint32Array.from({ length: rows }, (_, at) => at);
  for (let last = rows - 1; last > 0; last -= 1) {
    const other = draw(last + 1);
    [order[last], order[other]] = [order[other]!, order[last]!];
  }
  return order;
}

/** Draws whole numbers below a bound, each equally likely: words beyond the last whole multiple are thrown away. */
function drawFrom(seed: Uint8Array): (bound: number) => number {
  const stream = createCipheriv('aes-256-ctr', seed, new Uint8Array(16));
  const zeros = new Uint8Array(WORDS_AT_ONCE * 4);
  let words = new Uint32Array(0);
  let at = 0;
  return (bound) => {
    const limit = 2 ** 32 - (2 ** 32 % bound);
    for (;;) {
      if (at === words.length) {
        words = new Uint32Array(Uint8Array.from(stream.update(zeros)).buffer);
        at = 0;
      }
      const word = words[at++]!;
      if (word < limit) return word % bound;
    }
  };
}
