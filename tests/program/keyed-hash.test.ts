/** The keyed hash of choices: published vectors of SipHash-2-4, and an even choice of what is kept. */
import { describe, expect, test } from 'vitest';
import { KeyedHash, sipHash } from '#sandbox/program/keyed-hash.ts';
import { smallestRanks } from '#sandbox/program/smallest-ranks.ts';

/** Key 00 01 … 0f, as in the reference code of Aumasson and Bernstein (github.com/veorq/SipHash, vectors.h). */
const KEY = Int32Array.of(0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c);

describe('SipHash-2-4', () => {
  test('of the 16 bytes 00 01 … 0f is db9bc2577fcc2a3f, of which 53 bits are kept', () => {
    const rank = sipHash(KEY, 0x03020100, 0x07060504, 0x0b0a0908, 0x0f0e0d0c);
    expect(BigInt(rank)).toBe(0x3f2acc7f57c29bdbn >> 11n);
  });
});

describe('the smallest ranks', () => {
  test.for([10, 64, 65, 5_000])('of %i are those that sorting finds, ties by place', (count) => {
    const rankOf = (place: number): number => (place * 7919) % 101;
    const sorted = Array.from({ length: count }, (_, place) => place).toSorted(
      (a, b) => rankOf(a) - rankOf(b) || a - b,
    );
    for (const keep of [1, 3, count - 1, count, count + 1])
      expect(smallestRanks(count, keep, rankOf)).toEqual(sorted.slice(0, keep));
  });

  test('keep each of four cells of a unit equally often, and not those of another seed', () => {
    // 10,000 units, two of four cells: a cell is kept 5,000 ± 50 times; 6 standard deviations: 2·10⁻⁹ each.
    const counts = [0, 0, 0, 0];
    const [one, other] = [new KeyedHash('a', 'cells'), new KeyedHash('b', 'cells')];
    let same = 0;
    for (let unit = 0; unit < 10_000; unit += 1) {
      const [kept, elsewhere] = [one, other].map((hash) =>
        smallestRanks(4, 2, (cell) => hash.rank(unit, 0, cell, 0)).toSorted((a, b) => a - b),
      ) as [number[], number[]];
      for (const cell of kept) counts[cell]! += 1;
      same += kept.join() === elsewhere.join() ? 1 : 0;
    }
    for (const count of counts) expect(Math.abs(count - 5_000)).toBeLessThan(300);
    // One pair in six.
    expect(Math.abs(same - 10_000 / 6)).toBeLessThan(6 * Math.sqrt(10_000 * (5 / 36)));
  });
});
