/** Noise bits: each is used once, and integers made of them are uniform. */
import { expect, test } from 'vitest';
import { RandomSource, secureRandom } from '#sandbox/release/random.ts';
import { tapedRandom, wordTape } from '#tests/support/byte-tape.ts';

const FULL = 2 ** 32;

test('words are handed out once, in order, and the bytes they came from are wiped', () => {
  const given = Uint8Array.from([1, 0, 0, 0, 0, 2, 0, 0]);
  let calls = 0;
  const random = new RandomSource(() => {
    calls += 1;
    return calls === 1 ? given : new Uint8Array(8).fill(255);
  }, 8);
  expect([random.word(), random.word()]).toEqual([1, 512]);
  expect([...given]).toEqual([0, 0, 0, 0, 0, 0, 0, 0]);
  expect(random.word()).toBe(FULL - 1);
  expect(calls).toBe(2);
});

test('a byte source that gives too little is an error, not a short pool', () => {
  const random = new RandomSource(() => new Uint8Array(4), 8);
  expect(() => random.word()).toThrow(RangeError);
});

test('bits are the bits of a word, lowest first', () => {
  const { random } = wordTape([0b1011]);
  expect(Array.from({ length: 6 }, () => random.bit())).toEqual([true, true, false, true, false, false]);
});

test('a value that is not below the bound is thrown away, and another word is taken', () => {
  // Bound 5 reads the upper three bits of a word: 7, 6 and 5 are rejected, 4 is kept.
  const { random, rest } = wordTape([7, 6, 5, 4, 0].map((value) => value * 2 ** 29));
  expect(random.below(5)).toBe(4);
  expect(rest()).toBe(1);
});

test('a bound of one takes no bits, a bound of 2^32 takes a whole word', () => {
  const { random, rest } = wordTape([FULL - 1]);
  expect(random.below(1)).toBe(0);
  expect(rest()).toBe(1);
  expect(random.below(FULL)).toBe(FULL - 1);
});

/** How often each value comes out when every pattern of the upper bits comes in once. */
function countsOver(bits: number, draw: (random: RandomSource) => number, bound: number): number[] {
  const counts = Array.from({ length: bound }, () => 0);
  const { random, rest } = wordTape(Array.from({ length: 2 ** bits }, (_, i) => i * 2 ** (32 - bits)));
  try {
    while (rest() > 0) counts[draw(random)]! += 1;
  } catch (error) {
    if (!(error instanceof Error && error.message === 'the tape has ended')) throw error;
  }
  return counts;
}

test.for([0, 1, 2, 5, 8])('every value below 3·2^%i comes from exactly one bit pattern', (k) => {
  const bound = 3 * 2 ** k;
  expect(new Set(countsOver(k + 2, (random) => random.below(bound), bound))).toEqual(new Set([1]));
});

test('negative control: the same count catches a remainder in the place of rejection', () => {
  const bound = 3 * 2 ** 5;
  const counts = countsOver(7, (random) => (random.word() >>> 25) % bound, bound);
  expect(new Set(counts)).toEqual(new Set([1, 2]));
});

/**
 * Draws from the lowest third of [0, 3·2^k), n = 30,000. A fair source gives a third: the z of the share is above
 * 5 once in 1.7 million tapes. A remainder of 2^(k+2) gives a half, z = 61.
 */
function lowestThirdScore(isLow: () => boolean): number {
  const n = 30_000;
  let low = 0;
  for (let i = 0; i < n; i += 1) if (isLow()) low += 1;
  return Math.abs(low - n / 3) / Math.sqrt((n * 2) / 9);
}

test.for([30n, 31n, 40n, 51n, 52n, 64n, 70n, 200n])('3·2^%i is uniform over its thirds', (k) => {
  const random = tapedRandom(`thirds ${k}`);
  expect(lowestThirdScore(() => random.bigBelow(3n << k) < 1n << k)).toBeLessThan(5);
});

test.for([30, 31, 40, 51])('3·2^%i is uniform over its thirds, drawn as a number', (k) => {
  const random = tapedRandom(`thirds ${k}`);
  expect(lowestThirdScore(() => random.below(3 * 2 ** k) < 2 ** k)).toBeLessThan(5);
});

test('negative control: a remainder is not uniform over the thirds', () => {
  const random = tapedRandom('remainder');
  expect(lowestThirdScore(() => random.word() % (3 * 2 ** 30) < 2 ** 30)).toBeGreaterThan(50);
});

test('big bounds just above a power of two stay below their bound and reach both ends', () => {
  // 65 bits are the upper 65 of three words: 2^64 + 1 is thrown away, 2^64 and 0 are kept.
  const top = 0x8000_0000;
  const { random } = wordTape([top, 0, top, top, 0, 0, 0, 0, 0]);
  expect(random.bigBelow(2n ** 64n + 1n)).toBe(2n ** 64n);
  expect(random.bigBelow(2n ** 64n + 1n)).toBe(0n);
  expect(() => random.bigBelow(0n)).toThrow(RangeError);
});

test.for([0, -1, 1.5, NaN, 2 ** 53 + 2])('a bound of %d is a programmer’s error', (bound) => {
  expect(() => tapedRandom('bound').below(bound)).toThrow(RangeError);
});

test('the default source is fresh on every start', () => {
  const draw = (): number[] => {
    const random = secureRandom();
    return Array.from({ length: 8 }, () => random.word());
  };
  expect(draw()).not.toEqual(draw());
});
