/** Fixed tapes of random bytes: what makes a test of random code repeat itself exactly. */
import { createCipheriv, createHash } from 'node:crypto';
import { RandomSource } from '#sandbox/release/random.ts';

/** The AES-128-CTR keystream under the first 16 bytes of SHA-256(seed), as a source of random words. */
export function tapedRandom(seed: string): RandomSource {
  const key = createHash('sha256').update(seed).digest().subarray(0, 16);
  const cipher = createCipheriv('aes-128-ctr', key, Buffer.alloc(16));
  return new RandomSource((count) => cipher.update(Buffer.alloc(count)));
}

/** Exactly these 32-bit words; asking for one more is an error. `rest` tells how many were not taken. */
export function wordTape(words: readonly number[]): { random: RandomSource; rest: () => number } {
  let next = 0;
  const random = new RandomSource((count) => {
    if (next === words.length) throw new Error('the tape has ended');
    const bytes = new Uint8Array(count);
    new DataView(bytes.buffer).setUint32(0, words[next++]!, true);
    return bytes;
  }, 4);
  return { random, rest: () => words.length - next };
}
